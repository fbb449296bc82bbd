"""Good answers of Ory, kept for a while, and the sign-outs that they have to give way to.

Two tiers: the process' own memory (:mod:`ory_auth.memory`, ``LOCAL_CACHE_SECONDS``), then Django's cache. Together they
keep an answer no longer than it may be kept: what stays in memory comes off the time in the cache.

========  ==================================  =========================================================
entry     key                                 value
========  ==================================  =========================================================
fresh     ``ory_auth:s:<credential's hash>``  seal, offset of clocks, facts, the body as it came; or the end mark
stale     ``ory_auth:o:<credential's hash>``  the same, for longer (only with ``STALE_IF_ERROR_SECONDS``)
slot      ``ory_auth:f:<session id>:<n>``     the hash of one credential under which the session is kept
tombstone ``ory_auth:x:<session id or hash>`` 1: this session or credential was signed out here, until it has expired
known     ``ory_auth:k:<credential's hash>``  1: this credential has been good; it is worth a call in a flood of others
========  ==================================  =========================================================

A fill takes a slot, looks for a tombstone, and then adds the entry; a sign-out writes the tombstone, reads the slots,
and then puts an end mark in the place of every entry. Whichever order the two meet in, the fill sees the tombstone or
finds the mark: no entry is there after a sign-out, not for a moment, and a hit needs no second read. A cache that fails
is no cache: Ory is asked, and one that takes long to fail is left alone for a second. A sign-out that a cache did not
take is told it later.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any
from uuid import UUID

from django.core.cache import BaseCache, caches
from django.core.cache.backends.db import BaseDatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache

from .conf import Conf
from .entries import Entry, opened, remaining, sealed, unpacked
from .events import Event, log
from .memory import Memory
from .types import OrySession

SLOTS = 16  # forms of one session's credential that are kept at once
YEAR = 366 * 24 * 3600
WEEK = 7 * 24 * 3600
UNKNOWN_END = 30 * 24 * 3600  # seconds to refuse a credential whose session's end is not known
MAX_SKEW = 300  # seconds that clocks may differ: a tombstone outlives its session everywhere
SLOW = 0.1  # seconds: who waits longer than that for a cache to fail
PAUSE = 1.0  # leaves it alone for so many seconds
MAX_AT_ONCE = 64  # calls to Redis
OWED = 1000  # sign-outs that wait for a cache to come back
ENDED = b"ended"  # in the place of an entry


class SessionCache:
    """Both tiers of one project in one process."""

    def __init__(self, conf: Conf) -> None:
        self._conf = conf
        self.reads = conf.session_cache_seconds != 0  # whether anything is kept at all
        self.memory = Memory(conf.local_cache_seconds)
        self._resume_at = 0.0
        self._owed: deque[Callable[[BaseCache], Any]] = deque(maxlen=OWED)
        self._shared: tuple[Any, BaseCache | None] = (None, None)
        self._turns = nullcontext() if conf.session_cache not in caches.settings else _turns(conf.session_cache)

    # --- reading

    def recall(self, key: str) -> Entry | None:
        """What this process' memory has for a credential: no I/O."""
        entry = self.memory.read(key)
        return None if entry is None else self._unless_ended(key, entry)

    def read(self, key: str, *, stale: bool = False) -> Entry | None:
        """What the cache has for a credential. Anything that is not what was written for this key is a miss."""
        name = _name("o" if stale else "s", key)
        found = self._do(lambda cache: cache.get(name))
        if found is None or found == ENDED:
            return None
        packed = opened(name, found)
        if packed is None:
            log(Event.CACHE_INVALID)
            return None
        entry = self._unless_ended(key, unpacked(packed))
        if entry is not None and stale and self.signed_out(key, entry.facts.session_id):
            return None  # for these a second read is no matter
        if entry is not None and not stale:
            self.memory.remember_good(key)
            if self.memory.seconds <= entry.in_memory:
                self.memory.keep(key, entry)
        return entry

    def _unless_ended(self, key: str, entry: Entry) -> Entry | None:
        return None if self.memory.signed_out(key, entry.facts.session_id) else entry

    def was_good(self, key: str) -> bool:
        """Whether this process, or another one that shares the cache, has seen this credential good."""
        return self.memory.was_good(key) or bool(self._do(lambda cache: cache.get(_name("k", key))))

    @property
    def blocks(self) -> bool:
        """Whether reading may take a while, so that it does not belong into an event loop (or is not known yet)."""
        return not isinstance(self._shared[1], (LocMemCache, DummyCache)) or self._shared[0] is not caches.settings

    @property
    def in_transactions(self) -> bool:
        """Whether what is written in a request's own thread waits for the end of its transaction."""
        with suppress(Exception):  # a backend that cannot be made is told of when it is used
            return isinstance(self._backend(), BaseDatabaseCache)
        return False

    # --- writing

    def keep(self, key: str, entry: Entry, seconds: int) -> bool:
        """Keep an answer; ``False``: the session has been signed out here meanwhile, so the answer must not count.

        Called for answers that may not be kept, too (``seconds`` 0): the question is the same.
        """
        entry = entry._replace(in_memory=self.memory.seconds if self.memory.seconds <= seconds else 0.0)
        shared, session_id = int(seconds - entry.in_memory), entry.facts.session_id
        slot = shared > 0 and self._do(lambda cache: self._take_slot(cache, key, session_id, shared))
        if self.signed_out(key, session_id):
            return False
        if slot and self._do(lambda cache: self._add(cache, key, entry, shared)) is False:
            return False
        if entry.in_memory:
            self.memory.keep(key, entry)
        if self.memory.remember_good(key):
            life = min(max(int(remaining(entry.facts, entry.offset)), 1), WEEK)
            self._do(lambda cache: cache.add(_name("k", key), 1, life))
        return True

    def _take_slot(self, cache: BaseCache, key: str, session_id: bytes, seconds: int) -> bool:
        # A slot outlives its entry by a little, so that no entry is ever without one.
        life = int(seconds + self._conf.stale_if_error_seconds) + 5
        for number in range(SLOTS):
            slot = _name("f", f"{UUID(bytes=session_id)}:{number}")
            if cache.add(slot, key, life) or (cache.get(slot) == key and cache.touch(slot, life)):
                return True
        return False  # more forms than slots: this one is not kept

    def _add(self, cache: BaseCache, key: str, entry: Entry, seconds: int) -> bool:
        """Add the entry where there is none; ``False``: there is an end mark."""
        name, packed = _name("s", key), entry.packed
        if not cache.add(name, sealed(name, packed), seconds):
            there = cache.get(name)
            if there == ENDED:
                return False
            old = there and opened(name, there)
            if old and unpacked(old)[:2] != entry[:2]:
                # Set would write over an end mark that is put there just now. Whoever asks next adds the new one.
                cache.delete(name)
        stale = int(seconds + self._conf.stale_if_error_seconds)
        if stale > seconds:
            cache.set(_name("o", key), sealed(_name("o", key), packed), stale)
        return True

    # --- signing out

    def sign_out(self, key: str, session: OrySession | None) -> None:
        """Refuse this credential from now on, and its session under every form of its credential.

        ``session`` is ``None`` where Ory does not say just now which one it is.
        """
        self.memory.sign_out(key, session.facts.session_id if session else None)

        def end(cache: BaseCache) -> bool:
            left = session.expires_at.timestamp() - time.time() if session else UNKNOWN_END
            life = min(max(int(left) + MAX_SKEW, 1), YEAR)
            tombstones = [_name("x", key)] + ([_name("x", str(session.id))] if session else [])
            cache.set_many({**dict.fromkeys(tombstones, 1), _name("s", key): ENDED}, life)
            slots = cache.get_many([_name("f", f"{session.id}:{n}") for n in range(SLOTS)]) if session else {}
            others = set(slots.values()) - {key}
            if others:
                cache.set_many({_name("s", form): ENDED for form in others}, life)
            cache.delete_many([_name(tier, form) for form in {key, *others} for tier in ("o", "k")])
            return True

        if not self._do(end, whatever=True):
            self._owed.append(end)

    def signed_out(self, key: str, session_id: bytes | None = None) -> bool:
        """Whether this credential or its session was signed out here, whatever Ory says of it."""
        names = [_name("x", key)] + ([_name("x", str(UUID(bytes=session_id)))] if session_id else [])
        return self.memory.signed_out(key, session_id) or bool(self._do(lambda cache: cache.get_many(names)))

    def refused(self, key: str) -> None:
        """Ory does not take this credential any more, which had been good."""
        self.memory.forget_good(key)
        self._do(lambda cache: cache.delete(_name("k", key)))

    # --- Django's cache

    def answers(self) -> bool:
        """Whether the cache can be asked at all, tried now."""
        return self._do(lambda cache: (cache.get(_name("r", "")), True), whatever=True) is not None

    def _do(self, action: Callable[[BaseCache], Any], *, whatever: bool = False) -> Any:
        started = time.monotonic()
        if started < self._resume_at and not whatever:
            return None
        try:
            cache = self._backend()
            with self._turns:
                if self._owed:
                    self._pay(cache)
                return action(cache)
        except Exception as error:  # whatever a backend raises: no cache is no reason to sign anyone out
            if time.monotonic() - started > SLOW:
                self._resume_at = time.monotonic() + PAUSE
            log(Event.CACHE_DOWN, error=type(error).__name__)
            return None

    def _pay(self, cache: BaseCache) -> None:
        """Tell a cache that is back the sign-outs that it did not take."""
        with suppress(IndexError):  # another thread was quicker
            while True:
                end = self._owed.popleft()
                try:
                    end(cache)
                except BaseException:
                    self._owed.appendleft(end)
                    raise

    def _backend(self) -> BaseCache:
        """One for all threads where the backend allows it: Django makes one for each thread, and each async request."""
        made_for, shared = self._shared
        if made_for is not caches.settings:
            cache = caches.create_connection(self._conf.session_cache)
            shared = cache if isinstance(cache, (LocMemCache, DummyCache, RedisCache)) else None
            self._shared = caches.settings, shared
        return shared or caches[self._conf.session_cache]


def _turns(alias: str) -> AbstractContextManager[Any]:
    """Keep to the connections that Redis' client has: one more is an error, as of a cache that is down."""
    cache = caches.settings[alias]
    if not cache["BACKEND"].endswith("RedisCache"):
        return nullcontext()
    limit = cache.get("OPTIONS", {}).get("max_connections", MAX_AT_ONCE)
    return threading.BoundedSemaphore(min(limit, MAX_AT_ONCE))


def _name(tier: str, key: str) -> str:
    return f"ory_auth:{tier}:{key}"
