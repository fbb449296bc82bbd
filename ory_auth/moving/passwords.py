"""What becomes of a user's password."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.hashers import get_hashers

from ..conf import Conf
from . import notices
from .hashes import ConvertedHash, NoPassword, Refused, convert_hash
from .notices import Notice
from .options import MoveOptions


@dataclass(frozen=True, slots=True)
class Password:
    hasher: str
    outcome: str
    credentials: dict[str, Any] = field(default_factory=dict, repr=False)
    problems: tuple[Notice, ...] = ()
    warnings: tuple[Notice, ...] = ()


def describe_password(user: Any, options: MoveOptions, conf: Conf) -> Password:
    result = convert_hash(getattr(user, "password", None))
    if isinstance(result, NoPassword):
        return Password("none", "none")
    installed = {hasher.algorithm for hasher in get_hashers()}
    if isinstance(result, ConvertedHash):
        return Password(result.hasher, "hash", _password_credential({"hashed_password": result.value}))
    if isinstance(result, Refused) or result.hasher not in installed:
        # The name may be a part of anything that somebody stored as a password.
        hasher = result.hasher if result.hasher in installed else "unknown"
        return Password(hasher, "none", warnings=(notices.UNREADABLE_PASSWORD,))
    uses_hook = bool(conf.password_migration_secrets) if options.migration_hook is None else options.migration_hook
    if uses_hook:
        return Password(result.hasher, "hook", _password_credential({"use_password_migration_hook": True}))
    if options.migration_hook is False:
        return Password(result.hasher, "none", warnings=(notices.PASSWORD_LEFT,))
    return Password(result.hasher, "none", problems=(notices.NEEDS_MIGRATION_HOOK,))


def _password_credential(config: dict[str, Any]) -> dict[str, Any]:
    return {"password": {"config": config}}
