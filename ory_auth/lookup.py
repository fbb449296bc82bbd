"""From a credential to what Ory says of it: this process' memory, the cache, one flight, a stale answer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from . import telemetry
from .answers import judge_entry
from .cache import SessionCache
from .conf import Conf
from .credentials import Credential
from .entries import Entry
from .events import Event, log
from .flights import BREAKER_OPEN, WAITED, Flights, Passenger, flights
from .outcomes import Outcome, SignedIn, Unavailable
from .steps import Steps


def lookup(
    credential: Credential,
    conf: Conf,
    *,
    address: str = "",
    known: bool = False,
    fresh: bool = False,
    recalled: bool = False,
) -> Steps[Outcome]:
    """Decide who this is. Yields what has to be done, is sent the result, and returns the outcome.

    ``address`` is the client's, for the budget of credentials that were never good, which ``known`` passes by;
    ``fresh`` goes past every cache, ``recalled`` past what :func:`recall` has looked into.
    """
    process, key = flights(conf), credential.key(conf)
    if not fresh:
        kept = yield from _kept(process.cache, key, recalled)
        if kept is not None:
            return kept
    known = known or process.cache.memory.was_good(key)
    outcome = yield from _flown(process, Passenger(key, credential, known, address), fresh)
    if isinstance(outcome, Unavailable):
        if outcome.event in WAITED or outcome.cause == BREAKER_OPEN:
            log(outcome.event, kind=credential.kind.value, credential=credential.fingerprint, error=outcome.cause)
        if not fresh and conf.stale_if_error_seconds:
            stale = yield partial(process.cache.read, key, stale=True)
            return _judged(stale, "stale") or outcome
    return outcome


def _flown(process: Flights, who: Passenger, fresh: bool) -> Steps[Outcome]:
    outcome: Outcome = yield process.lookup(who, fresh=fresh)
    flood = isinstance(outcome, Unavailable) and outcome.event == Event.FLOOD
    if flood and (yield partial(process.cache.was_good, who.key)):
        outcome = yield process.lookup(replace(who, known=True), fresh=fresh)
    return outcome


def recall(credential: Credential, conf: Conf) -> SignedIn | None:
    """What this process remembers of a credential, without waiting for anything."""
    cache = flights(conf).cache
    return _recalled(cache, credential.key(conf)) if cache.reads else None


def _recalled(cache: SessionCache, key: str) -> SignedIn | None:
    kept = _judged(cache.recall(key), "memory")
    return kept if kept or cache.blocks else _judged(cache.read(key), "cache")


def _kept(cache: SessionCache, key: str, recalled: bool) -> Steps[SignedIn | None]:
    if not cache.reads:
        return None
    kept = None if recalled else _recalled(cache, key)
    if kept is None and cache.blocks:
        kept = _judged((yield partial(cache.read, key)), "cache")
    return kept


def _judged(entry: Entry | None, tier: str) -> SignedIn | None:
    outcome = None if entry is None else judge_entry(entry, stale=tier == "stale")
    if outcome is not None:
        telemetry.hit(tier)
    return outcome
