"""Checks whether Ory, the cache and the database answer, for the readiness view."""

from __future__ import annotations

import time

from django.db import Error as DjangoDatabaseError
from django.db import connections

from ..conf import Conf
from ..ory.client import Client, Readiness
from ..sessions.driver import perform
from ..sessions.ory_caller import Priority
from ..sessions.services import Services, services_of
from ..users.database import reading_alias

RESULT_SECONDS = 1.0  # how long a result is reused, because any visitor can call the view without limit
_last: tuple[Services, float, dict[str, bool]] | None = None


def check_health(conf: Conf) -> dict[str, bool]:
    """Which of ``ory``, ``cache`` and ``database`` answer; checked at most once a second."""
    global _last
    services, last, now = services_of(conf), _last, time.monotonic()
    if last is None or last[0] is not services or now - last[1] >= RESULT_SECONDS:
        last = _last = (services, now, _check_all(services, conf.timeout))
    return last[2]


def _check_all(services: Services, timeout: float) -> dict[str, bool]:
    readiness = perform(services.ory_call(Priority.KNOWN, Client.readiness), timeout)
    ory = isinstance(readiness, Readiness) and readiness is not Readiness.NOT_READY
    return {"ory": ory, "cache": services.cache.ping(), "database": _is_database_available()}


def _is_database_available() -> bool:
    try:
        with connections[reading_alias()].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DjangoDatabaseError:
        return False
    return True
