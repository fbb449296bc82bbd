"""Values that could not be saved because another user has them, such as when two people have swapped addresses.

At the end, all other changes are known. If the other user is linked to an identity that now has another value in this
field, or that was deleted, that user gives up the value, and gets their own one.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from ..identities.effects import apply_identity
from ..models import OryIdentity
from ..ory.same_text import is_same_text
from ..types import Identity
from ..users.conflicts import Conflict, find_conflicts, release_address
from ..users.differences import fields_that_differ
from .comparison import has_own_update
from .context import Sync
from .person import run_for, update_person
from .summary import Drift

MAX_ROUNDS = 3  # in which one change may allow the next one: people who have exchanged addresses in a circle


def resolve_conflicts(sync: Sync) -> None:
    """Try again what could not be saved, and count what remains."""
    ids = list(dict.fromkeys(sync.unresolved))
    sync.unresolved.clear()
    for _ in range(MAX_ROUNDS):
        before = len(ids)
        remaining: list[UUID] = []
        for identity_id in ids:
            run_for(identity_id, sync, partial(_resolve, identity_id, sync, remaining))
            sync.keep_alive()
        ids = list(dict.fromkeys([*remaining, *sync.unresolved]))
        sync.unresolved.clear()
        if not ids or len(ids) == before:
            break
    for identity_id in ids:
        sync.summary.add(Drift.CONFLICT, identity_id)


def _resolve(identity_id: UUID, sync: Sync, remaining: list[UUID]) -> None:
    identity = sync.listing.get(identity_id)
    if identity is None:
        return  # deleted meanwhile; the next run finds that
    if not OryIdentity.objects.using(sync.using).filter(pk=identity_id).exists():
        applied = apply_identity(identity, sync.conf, create=True)
        sync.summary.created += applied.created
        if applied.refused is not None:
            remaining.append(identity_id)
        return
    applied = apply_identity(identity, sync.conf)
    if applied.user is None or applied.outdated:
        return
    holders = _release(applied.user, identity, sync)
    if holders:
        apply_identity(identity, sync.conf)
    for holder in holders:
        update_person(holder, sync)
    user = apply_identity(identity, sync.conf).user if holders else applied.user
    if not has_own_update(sync.handler) and fields_that_differ(user, identity, sync.handler):
        remaining.append(identity_id)


def _release(user: Any, identity: Identity, sync: Sync) -> list[Identity]:
    """Take the values of this identity from users who no longer have a right to them. Returns their identities."""
    if has_own_update(sync.handler):
        return []
    values = sync.handler.values(identity)
    different = {name: values[name] for name in fields_that_differ(user, identity, sync.handler) if name in values}
    released = []
    for conflict in find_conflicts(user, different, sync.using):
        holder = _former_holder(conflict, identity, sync)
        if holder is not None:
            with transaction.atomic(using=sync.using):
                if release_address(conflict, sync.using):
                    released.append(holder)
    return released


def _former_holder(conflict: Conflict, identity: Identity, sync: Sync) -> Identity | None:
    """The identity of the user who has the value, if that user would get another one from it.

    A value that Ory does not have at all, such as a username from before the move, stays with its user. Otherwise any
    person could take it by choosing the same one at Ory.
    """
    links = OryIdentity.objects.using(sync.using).filter(user_id=conflict.holder.pk).exclude(pk=identity.id)
    holder_id = links.values_list("pk", flat=True).first()
    holder = None if holder_id is None else sync.listing.get(holder_id)
    if holder is None or conflict.field not in fields_that_differ(conflict.holder, holder, sync.handler):
        return None
    return None if is_same_text(sync.handler.values(holder).get(conflict.field), conflict.value) else holder
