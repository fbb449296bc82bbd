"""The requests that are measured, and what each is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

KINDS = ("sync", "async")
WHOAMI = "Call to Ory alone"
BARE = "Bare view, no middleware"
DJANGO, DJANGO_REDIS = "Django's own sessions, local memory", "Django's own sessions, Redis"
LOCAL = {"LOCAL_CACHE_SECONDS": 600}
USERS = {**LOCAL, "USER_CACHE_SECONDS": 600}


@dataclass(frozen=True)
class Case:
    """One kind of request. Its ratio is its time divided by the times of ``compared_with`` together."""

    title: str
    stack: str  # a key of ``STACKS`` in the settings
    view: str  # bare, session or user
    cache: str = "default"  # alias of the cache for sessions
    ory_auth: Mapping[str, float] = field(default_factory=dict)
    compared_with: tuple[str, ...] = (BARE,)
    limit: float | None = None  # the ratio should not exceed it
    asks_ory: bool = False  # the session is in no cache


CASES = (
    Case(BARE, "bare", "bare", compared_with=()),
    Case("View that reads neither session nor user", "ory", "bare", limit=1.15),
    Case("`request.ory_session`, local memory", "ory", "session", limit=1.5),
    Case("`request.ory_session`, Redis", "ory", "session", "redis"),
    Case("`request.ory_session`, Redis, `LOCAL_CACHE_SECONDS`", "ory", "session", "redis", LOCAL, limit=1.5),
    Case(DJANGO, "django", "user"),
    Case("`request.user`, local memory", "ory", "user", "default", {}, (DJANGO,), 0.85),
    Case(DJANGO_REDIS, "django", "user", "redis"),
    Case("`request.user`, Redis", "ory", "user", "redis", {}, (DJANGO_REDIS,), 0.85),
    Case("`request.user`, Redis, `LOCAL_CACHE_SECONDS`", "ory", "user", "redis", LOCAL, (DJANGO_REDIS,), 0.5),
    Case("`request.user`, the same and `USER_CACHE_SECONDS`", "ory", "user", "redis", USERS, (DJANGO_REDIS,), 0.25),
    Case("`request.user`, not cached yet, local memory", "ory", "user", "default", {}, (BARE, WHOAMI), 1.4, True),
    Case("`request.user`, not cached yet, Redis", "ory", "user", "redis", {}, (BARE, WHOAMI), 1.4, True),
)


def name_of(title: str, kind: str) -> str:
    """The name of a measurement. The call to Ory is the same for both kinds."""
    return title if title == WHOAMI else f"{title} ({kind})"
