"""What this site does when Ory's admin API says something new about an identity or a session.

The caller asks Ory and passes on the answer. Each function changes the database in one transaction, which also holds
the row of the link: two calls about one identity run one after the other. Caches change within the transaction, so
that nothing is lost if the process ends; signals are sent after the commit. Doing the same twice changes nothing.

Each raises ``django.db.Error`` if the database fails. Then the transaction has changed nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from ..conf import Conf
from ..events import Event, log
from ..models import OryIdentity, OrySignIn
from ..sessions.invalidation import drop_cached_sessions, refuse_sessions
from ..signals import identity_changed, identity_deleted, session_ended, user_created, user_linked, user_updated
from ..types import Identity
from ..users import row_cache
from ..users.activation import reactivate
from ..users.creation import create_user
from ..users.database import stored_time, writing_alias
from ..users.fields import user_model
from ..users.groups import apply_groups
from ..users.handler import UserHandler, import_handler_class
from ..users.link_columns import identity_columns
from ..users.provisioning import update_user
from ..users.sign_ins import known_session_ids

DELETION_SECONDS = 60  # in which a state of the identity may arrive that was read before its deletion


@dataclass(frozen=True, slots=True)
class Applied:
    """What a call has changed here.

    ``user`` is ``None`` if the identity has no user. ``changed`` has the names of fields, groups and columns, never
    their values. ``refused`` says why no user was created. ``outdated``: a newer state was applied before.
    """

    user: Any = None
    created: bool = False
    changed: tuple[str, ...] = ()
    refused: Event | None = None
    outdated: bool = False


def apply_identity(identity: Identity, conf: Conf, *, create: bool = False) -> Applied:
    """Update the user of this identity, its link and the caches, and send ``identity_changed`` if anything changed.

    An older state than the one that was applied last changes nothing. ``create`` also makes a user for an identity
    that was never here. It does not for one whose user was deleted here: that takes a new sign-in.
    """
    using = writing_alias()
    handler = import_handler_class(conf.user_handler)(conf)
    with transaction.atomic(using=using):
        applied = _apply_to_link(identity, handler, using)
    if applied is not None:
        return applied
    return _create(identity, handler, using) if create else Applied()


def _apply_to_link(identity: Identity, handler: UserHandler, using: str) -> Applied | None:
    """``None`` if the identity was never here."""
    now = datetime.now(UTC)
    links = OryIdentity.objects.using(using).filter(pk=identity.id)
    if not links.update(synced_at=stored_time(now, using)):  # this also locks the row, in every database
        return None
    link = links.get()
    columns = identity_columns(identity, using)
    if _is_outdated(link, columns["updated_at"], stored_time(now - timedelta(seconds=DELETION_SECONDS), using)):
        return Applied(_find_user(link, using), outdated=True)
    columns["deleted_at"] = None
    changed = [name for name, value in columns.items() if getattr(link, name) != value]
    if changed:
        links.update(**columns)
    user = _find_user(link, using)
    if user is not None:
        updated = _update_user(user, identity, handler, using)
        if updated:
            _send_about_user(user_updated, user, identity, using)
        changed += updated
        if link.deactivated_at is not None and reactivate(user, identity, using):
            changed.append("is_active")
    drop_cached_sessions(known_session_ids(identity.id), handler.conf)
    row_cache.invalidate(identity.id.bytes, using)
    if changed:
        _send(identity_changed, using, sender=OryIdentity, identity=identity, user=user)
    return Applied(user, changed=tuple(changed))


def _is_outdated(link: Any, updated_at: datetime, recently: datetime) -> bool:
    return link.updated_at > updated_at or (link.deleted_at is not None and link.deleted_at > recently)


def _find_user(link: Any, using: str) -> Any:
    """The user, even if the project's own manager hides it: it is to have the right values when it is shown again."""
    return user_model()._base_manager.using(using).filter(pk=link.user_id).first() if link.user_id else None


def _update_user(user: Any, identity: Identity, handler: UserHandler, using: str) -> list[str]:
    """Copy the identity's values to the user, and apply its roles. The names of the fields that have changed."""
    names = [field.attname for field in user._meta.concrete_fields]
    before = {name: getattr(user, name) for name in names}
    update_user(user, identity, handler, using)
    changed = [name for name in names if getattr(user, name) != before[name]]
    return [*changed, *apply_groups(user, identity, handler.conf)]


def _create(identity: Identity, handler: UserHandler, using: str) -> Applied:
    with transaction.atomic(using=using):
        result = create_user(identity, handler, using)
        if result.created:
            apply_groups(result.user, identity, handler.conf)
            OryIdentity.objects.using(using).filter(pk=identity.id).update(
                synced_at=stored_time(datetime.now(UTC), using)
            )
            _send_about_user(user_created, result.user, identity, using)
            if result.linked:
                _send_about_user(user_linked, result.user, identity, using)
            _send(identity_changed, using, sender=OryIdentity, identity=identity, user=result.user)
    if result.refused:
        log(result.refused, identity=str(identity.id), at="creation")
    return Applied(result.user, created=result.created, refused=result.refused)


def apply_deletion(identity_id: UUID, conf: Conf) -> Applied:
    """Ory no longer has this identity: refuse its sessions, and send ``identity_deleted`` once. No row is deleted.

    Call it only if the server that says so is known to be the right one. ``ory_sync`` decides what becomes of the user.
    """
    using = writing_alias()
    with transaction.atomic(using=using):
        now = stored_time(datetime.now(UTC), using)
        links = OryIdentity.objects.using(using).filter(pk=identity_id)
        is_first = bool(links.filter(deleted_at=None).update(deleted_at=now, synced_at=now))
        refuse_sessions(known_session_ids(identity_id), conf)
        row_cache.invalidate(identity_id.bytes, using)
        link = links.first()
        user = None if link is None else _find_user(link, using)
        if is_first:
            _send(identity_deleted, using, sender=OryIdentity, identity_id=identity_id, user=user)
    return Applied(user, changed=("deleted_at",) if is_first else ())


def apply_session_end(session_id: UUID, conf: Conf) -> Applied:
    """This session has ended at Ory: refuse it on every worker, and send ``session_ended`` once if it was used here."""
    using = writing_alias()
    with transaction.atomic(using=using):
        refuse_sessions([session_id], conf)
        sign_ins = OrySignIn.objects.using(using).filter(pk=session_id)
        sign_in = sign_ins.select_related("identity").first()
        if sign_in is None or not sign_ins.delete()[0]:
            return Applied()
        user, identity_id = _find_user(sign_in.identity, using), sign_in.identity_id
        _send(session_ended, using, sender=OrySignIn, session_id=session_id, identity_id=identity_id, user=user)
    return Applied(user, changed=("session",))


def _send_about_user(signal: Any, user: Any, identity: Identity, using: str) -> None:
    """A signal that a sign-in may also send. No request belongs to this one."""
    _send(signal, using, sender=type(user), user=user, identity=identity, request=None)


def _send(signal: Any, using: str, **facts: Any) -> None:
    """Send a signal after the commit. Django logs the error of a receiver, and goes on with the next one."""
    transaction.on_commit(partial(signal.send_robust, **facts), using=using)
