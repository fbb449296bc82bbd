"""Identities in the admin API's JSON: read from it, and written to it."""

from __future__ import annotations

from collections.abc import Set
from copy import deepcopy
from typing import Any

from .clock import microseconds
from .errors import OryError
from .identity import Identity
from .identity_schema import problems
from .passwords import hash_password
from .state import State

WRITABLE = ("schema_id", "traits", "state", "metadata_public", "metadata_admin", "external_id")


STATES = ("active", "inactive")


def add_identity(state: State, content: dict[str, Any]) -> Identity:
    """Add the identity that the admin API's JSON describes; raises the error 400 or 409."""
    now = state.clock.now()
    identity = Identity("", {}, microseconds(now), microseconds(now), now)
    assign_content(state, identity, {**dict.fromkeys(WRITABLE), **content})
    import_credentials(identity, content.get("credentials") or {}, now)
    for given in content.get("verifiable_addresses") or []:
        for address in identity.verifiable:
            if address.value == given["value"] and given.get("verified"):
                address.verify(now)
    state.save(identity)
    return identity


def change_identity(state: State, identity: Identity, content: dict[str, Any]) -> None:
    """Give the identity what `content` says, and leave the rest as it is; raises the error 400 or 409."""
    changed = deepcopy(identity)
    assign_content(state, changed, {**{name: getattr(changed, name) for name in WRITABLE}, **content})
    state.save(changed)


def assign_content(state: State, identity: Identity, content: dict[str, Any]) -> None:
    """Give the identity what `content` says, all of `WRITABLE`, and what follows from its traits."""
    now, schema = state.clock.now(), state.config.schema
    defaults = {"schema_id": state.config.schema_id, "traits": {}, "state": "active"}
    content = {**content, **{name: content[name] or default for name, default in defaults.items()}}
    if content["schema_id"] != state.config.schema_id:
        raise OryError(400, reason=f"there is no schema {content['schema_id']!r}")
    if content["state"] not in STATES:
        raise OryError(400, reason="the state is neither active nor inactive")
    if wrong := problems(schema, content["traits"]):
        raise OryError(400, reason=f"{wrong[0].field}: {wrong[0].message['text']}")
    if content["state"] != identity.state:
        identity.state_changed_at = now
    for name in WRITABLE:
        setattr(identity, name, content[name])
    identity.follow_traits(schema, now)
    # Later than before, even while the clock stands still: whoever follows identities goes by that.
    known = identity.id in state.identities
    identity.updated_at = max(microseconds(now), identity.updated_at + 1000) if known else microseconds(now)


def import_credentials(identity: Identity, credentials: dict[str, Any], now: int) -> None:
    for kind, content in credentials.items():
        config = dict(content.get("config") or {})
        if "password" in config:
            config = {"hashed_password": hash_password(config["password"])}
        identity.set_config(kind, config, now)


def to_admin_json(
    state: State, identity: Identity, *, configs: Set[str] = frozenset(), unstamped: Set[str] = frozenset()
) -> dict[str, Any]:
    """The identity as the admin sees it.

    `configs` names the credentials to show in full, `unstamped` those whose times Kratos does not know yet.
    """
    credentials = {
        kind: credential.json(stamped=kind not in unstamped, with_config=kind in configs)
        for kind, credential in sorted(identity.credentials.items())
    }
    return {**to_list_json(state, identity), "credentials": credentials}


def to_list_json(state: State, identity: Identity) -> dict[str, Any]:
    return {**identity.json(state.public_url), "metadata_admin": identity.metadata_admin}
