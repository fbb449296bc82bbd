"""The endpoints of Ory that browsers reach through the gateway, and the methods of each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .refusal import CallRefused, Refusal

_SEGMENT = r"[A-Za-z0-9_~@:+=-][A-Za-z0-9._~@:+=-]*"  # no segment begins with a dot
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_GET, _GET_AND_POST = ("GET",), ("GET", "POST")


@dataclass(frozen=True, slots=True)
class Route:
    """One or more endpoints. ``from_providers``: a social provider may send the browser here, also by POST."""

    pattern: re.Pattern[str]
    methods: tuple[str, ...]
    from_providers: bool = False


ROUTES = (
    Route(re.compile(f"/self-service/methods/oidc/callback(/{_SEGMENT})?"), _GET_AND_POST, from_providers=True),
    Route(re.compile(f"/self-service(/{_SEGMENT})+"), _GET_AND_POST),
    Route(re.compile("/sessions/whoami"), _GET),
    Route(re.compile("/sessions"), ("GET", "DELETE")),
    Route(re.compile(f"/sessions/{_UUID}"), ("DELETE",)),
    Route(re.compile(f"/schemas(/{_SEGMENT})?"), _GET),
    Route(re.compile(f"/\\.well-known/ory/{_SEGMENT}"), _GET),
)


def find_route(path: str, raw_path: str) -> Route:
    """The route of a decoded path below the gateway. Raises :class:`CallRefused`.

    ``raw_path`` is the path as the client sent it, or empty if the server does not say. The path is sent to Ory as it
    was matched, so another spelling of it is never a way past this list. None of these paths needs an escape.
    """
    if "%" in raw_path or (raw_path and not raw_path.startswith("/")):
        raise CallRefused(Refusal.PATH)
    for route in ROUTES:
        if route.pattern.fullmatch(path):
            return route
    raise CallRefused(Refusal.PATH)


def is_reachable(path: str) -> bool:
    """Whether browsers reach this path of Ory through the gateway."""
    return any(route.pattern.fullmatch(path) for route in ROUTES)


def asks_others(method: str, path: str) -> bool:
    """Whether Ory may ask other servers before it answers: a social provider, a web hook, lists of leaked passwords."""
    return method == "POST" or path.startswith("/self-service/methods/")


def is_sign_out(method: str, path: str) -> bool:
    """Whether the call ends the browser's session."""
    return method == "GET" and path == "/self-service/logout"
