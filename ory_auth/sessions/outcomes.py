"""The outcome of a lookup, as a value: it stays the same for the whole request."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta

from ..events import Event
from ..exceptions import OryUnavailable
from ..types import AAL, OrySession

ORY_IS_DOWN = frozenset({Event.TIMEOUT, Event.UNAVAILABLE, Event.NOT_READY})
# Logged for each request that waited or was refused, not once for the call.
PER_REQUEST_EVENTS = frozenset({Event.TIMEOUT, Event.POOL_FULL, Event.FLOOD})
CAUSE_BREAKER_OPEN = "breaker_open"  # the cause of an outage: the circuit breaker is open


@dataclass(slots=True)  # not frozen: three times as fast, and each request creates one; never change it
class SignedIn:
    """A valid session at Ory. ``offset``: Ory's clock minus ours, in seconds; ``cookies``: Ory's, for the browser."""

    session: OrySession
    offset: float = 0.0
    cookies: tuple[str, ...] = field(default=(), repr=False)
    fresh: bool = False
    stale: bool = False

    def satisfies(self, aal: AAL | None, max_age: timedelta | None) -> bool:
        """Whether the session satisfies a guard. One second is added, since Ory's clock has no fractions."""
        if aal is not None and self.session.aal < aal:
            return False
        if max_age is None:
            return True
        at = self.session.authenticated_with(AAL.AAL2) if aal == AAL.AAL2 else self.session.first_factor_at
        return at is not None and time.time() + self.offset - at.timestamp() <= max_age.total_seconds() + 1


@dataclass(frozen=True, slots=True)
class SignedOut:
    """No person is signed in. ``reason`` is ``None`` if there is no credential.

    ``remembered``: from the negative cache (``REFUSED_CACHE_SECONDS``), without a call to Ory.
    """

    reason: Event | None = None
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class SecondFactorMissing:
    """Ory knows the person and requires a second factor first."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """It is not known who the user is. Never treat this as "signed out"."""

    event: Event = Event.UNAVAILABLE
    status: int | None = None
    retry_after: int | None = None
    cause: str | None = None  # the type of an error, the fields of a user, or why Ory was not called
    connected: bool = True
    tried: str | None = None  # the method and path of the call

    @classmethod
    def of(cls, error: OryUnavailable) -> Unavailable:
        return cls(
            event=error.event,
            status=error.status,
            retry_after=error.retry_after,
            cause=error.cause,
            connected=error.connected,
            tried=error.tried,
        )

    def error(self, kind: type[OryUnavailable] = OryUnavailable) -> OryUnavailable:
        return kind(
            event=self.event,
            status=self.status,
            retry_after=self.retry_after,
            connected=self.connected,
            cause=self.cause,
            tried=self.tried,
        )


Outcome = SignedIn | SignedOut | SecondFactorMissing | Unavailable
