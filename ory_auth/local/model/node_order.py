"""The order of the nodes in a form. Kratos sorts a new form, and sorts it again after an invalid submission."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .identity_schema import OBJECT, Schema, declared_traits
from .nodes import Node

LOGIN_GROUPS = ("oidc", "default", "webauthn", "passkey", "code", "password", "totp", "lookup_secret")
LOGIN_NAMES = ("csrf_token", "identifier", "password")
REGISTRATION_GROUPS = ("oidc", "saml", "default", "webauthn", "passkey", "code", "password", "captcha", "profile")
REGISTRATION_NAMES = ("webauthn_remove", "webauthn_register_displayname", "webauthn_register")
SETTINGS_GROUPS = ("default", "profile", "password", "oidc", "lookup_secret", "webauthn", "passkey", "totp")
SETTINGS_NAMES = (
    "lookup_secret_reveal",
    "lookup_secret_regenerate",
    "lookup_secret_codes",
    "lookup_secret_confirm",
    "webauthn_remove",
    "webauthn_register_displayname",
    "webauthn_register",
    "passkey_remove",
    "passkey_register",
    "totp_qr",
    "totp_secret_key",
    "totp_unlink",
    "totp_code",
)


def sort_login_nodes(form: list[Node]) -> list[Node]:
    return _sort_nodes(form, LOGIN_GROUPS, LOGIN_NAMES)


def sort_registration_nodes(form: list[Node], schema: Schema) -> list[Node]:
    first_trait, *other_traits = trait_names(schema) or ["traits"]
    names = ("csrf_token", first_trait, "password", *other_traits, *REGISTRATION_NAMES)
    return _sort_nodes(form, REGISTRATION_GROUPS, names)


def sort_settings_nodes(form: list[Node], schema: Schema) -> list[Node]:
    return _sort_nodes(form, SETTINGS_GROUPS, (*trait_names(schema), *SETTINGS_NAMES))


def trait_names(schema: Schema) -> list[str]:
    """The names of the fields for traits, in the order of the schema."""
    return [trait.name for trait in declared_traits(schema) if trait.kind != OBJECT]


def _sort_nodes(form: list[Node], groups: Sequence[str], names: Sequence[str]) -> list[Node]:
    """Sort by group, then by name within each group, then by value. Unknown groups come first, `method` comes last.

    Kratos also compares neighbours of which one is in the group "default" and the other in "password".
    """

    def key(node: Node) -> tuple[int, str]:
        return _name_position(node, names), _value_text(node)

    ordered = sorted(form, key=lambda node: groups.index(node["group"]) if node["group"] in groups else -1)
    for end in range(1, len(ordered)):
        index = end
        while (
            index
            and _are_compared(ordered[index], ordered[index - 1])
            and key(ordered[index]) < key(ordered[index - 1])
        ):
            ordered[index - 1 : index + 1] = ordered[index], ordered[index - 1]
            index -= 1
    return ordered


def _are_compared(one: Node, other: Node) -> bool:
    return one["group"] == other["group"] or {one["group"], other["group"]} == {"default", "password"}


def _name_position(node: Node, names: Sequence[str]) -> int:
    name = node_name(node)
    if name == "method":
        return len(names) + 1
    return next((number for number, start in enumerate(names) if name.startswith(start)), len(names))


def node_name(node: Node) -> str:
    """What identifies a node: the name of an input, the `id` of anything else."""
    attributes = node["attributes"]
    return str(attributes.get("name") or attributes.get("id") or "")


def _value_text(node: Node) -> str:
    """The value as Go prints it. A CSRF token is random, so it counts as greater than any other value."""
    value: Any = node["attributes"].get("value")
    if node_name(node) == "csrf_token":
        return "\U0010ffff"
    if isinstance(value, bool):
        return str(value).lower()
    return "<nil>" if value is None else str(value)
