"""What can be changed in the settings, one function each, and the forms for it.

A change says whether it saved something. It raises `Refused` for what is wrong with the form, and the error 403
`session_refresh_required` when the person has to sign in again first.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any
from urllib.parse import urlencode

import pyotp
import segno

from ...http.exchange import Call
from ...model import nodes
from ...model.clock import SECOND, microseconds
from ...model.errors import OryError
from ...model.flow import Body, Flow
from ...model.identity import Identity
from ...model.identity_schema import fill, filled, refusals, trait_nodes
from ...model.messages import message
from ...model.nodes import Node
from ...model.passwords import hash_password, password_problem
from ...model.second_factors import backup_codes, backup_config, new_backup_codes, totp_config, totp_matches
from ...model.session import Method, Session
from .handler import Refused, set_pending
from .submission import require_csrf, sent_traits

QR_CODE_SIZE = 256


def change_profile(call: Call, flow: Flow, session: Session, body: Body) -> bool:
    """Replaces all traits by those that were sent; another login name or address needs a fresh session.

    As in Kratos, a refusal leaves the messages of the form as a whole standing, even "your changes are saved".
    """
    schema = call.state.config.schema
    traits = filled(schema, sent_traits(body))
    if wrong := refusals(schema, traits):
        _empty_traits(flow)
        fill(flow.nodes, "profile", traits)
        raise Refused(*flow.messages, **wrong)
    require_csrf(call, flow, body)
    changed = deepcopy(session.identity)
    changed.traits = traits
    changed.follow_traits(schema, call.state.clock.now())
    if _reached_by(changed) != _reached_by(session.identity):
        _require_fresh_session(call, flow, session, body)
    if call.state.conflicts(changed):
        raise Refused(message(4000007))
    changed.state_changed_at = None  # Kratos forgets it here
    _save(call, changed)
    return True


def change_password(call: Call, flow: Flow, session: Session, body: Body) -> bool:
    password = str(body.get("password") or "")
    if password:
        require_csrf(call, flow, body)
        _require_fresh_session(call, flow, session, body)
    if problem := password_problem(password, session.identity.identifiers):
        raise Refused(password=problem)
    session.identity.set_config("password", {"hashed_password": hash_password(password)}, call.state.clock.now())
    return True


def change_totp(call: Call, flow: Flow, session: Session, body: Body) -> bool:
    """Links an authenticator app, whose code proves a second factor at once, or removes it."""
    require_csrf(call, flow, body)
    _require_fresh_session(call, flow, session, body)
    now, code = call.state.clock.now(), str(body.get("totp_code") or "")
    if _pressed(body, "totp_unlink") and "totp" in session.identity.credentials:
        del session.identity.credentials["totp"]
        return True
    if not code:
        raise Refused(totp_code=message(4000002, property="totp_code"))
    config = totp_config(flow.totp_secret, _account(session.identity))
    if not totp_matches(config, code, now):
        raise Refused(totp_code=message(4000008))
    session.identity.set_config("totp", config, now)
    session.methods.append(Method("totp", now))
    return True


def change_backup_codes(call: Call, flow: Flow, session: Session, body: Body) -> bool:
    """Makes and shows codes, keeps them, shows those that there are, or does away with them."""
    require_csrf(call, flow, body)
    _require_fresh_session(call, flow, session, body)
    identity, now = session.identity, call.state.clock.now()
    if _pressed(body, "lookup_secret_reveal"):
        if not backup_codes(identity):
            raise OryError(400, reason="there are no backup codes")
        codes = [one["code"] for one in backup_codes(identity)]
        buttons = [_backup_button("disable", 1050016), _backup_button("regenerate", 1050008)]
        return _show_codes(flow, codes, buttons)
    if _pressed(body, "lookup_secret_regenerate"):
        flow.new_codes = new_backup_codes()
        return _show_codes(flow, flow.new_codes, [_backup_button("confirm", 1050011)])
    if _pressed(body, "lookup_secret_confirm"):
        if not flow.new_codes:
            raise OryError(400, reason="no backup codes were made")
        identity.set_config("lookup_secret", backup_config(flow.new_codes), now)
        session.methods.append(Method("lookup_secret", now))
        return True
    if _pressed(body, "lookup_secret_disable"):
        identity.credentials.pop("lookup_secret", None)
        return True
    raise Refused(message(4010004))


CHANGES: dict[Any, Callable[[Call, Flow, Session, Body], bool]] = {
    "profile": change_profile,
    "password": change_password,
    "totp": change_totp,
    "lookup_secret": change_backup_codes,
}


PRESSED = {
    "totp_unlink": "totp",
    **{f"lookup_secret_{action}": "lookup_secret" for action in ("reveal", "regenerate", "confirm", "disable")},
}
"""The buttons that are not called `method`: their names tell it."""


def _pressed(body: Body, name: str) -> bool:
    return body.get(name) in (True, "true")


def _reached_by(identity: Identity) -> list[list[str]]:
    return [identity.identifiers, *([one.value for one in kept] for kept in (identity.verifiable, identity.recovery))]


def _save(call: Call, identity: Identity) -> None:
    identity.updated_at = microseconds(call.state.clock.now())
    call.state.save(identity)


def _require_fresh_session(call: Call, flow: Flow, session: Session, body: Body) -> None:
    """Raises the 403 that leads to signing in again, from where the change goes on by itself."""
    age = call.state.clock.now() - session.authenticated_at
    if age <= call.state.config.privileged_session_max_age * SECOND:
        return
    set_pending(call, flow, body)
    public = call.state.public_url
    query = {"refresh": "true", "return_to": f"{public}/self-service/settings?flow={flow.id}"}
    login = f"{public}/self-service/login/browser?{urlencode(query)}"
    raise OryError(
        403,
        "session_refresh_required",
        reason="the session is too old for this change",
        beside={"redirect_browser_to": login},
        browser_to=login,
    )


# ---- the forms


def settings_nodes(call: Call, flow: Flow) -> list[Node]:
    """Every form of the settings page, for the identity as it is now."""
    identity = flow.identity
    assert identity is not None  # a settings flow is begun for somebody
    profile = trait_nodes("profile", call.state.config.schema, identity.traits)
    password = [nodes.new_password(), nodes.submit("password", 1070003)]
    if backup_codes(identity):
        lookup = [_backup_button("reveal", 1050007), _backup_button("disable", 1050016)]
    else:
        lookup = [_backup_button("regenerate", 1050008)]
    if identity.config("totp"):
        totp = [nodes.submit("totp", 1050004, name="totp_unlink", value="true", required=True)]
    else:
        totp = _new_totp_nodes(flow, identity)
    return [*profile, nodes.submit("profile", 1070003), *password, *lookup, *totp]


def _new_totp_nodes(flow: Flow, identity: Identity) -> list[Node]:
    flow.totp_secret = pyotp.random_base32()
    url = totp_config(flow.totp_secret, _account(identity))["totp_url"]
    image = segno.make(url).png_data_uri(scale=4)
    qr_code = {"src": image, "id": "totp_qr", "width": QR_CODE_SIZE, "height": QR_CODE_SIZE}
    secret = message(1050006, secret=flow.totp_secret)
    return [
        nodes.node("totp", "img", qr_code, message(1050005)),
        nodes.text("totp", "totp_secret_key", secret, message(1050017)),
        nodes.field("totp", "totp_code", "text", message(1070006), required=True),
        nodes.submit("totp", 1070003),
    ]


def _account(identity: Identity) -> str:
    return (identity.identifiers or [identity.id])[0]


def _backup_button(action: str, label: int) -> Node:
    return nodes.submit("lookup_secret", label, name=f"lookup_secret_{action}", value="true")


def _show_codes(flow: Flow, codes: list[str], buttons: list[Node]) -> bool:
    """Codes and buttons take the place of the form for backup codes, at the end. Nothing is saved."""
    secrets = [message(1050009, secret=code) for code in codes]
    shown = {**message(1050015, codes=", ".join(codes)), "context": {"secrets": secrets}}
    others = [one for one in flow.nodes if one["group"] != "lookup_secret"]
    flow.nodes = [*others, nodes.text("lookup_secret", "lookup_secret_codes", shown, message(1050010)), *buttons]
    return False


def _empty_traits(flow: Flow) -> None:
    for one in flow.nodes:
        if one["attributes"].get("name", "").startswith("traits."):
            one["attributes"].pop("value", None)
