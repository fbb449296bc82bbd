"""A serializer for Django's Redis cache that never unpickles. Only projects import it.

Django's caches unpickle what they read before other code can check it, so write access to such a cache is enough to run
code in every worker. Sessions need no pickles: give them their own alias, with this serializer.
"""

from __future__ import annotations

from typing import Any

__all__ = ["BytesSerializer"]


class BytesSerializer:
    """Stores bytes, strings and integers. Anything else in the cache, such as a pickle, reads as ``None``.

    Use ``"OPTIONS": {"serializer": "ory_auth.cache_serializer.BytesSerializer"}`` with the ``BACKEND``
    ``django.core.cache.backends.redis.RedisCache``. With django-redis the option is ``"SERIALIZER"``.
    """

    def __init__(self, *_: Any, **__: Any) -> None:
        pass  # Django passes no arguments; other packages pass their options

    def dumps(self, value: object) -> bytes | int:
        """Raises ``TypeError`` for a value that needs a pickle."""
        if type(value) is int:
            return value  # as a number, so that Redis can increment it
        if isinstance(value, bytes):
            return b"b" + value
        if isinstance(value, str):
            return b"s" + value.encode()
        raise TypeError(
            f"This cache stores bytes, strings and integers, not {type(value).__name__}, because its serializer is "
            "BytesSerializer. Use another alias of CACHES for other values."
        )

    def loads(self, data: bytes | int) -> bytes | str | int | None:
        if isinstance(data, int):
            return data
        match data[:1]:
            case b"b":
                return data[1:]
            case b"s":
                return data[1:].decode(errors="replace")
        try:
            return int(data)
        except ValueError:
            return None
