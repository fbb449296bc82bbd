"""Cached sessions, and the sign-outs that override them.

There are two tiers: the local cache of the process (:mod:`ory_auth.sessions.cache.local_cache`,
``LOCAL_CACHE_SECONDS``), then Django's cache, which processes share. Together they keep a session no longer than Ory
allows: the time in the local cache is subtracted from the time in the shared cache.

==========  =====================================  =====================================================================
entry       cache key                              value
==========  =====================================  =====================================================================
fresh       ``ory_auth:s:<credential's key>``      MAC, times, summary, the body as it came
stale       ``ory_auth:o:<credential's key>``      the same, for longer (only with ``STALE_IF_ERROR_SECONDS``)
slot        ``ory_auth:f:<site>:<session id>:<n>`` the key of one credential under which the session is cached
signed out  ``ory_auth:x:<credential's digest>``   1: this credential was signed out here
signed out  ``ory_auth:x:<site>:<session id>``     1: this session was signed out here
refused     ``ory_auth:r:<site>:<session id>``     when Ory refused it (Unix time): no older stale entry counts
known       ``ory_auth:k:<credential's digest>``   the session ID: this credential was valid
==========  =====================================  =====================================================================

A credential's key is its digest and the header that it came in. ``<site>`` stands for Ory's URL and
``CACHE_NAMESPACE``.

A hit reads the entry and the revocation in one call. Storing takes a slot, looks for revocations, sets the entry, and
looks again. :mod:`ory_auth.sessions.cache.revocations` says why no entry counts once a sign-out has returned. The last
look is for caches that lose revocations: it deletes the entry if a sign-out came too early to find it.
"""

from __future__ import annotations

import time
from enum import Enum, auto
from functools import partial
from typing import Any
from uuid import UUID

from django.core.cache import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from ...conf import MAX_CACHE_SECONDS, Conf
from ...events import Event, log
from ...types import OrySession
from .cache_backend import CacheBackend
from .cache_keys import CacheKeys
from .entries import MAX_SKEW, Entry, pack, remaining_seconds, unpack
from .local_cache import LocalCache
from .revocations import SignOut, find_session, write_refusal

WEEK = 7 * 24 * 3600


class Stored(Enum):
    """What :meth:`SessionCache.store` did."""

    CACHED = auto()
    NOT_CACHED = auto()  # the session is valid, but may not be cached, or the cache did not take it
    SIGNED_OUT = auto()  # the session was signed out here meanwhile, so it must not count


class SessionCache:
    """Both tiers of one project in one process."""

    def __init__(self, conf: Conf) -> None:
        self._conf = conf
        self.enabled = conf.session_cache_seconds != 0
        self.local = LocalCache(conf.local_cache_seconds)
        self._backend = CacheBackend(conf.session_cache)
        self._keys = CacheKeys(conf)

    # --- reading

    def get_local(self, key: str) -> Entry | None:
        """The entry in the local cache for a credential. No I/O."""
        entry = self.local.get(key)
        return entry if entry is not None and self._counts_here(key, entry) else None

    def get(self, key: str, *, stale: bool = False) -> Entry | None:
        """The entry in the shared cache for a credential. Anything that was not written for this key is a miss."""
        return self._get_stale(key) if stale else self._get_entry(key)

    def _get_entry(self, key: str) -> Entry | None:
        entry_key, revocation = self._keys.entry(key), self._keys.signed_out(key)
        values = self._backend.run(partial(_get_with_revocation, entry_key, revocation))
        entry = self._read_entry(key, entry_key, values)
        if entry is None or revocation in values:
            return None
        self.local.add_known(key, entry.summary.session_id)
        if self.local.seconds <= entry.local_seconds:
            self.local.set(key, entry)
        return entry

    def _get_stale(self, key: str) -> Entry | None:
        entry_key = self._keys.stale_entry(key)
        entry = self._read_entry(key, entry_key, self._get_many([entry_key]))
        if entry is None:
            return None
        session_id = entry.summary.session_id
        revocations, refusal = self._keys.all_signed_out(key, session_id), self._keys.refusal(session_id)
        # A second read is cheap while Ory is down. The entry is read again: if it is missing, the cache may be down.
        values = self._get_many([entry_key, *revocations, refusal])
        if not values or entry_key not in values or not values.keys().isdisjoint(revocations):
            return None
        refused_at = max(self.local.refused_at(session_id), _read_time(values.get(refusal, 0)))
        return entry if entry.stored_at - MAX_SKEW > refused_at else None

    def _read_entry(self, key: str, entry_key: str, values: dict[str, Any] | None) -> Entry | None:
        if not values or values.get(entry_key) is None:
            return None
        entry = unpack(entry_key, values[entry_key])
        if entry is None or not entry.is_current:
            log(Event.CACHE_INVALID)
            return None
        return entry if self._counts_here(key, entry) else None

    def _counts_here(self, key: str, entry: Entry) -> bool:
        """Whether this process knows of no sign-out, and of no refusal by Ory since the entry was written."""
        session_id = entry.summary.session_id
        return not self.local.is_signed_out(key, session_id) and entry.stored_at >= self.local.refused_at(session_id)

    def _get_many(self, cache_keys: list[str]) -> dict[str, Any] | None:
        values: dict[str, Any] | None = self._backend.run(partial(_get_many, cache_keys))
        return values

    def is_known(self, key: str) -> bool:
        """Whether this credential was valid, in this process or in another one that shares the cache."""
        return self.local.is_known(key) or bool(self._get_many(self._keys.all_known(key)))

    @property
    def may_block(self) -> bool:
        """Whether a read may take a while, so that it must stay off the event loop. ``True`` until that is known."""
        return self._backend.may_block

    @property
    def has_pending_writes(self) -> bool:
        """Whether a sign-out waits for the cache to come back."""
        return self._backend.has_pending_writes

    @property
    def is_transactional(self) -> bool:
        """Whether a write in a request's own thread waits for the end of its database transaction."""
        return self._backend.is_transactional

    # --- storing

    def store(self, key: str, entry: Entry, seconds: int) -> Stored:
        """Cache a session for so many seconds, and remember that its credential is known.

        Call it as well for a session that may not be cached (``seconds`` is 0): it may have been signed out meanwhile.
        """
        session_id = entry.summary.session_id
        local_seconds = self.local.seconds if self.local.seconds <= seconds else 0.0
        entry = entry.with_lifetime(seconds)._replace(local_seconds=local_seconds)
        stored = self._backend.run(partial(self._store_shared, key, entry, int(seconds - local_seconds)))
        if stored is Stored.SIGNED_OUT or self.local.is_signed_out(key, session_id):
            return Stored.SIGNED_OUT
        if local_seconds:
            self.local.set(key, entry)
        if self.local.add_known(key, session_id):
            self._share_known(key, entry)
        return Stored.CACHED if local_seconds or stored is Stored.CACHED else Stored.NOT_CACHED

    def _store_shared(self, key: str, entry: Entry, seconds: int, cache: BaseCache) -> Stored:
        keys, session_id = self._keys, entry.summary.session_id
        revocations = keys.all_signed_out(key, session_id)
        slot = self._take_slot(cache, key, session_id, seconds) if seconds > 0 else None
        if cache.get_many(revocations):
            return Stored.SIGNED_OUT
        if slot is None:
            return Stored.NOT_CACHED
        stale_seconds = int(seconds + self._conf.stale_if_error_seconds)
        entry_key, stale_key = keys.entry(key), keys.stale_entry(key)
        cache.set(entry_key, pack(entry_key, entry.with_lifetime(seconds)), seconds)
        if stale_seconds > seconds:
            cache.set(stale_key, pack(stale_key, entry.with_lifetime(stale_seconds)), stale_seconds)
        values = cache.get_many([*revocations, slot])
        signed_out = not values.keys().isdisjoint(revocations)
        lost_slot = values.get(slot) != key  # without its slot, no sign-out would find the entry
        if signed_out or lost_slot:
            cache.delete_many([entry_key, stale_key])
        if signed_out:
            return Stored.SIGNED_OUT
        return Stored.NOT_CACHED if lost_slot else Stored.CACHED

    def _take_slot(self, cache: BaseCache, key: str, session_id: bytes, seconds: int) -> str | None:
        # A slot outlives its entry by a little, so that no entry is ever without one.
        life = int(seconds + self._conf.stale_if_error_seconds) + 5
        for slot in self._keys.slots(session_id):
            if cache.add(slot, str(key), life):
                return slot
            holder = cache.get(slot)
            if holder is None:  # a cache that hides errors: do not wait for all the other slots to fail
                return None
            if holder == key and cache.touch(slot, life):
                return slot
        return None  # more credentials than slots: this one is not cached

    def _share_known(self, key: str, entry: Entry) -> None:
        """Tell other processes that this credential was valid."""
        life = min(max(int(remaining_seconds(entry.summary, entry.offset)), 1), WEEK)
        session_id = str(UUID(bytes=entry.summary.session_id))
        self._backend.run(partial(_add, self._keys.known(key), session_id, life))

    def last_lookups(self, session_ids: list[bytes]) -> dict[bytes, float]:
        """When each of these sessions was last looked up at Ory, as Unix time, if one of its entries is cached."""
        slots = {slot: session_id for session_id in session_ids for slot in self._keys.slots(session_id)}
        keys = self._get_many(list(slots)) if slots else None
        entry_keys = {self._keys.entry(key): slots[slot] for slot, key in (keys or {}).items() if isinstance(key, str)}
        found: dict[bytes, float] = {}
        for entry_key, stored in ((self._get_many(list(entry_keys)) if entry_keys else None) or {}).items():
            entry, session_id = unpack(entry_key, stored), entry_keys[entry_key]
            if entry is not None and entry.summary.session_id == session_id:
                found[session_id] = max(entry.stored_at, found.get(session_id, 0.0))
        return found

    # --- signing out

    def sign_out(self, key: str, session: OrySession | None) -> None:
        """Refuse this credential from now on, and all other credentials of its session.

        ``session`` is ``None`` if it is unknown. An unknown credential is refused for some minutes only, and a
        process stores no more than a few hundred of these.
        """
        session_id = session.summary.session_id if session else self._session_of(key)
        if session_id is not None:
            self.local.sign_out(key, session_id)
        elif not self.local.sign_out_unknown(key):
            return
        sign_out = SignOut(self._keys, key, session_id) if session is None else self._sign_out_of(session, key)
        self._backend.write(sign_out.write)

    def sign_out_session(self, session: OrySession) -> None:
        """Refuse all credentials of this session from now on. The sign-out comes from another session of the person."""
        self.local.sign_out_session(session.summary.session_id)
        self._backend.write(self._sign_out_of(session, None).write)

    def refuse_session(self, session_id: bytes) -> None:
        """:meth:`sign_out_session` for a session of which only the ID (16 bytes) is known."""
        self.local.sign_out_session(session_id)
        self._backend.write(SignOut(self._keys, None, session_id).write)

    def drop_session(self, session_id: bytes) -> None:
        """Delete the entries of this session (16 bytes): the next request with it asks Ory."""
        self.local.drop_session(session_id, time.time())
        self._backend.run(partial(write_refusal, self._keys, None, session_id, self._stale_life()), force=True)

    def _sign_out_of(self, session: OrySession, key: str | None) -> SignOut:
        expires_at, authenticated_at = session.expires_at.timestamp(), session.authenticated_at.timestamp()
        session_id = session.summary.session_id
        return SignOut(self._keys, key, session_id, expires_at, lifespan=expires_at - authenticated_at)

    def _session_of(self, key: str) -> bytes | None:
        known: bytes | None = self.local.session_of(key)
        return known or self._backend.run(partial(find_session, self._keys, key), force=True)

    def is_signed_out(self, key: str, session_id: bytes | None = None) -> bool:
        """Whether this credential or its session was signed out here, whatever Ory says of it."""
        revocations = self._keys.all_signed_out(key, session_id)
        return self.local.is_signed_out(key, session_id) or bool(self._get_many(revocations))

    def record_refusal(self, key: str) -> None:
        """Ory refuses this credential, which may have been valid: no cached entry of its session counts any more.

        A later valid response counts again. For an unknown credential, this is one read and no write.
        """
        session_id = self._session_of(key)
        self.local.record_refusal(key, session_id, time.time())
        if session_id is not None:
            life = self._stale_life()
            self._backend.run(partial(write_refusal, self._keys, key, session_id, life), force=True)

    def _stale_life(self) -> int:
        """Seconds for which a stale entry that another process is about to write may be in the cache; 0: none is."""
        stale = self._conf.stale_if_error_seconds
        fresh = self._conf.session_cache_seconds
        return int((MAX_CACHE_SECONDS if fresh is None else fresh) + stale) + MAX_SKEW if stale else 0

    # --- the cache itself

    def close(self) -> None:
        """Give up writes that are still pending."""
        self._backend.close()

    def ping(self) -> bool:
        """Whether the cache answers now."""
        return self._backend.run(_ping, force=True) is not None


def _get_many(cache_keys: list[str], cache: BaseCache) -> dict[str, Any]:
    values: dict[str, Any] = cache.get_many(cache_keys)
    return values


def _get_with_revocation(entry_key: str, revocation: str, cache: BaseCache) -> dict[str, Any]:
    """Both in one call. A local-memory cache needs no revocation: this process knows all its sign-outs."""
    if isinstance(cache, LocMemCache):
        return {entry_key: cache.get(entry_key)}
    values: dict[str, Any] = cache.get_many([entry_key, revocation])
    return values


def _add(cache_key: str, value: str, seconds: int, cache: BaseCache) -> bool:
    return cache.add(cache_key, value, seconds)


def _ping(cache: BaseCache) -> bool:
    cache.get("ory_auth:")
    return True


def _read_time(value: object) -> float:
    return float(value) if isinstance(value, int) else float("inf")  # not written by this package: refuse
