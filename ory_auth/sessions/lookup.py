"""From a credential to an outcome: the local cache, the shared cache, Ory, and in an outage a stale cache entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ..conf import Conf
from ..events import Event, log
from ..ory.credentials import Credential
from . import telemetry
from .cache.entries import Entry
from .driver import Effects
from .fetch import LookupRequest
from .lookup_call import LookupCall
from .outcomes import CAUSE_BREAKER_OPEN, ORY_IS_DOWN, PER_REQUEST_EVENTS, Outcome, SignedIn, SignedOut, Unavailable
from .services import Services, services_of
from .whoami import interpret_entry


def lookup(
    credential: Credential,
    conf: Conf,
    *,
    client_address: str = "",
    use_marker: Callable[[], bool] | None = None,
    signing_out: bool = False,
    fresh: bool = False,
    skip_local: bool = False,
) -> Effects[Outcome]:
    """Decide who this is: a generator that yields effects and returns the outcome.

    ``client_address`` is the address of the client, or ``""`` if it is not known. ``use_marker()`` says whether the
    browser comes back from a sign-in that this site started, and uses its marker once. Both matter only for an unknown
    credential. ``fresh`` skips all caches. ``skip_local`` skips what the caller has tried with :func:`lookup_locally`.
    """
    services, key = services_of(conf), credential.key(conf)
    if not fresh:
        cached = None if skip_local else _find_local_outcome(services, key)
        if cached is None and services.cache.enabled and services.cache.may_block:
            cached = _interpret((yield partial(services.cache.get, key)), "cache")
        if cached is not None:
            return cached
    known = services.cache.local.is_known(key)
    returning = not known and not signing_out and use_marker is not None and use_marker()
    request = LookupRequest(key, credential, known, returning, signing_out, fresh, client_address)
    outcome = yield from _ask_ory(services, request)
    if isinstance(outcome, Unavailable):
        _log_per_request(outcome, credential)
        if not fresh and conf.stale_if_error_seconds and _is_ory_down(outcome):
            stale = yield partial(services.cache.get, key, stale=True)
            return _interpret(stale, "stale") or outcome
    return outcome


def _ask_ory(services: Services, request: LookupRequest) -> Effects[Outcome]:
    """Ask Ory.

    If the limit of returning browsers is used up, the limit of unknown credentials applies. If that is used up, too,
    the shared cache may say that another process knows the credential.
    """
    outcome = yield from _wait_for(LookupCall(services, request))
    if _is_over_own_limit(outcome) and request.returning:
        request = replace(request, returning=False)
        outcome = yield from _wait_for(LookupCall(services, request))
    if _is_over_own_limit(outcome) and not request.known and (yield partial(services.cache.is_known, request.key)):
        outcome = yield from _wait_for(LookupCall(services, replace(request, known=True)))
    return outcome


def _wait_for(call: LookupCall) -> Effects[Outcome]:
    try:
        outcome: Outcome = yield call
    except GeneratorExit:  # the request was cancelled
        call.log_when_done()
        raise
    call.log_outcome(outcome)
    return outcome


def _is_over_own_limit(outcome: Outcome) -> bool:
    return isinstance(outcome, Unavailable) and outcome.event == Event.FLOOD


def _is_ory_down(outcome: Unavailable) -> bool:
    """Whether Ory itself failed: not a limit of this process or of Ory's, nor a response that could not be read.

    A credential can be the cause of such a response, but never of a failed connection.
    """
    has_failed = not outcome.connected or outcome.cause in {None, CAUSE_BREAKER_OPEN}
    return outcome.event in ORY_IS_DOWN and has_failed


def _log_per_request(outcome: Unavailable, credential: Credential) -> None:
    if outcome.event in PER_REQUEST_EVENTS or outcome.cause == CAUSE_BREAKER_OPEN:
        log(outcome.event, kind=credential.kind.value, credential=credential.fingerprint, error=outcome.cause)


def lookup_locally(credential: Credential, conf: Conf) -> SignedIn | SignedOut | None:
    """The outcome that this process can tell without waiting for anything; ``None`` if there is none."""
    return _find_local_outcome(services_of(conf), credential.key(conf))


def _find_local_outcome(services: Services, key: str) -> SignedIn | SignedOut | None:
    if key in services.negative_cache:
        return SignedOut(Event.SESSION_GONE, remembered=True)
    cache = services.cache
    if cache.local.is_signed_out(key, None) and not cache.has_pending_writes:
        return SignedOut(Event.LOGOUT)  # signed out here, which counts whatever Ory says
    if not cache.enabled:
        return None
    local = _interpret(cache.get_local(key), "memory")
    return local if local or cache.may_block else _interpret(cache.get(key), "cache")


def _interpret(entry: Entry | None, tier: str) -> SignedIn | None:
    outcome = None if entry is None else interpret_entry(entry, stale=tier == "stale")
    if outcome is not None:
        telemetry.record_hit(tier)
    return outcome
