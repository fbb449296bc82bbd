"""The circuit breaker: while Ory is down for everybody, requests fail at once instead of waiting for it.

It opens only on failures that need no credential, so no person or program can open it: there is no connection to Ory,
or its readiness path does not answer or says "not ready". A lookup that gets no response, or a 5xx, is only a
suspicion: that one credential may be the cause. After a few of them in a row, one lookup a second asks readiness first.
While the breaker is open, one lookup a second asks readiness, and closes it if Ory is ready. Does no I/O.
"""

from __future__ import annotations

import threading
import time

from ..events import Event, log
from . import telemetry

MAX_FAILURES = 5  # in a row
PROBE_INTERVAL = 1.0  # seconds between two probes


class CircuitBreaker:
    """The breaker of one process, safe for its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._suspicions = 0
        self._probe_at = 0.0  # monotonic
        self.is_open = False

    def allow_call(self) -> bool:
        """Whether a call may be made. While the breaker is open, one caller a second may go on, and has to probe."""
        return not self.is_open or self._claim_probe_second()

    def claim_probe(self) -> bool:
        """Whether this caller has to ask Ory's readiness first. Only one caller a second has to."""
        return self.is_open or (self._suspicions >= MAX_FAILURES and self._claim_probe_second())

    def _claim_probe_second(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now < self._probe_at:
                return False
            self._probe_at = now + PROBE_INTERVAL
            return True

    def record_success(self) -> None:
        """Ory has answered normally, or says that it is ready."""
        if self._failures or self._suspicions or self.is_open:
            with self._lock:
                closes, self.is_open = self.is_open, False
                self._failures = self._suspicions = 0
            if closes:
                telemetry.record_breaker(is_open=False)
                log(Event.BREAKER_CLOSED)

    def record_suspicion(self) -> None:
        """A lookup got no response, or a 5xx."""
        with self._lock:
            self._suspicions += 1

    def record_failure(self, *, certain: bool = False) -> None:
        """Ory could not be reached, or is not ready. ``certain``: a probe has shown it, so nothing is counted."""
        with self._lock:
            self._failures += 1
            opens = not self.is_open and (certain or self._failures >= MAX_FAILURES)
            self.is_open = self.is_open or opens
            if self.is_open:
                self._probe_at = time.monotonic() + PROBE_INTERVAL
        if opens:
            telemetry.record_breaker(is_open=True)
            log(Event.BREAKER_OPEN, failures=self._failures)
