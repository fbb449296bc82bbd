"""Logout. https://www.ory.com/docs/kratos/self-service/flows/user-logout"""

from __future__ import annotations

import json
from urllib.parse import urlencode

from starlette.responses import Response

from ...http.exchange import Call
from ...model.errors import OryError, session_inactive
from .return_to import allowed_return_to


def logout_url(call: Call) -> Response:
    """GET /self-service/logout/browser: the link that ends this browser's session."""
    session = call.session
    try:
        if session is None:
            raise session_inactive()
        return_to = call.query.get("return_to", "")
        allowed_return_to(call, return_to)
    except OryError as error:
        return call.error_page(error)
    query = {**({"return_to": return_to} if return_to else {}), "token": session.logout_token}
    url = f"{call.state.public_url}/self-service/logout?{urlencode(query)}"
    return call.json({"logout_url": url, "logout_token": session.logout_token})


def logout(call: Call) -> Response:
    """GET /self-service/logout?token=: 204 for a program, a redirect for a browser, and the cookie is taken back."""
    session = call.session
    try:
        if not call.query.get("token"):
            raise OryError(400, reason="the query has no token")
        if session is None:
            raise session_inactive()
        if call.query["token"] != session.logout_token:
            raise OryError(403, reason="the token is not that of this browser's session")
        return_to = allowed_return_to(call, call.query.get("return_to", ""))
    except OryError as error:
        return call.error_page(error)
    session.revoked = True
    call.take_session_cookie(session)
    call.renew_csrf_token()
    return call.empty() if call.wants_json else call.redirect(return_to)


def logout_native(call: Call) -> Response:
    """DELETE /self-service/logout/api: revokes the token in the body; twice is as good as once."""
    if not call.body:
        raise OryError(400, reason="the body is empty")
    try:
        token = json.loads(call.body)["session_token"]
    except (ValueError, TypeError, KeyError):
        token = None
    session = next((one for one in call.state.sessions.values() if one.token == token), None)
    if session is None:
        raise OryError(403, reason="there is no such session token")
    session.revoked = True
    return call.empty()
