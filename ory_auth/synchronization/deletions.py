"""People whose identity was not in the list: whether Ory has really deleted it, and what becomes of the user.

A list says little about what is not in it. So each identity is asked for by its ID, and too many are not believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import UUID

from django.db import models

from ..models import OryIdentity
from ..users.fields import has_field
from .context import Sync
from .errors import SyncStopped
from .page import sync_page
from .person import delete_person, run_for
from .summary import Drift

CHUNK = 500
FREE_DELETIONS = 5  # people, whatever share of all they are
MAX_SHARE = 0.1  # of all people, unless the caller allows more


def sync_deletions(sync: Sync) -> None:
    """Find the people who were deleted at Ory, and let their users follow."""
    missing = list(_missing(sync))
    _check_number(missing, sync)
    for identity_id in missing:
        if sync.listing.get(identity_id) is not None:
            continue  # created a moment ago, and not in the list yet
        sync.summary.add(Drift.DELETED, identity_id)
        if not sync.options.dry_run:
            run_for(identity_id, sync, partial(delete_person, identity_id, sync))
        sync.keep_alive()
    for identity_id in _known_deletions(sync):
        sync.summary.add(Drift.DELETED, identity_id)
        if not sync.options.dry_run:
            run_for(identity_id, sync, partial(delete_person, identity_id, sync))
            sync.keep_alive()


def _missing(sync: Sync) -> Iterator[UUID]:
    """Identities with a link that Ory does not list, even if it is asked for them. Those that it lists are compared."""
    for candidates in _in_chunks(_candidates(sync)):
        if sync.options.dry_run:
            candidates = [identity_id for identity_id in candidates if identity_id.bytes not in sync.listed]
        existing = sync.listing.existing(candidates)
        if existing.identities:
            sync_page(existing, sync)
        yield from (identity_id for identity_id in candidates if str(identity_id) not in existing.ids)
        sync.keep_alive()


def _candidates(sync: Sync) -> Any:
    links = OryIdentity.objects.using(sync.using).filter(deleted_at=None)
    if sync.record is None:
        return links
    return links.filter(models.Q(synced_at=None) | models.Q(synced_at__lt=sync.record.started_at))


def _known_deletions(sync: Sync) -> list[UUID]:
    """Identities that were deleted before, such as by a web hook, and whose users are still active."""
    if not has_field("is_active"):
        return []
    links = OryIdentity.objects.using(sync.using).exclude(deleted_at=None).filter(user__is_active=True)
    if sync.record is not None:
        links = links.filter(deleted_at__lt=sync.record.started_at)
    return [identity_id for identity_id in links.values_list("pk", flat=True) if identity_id.bytes not in sync.listed]


def _in_chunks(links: Any) -> Iterator[list[UUID]]:
    last: UUID | None = None
    while True:
        rows = links if last is None else links.filter(pk__gt=last)
        chunk = list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK])
        if not chunk:
            return
        yield chunk
        last = chunk[-1]


def _check_number(missing: list[UUID], sync: Sync) -> None:
    """Raise :class:`SyncStopped` if so many people are missing that this may be the wrong Ory."""
    known = OryIdentity.objects.using(sync.using).filter(deleted_at=None).count()
    allowed = sync.options.allow_deletions
    if allowed is None:
        allowed = 0 if len(missing) == known else max(FREE_DELETIONS, int(known * MAX_SHARE))
    if len(missing) > allowed and not sync.options.dry_run:
        raise SyncStopped(
            f"Ory does not have {len(missing):,} of the {known:,} identities of this site. Nothing was done to these "
            "people. Check that ORY_AUTH['ADMIN_URL'] and ['API_KEY'] are those of the right Ory. If these people have "
            f"really been deleted, run it again with --allow-deletions {len(missing)}."
        )
