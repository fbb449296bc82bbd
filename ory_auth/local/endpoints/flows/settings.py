"""The settings flow: who may change what, and what an answer shows afterwards.

https://www.ory.com/docs/kratos/self-service/flows/user-settings
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from ...http.exchange import Call
from ...model.errors import OryError, session_inactive, unauthorized
from ...model.flow import Body, Flow
from ...model.messages import message
from ...model.nodes import Node
from ...model.session import Session
from ..whoami import require_aal
from .handler import Kind, Refused, end_pending
from .return_to import allowed_return_to, redirect_browser_to
from .settings_changes import CHANGES, PRESSED, settings_nodes


class Settings(Kind):
    name = "settings"
    no_such_method = 4010004

    def begin(self, call: Call, flow: Flow) -> None:
        session = call.session
        if session is None:
            beside = {"CredentialsMissing": False} if flow.type == "browser" else None
            raise session_inactive(beside, browser_to=_login_url(call, flow.return_to))
        require_aal(call, session, call.state.config.settings_required_aal)
        flow.identity = session.identity
        flow.state = "show_form"
        flow.show(settings_nodes(call, flow))

    def shown(self, call: Call, flow: Flow) -> dict[str, Any]:
        identity = flow.identity.json(call.state.public_url) if flow.identity else None
        return {**super().shown(call, flow), "identity": identity}

    def readable(self, call: Call, flow: Flow) -> None:
        self._session(call, flow)

    def check(self, call: Call, flow: Flow) -> Response | None:
        self._session(call, flow)
        return None

    def _session(self, call: Call, flow: Flow) -> Session:
        if call.session is None:
            raise unauthorized("there is no session", browser_to=call.state.ui_url("login"))
        if call.session.identity is not flow.identity:
            raise OryError(403, "security_identity_mismatch", reason="the flow belongs to somebody else")
        require_aal(call, call.session, call.state.config.settings_required_aal)
        return call.session

    def body(self, call: Call, flow: Flow) -> Body:
        """By GET comes who had to sign in again: what was submitted before goes on."""
        resumed = flow.pending if call.request.method == "GET" else {}
        return resumed or super().body(call, flow)

    def arranged(self, call: Call, form: list[Node]) -> list[Node]:
        """What was added to hang a message on comes first."""
        return sorted(form, key=lambda one: (one["group"] != "default", one["attributes"].get("name") == "csrf_token"))

    def finish(self, call: Call, flow: Flow, body: Body) -> Response:
        session = self._session(call, flow)
        method = body.get("method") or next((PRESSED[name] for name in PRESSED if name in body), None)
        if method not in CHANGES:
            raise Refused(message(self.no_such_method))
        saved = CHANGES[method](call, flow, session, body)
        if not saved:
            flow.messages, flow.more = [], {"transient_payload": {}}
            return self._answer(call, flow)
        for address in session.identity.verifiable:
            address.ask()
        flow.more = {}
        flow.show(settings_nodes(call, flow))
        flow.messages, flow.state = [message(1050001)], "success"
        if flow.type == "browser":
            end_pending(call, flow)
            call.give_session_cookie(session)
            return self._answer(call, flow, continue_with=[redirect_browser_to(self._next(call, flow))])
        return self._answer(call, flow)

    def _answer(self, call: Call, flow: Flow, **beside: Any) -> Response:
        if flow.type == "browser" and not call.wants_json:
            return call.redirect(self._next(call, flow) if beside else self.page(call, flow))
        return call.json({**self.shown(call, flow), **beside})

    def _next(self, call: Call, flow: Flow) -> str:
        """Where a browser goes once something is saved: back to the page, unless the flow was told otherwise."""
        return allowed_return_to(call, flow.return_to) if flow.return_to else self.page(call, flow)


def _login_url(call: Call, return_to: str) -> str:
    query = f"?{urlencode({'return_to': return_to})}" if return_to else ""
    return f"{call.state.public_url}/self-service/login/browser{query}"
