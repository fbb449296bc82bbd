"""The query that finds the user of a session: one for each request with a session.

The ORM takes longer to build this query and to read its row than the database takes to answer it. So the query is
compiled once for each process and database: the SQL, with placeholders instead of the parameters, and the converters
of the columns. This is the SQL for a user model with two columns (the names of aliases are shortened)::

    SELECT user.id, user.username,
           (SELECT CASE WHEN link.updated_at < %s THEN 1 ELSE 0 END      -- IDENTITY_CHANGED
                 + CASE WHEN EXISTS (SELECT 1 FROM ory_auth_orysignin sign_in WHERE sign_in.session_id = %s)
                        THEN 0 ELSE 2 END                                -- NEW_SIGN_IN
            FROM ory_auth_oryidentity link WHERE link.id = %s) AS ory_changes
    FROM auth_user user
    WHERE user.id = (SELECT link.user_id FROM ory_auth_oryidentity link WHERE link.id = %s LIMIT 1)

The database compares the times, so Python need not read them. If the user model's manager has its own query, the ORM
builds the query each time.
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
from .database import EPOCH, stored_time
from .fields import user_model

IDENTITY_CHANGED, NEW_SIGN_IN = 1, 2  # flags

Params = tuple[UUID, datetime, UUID]  # the identity's id, its last change, and the session's id
# Values to compile the query with. Each is unlike the other parameters of the query, so it can be found among them.
_PLACEHOLDERS: Params = UUID(int=0xABC), datetime(2001, 1, 1, 1, 1, 1, tzinfo=UTC), UUID(int=0xDEF)


@dataclass(frozen=True, slots=True)
class _CompiledQuery:
    """A query whose ``params`` contain the ``placeholders``. It selects ``fields`` of the user, and then the flags."""

    sql: str
    params: tuple[Any, ...]
    placeholders: tuple[Any, ...]
    fields: list[str]
    converters: tuple[tuple[int, tuple[Any, ...], Any], ...]


def find_user(session: OrySession, using: str) -> tuple[Any, int]:
    """The user and flags: ``IDENTITY_CHANGED`` since the last sync, and ``NEW_SIGN_IN`` if the session is new here.

    ``(None, 0)`` if the identity has no user.
    """
    model, identity = user_model(), session.identity
    params = identity.id, last_change(identity), session.id
    if has_default_query(model):
        return _run_compiled(model, using, params)
    for user in _build_query(model, using, params):
        return user, user.__dict__.pop("ory_changes")
    return None, 0


def last_change(identity: Identity) -> datetime:
    """When the identity last changed; the epoch if Ory does not say."""
    return identity.updated_at or EPOCH


def has_default_query(model: Any) -> bool:
    """Whether the manager uses Django's own query. Another one may filter by anything, such as the current tenant."""
    return type(model._default_manager).get_queryset is models.Manager.get_queryset


def _build_query(model: Any, using: str, params: Params) -> Any:
    identity_id, updated_at, session_id = params
    # Two scalar subqueries: PostgreSQL plans them in less than half of the time that it takes to plan a join.
    link = OryIdentity.objects.using(using).filter(pk=identity_id)
    changed = Case(When(updated_at__lt=stored_time(updated_at, using), then=IDENTITY_CHANGED), default=0)
    seen = Exists(OrySignIn.objects.using(using).filter(pk=session_id))
    new_sign_in = Case(When(seen, then=0), default=NEW_SIGN_IN)
    users = model._default_manager.using(using).filter(pk=Subquery(link.values("user")[:1])).order_by()
    return users.annotate(ory_changes=Subquery(link.values(changes=changed + new_sign_in)))


def _run_compiled(model: Any, using: str, params: Params) -> tuple[Any, int]:
    connection = connections[using]
    query = _compile_query(model, using, connection.vendor)  # parameters are adapted to the vendor
    value_of = dict(zip(query.placeholders, _adapt_params(params, using), strict=True))
    with connection.cursor() as cursor:
        cursor.execute(query.sql, [value_of.get(param, param) for param in query.params])
        columns = cursor.fetchone()
    if columns is None:
        return None, 0
    row = list(columns)
    for position, converters, expression in query.converters:
        for convert in converters:
            row[position] = convert(row[position], expression, connection)
    return model.from_db(using, query.fields, row[:-1]), row[-1]


@lru_cache(maxsize=8)
def _compile_query(model: Any, using: str, vendor: str) -> _CompiledQuery:
    compiler = _build_query(model, using, _PLACEHOLDERS).query.get_compiler(using)
    sql, params = compiler.as_sql()
    selected = [expression for expression, _, _ in compiler.select]
    converters = compiler.get_converters(selected)
    return _CompiledQuery(
        sql,
        tuple(params),
        tuple(_adapt_params(_PLACEHOLDERS, using)),
        [selected[position].target.attname for position in compiler.klass_info["select_fields"]],
        tuple((position, tuple(convert), expression) for position, (convert, expression) in converters.items()),
    )


def _adapt_params(params: Params, using: str) -> list[Any]:
    """The parameters as this database's driver takes them."""
    identity_id, updated_at, session_id = params
    values = identity_id, stored_time(updated_at, using), session_id
    fields: list[Any] = [
        OryIdentity._meta.get_field("id"),
        OryIdentity._meta.get_field("updated_at"),
        OrySignIn._meta.pk,
    ]
    return [field.get_db_prep_value(value, connections[using]) for field, value in zip(fields, values, strict=True)]
