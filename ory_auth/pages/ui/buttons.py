"""What a button of a flow does: its role on the page, by the names that Ory gives to buttons.

Follows https://www.ory.com/docs/kratos/concepts/ui-user-interface and the nodes of Kratos 26.2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from .page import Button, Credential
from .unknown import report_unknown
from .values import label_of, mapping_of, text_of, value_text

# The functions that the passkey script of this package has.
TRIGGERS = frozenset(
    {
        "oryWebAuthnRegistration",
        "oryWebAuthnLogin",
        "oryPasskeyLogin",
        "oryPasskeyLoginAutocompleteInit",
        "oryPasskeyRegistration",
        "oryPasskeySettingsRegistration",
    }
)
# Buttons that take something away, and the question to ask before.
CONFIRMATIONS = {
    "passkey_remove": _("Remove this passkey? You can't sign in with it any more."),
    "webauthn_remove": _("Remove this security key? You can't sign in with it any more."),
    "unlink": _("Disconnect this account? You can't sign in with it any more."),
    "totp_unlink": _("Remove the authenticator app? Its codes stop working."),
    "lookup_secret_disable": _("Turn off the backup codes? They stop working."),
    "lookup_secret_regenerate": _("Create new backup codes? The ones you have now stop working."),
}
REMOVALS = frozenset({"passkey_remove", "webauthn_remove"})
PROVIDERS = frozenset({"provider", "link", "unlink"})
RESEND_LABEL = 1070008  # of buttons whose name says nothing, such as "email"
# Buttons of which each is one of several equal choices.
CHOICES = frozenset({"provider", "address", "recovery_select_address", "link"})
# Names of buttons. If a value is wrong, Ory adds a text field with the name of the button, only to carry the message.
BUTTON_NAMES = frozenset({*CONFIRMATIONS, *PROVIDERS, "method", "resend", "screen", "address"})
UNNAMED = "unnamed"  # Ory's name for a passkey whose authenticator it does not know


def read_button(attributes: Mapping[str, Any], label: str, label_data: Mapping[str, Any]) -> Button | Credential | None:
    """A button, or a row of a list with its button; ``None`` if it starts a function that is not known here.

    ``label_data`` is Ory's label, with its id and its values.
    """
    name, value = text_of(attributes.get("name")), value_text(attributes.get("value"))
    trigger = read_trigger(attributes.get("onclickTrigger"))
    if trigger is None:
        return None
    context = mapping_of(label_data.get("context"))
    button = Button(
        name=name,
        value=value,
        label=label,
        type="button" if text_of(attributes.get("type")) == "button" else "submit",
        disabled=attributes.get("disabled") is True,
        trigger=trigger,
        danger=name in CONFIRMATIONS,
        confirm=gettext(CONFIRMATIONS[name]) if name in CONFIRMATIONS else "",
        provider=(text_of(context.get("provider_id")) or value) if name in PROVIDERS else "",
        resend=name == "resend" or label_data.get("id") == RESEND_LABEL,
        goes_back=name == "screen",
    )
    if name in REMOVALS:
        display_name = label_of(context.get("display_name"))
        if display_name in ("", UNNAMED):
            display_name = gettext("Passkey") if name == "passkey_remove" else gettext("Security key")
        return Credential(display_name, button, read_time(context, "added_at"))
    if name in {"link", "unlink"}:
        provider = label_of(context.get("provider")) or label_of(value)
        return Credential(provider, button, provider=button.provider, connected=name == "unlink")
    return button


def read_trigger(value: object) -> str | None:
    """The name of a function of the passkey script, empty if there is none, ``None`` if it is unknown."""
    if not value:
        return ""
    if text_of(value) in TRIGGERS:
        return text_of(value)
    report_unknown("trigger", value)
    return None


def read_time(context: Mapping[str, Any], name: str) -> datetime | None:
    """The aware time that Ory sends as ``name`` (RFC 3339) or as seconds since 1970."""
    seconds = context.get(f"{name}_unix")
    try:
        if type(seconds) is int:
            return datetime.fromtimestamp(seconds, UTC)
        time = datetime.fromisoformat(text_of(context.get(name)))
    except (ValueError, OverflowError, OSError):
        return None
    return time if time.tzinfo else None
