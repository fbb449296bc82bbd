"""What a web hook may know of a flow: `ctx`, the argument of its template.

https://www.ory.com/docs/guides/integrate-with-ory-cloud-through-webhooks
"""

from __future__ import annotations

import uuid
from typing import Any

from ...http.exchange import Exchange
from ...model.clock import NEVER, rfc3339
from ...model.flow import Flow
from ...model.identity import Identity
from ...model.session import Session
from ...model.web_hooks import ALLOWED_HEADERS

NO_ID = str(uuid.UUID(int=0))
WITHOUT_PAYLOAD = ("profile", "password")  # changes of settings whose flows have no `transient_payload` by default


def make_context(
    exchange: Exchange,
    flow: Flow,
    identity: Identity | None = None,
    session_json: dict[str, Any] | None = None,
    *,
    method: str = "",
    identity_json: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The argument of the template. Members that a point does not have are absent."""
    content = request_context(exchange, flow)
    payload = flow.transient_payload
    if payload is not None or (identity is not None and method not in WITHOUT_PAYLOAD):
        content["flow"]["transient_payload"] = payload or {}
    if identity is not None and identity_json is None:
        identity_json = identity.to_json(exchange.state.public_url)
    identity_member = {"identity": identity_json} if identity_json else {}
    return {**content, **identity_member, **({"session": session_json} if session_json else {})}


def request_context(exchange: Exchange, flow: Flow) -> dict[str, Any]:
    """The flow, and what the application may know of the request."""
    headers = exchange.request.headers
    named = {name: headers.getlist(name) for name in ALLOWED_HEADERS if name in headers}
    return {
        "flow": flow.to_json(exchange.state.public_url),
        "request_headers": {name.title(): values for name, values in named.items()},
        "request_cookies": dict(exchange.cookies),
        "request_method": exchange.request.method,
        "request_url": exchange.url,
    }


def session_json_of(
    exchange: Exchange, session: Session, *, identity: Identity | None = None, has_id: bool = True
) -> dict[str, Any]:
    content = exchange.state.session_json(session)
    if identity is not None:
        content["identity"] = identity.to_json(exchange.state.public_url)
    return content if has_id else {**content, "id": NO_ID}


def identity_without_ids(identity: Identity) -> dict[str, Any]:
    """An identity that is not saved yet: Kratos gives it an ID and times when it saves it."""
    unsaved = {"id": NO_ID, "created_at": rfc3339(NEVER), "updated_at": rfc3339(NEVER)}
    content = {**identity.to_json(""), **unsaved}
    for name in ("verifiable_addresses", "recovery_addresses"):
        if name in content:
            content[name] = [{**address, **unsaved} for address in content[name]]
    return content
