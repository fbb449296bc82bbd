"""Cache backends that cannot store everything, or whose methods do less than those of Django's backends."""

from __future__ import annotations

import base64
import json
from typing import Any

from django.core.cache.backends.locmem import LocMemCache


class OfJson(LocMemCache):
    """As django-redis with its ``JSONSerializer``: it raises for bytes."""

    def dumps(self, value: Any) -> Any:
        return json.dumps(value)

    def loads(self, value: Any) -> Any:
        return json.loads(value)

    def set(self, key: Any, value: Any, *args: Any, **options: Any) -> None:
        super().set(key, self.dumps(value), *args, **options)

    def add(self, key: Any, value: Any, *args: Any, **options: Any) -> bool:
        return super().add(key, self.dumps(value), *args, **options)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        found = super().get(key, None, version)
        return default if found is None else self.loads(found)


class WithOptions(OfJson):
    """With a serializer in its ``OPTIONS``."""


class OfBase64(OfJson):
    """Bytes come back as a text."""

    def dumps(self, value: Any) -> Any:
        return json.dumps(value, default=lambda raw: base64.b64encode(raw).decode())


class OfLists(OfJson):
    """Bytes come back as a list of numbers."""

    def dumps(self, value: Any) -> Any:
        return json.dumps(value, default=list)


class Dropping(LocMemCache):
    """Bytes are not stored, and nothing says so."""

    def set(self, key: Any, value: Any, *args: Any, **options: Any) -> None:
        if not isinstance(value, bytes):
            super().set(key, value, *args, **options)


class AlwaysAdding(LocMemCache):
    """``add()`` overwrites, as where a backend calls ``set()`` for it."""

    def add(self, key: Any, value: Any, *args: Any, **options: Any) -> bool:
        self.set(key, value, *args, **options)
        return True


class Untouchable(LocMemCache):
    """``touch()`` does nothing, as in a backend from before Django 2.1."""

    def touch(self, *args: Any, **options: Any) -> bool:
        return False


class OneAtATime(LocMemCache):
    """``get_many()`` forgets a key."""

    def get_many(self, keys: Any, version: int | None = None) -> dict[Any, Any]:
        return super().get_many(list(keys)[1:], version)


class Keeping(LocMemCache):
    """``delete_many()`` does nothing."""

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        pass


class JsonSerializer:
    """As that of django-redis, which is given the options of its cache."""

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        pass

    def dumps(self, value: Any) -> bytes:
        return json.dumps(value).encode()

    def loads(self, value: bytes) -> Any:
        return json.loads(value)
