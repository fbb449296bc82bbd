"""Passkeys. https://www.ory.com/docs/kratos/passwordless/passkeys"""

from __future__ import annotations

import secrets

from ....http.exchange import Exchange
from ....model import nodes
from ....model.config import Config
from ....model.factors import count_first_factors
from ....model.flow import Body, Flow
from ....model.identity import Identity
from ....model.key_storage import StoredKey, add_key, has_user_handle, stored_keys
from ....model.messages import message
from ....model.nodes import Node
from ....model.session import ALPHANUMERIC, AuthenticationMethod, Session
from ....model.webauthn_protocol import (
    KeyChallenge,
    NewKey,
    creation_options,
    read_user_handle,
    request_options,
    to_json,
    verify_known_key,
)
from ...webauthn_script import script_node
from ..privileged_session import require_privileged_session
from ..submission import InvalidSubmission, check_csrf
from ..traits import check_traits, identifier_field, new_identity
from . import keys
from .base import LoginMethod, RegistrationMethod, SettingsMethod, SignedIn, SignedUp

USER_HANDLE_LENGTH = 64


def new_user_handle() -> str:
    return "".join(secrets.choice(ALPHANUMERIC) for _ in range(USER_HANDLE_LENGTH))


def _stored(exchange: Exchange, key: NewKey) -> StoredKey:
    return StoredKey(key.id, key.public_key, key.aaguid, exchange.state.clock.now(), is_passwordless=True)


class PasskeyLogin(LoginMethod):
    name = "passkey"

    def is_enabled(self, config: Config) -> bool:
        return config.passkey_enabled

    def is_submitted(self, flow: Flow, body: Body) -> bool:
        return bool(body.get("passkey_login")) or super().is_submitted(flow, body)

    # ---- nodes

    def add_first_factor(self, exchange: Exchange, flow: Flow) -> None:
        identifier = keys.username_field(identifier_field(exchange.state.config.schema))
        nodes.replace_or_add(flow.nodes, identifier)
        self.add_identifier_screen(exchange, flow)
        flow.nodes.append(_login_button(flow))

    def add_identifier_screen(self, exchange: Exchange, flow: Flow) -> None:
        """Browsers offer passkeys in the input for the login name, so this screen has no button."""
        onload = {"onload": "window.oryPasskeyLoginAutocompleteInit()"} if flow.type == "browser" else {}
        attributes = {"onloadTrigger": "oryPasskeyLoginAutocompleteInit", **onload}
        self._add_challenge(exchange, flow)
        flow.nodes.append(keys.hidden_field("passkey", "passkey_login", **attributes))

    def add_credential_screen(self, exchange: Exchange, flow: Flow, identity: Identity | None) -> bool:
        has_passkey = identity is not None and bool(stored_keys(identity, "passkey"))
        if has_passkey or exchange.state.config.account_enumeration_mitigate:
            flow.nodes.append(_login_button(flow))
        return has_passkey

    def add_refresh(self, exchange: Exchange, flow: Flow, identity: Identity) -> None:
        passkeys = stored_keys(identity, "passkey")
        if not passkeys:
            return
        name = keys.account_name(identity, exchange.state.config.schema)
        nodes.replace_or_add(flow.nodes, keys.hidden_field("default", "identifier", value=name))
        self._add_challenge(exchange, flow, passkeys)
        flow.nodes += [keys.hidden_field("passkey", "passkey_login"), _login_button(flow)]

    def _add_challenge(self, exchange: Exchange, flow: Flow, passkeys: list[StoredKey] | None = None) -> None:
        challenge = flow.key_challenges["passkey"] = KeyChallenge()
        options = request_options(exchange.state.config, "passkey", challenge, passkeys)
        flow.nodes.append(keys.hidden_field("passkey", "passkey_challenge", value=to_json(options)))
        if flow.type == "browser":
            nodes.replace_or_add(flow.nodes, script_node(exchange))

    # ---- submission

    def sign_in(self, exchange: Exchange, flow: Flow, body: Body) -> SignedIn:
        check_csrf(exchange, flow, body)
        answer, challenge = str(body.get("passkey_login") or ""), keys.find_challenge(flow, "passkey")
        user_handle = keys.read_answer(lambda: read_user_handle(answer))
        found = _find_identity(exchange, user_handle)
        if found is None:
            raise InvalidSubmission(message(4000015))
        identity, known = found
        keys.read_answer(lambda: verify_known_key(exchange.state.config, challenge, answer, known))
        del flow.key_challenges["passkey"]
        return SignedIn(identity, AuthenticationMethod("passkey", exchange.state.clock.now()))


def _find_identity(exchange: Exchange, user_handle: str) -> tuple[Identity, list[StoredKey]] | None:
    """The identity that the authenticator knows by this handle, and its keys. A security key can also be a passkey."""
    for kind in ("passkey", "webauthn"):
        for identity in exchange.state.identities.values():
            credential = identity.credentials.get(kind)
            if credential and has_user_handle(credential, user_handle):
                return identity, [key for key in stored_keys(identity, kind) if key.is_passwordless]
    return None


def _login_button(flow: Flow) -> Node:
    return keys.key_button(flow, "passkey", "passkey_login_trigger", 1010021, "oryPasskeyLogin", value="")


class PasskeyRegistration(RegistrationMethod):
    name = "passkey"

    def is_enabled(self, config: Config) -> bool:
        return config.passkey_enabled

    def is_submitted(self, flow: Flow, body: Body) -> bool:
        """As in Kratos, `method=passkey` alone does not count."""
        return body.get("passkey_register") not in (None, "", "true")

    def add_credential_screen(self, exchange: Exchange, flow: Flow) -> None:
        """Add the nodes. The options stay the same if the person goes back and forth."""
        if "passkey" not in flow.key_options:
            config = exchange.state.config
            challenge = flow.key_challenges["passkey"] = KeyChallenge(new_user_handle())
            options = creation_options(config, "passkey", challenge, config.rp_display_name)
            field = keys.account_name_field(config.schema)
            flow.key_options["passkey"] = to_json({"credentialOptions": options, "displayNameFieldName": field})
        flow.nodes += [
            keys.key_button(flow, "passkey", "passkey_register_trigger", 1040007, "oryPasskeyRegistration"),
            keys.hidden_field("passkey", "passkey_register"),
            keys.hidden_field("passkey", "passkey_create_data", value=flow.key_options["passkey"]),
        ]
        if flow.type == "browser":
            nodes.replace_or_add(flow.nodes, script_node(exchange))

    def sign_up(self, exchange: Exchange, flow: Flow, body: Body) -> SignedUp:
        traits = check_traits(exchange, body)
        check_csrf(exchange, flow, body)
        new_key, challenge = keys.read_new_key(exchange, flow, "passkey", str(body["passkey_register"]))
        identity, now = new_identity(exchange, traits), exchange.state.clock.now()
        add_key(identity, "passkey", _stored(exchange, new_key), challenge.user_handle, now)
        return SignedUp(identity, AuthenticationMethod("passkey", now))


class PasskeySettings(SettingsMethod):
    name = "passkey"
    fields = ("passkey_settings_register", "passkey_remove")

    def is_enabled(self, config: Config) -> bool:
        return config.passkey_enabled

    def is_submitted(self, flow: Flow, body: Body) -> bool:
        """The script of a page submits the whole form, so other fields may be present and empty."""
        return any(body.get(name) for name in self.fields)

    def form_nodes(self, exchange: Exchange, flow: Flow, identity: Identity) -> list[Node]:
        config = exchange.state.config
        is_last = count_first_factors(identity, config) < 2
        form = [
            keys.remove_button("passkey", 1050020, key, disabled=is_last) for key in stored_keys(identity, "passkey")
        ]
        challenge = flow.key_challenges["passkey"] = KeyChallenge(new_user_handle())
        options = creation_options(config, "passkey", challenge, keys.account_name(identity, config.schema))
        trigger = "oryPasskeySettingsRegistration"
        form += [
            keys.key_button(flow, "passkey", "passkey_register_trigger", 1050019, trigger, value=""),
            keys.hidden_field("passkey", "passkey_settings_register"),
            keys.hidden_field("passkey", "passkey_create_data", value=to_json(options)),
        ]
        return [*form, script_node(exchange)] if flow.type == "browser" else form

    def change(self, exchange: Exchange, flow: Flow, session: Session, body: Body) -> bool:
        """Add a passkey, which also completes a sign-in with it, or remove one."""
        check_csrf(exchange, flow, body)
        require_privileged_session(exchange, flow, session, body)
        identity, now = session.identity, exchange.state.clock.now()
        if body.get("passkey_remove"):
            missing = "You tried to remove a passkey which does not exist."
            keys.remove(exchange, identity, "passkey", str(body["passkey_remove"]), missing)
            return True
        new_key, challenge = keys.read_new_key(exchange, flow, "passkey", str(body["passkey_settings_register"]))
        add_key(identity, "passkey", _stored(exchange, new_key), challenge.user_handle, now)
        session.methods.append(AuthenticationMethod("passkey", now))
        return True
