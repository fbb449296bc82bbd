"""A cache that hides errors, as django-redis does with ``IGNORE_EXCEPTIONS`` and pymemcache does by default.

While its server is down, nothing is found and nothing is written. Only some return values show it.
"""

from __future__ import annotations

import contextlib
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

SOCKET_TIMEOUT = 0.2  # seconds


class ErrorHidingCache(BaseCache):
    """Django's Redis cache without its errors."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        options = {**params.get("OPTIONS", {}), "socket_timeout": SOCKET_TIMEOUT}
        self._cache = RedisCache(server, {**params, "OPTIONS": options})

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        with contextlib.suppress(RedisError):
            return self._cache.add(key, value, timeout, version)
        return False

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        with contextlib.suppress(RedisError):
            return self._cache.get(key, default, version)
        return default

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        with contextlib.suppress(RedisError):
            self._cache.set(key, value, timeout, version)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> bool:
        with contextlib.suppress(RedisError):
            return self._cache.touch(key, timeout, version)
        return False

    def delete(self, key: Any, version: Any = None) -> bool:
        with contextlib.suppress(RedisError):
            return self._cache.delete(key, version)
        return False

    def get_many(self, keys: Any, version: Any = None) -> dict[Any, Any]:
        with contextlib.suppress(RedisError):
            return self._cache.get_many(keys, version)
        return {}

    def set_many(self, data: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> list[Any]:
        with contextlib.suppress(RedisError):
            return self._cache.set_many(data, timeout, version)
        return []  # as if every key had been set

    def delete_many(self, keys: Any, version: Any = None) -> None:
        with contextlib.suppress(RedisError):
            self._cache.delete_many(keys, version)

    def clear(self) -> None:
        with contextlib.suppress(RedisError):
            self._cache.clear()
