"""Comparing what two users may do, so that a staff member cannot use another account to gain rights."""

from __future__ import annotations

from copy import copy
from typing import Any


def has_rights_beyond(person: Any, actor: Any) -> bool:
    """Whether ``person`` has a right that ``actor`` lacks: being a superuser or staff, or a permission.

    Permissions come from all authentication backends. Inactive people count as if they were active, because they may
    be activated again. ``actor`` counts as they are.
    """
    if getattr(actor, "is_superuser", False) and actor.is_active:
        return False
    if any(getattr(person, flag, False) and not getattr(actor, flag, False) for flag in ("is_superuser", "is_staff")):
        return True
    return not _permissions(_as_active(person)) <= _permissions(actor)


def _permissions(user: Any) -> set[str]:
    """A user model without permissions has none."""
    return set(user.get_all_permissions()) if hasattr(user, "get_all_permissions") else set()


def _as_active(user: Any) -> Any:
    """A copy, because Django gives an inactive user no permissions."""
    twin = copy(user)
    if "is_active" in vars(twin):
        twin.is_active = True
    return twin
