"""Strict mode: the rules for requests that would fail in production, or send a credential to the wrong place."""

from __future__ import annotations

import re

from ..http import cookies
from ..http.recorded_request import RecordedRequest
from ..model.errors import OryError

HEALTH_PATHS = re.compile(r"(/admin)?/(health/(alive|ready)|version)")
ADMIN_PATHS = re.compile(r"(/admin|/identities)(/.*)?")
PUBLIC_PATHS = re.compile(r"/sessions/whoami|/self-service/.*|/schemas(/.*)?")


def find_violation(request: RecordedRequest, *, session_cookie: str, api_key: str) -> OryError | None:
    """The error response if the request breaks a rule. It never contains the value of a header."""
    if HEALTH_PATHS.fullmatch(request.path):
        return None
    if request.port == "public":
        return _find_public_violation(request, session_cookie)
    return _find_admin_violation(request, api_key)


def _find_public_violation(request: RecordedRequest, session_cookie: str) -> OryError | None:
    if ADMIN_PATHS.fullmatch(request.path):
        return OryError(404, reason="a request for the admin API came to the public port")
    cookie_names = [name for name, _ in cookies.parse([request.header("cookie")])]
    credentials = []
    if request.header("x-session-token"):
        credentials.append("X-Session-Token")
    if session_cookie in cookie_names:
        credentials.append(f"the cookie {session_cookie}")
    if request.header("authorization"):
        credentials.append("Authorization")
    if len(credentials) > 1:
        return OryError(400, reason=f"the request has more than one credential: {', '.join(credentials)}")
    # A browser sends all cookies of the host, whatever the port. This package must send only Ory's.
    is_browser = "text/html" in request.header("accept")
    for name in cookie_names:
        is_orys = name == session_cookie or name.startswith(("csrf_token_", "ory_"))
        if not is_orys and not is_browser:
            return OryError(400, reason=f"the request has a cookie that does not belong to Ory: {name}")
    return None


def _find_admin_violation(request: RecordedRequest, api_key: str) -> OryError | None:
    if PUBLIC_PATHS.fullmatch(request.path):
        return OryError(404, reason="a request for the public API came to the admin port")
    if api_key and request.header("authorization") != f"Bearer {api_key}":
        return OryError(401, reason="a request for the admin API has no API key in Authorization")
    return None
