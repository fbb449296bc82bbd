"""``DATABASES`` and ``DATABASE_ROUTERS``: our table, and SQLite's transactions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage
from django.db import Error, connections, router

from ..models import OryIdentity
from ..users.database import reading_alias, writing_alias
from .message import make_message


def check_table(databases: Any = None, **_: Any) -> list[CheckMessage]:
    """Whether our table exists. Django passes the databases that a command uses: ``migrate``, ``check --database``."""
    alias = writing_alias()
    if alias not in (databases or []):
        return []
    try:
        with connections[alias].cursor() as cursor:
            tables = connections[alias].introspection.table_names(cursor)
    except Error:
        return []  # Django reports it better
    if OryIdentity._meta.db_table in tables or "django_migrations" not in tables:
        return []
    text = f"The table {OryIdentity._meta.db_table!r} is missing: nobody can sign in."
    database = "" if alias == "default" else f" --database {alias}"
    return [make_message("W003", text, f"Run 'manage.py migrate{database}'.")]


def check_router() -> Iterator[CheckMessage]:
    """``OryIdentity`` has a foreign key to its user, so both have to be in the same database."""
    label, user = OryIdentity._meta.label, get_user_model()._meta.label
    alias = writing_alias()
    # A router may keep out users, too: with django-tenants, both tables are in the schema of each tenant.
    if router.allow_migrate_model(alias, get_user_model()) and not router.allow_migrate_model(alias, OryIdentity):
        yield make_message(
            "E016",
            f"DATABASE_ROUTERS keep {label} out of DATABASES[{alias!r}], which has {user}: nobody can sign in.",
            "Let allow_migrate() return the same for the app 'ory_auth' as for the app of the user model, and run "
            "'manage.py migrate'.",
        )
    elif (router.db_for_read(OryIdentity), router.db_for_write(OryIdentity)) != (reading_alias(), alias):
        yield make_message(
            "W024",
            f"DATABASE_ROUTERS send {label} and {user} to different databases: the admin and your own queries do "
            "not find the links.",
            "Let db_for_read() and db_for_write() return the same for the app 'ory_auth' as for the user model's.",
        )


def check_sqlite() -> Iterator[CheckMessage]:
    """Silent in development, where two requests at once are rare."""
    alias = writing_alias()
    databases: dict[str, Any] = settings.DATABASES
    database = databases.get(alias, {})
    mode = database.get("OPTIONS", {}).get("transaction_mode") or ""
    in_file = database.get("ENGINE", "").endswith("sqlite3") and "memory" not in str(database.get("NAME"))
    if in_file and database.get("ATOMIC_REQUESTS") and not settings.DEBUG and mode.upper() not in _WRITE_MODES:
        yield make_message(
            "W023",
            f"DATABASES[{alias!r}] is SQLite with ATOMIC_REQUESTS: if two new people sign in at once, one gets a 503.",
            f"Set DATABASES[{alias!r}]['OPTIONS']['transaction_mode'] = 'IMMEDIATE'.",
        )


_WRITE_MODES = frozenset({"IMMEDIATE", "EXCLUSIVE"})
