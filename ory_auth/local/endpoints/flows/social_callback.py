"""The way back from a provider: sign in, sign up, or link the account.

https://www.ory.com/docs/kratos/social-signin/overview
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from starlette.responses import Response

from ...http.exchange import Exchange
from ...model import nodes
from ...model.errors import OryError
from ...model.factors import first_factors
from ...model.flow import Flow
from ...model.identity import Identity
from ...model.identity_schema import trait_errors
from ...model.messages import message
from ...model.nodes import Node
from ...model.session import AuthenticationMethod
from ...model.social import PendingLink, RoundTrip, SocialAccount
from ...model.trait_forms import trait_nodes
from .handler import FlowHandler
from .login import Login, complete_login
from .methods.base import SignedUp
from .methods.oidc import provider_button, provider_label
from .registration import Registration, complete_registration
from .responses import page_url
from .return_to import resolve_return_to
from .settings import Settings, Snapshot, complete_settings
from .submission import InvalidSubmission
from .traits import new_identity

LOGIN, REGISTRATION, SETTINGS = Login(), Registration(), Settings()
HANDLERS: dict[str, FlowHandler] = {"login": LOGIN, "registration": REGISTRATION, "settings": SETTINGS}
LINKING_LABELS = {1010001: 1010017, 1010002: 1010018}  # label of a button → label if it also links


def handle_callback(exchange: Exchange) -> Response:
    """GET /self-service/methods/oidc/callback/{provider}: errors of a flow are shown in its form."""
    try:
        round_trip = _find_round_trip(exchange)
    except OryError as error:
        return exchange.error_response(error)
    flow = round_trip.flow
    earlier_messages = flow.messages if flow.kind == "settings" else []
    try:
        return _continue(exchange, round_trip)
    except InvalidSubmission as invalid:
        flow.active = "oidc"
        invalid.messages = [*earlier_messages, *invalid.messages]
        return HANDLERS[flow.kind].show_errors(exchange, flow, invalid)
    except OryError as error:
        if error.code != 400:
            return exchange.error_response(error)
        flow.active = "oidc"
        text = message(4000001, reason=error.reason)
        return HANDLERS[flow.kind].show_errors(exchange, flow, InvalidSubmission(*earlier_messages, text))


def _find_round_trip(exchange: Exchange) -> RoundTrip:
    """Raises `OryError` unless this browser was sent to the provider with this `state`."""
    state = exchange.query.get("state")
    if not state:
        raise OryError(400, reason="the provider did not return the parameter state")
    round_trip = exchange.state.social.round_trips.get(state)
    if round_trip is None or round_trip.provider != exchange.path_params["provider"]:
        raise OryError(400, reason="the parameter state is not valid")
    if exchange.continuity_cookie != round_trip.continuity:
        reason = "the browser does not have the cookie that it got before it went to the provider"
        raise OryError(400, reason=reason, debug="the cookie is missing" if exchange.state.config.dev else "")
    return round_trip


def _continue(exchange: Exchange, round_trip: RoundTrip) -> Response:
    flow = round_trip.flow
    if error := exchange.query.get("error"):
        raise OryError(400, reason=f'the provider returned "{error}": {exchange.query.get("error_description", "")}')
    if exchange.session and flow.kind != "settings" and not flow.extra.get("refresh"):
        return exchange.redirect(resolve_return_to(exchange, flow.return_to))
    account = exchange.state.social.exchange_code(exchange.query.get("code", ""))
    if account is None:
        raise OryError(500, message='oauth2: "invalid_grant"')
    if flow.kind == "settings":
        return _link_in_settings(exchange, flow, account)
    owner = exchange.state.find_identity_by_social_account(account)
    if owner is None:
        return _sign_up(exchange, round_trip, account)
    if flow.kind == "registration":
        flow = LOGIN.start_flow(exchange, flow.type, source=flow)
    method = _method(account, exchange.state.clock.now())
    return complete_login(exchange, flow, owner, method, keep_session=False)


def _link_in_settings(exchange: Exchange, flow: Flow, account: SocialAccount) -> Response:
    session = SETTINGS.require_session(exchange, flow, page_url(exchange, flow))
    if exchange.state.find_identity_by_social_account(account):
        raise InvalidSubmission(message(4000007))
    before = Snapshot(session)
    session.identity.link_social_account(account, exchange.state.clock.now())
    flow.active = "oidc"
    return complete_settings(exchange, flow, session, "oidc", before)


# ---- registration


def _sign_up(exchange: Exchange, round_trip: RoundTrip, account: SocialAccount) -> Response:
    """Create an identity. If traits are missing, show a form for them; if the address is taken, show a login."""
    flow, now = round_trip.flow, exchange.state.clock.now()
    if flow.kind == "login":
        if flow.link:
            raise InvalidSubmission(message(4010009))
        if not exchange.state.config.registration_enabled:
            raise OryError(400, reason="registration is disabled")
        flow = REGISTRATION.start_flow(exchange, flow.type, source=flow)
    flow.active = "oidc"
    traits = _merge(account.traits, round_trip.traits)
    if errors := trait_errors(exchange.state.config.schema, traits):
        _show_missing_traits(exchange, flow, account.provider, traits)
        return REGISTRATION.show_errors(exchange, flow, InvalidSubmission(**errors))
    identity = new_identity(exchange, traits)
    if account.verified_email:
        identity.verify_address(account.verified_email.lower(), now)
    if owner := exchange.state.find_conflict(identity):
        return _offer_to_link(exchange, flow, account, owner, identity)
    identity.link_social_account(account, now)
    return complete_registration(exchange, flow, SignedUp(identity, _method(account, now)))


def _method(account: SocialAccount, now: int) -> AuthenticationMethod:
    return AuthenticationMethod("oidc", now, provider=account.provider)


def _merge(claimed: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    """The traits of the provider, with those that the person has typed."""
    merged = deepcopy(claimed)
    for name, value in typed.items():
        known = merged.get(name)
        merged[name] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _show_missing_traits(exchange: Exchange, flow: Flow, provider: str, traits: dict[str, Any]) -> None:
    """A form with all traits. Its button goes to the provider again."""
    inputs = trait_nodes("default", exchange.state.config.schema, traits)
    flow.set_form([provider_button(provider, message(1040003)), *inputs])


# ---- an address that belongs to another identity


def _offer_to_link(
    exchange: Exchange, flow: Flow, account: SocialAccount, owner: Identity, identity: Identity
) -> Response:
    """Show a login. When the owner of the address signs in, the account is linked to them."""
    identifier = min(identity.all_identifiers & owner.all_identifiers)
    login = LOGIN.start_flow(exchange, flow.type, source=flow, link=PendingLink(account, identifier))
    login.active = "oidc"
    config = exchange.state.config
    available = sorted(first_factors(owner, config)) if config.registration_login_hints else []
    providers = sorted(one["provider"] for one in owner.social_accounts) if config.registration_login_hints else []
    login.nodes = [
        node
        for node in map(_with_linking_label, login.nodes)
        if _is_offered(node, account.provider, available, providers, hints=config.registration_login_hints)
    ]
    known = nodes.find_or_add(login.nodes, "identifier")["attributes"]
    known.update(type="hidden", value=identifier)
    login_url = exchange.state.ui_url("login")
    context = {
        "available_credential_types": available,
        "available_providers": providers,
        "duplicateIdentifier": identifier,
        "duplicate_identifier": identifier,
        "newLoginUrl": login_url,
        "new_login_url": login_url,
        "provider": provider_label(config, account.provider),
    }
    login.messages = [message(1010016, **context)]
    return exchange.redirect(f"{page_url(exchange, login)}&no_org_ui=true")


def _is_offered(node: Node, used: str, available: list[str], providers: list[str], *, hints: bool) -> bool:
    """Whether the login shows this node: not the provider that was just used; with hints, only the owner's methods."""
    if node["group"] == "default" or "label" not in node["meta"]:
        return True
    if node["group"] == "oidc":
        provider = node["attributes"]["value"]
        return provider != used and (not hints or provider in providers)
    return not hints or node["group"] in available


def _with_linking_label(node: Node) -> Node:
    label = node["meta"].get("label") or {}
    if label.get("id") in LINKING_LABELS:
        provider = label.get("context", {}).get("provider")
        context = {"provider": provider} if provider else {}
        node["meta"]["label"] = message(LINKING_LABELS[label["id"]], **context)
    return node
