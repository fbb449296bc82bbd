"""Login. The methods are in the package `methods`.

https://www.ory.com/docs/kratos/self-service/flows/user-login
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.responses import Response

from ...http.exchange import Exchange
from ...model.clock import rfc3339, truncate_to_microseconds
from ...model.errors import OryError, already_signed_in, browser_location_change_required
from ...model.flow import Body, Flow
from ...model.identity import Identity
from ...model.messages import message
from ...model.node_order import sort_login_nodes
from ...model.nodes import Node
from ...model.session import AuthenticationMethod, Device, Session
from ...model.state import State
from ..whoami import lacks_second_factor, step_up_url
from . import identifier_first, web_hooks
from .handler import FlowHandler
from .methods.base import LoginMethod, begin_early
from .methods.registry import LOGIN_METHODS
from .return_to import redirect_browser_to, resolve_return_to
from .start_parameters import oauth2_return_url, read_start_parameters
from .submission import InvalidSubmission


class Login(FlowHandler):
    kind = "login"
    unknown_method_message = 4010002

    def read_parameters(self, exchange: Exchange, source: Flow | None) -> dict[str, Any]:
        return read_start_parameters(exchange, source)

    def add_form(self, exchange: Exchange, flow: Flow) -> None:
        aal = exchange.query.get("aal") or "aal1"
        if aal not in ("aal1", "aal2"):
            raise OryError(400, reason=f"aal must be aal1 or aal2, not {aal!r}")
        session = exchange.session
        asks_again = exchange.query.get("refresh") == "true" or "oauth2_login_challenge" in flow.extra
        refresh = session is not None and asks_again
        if session is None and aal == "aal2":
            raise OryError(401, "session_aal1_required", reason="aal2 requires a session")
        if session is not None and not refresh and aal <= session.aal:
            raise already_signed_in(browser_url=resolve_return_to(exchange, flow.return_to))
        if "oauth2_login_challenge" in flow.extra and "refresh" not in exchange.query:
            flow.request_url += "&refresh=true"  # as in Kratos
        flow.extra |= {**_timestamps(flow.issued_at), "refresh": refresh, "requested_aal": aal}
        if refresh:
            flow.messages.append(message(1010003))
        if session is not None and aal > session.aal:
            flow.messages.append(message(1010004))
        _add_method_nodes(exchange, flow, session)
        flow.nodes = sort_login_nodes(flow.nodes)
        if session and aal == "aal2":
            begin_early(exchange, flow, session.identity, _methods_for(exchange, flow))

    def check_session(self, exchange: Exchange, flow: Flow) -> Response | None:
        session = exchange.session
        if session is None:
            if flow.extra["requested_aal"] == "aal2":
                raise OryError(401, "session_aal1_required", reason="the session has ended")
            return None
        if flow.extra["refresh"] or flow.extra["requested_aal"] > session.aal:
            return None
        if exchange.wants_json or flow.type == "api":
            raise already_signed_in()
        return exchange.redirect(exchange.state.default_return_url)

    def process_submission(self, exchange: Exchange, flow: Flow, body: Body) -> Response:
        methods = _methods_for(exchange, flow)
        for method in methods:
            if method.is_submitted(flow, body):
                result = method.sign_in(exchange, flow, body)
                if isinstance(result, Response):
                    return result
                return complete_login(exchange, flow, result.identity, result.method)
        if body.get("method") == identifier_first.METHOD and _begins_with_identifier(exchange, flow):
            return identifier_first.submit_identifier(exchange, flow, body, methods)
        raise InvalidSubmission(message(self.unknown_method_message))

    def sort_nodes(self, exchange: Exchange, form: list[Node]) -> list[Node]:
        return sort_login_nodes(form)


def _timestamps(now: int) -> dict[str, str]:
    time = rfc3339(truncate_to_microseconds(now))
    return {"created_at": time, "updated_at": time}


def _methods_for(exchange: Exchange, flow: Flow) -> list[LoginMethod]:
    """The enabled methods of the level that the flow is for."""
    config, aal = exchange.state.config, flow.extra["requested_aal"]
    if flow.extra["organization_id"]:
        return []  # only Ory Network has methods for organizations
    return [method for method in LOGIN_METHODS if method.is_enabled(config) and method.aal(config) == aal]


def _begins_with_identifier(exchange: Exchange, flow: Flow) -> bool:
    """Whether the flow has a screen for the login name. A person who signs in again does not see it."""
    is_first_factor = flow.extra["requested_aal"] == "aal1" and not flow.extra["refresh"]
    return is_first_factor and flow.link is None and exchange.state.config.login_style == "identifier_first"


def _add_method_nodes(exchange: Exchange, flow: Flow, session: Session | None) -> None:
    methods = _methods_for(exchange, flow)
    if _begins_with_identifier(exchange, flow):
        identifier_first.show_identifier_screen(exchange, flow, methods)
        return
    for method in methods:
        if session and flow.extra["requested_aal"] == "aal2":
            method.add_second_factor(exchange, flow, session.identity)
        elif session and flow.extra["refresh"]:
            method.add_refresh(exchange, flow, session.identity)
        else:
            method.add_first_factor(exchange, flow)


# ---- the end of a login


def complete_login(
    exchange: Exchange,
    flow: Flow,
    identity: Identity,
    method: AuthenticationMethod,
    *,
    keep_session: bool = True,
) -> Response:
    """Sign the identity in, and link an account at a provider if the login is for that.

    The method is added to the session that the identity has, unless `keep_session` is false. Raises `OryError` if the
    identity is inactive, and `InvalidSubmission` if the account belongs to another one.
    """
    if identity.state != "active":
        details = {"identity_id": identity.id}
        raise OryError(401, reason="the identity is inactive", message="identity is disabled", details=details)
    if flow.link and flow.link.identifier not in identity.all_identifiers:
        raise InvalidSubmission(message(4010009))
    flow.active = method.name
    current = exchange.session if keep_session and exchange.session and exchange.session.identity is identity else None
    renewed = replace(current, methods=list(current.methods)) if current else None
    new_session = renewed or exchange.state.new_session(identity, [method], exchange.device)
    if renewed:
        exchange.state.renew_session(renewed, method)
    shown = web_hooks.after_login(exchange, flow, method.name, new_session, is_new=renewed is None)
    session = _save_session(exchange.state, new_session, current)
    if flow.link:
        now = exchange.state.clock.now()
        identity.link_social_account(flow.link.account, now)
        exchange.state.update_index(identity)
        session.methods.append(AuthenticationMethod("oidc", now, provider=flow.link.account.provider))
    return _success_response(exchange, flow, session, exchange.device if current else None, shown)


def _save_session(state: State, session: Session, current: Session | None) -> Session:
    """Store a new session, or copy what has changed to the current one. Returns the stored session."""
    if current is None:
        state.store_session(session)
        return session
    vars(current).update(vars(session))
    return current


def _success_response(
    exchange: Exchange, flow: Flow, session: Session, device: Device | None, shown: dict[str, Any] | None
) -> Response:
    config = exchange.state.config
    needs_second_factor = lacks_second_factor(config, session, config.whoami_required_aal)
    session_json = exchange.state.session_json(session, device, shown)
    if flow.type == "api":
        if needs_second_factor:
            session_json["identity"] = None
        return exchange.json({"session_token": session.token, "session": session_json, "continue_with": None})
    exchange.set_session_cookie(session)
    original_return_to = parse_qs(urlsplit(flow.request_url).query).get("return_to", [""])[0]
    step_up = step_up_url(exchange, original_return_to, flow.extra.get("oauth2_login_challenge", ""))
    return_to = resolve_return_to(exchange, flow.return_to)
    must_visit = step_up if needs_second_factor else oauth2_return_url(exchange, flow)
    if not exchange.wants_json:
        return exchange.redirect(must_visit or return_to)
    if must_visit:
        return exchange.json_error(browser_location_change_required(must_visit))
    return exchange.json({"session": session_json, "continue_with": [redirect_browser_to(return_to)]})
