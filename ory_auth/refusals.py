"""Whether a database error means that a row was refused. Otherwise it may be an outage."""

from __future__ import annotations

from enum import Enum

from django.core.exceptions import ValidationError
from django.db import DataError, IntegrityError, OperationalError


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
