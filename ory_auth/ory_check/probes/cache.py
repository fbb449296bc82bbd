"""Tests whether a cache can store what requests store: sessions as bytes, their slots, and revocations.

Each step calls the cache as :mod:`ory_auth.sessions.cache.shared_cache` and
:mod:`ory_auth.sessions.cache.revocations` do, with values of the same types.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.core.cache import BaseCache

from ..facts.model import STORE_BYTES, CacheDefect

LIFETIME_SECONDS = 60  # the lifetime of a value, in case it cannot be deleted
SESSION = bytes(range(256)) * 4  # not text in any encoding
SLOT = secrets.token_hex(16)  # a slot holds the key of a credential, which is text

ADD_ONCE = "add a key only once"
STORE_TEXT = "store text"
TOUCH = "extend the lifetime of a key"
WRITE_MANY = "write and read several keys at once"
DELETE_MANY = "delete several keys at once"


def find_defect(cache: BaseCache) -> CacheDefect | None:
    """Write, read and delete as requests do. Leaves nothing in the cache."""
    prefix = f"ory_auth:check:{secrets.token_hex(8)}"
    keys = [f"{prefix}:{number}" for number in range(3)]
    operation = STORE_BYTES
    try:
        for operation, symptom in _try_operations(cache, *keys):
            if symptom:
                return CacheDefect(operation, symptom)
    except Exception as error:  # backends raise errors of any kind
        return CacheDefect(operation, type(error).__name__)
    finally:
        with suppress(Exception):
            for key in keys:
                cache.delete(key)
    return None


def _try_operations(cache: BaseCache, entry: str, slot: str, revocation: str) -> Iterator[tuple[str, str]]:
    """Yield each operation twice: before it, so that an exception is attributed to it, and with its symptom after."""
    yield STORE_BYTES, ""
    cache.set(entry, SESSION, LIFETIME_SECONDS)
    yield STORE_BYTES, _compare(cache.get(entry), SESSION)

    yield ADD_ONCE, ""
    added, added_again = cache.add(slot, SLOT, LIFETIME_SECONDS), cache.add(slot, "other", LIFETIME_SECONDS)
    yield ADD_ONCE, "" if added and not added_again else "add() returns the wrong result"
    yield STORE_TEXT, _compare(cache.get(slot), SLOT)

    yield TOUCH, ""
    yield TOUCH, "" if cache.touch(slot, LIFETIME_SECONDS) else "touch() returns False"

    yield WRITE_MANY, ""
    cache.set_many({revocation: 1}, LIFETIME_SECONDS)
    difference = _compare(cache.get_many([entry, slot, revocation]), {entry: SESSION, slot: SLOT, revocation: 1})
    yield WRITE_MANY, "get_many() returns other values" if difference else ""

    yield DELETE_MANY, ""
    cache.delete_many([entry, slot, revocation])
    yield DELETE_MANY, "they are still there" if cache.get_many([entry, slot, revocation]) else ""


def _compare(value: Any, stored: Any) -> str:
    """How the value differs from the stored one; empty if it does not."""
    if value is None:
        return "it stores nothing"
    if type(value) is not type(stored):
        return f"it returns {type(value).__name__}"
    return "" if value == stored else "it returns another value"
