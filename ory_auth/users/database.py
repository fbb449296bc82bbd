"""Which database has the users and their links, and how it stores times. For both the code and the system checks."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connections, router

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # a time that stands for "never"


def reading_alias() -> str:
    """The database to read users and links from. A link is always in the database of its user."""
    return router.db_for_read(get_user_model())


def writing_alias() -> str:
    """The database to write users and links to."""
    return router.db_for_write(get_user_model())


def stored_time(moment: datetime, using: str) -> datetime:
    """An aware time as a ``DateTimeField`` of this database takes it.

    With ``USE_TZ = False`` most databases take no aware times. They get UTC, as with ``USE_TZ = True``: local time
    would go backwards once a year, and a sign-in in that hour would not be noticed.
    """
    if settings.USE_TZ or connections[using].features.supports_timezones:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)
