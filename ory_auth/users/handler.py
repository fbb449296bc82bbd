"""The shadow user: the row of ``AUTH_USER_MODEL`` that stands for an identity, found by Ory's id and nothing else."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, IntegrityError, models, transaction
from django.utils.module_loading import import_string

from ..conf import Conf
from ..events import Event, log
from ..exceptions import OryUnavailable
from ..models import OryIdentity, OrySignIn
from ..ory.same_text import is_same_text
from ..types import Identity, OrySession
from .conflicts import Conflict, find_conflicts, is_given_up, may_take, release, vacant_values
from .database import reading_alias, stored_time, writing_alias
from .database_errors import Refusal, log_database_error, refusal_of
from .fields import PRIVILEGES, email_field, has_field, is_missing, read_path, read_values, user_fields, user_model
from .linking import find_by_verified_email, is_linked, is_privileged, revoke_other_credentials
from .query import BEHIND, EPOCH, NEW_SIGN_IN, find_user, is_plain, last_change
from .row_cache import user_rows
from .uniqueness import is_unique, may_repeat

SETUP_RETRY_AFTER = 300  # seconds: somebody has to fix the setup first


@dataclass(frozen=True, slots=True)
class Found:
    """The shadow user of a session, and what has just changed. ``refused`` says why the user is not admitted."""

    user: Any
    refused: Event | None = None
    created: bool = False
    linked: bool = False
    updated: bool = False
    new_sign_in: bool = False


class UserHandler:
    """How identities become users. Put the dotted path of a subclass into ``ORY_AUTH["USER_HANDLER"]``."""

    _left_out: frozenset[str] = frozenset()  # fields that create() leaves alone: the database refused a value

    def __init__(self, conf: Conf) -> None:
        self.conf = conf

    def admit(self, session: OrySession, user: Any) -> bool:
        """Whether this person is admitted. ``user`` is ``None`` if there is none yet. Called at every request."""
        return user is None or user.is_active

    def create(self, identity: Identity) -> Any:
        """Create and save a user for an identity that has none. ``IntegrityError`` means that a value is taken."""
        user = self._new_user(identity)
        for name in (email_field(), user.USERNAME_FIELD):
            value = getattr(user, name) if has_field(name) else name
            if not value and not may_repeat(user, name, value, writing_alias()):
                raise _AddressMissing
        user.save(force_insert=True)
        return user

    def _new_user(self, identity: Identity) -> Any:
        model = user_model()
        values = {name: value for name, value in self._checked_values(identity).items() if name not in self._left_out}
        user = model(**values)
        name = model._meta.get_field(model.USERNAME_FIELD)
        takes_id = isinstance(name, (models.CharField, models.UUIDField)) and not isinstance(name, models.EmailField)
        if name.attname not in values and takes_id:
            setattr(user, name.attname, name.to_python(str(identity.id)))
        user.set_unusable_password()
        return user

    def update(self, user: Any, identity: Identity) -> bool:
        """Copy the identity's values to the user and save them; returns whether anything has changed.

        If another user has an address or user name, this user keeps the old one. If a value cannot be stored,
        :meth:`replacement` decides. Both are logged with the name of the field.
        """
        values, fields = self._checked_values(identity), self.fields()
        primary_key = user_model()._meta.pk.name
        new = {name: value for name, value in values.items() if name != primary_key and getattr(user, name) != value}
        for name in [name for name, value in new.items() if self._is_vacant(user, name, value)]:
            del new[name], values[name]  # the model allows no empty address: it counts as missing
        changed = self._store(user, identity, new)
        for name in fields:
            if name not in values and name != primary_key:
                why = "missing" if is_missing(identity, fields[name]) else "invalid"
                changed = self._replace(user, identity, name, why) or changed
        return changed

    def _is_vacant(self, user: Any, name: str, value: Any) -> bool:
        return name == email_field() and not value and not may_repeat(user, name, value, writing_alias())

    def _store(self, user: Any, identity: Identity, values: Mapping[str, Any]) -> bool:
        """Save these values: all together if possible, otherwise each one that can be saved."""
        together = {name: value for name, value in values.items() if not is_unique(name)}
        changed = bool(together) and self._try(user, together) is None
        alone = {name: value for name, value in values.items() if not (changed and name in together)}
        for name, value in alone.items():
            changed = self._store_one(user, identity, name, value) or changed
        return changed

    def _store_one(self, user: Any, identity: Identity, name: str, value: Any) -> bool:
        refusal = self._try(user, {name: value})
        if refusal is None:
            return True
        conflicts = find_conflicts(user, {name: value}, writing_alias()) if refusal is Refusal.CONSTRAINT else []
        if not conflicts:
            return self._replace(user, identity, name, "refused")
        if all(may_take(conflict, identity, writing_alias()) for conflict in conflicts):
            with transaction.atomic(using=writing_alias()):
                released = all(release(conflict, writing_alias()) for conflict in conflicts)
                if released and self._try(user, {name: value}) is None:
                    return True
                transaction.set_rollback(True, using=writing_alias())
        log(conflicts[0].event, at="update", field=name)
        return False

    def _try(self, user: Any, values: Mapping[str, Any]) -> Refusal | None:
        """Save these values; if that is refused, restore the user object and return the reason."""
        before = {name: getattr(user, name) for name in values}
        vars(user).update(values)
        try:
            with transaction.atomic(using=writing_alias()):
                user.save(update_fields=list(values), using=writing_alias())
        except Exception as error:
            vars(user).update(before)
            refusal = refusal_of(error)
            if refusal is None:
                raise
            return refusal
        return None

    def _replace(self, user: Any, identity: Identity, name: str, why: str) -> bool:
        """The identity's value cannot be stored: store the handler's replacement, and log that."""
        value, old = self.replacement(user, name, identity), getattr(user, name)
        if why == "missing" and value == old and (not old or _is_default(user, name, identity)):
            return False
        kept = "old" if value == old and old else None
        log(Event.VALUE_REFUSED, identity=str(identity.id), field=name, why=why, kept=kept)
        return bool(value != old and self._try(user, {name: value}) is None)

    def replacement(self, user: Any, field: str, identity: Identity) -> Any:
        """The value to store in ``field`` of ``user`` if the identity's value is missing or cannot be stored.

        By default an e-mail address is cleared, since the old one may be somebody else's by now: it becomes ``None`` or
        ``""`` if the model allows that, else a placeholder that no mail can reach. ``is_staff`` and ``is_superuser``
        become ``False``. Every other field keeps its value.
        """
        if field == email_field():
            return next(vacant_values(user, field, identity.id, writing_alias()), getattr(user, field))
        return False if field in PRIVILEGES else getattr(user, field)

    def fields(self) -> Mapping[str, str]:
        """User field → path in the identity: ``USER_FIELDS`` without fields that the user model does not have."""
        return user_fields(self.conf)

    def values(self, identity: Identity) -> dict[str, Any]:
        """The identity's values for the fields of the user, converted for each field.

        Values that their field cannot hold are left out.
        """
        values, name = read_values(identity, self.fields()), user_model().USERNAME_FIELD
        return {field: value for field, value in values.items() if value or field != name}  # no empty user name

    def _checked_values(self, identity: Identity) -> dict[str, Any]:
        """:meth:`values`, if the user model can hold them. The error leaves no value in the variables of its frame."""
        values = self.values(identity)
        unknown = sorted(name for name in values if not _can_hold(name))
        if not unknown:
            return values
        del values
        label = user_model()._meta.label
        names = ", ".join(map(repr, unknown))
        raise ImproperlyConfigured(f"ORY_AUTH['USER_HANDLER'] values() returned {names}, which {label} cannot hold.")

    def may_link(self, identity: Identity, user: Any) -> bool:
        """Whether ``LINK_BY_VERIFIED_EMAIL`` may link this identity to this user, who has the same address.

        Ory has verified the address for the identity. Only you know whether *your site* has verified it for the user.
        If it has not, somebody else may have created the account, so return ``False``. By default the user must be
        active and have no privileges (staff, superuser, any group, any permission). A user who is linked already is
        never linked again.
        """
        return bool(user.is_active) and not is_privileged(user)

    def revoke_credentials(self, user: Any) -> None:
        """End all other ways to sign in as this user. Called in the transaction that links the user.

        The password is unusable by then, which ends Django's sessions. By default this ends the credentials of Django
        REST framework, django-rest-knox, django-oauth-toolkit, simplejwt (with its blacklist), django-allauth and
        social-auth, if they are installed. Extend it for credentials of your own project.
        """
        name = email_field()
        revoke_other_credentials(user, [getattr(user, name)] if has_field(name) else [])

    def cache_scope(self) -> Hashable:
        """What a cached row of a user depends on, besides the identity and the database (``USER_CACHE_SECONDS``).

        With a schema per tenant: ``return connection.schema_name``. Called at every request.
        """
        return None


def _can_hold(name: str) -> bool:
    """Whether a user can be created with a value of this name: that of a field or of a property."""
    return has_field(name) or isinstance(getattr(user_model(), name, None), property)


class _AddressMissing(IntegrityError):
    """The user model requires an address, and the identity has none."""


def delete_user(user: Any) -> None:
    """Delete a user so that no existing Ory session creates them again.

    ``user.delete()`` does the same for sessions that this site has seen. Whoever signs in at Ory again later becomes a
    new user. Nothing is deleted at Ory; call Django's ``logout()`` as well to end the session of the request.
    """
    using = writing_alias()
    now = stored_time(datetime.now(UTC), using)
    with transaction.atomic(using=using):
        links = OryIdentity.objects.using(using).filter(user_id=user.pk, authenticated_at__lt=now)
        links.update(authenticated_at=now)
        user.delete()


def load(session: OrySession, conf: Conf) -> Found:
    """The user of this session, created or updated if needed. One query for a known user without changes.

    Raises :class:`OryUnavailable` if the database does not answer.
    """
    try:
        return recall(session, conf) or _loaded(session, conf)
    except Error as error:
        event = log_database_error(error)
        wait = SETUP_RETRY_AFTER if event is Event.MIGRATIONS_MISSING else None
        text = "The database of users does not answer."
        raise OryUnavailable(text, event=event, retry_after=wait, cause=type(error).__name__) from None


def recall(session: OrySession, conf: Conf) -> Found | None:
    """The user of this session from this process' memory (``USER_CACHE_SECONDS``), if it is there."""
    if not conf.user_cache_seconds:
        return None
    handler = _handler(conf)
    user = user_rows(conf.user_cache_seconds).recall(session.summary, reading_alias(), handler.cache_scope())
    if user is None:
        return None
    return Found(user, None if _admitted(handler, session, user) else Event.NOT_ADMITTED)


def recalls_at_once(conf: Conf) -> bool:
    """Whether :func:`recall` surely blocks on nothing: the ``admit()`` of a project may query the database."""
    return bool(conf.user_cache_seconds) and handler_class(conf.user_handler).admit is UserHandler.admit


def _loaded(session: OrySession, conf: Conf) -> Found:
    handler, using, now = _handler(conf), reading_alias(), time.monotonic()
    user, news = find_user(session, using)
    if user is None:
        return _first(session, handler)
    if conf.user_cache_seconds and not news and is_plain(user_model()):
        user_rows(conf.user_cache_seconds).keep(session.summary, user, using, handler.cache_scope(), now)
    if not _admitted(handler, session, user):
        return Found(user, Event.NOT_ADMITTED)
    if not news:
        return Found(user)
    updated = bool(news & BEHIND) and _follow(user, session.identity, handler)
    return Found(user, updated=updated, new_sign_in=bool(news & NEW_SIGN_IN) and _sign_in(session))


def _handler(conf: Conf) -> UserHandler:
    return handler_class(conf.user_handler)(conf)


@lru_cache(maxsize=8)
def handler_class(path: str) -> type[UserHandler]:
    """The class at this path; raises ``ImproperlyConfigured`` if it is not a handler."""
    try:
        handler = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"ORY_AUTH['USER_HANDLER'] {path!r} cannot be imported: {error}.") from None
    if not (isinstance(handler, type) and issubclass(handler, UserHandler)):
        raise ImproperlyConfigured(f"ORY_AUTH['USER_HANDLER'] {path!r} must be a subclass of UserHandler.")
    return handler


def _admitted(handler: UserHandler, session: OrySession, user: Any) -> bool:
    return handler.admit(session, user) and (user is None or user.is_active)


# --- the first visit --------------------------------------------------------------------------------------------------


def _first(session: OrySession, handler: UserHandler) -> Found:
    writer = writing_alias()
    # A replica may lag behind: before creating a user, look in the database that would be written to.
    user, _ = find_user(session, writer)
    if user is None:
        if not _admitted(handler, session, None):
            return Found(None, Event.NOT_ADMITTED)
        if _is_deleted(session, writer):
            return Found(None, Event.USER_DELETED)
    found = Found(user) if user is not None else _created(session, handler, writer)
    if found.user is None:
        return found
    refused = None if _admitted(handler, session, found.user) else Event.NOT_ADMITTED
    # Somebody who has to be approved first has not signed in yet.
    signed_in = found.created and refused is None and _sign_in(session)
    return Found(found.user, refused, created=found.created, linked=found.linked, new_sign_in=signed_in)


def _is_deleted(session: OrySession, using: str) -> bool:
    """Whether the user was deleted here, and this session is from before that."""
    signed_in_at = stored_time(session.authenticated_at, using)
    return bool(_links_without_user(session.identity, using).filter(authenticated_at__gte=signed_in_at).exists())


def _links_without_user(identity: Identity, using: str) -> Any:
    return OryIdentity.objects.using(using).filter(pk=identity.id, user=None)


def _created(session: OrySession, handler: UserHandler, using: str) -> Found:
    """A new user. If the database refuses the row, an address is taken from its holder, or values are left out."""
    identity, to_leave_out = session.identity, _to_leave_out(session.identity, handler)
    room: list[Conflict] = []
    while True:
        refusal, user, linked = _try_to_create(identity, handler, room, using)
        if user is not None:
            return Found(user, created=True, linked=linked)
        if isinstance(refusal, Event):
            return Found(None, refusal)
        user, _ = find_user(session, using)
        if user is not None:
            return Found(user)  # another first request at the same time was quicker
        if refusal is Refusal.CONSTRAINT:
            if OryIdentity.objects.using(using).filter(pk=identity.id).exclude(user=None).exists():
                return Found(None, Event.NOT_ADMITTED)  # linked to a user that the model's own manager hides
            candidate = handler._new_user(identity)
            names = handler.values(identity).keys() - handler._left_out | {user_model().USERNAME_FIELD}
            conflicts = find_conflicts(candidate, {name: getattr(candidate, name) for name in names}, using)
            if conflicts and (room or not _may_make_room(conflicts, identity, handler, using)):
                log(conflicts[0].event, at="creation", field=conflicts[0].field)
                return Found(None, conflicts[0].event)
            if conflicts:
                room = conflicts
                continue
        left_out = next(to_leave_out, None)
        if left_out is not None:
            handler._left_out = left_out
        elif refusal is Refusal.VALUE:
            return Found(None, Event.VALUE_REFUSED)
        else:
            raise _user_not_created(handler._new_user(identity))


def _user_not_created(candidate: Any) -> OryUnavailable:
    """The error for a user model that takes no new user. It names fields, never values."""
    fields = ", ".join(_unfilled_fields(candidate)) or None
    label = candidate._meta.label
    log(Event.USER_NOT_CREATED, model=label, fields=fields, fix="ORY_AUTH['USER_FIELDS']_or_['USER_HANDLER']")
    return OryUnavailable(
        f"{label} did not take the new user: see ORY_AUTH['USER_FIELDS'] and ['USER_HANDLER'].",
        event=Event.USER_NOT_CREATED,
        retry_after=SETUP_RETRY_AFTER,
        cause=fields,
    )


def _unfilled_fields(candidate: Any) -> list[str]:
    """The fields that need a value, and have none."""
    return [
        field.name
        for field in candidate._meta.concrete_fields
        if not (field.null or field.primary_key or getattr(field, "auto_now", False))
        and not getattr(field, "auto_now_add", False)
        and getattr(candidate, field.attname) is None
    ]


def _try_to_create(
    identity: Identity, handler: UserHandler, room: list[Conflict], using: str
) -> tuple[Refusal | Event | None, Any, bool]:
    """Why no user was created; the user; and whether that is an existing user who was linked."""
    try:
        with transaction.atomic(using=using):
            for conflict in room:
                release(conflict, using)
            user, linked = _insert(identity, handler, using)
    except _AddressMissing:
        log(Event.EMAIL_CONFLICT, at="creation", why="no_address", field=email_field())
        return Event.EMAIL_CONFLICT, None, False
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        return refusal, None, False
    return None, user, linked


def _may_make_room(conflicts: list[Conflict], identity: Identity, handler: UserHandler, using: str) -> bool:
    return all(
        may_take(one, identity, using)
        or (_is_mapped_address(one, identity, handler) and is_given_up(one, identity, handler.conf, using))
        for one in conflicts
    )


def _is_mapped_address(conflict: Conflict, identity: Identity, handler: UserHandler) -> bool:
    """Whether the value is an address as it stands in the identity: Ory cannot be asked about other values."""
    path = handler.fields().get(conflict.field, "")
    return "@" in str(conflict.value) and is_same_text(read_path(identity, path), conflict.value)


def _to_leave_out(identity: Identity, handler: UserHandler) -> Iterator[frozenset[str]]:
    """Sets of fields to leave out, one after the other: those that are not unique, then all that are mapped."""
    mapped = frozenset(handler.values(identity))
    plain = frozenset(name for name in mapped if not is_unique(name))
    yield from dict.fromkeys(names for names in (plain, mapped) if names)


def _insert(identity: Identity, handler: UserHandler, using: str) -> tuple[Any, bool]:
    user = _linkable(identity, handler, using)
    linked = user is not None
    if linked:
        user.set_unusable_password()  # which ends its sessions
        user.save(update_fields=["password"], using=using)
        handler.revoke_credentials(user)
        transaction.on_commit(partial(log, Event.IDENTITY_LINKED, identity=str(identity.id)), using=using)
    else:
        user = handler.create(identity)
    facts = {
        "user_id": user.pk,
        "updated_at": stored_time(last_change(identity), using),
        "authenticated_at": stored_time(EPOCH, using),
    }
    # The link's primary key lets only one of two first requests succeed, also if a deleted user has left a link.
    if not _links_without_user(identity, using).update(**facts):
        OryIdentity.objects.using(using).create(id=identity.id, **facts)
    if not linked:
        values = handler.values(identity)
        handler._store(user, identity, {name: values[name] for name in handler._left_out})
        _log_invalid(identity, handler, values)
    return user, linked


def _linkable(identity: Identity, handler: UserHandler, using: str) -> Any:
    """The user to link to this identity, if ``LINK_BY_VERIFIED_EMAIL`` is on and there is one."""
    if not handler.conf.link_by_verified_email:
        return None
    user = find_by_verified_email(identity, using)
    return user if user is not None and not is_linked(user, using) and handler.may_link(identity, user) else None


def _log_invalid(identity: Identity, handler: UserHandler, values: Mapping[str, Any]) -> None:
    """Log which values of a new identity are invalid for the fields of its user."""
    for name, path in handler.fields().items():
        if name not in values and not is_missing(identity, path):
            log(Event.VALUE_REFUSED, identity=str(identity.id), field=name, why="invalid", at="creation")


def _is_default(user: Any, name: str, identity: Identity) -> bool:
    """Whether the field has the value of a new user, and so nothing of the identity."""
    value, field = getattr(user, name), user._meta.get_field(name)
    if name == user.USERNAME_FIELD:
        return str(value) == str(identity.id)
    return bool(field.has_default() and value == field.get_default())


# --- later visits -----------------------------------------------------------------------------------------------------


def _follow(user: Any, identity: Identity, handler: UserHandler) -> bool:
    """Update the user, unless another request has done so meanwhile from this or a later state of the identity."""
    using = writing_alias()

    def advance() -> bool:
        with transaction.atomic(using=using):
            seen_at = stored_time(last_change(identity), using)
            state = OryIdentity.objects.using(using).filter(pk=identity.id, updated_at__lt=seen_at)
            if not state.update(updated_at=seen_at):
                return False
            user.refresh_from_db(using=using)  # read it again now that this transaction holds the link's row
            return _update(user, identity, handler, using)

    return _write_if_possible(advance)


def _update(user: Any, identity: Identity, handler: UserHandler, using: str) -> bool:
    """If the project's handler cannot save a value, it is not tried again until the identity changes."""
    try:
        with transaction.atomic(using=using):
            return handler.update(user, identity)
    except Exception as error:
        if refusal_of(error) is None:
            raise
    log(Event.VALUE_REFUSED, identity=str(identity.id), at="update")
    user.refresh_from_db(using=using)
    return False


def _sign_in(session: OrySession) -> bool:
    """Store that this session was seen; ``True`` for exactly one of the requests that see it first."""
    using = writing_alias()
    signed_in_at = stored_time(session.authenticated_at, using)
    link = OryIdentity.objects.using(using).filter(pk=session.identity.id, authenticated_at__lt=signed_in_at)
    sign_ins = OrySignIn.objects.using(using)
    ended = sign_ins.filter(identity=session.identity.id, expires_at__lt=stored_time(datetime.now(UTC), using))
    facts = {"identity_id": session.identity.id, "expires_at": stored_time(session.expires_at, using)}

    def note() -> bool:
        is_first: bool = sign_ins.get_or_create(pk=session.id, defaults=facts)[1]
        if is_first:
            link.update(authenticated_at=signed_in_at)
            ended.delete()
        return is_first

    return _write_if_possible(note)


def _write_if_possible(write: Any) -> bool:
    """Write it, unless the database fails: known users can work while it is read-only."""
    try:
        with transaction.atomic(using=writing_alias()):
            return bool(write())
    except Error as error:
        log_database_error(error, at="update")
        return False
