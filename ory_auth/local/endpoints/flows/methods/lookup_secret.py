"""Backup codes, which Kratos calls lookup secrets: a second factor."""

from __future__ import annotations

from ....http.exchange import Exchange
from ....model import nodes
from ....model.config import Config
from ....model.errors import OryError
from ....model.flow import Body, Flow
from ....model.identity import Identity
from ....model.messages import message
from ....model.nodes import Node
from ....model.second_factors import backup_codes, backup_codes_config, new_backup_codes, use_backup_code
from ....model.session import AuthenticationMethod, Session
from ..privileged_session import require_privileged_session
from ..submission import InvalidSubmission, check_csrf, is_pressed
from .base import SettingsMethod
from .typed_code import TypedCodeLogin


class LookupSecretLogin(TypedCodeLogin):
    name = field = "lookup_secret"
    label, button = 1010007, 1010010

    def is_enabled(self, config: Config) -> bool:
        return config.lookup_secret_enabled

    def is_set_up(self, identity: Identity) -> bool:
        return bool(backup_codes(identity))

    def use_code(self, identity: Identity, code: str, now: int) -> int:
        if identity.id not in identity.credentials["lookup_secret"].identifiers:
            return 4000014  # as in Kratos, backup codes that were imported without their identifier are never found
        return use_backup_code(identity, code, now)


class LookupSecretSettings(SettingsMethod):
    """Show the backup codes, create new ones, confirm the new ones, or disable them."""

    name = "lookup_secret"
    fields = (
        "lookup_secret_reveal",
        "lookup_secret_regenerate",
        "lookup_secret_confirm",
        "lookup_secret_disable",
    )

    def is_enabled(self, config: Config) -> bool:
        return config.lookup_secret_enabled

    def form_nodes(self, exchange: Exchange, flow: Flow, identity: Identity) -> list[Node]:
        if backup_codes(identity):
            return [_button("reveal", 1050007), _button("disable", 1050016)]
        return [_button("regenerate", 1050008)]

    def change(self, exchange: Exchange, flow: Flow, session: Session, body: Body) -> bool:
        check_csrf(exchange, flow, body)
        require_privileged_session(exchange, flow, session, body)
        identity, now = session.identity, exchange.state.clock.now()
        if is_pressed(body, "lookup_secret_reveal"):
            if not backup_codes(identity):
                raise OryError(400, reason="there are no backup codes")
            codes = [code["code"] for code in backup_codes(identity)]
            _show_codes(flow, codes, [_button("disable", 1050016), _button("regenerate", 1050008)])
            return False
        if is_pressed(body, "lookup_secret_regenerate"):
            flow.new_backup_codes = new_backup_codes()
            _show_codes(flow, flow.new_backup_codes, [_button("confirm", 1050011)])
            return False
        if is_pressed(body, "lookup_secret_confirm"):
            if not flow.new_backup_codes:
                raise OryError(400, reason="there are no new backup codes to confirm")
            identity.set_credential_config("lookup_secret", backup_codes_config(flow.new_backup_codes), now)
            session.methods.append(AuthenticationMethod("lookup_secret", now))
            return True
        if is_pressed(body, "lookup_secret_disable"):
            identity.credentials.pop("lookup_secret", None)
            return True
        raise InvalidSubmission(message(4010004))


def _button(action: str, label: int) -> Node:
    return nodes.submit_button("lookup_secret", label, name=f"lookup_secret_{action}", value="true")


def _show_codes(flow: Flow, codes: list[str], buttons: list[Node]) -> None:
    """Replace the form for backup codes with the codes and these buttons, at the end of the page."""
    secrets = [message(1050009, secret=code) for code in codes]
    text = {**message(1050015, codes=", ".join(codes)), "context": {"secrets": secrets}}
    other_nodes = [node for node in flow.nodes if node["group"] != "lookup_secret"]
    codes_node = nodes.text_node("lookup_secret", "lookup_secret_codes", text, message(1050010))
    flow.nodes = [*other_nodes, codes_node, *buttons]
