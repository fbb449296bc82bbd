"""Registration with a password, in two steps or in one.

https://www.ory.com/docs/kratos/self-service/flows/user-registration
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ...http.exchange import Exchange
from ...model import nodes
from ...model.clock import truncate_to_microseconds
from ...model.errors import already_signed_in
from ...model.flow import Body, Flow
from ...model.identity import Identity
from ...model.identity_schema import fill_missing_containers, identifier_fields, trait_errors
from ...model.messages import message
from ...model.nodes import Node
from ...model.passwords import check_password_policy, hash_password
from ...model.session import AuthenticationMethod
from ...model.trait_forms import fill_form, trait_nodes
from .handler import FlowHandler, InvalidSubmission
from .return_to import redirect_browser_to, resolve_return_to
from .submission import check_csrf, submitted_traits


class Registration(FlowHandler):
    kind = "registration"
    unknown_method_message = 4010003
    invalid_redirect_status = 302

    def add_form(self, exchange: Exchange, flow: Flow) -> None:
        if exchange.session:
            raise already_signed_in(browser_url=resolve_return_to(exchange, flow.return_to))
        flow.extra = {"organization_id": None}
        _show_profile_step(exchange, flow, {})

    def check_session(self, exchange: Exchange, flow: Flow) -> Response | None:
        if exchange.session is None:
            return None
        if exchange.wants_json or flow.type == "api":
            return exchange.json_error(already_signed_in())
        return exchange.redirect(exchange.state.config.default_return_url, self.invalid_redirect_status)

    def process_submission(self, exchange: Exchange, flow: Flow, body: Body) -> Response:
        method, traits = body.get("method"), submitted_traits(body)
        goes_back = body.get("screen") == "previous"
        errors = {} if goes_back else trait_errors(exchange.state.config.schema, traits)
        if method == "password" and not body.get("password"):
            errors["password"] = message(4000002, property="password")
        if errors:
            fill_form(flow.nodes, None, traits)
            raise InvalidSubmission(**errors)
        if method not in ("password", "profile") and not goes_back:
            raise InvalidSubmission(message(self.unknown_method_message))
        check_csrf(exchange, flow, body)
        if method == "password" and not goes_back:
            identity = _create_identity(exchange, flow, traits, str(body["password"]))
            return _success_response(exchange, flow, identity)
        flow.extra["transient_payload"] = {}
        if goes_back:
            flow.messages = []
            _show_profile_step(exchange, flow, traits)
        else:
            flow.messages = [message(1040009)]
            _show_credentials_step(exchange, flow, traits)
        return self.show_form(exchange, flow, 303)

    def sort_nodes(self, exchange: Exchange, form: list[Node]) -> list[Node]:
        """Kratos' order: CSRF token, login names, password, other traits, inputs added for an error, buttons."""
        identifiers = identifier_fields(exchange.state.config.schema)

        def position(node: Node) -> int:
            name = node["attributes"].get("name", "")
            if node["attributes"].get("type") == "submit":
                return 5
            if name.startswith("traits."):
                return 1 if name in identifiers else 3
            return {"csrf_token": 0, "password": 2}.get(name, 4)

        return sorted(form, key=position)


def _create_identity(exchange: Exchange, flow: Flow, traits: dict[str, Any], password: str) -> Identity:
    state, now = exchange.state, exchange.state.clock.now()
    schema = state.config.schema
    created = truncate_to_microseconds(now)
    identity = Identity(state.config.schema_id, fill_missing_containers(schema, traits), created, created, now)
    identity.update_from_traits(schema, now, new_address_status="sent")
    if problem := check_password_policy(password, identity.identifiers):
        fill_form(flow.nodes, None, traits)
        raise InvalidSubmission(password=problem)
    if state.has_conflict(identity):
        raise InvalidSubmission(message(4000007))
    identity.set_credential_config("password", {"hashed_password": hash_password(password)}, now)
    state.save(identity)
    return identity


def _success_response(exchange: Exchange, flow: Flow, identity: Identity) -> Response:
    state = exchange.state
    content: dict[str, Any] = {"identity": identity.to_json(state.public_url), "continue_with": None}
    session = None
    if state.config.registration_session_hook:
        session = state.add_session(identity, [AuthenticationMethod("password", state.clock.now())], exchange.device)
        content["session"] = state.session_json(session)
    if flow.type == "api":
        if session:
            set_token = {"action": "set_ory_session_token", "ory_session_token": session.token}
            content |= {"session_token": session.token, "continue_with": [set_token]}
        return exchange.json(content)
    if session:
        exchange.set_session_cookie(session)
    else:
        exchange.renew_csrf_token()
    return_to = resolve_return_to(exchange, flow.return_to)
    content["continue_with"] = [redirect_browser_to(return_to)]
    return exchange.json(content) if exchange.wants_json else exchange.redirect(return_to)


def _show_profile_step(exchange: Exchange, flow: Flow, traits: dict[str, Any]) -> None:
    """The first step: inputs for the traits."""
    inputs = trait_nodes("default", exchange.state.config.schema, traits)
    flow.set_form([*inputs, nodes.submit_button("profile", 1040001)])


def _show_credentials_step(exchange: Exchange, flow: Flow, traits: dict[str, Any]) -> None:
    """The second step: a password. The traits are hidden inputs."""
    hidden = trait_nodes("default", exchange.state.config.schema, traits, hidden=True)
    back = nodes.submit_button("profile", 1040008, name="screen", value="previous")
    flow.set_form([*hidden, nodes.new_password_field(), nodes.submit_button("password", 1040001), back])
