"""Passwords."""

from __future__ import annotations

from ....http.exchange import Exchange
from ....model import nodes, password_hashes
from ....model.config import Config
from ....model.errors import OryError
from ....model.flow import Body, Flow
from ....model.identity import Identity
from ....model.messages import message
from ....model.nodes import Node
from ....model.passwords import check_password_policy, hash_password, rehash_after_sign_in
from ....model.session import AuthenticationMethod, Session
from ..password_migration import migrate_password
from ..privileged_session import require_privileged_session
from ..submission import InvalidSubmission, check_csrf
from ..traits import check_traits, identifier_field, new_identity
from .base import LoginMethod, RegistrationMethod, SettingsMethod, SignedIn, SignedUp


class PasswordLogin(LoginMethod):
    name = "password"

    def is_enabled(self, config: Config) -> bool:
        return config.password_enabled

    def add_first_factor(self, exchange: Exchange, flow: Flow) -> None:
        nodes.replace_or_add(flow.nodes, identifier_field(exchange.state.config.schema))
        flow.nodes += _current_password_nodes(1010022)

    def add_refresh(self, exchange: Exchange, flow: Flow, identity: Identity) -> None:
        if _has_password(identity):
            identifier = nodes.input_field("default", "identifier", "hidden", value=identity.identifiers[0])
            nodes.replace_or_add(flow.nodes, identifier)
            flow.nodes += _current_password_nodes(1010001)

    def add_credential_screen(self, exchange: Exchange, flow: Flow, identity: Identity | None) -> bool:
        has_password = identity is not None and _has_password(identity)
        if has_password or exchange.state.config.account_enumeration_mitigate:
            flow.nodes += _current_password_nodes(1010022)
        return has_password

    def sign_in(self, exchange: Exchange, flow: Flow, body: Body) -> SignedIn:
        """After an error the form still has the login name."""
        identifier = str(body.get("identifier") or "")
        try:
            identity = _check_password(exchange, flow, identifier, body)
        except (InvalidSubmission, OryError):
            nodes.find_or_add(flow.nodes, "identifier")["attributes"]["value"] = identifier
            raise
        return SignedIn(identity, AuthenticationMethod("password", exchange.state.clock.now()))


def _has_password(identity: Identity) -> bool:
    return bool(_hash_of(identity))


def _current_password_nodes(button_label: int) -> list[Node]:
    label = message(1070001)
    password = nodes.input_field(
        "password", "password", "password", label, required=True, autocomplete="current-password"
    )
    return [password, nodes.submit_button("password", button_label)]


def _check_password(exchange: Exchange, flow: Flow, identifier: str, body: Body) -> Identity:
    missing = [name for name in ("identifier", "password") if not body.get(name)]
    if missing:
        raise InvalidSubmission(**{name: message(4000002, property=name) for name in missing})
    check_csrf(exchange, flow, body)
    identity = exchange.state.find_identity_by_identifier(identifier)
    if identity is not None and identity.credential_config("password").get("use_password_migration_hook"):
        migrate_password(exchange, flow, identity, identifier, str(body["password"]))
        return identity
    password, hashed = str(body["password"]), _hash_of(identity)
    if identity is None or not hashed or not password_hashes.matches(password, hashed):
        raise InvalidSubmission(message(4000006))
    if new_hash := rehash_after_sign_in(password, hashed):
        identity.set_credential_config("password", {"hashed_password": new_hash}, exchange.state.clock.now())
    return identity


def _hash_of(identity: Identity | None) -> str:
    return str(identity.credential_config("password").get("hashed_password", "")) if identity else ""


class PasswordRegistration(RegistrationMethod):
    name = "password"

    def is_enabled(self, config: Config) -> bool:
        return config.password_enabled

    def add_credential_screen(self, exchange: Exchange, flow: Flow) -> None:
        flow.nodes += [nodes.new_password_field(), nodes.submit_button("password", 1040001)]

    def sign_up(self, exchange: Exchange, flow: Flow, body: Body) -> SignedUp:
        password = str(body.get("password") or "")
        missing = {} if password else {"password": [message(4000002, property="password")]}
        traits = check_traits(exchange, body, **missing)
        check_csrf(exchange, flow, body)
        identity = new_identity(exchange, traits)
        if problem := check_password_policy(password, identity.identifiers):
            raise InvalidSubmission(password=problem)
        method = AuthenticationMethod("password", exchange.state.clock.now())
        return SignedUp(identity, method, {"password": {"hashed_password": hash_password(password)}})


class PasswordSettings(SettingsMethod):
    name = "password"

    def is_enabled(self, config: Config) -> bool:
        return config.password_enabled

    def form_nodes(self, exchange: Exchange, flow: Flow, identity: Identity) -> list[Node]:
        return [nodes.new_password_field(), nodes.submit_button("password", 1070003)]

    def change(self, exchange: Exchange, flow: Flow, session: Session, body: Body) -> bool:
        password = str(body.get("password") or "")
        if password:
            check_csrf(exchange, flow, body)
            require_privileged_session(exchange, flow, session, body)
        if problem := check_password_policy(password, session.identity.identifiers):
            raise InvalidSubmission(password=problem)
        config = {"hashed_password": hash_password(password)}
        session.identity.set_credential_config("password", config, exchange.state.clock.now())
        return True
