"""Submissions: parsing the body, and CSRF protection."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from ...http.cookies import unmask_csrf_token
from ...http.exchange import FORM, JSON, Exchange
from ...model.errors import OryError
from ...model.flow import Body, Flow
from ...model.messages import Message
from ...model.trait_forms import parse_traits


class InvalidSubmission(Exception):
    """A submission that the flow answers with its form and error messages.

    Positional arguments are messages for the whole form. Keyword arguments are messages for single fields: one message,
    or a list.
    """

    def __init__(self, *messages: Message, **field_messages: Message | list[Message]) -> None:
        self.messages = list(messages)
        self.field_messages = field_messages
        super().__init__()


def parse_submission(exchange: Exchange) -> Body:
    """The body, from JSON or from a form. Raises `OryError` with status 400."""
    content_type = exchange.request.headers.get("content-type", "").partition(";")[0]
    if not exchange.body:
        raise OryError(400, reason="the body is empty")
    if content_type == FORM:
        return _parse_form(exchange)
    if content_type != JSON:
        raise OryError(400, reason=f"the body is neither {JSON} nor {FORM}")
    try:
        body = json.loads(exchange.body)
    except ValueError:
        raise OryError(400, reason="the body is not valid JSON") from None
    if not isinstance(body, dict):
        raise OryError(400, reason="the body is not a JSON object")
    return body


def _parse_form(exchange: Exchange) -> Body:
    fields = parse_qs(exchange.body.decode("utf-8", "replace"), keep_blank_values=True)
    body: Body = {}
    for name, values in fields.items():
        if name != "traits" and not name.startswith("traits."):
            body[name] = values[0]
    try:
        body["traits"] = parse_traits(exchange.state.config.schema, fields)
    except (ValueError, TypeError):
        raise OryError(400, reason="a field that must contain JSON is not valid JSON") from None
    return body


def submitted_traits(body: Body) -> dict[str, Any]:
    traits = body.get("traits")
    return traits if isinstance(traits, dict) else {}


def is_pressed(body: Body, name: str) -> bool:
    """Whether the submission was made with this button, or with this checkbox ticked."""
    return body.get(name) in (True, "true")


def check_csrf(exchange: Exchange, flow: Flow, body: Body) -> None:
    """Raises `OryError` if a browser's cookie and field don't match, or if a native app looks like a browser."""
    if flow.type == "browser":
        if exchange.csrf_cookie is None or unmask_csrf_token(str(body.get("csrf_token", ""))) != exchange.csrf_cookie:
            raise csrf_error(exchange, has_field=True)
    elif "origin" in exchange.request.headers:
        raise OryError(400, reason="this flow is for native apps, but the request has an Origin header")
    elif exchange.cookies:
        raise OryError(400, reason="this flow is for native apps, but the request has a Cookie header")


def csrf_error(exchange: Exchange, *, has_field: bool = False) -> OryError:
    """The error for a missing or wrong CSRF cookie, or CSRF field if the request has one."""
    details = {"docs": "https://www.ory.com/kratos/docs/debug/csrf", "hint": "is the browser's Cookie header sent on?"}
    if not exchange.request.headers.get("cookie"):
        details["reject_reason"] = "the request has no Cookie header"
    elif exchange.csrf_cookie is None:
        details["reject_reason"] = "the request has no CSRF cookie"
    elif has_field:
        details["reject_reason"] = "the CSRF cookie and the csrf_token differ"
    return OryError(
        403,
        "security_csrf_violation",
        reason="the CSRF cookie or the csrf_token is missing or wrong",
        message="the request may be forged",
        details=details,
    )
