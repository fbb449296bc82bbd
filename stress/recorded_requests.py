"""The requests that reached Ory through the proxy, counted by the hash of their credential."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from dataclasses import dataclass, field

WHOAMI = "/sessions/whoami"
COUNTED = ("x-session-token", "cookie", "authorization")


@dataclass
class RecordedRequests:
    """The requests since the last `Proxy.reset_recorded`."""

    whoami: Counter[str] = field(default_factory=Counter)  # calls by the hash of their credential
    whoami_at: list[float] = field(default_factory=list)  # monotonic
    paths: Counter[str] = field(default_factory=Counter)  # calls by their path
    ready: int = 0
    limited: int = 0  # answers that were 429
    headers: set[str] = field(default_factory=set)  # names, in lower case
    cookies: set[str] = field(default_factory=set)  # names

    def add(self, path: str, headers: dict[str, str]) -> None:
        self.headers |= headers.keys()
        self.cookies |= {pair.strip().partition("=")[0] for pair in headers.get("cookie", "").split(";") if pair}
        self.paths[path] += 1
        if path == WHOAMI:
            self.whoami[credential_hash(headers)] += 1
            self.whoami_at.append(time.monotonic())
        elif path == "/health/ready":
            self.ready += 1


def credential_hash(headers: dict[str, str]) -> str:
    """A hash of the credentials in these headers (names in any case)."""
    found = sorted((name.lower(), value) for name, value in headers.items() if name.lower() in COUNTED)
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]
