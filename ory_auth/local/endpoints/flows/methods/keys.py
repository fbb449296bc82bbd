"""What passkeys and security keys have in common: nodes, names, and reading the answers of a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ....http.exchange import Exchange
from ....model import nodes
from ....model.clock import SECOND
from ....model.errors import OryError
from ....model.factors import count_first_factors
from ....model.flow import Flow
from ....model.identity import Identity
from ....model.identity_schema import Schema, find_annotated_trait, kratos_annotations
from ....model.key_storage import StoredKey, remove_key, stored_keys
from ....model.messages import message
from ....model.nodes import Node
from ....model.webauthn_protocol import KeyChallenge, Method, NewKey, UnreadableAnswer, WrongAnswer, verify_new_key
from ..submission import InvalidSubmission

T = TypeVar("T")

LOCKED_OUT = "the last way to sign in cannot be removed"


# ---- nodes


def key_button(flow: Flow, group: str, name: str, label: int, trigger: str, argument: str = "", **more: Any) -> Node:
    """A button that starts a function of the page's script. Only browsers also get the old `onclick`."""
    attributes = {**more, "onclickTrigger": trigger}
    if flow.type == "browser":
        attributes["onclick"] = f"window.{trigger}({argument})"
    return nodes.input_field(group, name, "button", message(label), **attributes)


def hidden_field(group: str, name: str, **attributes: Any) -> Node:
    return nodes.input_field(group, name, "hidden", **attributes)


def remove_button(group: str, label: int, key: StoredKey, *, disabled: bool) -> Node:
    context = {
        "display_name": key.name,
        "added_at": key.added_at_text,
        "added_at_unix": key.added_at // SECOND,
    }
    node = nodes.input_field(group, f"{group}_remove", "submit", message(label, **context), value=key.id.hex())
    node["attributes"]["disabled"] = disabled
    return node


def username_field(identifier: Node) -> Node:
    """The input for the login name, in which browsers also offer passkeys."""
    identifier["attributes"]["autocomplete"] = "username webauthn"
    return identifier


# ---- names


def account_name(identity: Identity, schema: Schema) -> str:
    """The name of the account in the authenticator."""
    for rules, value in kratos_annotations(schema, identity.traits):
        credentials = rules.get("credentials", {})
        if credentials.get("passkey", {}).get("display_name") or credentials.get("webauthn", {}).get("identifier"):
            return value
    return next(iter(identity.identifiers), "")


def account_name_field(schema: Schema) -> str:
    """The name of the form field that becomes the name of the account."""
    rules = (("passkey", "display_name"), ("webauthn", "identifier"), ("password", "identifier"))
    found = (find_annotated_trait(schema, credential, rule) for credential, rule in rules)
    return next((name for name in found if name), "")


# ---- answers


def find_challenge(flow: Flow, method: Method) -> KeyChallenge:
    """The challenge of this flow. Raises `OryError` if it has been used: in Kratos, too, this is an internal error."""
    challenge = flow.key_challenges.get(method)
    if challenge is None:
        raise OryError(500, reason="the challenge of this flow has been used")
    return challenge


def read_answer(read: Callable[[], T]) -> T:
    """The result of `read`. Raises `InvalidSubmission` if the answer is unreadable or wrong."""
    try:
        return read()
    except UnreadableAnswer:
        raise InvalidSubmission(message(4000001, reason="Unable to parse WebAuthn response.")) from None
    except WrongAnswer:
        raise InvalidSubmission(message(4000008)) from None


def read_new_key(exchange: Exchange, flow: Flow, method: Method, answer: str) -> tuple[NewKey, KeyChallenge]:
    """The new key in an answer, and the challenge that it belongs to.

    Raises `InvalidSubmission` if the answer is unreadable. A wrong one is an internal error in Kratos, too: `OryError`.
    """
    challenge = find_challenge(flow, method)
    try:
        return verify_new_key(exchange.state.config, challenge, answer), challenge
    except UnreadableAnswer:
        reason = "Unable to parse WebAuthn response: parse error for registration"
        raise InvalidSubmission(message(4000001, reason=reason)) from None
    except WrongAnswer as error:
        raise OryError(500, reason=f"Unable to create WebAuthn credential: {error}") from None


# ---- settings


def remove(exchange: Exchange, identity: Identity, method: Method, key_id: str, missing: str) -> None:
    """Remove a key. Raises `InvalidSubmission` if it does not exist, or if it is the last way to sign in."""
    config = exchange.state.config
    key = next((key for key in stored_keys(identity, method) if key.id.hex() == key_id), None)
    if key is None:
        raise InvalidSubmission(message(4000001, reason=missing))
    if key.is_passwordless and count_first_factors(identity, config) < 2:
        raise InvalidSubmission(webauthn_remove=message(4000001, reason=LOCKED_OUT))
    remove_key(identity, method, key_id, exchange.state.clock.now())
