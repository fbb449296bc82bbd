"""What a link stores of its identity, so that lists and filters need no call to Ory."""

from __future__ import annotations

from typing import Any

from ..models import OryIdentity
from ..types import Identity
from .database import stored_time
from .query import last_change


def identity_columns(identity: Identity, using: str) -> dict[str, Any]:
    """The columns of ``OryIdentity`` that hold this state of the identity."""
    return {
        "updated_at": stored_time(last_change(identity), using),
        "state": identity.state[: OryIdentity._meta.get_field("state").max_length],
        "has_verified_address": any(address.get("verified") is True for address in identity.verifiable_addresses),
    }
