"""The changes that a settings flow can make, one function for each method, and their forms.

Each function returns whether it has saved something. It raises `InvalidSubmission` if the form is wrong, and `OryError`
`session_refresh_required` if the person has to sign in again first.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any
from urllib.parse import urlencode

import pyotp
import segno

from ...http.exchange import Exchange
from ...model import nodes
from ...model.clock import SECOND, truncate_to_microseconds
from ...model.errors import OryError
from ...model.flow import Body, Flow
from ...model.identity import Identity
from ...model.identity_schema import fill_missing_containers, trait_errors
from ...model.messages import message
from ...model.nodes import Node
from ...model.passwords import check_password_policy, hash_password
from ...model.second_factors import backup_codes, backup_codes_config, new_backup_codes, totp_config, totp_matches
from ...model.session import AuthenticationMethod, Session
from ...model.trait_forms import fill_form, trait_nodes
from .handler import InvalidSubmission, store_pending_submission
from .submission import check_csrf, submitted_traits

QR_CODE_SIZE = 256


def change_profile(exchange: Exchange, flow: Flow, session: Session, body: Body) -> bool:
    """Replace all traits. A change of a login name or an address needs a privileged session.

    As in Kratos, an invalid form keeps the messages of the flow, even "your changes have been saved".
    """
    schema = exchange.state.config.schema
    traits = fill_missing_containers(schema, submitted_traits(body))
    if errors := trait_errors(schema, traits):
        _remove_trait_values(flow)
        fill_form(flow.nodes, "profile", traits)
        raise InvalidSubmission(*flow.messages, **errors)
    check_csrf(exchange, flow, body)
    changed = deepcopy(session.identity)
    changed.traits = traits
    changed.update_from_traits(schema, exchange.state.clock.now())
    if _contact_points(changed) != _contact_points(session.identity):
        _require_privileged_session(exchange, flow, session, body)
    if exchange.state.has_conflict(changed):
        raise InvalidSubmission(message(4000007))
    changed.state_changed_at = None  # as in Kratos
    changed.updated_at = truncate_to_microseconds(exchange.state.clock.now())
    exchange.state.save(changed)
    return True


def change_password(exchange: Exchange, flow: Flow, session: Session, body: Body) -> bool:
    password = str(body.get("password") or "")
    if password:
        check_csrf(exchange, flow, body)
        _require_privileged_session(exchange, flow, session, body)
    if problem := check_password_policy(password, session.identity.identifiers):
        raise InvalidSubmission(password=problem)
    config = {"hashed_password": hash_password(password)}
    session.identity.set_credential_config("password", config, exchange.state.clock.now())
    return True


def change_totp(exchange: Exchange, flow: Flow, session: Session, body: Body) -> bool:
    """Link an authenticator app, which also completes a second factor, or unlink it."""
    check_csrf(exchange, flow, body)
    _require_privileged_session(exchange, flow, session, body)
    now, code = exchange.state.clock.now(), str(body.get("totp_code") or "")
    if _is_pressed(body, "totp_unlink") and "totp" in session.identity.credentials:
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


def change_backup_codes(exchange: Exchange, flow: Flow, session: Session, body: Body) -> bool:
    """Show the backup codes, create new ones, confirm the new ones, or disable them."""
    check_csrf(exchange, flow, body)
    _require_privileged_session(exchange, flow, session, body)
    identity, now = session.identity, exchange.state.clock.now()
    if _is_pressed(body, "lookup_secret_reveal"):
        if not backup_codes(identity):
            raise OryError(400, reason="there are no backup codes")
        codes = [code["code"] for code in backup_codes(identity)]
        buttons = [_backup_codes_button("disable", 1050016), _backup_codes_button("regenerate", 1050008)]
        _show_backup_codes(flow, codes, buttons)
        return False
    if _is_pressed(body, "lookup_secret_regenerate"):
        flow.new_backup_codes = new_backup_codes()
        _show_backup_codes(flow, flow.new_backup_codes, [_backup_codes_button("confirm", 1050011)])
        return False
    if _is_pressed(body, "lookup_secret_confirm"):
        if not flow.new_backup_codes:
            raise OryError(400, reason="there are no new backup codes to confirm")
        identity.set_credential_config("lookup_secret", backup_codes_config(flow.new_backup_codes), now)
        session.methods.append(AuthenticationMethod("lookup_secret", now))
        return True
    if _is_pressed(body, "lookup_secret_disable"):
        identity.credentials.pop("lookup_secret", None)
        return True
    raise InvalidSubmission(message(4010004))


CHANGE_BY_METHOD: dict[Any, Callable[[Exchange, Flow, Session, Body], bool]] = {
    "profile": change_profile,
    "password": change_password,
    "totp": change_totp,
    "lookup_secret": change_backup_codes,
}


BUTTON_METHODS = {
    "totp_unlink": "totp",
    "lookup_secret_reveal": "lookup_secret",
    "lookup_secret_regenerate": "lookup_secret",
    "lookup_secret_confirm": "lookup_secret",
    "lookup_secret_disable": "lookup_secret",
}
"""Buttons that are not named `method`, and the method that each of them means."""


def _is_pressed(body: Body, name: str) -> bool:
    return body.get(name) in (True, "true")


def _contact_points(identity: Identity) -> list[list[str]]:
    """The login names and addresses: the traits that decide who can sign in and recover the account."""
    return [
        identity.identifiers,
        [address.value for address in identity.verifiable_addresses],
        [address.value for address in identity.recovery_addresses],
    ]


def _require_privileged_session(exchange: Exchange, flow: Flow, session: Session, body: Body) -> None:
    """Raises `OryError` if the sign-in is too old. After the person has signed in again, the change continues."""
    age = exchange.state.clock.now() - session.authenticated_at
    if age <= exchange.state.config.privileged_session_max_age * SECOND:
        return
    store_pending_submission(exchange, flow, body)
    public_url = exchange.state.public_url
    query = {"refresh": "true", "return_to": f"{public_url}/self-service/settings?flow={flow.id}"}
    login_url = f"{public_url}/self-service/login/browser?{urlencode(query)}"
    raise OryError(
        403,
        "session_refresh_required",
        reason="the session is too old for this change",
        extra={"redirect_browser_to": login_url},
        browser_url=login_url,
    )


# ---- the forms


def settings_nodes(exchange: Exchange, flow: Flow) -> list[Node]:
    """All forms of the settings page, for the identity as it is now."""
    identity = flow.identity
    assert identity is not None  # a settings flow always has one
    profile = trait_nodes("profile", exchange.state.config.schema, identity.traits)
    password = [nodes.new_password_field(), nodes.submit_button("password", 1070003)]
    if backup_codes(identity):
        code_buttons = [_backup_codes_button("reveal", 1050007), _backup_codes_button("disable", 1050016)]
    else:
        code_buttons = [_backup_codes_button("regenerate", 1050008)]
    if identity.credential_config("totp"):
        totp = [nodes.submit_button("totp", 1050004, name="totp_unlink", value="true", required=True)]
    else:
        totp = _new_totp_nodes(flow, identity)
    return [*profile, nodes.submit_button("profile", 1070003), *password, *code_buttons, *totp]


def _new_totp_nodes(flow: Flow, identity: Identity) -> list[Node]:
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


def _account_name(identity: Identity) -> str:
    """The name that the authenticator app shows."""
    return identity.identifiers[0] if identity.identifiers else identity.id


def _backup_codes_button(action: str, label: int) -> Node:
    return nodes.submit_button("lookup_secret", label, name=f"lookup_secret_{action}", value="true")


def _show_backup_codes(flow: Flow, codes: list[str], buttons: list[Node]) -> None:
    """Replace the form for backup codes with the codes and these buttons, at the end of the page."""
    secrets = [message(1050009, secret=code) for code in codes]
    text = {**message(1050015, codes=", ".join(codes)), "context": {"secrets": secrets}}
    other_nodes = [node for node in flow.nodes if node["group"] != "lookup_secret"]
    codes_node = nodes.text_node("lookup_secret", "lookup_secret_codes", text, message(1050010))
    flow.nodes = [*other_nodes, codes_node, *buttons]


def _remove_trait_values(flow: Flow) -> None:
    for node in flow.nodes:
        if node["attributes"].get("name", "").startswith("traits."):
            node["attributes"].pop("value", None)
