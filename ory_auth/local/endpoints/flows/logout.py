"""Logout. https://www.ory.com/docs/kratos/self-service/flows/user-logout"""

from __future__ import annotations

import json
from urllib.parse import urlencode

from starlette.responses import Response

from ...http.exchange import Exchange
from ...model.errors import OryError, session_inactive
from .return_to import resolve_return_to


def create_logout_url(exchange: Exchange) -> Response:
    """GET /self-service/logout/browser: the URL that ends the session of this browser."""
    session = exchange.session
    try:
        if session is None:
            raise session_inactive()
        return_to = exchange.query.get("return_to", "")
        resolve_return_to(exchange, return_to)
    except OryError as error:
        return exchange.error_response(error)
    query = {**({"return_to": return_to} if return_to else {}), "token": session.logout_token}
    url = f"{exchange.state.public_url}/self-service/logout?{urlencode(query)}"
    return exchange.json({"logout_url": url, "logout_token": session.logout_token})


def logout(exchange: Exchange) -> Response:
    """GET /self-service/logout?token=: ends the session. 204 for a program, a redirect for a browser."""
    session = exchange.session
    try:
        if not exchange.query.get("token"):
            raise OryError(400, reason="the query parameter token is missing")
        if session is None:
            raise session_inactive()
        if exchange.query["token"] != session.logout_token:
            raise OryError(403, reason="the token does not belong to the session of this browser")
        return_to = resolve_return_to(exchange, exchange.query.get("return_to", ""))
    except OryError as error:
        return exchange.error_response(error)
    exchange.state.revoke_session(session)
    exchange.delete_session_cookie(session)
    exchange.renew_csrf_token()
    return exchange.empty() if exchange.wants_json else exchange.redirect(return_to)


def logout_api(exchange: Exchange) -> Response:
    """DELETE /self-service/logout/api: ends the session whose token is in the body. It may have ended before."""
    if not exchange.body:
        raise OryError(400, reason="the body is empty")
    try:
        token = json.loads(exchange.body)["session_token"]
    except (ValueError, TypeError, KeyError):
        token = None
    session = next((one for one in exchange.state.sessions.values() if one.token == token), None)
    if session is None:
        raise OryError(403, reason="there is no session with this token")
    exchange.state.revoke_session(session)
    return exchange.empty()
