"""Creates and changes identities from the JSON of the admin API, validates it, and makes that JSON."""

from __future__ import annotations

from collections.abc import Set
from copy import deepcopy
from typing import Any

from .clock import truncate_to_microseconds
from .errors import OryError
from .identity import Identity
from .identity_schema import validate_traits
from .passwords import hash_password
from .state import State

WRITABLE = ("schema_id", "traits", "state", "metadata_public", "metadata_admin", "external_id")
STATES = ("active", "inactive")


def add_identity(state: State, content: dict[str, Any]) -> Identity:
    """Add the identity that the JSON describes. Raises `OryError` with status 400 or 409."""
    now = state.clock.now()
    identity = Identity("", {}, truncate_to_microseconds(now), truncate_to_microseconds(now), now)
    assign_content(state, identity, {**dict.fromkeys(WRITABLE), **content})
    import_credentials(identity, content.get("credentials") or {}, now)
    for wanted in content.get("verifiable_addresses") or []:
        for address in identity.verifiable_addresses:
            if address.value == wanted["value"] and wanted.get("verified"):
                address.mark_verified(now)
    state.save(identity)
    return identity


def change_identity(state: State, identity: Identity, content: dict[str, Any]) -> None:
    """Change the members in `content`, and no others. Raises `OryError` with status 400 or 409."""
    changed = deepcopy(identity)
    unchanged = {name: getattr(changed, name) for name in WRITABLE}
    assign_content(state, changed, {**unchanged, **content})
    state.save(changed)


def assign_content(state: State, identity: Identity, content: dict[str, Any]) -> None:
    """Assign all `WRITABLE` members from `content`, and update the login names, addresses and times.

    Raises `OryError` with status 400 if a member is invalid.
    """
    now, schema = state.clock.now(), state.config.schema
    defaults = {"schema_id": state.config.schema_id, "traits": {}, "state": "active"}
    content = {**content, **{name: content[name] or default for name, default in defaults.items()}}
    if content["schema_id"] != state.config.schema_id:
        raise OryError(400, reason=f"the schema {content['schema_id']!r} does not exist")
    if content["state"] not in STATES:
        raise OryError(400, reason="the state is neither active nor inactive")
    if problems := validate_traits(schema, content["traits"]):
        raise OryError(400, reason=f"{problems[0].field}: {problems[0].message['text']}")
    if content["state"] != identity.state:
        identity.state_changed_at = now
    for name in WRITABLE:
        setattr(identity, name, content[name])
    identity.update_from_traits(schema, now)
    updated_at = truncate_to_microseconds(now)
    if identity.id in state.identities:
        # Later than before even if the clock is stopped: clients compare this time to notice changes.
        updated_at = max(updated_at, identity.updated_at + 1000)
    identity.updated_at = updated_at


def import_credentials(identity: Identity, credentials: dict[str, Any], now: int) -> None:
    """Set credentials from JSON. A password becomes a hash."""
    for credential_type, content in credentials.items():
        config = dict(content.get("config") or {})
        if "password" in config:
            config = {"hashed_password": hash_password(config["password"])}
        identity.set_credential_config(credential_type, config, now)


def to_admin_json(
    state: State, identity: Identity, *, with_config: Set[str] = frozenset(), without_times: Set[str] = frozenset()
) -> dict[str, Any]:
    """The identity with its credentials.

    `with_config` names the credential types to show in full. `without_times` names those that were just saved: Kratos
    does not show their times yet.
    """
    credentials = {
        kind: credential.to_json(with_times=kind not in without_times, with_config=kind in with_config)
        for kind, credential in sorted(identity.credentials.items())
    }
    return {**to_list_json(state, identity), "credentials": credentials}


def to_list_json(state: State, identity: Identity) -> dict[str, Any]:
    """The identity without its credentials, as lists show it."""
    return {**identity.to_json(state.public_url), "metadata_admin": identity.metadata_admin}
