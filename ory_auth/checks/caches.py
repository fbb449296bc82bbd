"""The cache that ``SESSION_CACHE`` names."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from django.conf import settings

from ..conf import Conf
from .message import Message, tell

LIMITS = {  # a word in the BACKEND → what it calls the limits of waiting for the server, which has none by default
    "redis": ("socket_timeout", "socket_connect_timeout"),
    "valkey": ("socket_timeout", "socket_connect_timeout"),
    "pymemcache": ("timeout", "connect_timeout"),
}


def check_cache(conf: Conf) -> Iterator[Message]:
    alias = conf.session_cache
    if conf.session_cache_seconds == 0:
        return
    if alias not in settings.CACHES:
        near = difflib.get_close_matches(alias, settings.CACHES, n=1) or [*settings.CACHES][:1]
        yield tell(
            "E011",
            f"ORY_AUTH['SESSION_CACHE'] names {alias!r}, and CACHES has no such cache.",
            f"Did you mean {near[0]!r}? ORY_AUTH['SESSION_CACHE'] is an alias in CACHES."
            if near
            else f"Add {alias!r} to CACHES, or remove ORY_AUTH['SESSION_CACHE'].",
        )
        return
    cache = settings.CACHES[alias]
    yield from _may_hang(alias, cache)
    yield from _hides_errors(alias, cache)
    if cache["BACKEND"].endswith(".DummyCache") and not settings.DEBUG:
        yield tell(
            "W015",
            f"CACHES[{alias!r}] stores nothing (DummyCache): every request that asks who the user is asks Ory.",
            "Name a cache that stores values in ORY_AUTH['SESSION_CACHE'].",
        )


def _may_hang(alias: str, cache: Any) -> Iterator[Message]:
    backend, options = cache["BACKEND"].lower(), {name.lower() for name in cache.get("OPTIONS", {})}
    wait, connect = next((limits for word, limits in LIMITS.items() if word in backend), ("", ""))
    if wait and wait not in options and f"{wait}=" not in str(cache.get("LOCATION")):  # redis://…?socket_timeout=1
        yield tell(
            "W004",
            f"CACHES[{alias!r}] has no {wait!r}: if its server hangs, so does every request that asks who the user is.",
            f"Set CACHES[{alias!r}]['OPTIONS'] = {{{wait!r}: 0.5, {connect!r}: 0.5}}.",
        )


def _hides_errors(alias: str, cache: Any) -> Iterator[Message]:
    backend, options = cache["BACKEND"].lower(), cache.get("OPTIONS", {})
    ignored = options.get("IGNORE_EXCEPTIONS", getattr(settings, "DJANGO_REDIS_IGNORE_EXCEPTIONS", False))
    if "django_redis" in backend and ignored:
        name = "IGNORE_EXCEPTIONS" if "IGNORE_EXCEPTIONS" in options else "DJANGO_REDIS_IGNORE_EXCEPTIONS"
    elif "pymemcache" in backend and options.get("ignore_exc"):
        name = "ignore_exc"
    else:
        return
    yield tell(
        "W026",
        f"CACHES[{alias!r}] hides its errors ({name}): nothing says that it is down, and it may lose a sign-out.",
        f"Name a cache without {name!r} in ORY_AUTH['SESSION_CACHE']: if a cache raises, ory_auth asks Ory.",
    )
