"""The table: which case is held against which yardstick, and the line that it has to stay under."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Medians = dict[str, float]  # case → nanoseconds, of one round of one worker
MEMORY, MEMORY_LOCAL = "memory", "memory + local"
REDIS, REDIS_LOCAL, REDIS_USERS = "redis", "redis + local", "redis + local + users"
OTHER = "django-ory-auth 0.1.3"
ORY_AUTH = {
    MEMORY: {},
    MEMORY_LOCAL: {"LOCAL_CACHE_SECONDS": 600},
    REDIS: {},
    REDIS_LOCAL: {"LOCAL_CACHE_SECONDS": 600},
    REDIS_USERS: {"LOCAL_CACHE_SECONDS": 600, "USER_CACHE_SECONDS": 600},
}
Ratio = Callable[[Medians], float]


@dataclass(frozen=True)
class Row:
    """One line of the table. ``line`` is the ratio that may not be passed; ``None``: for orientation."""

    section: str
    title: str
    variant: str
    case: str
    than: str  # the yardstick in words
    ratio: Ratio
    line: float | None = None


def rows() -> list[Row]:
    return [
        *(row for kind in ("wsgi", "asgi") for row in _of(kind)),
        _row("Alternatives (wsgi)", "Ory's SDK asked in the view, for each request", MEMORY, "sdk", "wsgi django user"),
        _row("Alternatives (wsgi)", "django-ory-auth 0.1.3", OTHER, "wsgi other", "wsgi django user"),
    ]


def _of(kind: str) -> list[Row]:
    """The rows of the WSGI handler, or those of the ASGI handler."""
    bare, django = f"{kind} bare", f"{kind} django user"

    def one(title: str, variant: str, case: str, than: str = bare, line: float | None = None) -> Row:
        return _row(section, title, variant, f"{kind} {case}", than, line)

    section = f"Against a bare view ({kind})"
    against_bare = [
        one("the bare view again (noise)", MEMORY, "bare again"),
        one("lazy attributes alone (control)", MEMORY, "attributes"),
        one("does not ask", MEMORY, "silent", line=1.15),
        one("reads ory_session, local memory", MEMORY, "session", line=1.5),
        one("reads ory_session, LOCAL_CACHE_SECONDS", MEMORY_LOCAL, "session", line=1.5),
        one("reads ory_session, LOCAL_CACHE_SECONDS, Redis", REDIS_LOCAL, "session", line=1.5),
        one("reads ory_session, Redis", REDIS, "session"),
        one("Django's session authentication, local memory", MEMORY, "django user"),
        one("Django's session authentication, Redis", REDIS, "django user"),
    ]
    section = f"Against Django's session authentication with the same cache ({kind})"
    against_django = [
        one("reads user, local memory", MEMORY, "user", django, 0.85),
        one("reads user, Redis", REDIS, "user", django, 0.85),
        one("reads user, Redis, LOCAL_CACHE_SECONDS", REDIS_LOCAL, "user", django, 0.5),
        one("reads user, the same and USER_CACHE_SECONDS", REDIS_USERS, "user", django, 0.25),
        one("reads user, local memory, behind Django's own two", MEMORY, "user, both", django),
        one("reads user, Redis, behind Django's own two", REDIS, "user, both", django),
    ]
    yardstick = "a bare whoami by urllib3" + (" and a bare view" if kind == "asgi" else "")
    section = f"Against {yardstick}, after taking off the user's query ({kind})"
    first = [
        Row(section, f"asks Ory, {name}", variant, f"{kind} first", yardstick, _less_query(kind), 1.4)
        for name, variant in (("local memory", MEMORY), ("Redis", REDIS))
    ]
    if kind == "wsgi":
        first.append(_row(section, "the whoami itself", MEMORY, "whoami", "whoami"))
    return [*against_bare, *against_django, *first]


def _row(section: str, title: str, variant: str, case: str, than: str, line: float | None = None) -> Row:
    return Row(section, title, variant, case, than, lambda medians: medians[case] / medians[than], line)


def _less_query(kind: str) -> Ratio:
    """The first request of a session; an async view alone is dearer than the call to Ory, so it is in the yardstick."""
    view = {"wsgi": [], "asgi": ["asgi bare"]}[kind]
    return lambda medians: (
        (medians[f"{kind} first"] - medians["query"]) / sum(medians[case] for case in ("whoami", *view))
    )
