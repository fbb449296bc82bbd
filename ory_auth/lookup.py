"""From a credential to what Ory says of it: the cache, else one flight (Ory, its readiness after a 401, the cache).

What an answer means is decided here, once and without I/O. A flight runs in a small pool of threads, so that it
outlives whoever stops waiting for it, and everyone who waits has a limit of their own, whatever DNS or TLS do.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from django.db import close_old_connections

from .cache import Entry, SessionCache, remaining, seconds_to_keep
from .client import Answer, Client, read_object
from .conf import Conf
from .credentials import Credential
from .events import Event, log
from .exceptions import OryResponseInvalid, OryUnavailable
from .outcomes import Outcome, SecondFactorMissing, SignedIn, SignedOut, Unavailable
from .steps import Steps
from .transport import until
from .types import AAL, OrySession

WAITED = frozenset({Event.TIMEOUT, Event.POOL_FULL})  # whoever waits for a flight says these, once for each request


def lookup(credential: Credential, conf: Conf, *, fresh: bool = False) -> Steps[Outcome]:
    """Decide who this is. Yields what has to be done, is sent the result, and returns the outcome."""
    process, key = lookups(conf), credential.key(conf.sdk_url)
    if not fresh:
        kept = yield lambda: process.cache.read(key)
        outcome = kept and judge_entry(kept)
        if outcome:
            return outcome
    outcome = yield process.flight(key, credential, fresh=fresh)
    if isinstance(outcome, Unavailable) and outcome.event in WAITED:
        log(outcome.event, kind=credential.kind.value, credential=credential.fingerprint, ms=int(conf.timeout * 1000))
    if isinstance(outcome, Unavailable) and not fresh:
        kept = yield lambda: process.cache.read(key, stale=True)
        outcome = (kept and judge_entry(kept, stale=True)) or outcome
    return outcome


def judge_entry(entry: Entry, *, stale: bool = False) -> SignedIn | None:
    """What a kept answer is worth now: checked like an answer of Ory's, else a miss."""
    try:
        session = entry.session()
    except ValueError:
        log(Event.CACHE_INVALID)
        return None
    if not session.active or remaining(session, entry.offset) <= 0:
        return None
    if stale:
        session = replace(session, aal=min(session.aal, AAL.AAL1))  # nobody has vouched for a second factor lately
    return SignedIn(session, entry.offset, stale=stale)


def judge(answer: Answer, now: float) -> Outcome:
    """What an answer of whoami means; raises :class:`OryUnavailable` where it does not tell. ``now`` is Unix time."""
    match answer.status:
        case 200:
            return _judge_session(answer, now)
        case 401:
            return SignedOut(Event.SESSION_GONE)
        case 403 if _error_id(answer) == "session_aal2_required":
            return SecondFactorMissing()
        case status if 300 <= status < 400:
            event = Event.UPSTREAM_REDIRECT
        case status if 400 <= status < 500:
            event = Event.UPSTREAM_REJECTS
        case _:
            event = Event.UNAVAILABLE
    raise OryUnavailable(f"Ory answered {answer.status}.", event=event, status=answer.status)


def _judge_session(answer: Answer, now: float) -> Outcome:
    try:
        session = OrySession.from_json(answer.body)
    except ValueError as error:
        raise OryResponseInvalid(f"Ory's answer is {error}.", status=200) from None
    about = answer.headers.get("x-kratos-authenticated-identity-id")
    if about is not None and about.strip().lower() != str(session.identity.id):
        raise OryResponseInvalid("Ory's answer is about somebody else than its header says.", status=200)
    offset = answer.clock - now if answer.clock else 0.0
    if not session.active or session.identity.state != "active":
        return SignedOut(Event.SESSION_GONE)
    if remaining(session, offset) <= 0:
        return SignedOut(Event.EXPIRED)
    return SignedIn(session, offset, cookies=answer.cookies)


def _error_id(answer: Answer) -> object:
    error = read_object(answer).get("error")
    return error.get("id") if isinstance(error, dict) else None


class Lookups:
    """The flights of one process: at most one under way for a credential, at most ``MAX_CONNECTIONS`` in all."""

    def __init__(self, conf: Conf) -> None:
        self.cache = SessionCache(conf)
        self._client = Client(conf)
        self._warned = False
        self._conf = conf
        self._pool = ThreadPoolExecutor(conf.max_connections, thread_name_prefix="ory_auth")
        self._flights: dict[str, tuple[Future[Outcome], float]] = {}  # with the moment by which each has to end
        self._lock = threading.Lock()

    def flight(self, key: str, credential: Credential, *, fresh: bool = False) -> Future[Outcome]:
        """The outcome to come; joins a flight that is under way for this credential, unless ``fresh``."""
        now = time.monotonic()
        deadline = now + self._conf.timeout
        with self._lock:
            under_way, ends = self._flights.get(key, (None, 0.0))
            if under_way is not None and now < ends and not fresh:
                return under_way
            flight = self._pool.submit(self._fly, key, credential, fresh, deadline)
            if fresh:
                return flight
            self._flights[key] = flight, deadline
        flight.add_done_callback(lambda done: self._land(key, done))
        return flight

    def call(self, action: Callable[[Client], Any]) -> Future[Any]:
        """Another call to Ory under the same bounds; the result is what it returns, or an ``Unavailable``."""
        deadline = time.monotonic() + self._conf.timeout
        return self._pool.submit(self._bounded, lambda: action(self._client), deadline)

    def _land(self, key: str, flight: Future[Outcome]) -> None:
        with self._lock:
            if self._flights.get(key, (None,))[0] is flight:
                del self._flights[key]

    def _fly(self, key: str, credential: Credential, fresh: bool, deadline: float) -> Outcome:
        started = time.monotonic()
        outcome: Outcome = self._bounded(lambda: self._ask(key, credential, fresh), deadline)
        _log(outcome, credential, int((time.monotonic() - started) * 1000))
        return outcome

    def _bounded(self, action: Callable[[], Any], deadline: float) -> Any:
        """Run it and return a value in any case: an exception would carry the credential in its frames."""
        if time.monotonic() >= deadline:
            return Unavailable(Event.POOL_FULL)
        try:
            with until(deadline):
                return action()
        except OryUnavailable as error:
            return Unavailable.of(error)
        except Exception as error:  # a bug, here or in a library: not known who this is, and no word of it leaks
            return Unavailable(cause=type(error).__name__)
        finally:
            close_old_connections()  # those of a cache that lives in the database

    def _ask(self, key: str, credential: Credential, fresh: bool) -> Outcome:
        answer = self._client.whoami(credential, fresh=fresh)
        outcome = judge(answer, time.time())
        if answer.status == 401 and not self._client.ready():
            # Kratos answers 401 to everyone while its database is down.
            raise OryUnavailable("Ory is not ready.", event=Event.NOT_READY, status=401)
        match outcome:
            case SignedIn(session, offset):
                allowed = answer.headers.get("ory-session-cache-for")
                seconds = seconds_to_keep(self._conf, allowed, remaining(session, offset))
                if allowed is None and self._conf.session_cache_seconds is None:
                    self._warn_once()
                kept = self.cache.keep(key, session.id, Entry(answer.body, offset), seconds)
                return replace(outcome, fresh=fresh) if kept else SignedOut(Event.LOGOUT)
            case SecondFactorMissing() if self.cache.signed_out(key):
                return SignedOut(Event.LOGOUT)
        return outcome

    def _warn_once(self) -> None:
        if not self._warned:
            self._warned = True
            log(Event.NOT_CACHED, fix="feature_flags.cacheable_sessions_in_Ory_or_SESSION_CACHE_SECONDS")


def _log(outcome: Outcome, credential: Credential, milliseconds: int) -> None:
    facts = {"kind": credential.kind.value, "credential": credential.fingerprint, "ms": milliseconds}
    match outcome:
        case Unavailable() if outcome.event not in WAITED:
            log(outcome.event, status=outcome.status, error=outcome.cause, **facts)
        case SignedOut(reason=Event() as reason):
            log(reason, **facts)
        case SecondFactorMissing():
            log(Event.AAL_REQUIRED, **facts)


_current: tuple[Conf, Lookups] | None = None
_guard = threading.Lock()


def lookups(conf: Conf) -> Lookups:
    """This process' flights for these settings; the first call imports Ory's SDK."""
    global _current
    current = _current
    if current is None or current[0] is not conf:
        with _guard:
            if _current is not None and _current[0] is conf:
                return _current[1]
            current = _current = (conf, Lookups(conf))
    return current[1]


def forget() -> None:
    """Start anew: a forked process shares no socket, thread or lock with its parent, nor a test with the one before."""
    global _current, _guard
    _current, _guard = None, threading.Lock()


os.register_at_fork(after_in_child=forget)
