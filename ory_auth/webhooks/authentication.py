"""Which calls of ``ory_auth:webhook`` come from Ory: those that know one of ``WEBHOOK_SECRETS``."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from hmac import compare_digest

from ..conf import Secret


def is_authentic(authorization: str, secrets: Sequence[Secret]) -> bool:
    """Whether an ``Authorization`` header has one of the secrets, as a Bearer token or as the password of basic auth.

    The time that it takes depends on no secret, nor on which of them matches.
    """
    presented = _read_secret(authorization)
    matches = [compare_digest(presented, secret.reveal().encode()) for secret in secrets]
    return any(matches)


def _read_secret(authorization: str) -> bytes:
    scheme, _, value = authorization.partition(" ")
    value = value.strip()
    match scheme.lower():
        case "bearer":
            return value.encode(errors="replace")
        case "basic":
            try:
                return base64.b64decode(value, validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return b""
        case _:
            return b""
