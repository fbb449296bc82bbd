"""What all flows with a form have in common: a client starts a flow, reads it, and submits it until it is complete.

https://www.ory.com/docs/kratos/self-service
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from starlette.responses import Response

from ...http.cookies import mask_csrf_token
from ...http.exchange import Exchange
from ...model import nodes
from ...model.clock import SECOND, rfc3339
from ...model.errors import OryError, not_found
from ...model.flow import Body, Flow
from ...model.messages import message
from ...model.nodes import Node
from ...model.social import PendingLink
from . import web_hooks
from .responses import page_url, show_form
from .return_to import resolve_return_to
from .submission import InvalidSubmission, csrf_error, parse_submission


class FlowHandler(ABC):
    """The endpoints of one kind of flow. Subclasses say how a flow begins and what a submission does."""

    kind: ClassVar[str]
    unknown_method_message: ClassVar[int]  # for a submission that names none of the flow's methods
    invalid_redirect_status: ClassVar[int] = 303  # of the redirect back to the form, for browsers

    @abstractmethod
    def add_form(self, exchange: Exchange, flow: Flow) -> None:
        """Add the form to a new flow. Raises `OryError` if this person cannot start one."""

    def read_parameters(self, exchange: Exchange, source: Flow | None) -> dict[str, Any]:
        """Members of the JSON that come from the query, or from the flow that the new one continues.

        Raises `OryError` if a parameter is wrong.
        """
        return {}

    @abstractmethod
    def check_session(self, exchange: Exchange, flow: Flow) -> Response | None:
        """Check the session before a submission. Raises `OryError`, or returns a response that ends the flow."""

    def check_read_access(self, exchange: Exchange, flow: Flow) -> None:
        """Raises `OryError` if this client may not see the flow. A browser sees only flows that it has started."""
        if flow.type == "browser" and exchange.csrf_cookie != flow.csrf_token:
            raise csrf_error(exchange)

    def read_submission(self, exchange: Exchange, flow: Flow) -> Body:
        return parse_submission(exchange)

    @abstractmethod
    def process_submission(self, exchange: Exchange, flow: Flow, body: Body) -> Response:
        """Carry out a submission. Raises `InvalidSubmission` or `OryError`."""

    def sort_nodes(self, exchange: Exchange, form: list[Node]) -> list[Node]:
        """The nodes in the order that Kratos uses after an invalid submission."""
        return form

    # ---- start

    def start_browser_flow(self, exchange: Exchange) -> Response:
        """GET /self-service/KIND/browser"""
        try:
            flow = self.start_flow(exchange, "browser")
        except OryError as error:
            return exchange.error_response(error)
        if exchange.wants_json:
            return exchange.json(flow.to_json(exchange.state.public_url))
        return exchange.redirect(page_url(exchange, flow))

    def start_api_flow(self, exchange: Exchange) -> Response:
        """GET /self-service/KIND/api"""
        return exchange.json(self.start_flow(exchange, "api").to_json(exchange.state.public_url))

    def start_flow(
        self, exchange: Exchange, type: str, *, source: Flow | None = None, link: PendingLink | None = None
    ) -> Flow:
        """Start a flow. It continues `source`, which has expired or is of the wrong kind. Raises `OryError`.

        A login with `link` links that account at a provider to the identity that signs in.
        """
        now = exchange.state.clock.now()
        return_to = source.return_to if source else exchange.query.get("return_to", "")
        resolve_return_to(exchange, return_to)
        lifespan = int(exchange.state.config.flow_lifespan * SECOND)
        request_url = source.request_url if source else exchange.url
        flow = Flow(self.kind, type, request_url, return_to, exchange.csrf_token, now, now + lifespan, link=link)
        flow.extra = self.read_parameters(exchange, source)
        flow.nodes.append(nodes.csrf_field(mask_csrf_token(exchange.csrf_token) if type == "browser" else ""))
        self.add_form(exchange, flow)
        web_hooks.before(exchange, flow, exchange.session if flow.kind == "settings" else None)
        exchange.state.flows[flow.id] = flow
        return flow

    # ---- read

    def get_flow(self, exchange: Exchange) -> Response:
        """GET /self-service/KIND/flows?id="""
        flow = self.find_flow(exchange, exchange.query.get("id", ""))
        self.check_read_access(exchange, flow)
        if exchange.state.clock.now() > flow.expires_at:
            raise self.expired_error(exchange, flow)
        return exchange.json(flow.to_json(exchange.state.public_url))

    def find_flow(self, exchange: Exchange, flow_id: str) -> Flow:
        flow = exchange.state.flows.get(flow_id)
        if flow is None or flow.kind != self.kind:
            raise not_found()
        return flow

    def expired_error(self, exchange: Exchange, flow: Flow) -> OryError:
        start_url = f"{exchange.state.public_url}/self-service/{self.kind}/{flow.type}"
        if flow.type == "browser":
            details = {"redirect_to": start_url, "return_to": flow.return_to}
        else:
            details = {"api": start_url}
        return OryError(410, "self_service_flow_expired", reason=f"the {self.kind} flow has expired", details=details)

    # ---- submit

    def submit(self, exchange: Exchange) -> Response:
        """POST /self-service/KIND?flow="""
        try:
            flow = self.find_flow(exchange, self.parse_flow_id(exchange))
        except OryError as error:
            return exchange.error_response(error)
        try:
            response = self.check_session(exchange, flow) or self.respond_if_expired(exchange, flow)
            if response:
                return response
            body = self.read_submission(exchange, flow)
            flow.transient_payload = body.get("transient_payload")
            return self.process_submission(exchange, flow, body)
        except InvalidSubmission as invalid:
            return self.show_errors(exchange, flow, invalid)
        except OryError as error:
            if error.code == 400:
                text = message(4000001, reason=error.reason or error.message)
                return self.show_errors(exchange, flow, InvalidSubmission(text))
            return exchange.json_error(error) if flow.type == "api" else exchange.error_response(error)

    def parse_flow_id(self, exchange: Exchange) -> str:
        try:
            return str(uuid.UUID(exchange.query.get("flow", "")))
        except ValueError:
            raise OryError(400, reason="the query parameter flow is missing or not a UUID") from None

    def respond_if_expired(self, exchange: Exchange, flow: Flow) -> Response | None:
        """If the flow has expired, start a new one.

        Browsers are redirected to the new flow. For programs it raises `OryError`, which has the new ID.
        """
        now = exchange.state.clock.now()
        if now <= flow.expires_at:
            return None
        new = self.start_flow(exchange, flow.type, source=flow)
        new.messages.append(message(4010001))
        if flow.type == "browser" and not exchange.wants_json:
            return exchange.redirect(page_url(exchange, new))
        extra = {"expired_at": rfc3339(flow.expires_at), "since": now - flow.expires_at, "use_flow_id": new.id}
        reason = "the flow has expired, and a new one was started"
        raise OryError(410, "self_service_flow_expired", reason=reason, extra=extra)

    def show_errors(self, exchange: Exchange, flow: Flow, invalid: InvalidSubmission) -> Response:
        """Respond with the form and the error messages."""
        flow.messages = invalid.messages
        for node in flow.nodes:
            node["messages"] = []
        for name, field_messages in invalid.field_messages.items():
            several = field_messages if isinstance(field_messages, list) else [field_messages]
            nodes.find_or_add(flow.nodes, name)["messages"] += several
        flow.nodes = self.sort_nodes(exchange, flow.nodes)
        return show_form(exchange, flow, redirect_status=self.invalid_redirect_status)
