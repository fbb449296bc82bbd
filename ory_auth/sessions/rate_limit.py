"""Rate limits: how many calls to Ory each kind of visitor may cause, so that one cannot use up what others need.

The limits of one process:

* Lookups of unknown credentials (such as expired cookies and made-up tokens): one limit for cookies and one for tokens,
  and one for each client whose address is known. Unless Ory refuses the credential, the lookup gives its token back,
  so people who sign in do not use up the limit.
* Returning browsers, from a sign-in that this site started (:mod:`ory_auth.request.sign_in_marker`): separate limits,
  since any visitor can get such markers. Above them, they count like unknown credentials.
* Pages of flows and errors, which need no credential: separate limits, for all and for each client.
* Sign-outs of unknown credentials: a separate limit, so that people can sign out during a flood of lookups.
* Known credentials: limited only while less than a quarter of Ory's rate limit is left, so that one busy person or
  program does not use up the rest.

Ory says in ``x-ratelimit-*`` headers how much of its rate limit is left. Below a half, an unknown credential costs
more than one token (at most ten). That may still be more than Ory allows in total, and a 429 would stop all lookups.
So in the last quarter only one unknown credential a second is looked up. Does no I/O.
Follows https://www.ory.com/docs/guides/rate-limits.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from cachetools import LRUCache

MAX_CLIENTS = 10_000
MAX_QUOTA_AGE = 60.0  # seconds for which a rate header counts
MIN_SHARE = 0.1  # of their limit, which is always left to unknown credentials
RESERVED = 0.25  # of Ory's rate limit: for known credentials, returning browsers and sign-outs
SLOW_BELOW = 0.5  # of Ory's rate limit: with less left, an unknown credential costs more than one token
KNOWN_BELOW = RESERVED  # of Ory's rate limit: with less left, known credentials are limited too


@dataclass(frozen=True, slots=True)
class Rate:
    """How many tokens a bucket gains a second, and how many it holds."""

    per_second: float
    burst: float


UNKNOWN_CREDENTIALS = Rate(400, 1200)
UNKNOWN_CREDENTIALS_OF_CLIENT = Rate(50, 500)
PAGES = Rate(50, 300)
PAGES_OF_CLIENT = Rate(5, 60)
MARKED_PAGES = Rate(200, 600)
MARKED_PAGES_OF_CLIENT = Rate(10, 100)
RETURNING = Rate(100, 300)
RETURNING_OF_CLIENT = Rate(5, 50)
RETURNING_TRICKLE = Rate(5, 20)  # with less than RESERVED left
SIGN_OUTS = Rate(20, 100)
UNKNOWN_CREDENTIALS_TRICKLE = Rate(1, 5)  # with less than RESERVED left
UNKNOWN_AFTER_429 = Rate(10, 20)
RETURNING_AFTER_429 = Rate(20, 40)
KNOWN_CREDENTIAL = Rate(20, 100)


class _TokenBucket:
    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: Rate) -> None:
        self._rate, self._tokens, self._at = rate, rate.burst, time.monotonic()

    def has(self, tokens: float, now: float) -> bool:
        self._tokens = min(self._rate.burst, self._tokens + (now - self._at) * self._rate.per_second)
        self._at = now
        return self._tokens >= tokens

    def take(self, tokens: float) -> None:
        self._tokens -= tokens

    def give_back(self, tokens: float) -> None:
        self._tokens = min(self._rate.burst, self._tokens + tokens)


class Limit:
    """One limit for all clients together, and one for each client whose address is known."""

    def __init__(self, all_together: Rate, of_client: Rate | None = None) -> None:
        self._all, self._of_client = _TokenBucket(all_together), of_client
        self._clients: LRUCache[str, _TokenBucket] = LRUCache(MAX_CLIENTS)

    def acquire(self, client: str, cost: float = 1.0) -> bool:
        """Take ``cost`` tokens from the limit for all, and one from the client's own."""
        now = time.monotonic()
        own = self._bucket_of(client)
        if not self._all.has(cost, now) or (own is not None and not own.has(1, now)):
            return False
        self._all.take(cost)
        if own is not None:
            own.take(1)
        return True

    def give_back(self, client: str, cost: float = 1.0) -> None:
        self._all.give_back(cost)
        own = self._bucket_of(client)
        if own is not None:
            own.give_back(1)

    def _bucket_of(self, client: str) -> _TokenBucket | None:
        if not client or self._of_client is None:
            return None
        if client not in self._clients:
            self._clients[client] = _TokenBucket(self._of_client)
        return self._clients[client]


class RateLimiter:
    """The limits of one process, safe for its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unknown = {
            by_header: Limit(UNKNOWN_CREDENTIALS, UNKNOWN_CREDENTIALS_OF_CLIENT) for by_header in (True, False)
        }
        self._trickle, self._after_429 = Limit(UNKNOWN_CREDENTIALS_TRICKLE), Limit(UNKNOWN_AFTER_429)
        self._returning = Limit(RETURNING, RETURNING_OF_CLIENT)
        self._returning_trickle, self._returning_after_429 = Limit(RETURNING_TRICKLE), Limit(RETURNING_AFTER_429)
        self._pages = Limit(PAGES, PAGES_OF_CLIENT)
        self._marked_pages = Limit(MARKED_PAGES, MARKED_PAGES_OF_CLIENT)
        self._sign_outs = Limit(SIGN_OUTS)
        self._known: LRUCache[str, _TokenBucket] = LRUCache(MAX_CLIENTS)
        self._quota, self._quota_until = 1.0, 0.0
        self._unknown_limited_until = 0.0

    def acquire_unknown(self, client: str, *, by_header: bool) -> bool:
        """Whether an unknown credential may be looked up. ``client`` is ``""`` if the address is not known."""
        with self._lock:
            admitted = self._allow_unknown(self._trickle, self._after_429)
            return admitted and self._unknown[by_header].acquire(client, self._cost())

    def give_back_unknown(self, client: str, *, by_header: bool) -> None:
        """Ory did not refuse the credential of this lookup, so its limits get back what one lookup costs now."""
        with self._lock:
            self._unknown[by_header].give_back(client, self._cost())

    def acquire_returning(self, client: str) -> bool:
        """Whether the credential of a returning browser may be looked up within its separate limits."""
        with self._lock:
            admitted = self._allow_unknown(self._returning_trickle, self._returning_after_429)
            return admitted and self._returning.acquire(client)

    def give_back_returning(self, client: str) -> None:
        """Ory did not refuse the credential of this lookup, so its limits get back what one lookup costs now."""
        with self._lock:
            self._returning.give_back(client)

    def acquire_known(self, key: str) -> bool:
        """Whether a known credential may be looked up."""
        with self._lock:
            bucket = self._known.get(key)
            if bucket is None:
                bucket = self._known[key] = _TokenBucket(KNOWN_CREDENTIAL)
            has_token = bucket.has(1, time.monotonic())
            if has_token:
                bucket.take(1)
            return has_token or self._quota_left() >= KNOWN_BELOW

    def acquire_page(self, client: str, *, marked: bool) -> bool:
        """Whether a page of a flow or an error may call Ory. ``marked``: this site sent the browser to Ory."""
        with self._lock:
            return (marked and self._marked_pages.acquire(client)) or self._pages.acquire(client)

    def acquire_sign_out(self) -> bool:
        """Whether an unknown credential may be looked up to sign it out."""
        with self._lock:
            return self._sign_outs.acquire("")

    def update_quota(self, headers: Mapping[str, str]) -> None:
        """Read from a response how much of Ory's rate limit is left."""
        limit, remaining, reset = (_number(headers.get(f"x-ratelimit-{name}")) for name in _QUOTA_HEADERS)
        if limit and remaining is not None:
            with self._lock:
                self._unknown_limited_until = 0.0  # from now on Ory says how much is left
                self._quota = min(remaining / limit, 1.0)
                self._quota_until = time.monotonic() + min(max(_seconds_until(reset), 1.0), MAX_QUOTA_AGE)

    def record_429(self, seconds: float) -> None:
        """Ory has just answered a lookup with 429, and asks for a pause of so many seconds.

        Unknown credentials are limited for longer than that: otherwise they would cause the next 429 at once.
        """
        with self._lock:
            self._quota, self._quota_until = 0.0, time.monotonic() + min(seconds, MAX_QUOTA_AGE)
            self._unknown_limited_until = self._quota_until + MAX_QUOTA_AGE

    def _cost(self) -> float:
        """Tokens for one unknown credential: more than one if less than half of Ory's rate limit is left."""
        return 1 / max(MIN_SHARE, min(1.0, self._quota_left() / SLOW_BELOW))

    def _allow_unknown(self, trickle: Limit, after_429: Limit) -> bool:
        """Whether the rest of Ory's rate limit allows one more: a trickle while it is low, a few after a 429."""
        if self._quota_left() < RESERVED:
            return trickle.acquire("")
        return time.monotonic() >= self._unknown_limited_until or after_429.acquire("")

    def _quota_left(self) -> float:
        return 1.0 if time.monotonic() >= self._quota_until else self._quota


_QUOTA_HEADERS = ("limit", "remaining", "reset")


def _number(value: str | None) -> int | None:
    """The leading number: Ory Network adds its time windows after a comma."""
    found = re.match(r"\s*([0-9]{1,15})", value or "")
    return int(found[1]) if found else None


def _seconds_until(reset: int | None) -> float:
    """The seconds in a header: a number of seconds, or the Unix time that many gateways send."""
    if reset is None:
        return 0.0
    return reset if reset < 1_000_000_000 else reset - time.time()
