"""Social sign-in: buttons that lead to a provider. `social_callback` handles the way back.

https://www.ory.com/docs/kratos/social-signin/overview
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from ....http.exchange import Exchange
from ....model import nodes
from ....model.config import Config
from ....model.errors import OryError, browser_location_change_required
from ....model.factors import count_first_factors
from ....model.flow import Body, Flow
from ....model.identity import Identity
from ....model.messages import message
from ....model.nodes import Node
from ....model.session import Session
from ....model.social import RoundTrip
from ..privileged_session import require_privileged_session
from ..submission import check_csrf, submitted_traits
from .base import LoginMethod, RegistrationMethod, SettingsMethod, SignedIn, SignedUp

AUTHORIZE_PATH = "/pretend-provider/authorize"
UPSTREAM_PARAMETERS = ("login_hint", "hd", "prompt", "auth_type", "acr_values")


def provider_label(config: Config, provider: str) -> str:
    return config.oidc_providers.get(provider) or provider


def provider_button(provider: str, label: dict[str, Any], *, name: str = "provider") -> Node:
    return nodes.input_field("oidc", name, "submit", label, value=provider)


def _login_buttons(config: Config, providers: Iterable[str]) -> list[Node]:
    return [
        provider_button(one, message(1010002, provider=provider_label(config, one), provider_id=one))
        for one in providers
    ]


def _names_provider(body: Body) -> bool:
    return bool(body.get("provider")) and body.get("method") in (None, "", "oidc")


def _go_to_provider(exchange: Exchange, flow: Flow, provider: str, body: Body) -> Response:
    """Send the browser to the provider. A cookie lets it continue, and no other browser."""
    continuity = exchange.set_continuity_cookie()
    round_trip = RoundTrip(flow, provider, continuity, submitted_traits(body))
    public_url = exchange.state.public_url
    query = {
        "client_id": "kratos",
        "code_challenge": secrets.token_urlsafe(32),
        "code_challenge_method": "S256",
        "redirect_uri": f"{public_url}/self-service/methods/oidc/callback/{provider}",
        "response_type": "code",
        "scope": "openid email",
        "state": exchange.state.social.begin(round_trip),
        **({"prompt": "login"} if flow.extra.get("refresh") else {}),
        **_upstream_parameters(body),
    }
    url = f"{exchange.state.provider_url}{AUTHORIZE_PATH}?{urlencode(sorted(query.items()))}"
    if exchange.wants_json or flow.type == "api":
        return exchange.json_error(browser_location_change_required(url))
    return exchange.redirect(url)


def _upstream_parameters(body: Body) -> dict[str, str]:
    """The parameters that a form may pass on to the provider, such as `upstream_parameters.login_hint`."""
    sent = body.get("upstream_parameters")
    nested = sent if isinstance(sent, dict) else {}
    values = {name: nested.get(name) or body.get(f"upstream_parameters.{name}") for name in UPSTREAM_PARAMETERS}
    return {name: str(value) for name, value in values.items() if value}


def _check_provider(exchange: Exchange, body: Body) -> str:
    provider = str(body["provider"])
    if provider not in exchange.state.config.oidc_providers:
        raise OryError(404, reason=f"the provider {provider!r} does not exist")
    return provider


class OIDCLogin(LoginMethod):
    name = "oidc"

    def is_enabled(self, config: Config) -> bool:
        return bool(config.oidc_providers)

    def is_submitted(self, flow: Flow, body: Body) -> bool:
        return _names_provider(body)

    def add_first_factor(self, exchange: Exchange, flow: Flow) -> None:
        config = exchange.state.config
        flow.nodes += _login_buttons(config, config.oidc_providers)

    def add_refresh(self, exchange: Exchange, flow: Flow, identity: Identity) -> None:
        config = exchange.state.config
        flow.nodes += _login_buttons(config, _linked_providers(config, identity))

    def add_identifier_screen(self, exchange: Exchange, flow: Flow) -> None:
        self.add_first_factor(exchange, flow)

    def add_credential_screen(self, exchange: Exchange, flow: Flow, identity: Identity | None) -> bool:
        """Keep the buttons of the providers that the identity has used. An unknown person sees all of them."""
        config = exchange.state.config
        linked = _linked_providers(config, identity) if identity else []
        if config.account_enumeration_mitigate:
            return True
        if identity:
            flow.nodes = [node for node in flow.nodes if node["group"] != "oidc"]
            flow.nodes += _login_buttons(config, linked)
        return bool(linked)

    def sign_in(self, exchange: Exchange, flow: Flow, body: Body) -> SignedIn | Response:
        provider = _check_provider(exchange, body)
        check_csrf(exchange, flow, body)
        flow.active = "oidc"
        return _go_to_provider(exchange, flow, provider, body)


def _linked_providers(config: Config, identity: Identity) -> list[str]:
    """The configured providers at which the identity has an account."""
    linked = {account["provider"] for account in identity.social_accounts}
    return [provider for provider in config.oidc_providers if provider in linked]


class OIDCRegistration(RegistrationMethod):
    name = "oidc"

    def is_enabled(self, config: Config) -> bool:
        return bool(config.oidc_providers)

    def is_submitted(self, flow: Flow, body: Body) -> bool:
        return _names_provider(body)

    def add_profile_screen(self, exchange: Exchange, flow: Flow) -> None:
        self.add_credential_screen(exchange, flow)

    def add_credential_screen(self, exchange: Exchange, flow: Flow) -> None:
        config = exchange.state.config
        for provider in config.oidc_providers:
            label = message(1040002, provider=provider_label(config, provider), provider_id=provider)
            flow.nodes.append(provider_button(provider, label))

    def sign_up(self, exchange: Exchange, flow: Flow, body: Body) -> SignedUp | Response:
        provider = _check_provider(exchange, body)
        check_csrf(exchange, flow, body)
        return _go_to_provider(exchange, flow, provider, body)


class OIDCSettings(SettingsMethod):
    """Link accounts at providers, and unlink them. The last way to sign in cannot be unlinked."""

    name = "oidc"
    fields = ("link", "unlink")

    def is_enabled(self, config: Config) -> bool:
        return bool(config.oidc_providers)

    def form_nodes(self, exchange: Exchange, flow: Flow, identity: Identity) -> list[Node]:
        config = exchange.state.config
        linked = _linked_providers(config, identity)
        can_unlink = count_first_factors(identity, config) > 1
        form = []
        for provider in config.oidc_providers:
            label = {"provider": provider_label(config, provider)}
            if provider not in linked:
                form.append(provider_button(provider, message(1050002, **label), name="link"))
            elif can_unlink:
                form.append(provider_button(provider, message(1050003, **label), name="unlink"))
        return form

    def change(self, exchange: Exchange, flow: Flow, session: Session, body: Body) -> bool | Response:
        check_csrf(exchange, flow, body)
        require_privileged_session(exchange, flow, session, body)
        linked = _linked_providers(exchange.state.config, session.identity)
        if unlink := str(body.get("unlink") or ""):
            if unlink not in linked:
                raise OryError(400, reason="there is no such connection to a provider")
            if count_first_factors(session.identity, exchange.state.config) < 2:
                raise OryError(400, reason="this connection is the last way to sign in")
            session.identity.unlink_social_account(unlink, exchange.state.clock.now())
            return True
        provider = str(body.get("link") or "")
        if provider not in exchange.state.config.oidc_providers or provider in linked:
            raise OryError(400, reason="the provider does not exist, or is already linked")
        if flow.pending_submission:
            flow.pending_submission = {}
            exchange.set_continuity_cookie()
        return _go_to_provider(exchange, flow, provider, body)
