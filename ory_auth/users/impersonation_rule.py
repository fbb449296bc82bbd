"""Who may impersonate whom. The rule is checked at the start of an impersonation, and at each of its requests."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from ..conf import Conf
from .handler import import_handler_class
from .rights import has_rights_beyond

PERMISSION = "ory_auth.impersonate"


class Refusal(StrEnum):
    """Why an impersonation is refused. The value is the ``reason`` of ``ImpersonationRefused``."""

    NO_PERMISSION = "no_permission"
    SELF = "self"
    SUPERUSER = "superuser"
    INACTIVE = "inactive"
    MORE_RIGHTS = "more_rights"  # or the same rights
    HANDLER = "handler"  # refuse_impersonation() of the project's handler
    NOT_SIGNED_IN = "not_signed_in"
    TOKEN = "token"
    ACTIVE = "active"  # another impersonation has not ended yet
    NO_REASON = "no_reason"


def find_refusal(actor: Any, person: Any, conf: Conf) -> tuple[Refusal, str] | None:
    """Why ``actor`` may not impersonate ``person``, and the handler's text if that refuses; ``None`` if they may.

    Both are users. A user model without permissions allows no impersonation.
    """
    if not may_impersonate_anyone(actor):
        return Refusal.NO_PERMISSION, ""
    if actor.pk == person.pk:
        return Refusal.SELF, ""
    if getattr(person, "is_superuser", False):
        return Refusal.SUPERUSER, ""
    if not _is_active(person):
        return Refusal.INACTIVE, ""
    if has_rights_beyond(person, actor) or not has_rights_beyond(actor, person):
        return Refusal.MORE_RIGHTS, ""
    text = import_handler_class(conf.user_handler)(conf).refuse_impersonation(actor, person)
    return (Refusal.HANDLER, text) if text else None


def may_impersonate_anyone(user: Any) -> bool:
    """Whether this user has the permission ``ory_auth.impersonate``."""
    return bool(getattr(user, "is_active", False)) and hasattr(user, "has_perm") and bool(user.has_perm(PERMISSION))


def _is_active(person: Any) -> bool:
    """Whether the person could sign in: they are active here, and as far as this site knows at Ory."""
    identity = getattr(person, "ory_identity", None)
    is_gone = identity is not None and (identity.deleted_at is not None or identity.state == "inactive")
    return bool(getattr(person, "is_active", True)) and not is_gone
