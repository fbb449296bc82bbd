"""Authenticator apps (TOTP): a second factor."""

from __future__ import annotations

import pyotp
import segno

from ....http.exchange import Exchange
from ....model import nodes
from ....model.config import Config
from ....model.flow import Body, Flow
from ....model.identity import Identity
from ....model.messages import message
from ....model.nodes import Node
from ....model.second_factors import totp_config, totp_matches
from ....model.session import AuthenticationMethod, Session
from ..privileged_session import require_privileged_session
from ..submission import InvalidSubmission, check_csrf, is_pressed
from .base import SettingsMethod
from .typed_code import TypedCodeLogin

QR_CODE_SIZE = 256


class TOTPLogin(TypedCodeLogin):
    name, field = "totp", "totp_code"
    label, button = 1010006, 1010009

    def is_enabled(self, config: Config) -> bool:
        return config.totp_enabled

    def is_set_up(self, identity: Identity) -> bool:
        return bool(identity.credential_config("totp"))

    def use_code(self, identity: Identity, code: str, now: int) -> int:
        if identity.id not in identity.credentials["totp"].identifiers:
            return 4000011  # as in Kratos, a TOTP credential that was imported without its identifier is never found
        return 0 if totp_matches(identity.credential_config("totp"), code, now) else 4000008


class TOTPSettings(SettingsMethod):
    """Link an authenticator app, which also completes a second factor, or unlink it."""

    name = "totp"
    fields = ("totp_unlink",)

    def is_enabled(self, config: Config) -> bool:
        return config.totp_enabled

    def form_nodes(self, exchange: Exchange, flow: Flow, identity: Identity) -> list[Node]:
        if identity.credential_config("totp"):
            return [nodes.submit_button("totp", 1050004, name="totp_unlink", value="true", required=True)]
        flow.new_totp_secret = pyotp.random_base32()
        url = totp_config(flow.new_totp_secret, _account_name(identity))["totp_url"]
        image = segno.make(url).png_data_uri(scale=4)
        qr_code = {"src": image, "id": "totp_qr", "width": QR_CODE_SIZE, "height": QR_CODE_SIZE}
        secret = message(1050006, secret=flow.new_totp_secret)
        return [
            nodes.make_node("totp", "img", qr_code, message(1050005)),
            nodes.text_node("totp", "totp_secret_key", secret, message(1050017)),
            nodes.input_field("totp", "totp_code", "text", message(1070006), required=True),
            nodes.submit_button("totp", 1070003),
        ]

    def change(self, exchange: Exchange, flow: Flow, session: Session, body: Body) -> bool:
        check_csrf(exchange, flow, body)
        require_privileged_session(exchange, flow, session, body)
        now, code = exchange.state.clock.now(), str(body.get("totp_code") or "")
        if is_pressed(body, "totp_unlink") and "totp" in session.identity.credentials:
            del session.identity.credentials["totp"]
            return True
        if not code:
            raise InvalidSubmission(totp_code=message(4000002, property="totp_code"))
        config = totp_config(flow.new_totp_secret, _account_name(session.identity))
        if not totp_matches(config, code, now):
            raise InvalidSubmission(totp_code=message(4000008))
        session.identity.set_credential_config("totp", config, now)
        session.methods.append(AuthenticationMethod("totp", now))
        return True


def _account_name(identity: Identity) -> str:
    """The name that the authenticator app shows."""
    return identity.identifiers[0] if identity.identifiers else identity.id
