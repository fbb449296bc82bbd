"""What all flows have in common: they are begun, read, and submitted until they are done.

https://www.ory.com/docs/kratos/self-service
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from starlette.responses import Response

from ...http.cookies import mask
from ...http.exchange import Call
from ...model import nodes
from ...model.clock import SECOND, microseconds, rfc3339
from ...model.errors import OryError, not_found
from ...model.flow import Body, Flow
from ...model.messages import Message, message
from ...model.nodes import Node
from .return_to import allowed_return_to
from .submission import csrf_violation, submitted


def set_pending(call: Call, flow: Flow, body: Body) -> None:
    """Keep a submit for later; a browser gets Kratos' cookie for it, though here the flow's id is enough."""
    flow.pending = body
    if flow.type == "browser":
        call.give_continuity_cookie()


def end_pending(call: Call, flow: Flow) -> None:
    """What was kept has been done, or is not wanted any more."""
    flow.pending = {}
    if call.has_continuity_cookie:
        call.give_continuity_cookie()
        call.give_continuity_cookie()


class Refused(Exception):
    """A submit that the flow answers with messages: for the form as a whole, and for single fields."""

    def __init__(self, *messages: Message, **fields: Message) -> None:
        self.messages = list(messages)
        self.fields = fields
        super().__init__()


class Kind(ABC):
    """A kind of flow: how it begins and what a submit does."""

    name: ClassVar[str]
    no_such_method: ClassVar[int]  # the message for a submit that names none of its methods
    refused_status: ClassVar[int] = 303  # where a browser is sent back to its form

    @abstractmethod
    def begin(self, call: Call, flow: Flow) -> None:
        """Fill a new flow, or raise the `OryError` that stands against it."""

    @abstractmethod
    def check(self, call: Call, flow: Flow) -> Response | None:
        """Look at the session before a submit counts: an answer that ends it, or an `OryError`."""

    def readable(self, call: Call, flow: Flow) -> None:
        """Raises the `OryError` that keeps a flow from who asks: a browser's is shown to its own browser only."""
        if flow.type == "browser" and call.csrf_cookie != flow.csrf:
            raise csrf_violation(call)

    def body(self, call: Call, flow: Flow) -> Body:
        """What was submitted."""
        return submitted(call)

    @abstractmethod
    def finish(self, call: Call, flow: Flow, body: Body) -> Response:
        """Carry a submit out; raises `Refused` or `OryError`."""

    def arranged(self, call: Call, form: list[Node]) -> list[Node]:
        """The nodes in the order in which Kratos shows a form that was refused."""
        return form

    # ---- begin

    def start_browser(self, call: Call) -> Response:
        try:
            flow = self.start(call, "browser")
        except OryError as error:
            return call.error_page(error)
        return call.json(self.shown(call, flow)) if call.wants_json else call.redirect(self.page(call, flow))

    def start_api(self, call: Call) -> Response:
        return call.json(self.shown(call, self.start(call, "api")))

    def start(self, call: Call, type: str) -> Flow:
        now = call.state.clock.now()
        return_to = call.query.get("return_to", "")
        allowed_return_to(call, return_to)
        lifespan = int(call.state.config.flow_lifespan * SECOND)
        flow = Flow(self.name, type, call.url, return_to, call.csrf_token, now, now + lifespan)
        flow.nodes.append(nodes.csrf(mask(call.csrf_token) if type == "browser" else ""))
        self.begin(call, flow)
        call.state.flows[flow.id] = flow
        return flow

    def page(self, call: Call, flow: Flow) -> str:
        return f"{call.state.ui_url(self.name)}?flow={flow.id}"

    def shown(self, call: Call, flow: Flow) -> dict[str, Any]:
        return flow.json(call.state.public_url)

    # ---- read

    def read(self, call: Call) -> Response:
        """GET /self-service/KIND/flows?id="""
        flow = self.flow(call, call.query.get("id", ""))
        self.readable(call, flow)
        if call.state.clock.now() > flow.expires_at:
            raise self.gone(call, flow)
        return call.json(self.shown(call, flow))

    def flow(self, call: Call, flow_id: str) -> Flow:
        flow = call.state.flows.get(flow_id)
        if flow is None or flow.kind != self.name:
            raise not_found()
        return flow

    def gone(self, call: Call, flow: Flow) -> OryError:
        begin = f"{call.state.public_url}/self-service/{self.name}/{flow.type}"
        details = {"redirect_to": begin, "return_to": flow.return_to} if flow.type == "browser" else {"api": begin}
        return OryError(410, "self_service_flow_expired", reason=f"the {self.name} flow has expired", details=details)

    # ---- submit

    def submit(self, call: Call) -> Response:
        try:
            flow = self.flow(call, self.flow_id(call))
        except OryError as error:
            return call.error_page(error)
        try:
            ended = self.check(call, flow) or self.expired(call, flow)
            return ended or self.finish(call, flow, self.body(call, flow))
        except Refused as refused:
            return self.refused(call, flow, refused)
        except OryError as error:
            if error.code == 400:
                return self.refused(call, flow, Refused(message(4000001, reason=error.reason or error.message)))
            return call.error(error) if flow.type == "api" else call.error_page(error)

    def flow_id(self, call: Call) -> str:
        try:
            return str(uuid.UUID(call.query.get("flow", "")))
        except ValueError:
            raise OryError(400, reason="the query has no flow, or none that is a UUID") from None

    def expired(self, call: Call, flow: Flow) -> Response | None:
        """An expired flow is replaced by a new one, which the answer names."""
        now = call.state.clock.now()
        if now <= flow.expires_at:
            return None
        new = self.start(call, flow.type)
        new.request_url = flow.request_url
        new.messages.append(message(4010001))
        if flow.type == "browser" and not call.wants_json:
            return call.redirect(self.page(call, new))
        beside = {"expired_at": rfc3339(flow.expires_at), "since": now - flow.expires_at, "use_flow_id": new.id}
        reason = "the flow has expired, a new one was begun"
        raise OryError(410, "self_service_flow_expired", reason=reason, beside=beside)

    def refused(self, call: Call, flow: Flow, refused: Refused) -> Response:
        """The flow once more, with what is wrong."""
        flow.messages = refused.messages
        for one in flow.nodes:
            one["messages"] = []
        for name, wrong in refused.fields.items():
            nodes.find(flow.nodes, name)["messages"].append(wrong)
        return self.again(call, flow, self.refused_status)

    def again(self, call: Call, flow: Flow, redirect_status: int) -> Response:
        """The form once more, for another try or for the next step: for a program that is an error 400."""
        flow.nodes = self.arranged(call, flow.nodes)
        if flow.type == "browser":
            nodes.find(flow.nodes, "csrf_token")["attributes"]["value"] = mask(call.csrf_token)
            if not call.wants_json:
                return call.redirect(self.page(call, flow), redirect_status)
        return call.json(self.shown(call, flow), 400)


def stamps(now: int) -> dict[str, str]:
    return {"created_at": rfc3339(microseconds(now)), "updated_at": rfc3339(microseconds(now))}
