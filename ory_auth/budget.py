"""How much of Ory the credentials that were never good may have: a flood of made-up tokens takes nothing from others.

Such a lookup takes one from the budget of its client address and one from the budget of all; it gets both back unless
Ory refuses the credential, so people who sign in for the first time do not use anything up. The budget of all shrinks
with what Ory says is left of its rate (``x-ratelimit-remaining`` of ``x-ratelimit-limit``): the second half of that is
for those who are known. Follows https://www.ory.com/docs/guides/rate-limits.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from ipaddress import ip_address, ip_network

from cachetools import LRUCache

REFUSALS = 50.0, 400.0  # of all addresses: each second, and saved up at most
REFUSALS_BY_ADDRESS = 10.0, 100.0
MAX_ADDRESSES = 10_000


class _Bucket:
    """Tokens that come back with time, up to a number."""

    def __init__(self, rate: float, most: float, now: float) -> None:
        self.rate, self.most, self.left, self.at = rate, most, most, now

    def refill(self, now: float) -> float:
        self.left = min(self.most, self.left + (now - self.at) * self.rate)
        self.at = now
        return self.left


class Budget:
    """The budget of one process, safe for its threads. Free of I/O."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all = _Bucket(*REFUSALS, time.monotonic())
        self._addresses: LRUCache[str, _Bucket] = LRUCache(MAX_ADDRESSES)
        self._share, self._share_until = 1.0, 0.0

    def take(self, address: str) -> bool:
        """Whether a credential that was never good may be looked up for this client address (empty: not known)."""
        now = time.monotonic()
        with self._lock:
            spare = self._all.refill(now) - self._all.most * (1 - self._allowed(now))
            own = self._bucket(address, now)
            if spare < 1 or (own is not None and own.refill(now) < 1):
                return False
            for bucket in (self._all, own):
                if bucket is not None:
                    bucket.left -= 1
            return True

    def give_back(self, address: str) -> None:
        """The credential of this lookup was not refused."""
        with self._lock:
            for bucket in (self._all, self._bucket(address, time.monotonic())):
                if bucket is not None:
                    bucket.left = min(bucket.most, bucket.left + 1)

    def observe(self, headers: Mapping[str, str]) -> None:
        """Take note of the rate that Ory says is left."""
        limit, remaining, reset = (_number(headers.get(f"x-ratelimit-{name}")) for name in _HEADERS)
        if limit and remaining is not None:
            with self._lock:
                self._share = min(remaining / limit, 1.0)
                self._share_until = time.monotonic() + max(reset or 0, 1)

    def _allowed(self, now: float) -> float:
        """Which part of the budget may be used: all while nothing of Ory's rate is used up, none from its half on."""
        return 1.0 if now >= self._share_until else max(0.0, 2 * self._share - 1)

    def _bucket(self, address: str, now: float) -> _Bucket | None:
        if not address:
            return None
        name = _network(address)
        bucket = self._addresses.get(name)
        if bucket is None:
            bucket = self._addresses[name] = _Bucket(*REFUSALS_BY_ADDRESS, now)
        return bucket


_HEADERS = ("limit", "remaining", "reset")


def _number(value: str | None) -> int | None:
    """The first number: Ory's edge adds its windows after a comma."""
    found = re.match(r"\s*([0-9]{1,9})", value or "")
    return int(found[1]) if found else None


def _network(address: str) -> str:
    """A client has a whole /64 of IPv6 addresses to choose from."""
    try:
        if ip_address(address).version == 6:
            return str(ip_network(f"{address.partition('%')[0]}/64", strict=False))
    except ValueError:
        pass
    return address
