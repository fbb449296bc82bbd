"""Calls to Ory: one lookup at a time for a credential, bounded in number and in time.

The first who asks in a thread of its own makes the call there; for coroutines a thread of a small pool makes it, so
that it outlives a request that is cancelled. The others wait for its answer, each with a limit. Credentials that were
never good use at most three quarters of the connections, and have a budget (:mod:`ory_auth.budget`); while Ory is down
for everybody, nobody waits (:mod:`ory_auth.breaker`).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cachetools import TTLCache
from django.db import close_old_connections

from . import telemetry
from .answers import judge, judge_entry
from .breaker import Breaker
from .budget import Budget
from .cache import SessionCache
from .client import Answer, Client
from .conf import Conf
from .credentials import Credential
from .entries import Entry, remaining, seconds_to_keep
from .events import Event, log
from .exceptions import OryUnavailable
from .outcomes import Outcome, SecondFactorMissing, SignedIn, SignedOut, Unavailable
from .steps import Call
from .transport import until

# Whoever waits for a flight, or may not begin one, says these: once for each request.
WAITED = frozenset({Event.TIMEOUT, Event.POOL_FULL, Event.FLOOD})
NO_SIGN = frozenset({Event.RATE_LIMITED, Event.POOL_FULL, Event.UPSTREAM_REJECTS})  # says nothing of Ory's health
JUST_NOW = 1.0  # seconds
BREAKER_OPEN = "breaker_open"


@dataclass(frozen=True, slots=True)
class Passenger:
    """Who is looked up: the credential, its cache key, whether it has been good before, and the client's address."""

    key: str
    credential: Credential = field(repr=False)
    known: bool
    address: str


class Flights:
    """The calls of one process to one Ory."""

    def __init__(self, conf: Conf) -> None:
        self.cache = SessionCache(conf)
        self._conf = conf
        self._client = Client(conf)
        self._breaker, self._budget = Breaker(), Budget()
        strangers = conf.max_connections - conf.max_connections // 4
        self._connections = threading.BoundedSemaphore(conf.max_connections)
        self._for_strangers = threading.BoundedSemaphore(strangers)
        self._pool = ThreadPoolExecutor(conf.max_connections, thread_name_prefix="ory_auth")
        self._strangers = ThreadPoolExecutor(strangers, thread_name_prefix="ory_auth_new")
        self._flights: dict[str, tuple[Future[Outcome], float]] = {}  # with the moment by which each has to end
        self._landed: TTLCache[str, bool] = TTLCache(1000, JUST_NOW)
        self._lock = threading.Lock()
        self._warned = False

    def lookup(self, who: Passenger, *, fresh: bool = False) -> Call:
        """Ask Ory who this is; joins a flight that is under way for this credential, unless ``fresh``.

        The result is an :data:`Outcome`.
        """
        return _Lookup(self, who, fresh)

    def call(self, action: Callable[[Client], Any]) -> Call:
        """Another call to Ory under the same bounds; the result is what it returns, or an ``Unavailable``."""
        return _Errand(self, action)

    def board(self, who: Passenger, fresh: bool) -> tuple[Future[Outcome], float | None] | Unavailable:
        """The flight that is under way, or a new one: then with its deadline, and whoever boards it has to fly it."""
        if self._breaker.refuses():
            return Unavailable(retry_after=1, cause=BREAKER_OPEN)
        now = time.monotonic()
        with self._lock:
            under_way, ends = self._flights.get(who.key, (None, 0.0))
            if under_way is not None and now < ends and not fresh:
                return under_way, None
            if not who.known and not self._budget.take(who.address):
                return Unavailable(Event.FLOOD, retry_after=10)
            flight: Future[Outcome] = Future()
            if not fresh:
                self._flights[who.key] = flight, now + self._conf.timeout
        return flight, now + self._conf.timeout

    def fly(self, who: Passenger, flight: Future[Outcome], deadline: float, fresh: bool, trace: Any = None) -> None:
        """Carry out a flight in this thread."""
        outcome: Outcome = Unavailable()
        started = time.monotonic()
        flight.set_running_or_notify_cancel()
        try:
            with telemetry.flight(trace) as span:
                outcome = self.bounded(lambda: self._ask(who, fresh), deadline, known=who.known)
                telemetry.landed(span, outcome, time.monotonic() - started)
            self._learn(who, outcome)
            _log(outcome, who.credential, int((time.monotonic() - started) * 1000))
        finally:
            with self._lock:
                if self._flights.get(who.key, (None,))[0] is flight:
                    del self._flights[who.key]
                    self._landed[who.key] = True
            flight.set_result(outcome)

    def bounded(self, action: Callable[[], Any], deadline: float, *, known: bool) -> Any:
        """Run it and return a value in any case: an exception would carry the credential in its frames."""
        if not known:
            return _with(self._for_strangers, deadline, lambda: self.bounded(action, deadline, known=True))
        return _with(self._connections, deadline, lambda: _told(action, deadline))

    def submit(self, work: Callable[[], Any], *, known: bool) -> Future[Any]:
        """Do it in a thread of the pool."""
        return (self._pool if known else self._strangers).submit(_alone, work)

    def errand(self, action: Callable[[Client], Any]) -> Any:
        """Carry out a call in this thread."""
        return self.bounded(lambda: action(self._client), time.monotonic() + self._conf.timeout, known=False)

    def _ask(self, who: Passenger, fresh: bool) -> Outcome:
        if self._breaker.is_open:
            self._check_ready()
        landed = self._landed_just_now(who.key) if not fresh else None
        if landed is not None:
            return landed
        answer = self._whoami(who, fresh)
        outcome = judge(answer, time.time())
        match outcome:
            case SignedIn(session, offset):
                allowed = answer.headers.get("ory-session-cache-for")
                seconds = seconds_to_keep(self._conf, allowed, remaining(session.facts, offset))
                if allowed is None and self._conf.session_cache_seconds is None:
                    self._warn_once()
                kept = self.cache.keep(who.key, Entry(session.facts, answer.body, offset), seconds)
                return replace(outcome, fresh=fresh) if kept else SignedOut(Event.LOGOUT)
            case SecondFactorMissing() if self.cache.signed_out(who.key):
                return SignedOut(Event.LOGOUT)
        return outcome

    def _whoami(self, who: Passenger, fresh: bool) -> Answer:
        """Ask until the answer can be believed.

        Kratos answers 401 to everyone while its database is down, so readiness is asked after it; and that it is ready
        again does not say that it was when it answered, so who was good before is asked about once more.
        """
        answer = self._client.whoami(who.credential, fresh=fresh)
        if answer.status == 401:
            self._check_ready()
            if self.cache.was_good(who.key):
                answer = self._client.whoami(who.credential, fresh=True)
                if answer.status == 401:
                    self._check_ready()
                    self.cache.refused(who.key)
        self._budget.observe(answer.headers)
        return answer

    def _landed_just_now(self, key: str) -> Outcome | None:
        """The answer of a flight that landed between this request's look into the cache and its own flight."""
        with self._lock:
            landed = key in self._landed and self.cache.reads
        entry = (self.cache.recall(key) or self.cache.read(key)) if landed else None
        return None if entry is None else judge_entry(entry)

    def _check_ready(self) -> None:
        if not self._client.ready():
            raise OryUnavailable("Ory is not ready.", event=Event.NOT_READY, status=401)

    def _learn(self, who: Passenger, outcome: Outcome) -> None:
        """What this outcome tells of Ory's health and of the credential."""
        if not isinstance(outcome, Unavailable):
            self._breaker.worked()
        elif outcome.event not in NO_SIGN and (who.known or not outcome.connected or outcome.event == Event.NOT_READY):
            self._breaker.failed()
        if not who.known and not isinstance(outcome, SignedOut):
            self._budget.give_back(who.address)

    def _warn_once(self) -> None:
        if not self._warned:
            self._warned = True
            log(Event.NOT_CACHED, fix="feature_flags.cacheable_sessions_in_Ory_or_SESSION_CACHE_SECONDS")


class _Lookup(Call):
    def __init__(self, flights: Flights, who: Passenger, fresh: bool) -> None:
        self._flights, self._who, self._fresh = flights, who, fresh

    def here(self) -> Future[Any] | Unavailable:
        if self._flights.cache.in_transactions:
            return self.elsewhere()
        return self._board(lambda fly: fly())

    def elsewhere(self) -> Future[Any] | Unavailable:
        return self._board(partial(self._flights.submit, known=self._who.known), telemetry.here())

    def _board(self, carry_out: Callable[[Callable[[], None]], Any], trace: Any = None) -> Future[Any] | Unavailable:
        boarded = self._flights.board(self._who, self._fresh)
        if isinstance(boarded, Unavailable):
            return boarded
        flight, deadline = boarded
        if deadline is not None:
            carry_out(partial(self._flights.fly, self._who, flight, deadline, self._fresh, trace))
        return flight


class _Errand(Call):
    def __init__(self, flights: Flights, action: Callable[[Client], Any]) -> None:
        self._flights, self._action = flights, action

    def here(self) -> Any:
        return self._flights.errand(self._action)

    def elsewhere(self) -> Future[Any]:
        return self._flights.submit(partial(self._flights.errand, self._action), known=False)


def _with(connections: threading.Semaphore, deadline: float, work: Callable[[], Any]) -> Any:
    left = deadline - time.monotonic()
    if left <= 0 or not connections.acquire(timeout=left):
        return Unavailable(Event.POOL_FULL)
    try:
        return work()
    finally:
        connections.release()


def _told(action: Callable[[], Any], deadline: float) -> Any:
    try:
        with until(deadline):
            return action()
    except OryUnavailable as error:
        return Unavailable.of(error)
    except Exception as error:  # a bug, here or in a library: not known who this is, and no word of it leaks
        return Unavailable(cause=type(error).__name__)


def _alone(work: Callable[[], Any]) -> Any:
    """In a thread of the pool, which has connections to databases of its own: those of a cache that lives in one."""
    try:
        return work()
    finally:
        close_old_connections()


def _log(outcome: Outcome, credential: Credential, milliseconds: int) -> None:
    if isinstance(outcome, SignedIn):
        return
    facts = {"kind": credential.kind.value, "credential": credential.fingerprint, "ms": milliseconds}
    match outcome:
        case Unavailable() if outcome.event not in WAITED:
            log(outcome.event, status=outcome.status, error=outcome.cause, **facts)
        case SignedOut(reason=Event() as reason):
            log(reason, **facts)
        case SecondFactorMissing():
            log(Event.AAL_REQUIRED, **facts)


_current: tuple[Conf, Flights] | None = None
_guard = threading.Lock()


def flights(conf: Conf) -> Flights:
    """This process' flights for these settings; the first call imports Ory's SDK."""
    global _current
    current = _current
    if current is None or current[0] is not conf:
        with _guard:
            if _current is not None and _current[0] is conf:
                return _current[1]
            current = _current = (conf, Flights(conf))
    return current[1]


def forget() -> None:
    """Start anew: a forked process shares no socket, thread or lock with its parent, nor a test with the one before."""
    global _current, _guard
    _current, _guard = None, threading.Lock()


os.register_at_fork(after_in_child=forget)
