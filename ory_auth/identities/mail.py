"""The mails with which a person gets into their account. They contain a secret, and go to that person only.

Django's e-mail settings decide how they are sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from ..types import Identity
from .account_help import RecoveryCode, RecoveryLink


@dataclass(frozen=True)
class Letter:
    """Which mail goes to whom. ``kind`` is the beginning of the template names: "invitation" or "recovery"."""

    kind: str
    address: str = field(repr=False)
    identity: Identity
    language: str | None = None
    from_email: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict, repr=False)


def send_letter(letter: Letter, recovery: RecoveryLink | RecoveryCode) -> str | None:
    """Send the mail. Returns the type of the error if it could not be sent.

    The error itself contains the address, or has frames with the code.
    """
    try:
        _write(letter, recovery).send()
    except Exception as error:  # of any mail backend, or of a template of the project
        return type(error).__name__
    return None


def _write(letter: Letter, recovery: RecoveryLink | RecoveryCode) -> EmailMultiAlternatives:
    language = letter.language or translation.get_language()
    context = {
        "identity": letter.identity,
        "email": letter.address,
        "url": recovery.url,
        "code": recovery.code if isinstance(recovery, RecoveryCode) else None,
        "expires_at": recovery.expires_at,
        "site_name": _site_name(recovery),
        "language": language,
        **letter.context,
    }
    name = f"ory_auth/email/{letter.kind}"
    with translation.override(language):
        subject = " ".join(render_to_string(f"{name}_subject.txt", context).split())
        message = EmailMultiAlternatives(
            subject, render_to_string(f"{name}_body.txt", context).strip() + "\n", letter.from_email, [letter.address]
        )
        message.attach_alternative(render_to_string(f"{name}_body.html", context), "text/html")
    return message


def _site_name(recovery: RecoveryLink | RecoveryCode) -> str:
    """The name in ``django.contrib.sites``, if a site is set; else this site's host."""
    if apps.is_installed("django.contrib.sites") and getattr(settings, "SITE_ID", None):
        from django.contrib.sites.models import Site

        return str(Site.objects.get_current().name)
    host = urlsplit(recovery.url).netloc
    if isinstance(recovery, RecoveryCode):
        return host  # of the recovery page
    return next((name for name in settings.ALLOWED_HOSTS if name.strip(".*")), host).lstrip(".")  # Ory's host
