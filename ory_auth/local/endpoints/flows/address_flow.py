"""What recovery and verification have in common: a person enters an address, and then a code that was sent to it.

The configuration may choose a link instead of the code.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from ...http.cookies import mask_csrf_token
from ...http.exchange import Exchange
from ...model import nodes
from ...model.clock import rfc3339
from ...model.errors import OryError
from ...model.flow import Body, Flow
from ...model.identity import Address, Identity
from ...model.identity_schema import FORMAT_CHECKER
from ...model.messages import Message, message
from ...model.nodes import Node
from . import web_hooks
from .handler import FlowHandler
from .responses import page_url
from .submission import InvalidSubmission

TOO_MANY_TRIES = "a wrong code was entered too often; please request another one"
CODE_ALREADY_USED = "the code was already used; please request another one"


REFUSED = "the application has refused this; please try again"


class RefusedTooLate(Exception):
    """A web hook has refused a flow whose code was right. The address is verified all the same."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__()


def call_after_proof(exchange: Exchange, flow: Flow, identity: Identity) -> None:
    """Call the web hooks after a person has proved that an address is theirs.

    Raises `RefusedTooLate`, and `OryError` if a hook fails. Then the browser gets a new CSRF token, as in Kratos.
    """
    try:
        refusal = web_hooks.after_proof(exchange, flow, identity)
    except OryError:
        exchange.renew_csrf_token()
        raise
    if refusal is not None:
        texts = refusal.messages.get("") or [message(4000001, reason=REFUSED)]
        raise RefusedTooLate(texts[0])


class AddressFlow(FlowHandler):
    """The endpoints of recovery and verification."""

    expired_message: int

    def check_session(self, exchange: Exchange, flow: Flow) -> Response | None:
        return None

    def read_submission(self, exchange: Exchange, flow: Flow) -> Body:
        """A link in a message is a GET request, whose query is the submission."""
        if exchange.request.method != "POST":
            return dict(exchange.query)
        return super().read_submission(exchange, flow)

    # ---- responses

    def respond(self, exchange: Exchange, flow: Flow, **members: Any) -> Response:
        """The next step, or the same one again. `members` are added to the JSON."""
        if flow.type == "browser" and not exchange.wants_json:
            return exchange.redirect(page_url(exchange, flow))
        return exchange.json({**flow.to_json(exchange.state.public_url), **members})

    def restart(self, exchange: Exchange, flow: Flow, error: Message) -> Flow:
        """Start a new flow, with a new CSRF token, because this one cannot continue."""
        exchange.renew_csrf_token()
        new = self.start_flow(exchange, flow.type)
        new.messages.append(error)
        return new

    def redirect_to_restarted(self, exchange: Exchange, new: Flow) -> Response:
        """Redirect to a restarted flow: a browser to its page, a program to its JSON."""
        if new.type == "browser" and not exchange.wants_json:
            return exchange.redirect(page_url(exchange, new))
        query = urlencode({"id": new.id})
        return exchange.redirect(f"{exchange.state.public_url}/self-service/{self.kind}/flows?{query}")

    def respond_if_expired(self, exchange: Exchange, flow: Flow) -> Response | None:
        if exchange.state.clock.now() <= flow.expires_at:
            return None
        new = self.start_flow(exchange, flow.type)
        new.request_url = flow.request_url
        new.messages.append(message(self.expired_message))
        return self.redirect_to_restarted(exchange, new)

    def expired_error(self, exchange: Exchange, flow: Flow) -> OryError:
        """As in Kratos, the error of a browser's flow has no ID."""
        start_url = f"{exchange.state.public_url}/self-service/{self.kind}/{flow.type}"
        reason = f"the {self.kind} flow has expired"
        if flow.type == "browser":
            return OryError(410, reason=reason, details={"redirect_to": start_url, "return_to": flow.return_to})
        extra = {"expired_at": rfc3339(flow.expires_at), "since": exchange.state.clock.now() - flow.expires_at}
        return OryError(410, "self_service_flow_expired", reason=reason, details={"api": start_url}, extra=extra)

    def renew_csrf_field(self, exchange: Exchange, flow: Flow) -> None:
        """Mask the CSRF token of the form again."""
        if flow.type == "browser":
            nodes.find_or_add(flow.nodes, "csrf_token")["attributes"]["value"] = mask_csrf_token(exchange.csrf_token)


def disabled_error(kind: str) -> OryError:
    return OryError(400, reason=f"{kind} is not allowed because it is disabled")


def check_email(body: Body) -> str:
    """The e-mail address in a submission. Raises `InvalidSubmission` if it is missing or malformed."""
    email = str(body.get("email") or "")
    if not email:
        raise InvalidSubmission(email=message(4000002, property="email"))
    if not FORMAT_CHECKER.conforms(email, "email"):
        raise InvalidSubmission(email=message(4000040, value=email))
    return email


def is_address(address: Address, value: str) -> bool:
    """Whether a person means this address with what they have entered."""
    return address.value == value.strip().lower()


# ---- nodes


def email_field(group: str, **attributes: Any) -> Node:
    return nodes.input_field(group, "email", "email", message(1070007), **attributes, required=True)


def continue_button(group: str) -> Node:
    return nodes.submit_button(group, 1070009)


def hidden_method(group: str) -> Node:
    return nodes.input_field(group, "method", "hidden", value=group)


def resend_button(name: str, address: str) -> Node:
    return nodes.submit_button("code", 1070008, name=name, value=address)
