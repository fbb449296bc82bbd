"""A serializer for Django's Redis cache that never unpickles. Nothing else of this package imports it.

Django's caches unpickle what they read before anybody can look at it, so write access to such a cache is code execution
in every worker. Sessions need no pickle: give them an alias of their own, with this serializer.
"""

from __future__ import annotations

from typing import Any

__all__ = ["BytesSerializer"]


class BytesSerializer:
    """Takes bytes, text and whole numbers, and gives nothing else back.

    For ``"OPTIONS": {"serializer": "ory_auth.cache_serializer.BytesSerializer"}`` of an alias whose ``BACKEND`` is
    ``django.core.cache.backends.redis.RedisCache``. The option of django-redis is called ``"SERIALIZER"``. Whatever
    else is found there, such as a pickle, reads as ``None``.
    """

    def __init__(self, *_: Any, **__: Any) -> None:
        pass  # Django gives no arguments, other packages give their options

    def dumps(self, value: object) -> bytes | int:
        """Raises ``TypeError`` for a value that would need a pickle."""
        if type(value) is int:
            return value  # Redis adds to numbers itself
        if isinstance(value, bytes):
            return b"b" + value
        if isinstance(value, str):
            return b"s" + value.encode()
        raise TypeError(
            f"This cache takes bytes, text and whole numbers, not {type(value).__name__}: its serializer is "
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
