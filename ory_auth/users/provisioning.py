"""From a session to its shadow user: find or create the user, sync the fields, record the sign-in."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db import Error, transaction

from ..conf import Conf
from ..events import Event, log
from ..exceptions import OryUnavailable
from ..models import OryIdentity, OrySignIn
from ..types import Identity, OrySession
from .activation import reactivate
from .creation import create_user, links_without_user
from .database import reading_alias, stored_time, writing_alias
from .database_errors import SETUP_RETRY_AFTER, log_database_error, refusal_of
from .fields import user_model
from .groups import apply_groups_of_session, identity_with_roles, is_postponed
from .handler import UserHandler, import_handler_class
from .link_columns import identity_columns
from .query import IDENTITY_CHANGED, NEW_SIGN_IN, find_user, has_default_query, last_change
from .result import UserResult
from .row_cache import process_row_cache


def load_user(session: OrySession, conf: Conf, *, from_cache: bool = True) -> UserResult:
    """The user of this session, created or updated if needed. One query for a known user without changes.

    Raises :class:`OryUnavailable` if the database does not answer.
    """
    try:
        return (get_cached_user(session, conf) if from_cache else None) or _load_from_database(session, conf)
    except Error as error:
        event = log_database_error(error)
        wait = SETUP_RETRY_AFTER if event is Event.MIGRATIONS_MISSING else None
        text = "The database of users does not answer."
        raise OryUnavailable(text, event=event, retry_after=wait, cause=type(error).__name__) from None


def get_cached_user(session: OrySession, conf: Conf) -> UserResult | None:
    """The user of this session from this process' memory (``USER_CACHE_SECONDS``), or ``None``."""
    if not conf.user_cache_seconds:
        return None
    handler = _make_handler(conf)
    cache = process_row_cache(conf.user_cache_seconds)
    user = cache.get(session.summary, reading_alias(), handler.cache_scope())
    if user is None:
        return None
    return UserResult(user, None if _is_admitted(handler, session, user) else Event.NOT_ADMITTED)


def cached_user_needs_no_io(conf: Conf) -> bool:
    """Whether :func:`get_cached_user` never blocks: the ``admit()`` of a project may query the database."""
    return bool(conf.user_cache_seconds) and import_handler_class(conf.user_handler).admit is UserHandler.admit


def _load_from_database(session: OrySession, conf: Conf) -> UserResult:
    handler, using, read_at = _make_handler(conf), reading_alias(), time.monotonic()
    user, changes = find_user(session, using)
    if user is None:
        return _provision_first_visit(session, handler)
    if conf.user_cache_seconds and not changes and has_default_query(user_model()):
        cache = process_row_cache(conf.user_cache_seconds)
        cache.put(session.summary, user, using, handler.cache_scope(), read_at)
    identity, identity_changed = session.identity, bool(changes & IDENTITY_CHANGED)
    if identity_changed and not user.is_active:
        _reactivate_after_change(user, identity)
    updated = identity_changed and _sync_fields(user, identity, handler)
    if identity_changed:  # before admit(), which may depend on groups
        updated = _sync_groups(user, identity, conf) or updated
    if not _is_admitted(handler, session, user):
        return UserResult(user, Event.NOT_ADMITTED)
    if not identity_changed and (changes or is_postponed(identity, conf)):
        updated = _sync_groups(user, identity, conf)
    if not changes and not updated:
        return UserResult(user)
    return UserResult(user, updated=updated, new_sign_in=bool(changes & NEW_SIGN_IN) and _record_sign_in(session))


def _make_handler(conf: Conf) -> UserHandler:
    return import_handler_class(conf.user_handler)(conf)


def _is_admitted(handler: UserHandler, session: OrySession, user: Any) -> bool:
    # Checked here again, so that a project's admit() cannot admit inactive users by mistake.
    return handler.admit(session, user) and (user is None or user.is_active)


def _provision_first_visit(session: OrySession, handler: UserHandler) -> UserResult:
    """Create the user of this session, unless the database for writing has it already: a replica may lag behind."""
    using = writing_alias()
    user, _ = find_user(session, using)
    if user is None:
        if not _is_admitted(handler, session, None):
            return UserResult(None, Event.NOT_ADMITTED)
        if _is_older_than_deletion(session, using):
            return UserResult(None, Event.USER_DELETED)
    result = UserResult(user) if user is not None else create_user(session.identity, handler, using)
    if result.user is None:
        return result
    if result.created:
        _sync_groups(result.user, session.identity, handler.conf)
    refused = None if _is_admitted(handler, session, result.user) else Event.NOT_ADMITTED
    # A person who must be approved first has not signed in yet.
    signed_in = result.created and refused is None and _record_sign_in(session)
    return UserResult(result.user, refused, created=result.created, linked=result.linked, new_sign_in=signed_in)


def _is_older_than_deletion(session: OrySession, using: str) -> bool:
    """Whether the user was deleted here, and this session is from before that."""
    signed_in_at = stored_time(session.authenticated_at, using)
    return bool(links_without_user(session.identity, using).filter(authenticated_at__gte=signed_in_at).exists())


def _sync_fields(user: Any, identity: Identity, handler: UserHandler) -> bool:
    """Update the user, unless another request has done so meanwhile from this or a later state of the identity."""
    using = writing_alias()

    def sync() -> bool:
        with transaction.atomic(using=using):
            if not _outdated_links(identity, using).update(**identity_columns(identity, using)):
                return False
            user.refresh_from_db(using=using)  # read it again now that this transaction holds the link's row
            return update_user(user, identity, handler, using)

    return _write_if_possible(sync)


def _outdated_links(identity: Identity, using: str) -> Any:
    """The link of this identity, if it has an older state."""
    changed_at = stored_time(last_change(identity), using)
    return OryIdentity.objects.using(using).filter(pk=identity.id, updated_at__lt=changed_at)


def _reactivate_after_change(user: Any, identity: Identity) -> None:
    """:func:`reactivate`, if this state of the identity is newer than the one for which the user was deactivated."""
    using = writing_alias()

    def write() -> bool:
        return _outdated_links(identity, using).exists() and reactivate(user, identity, using)

    _write_if_possible(write)


def update_user(user: Any, identity: Identity, handler: UserHandler, using: str) -> bool:
    """Call the project's handler. A value that it cannot save is not tried again until the identity changes."""
    try:
        with transaction.atomic(using=using):
            return handler.update(user, identity)
    except Exception as error:
        if refusal_of(error) is None:
            raise
    log(Event.VALUE_REFUSED, identity=str(identity.id), at="update")
    user.refresh_from_db(using=using)
    return False


def _sync_groups(user: Any, identity: Identity, conf: Conf) -> bool:
    """Give the user what their roles at Ory give (``GROUPS``), unless a later state of the identity was here."""
    complete = None if conf.groups is None else identity_with_roles(identity, conf)
    if complete is None:
        return False
    return _write_if_possible(partial(apply_groups_of_session, user, complete, conf))


def _record_sign_in(session: OrySession) -> bool:
    """Store that this session was used here; ``True`` for exactly one of the first requests with it."""
    using = writing_alias()
    signed_in_at = stored_time(session.authenticated_at, using)
    link = OryIdentity.objects.using(using).filter(pk=session.identity.id, authenticated_at__lt=signed_in_at)
    sign_ins = OrySignIn.objects.using(using)
    ended = sign_ins.filter(identity=session.identity.id, expires_at__lt=stored_time(datetime.now(UTC), using))
    values = {"identity_id": session.identity.id, "expires_at": stored_time(session.expires_at, using)}

    def record() -> bool:
        is_first: bool = sign_ins.get_or_create(pk=session.id, defaults=values)[1]
        if is_first:
            link.update(authenticated_at=signed_in_at)
            ended.delete()
        return is_first

    return _write_if_possible(record)


def _write_if_possible(write: Callable[[], bool]) -> bool:
    """Run ``write`` in a transaction; ``False`` if the database fails. Known users can work while it is read-only."""
    try:
        with transaction.atomic(using=writing_alias()):
            return write()
    except Error as error:
        log_database_error(error, at="update")
        return False


def delete_user(user: Any) -> None:
    """Delete a user so that no existing Ory session creates them again.

    ``user.delete()`` does the same for sessions that this site has seen. A person who signs in at Ory again later
    becomes a new user. Nothing is deleted at Ory; call Django's ``logout()`` as well to end the session of the request.
    """
    using = writing_alias()
    now = stored_time(datetime.now(UTC), using)
    with transaction.atomic(using=using):
        links = OryIdentity.objects.using(using).filter(user_id=user.pk, authenticated_at__lt=now)
        links.update(authenticated_at=now)
        user.delete()
