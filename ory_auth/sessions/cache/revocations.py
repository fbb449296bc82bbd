"""Revocations: records in the shared cache that a session was signed out here or refused by Ory.

A sign-out writes its revocations first, then reads the slots of the session, and revokes every credential that it finds
there. Storing an entry (:mod:`ory_auth.sessions.cache.shared_cache`) takes a slot first, then looks for the revocation
of its session. In whatever order the two run, either the revocation is seen or the slot is. No sign-out is ever deleted
or shortened, so an entry that has one does not count, whichever process writes the entry and whenever.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.cache import BaseCache
from django.core.cache.backends.dummy import DummyCache

from .cache_keys import CacheKeys
from .entries import MAX_SKEW, unpack
from .local_cache import UNKNOWN_SIGN_OUT_SECONDS

YEAR = 366 * 24 * 3600
UNKNOWN_END = 30 * 24 * 3600  # seconds to refuse a known credential whose session has an unknown end


@dataclass(frozen=True, slots=True)
class SignOut:
    """A sign-out of one session. One of ``key`` and ``session_id`` may be ``None``.

    Without ``session_id``, it is not known which session the credential belongs to. Without ``key``, the session is
    ended from another one, and the cache knows its credentials.
    """

    keys: CacheKeys
    key: str | None
    session_id: bytes | None
    expires_at: float = 0.0  # Unix time; 0: not known
    lifespan: float = 0.0  # seconds: Ory may have extended the session by this much since

    def write(self, cache: BaseCache) -> bool:
        """Write the sign-out; ``False`` if the cache lost it, with or without an error."""
        if isinstance(cache, DummyCache):
            return True
        session_id = self.session_id
        if session_id is None and self.key is not None:
            session_id = find_session(self.keys, self.key, cache)
        revocations, life = self.keys.all_signed_out(self.key, session_id), self._life(session_id)
        slots = self.keys.slots(session_id) if session_id else []
        if self.expires_at:
            cache.set_many(dict.fromkeys(revocations, 1), life)
        else:
            for revocation in revocations:  # an existing one may last longer, so it stays
                cache.add(revocation, 1, life)
        # Revocations that are read back show that the cache works, so a slot that is not there does not exist.
        values = cache.get_many([*revocations, *slots])
        written = values.keys() >= set(revocations)
        credentials = _credentials_in(values, slots)
        if self.key is not None:
            credentials.add(self.key)
        others = {self.keys.signed_out(key) for key in credentials} - set(revocations)
        if others:
            cache.set_many(dict.fromkeys(others, 1), life)
            written = written and cache.get_many(others).keys() >= others
        delete_entries(cache, self.keys, credentials)
        return written

    def _life(self, session_id: bytes | None) -> int:
        if session_id is None:
            return UNKNOWN_SIGN_OUT_SECONDS
        left = max(self.expires_at - time.time(), self.lifespan) if self.expires_at else UNKNOWN_END
        return min(max(int(left), 0) + MAX_SKEW, YEAR)


def write_refusal(keys: CacheKeys, key: str | None, session_id: bytes, life: int, cache: BaseCache) -> None:
    """Entries of this session that are older than now do not count: Ory refuses its credential, or it has changed.

    The record holds the time, so that it refuses only older entries: after a second factor the same cookie is valid
    again. ``life`` is how many seconds a stale entry may be in the cache; 0: there are none.
    """
    if life:
        cache.set(keys.refusal(session_id), int(time.time()), life)
    slots = keys.slots(session_id)
    credentials = _credentials_in(cache.get_many(slots), slots)
    delete_entries(cache, keys, credentials if key is None else credentials | {key})


def find_session(keys: CacheKeys, key: str, cache: BaseCache) -> bytes | None:
    """The ID of this credential's session, if the cache knows it."""
    entry_keys, known_keys = [keys.entry(key), keys.stale_entry(key)], keys.all_known(key)
    values = cache.get_many([*entry_keys, *known_keys])
    for entry_key in entry_keys:
        entry = unpack(entry_key, values.get(entry_key))
        if entry is not None:
            return entry.summary.session_id
    for known_key in known_keys:
        session_id = _parse_session_id(values.get(known_key))
        if session_id is not None:
            return session_id
    return None


def delete_entries(cache: BaseCache, keys: CacheKeys, credentials: Iterable[str]) -> None:
    """Delete the entries of these credentials, and the records that they are known."""
    cache_keys: list[str] = []
    for key in credentials:
        cache_keys += [keys.entry(key), keys.stale_entry(key), *keys.all_known(key)]
    cache.delete_many(cache_keys)


def _parse_session_id(text: object) -> bytes | None:
    try:
        return UUID(str(text)).bytes
    except ValueError:
        return None


def _credentials_in(values: dict[str, Any], slots: list[str]) -> set[str]:
    """The keys of the credentials in these slots."""
    return {values[slot] for slot in slots if isinstance(values.get(slot), str)}
