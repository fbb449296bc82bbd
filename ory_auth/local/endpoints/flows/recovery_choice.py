"""The screens of a recovery in which the person chooses where the code goes: `feature_flags.choose_recovery_address`.

Addresses are masked. A person who chooses another address than the one they have entered must enter it in full.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from ...http.cookies import mask_csrf_token
from ...http.exchange import Exchange
from ...model import nodes
from ...model.errors import OryError
from ...model.flow import Body, Flow
from ...model.mailbox import CODE_LENGTH
from ...model.messages import message
from ...model.nodes import Node
from .address_flow import continue_button, hidden_method, is_address, resend_button
from .submission import InvalidSubmission

AWAITING_ADDRESS = "recovery_awaiting_address"
AWAITING_CHOICE = "recovery_awaiting_address_choice"
CONFIRMING_ADDRESS = "recovery_confirming_address"
AWAITING_CODE = "recovery_awaiting_code"
STATES = (AWAITING_ADDRESS, AWAITING_CHOICE, CONFIRMING_ADDRESS, AWAITING_CODE)

SendCode = Callable[[Exchange, Flow, str], None]


def submit(exchange: Exchange, flow: Flow, body: Body, send_code: SendCode) -> None:
    """Carry out a submission: show the next screen. Raises `InvalidSubmission` or `OryError`."""
    address = str(body.get("recovery_address") or "")
    if body.get("screen") == "previous":
        if len(_known_addresses(exchange, address)) > 1 and flow.state in (CONFIRMING_ADDRESS, AWAITING_CODE):
            _submit_address(exchange, flow, address, send_code)
        else:
            show_address_screen(exchange, flow)
    elif flow.state == AWAITING_ADDRESS:
        _submit_address(exchange, flow, address, send_code)
    elif flow.state == AWAITING_CHOICE:
        _submit_choice(exchange, flow, address, str(body.get("recovery_select_address") or ""), send_code)
    else:
        _submit_whole_address(exchange, flow, address, str(body.get("recovery_confirm_address") or ""), send_code)


def _submit_address(exchange: Exchange, flow: Flow, address: str, send_code: SendCode) -> None:
    _require("recovery_address", address)
    known = _known_addresses(exchange, address) or [address]  # an unknown address looks like a known one
    if known == [address]:
        _submit_whole_address(exchange, flow, address, address, send_code)
        return
    flow.state, flow.messages = AWAITING_CHOICE, [message(1060006)]
    choices = [_choice_button(one) for one in sorted(known)]
    flow.set_form([*choices, hidden_method("code"), _hidden_address(address)])


def _submit_choice(exchange: Exchange, flow: Flow, address: str, chosen_hash: str, send_code: SendCode) -> None:
    _require("recovery_select_address", chosen_hash)
    _require("recovery_address", address)
    if chosen_hash == hash_address(address):
        _submit_whole_address(exchange, flow, address, address, send_code)
        return
    matches = (one for one in _known_addresses(exchange, address) if hash_address(one) == chosen_hash)
    chosen = next(matches, None)
    if chosen is None:
        raise OryError(400, reason="the selected recovery address is not valid")
    flow.state, flow.messages = CONFIRMING_ADDRESS, [message(1060005)]
    input_type, label = ("email", 1070007) if "@" in chosen else ("tel", 1070017)
    field = nodes.input_field("code", "recovery_confirm_address", input_type, message(label), value="", required=True)
    flow.set_form([field, _hidden_address(address), continue_button("code"), hidden_method("code"), _back_button()])


def _submit_whole_address(exchange: Exchange, flow: Flow, address: str, whole: str, send_code: SendCode) -> None:
    """Send the code to the whole address. Whether it is known stays secret."""
    _require("recovery_confirm_address", whole)
    send_code(exchange, flow, whole)
    flow.state = AWAITING_CODE
    flow.messages = [message(1060004, masked_address=mask_address(whole))]
    flow.set_form(
        [
            code_field(),
            continue_button("code"),
            hidden_method("code"),
            resend_button("recovery_confirm_address", whole),
            _hidden_address(address),
            _back_button(),
        ]
    )


def show_address_screen(exchange: Exchange, flow: Flow) -> None:
    """The first screen."""
    flow.state, flow.messages = AWAITING_ADDRESS, []
    field = nodes.input_field("code", "recovery_address", "text", message(1070016), required=True)
    flow.set_form([field, continue_button("code")])
    if flow.type == "browser":
        nodes.find_or_add(flow.nodes, "csrf_token")["attributes"]["value"] = mask_csrf_token(exchange.csrf_token)


def _require(field: str, value: str) -> None:
    if not value:
        missing: dict[str, Any] = {field: message(4000002, property=field)}
        raise InvalidSubmission(**missing)


def _known_addresses(exchange: Exchange, address: str) -> list[str]:
    """All recovery addresses of the identity to which this one belongs. Empty if it is unknown."""
    for identity in exchange.state.identities.values():
        if any(is_address(known, address) for known in identity.recovery_addresses):
            return [known.value for known in identity.recovery_addresses]
    return []


def mask_address(address: str) -> str:
    """The beginning of the address, and its domain or last digits. Very short ones are not masked."""
    name, at, domain = address.partition("@")
    if at:
        return f"{name[:2]}****@{domain}" if len(name) > 1 else address
    return f"{address[:3]}****{address[-2:]}" if len(address) > 5 else address


def hash_address(address: str) -> str:
    """What a button sends instead of the address."""
    return base64.b64encode(hashlib.sha256(address.encode()).digest()).decode()


# ---- nodes


def code_field() -> Node:
    label = message(1070010)
    return nodes.input_field("code", "code", "text", label, required=True, pattern="[0-9]+", maxlength=CODE_LENGTH)


def _choice_button(address: str) -> Node:
    label = {"id": 1070000, "text": mask_address(address), "type": "info"}  # a label without a context
    value = hash_address(address)
    return nodes.input_field("code", "recovery_select_address", "submit", label, value=value)


def _hidden_address(address: str) -> Node:
    return nodes.input_field("code", "recovery_address", "hidden", value=address)


def _back_button() -> Node:
    return nodes.submit_button("code", 1060007, name="screen", value="previous")
