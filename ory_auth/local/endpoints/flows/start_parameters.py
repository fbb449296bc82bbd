"""Parameters with which login and registration start, beside `return_to`.

https://www.ory.com/docs/kratos/bring-your-own-ui/custom-ui-basic-integration
"""

from __future__ import annotations

import secrets
import uuid
from typing import Any
from urllib.parse import urlencode

from ...http.exchange import Exchange
from ...model.errors import OryError
from ...model.flow import Flow

UNKNOWN_CHALLENGE = "bad"
LOGIN_HINT = "hint@example.org"
KEPT = ("organization_id", "identity_schema", "oauth2_login_challenge", "oauth2_login_request")


def read_start_parameters(exchange: Exchange, source: Flow | None = None) -> dict[str, Any]:
    """Members of the flow's JSON: from the query, or from the flow that the new one continues.

    Raises `OryError` if a parameter is wrong.
    """
    if source:
        return {name: source.extra[name] for name in KEPT if name in source.extra}
    query, members = exchange.query, {"organization_id": _organization(exchange.query.get("organization", ""))}
    if schema_id := query.get("identity_schema", ""):
        if schema_id != exchange.state.config.schema_id:
            raise OryError(400, reason=f"the identity schema {schema_id!r} does not exist")
        members["identity_schema"] = schema_id
    if challenge := query.get("login_challenge", ""):
        members["oauth2_login_challenge"] = challenge
        members["oauth2_login_request"] = _oauth2_login_request(exchange, challenge)
    return members


def _organization(value: str) -> Any:
    """The ID of the organization, `None` if it is malformed."""
    try:
        return str(uuid.UUID(value))
    except ValueError:
        return None


def _oauth2_login_request(exchange: Exchange, challenge: str) -> dict[str, Any]:
    """What a pretend OAuth2 server says about the application that sent the person here."""
    if not exchange.state.config.oauth2_provider:
        raise OryError(500, reason="oauth2_provider is not configured")
    if challenge == UNKNOWN_CHALLENGE:
        raise OryError(400, reason="the OAuth2 server does not know this login_challenge")
    return {
        "challenge": challenge,
        "client": {"client_id": "pretended-application", "client_name": "Pretended application"},
        "oidc_context": {"login_hint": LOGIN_HINT},
        "request_url": f"{exchange.state.provider_url}/oauth2/auth?client_id=pretended-application",
        "requested_access_token_audience": [],
        "requested_scope": ["openid"],
        "session_id": "pretended-session",
        "skip": False,
        "subject": "",
    }


def oauth2_return_url(exchange: Exchange, flow: Flow) -> str:
    """Where the browser goes after a login for an OAuth2 application. Empty if the login is for this site."""
    if "oauth2_login_challenge" not in flow.extra:
        return ""
    query = urlencode({"login_verifier": secrets.token_urlsafe(16)})
    return f"{exchange.state.provider_url}/oauth2/auth?{query}"
