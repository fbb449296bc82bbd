"""The shadow user: the row of ``AUTH_USER_MODEL`` that stands for an identity, found by Ory's id and nothing else."""

from __future__ import annotations

import time
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, IntegrityError, connections, models, router, transaction
from django.db.models import Case, Subquery, When
from django.utils.module_loading import import_string

from .conf import Conf
from .events import Event, log
from .exceptions import OryUnavailable
from .models import OryIdentity
from .types import Identity, OrySession
from .user_fields import email_field, has_field, is_unique, read_values, user_fields, user_model
from .user_rows import user_rows

__all__ = ["UserHandler"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Found:
    """The shadow user of a session, and what is new about the two. ``refused`` says why they may not come in."""

    user: Any
    refused: Event | None = None
    created: bool = False
    updated: bool = False
    new_sign_in: bool = False


class UserHandler:
    """How identities become users. Subclass it, and name the subclass in ``ORY_AUTH["USER_HANDLER"]``."""

    def __init__(self, conf: Conf) -> None:
        self.conf = conf

    def admit(self, session: OrySession, user: Any) -> bool:
        """Whether this person may come in; ``user`` is ``None`` where there is none yet. Asked at every request."""
        return user is None or user.is_active

    def create(self, identity: Identity) -> Any:
        """Make and save a user for an identity that has none. ``IntegrityError`` means that a value is taken."""
        model = user_model()
        values = self.values(identity)
        user = model(**values)
        name = model._meta.get_field(model.USERNAME_FIELD)
        if name.attname not in values and isinstance(name, (models.CharField, models.UUIDField)):
            setattr(user, name.attname, name.to_python(str(identity.id)))
        user.set_unusable_password()
        user.save(force_insert=True)
        return user

    def update(self, user: Any, identity: Identity) -> bool:
        """Take over what the identity says now and save it; says whether anything has changed.

        A value that is taken already leaves the old one where it is.
        """
        fields = user_model()._meta.get_field
        new = {name: value for name, value in self.values(identity).items() if getattr(user, name) != value}
        new = {name: value for name, value in new.items() if not fields(name).primary_key}
        plain = [name for name in new if not is_unique(name)]
        alone = [[name] for name in new if is_unique(name)]
        saved = [self._save(user, {name: new[name] for name in names}) for names in (plain, *alone) if names]
        return any(saved)

    def _save(self, user: Any, values: dict[str, Any]) -> bool:
        before = {name: getattr(user, name) for name in values}
        vars(user).update(values)
        try:
            with transaction.atomic(using=_writer()):
                user.save(update_fields=list(values), using=_writer())
        except IntegrityError:
            vars(user).update(before)
            log(_taken(values), at="update")
            return False
        return True

    def fields(self) -> Mapping[str, str]:
        """User field → path in the identity: ``USER_FIELDS``, less what this user model does not have."""
        return user_fields(self.conf)

    def values(self, identity: Identity) -> dict[str, Any]:
        """What the identity says of the user's fields, each as its field takes it.

        A value that its field cannot hold is left out.
        """
        values, name = read_values(identity, self.fields()), user_model().USERNAME_FIELD
        return {field: value for field, value in values.items() if value or field != name}  # nobody is nameless


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
    user = user_rows(conf.user_cache_seconds).recall(session.facts)
    if user is None:
        return None
    return Found(user, None if _admitted(_handler(conf), session, user) else Event.NOT_ADMITTED)


def recalls_at_once(conf: Conf) -> bool:
    """Whether :func:`recall` is sure not to wait for anything: a handler of the project may ask its database."""
    return bool(conf.user_cache_seconds) and handler_class(conf.user_handler).admit is UserHandler.admit


def _loaded(session: OrySession, conf: Conf) -> Found:
    handler, using, now = _handler(conf), _reader(), time.monotonic()
    user, news = _find(session, using)
    if user is None:
        return _first(session, handler)
    if conf.user_cache_seconds and not news and _is_plain(user_model()):
        user_rows(conf.user_cache_seconds).keep(session.facts, user, using, now)
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


def _reader() -> str:
    return router.db_for_read(user_model())


def _writer() -> str:
    return router.db_for_write(user_model())


# --- the one query --------------------------------------------------------------------------------------------------
# The ORM takes longer to build this query, and to read its row, than the database to answer it. So both are prepared
# once per process and database: the SQL with marks where the parameters go, and how each column becomes a value; but
# for a manager that has a query of its own. The database itself says what is new, so no time has to be read back.

BEHIND, NEW_SIGN_IN = 1, 2
_MARKS = UUID(int=0xABC), datetime(2001, 1, 1, 1, 1, 1, tzinfo=UTC), datetime(2002, 2, 2, 2, 2, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Query:
    """``params`` has the marks still in it; ``fields`` are the user's, and the news come last."""

    sql: str
    params: tuple[Any, ...]
    marks: tuple[Any, ...]
    fields: list[str]
    converters: tuple[tuple[int, tuple[Any, ...], Any], ...]


def _find(session: OrySession, using: str) -> tuple[Any, int]:
    """The user, and what the session knows that their row does not: ``BEHIND``, ``NEW_SIGN_IN``, both, or neither."""
    model, identity = user_model(), session.identity
    told = identity.id, _updated(identity), session.authenticated_at
    if _is_plain(model):
        return _found(model, using, told)
    for user in _queryset(model, using, *told):
        return user, user.__dict__.pop("ory_news")
    return None, 0


def _is_plain(model: Any) -> bool:
    """A manager with a query of its own may filter by anything, the tenant of this request among it."""
    return type(model._default_manager).get_queryset is models.Manager.get_queryset


def _queryset(model: Any, using: str, identity_id: UUID, updated_at: datetime, signed_in_at: datetime) -> Any:
    # Two scalar subqueries: PostgreSQL plans them in less than half of the time that it takes to plan a join.
    linked = OryIdentity.objects.using(using).filter(pk=identity_id)
    behind = Case(When(updated_at__lt=updated_at, then=BEHIND), default=0)
    new_sign_in = Case(When(authenticated_at__lt=signed_in_at, then=NEW_SIGN_IN), default=0)
    users = model._default_manager.using(using).filter(pk=Subquery(linked.values("user")[:1])).order_by()
    return users.annotate(ory_news=Subquery(linked.values(news=behind + new_sign_in)))


def _found(model: Any, using: str, told: tuple[Any, ...]) -> tuple[Any, int]:
    connection = connections[using]
    query = _compiled(model, using, connection.vendor)  # parameters are adapted to the vendor
    adapt = dict(zip(query.marks, _adapted(told, connection), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(query.sql, [adapt.get(param, param) for param in query.params])
        found = cursor.fetchone()
    if found is None:
        return None, 0
    row = list(found)
    for position, converters, expression in query.converters:
        for convert in converters:
            row[position] = convert(row[position], expression, connection)
    return model.from_db(using, query.fields, row[:-1]), row[-1]


@lru_cache(maxsize=8)
def _compiled(model: Any, using: str, vendor: str) -> _Query:
    compiler = _queryset(model, using, *_MARKS).query.get_compiler(using)
    sql, params = compiler.as_sql()
    selected = [expression for expression, _, _ in compiler.select]
    converters = compiler.get_converters(selected)
    return _Query(
        sql,
        tuple(params),
        tuple(_adapted(_MARKS, connections[using])),
        [selected[position].target.attname for position in compiler.klass_info["select_fields"]],
        tuple((position, tuple(convert), expression) for position, (convert, expression) in converters.items()),
    )


def _adapted(values: tuple[Any, ...], connection: Any) -> list[Any]:
    """An identity's id and two times as this database takes them."""
    fields: list[Any] = [OryIdentity._meta.get_field(name) for name in ("id", "updated_at", "authenticated_at")]
    return [field.get_db_prep_value(value, connection) for field, value in zip(fields, values, strict=True)]


def _updated(identity: Identity) -> datetime:
    return identity.updated_at or EPOCH


# --- creating, following, signing in --------------------------------------------------------------------------------


def _admitted(handler: UserHandler, session: OrySession, user: Any) -> bool:
    return handler.admit(session, user) and (user is None or user.is_active)


def _first(session: OrySession, handler: UserHandler) -> Found:
    writer = _writer()
    # A replica may lag behind: before anyone is created they are looked for where they would be written.
    user, _ = _find(session, writer)
    if user is None and not _admitted(handler, session, None):
        return Found(None, Event.NOT_ADMITTED)
    created = user is None
    if created and (refused := _email_missing(session.identity, handler)):
        return Found(None, refused)
    try:
        if created:
            with transaction.atomic(using=writer):
                user = _insert(session.identity, handler, writer)
    except IntegrityError:
        created = False
        user, _ = _find(session, writer)  # two first requests at once: the other one was quicker
        if user is None:
            return Found(None, _conflict(session.identity, handler))
    refused = None if _admitted(handler, session, user) else Event.NOT_ADMITTED
    signed_in = created and refused is None and _sign_in(session)  # who has to be approved first signs in after that
    return Found(user, refused, created=created, new_sign_in=signed_in)


def _insert(identity: Identity, handler: UserHandler, writer: str) -> Any:
    user = _linkable(identity, handler, writer)
    if user is None:
        user = handler.create(identity)
    else:
        user.set_unusable_password()  # which ends its sessions
        user.save(update_fields=["password"], using=writer)
        log(Event.IDENTITY_LINKED, identity=str(identity.id))
    OryIdentity.objects.using(writer).create(
        id=identity.id, user=user, updated_at=_updated(identity), authenticated_at=EPOCH
    )
    return user


def _linkable(identity: Identity, handler: UserHandler, writer: str) -> Any:
    """The one user whose address Ory has verified for this identity, where the project asked for that."""
    if not handler.conf.link_by_verified_email or not identity.verified_emails():
        return None
    same_address = models.Q()
    for address in identity.verified_emails():
        same_address |= models.Q(**{f"{email_field()}__iexact": address})
    users = list(user_model()._default_manager.using(writer).select_for_update().filter(same_address)[:2])
    if len(users) != 1:
        return None
    user = users[0]
    privileged = getattr(user, "is_staff", False) or getattr(user, "is_superuser", False)
    taken = OryIdentity.objects.using(writer).filter(user=user).exists()
    return user if user.is_active and not privileged and not taken else None


def _email_missing(identity: Identity, handler: UserHandler) -> Event | None:
    name = email_field()
    if has_field(name) and is_unique(name) and not handler.values(identity).get(name):
        log(Event.EMAIL_CONFLICT, at="creation", why="no_address")
        return Event.EMAIL_CONFLICT
    return None


def _conflict(identity: Identity, handler: UserHandler) -> Event:
    """Which value is taken, as the user model's own constraints see it."""
    model, writer = user_model(), _writer()
    if OryIdentity.objects.using(writer).filter(pk=identity.id).exists():
        return Event.NOT_ADMITTED  # linked to a user that the model's own manager hides
    values = {model.USERNAME_FIELD: str(identity.id)} | handler.values(identity)
    for name, value in values.items():
        text = isinstance(value, str)  # a constraint, or the database itself, may fold case
        same = model._base_manager.using(writer).filter(**{f"{name}__iexact" if text else name: value})
        if is_unique(name) and same.exists():
            log(_taken({name}), at="creation")
            return _taken({name})
    raise OryUnavailable(
        f"{model._meta.label} did not take the new user: see ORY_AUTH['USER_FIELDS'] and ['USER_HANDLER'].",
        event=Event.DB_UNAVAILABLE,
    )


def _taken(names: Container[str]) -> Event:
    return Event.EMAIL_CONFLICT if email_field() in names else Event.USERNAME_CONFLICT


def _follow(user: Any, identity: Identity, handler: UserHandler) -> bool:
    """Bring the user up to date, unless a later state of the identity has been seen meanwhile."""

    def advance() -> bool:
        with transaction.atomic(using=_writer()):
            state = OryIdentity.objects.using(_writer()).filter(pk=identity.id, updated_at__lt=_updated(identity))
            if not state.update(updated_at=_updated(identity)):
                return False
            user.refresh_from_db(using=_writer())  # as it is now that the row is ours, not as it was read before
            return handler.update(user, identity)

    return _write_if_possible(advance)


def _sign_in(session: OrySession) -> bool:
    """Note a sign-in; ``True`` for exactly one request of those that see a new session."""
    seen = OryIdentity.objects.using(_writer()).filter(
        pk=session.identity.id, authenticated_at__lt=session.authenticated_at
    )
    return _write_if_possible(lambda: bool(seen.update(authenticated_at=session.authenticated_at)))


def _write_if_possible(write: Any) -> bool:
    """Known users work on a database that is read-only just now."""
    try:
        with transaction.atomic(using=_writer()):
            return bool(write())
    except Error as error:
        log(Event.DB_UNAVAILABLE, error=type(error).__name__, at="update")
        return False
