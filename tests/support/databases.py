"""Other databases for a test: files, PostgreSQL, replicas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connections

SQLITE = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20}}


@contextmanager
def temporary_database(alias: str, **values: object) -> Iterator[None]:
    """:func:`replaced_database` by one that is empty: creates the tables."""
    with replaced_database(alias, **values):
        call_command("migrate", verbosity=0, database=alias)
        yield


@contextmanager
def replaced_database(alias: str, **values: object) -> Iterator[None]:
    """Replace the database of an alias for a while, in all threads, by one that has the tables already."""
    settings = connections.settings
    before = settings.get(alias)
    connection = getattr(connections[alias], "self", connections[alias]) if alias in settings else None
    settings[alias] = {**settings["default"], **values}
    if connection is not None:
        del connections[alias]
    try:
        yield
    finally:
        connections[alias].close()
        del connections[alias]
        if before is None or connection is None:
            del settings[alias]
        else:
            settings[alias] = before
            connections[alias] = connection
