"""Where Ory sends people who choose a provider for social sign-in."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from ...ory.cookies import read_set_cookie
from ..facts.http_result import HttpResult
from ..facts.model import Endpoint
from .http import JSON, HttpProbe

GROUPS = ("oidc", "saml")
MAX_PROVIDERS = 12


def probe_providers(http: HttpProbe, endpoint: Endpoint) -> tuple[tuple[str, HttpResult], ...]:
    """The ID of each provider in a login flow, and Ory's response to a form that chooses it.

    The response to a program names the provider's URL. Nobody is signed in, and the provider is not called by this
    server.
    """
    flow = endpoint.login_flow
    url = f"{endpoint.url}/self-service/login?flow={quote(str(flow.json.get('id', '')), safe='')}"
    headers = {**JSON, "Content-Type": "application/json", "Cookie": _cookies(flow)}
    nodes = _nodes(flow)
    token = next((node["value"] for _, node in nodes if node.get("name") == "csrf_token" and "value" in node), "")
    choices = [(group, node.get("value")) for group, node in nodes if node.get("name") == "provider"]
    return tuple(
        (provider, http.send("POST", url, headers, _body(method=group, provider=provider, csrf_token=token)))
        for group, provider in choices[:MAX_PROVIDERS]
        if group in GROUPS and isinstance(provider, str)
    )


def _nodes(flow: HttpResult) -> list[tuple[object, dict[str, Any]]]:
    """The group and the attributes of each node."""
    ui = flow.json.get("ui")
    nodes = ui.get("nodes") if isinstance(ui, dict) else None
    return [
        (node.get("group"), node["attributes"])
        for node in (nodes if isinstance(nodes, list) else [])
        if isinstance(node, dict) and isinstance(node.get("attributes"), dict)
    ]


def _cookies(flow: HttpResult) -> str:
    """The Cookie header with what came with the flow."""
    morsels = map(read_set_cookie, flow.response.cookies if flow.response else ())
    return "; ".join(f"{morsel.key}={morsel.coded_value}" for morsel in morsels if morsel is not None)


def _body(**members: object) -> bytes:
    return json.dumps(members).encode()
