"""What is changed for one person. An error of the project's own code fails this person only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import Error, transaction

from ..events import Event, log
from ..exceptions import OryUnavailable
from ..identities.effects import apply_deletion, apply_identity
from ..models import OryIdentity
from ..types import Identity
from ..users.activation import deactivate
from ..users.database import stored_time
from ..users.database_errors import refusal_of
from ..users.differences import fields_that_differ
from ..users.query import last_change
from .comparison import has_own_update
from .context import Stopped, Sync
from .errors import SyncStopped
from .options import DEACTIVATE, KEEP
from .summary import Drift


def run_for(identity_id: UUID, sync: Sync, work: Callable[[], object]) -> None:
    """Run ``work``, and count the person as failed if it raises. Errors of the database itself are raised."""
    try:
        work()
    except Exception as error:
        if _is_about_the_run(error):
            raise
        failure = type(error).__name__
    else:
        return
    sync.summary.add(Drift.FAILED, identity_id)
    log(Event.SYNC_FAILED, identity=str(identity_id), error=failure)


def _is_about_the_run(error: Exception) -> bool:
    """Whether the error would come again with the next person: an outage, or a reason to stop."""
    if isinstance(error, Error):
        return refusal_of(error) is None
    if isinstance(error, OryUnavailable):
        return error.event != Event.USER_NOT_CREATED
    return isinstance(error, (Stopped, SyncStopped))


def update_person(identity: Identity, sync: Sync) -> None:
    """Let the user follow the identity. Differences that remain are looked at again at the end."""
    applied = apply_identity(identity, sync.conf)
    if applied.user is None or applied.outdated:
        return
    if identity.state != "active":
        _follow_inactive(applied.user, identity, sync)
    if not has_own_update(sync.handler) and fields_that_differ(applied.user, identity, sync.handler):
        sync.try_again_later(identity.id)


def create_person(identity: Identity, sync: Sync) -> None:
    """Create a user. If a value is taken, it is tried again at the end, when deletions are known."""
    applied = apply_identity(identity, sync.conf, create=True)
    if applied.created:
        sync.summary.created += 1
        if identity.state != "active":
            _follow_inactive(applied.user, identity, sync)
    elif applied.refused is not None:
        sync.try_again_later(identity.id)


def _follow_inactive(user: Any, identity: Identity, sync: Sync) -> None:
    changed_at = stored_time(last_change(identity), sync.using)
    links = OryIdentity.objects.using(sync.using).filter(pk=identity.id, updated_at__lte=changed_at)
    _follow_policy(sync.options.inactive, user, identity, links, "inactive", sync)


def delete_person(identity_id: UUID, sync: Sync) -> None:
    """Ory has confirmed that this identity does not exist."""
    applied = apply_deletion(identity_id, sync.conf)
    if applied.user is not None:
        links = OryIdentity.objects.using(sync.using).filter(pk=identity_id).exclude(deleted_at=None)
        _follow_policy(sync.options.deleted, applied.user, identity_id, links, "deleted", sync)


def _follow_policy(policy: Any, user: Any, argument: object, links: Any, why: str, sync: Sync) -> None:
    """A function of the project is called as long as the user is active."""
    if policy == KEEP or not user.is_active:
        return
    if policy == DEACTIVATE:
        sync.summary.deactivated += deactivate(user, links, why, sync.using)
        return
    with transaction.atomic(using=sync.using):
        if links.filter(user=user.pk).select_for_update().exists():
            policy(user, argument)
