"""What is asked under load: who signs people in, what the view reads, and which tiers keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trials.bench.stand_in import identity_id

LOCAL = {"LOCAL_CACHE_SECONDS": 10}
USERS = {**LOCAL, "USER_CACHE_SECONDS": 10}


@dataclass(frozen=True)
class Case:
    """``path`` is a view of `trials.load.urls`, whose async twin begins with an ``a``."""

    title: str
    stack: str
    path: str
    credential: str = "ory"
    ory_auth: Mapping[str, Any] = field(default_factory=dict, hash=False)
    grows: bool = True  # whether the number of sessions can matter
    short: bool = True  # whether it is part of the short form

    def answer(self, number: int) -> str:
        """What the answer for this person has in it."""
        if self.path == "bare":
            return "nobody was asked for"
        return f"person-{number}@example.org True" if self.path == "user" else identity_id(number)


CASES = (
    Case("bare view, no middleware", "bare", "bare", grows=False),
    Case("django-ory, does not ask", "ory", "bare", grows=False, short=False),
    Case("django-ory, ory_session", "ory", "session", short=False),
    Case("Django's own sessions, user", "django", "user", "django"),
    Case("django-ory, user", "ory", "user"),
    Case("django-ory, user, LOCAL_CACHE_SECONDS", "ory", "user", "ory", LOCAL, short=False),
    Case("django-ory, user, and USER_CACHE_SECONDS", "ory", "user", "ory", USERS),
)
