"""How Ory's admin API is called in a long run: at which rate, and when a failed call is repeated."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import TypeVar

from ..events import Event
from ..exceptions import OryAuthError, OryResponseInvalid, OryUnavailable, RateLimited
from ..ory.identity_pages import is_too_large

T = TypeVar("T")
FIRST_WAIT = 0.2  # seconds; each further wait is twice as long
LONGEST_WAIT = 30.0
TRIES = 10  # about two minutes in all
TRIES_OF_A_BROKEN_CALL = 3  # the cause may be one person of the batch, so the batch is split instead


class Failure(Enum):
    """What an error of a call means for a run."""

    VALUES = auto()  # of one person: refused, or in conflict
    TOO_LARGE = auto()  # fewer people at a time may succeed
    BROKEN = auto()  # Ory's error 500: because of one person, or of Ory itself
    DOWN = auto()  # Ory cannot be reached for now
    SETUP = auto()  # wrong URL or key, so every call fails


def classify_failure(error: OryAuthError) -> Failure:
    """What this error means. Decided by its type and status only."""
    if not isinstance(error, OryUnavailable):
        return Failure.VALUES
    if is_too_large(error):
        return Failure.TOO_LARGE
    if error.event is Event.TIMEOUT:
        return Failure.DOWN
    status = error.status or 0
    if status == 500:
        return Failure.BROKEN
    is_refusal = isinstance(error, OryResponseInvalid) or 300 <= status < 500
    return Failure.SETUP if is_refusal and not isinstance(error, RateLimited) else Failure.DOWN


class Stopped(Exception):
    """The run was asked to stop while a call waited."""


class Pace:
    """Calls of all threads of a run: at most ``per_minute`` in all, repeated as far as that may help."""

    def __init__(self, stop: threading.Event, *, per_minute: float | None = None) -> None:
        self._stop = stop
        self._interval = 60.0 / per_minute if per_minute else 0.0
        self._lock = threading.Lock()
        self._next_at = 0.0  # monotonic
        self._waiting_for = "", 0.0

    def call(self, send: Callable[[], T]) -> T | OryAuthError:
        """The result of ``send``, or the error that remains.

        The error is returned without its frames, since they hold what was sent. Raises :class:`Stopped`.
        """
        failures = 0
        while True:
            self._wait_for_turn()
            try:
                return send()
            except RateLimited as limited:
                self._pause(limited.retry_after or 1)
                continue
            except OryAuthError as failure:
                error = failure.with_traceback(None)
            kind = classify_failure(error)
            failures += 1
            tries = {Failure.DOWN: TRIES, Failure.BROKEN: TRIES_OF_A_BROKEN_CALL}.get(kind, 1)
            if failures >= tries:
                return error
            self._wait(wait_before_try(failures), "Ory does not answer")

    def note(self) -> str:
        """What the run waits for now, as a text for the progress bar."""
        text, until = self._waiting_for
        seconds = until - time.monotonic()
        return f"{text}; next try in {seconds:.0f} s" if seconds > 0.5 else ""

    def _wait_for_turn(self) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(self._next_at, now)
            self._next_at = turn + self._interval
        if turn > now and self._stop.wait(turn - now):
            raise Stopped

    def _pause(self, seconds: float) -> None:
        """Let no call begin for this long. The time varies, so that several processes do not come back at once."""
        with self._lock:
            self._next_at = max(self._next_at, time.monotonic() + seconds * random.uniform(1.0, 1.1))  # noqa: S311
            self._waiting_for = "Ory limits the rate", self._next_at

    def _wait(self, seconds: float, reason: str) -> None:
        self._waiting_for = reason, time.monotonic() + seconds
        if self._stop.wait(seconds):
            raise Stopped


class OneTry:
    """Makes each call once, for a person who waits for it."""

    def call(self, send: Callable[[], T]) -> T | OryAuthError:
        try:
            return send()
        except OryAuthError as error:
            return error.with_traceback(None)


def wait_before_try(failures: int) -> float:
    """Seconds to wait after this many failures: twice as long each time, with jitter."""
    return float(min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT) * random.uniform(0.75, 1.25))  # noqa: S311
