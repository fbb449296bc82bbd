"""The responses that all flows have in common: the page of a flow for a browser, its JSON for a program."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ...http.cookies import mask_csrf_token
from ...http.exchange import Exchange
from ...model import nodes
from ...model.flow import Flow


def page_url(exchange: Exchange, flow: Flow) -> str:
    """The URL of the project's page for this flow."""
    return f"{exchange.state.ui_url(flow.kind)}?flow={flow.id}"


def show_form(
    exchange: Exchange, flow: Flow, *, redirect_status: int = 303, json_status: int = 400, **members: Any
) -> Response:
    """Respond with the form, for another try or for the next step. `members` are added to the JSON."""
    if flow.type == "browser":
        nodes.find_or_add(flow.nodes, "csrf_token")["attributes"]["value"] = mask_csrf_token(exchange.csrf_token)
        if not exchange.wants_json:
            return exchange.redirect(page_url(exchange, flow), redirect_status)
    return exchange.json({**flow.to_json(exchange.state.public_url), **members}, json_status)
