"""Calls to Ory within limits: of connections, of time, and none while the circuit breaker is open.

No person, program or visitor may block others. So what one credential can cause (a response that cannot be read, a
5xx, a slow response, a 429 of one endpoint) never counts as a sign that Ory is down.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from enum import Enum, auto
from typing import Any

from django.db import close_old_connections

from ..conf import Conf
from ..events import Event
from ..exceptions import OryUnavailable
from ..ory.client import Client, Readiness
from ..ory.http_client import deadline as call_deadline
from ..ory.http_client import remaining_seconds
from .circuit_breaker import CircuitBreaker
from .driver import OryCall
from .outcomes import CAUSE_BREAKER_OPEN, ORY_IS_DOWN, Unavailable


class Priority(Enum):
    """Which part of ``MAX_CONNECTIONS`` a call may use. Each may also use the share of those below it."""

    KNOWN = auto()  # all of them: known credentials, and their sign-outs
    RETURNING = auto()  # all but an eighth: browsers that this site has sent to Ory
    UNKNOWN = auto()  # three quarters: other credentials
    PAGE = auto()  # a quarter: pages, which need no credential


class OryCaller:
    """Makes the calls of one process to one Ory."""

    def __init__(self, conf: Conf) -> None:
        self.last_failure: Unavailable | None = None  # why the circuit breaker may be open
        self._timeout = conf.timeout
        self._client = Client(conf)
        self._breaker = CircuitBreaker()
        sizes = _divide_connections(conf.max_connections)
        self._semaphores = {priority: threading.BoundedSemaphore(size) for priority, size in sizes.items()}
        self._pools = {p: ThreadPoolExecutor(size, thread_name_prefix="ory_auth") for p, size in sizes.items()}

    def find_outage(self) -> Unavailable | None:
        """Why no call may be made now. While the breaker is open, one caller a second may go on, and probes."""
        return None if self._breaker.allow_call() else Unavailable(retry_after=1, cause=CAUSE_BREAKER_OPEN)

    def call(self, action: Callable[..., Any], *args: Any, priority: Priority, deadline: float) -> Any:
        """What ``action(client, *args)`` returns, in this thread, once a connection is free; or an ``Unavailable``.

        Waiting for a connection and the probe of readiness end within ``TIMEOUT``, however late the deadline is.
        It raises nothing, because the frames of an exception would hold the credential.
        """
        start_by = min(deadline, time.monotonic() + self._timeout)
        with ExitStack() as connections:
            for semaphore in self._semaphores_for(priority):
                seconds = start_by - time.monotonic()
                if seconds <= 0 or not semaphore.acquire(timeout=seconds):
                    return Unavailable(Event.POOL_FULL)
                connections.callback(semaphore.release)
            had_time = deadline - time.monotonic() >= self._timeout / 2
            try:
                if self._breaker.claim_probe():
                    with call_deadline(start_by):
                        self._probe()
                with call_deadline(deadline):
                    return action(self._client, *args)
            except OryUnavailable as error:
                if error.event == Event.TIMEOUT and not had_time:
                    return Unavailable(Event.POOL_FULL)  # the wait for a connection has used the time up
                return Unavailable.of(error)
            except Exception as error:  # a bug, here or in a library: nothing of it may leak
                return Unavailable(cause=type(error).__name__)

    def submit(self, priority: Priority, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run a function in a thread of the pool."""
        return self._pools[priority].submit(_run_and_close_connections, function, *args)

    def record(self, outcome: object) -> None:
        """Report the outcome of a lookup to the circuit breaker."""
        if not isinstance(outcome, Unavailable):
            self._breaker.record_success()
            return
        if outcome.event == Event.NOT_READY or not outcome.connected:
            self.last_failure = outcome
            self._breaker.record_failure()
        elif outcome.event in ORY_IS_DOWN:
            self.last_failure = outcome
            self._breaker.record_suspicion()

    def _semaphores_for(self, priority: Priority) -> list[threading.BoundedSemaphore]:
        """The narrowest first: a call also counts among those of every higher priority."""
        return [self._semaphores[p] for p in reversed(Priority) if p.value <= priority.value]

    def _probe(self) -> None:
        """Ask readiness on behalf of the circuit breaker; raises :class:`OryUnavailable` unless Ory is ready."""
        had_time = remaining_seconds() >= self._timeout / 2
        try:
            readiness = self._client.readiness()
        except OryUnavailable as error:
            # Neither a rate limit nor too little time says that Ory is down.
            if error.event != Event.RATE_LIMITED and (had_time or error.event != Event.TIMEOUT):
                self._breaker.record_failure(certain=True)
            raise
        if readiness is Readiness.NOT_READY:
            self._breaker.record_failure(certain=True)
            raise OryUnavailable("Ory is not ready.", event=Event.NOT_READY)
        self._breaker.record_success()


class ClientCall(OryCall):
    """An effect: ``action(client, *args)`` within the limits. The result is what it returns, or an ``Unavailable``."""

    def __init__(self, caller: OryCaller, timeout: float, priority: Priority, action: Any, *args: Any) -> None:
        self._caller, self._timeout, self._priority = caller, timeout, priority
        self._action, self._args = action, args

    def run(self) -> Any:
        deadline = time.monotonic() + self._timeout
        refusal = self._caller.find_outage()
        return refusal or self._caller.call(self._action, *self._args, priority=self._priority, deadline=deadline)

    def submit(self) -> Future[Any]:
        return self._caller.submit(self._priority, self.run)


def _divide_connections(total: int) -> dict[Priority, int]:
    return {
        Priority.KNOWN: total,
        Priority.RETURNING: max(total - max(total // 8, 1), 1),
        Priority.UNKNOWN: max(total - max(total // 4, 1), 1),
        Priority.PAGE: max(total // 4, 1),
    }


def _run_and_close_connections(function: Callable[..., Any], *args: Any) -> Any:
    """Run a function in a pool thread. A cache in a database opens connections there, which nothing else closes."""
    try:
        return function(*args)
    finally:
        close_old_connections()
