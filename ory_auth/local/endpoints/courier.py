"""The messages that the local Ory has sent, in the admin API. https://www.ory.com/docs/kratos/reference/api#tag/courier"""

from __future__ import annotations

from starlette.responses import Response

from ..http.exchange import Exchange
from ..model.errors import OryError, not_found
from .paging import keyset_page

STATUSES = ("queued", "processing", "sent", "abandoned")


def list_messages(exchange: Exchange) -> Response:
    """GET /admin/courier/messages, the latest first, with the filters `recipient` and `status`."""
    status = exchange.query.get("status", "")
    if status and status not in STATUSES:
        raise OryError(400, reason="the status is not valid")
    messages = exchange.state.mailbox.messages(exchange.query.get("recipient"))
    messages = messages if status in ("", "queued") else []
    page, link = keyset_page(exchange, messages, [message.id for message in messages])
    return exchange.json([message.to_json() for message in page], headers={"Link": link})


def get_message(exchange: Exchange) -> Response:
    """GET /admin/courier/messages/{id}"""
    for message in exchange.state.mailbox.messages():
        if message.id == exchange.path_params["id"]:
            return exchange.json(message.to_json())
    raise not_found()
