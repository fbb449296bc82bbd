"""The circuit breaker: while Ory is down for everybody, nobody waits for it to say so.

It opens after a few failures in a row that cannot be the doing of one credential: no connection, or no answer to a
credential that has been good before. While it is open, one lookup a second asks Ory's readiness (which has no
credential either) and closes it. Free of I/O.
"""

from __future__ import annotations

import threading
import time

from . import telemetry
from .events import Event, log

FAILURES = 5  # in a row
OPEN = 1.0  # seconds between two tries


class Breaker:
    """The breaker of one process, safe for its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._try_at: float | None = None  # monotonic; None: closed

    @property
    def is_open(self) -> bool:
        return self._try_at is not None

    def refuses(self) -> bool:
        """Whether to fail at once. ``False`` while it is open: this lookup is the one that has to ask readiness."""
        if self._try_at is None:
            return False
        with self._lock:
            now = time.monotonic()
            if self._try_at is None or now < self._try_at:
                return self._try_at is not None
            self._try_at = now + OPEN
            return False

    def failed(self) -> None:
        """One more failure that tells of Ory's health."""
        with self._lock:
            self._failures += 1
            opens = self._failures >= FAILURES and self._try_at is None
            if self._failures >= FAILURES:
                self._try_at = time.monotonic() + OPEN
        if opens:
            telemetry.breaker(is_open=True)
            log(Event.BREAKER_OPEN, failures=FAILURES)

    def worked(self) -> None:
        """Ory has answered."""
        if self._failures or self._try_at is not None:
            with self._lock:
                closes, self._failures, self._try_at = self._try_at is not None, 0, None
            if closes:
                telemetry.breaker(is_open=False)
                log(Event.BREAKER_CLOSED)
