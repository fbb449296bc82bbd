"""Django's cache, which may fail. Then Ory is asked instead, and no person is signed out.

After a slow failure the cache is not used for a second. A write that must not get lost reads back what it wrote,
because some caches lose a write without raising an error. Such a write is repeated until it succeeds: by the next
request, or by a thread after a second, since this process may get no more requests.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from django.core.cache import BaseCache, caches
from django.core.cache.backends.db import BaseDatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from django.db import close_old_connections, connections, router

from ...events import Event, log

SLOW_SECONDS = 0.1  # a failure that takes longer pauses the cache
PAUSE_SECONDS = 1.0
MAX_REDIS_CALLS = 64  # at the same time
MAX_PENDING = 1000  # writes that wait for the cache to come back

Write = Callable[[BaseCache], bool]  # False: the write was lost


class CacheBackend:
    """The cache of one alias, for all threads of a process."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._resume_at = 0.0
        self._pending: deque[Write] = deque(maxlen=MAX_PENDING)
        self._write_again_at = 0.0
        self._timer: threading.Timer | None = None
        self._timer_lock = threading.Lock()
        self._closed = False
        self._shared: tuple[Any, BaseCache | None] = (None, None)
        self._connection_limit = nullcontext() if alias not in caches.settings else _connection_limit(alias)

    @property
    def may_block(self) -> bool:
        """Whether a read may take a while, so that it must stay off the event loop. ``True`` until that is known."""
        return not isinstance(self._shared[1], (LocMemCache, DummyCache)) or self._shared[0] is not caches.settings

    @property
    def is_transactional(self) -> bool:
        """Whether a write in a request's own thread waits for the end of its database transaction."""
        with suppress(Exception):  # a backend that cannot be created is reported when it is used
            return isinstance(self._backend(), BaseDatabaseCache)
        return False

    @property
    def has_pending_writes(self) -> bool:
        """Whether a write waits for the cache to come back. The next call of :meth:`run` writes it first."""
        return bool(self._pending)

    def run(self, action: Callable[[BaseCache], Any], *, force: bool = False) -> Any:
        """Run ``action`` and return its result; ``None`` if the cache fails or, without ``force``, is paused."""
        started = time.monotonic()
        if started < self._resume_at and not force:
            return None
        try:
            cache = self._backend()
            with self._connection_limit:
                if self._pending and started >= self._write_again_at and not _in_transaction(cache):
                    self._write_pending(cache)
                return action(cache)
        except Exception as error:  # backends raise errors of many kinds
            if time.monotonic() - started > SLOW_SECONDS:
                self._resume_at = time.monotonic() + PAUSE_SECONDS
            log(Event.CACHE_DOWN, error=type(error).__name__)
            return None

    def write(self, action: Write) -> None:
        """Write it now, or as soon as the cache is back."""
        written = self.run(action, force=True)
        if written is False:
            log(Event.CACHE_DOWN, error="write_lost")
        if not written or self._may_be_rolled_back():
            self._pending.append(action)
        if not written:
            self._write_later()

    def close(self) -> None:
        """Give up writes that are still pending."""
        self._closed = True

    def _write_later(self) -> None:
        """Try again in a thread, because this process may get no more requests."""
        with self._timer_lock, suppress(RuntimeError):  # no thread can be started while the interpreter shuts down
            if self._timer is None:
                timer = threading.Timer(PAUSE_SECONDS, self._write_in_timer)
                timer.daemon = True
                timer.start()
                self._timer = timer

    def _write_in_timer(self) -> None:
        with self._timer_lock:
            self._timer = None
        if self._closed:
            return
        try:
            self.run(_do_nothing, force=True)  # writes what is pending first
        finally:
            close_old_connections()
        if self._pending:
            self._write_later()

    def _may_be_rolled_back(self) -> bool:
        """Whether the cache is in a database in which this thread has an open transaction."""
        with suppress(Exception):
            return _in_transaction(self._backend())
        return False

    def _write_pending(self, cache: BaseCache) -> None:
        started = time.monotonic()
        with suppress(IndexError):  # another thread was quicker
            while True:
                write, written = self._pending.popleft(), False
                try:
                    written = write(cache)
                finally:
                    if not written:
                        self._pending.appendleft(write)
                if not written:
                    if time.monotonic() - started > SLOW_SECONDS:
                        self._write_again_at = time.monotonic() + PAUSE_SECONDS
                    return

    def _backend(self) -> BaseCache:
        """One object for all threads, if the backend allows it. Django makes one for each thread and async request."""
        settings, shared = self._shared
        if settings is not caches.settings:
            cache = caches.create_connection(self._alias)
            shared = cache if isinstance(cache, (LocMemCache, DummyCache, RedisCache)) else None
            self._shared = caches.settings, shared
        return shared or caches[self._alias]


def _do_nothing(cache: BaseCache) -> None:
    pass


def _in_transaction(cache: BaseCache) -> bool:
    if not isinstance(cache, BaseDatabaseCache):
        return False
    return connections[router.db_for_write(cache.cache_model_class)].in_atomic_block


def _connection_limit(alias: str) -> AbstractContextManager[Any]:
    """A limit for calls to Redis: its client raises an error if more connections are needed than it may open."""
    cache = caches.settings[alias]
    if not cache["BACKEND"].endswith("RedisCache"):
        return nullcontext()
    limit = cache.get("OPTIONS", {}).get("max_connections", MAX_REDIS_CALLS)
    return threading.BoundedSemaphore(min(limit, MAX_REDIS_CALLS))
