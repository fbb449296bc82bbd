"""Whether what signing in needs answers just now: Ory, the cache, the database."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.db import Error as DjangoDatabaseError
from django.db import connections, router

from .conf import Conf
from .flights import flights
from .models import OryIdentity
from .steps import carry_out


def health(conf: Conf) -> dict[str, bool]:
    """Each of them, tried now; Ory's readiness is asked by one at a time and ``False`` is remembered for a moment."""
    process = flights(conf)
    ready = carry_out(process.call(lambda client: client.ready()), conf.timeout)
    return {"ory": ready is True, "cache": process.cache.answers(), "database": _database_answers()}


def _database_answers() -> bool:
    try:
        for alias in {router.db_for_read(model) for model in (get_user_model(), OryIdentity)}:
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT 1")
    except DjangoDatabaseError:
        return False
    return True
