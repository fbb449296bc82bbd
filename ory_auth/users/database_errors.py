"""What a database error means: a row was refused, a table is missing, or there may be an outage."""

from __future__ import annotations

import re
from enum import Enum

from django.core.exceptions import ValidationError
from django.db import DataError, Error, IntegrityError, OperationalError, ProgrammingError

from ..events import Event, log

SETUP_RETRY_AFTER = 300  # seconds; trying again earlier is useless, because the setup must be fixed first


class Refusal(Enum):
    """Why a row was not saved."""

    CONSTRAINT = "constraint"  # a constraint: most likely another row has the value
    VALUE = "value"  # the column cannot hold the value


# MySQL and MariaDB: wrong string (an emoji in utf8mb3), wrong number, too long, out of range, mixed collations. Some
# drivers raise OperationalError for them, as for a server that is gone.
_MYSQL_VALUE_ERRORS = frozenset({1264, 1265, 1267, 1292, 1366, 1367, 1406, 3988})


def refusal_of(error: BaseException) -> Refusal | None:
    """Why the row was refused; ``None`` if the error is about something else, such as an outage."""
    if isinstance(error, (IntegrityError, ValidationError)):  # models that call full_clean() raise the latter
        return Refusal.CONSTRAINT
    if isinstance(error, (DataError, OverflowError, UnicodeError)):
        return Refusal.VALUE
    if isinstance(error, OperationalError) and error.args and error.args[0] in _MYSQL_VALUE_ERRORS:
        return Refusal.VALUE
    return None


_POSTGRESQL_NOT_MIGRATED = frozenset({"42P01", "42703"})  # undefined table, undefined column
_MYSQL_NOT_MIGRATED = frozenset({1146, 1054})
_SQLITE_NOT_MIGRATED = re.compile(r"no such (table|column)|table \S+ has no column")


def is_not_migrated(error: Error) -> bool:
    """Whether a table or a column is missing: ``manage.py migrate`` was not run."""
    if not isinstance(error, (ProgrammingError, OperationalError)):
        return False
    if getattr(error.__cause__, "sqlstate", getattr(error.__cause__, "pgcode", None)) in _POSTGRESQL_NOT_MIGRATED:
        return True
    first = error.args[0] if error.args else None
    return first in _MYSQL_NOT_MIGRATED or (isinstance(first, str) and bool(_SQLITE_NOT_MIGRATED.match(first)))


def log_database_error(error: Error, at: str | None = None) -> Event:
    """Log why the database gave no answer, and return the event. Its text may quote values, so it is not logged."""
    if is_not_migrated(error):
        log(Event.MIGRATIONS_MISSING, error=type(error).__name__, at=at, fix="manage.py_migrate")
        return Event.MIGRATIONS_MISSING
    log(Event.DB_UNAVAILABLE, error=type(error).__name__, at=at)
    return Event.DB_UNAVAILABLE
