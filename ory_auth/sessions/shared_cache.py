"""Cached sessions, and the sign-outs that override them.

Two tiers: the process' own memory (:mod:`ory_auth.sessions.local_cache`, ``LOCAL_CACHE_SECONDS``), then Django's cache.
Together they keep a session no longer than allowed: time in memory is subtracted from the time in the cache.

==========  =====================================  =====================================================================
entry       key                                    value
==========  =====================================  =====================================================================
fresh       ``ory_auth:s:<credential's key>``      seal, times, summary, the body as it came
stale       ``ory_auth:o:<credential's key>``      the same, for longer (only with ``STALE_IF_ERROR_SECONDS``)
slot        ``ory_auth:f:<site>:<session id>:<n>`` one credential's key under which the session is kept
signed out  ``ory_auth:x:<credential's mark>``     1: this credential was signed out here
signed out  ``ory_auth:x:<site>:<session id>``     1: this session was signed out here
refused     ``ory_auth:r:<site>:<session id>``     when Ory refused it (Unix time): no older stale entry counts
known       ``ory_auth:k:<credential's mark>``     the session id: this credential has been good
==========  =====================================  =====================================================================

A credential's key is its mark and the header that it came in; ``<site>`` stands for Ory's URL and ``CACHE_NAMESPACE``.
A hit reads the entry and the mark in one call. A fill takes a slot, looks for marks, sets the entry, and looks again.
:mod:`ory_auth.sessions.revocations` says why no entry counts once a sign-out has returned. The last look of a fill is
for caches that lose marks: it deletes the entry if a sign-out came too early to find it.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from django.core.cache import BaseCache
from django.core.cache.backends.locmem import LocMemCache

from ..conf import MAX_CACHE_SECONDS, Conf
from ..events import Event, log
from ..types import OrySession
from .cache_backend import CacheBackend
from .entries import MAX_SKEW, Entry, remaining, seal, unseal
from .local_cache import Memory
from .revocations import Names, SignOut, session_in, write_refusal

WEEK = 7 * 24 * 3600


class SessionCache:
    """Both tiers of one project in one process."""

    def __init__(self, conf: Conf) -> None:
        self._conf = conf
        self.reads = conf.session_cache_seconds != 0  # whether anything is cached at all
        self.memory = Memory(conf.local_cache_seconds)
        self._backend = CacheBackend(conf.session_cache)
        self._names = Names(conf)

    # --- reading

    def recall(self, key: str) -> Entry | None:
        """The entry in this process' memory for a credential. No I/O."""
        entry = self.memory.read(key)
        return entry if entry is not None and self._counts_here(key, entry) else None

    def read(self, key: str, *, stale: bool = False) -> Entry | None:
        """The entry in the cache for a credential. Anything that was not written for this key is a miss."""
        return self._read_stale(key) if stale else self._read_fresh(key)

    def _read_fresh(self, key: str) -> Entry | None:
        name, mark = self._names.fresh(key), self._names.signed_out(key)
        found = self._backend.run(lambda cache: _get_with_mark(cache, name, mark))
        entry = self._entry(key, name, found)
        if entry is None or mark in found:
            return None
        self.memory.remember_good(key, entry.summary.session_id)
        if self.memory.seconds <= entry.in_memory:
            self.memory.keep(key, entry)
        return entry

    def _read_stale(self, key: str) -> Entry | None:
        name = self._names.stale(key)
        entry = self._entry(key, name, self._backend.run(lambda cache: {name: cache.get(name)}))
        if entry is None:
            return None
        session_id = entry.summary.session_id
        marks, refused = self._names.all_signed_out(key, session_id), self._names.refused(session_id)
        # A second read is cheap while Ory is down. The entry is read again: if it is missing, the cache may be down.
        found = self._backend.run(lambda cache: cache.get_many([name, *marks, refused]))
        if not found or name not in found or not found.keys().isdisjoint(marks):
            return None
        refused_at = max(self.memory.refused_at(session_id), _time(found.get(refused, 0)))
        return entry if entry.kept_at - MAX_SKEW > refused_at else None

    def _entry(self, key: str, name: str, found: dict[str, Any] | None) -> Entry | None:
        if not found or found.get(name) is None:
            return None
        entry = unseal(name, found[name])
        if entry is None or not entry.counts:
            log(Event.CACHE_INVALID)
            return None
        return entry if self._counts_here(key, entry) else None

    def _counts_here(self, key: str, entry: Entry) -> bool:
        """Whether this process knows of no sign-out, and of no refusal by Ory since the entry was written."""
        session_id = entry.summary.session_id
        return not self.memory.signed_out(key, session_id) and entry.kept_at >= self.memory.refused_at(session_id)

    def was_good(self, key: str) -> bool:
        """Whether this process, or another one that shares the cache, has seen this credential good."""
        known = self._names.all_known(key)
        return self.memory.was_good(key) or bool(self._backend.run(lambda cache: cache.get_many(known)))

    @property
    def blocks(self) -> bool:
        """Whether reading may take a while, so that it does not belong into an event loop (or is not known yet)."""
        return self._backend.blocks

    @property
    def has_pending(self) -> bool:
        """Whether a sign-out waits for the cache to come back."""
        return self._backend.has_pending

    @property
    def in_transactions(self) -> bool:
        """Whether what is written in a request's own thread waits for the end of its transaction."""
        return self._backend.in_transactions

    # --- writing

    def keep(self, key: str, entry: Entry, seconds: int) -> bool:
        """Cache a session; ``False`` if it has been signed out here meanwhile, so that it must not count.

        Call it as well for a session that may not be cached (``seconds`` is 0), because of that result.
        """
        session_id = entry.summary.session_id
        entry = entry.keep_for(seconds)._replace(
            in_memory=self.memory.seconds if self.memory.seconds <= seconds else 0.0
        )
        shared = int(seconds - entry.in_memory)
        kept = self._backend.run(lambda cache: self._fill(cache, key, entry, shared))
        if kept is False or self.memory.signed_out(key, session_id):
            return False
        if entry.in_memory:
            self.memory.keep(key, entry)
        if self.memory.remember_good(key, session_id):
            life = min(max(int(remaining(entry.summary, entry.offset)), 1), WEEK)
            self._backend.run(lambda cache: cache.add(self._names.known(key), str(UUID(bytes=session_id)), life))
        return True

    def _fill(self, cache: BaseCache, key: str, entry: Entry, seconds: int) -> bool:
        names, session_id = self._names, entry.summary.session_id
        marks = names.all_signed_out(key, session_id)
        slot = self._take_slot(cache, key, session_id, seconds) if seconds > 0 else None
        if cache.get_many(marks):
            return False
        if slot is None:
            return True
        for_trouble = int(seconds + self._conf.stale_if_error_seconds)
        cache.set(names.fresh(key), seal(names.fresh(key), entry.keep_for(seconds)), seconds)
        if for_trouble > seconds:
            cache.set(names.stale(key), seal(names.stale(key), entry.keep_for(for_trouble)), for_trouble)
        found = cache.get_many([*marks, slot])
        signed_out = not found.keys().isdisjoint(marks)
        if signed_out or found.get(slot) != key:  # without its slot, no sign-out would find the entry
            cache.delete_many([names.fresh(key), names.stale(key)])
        return not signed_out

    def _take_slot(self, cache: BaseCache, key: str, session_id: bytes, seconds: int) -> str | None:
        # A slot outlives its entry by a little, so that no entry is ever without one.
        life = int(seconds + self._conf.stale_if_error_seconds) + 5
        for slot in self._names.slots(session_id):
            if cache.add(slot, str(key), life):
                return slot
            holder = cache.get(slot)
            if holder is None:  # a cache that hides errors: do not wait for all the other slots to fail
                return None
            if holder == key and cache.touch(slot, life):
                return slot
        return None  # more credentials than slots: this one is not cached

    # --- signing out

    def sign_out(self, key: str, session: OrySession | None) -> None:
        """Refuse this credential from now on, and all other credentials of its session.

        ``session`` is ``None`` if Ory does not say which one it is. A credential that was never good is refused for
        some minutes only, and a process stores no more than a few hundred of these.
        """
        session_id = session.summary.session_id if session else self._session_of(key)
        if session_id is not None:
            self.memory.sign_out(key, session_id)
        elif not self.memory.sign_out_stranger(key):
            return
        sign_out = SignOut(self._names, key, session_id)
        if session is not None:
            expires_at, authenticated_at = session.expires_at.timestamp(), session.authenticated_at.timestamp()
            sign_out = SignOut(self._names, key, session_id, expires_at, lifespan=expires_at - authenticated_at)
        self._backend.write(sign_out.write)

    def _session_of(self, key: str) -> bytes | None:
        known: bytes | None = self.memory.session_of(key)
        return known or self._backend.run(lambda cache: session_in(cache, self._names, key), always=True)

    def signed_out(self, key: str, session_id: bytes | None = None) -> bool:
        """Whether this credential or its session was signed out here, whatever Ory says of it."""
        marks = self._names.all_signed_out(key, session_id)
        return self.memory.signed_out(key, session_id) or bool(self._backend.run(lambda cache: cache.get_many(marks)))

    def refused(self, key: str) -> None:
        """Ory refuses this credential, which may have been good: no cached entry of its session counts any more.

        A later good response counts again. For a credential that was never good, this is one read and no write.
        """
        session_id = self._session_of(key)
        self.memory.refuse(key, session_id, time.time())
        if session_id is not None:
            life = self._stale_life()
            self._backend.run(
                lambda cache: write_refusal(cache, self._names, key, session_id, life),
                always=True,
            )

    def _stale_life(self) -> int:
        """Seconds for which a stale entry that another process is about to write may be in the cache; 0: none is."""
        stale = self._conf.stale_if_error_seconds
        fresh = self._conf.session_cache_seconds
        return int((MAX_CACHE_SECONDS if fresh is None else fresh) + stale) + MAX_SKEW if stale else 0

    # --- the cache itself

    def close(self) -> None:
        """Give up writes that are still pending."""
        self._backend.close()

    def answers(self) -> bool:
        """Whether the cache answers, tried now."""
        return self._backend.run(lambda cache: (cache.get("ory_auth:"), True), always=True) is not None


def _get_with_mark(cache: BaseCache, name: str, mark: str) -> dict[str, Any]:
    """The entry and its mark, in one call. A local-memory cache needs no mark: this process knows all its sign-outs."""
    return {name: cache.get(name)} if isinstance(cache, LocMemCache) else cache.get_many([name, mark])


def _time(value: object) -> float:
    return float(value) if isinstance(value, int) else float("inf")  # not written by us: refuse
