"""Reads identities and sessions from the JSON that :mod:`.json_api` returns."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from uuid import UUID

from ..exceptions import OryResponseInvalid
from ..types import Identity, OrySession


def read_identity(data: dict[str, Any], expected: UUID | None = None) -> Identity:
    """The identity in Ory's JSON. Raises :class:`OryResponseInvalid`, also if it is not the expected one."""
    identity = None
    with suppress(ValueError):
        identity = Identity.from_json(json.dumps(data).encode())
    del data  # the frame of an error must hold no traits
    if identity is None:
        raise OryResponseInvalid("Ory's response is not an identity.", status=200)
    if expected is not None and identity.id != expected:
        del identity
        raise OryResponseInvalid("Ory's response is about another identity.", status=200)
    return identity


def read_session(data: dict[str, Any]) -> OrySession:
    """The session in Ory's JSON. Raises :class:`OryResponseInvalid`."""
    session = None
    with suppress(ValueError):
        session = OrySession.from_json(json.dumps(data).encode())
    del data
    if session is None:
        raise OryResponseInvalid("Ory's response is not a session.", status=200)
    return session
