"""What the settings call their sections, and say about them. Sections are groups of Ory's nodes."""

from __future__ import annotations

from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from .values import label_of

TITLES = {
    "default": _("Profile"),
    "profile": _("Profile"),
    "password": _("Password"),
    "totp": _("Authenticator app"),
    "lookup_secret": _("Backup codes"),
    "oidc": _("Connected accounts"),
    "saml": _("Connected accounts"),
    "webauthn": _("Security keys"),
    "passkey": _("Passkeys"),
    "code": _("Codes by email or phone"),
}
CONNECTED_ACCOUNTS = _("Sign in with an account that you have at another service.")
INTROS = {
    "passkey": _("Sign in with your fingerprint, your face or the screen lock of your device instead of a password."),
    "webauthn": _("A security key is a small device that you plug in or hold to your phone."),
    "totp": _("An app on your phone shows a new code every 30 seconds. You enter it when you sign in."),
    "lookup_secret": _("If you can't use your other second step, use one of these codes. Each works once."),
    "oidc": CONNECTED_ACCOUNTS,
    "saml": CONNECTED_ACCOUNTS,
}
EMPTY_LISTS = {"passkey": _("No passkeys yet."), "webauthn": _("No security keys yet.")}


def title_of(group: str) -> str:
    """The title of the section; for an unknown group its name."""
    return gettext(TITLES[group]) if group in TITLES else capfirst(label_of(group).replace("-", " ").replace("_", " "))


def intro_of(group: str) -> str:
    """What the section is for; empty if its title says it."""
    return gettext(INTROS[group]) if group in INTROS else ""


def empty_text_of(group: str) -> str:
    """What the section says while its list is empty; empty for sections without a list."""
    return gettext(EMPTY_LISTS[group]) if group in EMPTY_LISTS else ""
