"""A cache that hides errors, as django-redis does with ``IGNORE_EXCEPTIONS`` and pymemcache does by default.

While its server is down, nothing is found and nothing is written. Only some return values show it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

SOCKET_TIMEOUT = 0.2  # seconds


def _hide_errors(name: str, result: Callable[[], Any]) -> Any:
    """The method of this name, which returns ``result()`` if the server is down."""

    def method(self: ErrorHidingCache, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(self.cache, name)(*args, **kwargs)
        except RedisError:
            return result()

    return method


class ErrorHidingCache(BaseCache):
    """Django's Redis cache without its errors."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        options = {**params.get("OPTIONS", {}), "socket_timeout": SOCKET_TIMEOUT}
        self.cache = RedisCache(server, {**params, "OPTIONS": options})

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        try:
            return self.cache.get(key, default, version)
        except RedisError:
            return default

    add = _hide_errors("add", bool)
    touch = _hide_errors("touch", bool)
    delete = _hide_errors("delete", bool)
    get_many = _hide_errors("get_many", dict)
    set_many = _hide_errors("set_many", list)  # as if every key had been set
    set = _hide_errors("set", lambda: None)
    delete_many = _hide_errors("delete_many", lambda: None)
    clear = _hide_errors("clear", lambda: None)
