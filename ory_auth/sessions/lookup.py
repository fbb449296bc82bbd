"""From a credential to an outcome: this process' memory, the cache, a call to Ory, and in an outage a stale entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ..conf import Conf
from ..events import Event, log
from ..ory.credentials import Credential
from . import telemetry
from .driver import Steps
from .entries import Entry
from .outcomes import Outcome, SignedIn, SignedOut, Unavailable
from .single_flight import BREAKER_OPEN, ORY_IS_DOWN, PER_REQUEST_EVENTS, Flights, Lookup, LookupRequest, flights
from .whoami import judge_entry


def lookup(
    credential: Credential,
    conf: Conf,
    *,
    client: str = "",
    use_marker: Callable[[], bool] = lambda: False,
    signing_out: bool = False,
    fresh: bool = False,
    recalled: bool = False,
) -> Steps[Outcome]:
    """Decide who this is: a generator that yields each step, gets its result, and returns the outcome.

    ``client`` is the client's address, or ``""`` when it is not known; ``use_marker`` says whether the browser comes
    back from a sign-in that this site started. Both matter only for a credential that was never good. ``fresh`` skips
    all caches, ``recalled`` those that the caller has tried with :func:`recall`.
    """
    process, key = flights(conf), credential.key(conf)
    if not fresh:
        cached = yield from _read_caches(process, key, recalled)
        if cached is not None:
            return cached
    known = process.cache.memory.was_good(key)
    returning = not known and not signing_out and use_marker()
    request = LookupRequest(key, credential, known, returning, signing_out, client)
    outcome = yield from _ask_ory(process, request, fresh)
    if isinstance(outcome, Unavailable):
        if outcome.event in PER_REQUEST_EVENTS or outcome.cause == BREAKER_OPEN:
            log(outcome.event, kind=credential.kind.value, credential=credential.fingerprint, error=outcome.cause)
        if not fresh and conf.stale_if_error_seconds and _ory_is_down(outcome):
            stale = yield partial(process.cache.read, key, stale=True)
            return _judge(stale, "stale") or outcome
    return outcome


def _ask_ory(process: Flights, request: LookupRequest, fresh: bool) -> Steps[Outcome]:
    outcome = yield from _wait_for(process.lookup(request, fresh=fresh))
    if _is_turned_away(outcome) and request.returning:
        request = replace(request, returning=False)
        outcome = yield from _wait_for(process.lookup(request, fresh=fresh))
    turned_away = _is_turned_away(outcome) and not request.known
    if turned_away and (yield partial(process.cache.was_good, request.key)):
        outcome = yield from _wait_for(process.lookup(replace(request, known=True), fresh=fresh))
    return outcome


def _is_turned_away(outcome: Outcome) -> bool:
    return isinstance(outcome, Unavailable) and outcome.event == Event.FLOOD


def _wait_for(call: Lookup) -> Steps[Outcome]:
    try:
        outcome: Outcome = yield call
    except GeneratorExit:  # the request was cancelled
        call.log_when_done()
        raise
    call.log_outcome(outcome)
    return outcome


def _ory_is_down(outcome: Unavailable) -> bool:
    """Whether Ory itself failed: not a limit of this process or of Ory's, nor a response that could not be read."""
    return outcome.event in ORY_IS_DOWN and outcome.cause in {None, BREAKER_OPEN}


def recall(credential: Credential, conf: Conf) -> SignedIn | SignedOut | None:
    """The outcome that this process remembers for a credential, if any, without waiting for anything."""
    process = flights(conf)
    return _recall(process, credential.key(conf))


def _recall(process: Flights, key: str) -> SignedIn | SignedOut | None:
    if process.remembers_refusal(key):
        return SignedOut(Event.SESSION_GONE, remembered=True)
    cache = process.cache
    if cache.memory.signed_out(key, None) and not cache.has_pending:
        return SignedOut(Event.LOGOUT)  # signed out here, which counts whatever Ory says
    if not cache.reads:
        return None
    local = _judge(cache.recall(key), "memory")
    return local if local or cache.blocks else _judge(cache.read(key), "cache")


def _read_caches(process: Flights, key: str, recalled: bool) -> Steps[SignedIn | SignedOut | None]:
    cached = None if recalled else _recall(process, key)
    if cached is None and process.cache.reads and process.cache.blocks:
        cached = _judge((yield partial(process.cache.read, key)), "cache")
    return cached


def _judge(entry: Entry | None, tier: str) -> SignedIn | None:
    outcome = None if entry is None else judge_entry(entry, stale=tier == "stale")
    if outcome is not None:
        telemetry.hit(tier)
    return outcome
