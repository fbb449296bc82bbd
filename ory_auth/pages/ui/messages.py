"""Translates Ory's messages, labels and errors, by the ids that Ory gives them.

Ory sends English texts only. If a catalogue of this package or of the project has a translation for the active
language, the page shows that, with Ory's values filled in. Otherwise, and always in English, it shows Ory's own text.
A project adds a language, or changes a text, in its own catalogue (``LOCALE_PATHS``); the texts below are the
``msgid``s. Messages without an id here (of a web hook, or a schema's about a value) are shown as Ory wrote them.

Errors are different. Ory's texts for them may quote a link that an attacker wrote. So in every language, English
included, the page shows the texts below instead.

The ids are documented at https://www.ory.com/docs/kratos/concepts/ui-messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

CONTINUE, BACK, LINK = _("Continue"), _("Back"), _("Sign in and link")
CODE_SENT = _("We have sent you a code. If it does not arrive, check the address and try again.")
LINK_MAILED = _(
    "We have sent an e-mail with a link to this address. "
    "If it does not arrive, check that it is the address you registered with."
)
CODE_MAILED = _(
    "We have sent an e-mail with a code to this address. "
    "If it does not arrive, check that it is the address you registered with."
)
TOO_LATE = _("This took too long. Please try again.")
NO_SUCH_WAY = _("That didn't work. Please check what you entered.")
DONE_ALREADY = _("This has already been done.")
CODE_WRONG = _("The code is wrong, or has already been used. Please try again.")
LINK_WRONG = _("The link is not valid, or has already been used. Please start again.")
LINK_INCOMPLETE = _("The link is incomplete. Please start again.")
START_AGAIN = _("Something went wrong. Please start again.")

MESSAGES: dict[int, str] = {
    # signing in
    1010001: _("Sign in"),
    1010002: _("Sign in with %(provider)s"),
    1010003: _("Please confirm that it's you."),
    1010004: _("Please complete the second step."),
    1010005: _("Confirm"),
    1010006: _("Code from the authenticator app"),
    1010007: _("Backup code"),
    1010008: _("Sign in with a security key"),
    1010009: _("Use the authenticator app"),
    1010010: _("Use a backup code"),
    1010011: _("Sign in with a security key"),
    1010012: _("Have your security key ready, then continue."),
    1010013: CONTINUE,
    1010014: CODE_SENT,
    1010015: _("Send a sign-in code"),
    1010016: _(
        "%(duplicate_identifier)s belongs to another account. "
        "Sign in to that account, and %(provider)s becomes another way to sign in to it."
    ),
    1010017: LINK,
    1010018: _("Confirm with %(provider)s"),
    1010019: _("Send a code"),
    1010021: _("Sign in with a passkey"),
    1010022: _("Sign in with the password"),
    1010023: _("Send a code to %(address)s"),
    # creating an account
    1040001: _("Sign up"),
    1040002: _("Sign up with %(provider)s"),
    1040003: CONTINUE,
    1040004: _("Sign up with a security key"),
    1040005: CODE_SENT,
    1040006: _("Send a sign-up code"),
    1040007: _("Sign up with a passkey"),
    1040008: BACK,
    1040009: _("Please choose how you want to sign in from now on."),
    # settings
    1050001: _("Your changes have been saved."),
    1050002: _("Link %(provider)s"),
    1050003: _("Unlink %(provider)s"),
    1050004: _("Remove the authenticator app"),
    1050005: _("QR code for the authenticator app"),
    1050007: _("Show the backup codes"),
    1050008: _("Create new backup codes"),
    1050010: _("These are your backup codes. Keep them in a safe place."),
    1050011: _("Confirm the backup codes"),
    1050012: _("Add a security key"),
    1050013: _("Name of the security key"),
    1050014: _("Used on %(used_at)s"),
    1050016: _("Turn off the backup codes"),
    1050017: _("If you cannot scan the QR code, enter this secret in the authenticator app."),
    1050018: _("Remove the security key “%(display_name)s”"),
    1050019: _("Add a passkey"),
    1050020: _("Remove the passkey “%(display_name)s”"),
    # recovering an account
    1060001: _("Your account is recovered. Please set a new password now, or another way to sign in."),
    1060002: LINK_MAILED,
    1060003: CODE_MAILED,
    1060004: _(
        "We have sent a code to %(masked_address)s. "
        "If it does not arrive, check that it is the address you registered with."
    ),
    1060005: _("Please enter your full address to recover your account."),
    1060006: _("Please choose how you want to recover your account."),
    1060007: BACK,
    # labels
    1070001: _("Password"),
    1070003: _("Save"),
    1070004: _("Address or username"),
    1070005: _("Submit"),
    1070006: _("Code from the authenticator app"),
    1070007: _("E-mail address"),
    1070008: _("Send the code again"),
    1070009: CONTINUE,
    1070010: _("Recovery code"),
    1070011: _("Verification code"),
    1070012: _("Registration code"),
    1070013: _("Sign-in code"),
    1070014: LINK,
    1070015: _("Please complete the check to continue."),
    1070016: _("Recovery address"),
    1070017: _("Phone number"),
    # verifying an address
    1080001: LINK_MAILED,
    1080002: _("Your e-mail address is verified."),
    1080003: CODE_MAILED,
    # what is wrong with a value
    4000002: _("This is missing."),
    4000003: _("Enter at least %(min_length)s characters."),
    4000004: _("This does not have the expected format."),
    4000005: _("This password can't be used. Please choose another one."),
    4000006: _("The sign-in details are wrong. Please check the name and the password."),
    4000007: _("An account with these details already exists."),
    4000008: _("The code is wrong. Please try again."),
    4000009: _("There is no name or address to sign in with."),
    4000010: _("This account is not active yet. Please verify your e-mail address first."),
    4000011: _("You have not set up an authenticator app."),
    4000012: _("This backup code has already been used."),
    4000013: _("You have not set up a security key."),
    4000014: _("You have no backup codes."),
    4000015: _("There is no such account, or it has no security key."),
    4000016: _("The backup code is wrong."),
    4000017: _("Enter at most %(max_length)s characters."),
    4000018: _("The value must be at least %(minimum)s."),
    4000019: _("The value must be greater than %(minimum)s."),
    4000020: _("The value must be at most %(maximum)s."),
    4000021: _("The value must be less than %(maximum)s."),
    4000022: _("The value must be a multiple of %(base)s."),
    4000023: _("Enter at most %(max_items)s entries."),
    4000024: _("Enter at least %(min_items)s entries."),
    4000025: _("This entry appears twice."),
    4000026: _("This is not the expected type of value."),
    4000027: _("An account with these details already exists. Please sign in to it to link the two."),
    4000028: _("An account with these details already exists. Please sign in to it."),
    4000029: _("This must be %(expected)s."),
    4000030: _("This is not the expected value."),
    4000031: _("The password is too similar to your name or address."),
    4000032: _("The password needs at least %(min_length)s characters."),
    4000033: _("The password must have at most %(max_length)s characters."),
    4000034: _("This password has appeared in stolen data and can no longer be used."),
    4000035: _("There is no such account, or it is not set up for codes."),
    4000036: _("This differs from what you entered before."),
    4000037: _("There is no such account, or it is not set up for this way to sign in."),
    4000038: _("The check failed. Please try again."),
    4000039: _("The new password must be different from the old one."),
    4000040: _("Please enter a valid e-mail address."),
    4000041: _("Please enter a valid phone number."),
    # what is wrong with a flow
    **dict.fromkeys((4010001, 4040001, 4050001, 4060005, 4070005), TOO_LATE),
    **dict.fromkeys((4010002, 4010003, 4010004, 4010005, 4010006), NO_SUCH_WAY),
    **dict.fromkeys((4010007, 4040002, 4060001, 4070002), DONE_ALREADY),
    **dict.fromkeys((4010008, 4040003, 4060006, 4070006), CODE_WRONG),
    4010009: _("The linked accounts do not match."),
    4010010: _("This address does not belong to this account."),
    **dict.fromkeys((4060002, 4070003), START_AGAIN),
    **dict.fromkeys((4060003, 4070004), LINK_INCOMPLETE),
    **dict.fromkeys((4060004, 4070001), LINK_WRONG),
    5000002: _("There is no way to sign in here. Please contact the people who run this site."),
}
TITLE_ID = 1070002  # the label of a trait: its title in the identity schema, which is looked up itself
TITLES = (
    *(_("E-Mail"), _("E-mail"), _("Email"), _("Phone"), _("Username"), _("User name")),
    *(_("Name"), _("First name"), _("Last name"), _("Groups")),
)

ERRORS = {
    "security_csrf_violation": _(
        "The form wasn't sent from this site, or your browser didn't keep a cookie. Allow cookies, then start again."
    ),
    "security_identity_mismatch": _(
        "This form was started with another account. For your safety, it was stopped. Please start again."
    ),
    "self_service_flow_disabled": _("This is not available on this site."),
    "self_service_flow_expired": TOO_LATE,
    "self_service_flow_replaced": TOO_LATE,
    "self_service_flow_return_to_forbidden": _("This site cannot send you back to the page that you came from."),
    "session_aal1_required": _("You are not signed in."),
    "session_aal2_required": _("You need a second factor for this."),
    "session_aal_already_fulfilled": _("You have already completed the second step."),
    "session_already_available": _("You are already signed in."),
    "session_inactive": _("You are not signed in."),
    "session_refresh_required": _("You signed in too long ago for this. Please sign in again."),
    "session_verified_address_required": _("Your address isn't verified yet. Please verify it first."),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message or a label appears, as far as its wording depends on it. All of it may be unknown.

    ``flow`` is the kind of the flow. ``group`` is the node's group, or the flow's ``active`` method for a message of
    the flow. ``input_type`` is the type of the field, "select" if it has options. ``sent_to`` is the address that a
    code or a link went to, which may be masked. ``providers`` are their labels, by id: see :func:`read_provider_names`.
    """

    flow: str = ""
    group: str = ""
    input_type: str = ""
    sent_to: str = ""
    providers: Mapping[str, str] = field(default_factory=dict)


ANYWHERE = Place()


def translate_message(message: Mapping[str, Any], place: Place = ANYWHERE) -> str:
    """The text of a message or a label of Ory, in the language of the page; empty if it has no text."""
    id_, text = message.get("id"), message.get("text")
    text = text.strip() if isinstance(text, str) else ""
    if not text or type(id_) is not int:
        return text
    if id_ == TITLE_ID:
        return gettext(text)
    translated = _find_translation(MESSAGES.get(id_, ""))
    context = message.get("context")
    try:
        return translated % _Values(context if isinstance(context, Mapping) else {}) if translated else text
    except (KeyError, ValueError, TypeError, OverflowError):
        return text  # Ory did not send a value, or a project's catalogue has a mistake


def read_provider_names(nodes: Iterable[object]) -> dict[str, str]:
    """The ids of the providers in the nodes of a flow, with the labels that Ory has for them."""
    names = {}
    for node in nodes:
        attributes = _mapping(_mapping(node).get("attributes"))
        label = _mapping(_mapping(_mapping(node).get("meta")).get("label"))
        name, id_ = _mapping(label.get("context")).get("provider"), attributes.get("value")
        if isinstance(id_, str) and isinstance(name, str) and name:
            names[id_] = name
    return names


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def translate_error(error_id: str) -> str:
    """The explanation of an error of Ory, in the language of the page; empty if the id is not in the table."""
    text = ERRORS.get(error_id, "")
    return gettext(text) if text else ""  # gettext("") is the catalogue's own header


def _find_translation(text: str) -> str:
    """The translation in the active language; empty if there is none."""
    translated = gettext(text) if text else ""  # gettext("") is the catalogue's own header
    return translated if translated != text else ""


class _Values(dict[str, Any]):
    """Ory's values for a text; times are formatted for the active language."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if not isinstance(value, str | int | float) or value == "":
            raise KeyError(name)
        if name.endswith("_at") and isinstance(value, str):
            return date_format(localtime(datetime.fromisoformat(value)), "SHORT_DATETIME_FORMAT")
        return value
