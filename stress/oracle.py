"""What a response must be, what it is, and the counts over a campaign.

Views respond with the person as JSON (``identity``, ``user``, ``email``). 401, or a redirect to sign in, is signed out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

EXAMPLES = 5  # of wrong responses that are printed


class Verdict(StrEnum):
    """A response, compared with what it must be."""

    RIGHT = "right"
    UNAVAILABLE = "503"  # if that is allowed
    BROKEN = "broken"  # the connection ended without a response, if that is allowed
    CANCELLED = "cancelled"  # by the client, as planned
    ANONYMOUS = "anonymous"  # a person who is signed in was shown as signed out
    WRONG_PERSON = "wrong person"
    ACCEPTED = "accepted"  # must be signed out, and is signed in
    UNCAUGHT = "uncaught 500"
    UNEXPECTED = (
        "unexpected"  # anything else: a 503 that is not allowed or has no Retry-After, a time-out, another status
    )


BREACHES = (Verdict.ANONYMOUS, Verdict.WRONG_PERSON, Verdict.ACCEPTED, Verdict.UNCAUGHT, Verdict.UNEXPECTED)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the response to one request must be. ``identity`` is ``None`` if it must be signed out."""

    identity: str | None = None
    email: str | None = None
    or_signed_out: bool = False  # signed out is as good, such as during a sign-out
    or_503: bool = False
    may_break: bool = False

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        """The verdict on a response."""
        match status:
            case 200:
                return self._judge_page(body)
            case 401 | 302:
                return Verdict.RIGHT if self.identity is None or self.or_signed_out else Verdict.ANONYMOUS
            case 503 if self.or_503 and "Retry-After" in headers:
                return Verdict.UNAVAILABLE
            case 500:
                return Verdict.UNCAUGHT
        return Verdict.UNEXPECTED

    def _judge_page(self, body: bytes) -> Verdict:
        seen = _object(body)
        if seen is None:
            return Verdict.UNEXPECTED
        who, user = seen.get("identity"), seen.get("user", "not told")
        if who is None and user in {None, "not told"}:
            return Verdict.RIGHT if self.identity is None or self.or_signed_out else Verdict.ANONYMOUS
        if self.identity is None:
            return Verdict.ACCEPTED
        if user is None:  # Ory knows the person, and Django shows an anonymous user
            return Verdict.ANONYMOUS
        same = who == self.identity and seen.get("email") in {None, self.email}
        return Verdict.RIGHT if same else Verdict.WRONG_PERSON


SIGNED_OUT = Expected()


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(body)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


@dataclass
class Tally:
    """The counts of many requests; ``seconds`` has the duration of each request that got a response."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    def add(self, verdict: Verdict, seconds: float, what: str) -> None:
        """Count one response; ``what`` describes it in a line, without a credential."""
        self.verdicts[verdict] += 1
        if verdict not in {Verdict.BROKEN, Verdict.CANCELLED}:
            self.seconds.append(seconds)
        if verdict in BREACHES and len(self.examples) < EXAMPLES:
            self.examples.append(f"{verdict}: {what}")

    def merge(self, other: Tally) -> None:
        self.verdicts += other.verdicts
        self.seconds += other.seconds
        self.examples = (self.examples + other.examples)[:EXAMPLES]

    @property
    def requests(self) -> int:
        return self.verdicts.total()

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the requests was answered: ``percentile(0.99)`` is p99."""
        ordered = sorted(self.seconds) or [0.0]
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
