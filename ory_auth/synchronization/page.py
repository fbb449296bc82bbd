"""One page of identities: reads its links and users in a few queries, and changes what differs.

Most people are in sync, and cost no separate write. If only the link differs, all such links of a page are saved
at once. Everybody else goes through :mod:`ory_auth.synchronization.person`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from ..models import OryIdentity
from ..sessions.invalidation import drop_cached_sessions
from ..signals import identity_changed
from ..types import Identity
from ..users.database import stored_time
from ..users.fields import user_model
from ..users.link_columns import identity_columns
from ..users.sign_ins import known_session_ids
from .comparison import Comparison, compare, is_only_unknown
from .context import Sync
from .listing import Page
from .person import create_person, run_for, update_person
from .summary import Drift


@dataclass(frozen=True, slots=True)
class Compared:
    """An identity, its link with its user, and how they differ. ``link`` is ``None`` if it was never here.

    ``comparison`` is ``None`` if the project's own code has failed.
    """

    identity: Identity
    link: OryIdentity | None
    user: Any
    comparison: Comparison | None


def sync_page(page: Page, sync: Sync) -> None:
    """Compare these identities, and change what differs, unless it is a dry run."""
    for _ in range(page.unreadable):
        sync.summary.add(Drift.FAILED, None)
    if sync.options.dry_run:
        people = _compare(page.identities, sync)
        sync.listed.update(person.identity.id.bytes for person in people if person.link is not None)
    else:
        people = _update_links(page.identities, sync)
    for person in people:
        _count(person, sync)
        if not sync.options.dry_run:
            _change(person, sync)
    sync.summary.identities += len(page.identities)


def _compare(identities: Sequence[Identity], sync: Sync) -> list[Compared]:
    """Two queries for a page, or three with groups."""
    links = OryIdentity.objects.using(sync.using).in_bulk([identity.id for identity in identities])
    users = user_model()._base_manager.using(sync.using)
    if sync.conf.groups is not None and sync.conf.groups.groups:
        users = users.prefetch_related("groups")
    users_by_key = users.in_bulk([link.user_id for link in links.values() if link.user_id is not None])
    return [_compare_one(identity, links, users_by_key, sync) for identity in identities]


def _compare_one(identity: Identity, links: dict[UUID, OryIdentity], users: dict[Any, Any], sync: Sync) -> Compared:
    link = links.get(identity.id)
    if link is None:
        return Compared(identity, None, None, Comparison())
    user = users.get(link.user_id)
    comparison: list[Comparison] = []
    # values() of the project's handler may raise for one person.
    run_for(identity.id, sync, lambda: comparison.append(compare(identity, link, user, sync.handler, sync.using)))
    return Compared(identity, link, user, comparison[0] if comparison else None)


def _count(person: Compared, sync: Sync) -> None:
    comparison, summary = person.comparison, sync.summary
    if comparison is None:
        return  # counted as failed
    if person.link is None:
        drifts = [Drift.NEVER_HERE]
    else:
        drifts = [drift for drift, is_there in _drifts(comparison) if is_there]
        if person.user is None:
            drifts.append(Drift.DELETED_HERE)
    for drift in drifts:
        summary.add(drift, person.identity.id)
    if not drifts:
        summary.in_sync += 1


def _drifts(comparison: Comparison) -> Iterator[tuple[Drift, bool]]:
    yield Drift.FIELDS, bool(comparison.fields)
    yield Drift.ACCESS, bool(comparison.access)
    yield Drift.INACTIVE, comparison.is_inactive
    yield Drift.ACTIVE, comparison.is_to_reactivate
    yield Drift.RESTORED, comparison.is_restored


def _change(person: Compared, sync: Sync) -> None:
    identity = person.identity
    if person.link is None:
        if sync.options.create:
            run_for(identity.id, sync, partial(create_person, identity, sync))
            sync.keep_alive()
    elif _needs_update(person, sync):
        run_for(identity.id, sync, partial(update_person, identity, sync))
        sync.keep_alive()


# --- links ------------------------------------------------------------------------------------------------------------


def _update_links(identities: Sequence[Identity], sync: Sync) -> list[Compared]:
    """Compare while holding the rows of all links of the page, and save those links whose users need no change."""
    using, links = sync.using, OryIdentity.objects.using(sync.using)
    with transaction.atomic(using=using):
        now = stored_time(datetime.now(UTC), using)
        links.filter(pk__in=[identity.id for identity in identities]).update(synced_at=now)
        people = _compare(identities, sync)
        changed = [person for person in people if _is_about_link(person, sync)]
        _announce([person for person in changed if not _was_unknown(person)], sync)
        _save_links(changed, sync)
    return people


def _save_links(people: Sequence[Compared], sync: Sync) -> None:
    links = OryIdentity.objects.using(sync.using)
    times: dict[UUID, datetime] = {}
    groups: dict[tuple[Any, ...], list[UUID]] = defaultdict(list)
    for person in people:
        if person.link is None or person.comparison is None:
            continue
        columns = identity_columns(person.identity, sync.using)
        if "updated_at" in person.comparison.columns:
            times[person.link.pk] = columns["updated_at"]
        if set(person.comparison.columns) - {"updated_at"}:
            groups[columns["state"], columns["has_verified_address"]].append(person.link.pk)
    _save_times(times, sync.using)
    for (state, has_verified_address), ids in groups.items():
        links.filter(pk__in=ids).update(state=state, has_verified_address=has_verified_address)


def _save_times(times: Mapping[UUID, datetime], using: str) -> None:
    """Save ``updated_at`` of these links. ``bulk_update()`` needs several times as long to build its SQL."""
    if not times:
        return
    connection, meta = connections[using], OryIdentity._meta
    quote = connection.ops.quote_name
    key: Any = meta.get_field("id")
    updated_at: Any = meta.get_field("updated_at")
    sql = f"UPDATE {quote(meta.db_table)} SET {quote(updated_at.column)} = %s WHERE {quote(key.column)} = %s"  # noqa: S608
    rows = [
        (updated_at.get_db_prep_save(time, connection), key.get_db_prep_save(identity_id, connection))
        for identity_id, time in times.items()
    ]
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)


def _is_about_link(person: Compared, sync: Sync) -> bool:
    """Whether only the link differs."""
    return bool(person.link and person.comparison and person.comparison.columns) and not _needs_update(person, sync)


def _needs_update(person: Compared, sync: Sync) -> bool:
    """Whether the user has to change."""
    comparison = person.comparison
    return comparison is not None and bool(
        comparison.fields
        or comparison.access
        or comparison.is_restored
        or comparison.is_to_reactivate
        or (comparison.is_inactive and sync.follows_inactive)
    )


def _was_unknown(person: Compared) -> bool:
    if person.link is None or person.comparison is None:
        return False
    return is_only_unknown(person.link, person.comparison.columns)


def _announce(people: Sequence[Compared], sync: Sync) -> None:
    """What :func:`ory_auth.identities.effects.apply_identity` does after a change, for many people at once."""
    if not people:
        return
    drop_cached_sessions(known_session_ids(*(person.identity.id for person in people)), sync.conf)
    if identity_changed.has_listeners(OryIdentity):
        for person in people:
            send = partial(identity_changed.send_robust, OryIdentity, identity=person.identity, user=person.user)
            transaction.on_commit(send, using=sync.using)
