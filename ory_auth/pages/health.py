"""Whether Ory, the cache and the database answer now, for the readiness view."""

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

SECONDS = 1.0  # for which a result is kept: the view needs no credential, so anybody may call it at will
_last: tuple[Services, float, dict[str, bool]] | None = None


def health(conf: Conf) -> dict[str, bool]:
    """Each of them, tried at most once a second."""
    global _last
    services, last, now = services_of(conf), _last, time.monotonic()
    if last is None or last[0] is not services or now - last[1] >= SECONDS:
        last = _last = (services, now, _try_all(services, conf.timeout))
    return last[2]


def _try_all(services: Services, timeout: float) -> dict[str, bool]:
    readiness = perform(services.call(Priority.KNOWN, Client.readiness), timeout)
    ory = isinstance(readiness, Readiness) and readiness is not Readiness.NOT_READY
    return {"ory": ory, "cache": services.cache.ping(), "database": _database_answers()}


def _database_answers() -> bool:
    try:
        with connections[reading_alias()].cursor() as cursor:
            cursor.execute("SELECT 1")
    except DjangoDatabaseError:
        return False
    return True
