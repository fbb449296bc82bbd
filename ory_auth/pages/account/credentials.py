"""What a person signs in with, as the settings flow of Ory lists it. Reads Ory's JSON; no I/O.

The names and times are in the labels of the buttons that remove a credential:
https://www.ory.com/docs/kratos/concepts/ui-messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .session_list import name_provider

UNNAMED = {"", "unnamed"}  # Kratos' name for a passkey whose authenticator it does not know
MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class Key:
    """A passkey or security key. ``name`` is empty if it has none; ``added_at`` is ``None`` if that is not known."""

    name: str
    added_at: datetime | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the settings flow says. ``offered`` are the groups of the flow, such as "password" and "totp"."""

    offered: frozenset[str]
    passkeys: tuple[Key, ...]
    security_keys: tuple[Key, ...]
    accounts: tuple[tuple[str, str], ...]  # connected accounts: the ID of the provider, and its name
    has_authenticator_app: bool
    has_backup_codes: bool

    @property
    def has_second_step(self) -> bool:
        return bool(self.has_authenticator_app or self.security_keys or self.has_backup_codes)


def read_credentials(flow: Mapping[str, Any]) -> Credentials:
    """The credentials in the JSON of a settings flow. What has an unexpected form is left out."""
    nodes = list(_read_nodes(flow))
    names = {name for _, name, _, _ in nodes}
    return Credentials(
        offered=frozenset(group for group, _, _, _ in nodes),
        passkeys=tuple(_read_key(context) for _, name, _, context in nodes if name == "passkey_remove"),
        security_keys=tuple(_read_key(context) for _, name, _, context in nodes if name == "webauthn_remove"),
        accounts=tuple(_read_account(context, value) for _, name, value, context in nodes if name == "unlink"),
        has_authenticator_app="totp_unlink" in names,
        has_backup_codes=bool(names & {"lookup_secret_reveal", "lookup_secret_disable"}),
    )


def _read_nodes(flow: Mapping[str, Any]) -> Iterator[tuple[str, str, object, Mapping[str, Any]]]:
    """The group, name, value and the label's context of each node but the script."""
    ui = flow.get("ui")
    nodes = ui.get("nodes") if isinstance(ui, dict) else None
    for node in nodes if isinstance(nodes, list) else []:
        attributes = node.get("attributes") if isinstance(node, dict) else None
        if isinstance(attributes, dict) and attributes.get("node_type") != "script":  # of passkeys, but in webauthn
            name = attributes.get("name") or attributes.get("id")
            yield str(node.get("group")), str(name), attributes.get("value"), _read_context(node)


def _read_context(node: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = node.get("meta")
    label = meta.get("label") if isinstance(meta, dict) else None
    context = label.get("context") if isinstance(label, dict) else None
    return context if isinstance(context, dict) else {}


def _read_key(context: Mapping[str, Any]) -> Key:
    name = context.get("display_name")
    text = name.strip()[:MAX_NAME] if isinstance(name, str) else ""
    return Key("" if text in UNNAMED else text, read_time(context.get("added_at")))


def _read_account(context: Mapping[str, Any], value: object) -> tuple[str, str]:
    label = context.get("provider")
    return str(value), label[:MAX_NAME] if isinstance(label, str) and label else name_provider(value)


def read_time(value: object) -> datetime | None:
    """A time with a zone in Ory's JSON, or ``None``."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return time if time is not None and time.tzinfo is not None and time.year > 1 else None
