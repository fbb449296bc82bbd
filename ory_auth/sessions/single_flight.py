"""Calls to Ory: one lookup at a time for a credential, and limits for all calls of a process.

The first request that asks makes the call: in its own thread, or for coroutines in a thread of a small pool, so that
the call goes on if the request is cancelled. Other requests with the same credential wait for the outcome, for a
limited time. :class:`Priority` divides the connections, :mod:`ory_auth.sessions.rate_limit` limits how many calls a
visitor can cause, and :mod:`ory_auth.sessions.circuit_breaker` stops calls while Ory is down.

No person, program or visitor may block others. So what one credential can cause (a response that cannot be read, a
5xx, a slow response, a 429 of one endpoint) never counts as the state of Ory itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import partial
from typing import Any

from cachetools import TTLCache
from django.db import close_old_connections

from ..conf import Conf
from ..events import Event, log
from ..exceptions import OryUnavailable
from ..ory.client import Client, Readiness, Whoami
from ..ory.credentials import Credential
from ..ory.http_client import deadline as until
from ..ory.http_client import remaining_seconds
from ..process.forks import after_fork
from . import telemetry
from .circuit_breaker import Breaker
from .driver import Call
from .entries import Entry, remaining, seconds_to_keep
from .outcomes import Outcome, SecondFactorMissing, SignedIn, SignedOut, Unavailable
from .rate_limit import RateLimiter
from .shared_cache import SessionCache
from .whoami import judge, judge_entry

# Logged for each request that waited or was turned away, not once for the call.
PER_REQUEST_EVENTS = frozenset({Event.TIMEOUT, Event.POOL_FULL, Event.FLOOD})
ORY_IS_DOWN = frozenset({Event.TIMEOUT, Event.UNAVAILABLE, Event.NOT_READY})
JUST_NOW = 1.0  # seconds
BREAKER_OPEN = "breaker_open"
MAX_KEPT_BODY = 32 * 1024  # bytes: a larger response is not cached, so that nobody fills the cache with their traits
MAX_REFUSALS = 20_000


class Priority(Enum):
    """Which part of ``MAX_CONNECTIONS`` a call may use. Each includes those below it."""

    KNOWN = auto()  # all of them: credentials that were good, and their sign-outs
    RETURNING = auto()  # all but an eighth: browsers that this site has sent to Ory
    UNKNOWN = auto()  # three quarters: other credentials
    PAGE = auto()  # a quarter: pages, which need no credential


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """Whose session is looked up, and what is known about who asks.

    ``known``: the credential was good before. ``returning``: the browser comes back from a sign-in that this site
    started. ``client``: its address, or ``""``.
    """

    key: str
    credential: Credential = field(repr=False)
    known: bool
    returning: bool = False
    signing_out: bool = False
    client: str = ""

    @property
    def priority(self) -> Priority:
        if self.known:
            return Priority.KNOWN
        return Priority.RETURNING if self.returning else Priority.UNKNOWN


class Flights:
    """The calls of one process to one Ory."""

    def __init__(self, conf: Conf) -> None:
        self.cache = SessionCache(conf)
        self.limiter = RateLimiter()
        self._conf = conf
        self._client = Client(conf)
        self._breaker = Breaker()
        most = conf.max_connections
        sizes = {
            Priority.KNOWN: most,
            Priority.RETURNING: max(most - max(most // 8, 1), 1),
            Priority.UNKNOWN: max(most - max(most // 4, 1), 1),
            Priority.PAGE: max(most // 4, 1),
        }
        self._semaphores = {priority: threading.BoundedSemaphore(size) for priority, size in sizes.items()}
        self._pools = {p: ThreadPoolExecutor(size, thread_name_prefix="ory_auth") for p, size in sizes.items()}
        # By the credential's key and whether the lookup is fresh: its future, and when it has to end (monotonic).
        self._running: dict[tuple[str, bool], tuple[Future[Outcome], float]] = {}
        self._queued: dict[str, Future[Outcome]] = {}  # the fresh lookup that follows the running one
        self._completed: TTLCache[str, bool] = TTLCache(1000, JUST_NOW)
        self._refusals: TTLCache[str, bool] = TTLCache(MAX_REFUSALS, conf.refused_cache_seconds)
        self._lock = threading.Lock()
        self._warned = False
        self.last_failure: Unavailable | None = None  # why the circuit breaker may be open

    # --- for other modules

    def lookup(self, request: LookupRequest, *, fresh: bool = False) -> Lookup:
        """Ask Ory who this is. The result is an :data:`Outcome`, which the caller has to log.

        Joins a running lookup of this credential, if there is one. With ``fresh`` it joins only one that has not begun.
        """
        return Lookup(self, request, fresh)

    def call(self, action: Callable[[Client], Any], priority: Priority = Priority.PAGE) -> Call:
        """Another call to Ory under the same limits. The result is what ``action`` returns, or an ``Unavailable``."""
        return _OtherCall(self, action, priority)

    def remembers_refusal(self, key: str) -> bool:
        """Whether Ory has refused this credential within ``REFUSED_CACHE_SECONDS``."""
        if key not in self._refusals:
            return False
        with self._lock:
            return key in self._refusals

    # --- one lookup at a time

    def join_or_start(self, request: LookupRequest, fresh: bool) -> tuple[Future[Outcome], float | None] | Unavailable:
        """The running lookup, or a new one. A new one comes with its deadline, and the caller has to carry it out."""
        if self._breaker.refuses():
            return Unavailable(retry_after=1, cause=BREAKER_OPEN)
        now = time.monotonic()
        with self._lock:
            running, ends = self._running.get((request.key, fresh), (None, 0.0))
            if running is not None and now < ends:
                if not fresh:
                    return running, None
                # It began before this request, so it is not fresh. All who wait now share the next one.
                if request.key in self._queued:
                    return self._queued[request.key], None
        if not self._acquire(request):
            return Unavailable(Event.FLOOD, retry_after=10)
        future: Future[Outcome] = Future()
        with self._lock:
            running, ends = self._running.get((request.key, fresh), (None, 0.0))
            if running is None or now >= ends:
                self._running[request.key, fresh] = future, now + self._conf.timeout
                return future, now + self._conf.timeout
            if not fresh:
                return running, None
            queued = self._queued.setdefault(request.key, future)
        if queued is future:
            running.add_done_callback(lambda _: self._start_queued(request, future))
        return queued, None

    def _start_queued(self, request: LookupRequest, future: Future[Outcome]) -> None:
        ends = time.monotonic() + self._conf.timeout
        with self._lock:
            if self._queued.get(request.key) is future:
                del self._queued[request.key]
            self._running[request.key, True] = future, ends
        try:
            self.submit(partial(self.carry_out, request, future, ends, True), request.priority)
        except RuntimeError:  # the interpreter is shutting down
            future.set_result(Unavailable())

    def carry_out(
        self, request: LookupRequest, future: Future[Outcome], deadline: float, fresh: bool, trace: Any = None
    ) -> None:
        """Make a lookup in this thread, and give its outcome to all requests that wait for it."""
        outcome: Outcome = Unavailable()
        started = time.monotonic()
        future.set_running_or_notify_cancel()
        try:
            with telemetry.flight(trace) as span:
                outcome = self.run(partial(self._fetch, request, fresh), request.priority, deadline)
                telemetry.landed(span, outcome, time.monotonic() - started)
            self._record(request, outcome)
        finally:
            with self._lock:
                if self._running.get((request.key, fresh), (None,))[0] is future:
                    del self._running[request.key, fresh]
                    self._completed[request.key] = True
            future.set_result(outcome)

    def run(self, action: Callable[[], Any], priority: Priority, deadline: float) -> Any:
        """Carry out ``action`` in this thread once a connection is free; returns its result, or an ``Unavailable``.

        It raises nothing, because the frames of an exception would hold the credential.
        """
        with ExitStack() as held:
            for semaphore in self._semaphores_for(priority):
                seconds = deadline - time.monotonic()
                if seconds <= 0 or not semaphore.acquire(timeout=seconds):
                    return Unavailable(Event.POOL_FULL)
                held.callback(semaphore.release)
            had_time = deadline - time.monotonic() >= self._conf.timeout / 2
            try:
                with until(deadline):
                    return action()
            except OryUnavailable as error:
                if error.event == Event.TIMEOUT and not had_time:
                    return Unavailable(Event.POOL_FULL)  # the wait for a connection has used its time up
                return Unavailable.of(error)
            except Exception as error:  # a bug, here or in a library: nothing of it may leak
                return Unavailable(cause=type(error).__name__)

    def _semaphores_for(self, priority: Priority) -> list[threading.BoundedSemaphore]:
        """The narrowest first: a call counts among those of every higher priority as well."""
        return [self._semaphores[p] for p in reversed(Priority) if p.value <= priority.value]

    def submit(self, work: Callable[[], Any], priority: Priority) -> Future[Any]:
        """Carry out ``work`` in a thread of the pool."""
        return self._pools[priority].submit(_closing_connections, work)

    def make_call(self, action: Callable[[Client], Any], priority: Priority) -> Any:
        """Make another call in this thread."""
        if self._breaker.refuses():
            return Unavailable(retry_after=1, cause=BREAKER_OPEN)

        def call() -> Any:
            if self._breaker.wants_probe():
                self._probe()
            return action(self._client)

        return self.run(call, priority, time.monotonic() + self._conf.timeout)

    # --- one lookup

    def _fetch(self, request: LookupRequest, fresh: bool) -> Outcome:
        if self._breaker.wants_probe():
            self._probe()
        recent = None if fresh else self._completed_just_now(request.key)
        if recent is not None:
            return recent
        whoami, readiness = self._ask(request, fresh)
        outcome = judge(whoami, time.time())
        match outcome:
            case SignedIn():
                return self._keep(request, whoami, outcome, fresh)
            case SecondFactorMissing():
                if self.cache.signed_out(request.key):
                    return SignedOut(Event.LOGOUT)
                self._forget(request)
            case SignedOut():
                self._forget(request)
                if whoami.response.status == 401 and readiness is Readiness.READY:
                    self._remember_refusal(request.key)
        return outcome

    def _ask(self, request: LookupRequest, fresh: bool) -> tuple[Whoami, Readiness]:
        """Ask Ory, and again if a refusal may be wrong.

        Kratos answers 401 to everybody while its database is down, so readiness is asked after a 401. Ory may be ready
        now and not have been when it answered, so a credential that was good is looked up once more.
        """
        readiness = Readiness.UNKNOWN
        whoami = self._whoami(request, fresh)
        if whoami.response.status == 401:
            readiness = self._readiness_after_refusal()
            if self.cache.was_good(request.key):
                whoami = self._whoami(request, fresh=True)
                if whoami.response.status == 401:
                    readiness = self._readiness_after_refusal()
        return whoami, readiness

    def _whoami(self, request: LookupRequest, fresh: bool) -> Whoami:
        try:
            whoami = self._client.whoami(request.credential, request.key, fresh=fresh)
        except OryUnavailable as error:
            if error.event == Event.RATE_LIMITED:
                self.limiter.note_limited(error.retry_after or 1)
            raise
        self.limiter.update_quota(whoami.response.headers)
        return whoami

    def _readiness_after_refusal(self) -> Readiness:
        readiness = self._client.readiness()
        if readiness is Readiness.NOT_READY:
            raise OryUnavailable("Ory is not ready.", event=Event.NOT_READY, status=401)
        return readiness

    def _probe(self) -> None:
        """Ask readiness on behalf of the circuit breaker; raises :class:`OryUnavailable` unless Ory answers."""
        had_time = remaining_seconds() >= self._conf.timeout / 2
        try:
            readiness = self._client.readiness()
        except OryUnavailable as error:
            # Neither a limit nor a caller who came too late says that Ory is down.
            if error.event != Event.RATE_LIMITED and (had_time or error.event != Event.TIMEOUT):
                self._breaker.record_failure(certain=True)
            raise
        if readiness is Readiness.NOT_READY:
            self._breaker.record_failure(certain=True)
            raise OryUnavailable("Ory is not ready.", event=Event.NOT_READY)
        self._breaker.record_success()

    def _keep(self, request: LookupRequest, whoami: Whoami, outcome: SignedIn, fresh: bool) -> Outcome:
        summary, body = outcome.session.summary, whoami.response.body
        allowed = whoami.response.headers.get("ory-session-cache-for")
        seconds = seconds_to_keep(self._conf, allowed, remaining(summary, outcome.offset))
        if allowed is None and self._conf.session_cache_seconds is None:
            self._warn_once()
        entry = Entry(summary, body, outcome.offset)
        counts = self.cache.keep(request.key, entry, seconds if len(body) <= MAX_KEPT_BODY else 0)
        return replace(outcome, fresh=fresh) if counts else SignedOut(Event.LOGOUT)

    def _forget(self, request: LookupRequest) -> None:
        """Ory refuses this credential, so no cached entry of it counts any more, not even in an outage."""
        if request.known or self._conf.stale_if_error_seconds or self.cache.was_good(request.key):
            self.cache.refused(request.key)

    def _remember_refusal(self, key: str) -> None:
        if self._conf.refused_cache_seconds:
            with self._lock:
                self._refusals[key] = True

    def _completed_just_now(self, key: str) -> Outcome | None:
        """The outcome of a lookup that ended after this request looked into the cache, and before its own lookup."""
        with self._lock:
            completed = key in self._completed and self.cache.reads
            refused = key in self._refusals
        if refused:
            return SignedOut(Event.SESSION_GONE, remembered=True)
        entry = (self.cache.recall(key) or self.cache.read(key)) if completed else None
        return None if entry is None else judge_entry(entry)

    # --- rate limits and the circuit breaker

    def _acquire(self, request: LookupRequest) -> bool:
        if request.known:
            return request.signing_out or self.limiter.acquire_known(request.key)
        if request.returning:
            return self.limiter.acquire_returning(request.client)
        if request.signing_out:
            return self.limiter.acquire_sign_out()
        return self.limiter.acquire_unknown(request.client, by_header=request.credential.kind.by_header)

    def _give_back(self, request: LookupRequest) -> None:
        if request.returning:
            self.limiter.give_back_returning(request.client)
        elif not request.known and not request.signing_out:
            self.limiter.give_back_unknown(request.client, by_header=request.credential.kind.by_header)

    def _record(self, request: LookupRequest, outcome: Outcome) -> None:
        """Tell the circuit breaker and the rate limits about this outcome."""
        if isinstance(outcome, Unavailable):
            self.last_failure = outcome
        if not isinstance(outcome, Unavailable):
            self._breaker.record_success()
        elif outcome.event == Event.NOT_READY or not outcome.connected:
            self._breaker.record_failure()
        elif outcome.event in ORY_IS_DOWN:
            self._breaker.record_suspicion()
        if not _was_refused(outcome) and not self._is_crowded(outcome):
            self._give_back(request)

    def _is_crowded(self, outcome: Outcome) -> bool:
        """Whether one session has come with so many credentials that each one more counts like an unknown one."""
        return isinstance(outcome, SignedIn) and self.cache.memory.is_crowded(outcome.session.summary.session_id)

    def _warn_once(self) -> None:
        if not self._warned:
            self._warned = True
            log(Event.NOT_CACHED, fix="feature_flags.cacheable_sessions_in_Ory_or_SESSION_CACHE_SECONDS")


class Lookup(Call):
    """One request's part in a lookup; ``started`` if this request began it."""

    def __init__(self, flights: Flights, request: LookupRequest, fresh: bool) -> None:
        self._flights, self._request, self._fresh = flights, request, fresh
        self._future: Future[Outcome] | None = None
        self._began = time.monotonic()
        self.started = False

    def here(self) -> Future[Any] | Unavailable:
        if self._flights.cache.in_transactions:
            return self.elsewhere()
        return self._join_or_start(lambda work: work())

    def elsewhere(self) -> Future[Any] | Unavailable:
        return self._join_or_start(partial(self._flights.submit, priority=self._request.priority), telemetry.here())

    def _join_or_start(
        self, execute: Callable[[Callable[[], None]], object], trace: Any = None
    ) -> Future[Outcome] | Unavailable:
        joined = self._flights.join_or_start(self._request, self._fresh)
        if isinstance(joined, Unavailable):
            return joined
        self._future, deadline = joined
        if deadline is not None:
            self.started = True
            execute(partial(self._flights.carry_out, self._request, self._future, deadline, self._fresh, trace))
        return self._future

    def log_outcome(self, outcome: Outcome) -> None:
        """Log the outcome, only in the request that started the lookup. Call it after storing the outcome."""
        if self.started:
            _log(outcome, self._request.credential, int((time.monotonic() - self._began) * 1000))

    def log_when_done(self) -> None:
        """Log the outcome later: the request that started the lookup was cancelled."""
        if self._future is not None:
            self._future.add_done_callback(lambda future: self.log_outcome(future.result()))


class _OtherCall(Call):
    def __init__(self, flights: Flights, action: Callable[[Client], Any], priority: Priority) -> None:
        self._flights, self._action, self._priority = flights, action, priority

    def here(self) -> Any:
        return self._flights.make_call(self._action, self._priority)

    def elsewhere(self) -> Future[Any]:
        return self._flights.submit(partial(self._flights.make_call, self._action, self._priority), self._priority)


def _was_refused(outcome: Outcome) -> bool:
    """Whether a lookup used Ory and found no session. All others give their token back to the rate limit."""
    if isinstance(outcome, Unavailable):
        return outcome.connected and outcome.event != Event.POOL_FULL
    return isinstance(outcome, SignedOut)


def _closing_connections(work: Callable[[], Any]) -> Any:
    """A cache in a database opens database connections in the pool's thread, which nobody else closes."""
    try:
        return work()
    finally:
        close_old_connections()


def _log(outcome: Outcome, credential: Credential, milliseconds: int) -> None:
    if isinstance(outcome, SignedIn):
        return
    facts = {"kind": credential.kind.value, "credential": credential.fingerprint, "ms": milliseconds}
    match outcome:
        case Unavailable() if outcome.event not in PER_REQUEST_EVENTS:
            log(outcome.event, status=outcome.status, error=outcome.cause, **facts)
        case SignedOut(reason=Event() as reason) if not outcome.remembered:
            log(reason, **facts)
        case SecondFactorMissing():
            log(Event.AAL_REQUIRED, **facts)


_current: tuple[Conf, Flights] | None = None
_guard = threading.Lock()


def flights(conf: Conf) -> Flights:
    """The :class:`Flights` of this process for these settings."""
    global _current
    current = _current
    if current is None or current[0] is not conf:
        with _guard:
            if _current is not None and _current[0] is conf:
                return _current[1]
            _close(_current)
            current = _current = (conf, Flights(conf))
    return current[1]


def _close(former: tuple[Conf, Flights] | None) -> None:
    if former is not None:
        former[1].cache.close()


def forget() -> None:
    """Start anew: a forked process must not share sockets, threads or locks with its parent."""
    global _current, _guard
    _close(_current)
    _current, _guard = None, threading.Lock()


after_fork(forget)
