"""An identity as the JSON document to which Kratos applies a JSON Patch: with its credentials and addresses in full."""

from __future__ import annotations

from typing import Any

from .clock import rfc3339, truncate_to_microseconds
from .errors import OryError
from .identity import SECOND_FACTORS, Credential, Identity
from .identity_changes import STATES, WRITABLE, assign_content, set_verification
from .state import State


def to_document(identity: Identity) -> dict[str, Any]:
    """The document. It shares no objects with the identity if that is a copy."""
    return {
        **{name: getattr(identity, name) for name in WRITABLE},
        "credentials": {
            kind: {**credential.to_json(with_times=True, with_config=True), "config": credential.config}
            for kind, credential in identity.credentials.items()
        },
        "verifiable_addresses": [address.to_json() for address in identity.verifiable_addresses],
        "recovery_addresses": [address.recovery_json() for address in identity.recovery_addresses],
    }


def apply_document(state: State, identity: Identity, document: dict[str, Any]) -> set[str]:
    """Change the identity to what the document says. Returns the types of the credentials that were replaced.

    As in Kratos, a replaced credential has only what its new value says: without `identifiers`, a second factor is
    never found. Raises `OryError` with status 400.
    """
    if (document.get("state") or "active") not in STATES:
        raise OryError(400, reason="the state is neither active nor inactive", message="identity state is not valid")
    replaced = _apply_credentials(state, identity, document.get("credentials") or {})
    assign_content(state, identity, {name: document.get(name) for name in WRITABLE})
    _apply_addresses(identity, document.get("verifiable_addresses"), state.clock.now())
    return replaced


def _apply_credentials(state: State, identity: Identity, documents: dict[str, Any]) -> set[str]:
    now, replaced, credentials = truncate_to_microseconds(state.clock.now()), set(), {}
    for kind, document in documents.items():
        if not isinstance(document, dict):
            raise _not_applicable("json: a credential that must be an object is none")
        old, config = identity.credentials.get(kind), document.get("config")
        identifiers = document.get("identifiers") or []
        if state.config.is_newer and kind in SECOND_FACTORS:
            identifiers = identifiers or [identity.id]
        if old and document.get("created_at") == rfc3339(old.created_at):
            credentials[kind] = Credential(kind, identifiers, config or {}, old.created_at, old.updated_at)
        else:
            credentials[kind] = Credential(kind, identifiers, config or {}, now, now)
            replaced.add(kind)
    identity.credentials = credentials
    return replaced


def _apply_addresses(identity: Identity, documents: Any, now: int) -> None:
    by_value = {one.get("value"): one for one in documents or [] if isinstance(one, dict)}
    for address in identity.verifiable_addresses:
        document = by_value.get(address.value)
        if document and (document.get("verified"), document.get("status")) != (address.verified, address.status):
            set_verification(address, document, now)


def _not_applicable(message: str) -> OryError:
    return OryError(400, reason="the JSON patch cannot be applied", message=message)
