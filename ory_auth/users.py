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

from .conf import Conf
from .events import Event, log
from .exceptions import OryUnavailable
from .models import OryIdentity, OrySignIn
from .refusals import Refusal, refusal_of
from .same_text import is_same_text
from .types import Identity, OrySession
from .uniqueness import is_unique, may_repeat
from .user_conflicts import Conflict, find_conflicts, is_given_up, may_take, release, vacant_values
from .user_database import reading_alias, stored_time, writing_alias
from .user_fields import PRIVILEGES, email_field, has_field, is_missing, read_path, read_values, user_fields, user_model
from .user_linking import find_by_verified_email, is_linked, is_privileged, revoke_other_credentials
from .user_query import BEHIND, EPOCH, NEW_SIGN_IN, find_user, is_plain, last_change
from .user_rows import user_rows

__all__ = ["UserHandler", "delete_user"]


@dataclass(frozen=True, slots=True)
class Found:
    """The shadow user of a session, and what is new about the two. ``refused`` says why they may not come in."""

    user: Any
    refused: Event | None = None
    created: bool = False
    linked: bool = False
    updated: bool = False
    new_sign_in: bool = False


class UserHandler:
    """How identities become users. Subclass it, and name the subclass in ``ORY_AUTH["USER_HANDLER"]``."""

    _left_out: frozenset[str] = frozenset()  # fields that create() leaves alone: the database refused a value

    def __init__(self, conf: Conf) -> None:
        self.conf = conf

    def admit(self, session: OrySession, user: Any) -> bool:
        """Whether this person may come in; ``user`` is ``None`` where there is none yet. Asked at every request."""
        return user is None or user.is_active

    def create(self, identity: Identity) -> Any:
        """Make and save a user for an identity that has none. ``IntegrityError`` means that a value is taken."""
        user = self._new_user(identity)
        for name in (email_field(), user.USERNAME_FIELD):
            value = getattr(user, name) if has_field(name) else name
            if not value and not may_repeat(user, name, value, writing_alias()):
                raise _AddressMissing
        user.save(force_insert=True)
        return user

    def _new_user(self, identity: Identity) -> Any:
        model = user_model()
        values = {name: value for name, value in self.values(identity).items() if name not in self._left_out}
        user = model(**values)
        name = model._meta.get_field(model.USERNAME_FIELD)
        takes_id = isinstance(name, (models.CharField, models.UUIDField)) and not isinstance(name, models.EmailField)
        if name.attname not in values and takes_id:
            setattr(user, name.attname, name.to_python(str(identity.id)))
        user.set_unusable_password()
        return user

    def update(self, user: Any, identity: Identity) -> bool:
        """Take over what the identity says now and save it; says whether anything has changed.

        An address or user name that somebody else has leaves the old one where it is. For a value that cannot be
        stored, :meth:`replacement` decides. Both are logged with the name of the field.
        """
        values, fields = self.values(identity), self.fields()
        primary_key = user_model()._meta.pk.name
        new = {name: value for name, value in values.items() if name != primary_key and getattr(user, name) != value}
        for name in [name for name, value in new.items() if self._is_vacant(user, name, value)]:
            del new[name], values[name]  # nobody may have it: it counts as missing
        changed = self._store(user, identity, new)
        for name in fields:
            if name not in values and name != primary_key:
                why = "missing" if is_missing(identity, fields[name]) else "invalid"
                changed = self._replace(user, identity, name, why) or changed
        return changed

    def _is_vacant(self, user: Any, name: str, value: Any) -> bool:
        return name == email_field() and not value and not may_repeat(user, name, value, writing_alias())

    def _store(self, user: Any, identity: Identity, values: Mapping[str, Any]) -> bool:
        """Save these values, all at once if possible, else each that can be saved."""
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
        """Save these values of the user, or leave the user as they were and say why not."""
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
        """The identity's value cannot be stored: store what the handler says, and say so."""
        value, old = self.replacement(user, name, identity), getattr(user, name)
        if why == "missing" and value == old and (not old or _is_default(user, name, identity)):
            return False
        kept = "old" if value == old and old else None
        log(Event.VALUE_REFUSED, identity=str(identity.id), field=name, why=why, kept=kept)
        return bool(value != old and self._try(user, {name: value}) is None)

    def replacement(self, user: Any, field: str, identity: Identity) -> Any:
        """What ``field`` of ``user`` holds where the identity's value is missing, or cannot be stored.

        By default an e-mail address is cleared, since the old one may be somebody else's by now: ``None`` or ``""``
        where the model allows that, else a placeholder that no mail reaches. ``is_staff`` and ``is_superuser`` become
        ``False``. Every other field keeps its value.
        """
        if field == email_field():
            return next(vacant_values(user, field, identity.id, writing_alias()), getattr(user, field))
        return False if field in PRIVILEGES else getattr(user, field)

    def fields(self) -> Mapping[str, str]:
        """User field → path in the identity: ``USER_FIELDS``, less what this user model does not have."""
        return user_fields(self.conf)

    def values(self, identity: Identity) -> dict[str, Any]:
        """What the identity says of the user's fields, each as its field takes it.

        A value that its field cannot hold is left out.
        """
        values, name = read_values(identity, self.fields()), user_model().USERNAME_FIELD
        return {field: value for field, value in values.items() if value or field != name}  # nobody is nameless

    def may_link(self, identity: Identity, user: Any) -> bool:
        """With ``LINK_BY_VERIFIED_EMAIL``: whether this identity may take over this user, who has the same address.

        Ory has verified the address for the identity. Whether *this site* ever did so for the user, only you know: if
        not, somebody else may have prepared the account, so answer ``False``. By default the user must be active, and
        not be privileged (staff, superuser, any group, any permission). Nobody is linked twice, whatever you answer.
        """
        return bool(user.is_active) and not is_privileged(user)

    def revoke_credentials(self, user: Any) -> None:
        """End every other way to come in as this user; called in the transaction that links them.

        The password is unusable by then, which ends Django's sessions. By default the tokens and grants of Django REST
        framework, django-rest-knox, django-oauth-toolkit, simplejwt's blacklist, django-allauth and social-auth are
        ended where these are installed. Extend it by whatever your project hands out itself.
        """
        name = email_field()
        revoke_other_credentials(user, [getattr(user, name)] if has_field(name) else [])

    def cache_scope(self) -> Hashable:
        """What the rows of users depend on beside the identity and the database, for ``USER_CACHE_SECONDS``.

        With a schema per tenant: ``return connection.schema_name``. Asked at every request.
        """
        return None


class _AddressMissing(IntegrityError):
    """The user model wants an address of everybody, and the identity has none."""


def delete_user(user: Any) -> None:
    """Delete a user so that no session of Ory's that exists now brings them back.

    ``user.delete()`` does the same for the sessions that this site has seen. Who signs in at Ory again later is a new
    user. Nothing is deleted at Ory; call Django's ``logout()`` as well to end the session of the request.
    """
    using = writing_alias()
    now = stored_time(datetime.now(UTC), using)
    with transaction.atomic(using=using):
        links = OryIdentity.objects.using(using).filter(user_id=user.pk, authenticated_at__lt=now)
        links.update(authenticated_at=now)
        user.delete()


def load(session: OrySession, conf: Conf) -> Found:
    """The user of this session, created or brought up to date where that is due: one query for one who is known.

    Raises :class:`OryUnavailable` where the database does not answer.
    """
    try:
        return recall(session, conf) or _loaded(session, conf)
    except Error as error:
        log(Event.DB_UNAVAILABLE, error=type(error).__name__)
        raise OryUnavailable("The database of users does not answer.", event=Event.DB_UNAVAILABLE) from None


def recall(session: OrySession, conf: Conf) -> Found | None:
    """The user of this session as far as this process' memory has them (``USER_CACHE_SECONDS``)."""
    if not conf.user_cache_seconds:
        return None
    handler = _handler(conf)
    user = user_rows(conf.user_cache_seconds).recall(session.facts, reading_alias(), handler.cache_scope())
    if user is None:
        return None
    return Found(user, None if _admitted(handler, session, user) else Event.NOT_ADMITTED)


def recalls_at_once(conf: Conf) -> bool:
    """Whether :func:`recall` is sure not to wait for anything: a handler of the project may ask its database."""
    return bool(conf.user_cache_seconds) and handler_class(conf.user_handler).admit is UserHandler.admit


def _loaded(session: OrySession, conf: Conf) -> Found:
    handler, using, now = _handler(conf), reading_alias(), time.monotonic()
    user, news = find_user(session, using)
    if user is None:
        return _first(session, handler)
    if conf.user_cache_seconds and not news and is_plain(user_model()):
        user_rows(conf.user_cache_seconds).keep(session.facts, user, using, handler.cache_scope(), now)
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
    """``USER_HANDLER`` itself; raises ``ImproperlyConfigured`` where it is not one."""
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
    # A replica may lag behind: before anyone is created they are looked for where they would be written.
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
    # Who has to be approved first signs in after that.
    signed_in = found.created and refused is None and _sign_in(session)
    return Found(found.user, refused, created=found.created, linked=found.linked, new_sign_in=signed_in)


def _is_deleted(session: OrySession, using: str) -> bool:
    """Whether the user of this identity was deleted here, and nobody has signed in at Ory since."""
    signed_in_at = stored_time(session.authenticated_at, using)
    return bool(_links_without_user(session.identity, using).filter(authenticated_at__gte=signed_in_at).exists())


def _links_without_user(identity: Identity, using: str) -> Any:
    return OryIdentity.objects.using(using).filter(pk=identity.id, user=None)


def _created(session: OrySession, handler: UserHandler, using: str) -> Found:
    """A user for this identity. What the database refuses is made room for or left out, one after the other."""
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
            return Found(user)  # two first requests at once: the other one was quicker
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
            text = "did not take the new user: see ORY_AUTH['USER_FIELDS'] and ['USER_HANDLER']."
            raise OryUnavailable(f"{user_model()._meta.label} {text}", event=Event.DB_UNAVAILABLE)


def _try_to_create(
    identity: Identity, handler: UserHandler, room: list[Conflict], using: str
) -> tuple[Refusal | Event | None, Any, bool]:
    """Why there is no user, the user, and whether they were there before."""
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
        or (_is_mapped_address(one, identity, handler) and is_given_up(one, handler.conf, using))
        for one in conflicts
    )


def _is_mapped_address(conflict: Conflict, identity: Identity, handler: UserHandler) -> bool:
    """Whether the value is an address of the identity as it is; what a handler made up cannot be found at Ory."""
    path = handler.fields().get(conflict.field, "")
    return "@" in str(conflict.value) and is_same_text(read_path(identity, path), conflict.value)


def _to_leave_out(identity: Identity, handler: UserHandler) -> Iterator[frozenset[str]]:
    """What to try without, first what is not unique, then everything that is mapped."""
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
    # The primary key of the link lets one of two first requests through, also where a deleted user has left it.
    if not _links_without_user(identity, using).update(**facts):
        OryIdentity.objects.using(using).create(id=identity.id, **facts)
    if not linked:
        values = handler.values(identity)
        handler._store(user, identity, {name: values[name] for name in handler._left_out})
        _log_invalid(identity, handler, values)
    return user, linked


def _linkable(identity: Identity, handler: UserHandler, using: str) -> Any:
    """The one user whose address Ory has verified for this identity, where the project asked for that."""
    if not handler.conf.link_by_verified_email:
        return None
    user = find_by_verified_email(identity, using)
    return user if user is not None and not is_linked(user, using) and handler.may_link(identity, user) else None


def _log_invalid(identity: Identity, handler: UserHandler, values: Mapping[str, Any]) -> None:
    """Say which values of a new identity its user's fields did not take."""
    for name, path in handler.fields().items():
        if name not in values and not is_missing(identity, path):
            log(Event.VALUE_REFUSED, identity=str(identity.id), field=name, why="invalid", at="creation")


def _is_default(user: Any, name: str, identity: Identity) -> bool:
    """Whether the field holds what a new user's would, so that nothing of the identity's is kept in it."""
    value, field = getattr(user, name), user._meta.get_field(name)
    if name == user.USERNAME_FIELD:
        return str(value) == str(identity.id)
    return bool(field.has_default() and value == field.get_default())


# --- later visits -----------------------------------------------------------------------------------------------------


def _follow(user: Any, identity: Identity, handler: UserHandler) -> bool:
    """Bring the user up to date, unless a later state of the identity has been seen meanwhile."""
    using = writing_alias()

    def advance() -> bool:
        with transaction.atomic(using=using):
            seen_at = stored_time(last_change(identity), using)
            state = OryIdentity.objects.using(using).filter(pk=identity.id, updated_at__lt=seen_at)
            if not state.update(updated_at=seen_at):
                return False
            user.refresh_from_db(using=using)  # as it is now that the row is ours, not as it was read before
            return _update(user, identity, handler, using)

    return _write_if_possible(advance)


def _update(user: Any, identity: Identity, handler: UserHandler, using: str) -> bool:
    """What a handler of the project's own could not save is not tried again before the identity changes."""
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
    """Note a sign-in; ``True`` for exactly one request of those that see a new session."""
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
    """Known users work on a database that is read-only just now."""
    try:
        with transaction.atomic(using=writing_alias()):
            return bool(write())
    except Error as error:
        log(Event.DB_UNAVAILABLE, error=type(error).__name__, at="update")
        return False
