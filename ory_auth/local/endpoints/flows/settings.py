"""The settings flow: the sessions that may use it, and its responses. `settings_changes` carries out the changes.

https://www.ory.com/docs/kratos/self-service/flows/user-settings
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from ...http.exchange import Exchange
from ...model.errors import OryError, session_inactive, unauthorized
from ...model.flow import Body, Flow
from ...model.messages import message
from ...model.nodes import Node
from ...model.session import Session
from ..whoami import require_aal
from .handler import FlowHandler, InvalidSubmission, clear_pending_submission
from .return_to import redirect_browser_to, resolve_return_to
from .settings_changes import BUTTON_METHODS, CHANGE_BY_METHOD, settings_nodes


class Settings(FlowHandler):
    kind = "settings"
    unknown_method_message = 4010004

    def add_form(self, exchange: Exchange, flow: Flow) -> None:
        session = exchange.session
        if session is None:
            extra = {"CredentialsMissing": False} if flow.type == "browser" else None
            raise session_inactive(extra, browser_url=_login_url(exchange, flow.return_to))
        require_aal(exchange, session, exchange.state.config.settings_required_aal)
        flow.identity = session.identity
        flow.state = "show_form"
        flow.set_form(settings_nodes(exchange, flow))

    def to_json(self, exchange: Exchange, flow: Flow) -> dict[str, Any]:
        identity = flow.identity.to_json(exchange.state.public_url) if flow.identity else None
        return {**super().to_json(exchange, flow), "identity": identity}

    def check_read_access(self, exchange: Exchange, flow: Flow) -> None:
        self._require_session(exchange, flow)

    def check_session(self, exchange: Exchange, flow: Flow) -> Response | None:
        self._require_session(exchange, flow)
        return None

    def _require_session(self, exchange: Exchange, flow: Flow) -> Session:
        """The session of the person who has started the flow. Raises `OryError` for anyone else."""
        if exchange.session is None:
            raise unauthorized("there is no session", browser_url=exchange.state.ui_url("login"))
        if exchange.session.identity is not flow.identity:
            raise OryError(403, "security_identity_mismatch", reason="the flow belongs to another identity")
        require_aal(exchange, exchange.session, exchange.state.config.settings_required_aal)
        return exchange.session

    def read_submission(self, exchange: Exchange, flow: Flow) -> Body:
        """After signing in again, the browser comes back with GET: then the stored submission continues."""
        if exchange.request.method == "GET" and flow.pending_submission:
            return flow.pending_submission
        return super().read_submission(exchange, flow)

    def sort_nodes(self, exchange: Exchange, form: list[Node]) -> list[Node]:
        """Kratos' order: inputs added for an error come first."""

        def position(node: Node) -> tuple[bool, bool]:
            return node["group"] != "default", node["attributes"].get("name") == "csrf_token"

        return sorted(form, key=position)

    def process_submission(self, exchange: Exchange, flow: Flow, body: Body) -> Response:
        session = self._require_session(exchange, flow)
        button_methods = (method for name, method in BUTTON_METHODS.items() if name in body)
        method = body.get("method") or next(button_methods, None)
        if method not in CHANGE_BY_METHOD:
            raise InvalidSubmission(message(self.unknown_method_message))
        saved = CHANGE_BY_METHOD[method](exchange, flow, session, body)
        if not saved:
            flow.messages, flow.extra = [], {"transient_payload": {}}
            return self._form_response(exchange, flow)
        for address in session.identity.verifiable_addresses:
            address.mark_sent()
        flow.extra = {}
        flow.set_form(settings_nodes(exchange, flow))
        flow.messages, flow.state = [message(1050001)], "success"
        if flow.type == "browser":
            clear_pending_submission(exchange, flow)
            exchange.set_session_cookie(session)
            return self._success_response(exchange, flow)
        return self._form_response(exchange, flow)

    def _form_response(self, exchange: Exchange, flow: Flow) -> Response:
        if flow.type == "browser" and not exchange.wants_json:
            return exchange.redirect(self.page_url(exchange, flow))
        return exchange.json(self.to_json(exchange, flow))

    def _success_response(self, exchange: Exchange, flow: Flow) -> Response:
        """Sends a browser back to the settings page, unless the flow has a `return_to`."""
        next_url = resolve_return_to(exchange, flow.return_to) if flow.return_to else self.page_url(exchange, flow)
        if not exchange.wants_json:
            return exchange.redirect(next_url)
        return exchange.json({**self.to_json(exchange, flow), "continue_with": [redirect_browser_to(next_url)]})


def _login_url(exchange: Exchange, return_to: str) -> str:
    query = f"?{urlencode({'return_to': return_to})}" if return_to else ""
    return f"{exchange.state.public_url}/self-service/login/browser{query}"
