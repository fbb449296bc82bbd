"""What an answer of the site must be, what it is, and the sum of both over a campaign.

Views say whom they see as JSON (``identity``, ``user``, ``email``); 401, or a redirect to sign in, is "nobody".
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

EXAMPLES = 5  # of wrong answers that are told


class Verdict(StrEnum):
    """What an answer is, held against what it must be."""

    RIGHT = "right"
    UNAVAILABLE = "503"  # where that is allowed
    BROKEN = "broken"  # the connection ended without an answer, where that is allowed
    CANCELLED = "cancelled"  # by the client, as planned
    ANONYMOUS = "anonymous"  # somebody is signed in, and was shown as nobody
    WRONG_PERSON = "wrong person"
    ACCEPTED = "accepted"  # nobody should be signed in, and somebody is
    UNCAUGHT = "uncaught 500"
    UNEXPECTED = (
        "unexpected"  # anything else: a 503 that is not allowed or has no Retry-After, a time-out, another status
    )


BREACHES = (Verdict.ANONYMOUS, Verdict.WRONG_PERSON, Verdict.ACCEPTED, Verdict.UNCAUGHT, Verdict.UNEXPECTED)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the answer to one request must be. ``identity`` is ``None`` where nobody is signed in."""

    identity: str | None = None
    email: str | None = None
    or_nobody: bool = False  # "nobody" is as good, as while somebody is signing out
    or_503: bool = False
    may_break: bool = False

    def judge(self, status: int, headers: Mapping[str, str], body: bytes) -> Verdict:
        """The verdict on an answer."""
        match status:
            case 200:
                return self._judge_page(body)
            case 401 | 302:
                return Verdict.RIGHT if self.identity is None or self.or_nobody else Verdict.ANONYMOUS
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
            return Verdict.RIGHT if self.identity is None or self.or_nobody else Verdict.ANONYMOUS
        if self.identity is None:
            return Verdict.ACCEPTED
        if user is None:  # Ory knows the person and Django shows nobody
            return Verdict.ANONYMOUS
        same = who == self.identity and seen.get("email") in {None, self.email}
        return Verdict.RIGHT if same else Verdict.WRONG_PERSON


NOBODY = Expected()


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(body)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


@dataclass
class Tally:
    """What came of many requests; ``seconds`` holds how long each took that was answered."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    def add(self, verdict: Verdict, seconds: float, what: str) -> None:
        """Count one answer; ``what`` tells of it in a line, without a credential."""
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

    def within(self, share: float) -> float:
        """Seconds within which that share of the requests was answered: ``within(0.99)`` is p99."""
        ordered = sorted(self.seconds) or [0.0]
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
