"""The settings flow: the sessions that may use it, and its responses. The methods are in the package `methods`.

https://www.ory.com/docs/kratos/self-service/flows/user-settings
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from urllib.parse import urlencode

from starlette.responses import Response

from ...http.exchange import Exchange
from ...model.errors import OryError, session_inactive, unauthorized
from ...model.flow import Body, Flow
from ...model.identity import Identity
from ...model.messages import message
from ...model.node_order import sort_settings_nodes
from ...model.nodes import Node
from ...model.session import Session
from ..whoami import require_aal
from . import web_hooks
from .handler import FlowHandler
from .methods.base import SettingsMethod
from .methods.registry import SETTINGS_METHODS
from .privileged_session import clear_pending_submission
from .responses import page_url, show_form
from .return_to import redirect_browser_to, resolve_return_to
from .submission import InvalidSubmission
from .verification import verify_new_address


class Settings(FlowHandler):
    kind = "settings"
    unknown_method_message = 4010004

    def add_form(self, exchange: Exchange, flow: Flow) -> None:
        session = exchange.session
        if session is None:
            extra = {"CredentialsMissing": False} if flow.type == "browser" else None
            raise session_inactive(extra, browser_url=_login_url(exchange, flow.return_to))
        require_aal(exchange, session, exchange.state.config.settings_required_aal)
        self.begin(exchange, flow, session.identity)

    def begin(self, exchange: Exchange, flow: Flow, identity: Identity) -> None:
        """Add the form for this identity to a new flow."""
        flow.identity = identity
        flow.state = "show_form"
        _show_all_methods(exchange, flow)

    def check_read_access(self, exchange: Exchange, flow: Flow) -> None:
        self.require_session(exchange, flow, page_url(exchange, flow))

    def check_session(self, exchange: Exchange, flow: Flow) -> Response | None:
        self.require_session(exchange, flow, exchange.url)
        return None

    def require_session(self, exchange: Exchange, flow: Flow, return_to: str) -> Session:
        """The session of the person who has started the flow. Raises `OryError` for anyone else.

        `return_to` is the URL that a person without the second factor comes back to.
        """
        if exchange.session is None:
            raise unauthorized("there is no session", browser_url=exchange.state.ui_url("login"))
        if exchange.session.identity is not flow.identity:
            raise OryError(403, "security_identity_mismatch", reason="the flow belongs to another identity")
        require_aal(exchange, exchange.session, exchange.state.config.settings_required_aal, return_to)
        return exchange.session

    def read_submission(self, exchange: Exchange, flow: Flow) -> Body:
        """After signing in again, the browser comes back with GET: then the stored submission continues."""
        if exchange.request.method == "GET" and flow.pending_submission:
            return flow.pending_submission
        return super().read_submission(exchange, flow)

    def sort_nodes(self, exchange: Exchange, form: list[Node]) -> list[Node]:
        return sort_settings_nodes(form, exchange.state.config.schema)

    def process_submission(self, exchange: Exchange, flow: Flow, body: Body) -> Response:
        session = self.require_session(exchange, flow, exchange.url)
        method = next((method for method in _enabled_methods(exchange) if method.is_submitted(flow, body)), None)
        if method is None:
            raise InvalidSubmission(message(self.unknown_method_message))
        before = Snapshot(session)
        saved = method.change(exchange, flow, session, body)
        if isinstance(saved, Response):
            return saved
        if not saved:
            flow.messages = []
            return show_form(exchange, flow, json_status=200, transient_payload={})
        return complete_settings(exchange, flow, session, method.name, before)


def _enabled_methods(exchange: Exchange) -> Iterator[SettingsMethod]:
    return (method for method in SETTINGS_METHODS if method.is_enabled(exchange.state.config))


def _show_all_methods(exchange: Exchange, flow: Flow) -> None:
    """Show the forms of all methods, for the identity as it is now."""
    assert flow.identity is not None  # a settings flow always has one
    form = [node for method in _enabled_methods(exchange) for node in method.form_nodes(exchange, flow, flow.identity)]
    flow.set_form(form)
    flow.nodes = sort_settings_nodes(flow.nodes, exchange.state.config.schema)


def _continue_in_new_flow(exchange: Exchange, flow: Flow) -> None:
    """As in Kratos, the form of a flow that has saved something belongs to a new flow."""
    form, url = deepcopy(flow.nodes), exchange.url
    new = replace(flow, id=str(uuid.uuid4()), request_url=url, nodes=form, messages=[], state="show_form", active="")
    web_hooks.before(exchange, new, exchange.session)
    exchange.state.flows[new.id] = new
    flow.action_flow_id = new.id


class Snapshot:
    """A session and its identity before a change, in order that a web hook can refuse the change."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.identity, self.methods = deepcopy(session.identity), list(session.methods)

    def swap(self) -> None:
        """Exchange what the session is now for the snapshot. A second call undoes that."""
        self.session.methods, self.methods = self.methods, self.session.methods
        current = deepcopy(self.session.identity)
        vars(self.session.identity).update(vars(self.identity))
        self.identity = current


def _save(exchange: Exchange, flow: Flow, session: Session, method: str, before: Snapshot) -> None:
    """Save a change that the session's identity already has. Raises `InvalidSubmission` if a web hook refuses it.

    While a blocking hook is called, everyone else sees the identity as it was.
    """
    if web_hooks.blocking_hooks(exchange, flow.kind, method):
        before.swap()
        changed = before.identity
        web_hooks.before_saving(exchange, flow, method, changed, session)
        if exchange.state.has_conflict(changed):
            raise InvalidSubmission(message(4000007))
        before.swap()
    exchange.state.update_index(session.identity)


def complete_settings(exchange: Exchange, flow: Flow, session: Session, method: str, before: Snapshot) -> Response:
    """Save a change. The response goes back to the settings page, unless the flow has a `return_to`."""
    _save(exchange, flow, session, method, before)
    verify_new_address(exchange, session.identity, flow)
    _show_all_methods(exchange, flow)
    flow.messages, flow.state = [message(1050001)], "success"
    _continue_in_new_flow(exchange, flow)
    web_hooks.after_saving(exchange, flow, method, session.identity, session)
    if flow.type == "api":
        return show_form(exchange, flow, json_status=200)
    clear_pending_submission(exchange, flow)
    exchange.set_session_cookie(session)
    next_url = resolve_return_to(exchange, flow.return_to) if flow.return_to else page_url(exchange, flow)
    if not exchange.wants_json:
        return exchange.redirect(next_url)
    content = flow.to_json(exchange.state.public_url)
    return exchange.json({**content, "continue_with": [redirect_browser_to(next_url)]})


def _login_url(exchange: Exchange, return_to: str) -> str:
    query = f"?{urlencode({'return_to': return_to})}" if return_to else ""
    return f"{exchange.state.public_url}/self-service/login/browser{query}"
