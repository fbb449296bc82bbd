"""GET /sessions/whoami, and the second factor that it may require.

https://www.ory.com/docs/kratos/reference/api#tag/frontend/operation/toSession
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from ..http.cookies import SessionCookie, UnreadableCookie
from ..http.exchange import Exchange
from ..model.clock import SECOND
from ..model.config import Config
from ..model.errors import OryError, aal2_required, unauthorized
from ..model.factors import second_factors
from ..model.session import Session


def whoami(exchange: Exchange) -> Response:
    """GET /sessions/whoami: 200 with the session, 401, or 403 if a second factor is missing."""
    session, config = exchange.session, exchange.state.config
    if session is None:
        response = exchange.json_error(unauthorized())
        if config.cacheable_sessions and not exchange.session_token:
            response.headers["Ory-Session-Cache-For"] = "60"
        return response
    require_aal(exchange, session, config.whoami_required_aal)
    if exchange.query.get("tokenize_as"):
        raise OryError(400, reason="the tokenizer template does not exist: the local Ory has none")
    response = _session_response(exchange, session)
    response.headers["X-Kratos-Authenticated-Identity-Id"] = session.identity.id
    if config.cacheable_sessions:
        response.headers["Ory-Session-Cache-For"] = str(_cache_seconds(exchange, session))
    return response


def require_aal(exchange: Exchange, session: Session, required: str, return_to: str = "") -> None:
    """Raises `OryError` (403) with the URL of the second factor, if the session lacks one."""
    if lacks_second_factor(exchange.state.config, session, required):
        raise aal2_required(step_up_url(exchange, return_to))


def lacks_second_factor(config: Config, session: Session, required: str) -> bool:
    """`required` is "aal1" or "highest_available": a second factor if the identity has one."""
    return required != "aal1" and session.aal == "aal1" and bool(second_factors(session.identity, config))


def step_up_url(exchange: Exchange, return_to: str = "", login_challenge: str = "") -> str:
    parameters = {"aal": "aal2", "login_challenge": login_challenge, "return_to": return_to}
    query = {name: value for name, value in parameters.items() if value}
    return f"{exchange.state.public_url}/self-service/login/browser?{urlencode(query)}"


def _session_response(exchange: Exchange, session: Session) -> Response:
    """The session, with a new cookie if the session now expires later than the cookie says.

    Kratos reads the cookie even if the credential is a token, and responds with 500 if the cookie is unreadable.
    """
    cookie = exchange.session_cookie
    if isinstance(cookie, UnreadableCookie):
        return exchange.json_error(OryError(500, message=str(cookie)))
    if isinstance(cookie, SessionCookie) and cookie.expires_at < session.expires_at:
        exchange.set_session_cookie(session)
    return exchange.json(exchange.state.session_json(session))


def _cache_seconds(exchange: Exchange, session: Session) -> int:
    remaining = (session.expires_at - exchange.state.clock.now()) / SECOND
    max_age = exchange.state.config.cacheable_sessions_max_age
    return round(min(remaining, max_age) if max_age else remaining)
