"""Whether a cache can store what requests store in it: sessions as bytes, their slots, and sign-outs.

Each step calls the cache as :mod:`ory_auth.sessions.shared_cache` and :mod:`ory_auth.sessions.revocations` do, with
values of the same types.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.core.cache import BaseCache

from ..facts.model import STORE_BYTES, Misfit

SECONDS = 60  # that a value stays in the cache if it cannot be removed
SESSION = bytes(range(256)) * 4  # no text, in any encoding
SLOT = secrets.token_hex(16)  # the key of a credential is a text


def find_misfit(cache: BaseCache) -> Misfit | None:
    """Write, read and delete as requests do; ``None`` if the cache is fit for that. Leaves nothing in it."""
    prefix = f"ory_auth:check:{secrets.token_hex(8)}"
    names = [f"{prefix}:{number}" for number in range(3)]
    what = ""
    try:
        for what, how in _steps(cache, *names):
            if how:
                return Misfit(what, how)
    except Exception as error:  # whatever a backend raises
        return Misfit(what or STORE_BYTES, type(error).__name__)
    finally:
        with suppress(Exception):
            for name in names:
                cache.delete(name)
    return None


def _steps(cache: BaseCache, entry: str, slot: str, mark: str) -> Iterator[tuple[str, str]]:
    """What is tried next, then the same with how it failed (empty: it did not)."""
    yield STORE_BYTES, ""
    cache.set(entry, SESSION, SECONDS)
    yield STORE_BYTES, _difference(cache.get(entry), SESSION)

    yield "add a key only once", ""
    added, added_again = cache.add(slot, SLOT, SECONDS), cache.add(slot, "other", SECONDS)
    yield "add a key only once", "" if (bool(added), bool(added_again)) == (True, False) else "add() says otherwise"
    yield "store text", _difference(cache.get(slot), SLOT)

    yield "extend the lifetime of a key", ""
    yield "extend the lifetime of a key", "" if cache.touch(slot, SECONDS) else "touch() refuses"

    yield "write and read several keys at once", ""
    cache.set_many({mark: 1}, SECONDS)
    found = cache.get_many([entry, slot, mark])
    difference = _difference(found, {entry: SESSION, slot: SLOT, mark: 1})
    yield "write and read several keys at once", difference and "get_many() returns something else"

    yield "delete several keys at once", ""
    cache.delete_many([entry, slot, mark])
    yield "delete several keys at once", "they are still there" if cache.get_many([entry, slot, mark]) else ""


def _difference(found: Any, stored: Any) -> str:
    """How what was found differs from what was stored; empty if it does not."""
    if found is None:
        return "it stores nothing"
    if type(found) is not type(stored):
        return f"it returns {type(found).__name__}"
    return "" if found == stored else "it returns another value"
