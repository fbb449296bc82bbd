"""The database: whether our table is there, and SQLite's way with transactions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import Error, connections, router

from ..models import OryIdentity
from .message import Message, tell


def check_table(databases: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """Called by Django with the databases that a command may ask: ``migrate``, ``check --database``."""
    alias = router.db_for_write(OryIdentity)
    if alias not in (databases or []):
        return []
    try:
        with connections[alias].cursor() as cursor:
            tables = connections[alias].introspection.table_names(cursor)
    except Error:
        return []  # Django's own checks and commands say so better
    if OryIdentity._meta.db_table in tables or "django_migrations" not in tables:
        return []
    text = f"The table {OryIdentity._meta.db_table!r} is missing: nobody can sign in."
    return [tell("W003", text, "Run 'manage.py migrate'.")]


def check_sqlite() -> Iterator[Message]:
    """In development one request at a time is no trouble."""
    alias = router.db_for_write(OryIdentity)
    databases: dict[str, Any] = settings.DATABASES
    database = databases.get(alias, {})
    mode = database.get("OPTIONS", {}).get("transaction_mode") or ""
    in_file = database.get("ENGINE", "").endswith("sqlite3") and "memory" not in str(database.get("NAME"))
    if in_file and database.get("ATOMIC_REQUESTS") and not settings.DEBUG and mode.upper() not in _WRITING:
        yield tell(
            "W023",
            f"DATABASES[{alias!r}] is SQLite with ATOMIC_REQUESTS: of two first sign-ins at once, one is a 503.",
            f"Set DATABASES[{alias!r}]['OPTIONS']['transaction_mode'] = 'IMMEDIATE'.",
        )


_WRITING = frozenset({"IMMEDIATE", "EXCLUSIVE"})
