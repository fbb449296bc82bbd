"""Single-flight: one call at a time for each key. Other requests for the same key wait for its result.

A *fresh* call must begin after the request for it, so a request never joins a fresh call that is running. It waits for
the next one, which begins when the running one ends, and which all requests that came meanwhile share.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Generic, TypeVar

from cachetools import TTLCache

T = TypeVar("T")
RECENT_SECONDS = 1.0
MAX_RECENT = 1000


class Role(Enum):
    """What a request has to do for the call that it joined."""

    WAIT = auto()  # another request makes the call
    MAKE = auto()  # make it now
    MAKE_NEXT = auto()  # make it when the running call ends


@dataclass(slots=True)
class SharedCall(Generic[T]):
    """One call, and the future of its result. ``deadline`` is a ``time.monotonic()`` time."""

    deadline: float
    future: Future[T] = field(default_factory=Future)
    previous: SharedCall[T] | None = None  # the running call that has to end first


class SingleFlight(Generic[T]):
    """The running calls of a process by their keys. ``timeout`` is the limit of each, in seconds."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._running: dict[tuple[str, bool], SharedCall[T]] = {}  # by key and whether the call is fresh
        self._next: dict[str, SharedCall[T]] = {}  # the fresh call that follows the running one
        self._recent: TTLCache[str, bool] = TTLCache(MAX_RECENT, RECENT_SECONDS)

    def join(self, key: str, *, fresh: bool) -> SharedCall[T] | None:
        """The call for this key that another request makes; ``None`` if there is none to wait for."""
        with self._lock:
            running = self._find_running(key, fresh)
            if running is not None and fresh:
                return self._next.get(key)
            return running

    def join_or_start(self, key: str, *, fresh: bool) -> tuple[SharedCall[T], Role]:
        """The call for this key, or a new one, and what this request has to do for it."""
        with self._lock:
            running = self._find_running(key, fresh)
            if running is None:
                call = self._running[key, fresh] = SharedCall(time.monotonic() + self._timeout)
                return call, Role.MAKE
            if not fresh:
                return running, Role.WAIT
            if key in self._next:
                return self._next[key], Role.WAIT
            call = self._next[key] = SharedCall(running.deadline, previous=running)
            return call, Role.MAKE_NEXT

    def start_next(self, key: str, call: SharedCall[T]) -> None:
        """Start this fresh call: the one before it has ended."""
        with self._lock:
            if self._next.get(key) is call:
                del self._next[key]
            call.deadline, call.previous = time.monotonic() + self._timeout, None
            self._running[key, True] = call

    def finish(self, key: str, call: SharedCall[T], result: T, *, fresh: bool) -> None:
        """Give the result to all requests that wait for it."""
        with self._lock:
            if self._running.get((key, fresh)) is call:
                del self._running[key, fresh]
            self._recent[key] = True
        call.future.set_result(result)

    def finished_recently(self, key: str) -> bool:
        """Whether a call for this key has ended within the last second."""
        with self._lock:
            return key in self._recent

    def _find_running(self, key: str, fresh: bool) -> SharedCall[T] | None:
        call = self._running.get((key, fresh))
        return call if call is not None and time.monotonic() < call.deadline else None
