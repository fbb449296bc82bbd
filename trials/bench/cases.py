"""What is measured in the environment of ``ory_auth`` itself. Imported once Django is set up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import urllib3
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.db import connection

from ory_auth.conf import conf
from ory_auth.sessions.local_cache import LocalCache
from ory_auth.sessions.services import services_of
from trials.bench import drive
from trials.bench.case import Case
from trials.bench.project import Variant
from trials.bench.signed_in import django_cookie

NOBODY = b"nobody was asked for"


def cases(variant: Variant) -> list[Case]:
    """All of them; ``asgi …`` is the async twin of ``wsgi …``."""
    ory = {"Cookie": variant.cookie}
    drive.wsgi("ory", "/sync/user", ory)()  # the first request of all makes the user
    user = get_user_model().objects.get(ory_identity__id=variant.identity)
    django = {"Cookie": django_cookie(user)}
    found = [
        *_twins("bare", "bare", "bare", ory, wanted=NOBODY),
        *_twins("django user", "django", "user", django),
        *_twins("session", "ory", "session", ory),
        *_twins("user", "ory", "user", ory),
    ]
    if "LOCAL_CACHE_SECONDS" not in variant.ory_auth:
        found += [
            *_twins("bare again", "bare", "bare", ory, wanted=NOBODY),
            *_twins("attributes", "attributes", "bare", ory, wanted=NOBODY),
            *_twins("silent", "ory", "bare", ory, wanted=NOBODY),
            *_twins("user, both", "both", "user", ory),
            *_twins("first", "ory", "user", ory, before=_nobody_seen, share=0.4),
            Case("whoami", partial(_whoami, urllib3.PoolManager(), variant), share=0.4),
            Case("query", _query(variant.identity)),
        ]
    if not variant.redis_url:
        found.append(Case("sdk", drive.wsgi("bare", "/sync/sdk", ory), share=0.2))
    return found


def _twins(name: str, stack: str, path: str, headers: Mapping[str, str], **options: Any) -> list[Case]:
    """The same case through the WSGI handler and through the ASGI handler; both have to say the same."""
    call = drive.wsgi(stack, f"/sync/{path}", headers)
    options.setdefault("wanted", call())
    return [
        Case(f"wsgi {name}", call=call, **options),
        Case(f"asgi {name}", acall=drive.asgi(stack, f"/async/{path}", headers), **options),
    ]


def _nobody_seen() -> None:
    """A process that has its connections, and has never seen this session; nor has the cache."""
    caches["default"].clear()
    process = services_of(conf())
    process.cache.local = LocalCache(conf().local_cache_seconds)
    process._completed.clear()


def _whoami(pool: urllib3.PoolManager, variant: Variant) -> None:
    """What asking Ory costs in itself: no limit of time, nothing read of the answer."""
    headers = {"Cookie": variant.cookie, "Accept": "application/json"}
    response = pool.request("GET", f"{variant.ory_url}/sessions/whoami", headers=headers, retries=False)
    if response.status != 200:
        raise drive.WrongAnswer(f"whoami: {response.status}")


def _query(identity: str) -> Callable[[], None]:
    """What the user's row costs in itself: SQL that is written already, one row, one object."""
    model = get_user_model()
    sql, params = model._default_manager.filter(ory_identity__id=identity).query.sql_with_params()
    names = [field.attname for field in model._meta.concrete_fields]

    def query() -> None:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            model.from_db("default", names, cursor.fetchone())

    return query
