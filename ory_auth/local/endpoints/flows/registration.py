"""Registration, with one screen or with two. The methods are in the package `methods`.

https://www.ory.com/docs/kratos/self-service/flows/user-registration
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from ...http.exchange import Exchange
from ...model import nodes
from ...model.config import Config
from ...model.errors import OryError, already_signed_in, registration_disabled
from ...model.factors import first_factors
from ...model.flow import Body, Flow
from ...model.identity import Identity
from ...model.messages import Message, message
from ...model.node_order import sort_registration_nodes
from ...model.nodes import Node
from ...model.session import AuthenticationMethod
from ...model.trait_forms import fill_form, trait_nodes
from ...model.web_hooks import has_registration_hook
from . import web_hooks
from .handler import FlowHandler
from .methods.base import RegistrationMethod, SignedUp
from .methods.registry import REGISTRATION_METHODS
from .responses import page_url, show_form
from .return_to import redirect_browser_to, resolve_return_to
from .start_parameters import oauth2_return_url, read_start_parameters
from .submission import InvalidSubmission, check_csrf, submitted_traits
from .traits import check_traits
from .verification import show_verification_ui, verify_new_address


class Registration(FlowHandler):
    kind = "registration"
    unknown_method_message = 4010003
    invalid_redirect_status = 302

    def read_parameters(self, exchange: Exchange, source: Flow | None) -> dict[str, Any]:
        return read_start_parameters(exchange, source)

    def add_form(self, exchange: Exchange, flow: Flow) -> None:
        if not exchange.state.config.registration_enabled:
            raise registration_disabled()
        if exchange.session:
            raise already_signed_in(browser_url=resolve_return_to(exchange, flow.return_to))
        if flow.extra["organization_id"]:
            flow.nodes = []  # only Ory Network has methods for organizations
            return
        if exchange.state.config.registration_style == "unified":
            _show_only_screen(exchange, flow)
        else:
            _show_profile_screen(exchange, flow, {})

    def check_session(self, exchange: Exchange, flow: Flow) -> Response | None:
        if exchange.session is None:
            return None
        if exchange.wants_json or flow.type == "api":
            return exchange.json_error(already_signed_in())
        return exchange.redirect(exchange.state.default_return_url, self.invalid_redirect_status)

    def process_submission(self, exchange: Exchange, flow: Flow, body: Body) -> Response:
        """After an error the form still has the submitted traits."""
        try:
            result = self._process(exchange, flow, body)
        except (InvalidSubmission, OryError):
            fill_form(flow.nodes, None, submitted_traits(body))
            raise
        return result if isinstance(result, Response) else complete_registration(exchange, flow, result)

    def _process(self, exchange: Exchange, flow: Flow, body: Body) -> SignedUp | Response:
        has_two_screens = exchange.state.config.registration_style != "unified"
        if has_two_screens and (body.get("screen") or body.get("method") == "profile"):
            return _change_screen(exchange, flow, body)
        for method in _enabled_methods(exchange):
            if method.is_submitted(flow, body):
                return method.sign_up(exchange, flow, body)
        raise InvalidSubmission(message(self.unknown_method_message))

    def sort_nodes(self, exchange: Exchange, form: list[Node]) -> list[Node]:
        return sort_registration_nodes(form, exchange.state.config.schema)


def _enabled_methods(exchange: Exchange) -> Iterator[RegistrationMethod]:
    return (method for method in REGISTRATION_METHODS if method.is_enabled(exchange.state.config))


# ---- screens


def _change_screen(exchange: Exchange, flow: Flow, body: Body) -> Response:
    if body.get("screen") == "previous":
        check_csrf(exchange, flow, body)
        flow.messages = []
        _show_profile_screen(exchange, flow, submitted_traits(body))
        return show_form(exchange, flow)
    traits = check_traits(exchange, body)
    check_csrf(exchange, flow, body)
    flow.active, flow.state = "", "choose_method"
    flow.messages = [message(1040009)]
    _show_credential_screen(exchange, flow, traits)
    return show_form(exchange, flow, transient_payload={})


def _show_only_screen(exchange: Exchange, flow: Flow) -> None:
    flow.set_form(trait_nodes("default", exchange.state.config.schema, {}))
    for method in _enabled_methods(exchange):
        method.add_only_screen(exchange, flow)
    flow.nodes = sort_registration_nodes(flow.nodes, exchange.state.config.schema)


def _show_profile_screen(exchange: Exchange, flow: Flow, traits: dict[str, Any]) -> None:
    """The first of two screens: inputs for the traits."""
    inputs = trait_nodes("default", exchange.state.config.schema, traits)
    flow.set_form([*inputs, nodes.submit_button("profile", 1040001)])
    for method in _enabled_methods(exchange):
        method.add_profile_screen(exchange, flow)
    flow.nodes = sort_registration_nodes(flow.nodes, exchange.state.config.schema)


def _show_credential_screen(exchange: Exchange, flow: Flow, traits: dict[str, Any]) -> None:
    """The second of two screens: a choice of methods. The traits are hidden inputs."""
    hidden = trait_nodes("default", exchange.state.config.schema, traits, hidden=True)
    for node in hidden:  # as in Kratos, a trait that was not submitted keeps its former value
        former = nodes.find(flow.nodes, node["attributes"]["name"])
        if former and "value" in former["attributes"]:
            node["attributes"].setdefault("value", former["attributes"]["value"])
    back = nodes.submit_button("profile", 1040008, name="screen", value="previous")
    flow.set_form([*hidden, back])
    for method in _enabled_methods(exchange):
        method.add_credential_screen(exchange, flow)
    flow.nodes = sort_registration_nodes(flow.nodes, exchange.state.config.schema)


# ---- the end of a registration


def complete_registration(exchange: Exchange, flow: Flow, signed_up: SignedUp) -> Response:
    """Save the identity, and sign it in if the session hook is on.

    Raises `InvalidSubmission` if it already exists or a web hook refuses it, and `OryError` if a web hook fails or
    makes it inactive.
    """
    state, identity = exchange.state, signed_up.identity
    web_hooks.before_saving(exchange, flow, signed_up.method.name, identity)
    if owner := state.find_conflict(identity):
        raise InvalidSubmission(_conflict_message(state.config, identity, owner))
    for credential_type, config in signed_up.credentials.items():
        identity.set_credential_config(credential_type, config, state.clock.now())
    state.save(identity)
    if identity.state != "active":
        details = {"identity_id": identity.id}
        raise OryError(401, reason="the identity is inactive", message="identity is disabled", details=details)
    return _success_response(exchange, flow, identity, signed_up.method)


def _conflict_message(config: Config, identity: Identity, owner: Identity) -> Message:
    """Says that the login name is taken. With `login_hints`, it also says how its owner can sign in."""
    if not config.registration_login_hints:
        return message(4000007)
    return message(
        4000028,
        available_credential_types=sorted(first_factors(owner, config)),
        available_oidc_providers=sorted(account["provider"] for account in owner.social_accounts),
        credential_identifier_hint=min(identity.all_identifiers & owner.all_identifiers, default=""),
    )


def _success_response(exchange: Exchange, flow: Flow, identity: Identity, method: AuthenticationMethod) -> Response:
    state, session, cookies = exchange.state, None, list(exchange.set_cookies)
    hooks, config = state.config.flow_hooks, state.config
    if config.registration_session_hook or has_registration_hook(hooks, "session", method.name):
        session = state.add_session(identity, [method], exchange.device)
    if flow.type == "browser" and session:
        exchange.set_session_cookie(session)
    elif flow.type == "browser":
        exchange.renew_csrf_token()
    verification = verify_new_address(exchange, identity, flow)
    try:
        web_hooks.after_saving(exchange, flow, method.name, identity)
    except OryError:
        exchange.set_cookies = cookies  # as in Kratos, the person is not signed in
        raise
    shows_verification = verification is not None and (
        config.registration_show_verification_ui or has_registration_hook(hooks, "show_verification_ui", method.name)
    )
    return_to = oauth2_return_url(exchange, flow) or resolve_return_to(exchange, flow.return_to)
    if flow.type == "browser" and not exchange.wants_json:
        return exchange.redirect(page_url(exchange, verification) if verification and shows_verification else return_to)
    continue_with: list[dict[str, Any]] = []
    if flow.type == "browser":
        continue_with.append(redirect_browser_to(return_to))
    elif session:
        continue_with.append({"action": "set_ory_session_token", "ory_session_token": session.token})
    if verification and shows_verification:
        continue_with.append(show_verification_ui(exchange, verification))
    content: dict[str, Any] = {"identity": identity.to_json(state.public_url), "continue_with": continue_with or None}
    if session:
        content["session"] = state.session_json(session)
    if session and flow.type == "api":
        content["session_token"] = session.token
    return exchange.json(content)
