"""One request's role in a lookup at Ory: it makes the call, or waits for the request that makes it.

The first request with a credential makes the call: in its own thread, or for coroutines in a thread of a small pool, so
that the call goes on if the request is cancelled.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import Any

from ..events import Event, log
from ..ory.credentials import Credential
from . import telemetry
from .driver import OryCall
from .fetch import LookupRequest
from .outcomes import PER_REQUEST_EVENTS, Outcome, SecondFactorMissing, SignedIn, SignedOut, Unavailable
from .services import Services
from .single_flight import Role, SharedCall


class LookupCall(OryCall):
    """The effect of looking up a credential at Ory. Its result is an outcome, which the caller has to log."""

    _call: SharedCall[Outcome]
    _role: Role | None = None  # until this request has joined a call

    def __init__(self, services: Services, request: LookupRequest) -> None:
        self._services, self._request = services, request
        self._began_at = time.monotonic()

    def run(self) -> Future[Outcome] | Unavailable:
        if self._services.cache.is_transactional:  # a write in this thread may be rolled back
            return self.submit()
        refusal = self._join_or_start()
        if self._role is Role.MAKE:
            self._make_call()
        return refusal or self._call.future

    def submit(self) -> Future[Outcome] | Unavailable:
        refusal = self._join_or_start()
        if self._role is Role.MAKE:
            self._services.caller.submit(self._request.priority, self._make_call, telemetry.current_trace())
        return refusal or self._call.future

    def _join_or_start(self) -> Unavailable | None:
        """Join the running call for this credential, or start one. Returns why neither is possible."""
        refusal = self._services.caller.find_outage()
        if refusal is not None:
            return refusal
        lookups, key, fresh = self._services.lookups, self._request.key, self._request.fresh
        running = lookups.join(key, fresh=fresh)
        if running is not None:
            self._call, self._role = running, Role.WAIT
            return None
        if not self._acquire_token():
            return Unavailable(Event.FLOOD, retry_after=10)
        self._call, self._role = lookups.join_or_start(key, fresh=fresh)
        if self._role is Role.WAIT:  # another request was quicker
            self._give_token_back()
        elif self._call.previous is not None:
            self._call.previous.future.add_done_callback(self._make_next_call)
        return None

    def _make_call(self, trace: Any = None) -> None:
        """Make the call in this thread, and give its outcome to all requests that wait for it."""
        request, services, call = self._request, self._services, self._call
        outcome: Outcome = Unavailable()
        started_at = time.monotonic()
        call.future.set_running_or_notify_cancel()
        try:
            with telemetry.lookup_span(trace) as span:
                # fetch(client, request): the caller adds its client.
                outcome = services.caller.call(
                    services.fetcher.fetch, request, priority=request.priority, deadline=call.deadline
                )
                telemetry.record_lookup(span, outcome, time.monotonic() - started_at)
            services.caller.record(outcome)
            if not _uses_up_token(outcome) and not self._has_many_credentials(outcome):
                self._give_token_back()
        finally:
            services.lookups.finish(request.key, call, outcome, fresh=request.fresh)

    def _make_next_call(self, _previous: Future[Outcome]) -> None:
        """The call that was running has ended, so the fresh one of this request begins."""
        self._services.lookups.start_next(self._request.key, self._call)
        try:
            self._services.caller.submit(self._request.priority, self._make_call)
        except RuntimeError:  # the interpreter is shutting down
            self._call.future.set_result(Unavailable())

    # --- the rate limit

    def _acquire_token(self) -> bool:
        request, limiter = self._request, self._services.limiter
        if request.known:
            return request.signing_out or limiter.acquire_known(request.key)
        if request.returning:
            return limiter.acquire_returning(request.client_address)
        if request.signing_out:
            return limiter.acquire_sign_out()
        return limiter.acquire_unknown(request.client_address, by_header=request.credential.kind.by_header)

    def _give_token_back(self) -> None:
        request, limiter = self._request, self._services.limiter
        if request.returning:
            limiter.give_back_returning(request.client_address)
        elif not request.known and not request.signing_out:
            limiter.give_back_unknown(request.client_address, by_header=request.credential.kind.by_header)

    def _has_many_credentials(self, outcome: Outcome) -> bool:
        """Whether this session has had so many valid credentials that further ones count as unknown."""
        cache = self._services.cache.local
        return isinstance(outcome, SignedIn) and cache.has_many_credentials(outcome.session.summary.session_id)

    # --- the log

    def log_outcome(self, outcome: Outcome) -> None:
        """Log the outcome, only in the request that makes the call. Call it after storing the outcome."""
        if self._role in {Role.MAKE, Role.MAKE_NEXT}:
            _log(outcome, self._request.credential, int((time.monotonic() - self._began_at) * 1000))

    def log_when_done(self) -> None:
        """Log the outcome later: the request that makes the call was cancelled."""
        if self._role is not None:
            self._call.future.add_done_callback(self._log_result)

    def _log_result(self, future: Future[Outcome]) -> None:
        self.log_outcome(future.result())


def _uses_up_token(outcome: Outcome) -> bool:
    """Whether a lookup used Ory and found no session. All others give their token back to the rate limit."""
    if isinstance(outcome, Unavailable):
        return outcome.connected and outcome.event != Event.POOL_FULL
    return isinstance(outcome, SignedOut)


def _log(outcome: Outcome, credential: Credential, milliseconds: int) -> None:
    facts = {"kind": credential.kind.value, "credential": credential.fingerprint, "ms": milliseconds}
    match outcome:
        case Unavailable() if outcome.event not in PER_REQUEST_EVENTS:
            log(outcome.event, status=outcome.status, error=outcome.cause, **facts)
        case SignedOut(reason=Event() as reason) if not outcome.remembered:
            log(reason, **facts)
        case SecondFactorMissing():
            log(Event.AAL_REQUIRED, **facts)
