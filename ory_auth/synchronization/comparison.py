"""How an identity and its user differ. Plain values; no I/O, but for groups that were not prefetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..models import OryIdentity
from ..types import Identity
from ..users.differences import fields_that_differ
from ..users.groups import access_changes
from ..users.handler import UserHandler
from ..users.link_columns import identity_columns

UNKNOWN = {"state": "", "has_verified_address": None}  # in links from before these columns existed


@dataclass(frozen=True, slots=True)
class Comparison:
    """``columns`` are those of the link that differ. The others are about the user."""

    is_outdated: bool = False  # the stored state is newer than this one
    columns: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    is_restored: bool = False
    is_inactive: bool = False  # at Ory, and the user is active
    is_to_reactivate: bool = False


def compare(identity: Identity, link: OryIdentity, user: Any, handler: UserHandler, using: str) -> Comparison:
    """Compare an identity, as Ory's admin API has it now, with its link and its user, if it has one."""
    columns = identity_columns(identity, using)
    if link.updated_at > columns["updated_at"]:
        return Comparison(is_outdated=True)
    different = tuple(name for name, value in columns.items() if getattr(link, name) != value)
    is_restored = link.deleted_at is not None
    if user is None:
        return Comparison(columns=different, is_restored=is_restored)
    is_active = identity.state == "active"
    return Comparison(
        columns=different,
        fields=_compare_fields(user, identity, handler, "updated_at" in different),
        access=access_changes(user, identity, handler.conf),
        is_restored=is_restored,
        is_inactive=not is_active and user.is_active,
        is_to_reactivate=is_active and link.deactivated_at is not None,
    )


def has_own_update(handler: UserHandler) -> bool:
    """Whether the project's handler decides what is copied, so that only a changed identity tells what to do."""
    return type(handler).update is not UserHandler.update


def _compare_fields(user: Any, identity: Identity, handler: UserHandler, is_changed: bool) -> tuple[str, ...]:
    if has_own_update(handler):
        return ("update()",) if is_changed else ()
    return fields_that_differ(user, identity, handler)


def is_only_unknown(link: OryIdentity, columns: tuple[str, ...]) -> bool:
    """Whether the link lacks these values only because it is from before these columns existed."""
    return all(name in UNKNOWN and getattr(link, name) == UNKNOWN[name] for name in columns)
