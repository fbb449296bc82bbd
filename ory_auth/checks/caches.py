"""The cache that ``SESSION_CACHE`` names."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage

from ..conf import Conf
from .message import make_message

TIMEOUT_OPTIONS = {  # a word in BACKEND → the options for time limits, which are off by default
    "redis": ("socket_timeout", "socket_connect_timeout"),
    "valkey": ("socket_timeout", "socket_connect_timeout"),
    "pymemcache": ("timeout", "connect_timeout"),
}


def check_session_cache(conf: Conf) -> Iterator[CheckMessage]:
    alias = conf.session_cache
    if conf.session_cache_seconds == 0:
        return
    if alias not in settings.CACHES:
        near = difflib.get_close_matches(alias, settings.CACHES, n=1) or [*settings.CACHES][:1]
        yield make_message(
            "E011",
            f"ORY_AUTH['SESSION_CACHE'] names {alias!r}, but CACHES has no such alias.",
            f"Did you mean {near[0]!r}? ORY_AUTH['SESSION_CACHE'] is an alias in CACHES."
            if near
            else f"Add {alias!r} to CACHES, or remove ORY_AUTH['SESSION_CACHE'].",
        )
        return
    cache = settings.CACHES[alias]
    yield from _check_timeouts(alias, cache)
    yield from _check_hidden_errors(alias, cache)
    if cache["BACKEND"].endswith(".DummyCache") and not settings.DEBUG:
        yield make_message(
            "W015",
            f"CACHES[{alias!r}] stores nothing (DummyCache): every request that needs the user calls Ory.",
            "Set ORY_AUTH['SESSION_CACHE'] to a cache that stores values.",
        )


def _check_timeouts(alias: str, cache: Any) -> Iterator[CheckMessage]:
    backend, options = cache["BACKEND"].lower(), {name.lower() for name in cache.get("OPTIONS", {})}
    wait, connect = next((limits for word, limits in TIMEOUT_OPTIONS.items() if word in backend), ("", ""))
    if wait and wait not in options and f"{wait}=" not in str(cache.get("LOCATION")):  # redis://…?socket_timeout=1
        yield make_message(
            "W004",
            f"CACHES[{alias!r}] has no {wait!r}: if its server hangs, so does every request that needs the user.",
            f"Set CACHES[{alias!r}]['OPTIONS'] = {{{wait!r}: 0.5, {connect!r}: 0.5}}.",
        )


def _check_hidden_errors(alias: str, cache: Any) -> Iterator[CheckMessage]:
    backend, options = cache["BACKEND"].lower(), cache.get("OPTIONS", {})
    ignored = options.get("IGNORE_EXCEPTIONS", getattr(settings, "DJANGO_REDIS_IGNORE_EXCEPTIONS", False))
    if "django_redis" in backend and ignored:
        name = "IGNORE_EXCEPTIONS" if "IGNORE_EXCEPTIONS" in options else "DJANGO_REDIS_IGNORE_EXCEPTIONS"
    elif "pymemcache" in backend and options.get("ignore_exc"):
        name = "ignore_exc"
    else:
        return
    yield make_message(
        "W026",
        f"CACHES[{alias!r}] hides its errors ({name}): you do not see that it is down, and it may lose sign-outs.",
        f"Set ORY_AUTH['SESSION_CACHE'] to a cache without {name!r}. If that raises an error, ory_auth calls Ory.",
    )
