"""What became of the question "who is this?": a value, so that it is the same whoever asks and however often."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import timedelta

from .events import Event
from .exceptions import OryUnavailable
from .types import AAL, OrySession


@dataclass(slots=True)  # made at every request, and three times as quickly as a frozen one; nobody changes it
class SignedIn:
    """Ory answers for this session. ``offset``: Ory's clock minus ours in seconds; ``cookies``: for the browser."""

    session: OrySession
    offset: float = 0.0
    cookies: tuple[str, ...] = field(default=(), repr=False)
    fresh: bool = False
    stale: bool = False

    def satisfies(self, aal: AAL | None, max_age: timedelta | None) -> bool:
        """Whether it is good enough for a guard. A second of doubt about Ory's clock counts for the person."""
        if aal is not None and self.session.aal < aal:
            return False
        if max_age is None:
            return True
        at = self.session.authenticated_with(AAL.AAL2) if aal == AAL.AAL2 else self.session.first_factor_at
        return at is not None and time.time() + self.offset - at.timestamp() <= max_age.total_seconds() + 1


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Nobody is signed in. ``reason`` is ``None`` where no credential came.

    ``remembered``: Ory said so a few seconds ago (``REFUSED_CACHE_SECONDS``) and was not asked again.
    """

    reason: Event | None = None
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class SecondFactorMissing:
    """Ory knows the person and wants a second factor first."""


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Ory did not say: never to be taken for "signed out"."""

    event: Event = Event.UNAVAILABLE
    status: int | None = None
    retry_after: int | None = None
    cause: str | None = None  # the type of an error that nobody foresaw, or why Ory was not asked at all
    connected: bool = True

    @classmethod
    def of(cls, error: OryUnavailable) -> Unavailable:
        return cls(error.event, error.status, error.retry_after, connected=error.connected)

    def error(self) -> OryUnavailable:
        return OryUnavailable(event=self.event, status=self.status, retry_after=self.retry_after)


Outcome = SignedIn | SignedOut | SecondFactorMissing | Unavailable
