"""What an Ory in production does not take, or must never be sent, and the local one lets pass unless it is strict."""

from __future__ import annotations

import re

from ..http import cookies
from ..http.recorded_request import Received
from ..model.errors import OryError

HEALTH = re.compile(r"(/admin)?/(health/(alive|ready)|version)")
ADMIN = re.compile(r"(/admin|/identities)(/.*)?")
PUBLIC = re.compile(r"/sessions/whoami|/self-service/.*|/schemas(/.*)?")


def refusal(request: Received, *, session_cookie: str, api_key: str) -> OryError | None:
    """Why this request would not do in production, as the error to answer with; no value of a header is in it."""
    if HEALTH.fullmatch(request.path):
        return None
    if request.port == "public":
        return _of_public(request, session_cookie)
    return _of_admin(request, api_key)


def _of_public(request: Received, session_cookie: str) -> OryError | None:
    if ADMIN.fullmatch(request.path):
        return OryError(404, reason="the admin API was asked at the public port")
    names = [name for name, _ in cookies.parse([request.header("cookie")])]
    kinds = {
        "X-Session-Token": bool(request.header("x-session-token")),
        f"the cookie {session_cookie}": session_cookie in names,
        "Authorization": bool(request.header("authorization")),
    }
    came = [kind for kind, is_there in kinds.items() if is_there]
    if len(came) > 1:
        return OryError(400, reason=f"more than one credential came: {', '.join(came)}")
    foreign = [name for name in names if name != session_cookie and not name.startswith(("csrf_token_", "ory_"))]
    by_program = "text/html" not in request.header("accept")  # a browser sends what it has for the host, of any port
    if foreign and by_program:
        return OryError(400, reason=f"a cookie came that is none of Ory's: {foreign[0]}")
    return None


def _of_admin(request: Received, api_key: str) -> OryError | None:
    if PUBLIC.fullmatch(request.path):
        return OryError(404, reason="the public API was asked at the admin port")
    if api_key and request.header("authorization") != f"Bearer {api_key}":
        return OryError(401, reason="the admin API was asked without the project's API key in Authorization")
    return None
