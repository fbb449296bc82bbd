"""Security keys: a second factor or, if the configuration says so, a way to sign in without a password.

https://www.ory.com/docs/kratos/mfa/webauthn-fido-yubikey
"""

from __future__ import annotations

import uuid

from starlette.responses import Response

from ....http.exchange import Exchange
from ....model import nodes
from ....model.config import Config
from ....model.errors import browser_location_change_required
from ....model.factors import count_first_factors
from ....model.flow import Body, Flow
from ....model.identity import Identity
from ....model.key_storage import StoredKey, add_key, stored_keys
from ....model.messages import message
from ....model.nodes import Node
from ....model.session import AuthenticationMethod, Session
from ....model.webauthn_protocol import (
    KeyChallenge,
    NewKey,
    creation_options,
    request_options,
    to_json,
    verify_known_key,
)
from ...webauthn_script import script_node
from ..privileged_session import require_privileged_session
from ..responses import page_url
from ..submission import InvalidSubmission, check_csrf
from ..traits import check_traits, identifier_field, new_identity
from . import keys
from .base import LoginMethod, RegistrationMethod, SettingsMethod, SignedIn, SignedUp


def _level(config: Config) -> str:
    return "aal1" if config.webauthn_passwordless else "aal2"


def _stored(exchange: Exchange, key: NewKey, body: Body) -> StoredKey:
    return StoredKey(
        key.id,
        key.public_key,
        key.aaguid,
        exchange.state.clock.now(),
        exchange.state.config.webauthn_passwordless,
        str(body.get("webauthn_register_displayname") or ""),
    )


def _usable_keys(exchange: Exchange, identity: Identity) -> list[StoredKey]:
    """The keys of this identity that were added for the purpose that security keys have now."""
    passwordless = exchange.state.config.webauthn_passwordless
    return [key for key in stored_keys(identity, "webauthn") if key.is_passwordless == passwordless]


class WebAuthnLogin(LoginMethod):
    name = "webauthn"

    def is_enabled(self, config: Config) -> bool:
        return config.webauthn_enabled

    def aal(self, config: Config) -> str:
        return _level(config)

    def is_submitted(self, flow: Flow, body: Body) -> bool:
        submitted = bool(body.get("webauthn_login")) or super().is_submitted(flow, body)
        return flow.type == "browser" and submitted

    # ---- nodes

    def add_first_factor(self, exchange: Exchange, flow: Flow) -> None:
        if flow.type == "browser":
            identifier = keys.username_field(identifier_field(exchange.state.config.schema))
            nodes.replace_or_add(flow.nodes, identifier)
            flow.nodes.append(nodes.submit_button("webauthn", 1010008))

    def add_credential_screen(self, exchange: Exchange, flow: Flow, identity: Identity | None) -> bool:
        has_key = identity is not None and bool(_usable_keys(exchange, identity))
        if flow.type == "browser" and (has_key or exchange.state.config.account_enumeration_mitigate):
            flow.nodes.append(nodes.submit_button("webauthn", 1010008))
        return has_key

    def add_refresh(self, exchange: Exchange, flow: Flow, identity: Identity) -> None:
        self.add_second_factor(exchange, flow, identity)

    def add_second_factor(self, exchange: Exchange, flow: Flow, identity: Identity) -> None:
        if flow.type == "browser" and _usable_keys(exchange, identity):
            name = keys.account_name(identity, exchange.state.config.schema)
            nodes.replace_or_add(flow.nodes, keys.hidden_field("default", "identifier", value=name))
            flow.nodes += self._key_nodes(exchange, flow, identity, 1010008)

    def _key_nodes(self, exchange: Exchange, flow: Flow, identity: Identity, label: int) -> list[Node]:
        challenge = flow.key_challenges["webauthn"] = KeyChallenge()
        known = _usable_keys(exchange, identity)
        options = to_json(request_options(exchange.state.config, "webauthn", challenge, known))
        trigger = "oryWebAuthnLogin"
        return [
            script_node(exchange),
            keys.key_button(flow, "webauthn", "webauthn_login_trigger", label, trigger, options, value=options),
            keys.hidden_field("webauthn", "webauthn_login", value=""),
        ]

    # ---- submission

    def sign_in(self, exchange: Exchange, flow: Flow, body: Body) -> SignedIn | Response:
        config, identifier = exchange.state.config, str(body.get("identifier") or "")
        if not identifier:
            raise InvalidSubmission(identifier=message(4000002, property="identifier"))
        check_csrf(exchange, flow, body)
        if config.webauthn_passwordless:
            identity = exchange.state.find_identity_by_identifier(identifier)
        else:
            identity = exchange.session.identity if exchange.session else None
        known = _usable_keys(exchange, identity) if identity else []
        if identity is None or not known:
            raise InvalidSubmission(message(4000015))
        answer = str(body.get("webauthn_login") or "")
        if config.webauthn_passwordless and not answer:
            return self._show_key_screen(exchange, flow, identity, identifier)
        challenge = keys.find_challenge(flow, "webauthn")
        keys.read_answer(lambda: verify_known_key(config, challenge, answer, known))
        del flow.key_challenges["webauthn"]
        return SignedIn(identity, AuthenticationMethod("webauthn", exchange.state.clock.now(), _level(config)))

    def _show_key_screen(self, exchange: Exchange, flow: Flow, identity: Identity, identifier: str) -> Response:
        """The second screen: the key of this identity. It replaces all other ways to sign in."""
        name = keys.hidden_field("default", "identifier", value=identifier, required=True)
        csrf = nodes.find_or_add(flow.nodes, "csrf_token")
        flow.nodes = [name, csrf, *self._key_nodes(exchange, flow, identity, 1010013)]
        flow.messages.append(message(1010012))
        url = page_url(exchange, flow)
        if exchange.wants_json:
            return exchange.json_error(browser_location_change_required(url))
        return exchange.redirect(url)


class WebAuthnRegistration(RegistrationMethod):
    name = "webauthn"

    def is_enabled(self, config: Config) -> bool:
        return config.webauthn_enabled and config.webauthn_passwordless

    def is_submitted(self, flow: Flow, body: Body) -> bool:
        return flow.type == "browser" and bool(body.get("webauthn_register"))

    def add_credential_screen(self, exchange: Exchange, flow: Flow) -> None:
        if flow.type != "browser":
            return
        if "webauthn" not in flow.key_options:
            config = exchange.state.config
            challenge = flow.key_challenges["webauthn"] = KeyChallenge(str(uuid.uuid4()))
            options = creation_options(config, "webauthn", challenge, config.rp_display_name)
            flow.key_options["webauthn"] = to_json(options)
        flow.nodes += _new_key_nodes(flow, flow.key_options["webauthn"], 1040004)
        nodes.replace_or_add(flow.nodes, script_node(exchange))

    def sign_up(self, exchange: Exchange, flow: Flow, body: Body) -> SignedUp:
        traits = check_traits(exchange, body)
        check_csrf(exchange, flow, body)
        new_key, challenge = keys.read_new_key(exchange, flow, "webauthn", str(body["webauthn_register"]))
        identity, now = new_identity(exchange, traits), exchange.state.clock.now()
        add_key(identity, "webauthn", _stored(exchange, new_key, body), challenge.user_handle, now)
        return SignedUp(identity, AuthenticationMethod("webauthn", now, "aal1"))


def _new_key_nodes(flow: Flow, options: str, label: int) -> list[Node]:
    trigger = "oryWebAuthnRegistration"
    return [
        nodes.input_field("webauthn", "webauthn_register_displayname", "text", message(1050013), value=""),
        keys.hidden_field("webauthn", "webauthn_register", value=""),
        keys.key_button(flow, "webauthn", "webauthn_register_trigger", label, trigger, options, value=options),
    ]


class WebAuthnSettings(SettingsMethod):
    name = "webauthn"
    fields = ("webauthn_register", "webauthn_remove")

    def is_enabled(self, config: Config) -> bool:
        return config.webauthn_enabled

    def is_submitted(self, flow: Flow, body: Body) -> bool:
        """The script of a page submits the whole form, so other fields may be present and empty."""
        return any(body.get(name) for name in self.fields)

    def form_nodes(self, exchange: Exchange, flow: Flow, identity: Identity) -> list[Node]:
        if flow.type != "browser":
            return []
        config = exchange.state.config
        is_last = count_first_factors(identity, config) < 2
        form = [
            keys.remove_button("webauthn", 1050018, key, disabled=is_last and key.is_passwordless)
            for key in stored_keys(identity, "webauthn")
        ]
        challenge = flow.key_challenges["webauthn"] = KeyChallenge(identity.id)
        options = creation_options(config, "webauthn", challenge, config.rp_display_name)
        form += _new_key_nodes(flow, to_json(options), 1050012)
        return form if config.passkey_enabled else [*form, script_node(exchange)]  # a page loads the script once

    def change(self, exchange: Exchange, flow: Flow, session: Session, body: Body) -> bool:
        """Add a security key, which also completes a step of the sign-in, or remove one."""
        check_csrf(exchange, flow, body)
        require_privileged_session(exchange, flow, session, body)
        identity, now = session.identity, exchange.state.clock.now()
        if body.get("webauthn_remove") and not body.get("webauthn_register"):
            missing = "You tried to remove a WebAuthn credential which does not exist."
            keys.remove(exchange, identity, "webauthn", str(body["webauthn_remove"]), missing)
            return True
        new_key, challenge = keys.read_new_key(exchange, flow, "webauthn", str(body["webauthn_register"]))
        add_key(identity, "webauthn", _stored(exchange, new_key, body), challenge.user_handle, now)
        session.methods.append(AuthenticationMethod("webauthn", now, _level(exchange.state.config)))
        return True
