"""The query that finds the user of a session.

The ORM takes longer to build this query and to read its row than the database takes to answer it. So both are prepared
once for each process and database: the SQL with markers in place of the parameters, and the converters of the columns.
If the user model's manager has its own query, the ORM runs it each time. The database compares the times, so that none
has to be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connections, models
from django.db.models import Case, Exists, Subquery, When

from ..models import OryIdentity, OrySignIn
from ..types import Identity, OrySession
from .database import stored_time
from .fields import user_model

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEHIND, NEW_SIGN_IN = 1, 2
_MARKS = UUID(int=0xABC), datetime(2001, 1, 1, 1, 1, 1, tzinfo=UTC), UUID(int=0xDEF)


@dataclass(frozen=True, slots=True)
class _Query:
    """A prepared query. ``params`` contains markers; the columns are ``fields`` of the user, and last what is new."""

    sql: str
    params: tuple[Any, ...]
    marks: tuple[Any, ...]
    fields: list[str]
    converters: tuple[tuple[int, tuple[Any, ...], Any], ...]


def find_user(session: OrySession, using: str) -> tuple[Any, int]:
    """The user, and flags: ``BEHIND`` (the identity has changed) and ``NEW_SIGN_IN`` (the session is new)."""
    model, identity = user_model(), session.identity
    facts = identity.id, last_change(identity), session.id
    if is_plain(model):
        return _found(model, using, facts)
    for user in _queryset(model, using, *facts):
        return user, user.__dict__.pop("ory_news")
    return None, 0


def last_change(identity: Identity) -> datetime:
    """When the identity last changed; the epoch if Ory does not say."""
    return identity.updated_at or EPOCH


def is_plain(model: Any) -> bool:
    """Whether the manager has no query of its own, which may filter by anything, such as the tenant of this request."""
    return type(model._default_manager).get_queryset is models.Manager.get_queryset


def _queryset(model: Any, using: str, identity_id: UUID, updated_at: datetime, session_id: UUID) -> Any:
    # Two scalar subqueries: PostgreSQL plans them in less than half of the time that it takes to plan a join.
    linked = OryIdentity.objects.using(using).filter(pk=identity_id)
    behind = Case(When(updated_at__lt=stored_time(updated_at, using), then=BEHIND), default=0)
    seen = Exists(OrySignIn.objects.using(using).filter(pk=session_id))
    new_sign_in = Case(When(seen, then=0), default=NEW_SIGN_IN)
    users = model._default_manager.using(using).filter(pk=Subquery(linked.values("user")[:1])).order_by()
    return users.annotate(ory_news=Subquery(linked.values(news=behind + new_sign_in)))


def _found(model: Any, using: str, facts: tuple[Any, ...]) -> tuple[Any, int]:
    connection = connections[using]
    query = _compiled(model, using, connection.vendor)  # parameters are adapted to the vendor
    adapt = dict(zip(query.marks, _adapted(facts, using), strict=True))
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
        tuple(_adapted(_MARKS, using)),
        [selected[position].target.attname for position in compiler.klass_info["select_fields"]],
        tuple((position, tuple(convert), expression) for position, (convert, expression) in converters.items()),
    )


def _adapted(facts: tuple[Any, ...], using: str) -> list[Any]:
    """The facts, converted for this database."""
    identity_id, updated_at, session_id = facts
    values = identity_id, stored_time(updated_at, using), session_id
    fields: list[Any] = [
        OryIdentity._meta.get_field("id"),
        OryIdentity._meta.get_field("updated_at"),
        OrySignIn._meta.pk,
    ]
    return [field.get_db_prep_value(value, connections[using]) for field, value in zip(fields, values, strict=True)]
