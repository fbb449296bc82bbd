"""Recovery that an administrator starts for somebody: a code or a link, which nothing sends.

https://www.ory.com/docs/kratos/manage-identities/account-recovery
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from ...http.exchange import Exchange
from ...model.challenge import Challenge, new_link_token
from ...model.clock import SECOND, rfc3339
from ...model.errors import OryError
from ...model.flow import Flow
from ...model.identity import Identity
from ...model.mailbox import new_code
from .address_flow import continue_button
from .recovery_choice import code_field
from .return_to import resolve_return_to

DISABLED = (  # Kratos' own words, by which clients tell this from an unknown identity
    "This endpoint was disabled by system administrator. "
    "Please check your url or contact the system administrator to enable it."
)
DEFAULT_LIFESPAN = "1h"
DURATION = re.compile(r"(\d+)(ns|us|ms|s|m|h)", re.ASCII)
UNITS = {"ns": 1, "us": 1000, "ms": 1_000_000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND}


def create_code(exchange: Exchange) -> Response:
    """POST /admin/recovery/code: a code, and the page on which the person enters it."""
    _require_method(exchange.state.config.code_enabled)
    body = _parse_body(exchange)
    identity = exchange.state.identities.get(str(body.get("identity_id")))
    if identity is None:
        raise OryError(404, reason="the identity does not exist")
    flow, code = _new_flow(exchange, body, "code"), new_code()
    flow.nodes = [code_field(), continue_button("code")]
    _expect(exchange, flow, identity, code)
    url = f"{exchange.state.ui_url('recovery')}?flow={flow.id}"
    content = {"recovery_link": url, "recovery_code": code, "expires_at": rfc3339(flow.expires_at)}
    return exchange.json(content, 201)


def create_link(exchange: Exchange) -> Response:
    """POST /admin/recovery/link: a link that signs the person in."""
    _require_method(exchange.state.config.link_enabled)
    body = _parse_body(exchange)
    identity = exchange.state.identities.get(str(body.get("identity_id")))
    if identity is None:
        raise OryError(400, reason="the identity does not exist")
    flow, token = _new_flow(exchange, body, "link"), new_link_token()
    _expect(exchange, flow, identity, token)
    query = urlencode({"flow": flow.id, "token": token})
    url = f"{exchange.state.public_url}/self-service/recovery?{query}"
    return exchange.json({"recovery_link": url, "expires_at": rfc3339(flow.expires_at)})


def _require_method(is_enabled: bool) -> None:
    if not is_enabled:
        raise OryError(404, reason=DISABLED)


def _parse_body(exchange: Exchange) -> dict[str, Any]:
    try:
        body = json.loads(exchange.body or b"{}")
    except ValueError:
        raise OryError(400, reason="the body is not valid JSON") from None
    return body if isinstance(body, dict) else {}


def _new_flow(exchange: Exchange, body: dict[str, Any], method: str) -> Flow:
    """A flow that any browser may use, because the person has not started it. Raises `OryError` with status 400."""
    duration = DURATION.fullmatch(str(body.get("expires_in") or DEFAULT_LIFESPAN))
    if duration is None:
        raise OryError(400, reason='expires_in must be a number with a unit, such as "10m"')
    now, return_to = exchange.state.clock.now(), exchange.query.get("return_to", "")
    resolve_return_to(exchange, return_to)
    expires_at = now + int(duration[1]) * UNITS[duration[2]]
    request_url = exchange.url_with_query(exchange.state.admin_url, exchange.path)
    flow = Flow("recovery", str(body.get("flow_type") or "browser"), request_url, return_to, b"", now, expires_at)
    flow.active, flow.state, flow.skips_csrf = method, "sent_email", True
    return flow


def _expect(exchange: Exchange, flow: Flow, identity: Identity, secret: str) -> None:
    flow.challenges.sent.append(Challenge(secret, identity, address=""))
    exchange.state.flows[flow.id] = flow
