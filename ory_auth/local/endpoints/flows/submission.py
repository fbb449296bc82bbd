"""What is submitted to a flow: how it is read, and why it is believed."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from ...http.cookies import unmask
from ...http.exchange import FORM, JSON, Call
from ...model.errors import OryError
from ...model.flow import Body, Flow
from ...model.identity_schema import traits_of_form


def submitted(call: Call) -> Body:
    """The body of a submit, from JSON or a form; raises the error 400."""
    content_type = call.request.headers.get("content-type", "").partition(";")[0]
    if not call.body:
        raise OryError(400, reason="the body is empty")
    if content_type == FORM:
        fields = parse_qs(call.body.decode("utf-8", "replace"), keep_blank_values=True)
        plain = {
            name: values[-1] for name, values in fields.items() if name != "traits" and not name.startswith("traits.")
        }
        try:
            return {**plain, "traits": traits_of_form(call.state.config.schema, fields)}
        except (ValueError, TypeError):
            raise OryError(400, reason="a field that has to be JSON is none") from None
    if content_type != JSON:
        raise OryError(400, reason=f"the body is neither {JSON} nor {FORM}")
    try:
        body = json.loads(call.body)
    except ValueError:
        raise OryError(400, reason="the body is no JSON") from None
    if not isinstance(body, dict):
        raise OryError(400, reason="the body is no JSON object")
    return body


def require_csrf(call: Call, flow: Flow, body: Body) -> None:
    """A browser proves its own page by cookie and field; a native app must not look like a browser."""
    if flow.type == "browser":
        if call.csrf_cookie is None or unmask(str(body.get("csrf_token", ""))) != call.csrf_cookie:
            raise csrf_violation(call, submitting=True)
    elif "origin" in call.request.headers:
        raise OryError(400, reason="a native flow is not for browsers: the request has an Origin header")
    elif call.cookies:
        raise OryError(400, reason="a native flow is not for browsers: the request has a Cookie header")


def csrf_violation(call: Call, *, submitting: bool = False) -> OryError:
    details = {"docs": "https://www.ory.com/kratos/docs/debug/csrf", "hint": "is the browser's Cookie header sent on?"}
    if not call.request.headers.get("cookie"):
        details["reject_reason"] = "there is no Cookie header"
    elif call.csrf_cookie is None:
        details["reject_reason"] = "there is no anti-CSRF cookie"
    elif submitting:
        details["reject_reason"] = "the anti-CSRF cookie and the csrf_token differ"
    return OryError(
        403,
        "security_csrf_violation",
        reason="the anti-CSRF cookie or the csrf_token is missing or wrong",
        message="refused as a forged request",
        details=details,
    )


def sent_traits(body: Body) -> dict[str, Any]:
    traits = body.get("traits")
    return traits if isinstance(traits, dict) else {}
