"""The secrets with which Ory calls this site: each for one purpose, and hard to guess."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import CheckMessage

from ..conf import Conf, Secret
from .message import make_message

MIN_DIFFERENT_LETTERS = 8
_LISTS = ("PASSWORD_MIGRATION_SECRETS", "WEBHOOK_SECRETS")


def check_secrets(conf: Conf) -> Iterator[CheckMessage]:
    """The messages never contain a secret."""
    others = _other_secrets(conf)
    for key in _LISTS:
        secrets: tuple[Secret, ...] = getattr(conf, key.lower())
        for number, secret in enumerate(secrets, 1):
            value = secret.reveal()
            if len(set(value)) < MIN_DIFFERENT_LETTERS:
                yield make_message(
                    "W050",
                    f"ORY_AUTH[{key!r}]: secret {number} is easy to guess.",
                    "Create one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'.",
                )
            for name in sorted({name for name, other in others if other == value and name != f"ORY_AUTH[{key!r}]"}):
                yield make_message(
                    "W051",
                    f"ORY_AUTH[{key!r}]: secret {number} is the same as {name}.",
                    "Use each secret for one purpose, so that a leak of one does not open the other.",
                )


def _other_secrets(conf: Conf) -> list[tuple[str, str]]:
    named = [(f"ORY_AUTH[{key!r}]", secret) for key in _LISTS for secret in getattr(conf, key.lower())]
    named += [(f"ORY_AUTH[{key.upper()!r}]", getattr(conf, key)) for key in ("api_key", "gateway_token")]
    values = [(name, secret.reveal()) for name, secret in named if secret]
    return [*values, ("SECRET_KEY", str(getattr(settings, "SECRET_KEY", "")))]
