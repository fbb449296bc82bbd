"""Who is asking: /sessions/whoami, and people's own lists of their sessions.

https://www.ory.com/docs/kratos/reference/api#tag/frontend/operation/toSession
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from ..http.cookies import SessionCookie, Unreadable
from ..http.exchange import Call
from ..model.clock import SECOND
from ..model.errors import OryError, aal2_required, unauthorized
from ..model.session import Session


def whoami(call: Call) -> Response:
    """GET /sessions/whoami: 200 with the session, 401, or 403 when a second factor is missing."""
    session = call.session
    if session is None:
        answer = call.error(unauthorized())
        if call.state.config.cacheable_sessions and not call.session_token:
            answer.headers["Ory-Session-Cache-For"] = "60"
        return answer
    require_aal(call, session, call.state.config.whoami_required_aal)
    if call.query.get("tokenize_as"):
        raise OryError(400, reason="there is no such tokenizer template: the local Ory has none")
    answer = _refreshed(call, session)
    answer.headers["X-Kratos-Authenticated-Identity-Id"] = session.identity.id
    if call.state.config.cacheable_sessions:
        answer.headers["Ory-Session-Cache-For"] = str(_cache_seconds(call, session))
    return answer


def require_aal(call: Call, session: Session, required: str, return_to: str = "") -> None:
    """Raises the 403 that leads to the second factor, if the session lacks one that its identity has."""
    if lacks_second_factor(session, required):
        raise aal2_required(step_up_url(call, return_to))


def lacks_second_factor(session: Session, required: str) -> bool:
    return required != "aal1" and session.aal == "aal1" and session.identity.has_second_factor


def step_up_url(call: Call, return_to: str = "") -> str:
    query = {"aal": "aal2", **({"return_to": return_to} if return_to else {})}
    return f"{call.state.public_url}/self-service/login/browser?{urlencode(query)}"


def _refreshed(call: Call, session: Session) -> Response:
    """The session; with a new cookie where the one that was sent would end too early.

    Kratos looks at the cookie even when a token decided, and fails when it cannot read it: the 500 here is its doing.
    """
    cookie = call.session_cookie
    if isinstance(cookie, Unreadable):
        return call.error(OryError(500, message=str(cookie)))
    if isinstance(cookie, SessionCookie) and cookie.expires_at < session.expires_at:
        call.give_session_cookie(session)
    return call.json(call.state.session_json(session))


def _cache_seconds(call: Call, session: Session) -> int:
    remaining = (session.expires_at - call.state.clock.now()) / SECOND
    longest = call.state.config.cacheable_sessions_max_age
    return round(min(remaining, longest) if longest else remaining)
