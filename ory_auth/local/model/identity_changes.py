"""Creates and changes identities from the JSON of the admin API, validates it, and makes that JSON."""

from __future__ import annotations

from collections.abc import Set
from copy import deepcopy
from typing import Any

from .clock import parse_rfc3339, truncate_to_microseconds
from .credential_import import import_credentials
from .errors import OryError
from .identity import Address, Identity
from .identity_schema import Problem, validate_traits
from .state import State

WRITABLE = ("schema_id", "traits", "state", "metadata_public", "metadata_admin", "external_id", "organization_id")
STATES = ("active", "inactive")


class InvalidTraits(OryError):
    """The schema refuses the traits. As in Kratos, the reason has JSON pointers, and the refused values."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(400, reason="\n  ".join(problem.text for problem in problems))
        self.problems = problems

    @property
    def summary(self) -> str:
        return f"{self.problems[0].field}: {self.problems[0].message['text']}"


def add_identity(state: State, content: dict[str, Any]) -> Identity:
    """Add the identity that the JSON describes. Raises `OryError` with status 400, 409, or 500."""
    identity = new_identity(state, content)
    complete_identity(state, identity, content)
    state.save(identity)
    return identity


def new_identity(state: State, content: dict[str, Any]) -> Identity:
    """An identity with the credentials in the JSON, and nothing else yet.

    Raises `OryError` for what makes Kratos refuse a whole batch: a hash in an unknown format, a password that is too
    long, and an unknown state.
    """
    if (content.get("state") or "active") not in STATES:
        raise OryError(400, reason="identity state is not valid")
    now = state.clock.now()
    identity = Identity("", {}, truncate_to_microseconds(now), truncate_to_microseconds(now), now)
    import_credentials(identity, content.get("credentials") or {}, now, newer=state.config.is_newer)
    return identity


def complete_identity(state: State, identity: Identity, content: dict[str, Any]) -> None:
    """Fill in everything else that the JSON says. Raises `OryError` (400) if the schema refuses the traits."""
    assign_content(state, identity, {**dict.fromkeys(WRITABLE), **content})
    for wanted in content.get("verifiable_addresses") or []:
        _import_address(identity, wanted, state.clock.now())


def _import_address(identity: Identity, wanted: dict[str, Any], now: int) -> None:
    """Note the status of an address. As in Kratos, nothing happens unless `value` and `via` are those of a trait."""
    value = str(wanted.get("value", "")).strip().lower()
    for address in identity.verifiable_addresses:
        if address.value == value and address.via == wanted.get("via"):
            set_verification(address, wanted, now)


def set_verification(address: Address, wanted: dict[str, Any], now: int) -> None:
    """Set the members of the JSON of an address that say whether it is verified."""
    address.verified = bool(wanted.get("verified"))
    address.status = wanted.get("status") or ("completed" if address.verified else "pending")
    verified_at = wanted.get("verified_at")
    address.verified_at = (parse_rfc3339(verified_at) if verified_at else now) if address.verified else None


def apply_hook_answer(state: State, identity: Identity, changes: dict[str, Any]) -> None:
    """Change an identity as the answer of a web hook says, which is not validated here.

    As in Kratos, null and empty values change nothing, except for `external_id`. Raises `OryError` (400) if the schema
    does not exist.
    """
    now = state.clock.now()
    for name in ("schema_id", "state", "traits", "metadata_public", "metadata_admin"):
        if changes.get(name) not in (None, "", {}):
            setattr(identity, name, changes[name])
    if "external_id" in changes:
        identity.external_id = changes["external_id"] or None
    if identity.schema_id != state.config.schema_id:
        raise OryError(400, reason=f"Unable to find JSON Schema ID: {identity.schema_id}")
    identity.update_from_traits(state.config.schema, now)
    for wanted in changes.get("verifiable_addresses") or []:
        _import_address(identity, wanted, now)


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
        raise InvalidTraits(problems)
    if content["state"] != identity.state:
        identity.state_changed_at = now
    for name in WRITABLE:
        setattr(identity, name, content[name])
    identity.external_id = identity.external_id or None
    identity.update_from_traits(schema, now)
    updated_at = truncate_to_microseconds(now)
    if identity.id in state.identities:
        # Later than before even if the clock is stopped: clients compare this time to notice changes.
        updated_at = max(updated_at, identity.updated_at + 1000)
    identity.updated_at = updated_at


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
