"""One lookup at Ory: ask whose credential it is, and update the caches."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from ..conf import Conf
from ..events import Event, log
from ..exceptions import OryUnavailable
from ..ory.client import Client, Readiness, Whoami
from ..ory.credentials import Credential
from .cache.entries import Entry, remaining_seconds, seconds_to_cache
from .cache.negative_cache import NegativeCache
from .cache.shared_cache import SessionCache, Stored
from .ory_caller import Priority
from .outcomes import Outcome, SecondFactorMissing, SignedIn, SignedOut
from .rate_limit import RateLimiter
from .single_flight import SingleFlight
from .whoami import interpret_entry, interpret_whoami

MAX_CACHED_BODY = 32 * 1024  # bytes: a larger response is not cached, so that nobody fills the cache with their traits


@dataclass(frozen=True, slots=True)
class LookupRequest:
    """Whose session is looked up, and what is known about the request.

    ``known``: the credential was valid before. ``returning``: the browser comes back from a sign-in that this site
    started. ``fresh``: no cache may be used. ``client_address``: the address of the client, or ``""``.
    """

    key: str
    credential: Credential = field(repr=False)
    known: bool
    returning: bool = False
    signing_out: bool = False
    fresh: bool = False
    client_address: str = ""

    @property
    def priority(self) -> Priority:
        if self.known:
            return Priority.KNOWN
        return Priority.RETURNING if self.returning else Priority.UNKNOWN


class SessionFetcher:
    """Fetches sessions from Ory for one process."""

    def __init__(
        self,
        conf: Conf,
        cache: SessionCache,
        limiter: RateLimiter,
        negative_cache: NegativeCache,
        lookups: SingleFlight[Outcome],
    ) -> None:
        self._conf, self._cache, self._limiter = conf, cache, limiter
        self._negative_cache, self._lookups = negative_cache, lookups
        self._warned = False

    def fetch(self, client: Client, request: LookupRequest) -> Outcome:
        """Ask Ory who this is, and update the caches. Raises :class:`OryUnavailable`."""
        recent = None if request.fresh else self._find_recent_outcome(request.key)
        if recent is not None:
            return recent
        whoami, readiness = self._ask(client, request)
        outcome = interpret_whoami(whoami, time.time())
        match outcome:
            case SignedIn():
                return self._store(request, whoami, outcome)
            case SecondFactorMissing():
                if self._cache.is_signed_out(request.key):
                    return SignedOut(Event.LOGOUT)
                self._drop_entries(request)
            case SignedOut():
                self._drop_entries(request)
                if whoami.response.status == 401 and readiness is Readiness.READY:
                    self._negative_cache.add(request.key)
        return outcome

    def _find_recent_outcome(self, key: str) -> Outcome | None:
        """The outcome of a lookup that ended after this request read the caches, and before its own lookup."""
        if key in self._negative_cache:
            return SignedOut(Event.SESSION_GONE, remembered=True)
        if not self._cache.enabled or not self._lookups.finished_recently(key):
            return None
        entry = self._cache.get_local(key) or self._cache.get(key)
        return None if entry is None else interpret_entry(entry)

    def _ask(self, client: Client, request: LookupRequest) -> tuple[Whoami, Readiness]:
        """Ask Ory, and again if a refusal may be wrong.

        Kratos answers 401 to everybody while its database is down, so readiness is asked after a 401. Ory may be ready
        now and not have been when it answered, so a known credential is looked up again.
        """
        readiness = Readiness.UNKNOWN
        whoami = self._call_whoami(client, request, fresh=request.fresh)
        if whoami.response.status == 401:
            readiness = _check_readiness(client)
            if self._cache.is_known(request.key):
                whoami = self._call_whoami(client, request, fresh=True)
                if whoami.response.status == 401:
                    readiness = _check_readiness(client)
        return whoami, readiness

    def _call_whoami(self, client: Client, request: LookupRequest, *, fresh: bool) -> Whoami:
        try:
            whoami = client.whoami(request.credential, request.key, fresh=fresh)
        except OryUnavailable as error:
            if error.event == Event.RATE_LIMITED:
                self._limiter.record_429(error.retry_after or 1)
            raise
        self._limiter.update_quota(whoami.response.headers)
        return whoami

    def _store(self, request: LookupRequest, whoami: Whoami, outcome: SignedIn) -> Outcome:
        summary, body = outcome.session.summary, whoami.response.body
        allowed = whoami.response.headers.get("ory-session-cache-for")
        seconds = seconds_to_cache(self._conf, allowed, remaining_seconds(summary, outcome.offset))
        if allowed is None and self._conf.session_cache_seconds is None:
            self._warn_once()
        entry = Entry(summary, body, outcome.offset)
        stored = self._cache.store(request.key, entry, seconds if len(body) <= MAX_CACHED_BODY else 0)
        return SignedOut(Event.LOGOUT) if stored is Stored.SIGNED_OUT else replace(outcome, fresh=request.fresh)

    def _drop_entries(self, request: LookupRequest) -> None:
        """Ory refuses this credential, so no cached entry of it counts any more, not even in an outage."""
        if request.known or self._conf.stale_if_error_seconds or self._cache.is_known(request.key):
            self._cache.record_refusal(request.key)

    def _warn_once(self) -> None:
        if not self._warned:
            self._warned = True
            log(Event.NOT_CACHED, fix="feature_flags.cacheable_sessions_in_Ory_or_SESSION_CACHE_SECONDS")


def _check_readiness(client: Client) -> Readiness:
    """What Ory's readiness path says; raises :class:`OryUnavailable` if it says "not ready"."""
    readiness = client.readiness()
    if readiness is Readiness.NOT_READY:
        raise OryUnavailable("Ory is not ready.", event=Event.NOT_READY, status=401)
    return readiness
