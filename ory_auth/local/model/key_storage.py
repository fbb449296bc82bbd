"""Passkeys and security keys as Kratos stores them: in the config of the credentials `passkey` and `webauthn`.

https://www.ory.com/docs/kratos/passwordless/passkeys
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from .clock import SECOND, parse_rfc3339, rfc3339
from .identity import Credential, Identity

UNNAMED = "unnamed"
AUTHENTICATOR_NAMES = {
    # AAGUID → name. A longer list: https://github.com/passkeydeveloper/passkey-authenticator-aaguids
    "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4": "Google Password Manager",
    "adce0002-35bc-c60a-648b-0b25f1f05503": "Chrome on Mac",
    "b5397666-4885-aa6b-cebf-e52262a439a2": "Chromium Browser",
    "771b48fd-d3d4-4f74-9232-fc157ab0507a": "Edge on Mac",
    "08987058-cadc-4b81-b6e1-30de50dcbe96": "Windows Hello",
    "9ddd1817-af5a-4672-a2b9-3e3dd95000a9": "Windows Hello",
    "6028b017-b1d4-4c02-b4b3-afcdafc96bb2": "Windows Hello",
    "fbfc3007-154e-4ecc-8c0b-6e020557d7bd": "iCloud Keychain",
    "dd4ec289-e01d-41c9-bb89-70fa845d4bf2": "iCloud Keychain (Managed)",
    "53414d53-554e-4700-0000-000000000000": "Samsung Pass",
    "bada5566-a7aa-401f-bd96-45619a55120d": "1Password",
    "d548826e-79b4-db40-a3d8-11116f7e8349": "Bitwarden",
    "531126d6-e717-415c-9320-3d9aa6981239": "Dashlane",
    "0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6": "Keeper",
    "b84e4048-15dc-4dd0-8640-f4f60813c8af": "NordPass",
}


@dataclass(frozen=True)
class StoredKey:
    """A passkey or a security key. `added_at` is in nanoseconds. `is_passwordless`: it is enough to begin a session."""

    id: bytes
    public_key: bytes
    aaguid: str
    added_at: int
    is_passwordless: bool
    display_name: str = ""

    @property
    def name(self) -> str:
        """The name that the person has chosen, or that of the authenticator."""
        return self.display_name or AUTHENTICATOR_NAMES.get(self.aaguid, UNNAMED)

    @property
    def added_at_text(self) -> str:
        return rfc3339(self.added_at // SECOND * SECOND)

    def to_config(self) -> dict[str, Any]:
        return {
            "id": _encode(self.id),
            "public_key": _encode(self.public_key),
            "attestation_type": "none",
            "authenticator": {"aaguid": self.aaguid, "sign_count": 0, "clone_warning": False},
            "display_name": self.display_name or AUTHENTICATOR_NAMES.get(self.aaguid, ""),
            "added_at": self.added_at_text,
            "added_at_nanoseconds": self.added_at,
            "is_passwordless": self.is_passwordless,
        }


def stored_keys(identity: Identity, credential_type: str) -> list[StoredKey]:
    """The keys of an identity. `credential_type` is "passkey" or "webauthn"."""
    return [
        StoredKey(
            _decode(stored["id"]),
            _decode(stored["public_key"]),
            stored["authenticator"]["aaguid"],
            stored.get("added_at_nanoseconds") or parse_rfc3339(stored["added_at"]),
            stored["is_passwordless"],
            stored["display_name"],
        )
        for stored in identity.credential_config(credential_type).get("credentials", [])
    ]


def add_key(identity: Identity, credential_type: str, key: StoredKey, user_handle: str, now: int) -> None:
    """Add a key to an identity. The authenticator knows the identity by the `user_handle`."""
    stored = identity.credential_config(credential_type).get("credentials", [])
    config = {"credentials": [*stored, key.to_config()], "user_handle": _encode(user_handle.encode())}
    identity.set_credential_config(credential_type, config, now)
    credential = identity.credentials[credential_type]
    if credential_type == "passkey":
        known = [] if credential.identifiers == [identity.id] else credential.identifiers
        credential.identifiers = [*known, user_handle]


def remove_key(identity: Identity, credential_type: str, key_id: str, now: int) -> bool:
    """Remove the key with this ID in hexadecimal. Returns whether the identity has it."""
    keys = stored_keys(identity, credential_type)
    remaining = [key for key in keys if key.id.hex() != key_id]
    if len(remaining) == len(keys):
        return False
    if remaining:
        config = {**identity.credential_config(credential_type), "credentials": [key.to_config() for key in remaining]}
        identity.set_credential_config(credential_type, config, now)
    else:
        del identity.credentials[credential_type]
    return True


def remove_second_factor_keys(identity: Identity, now: int) -> None:
    """Remove the security keys that are a second factor, and keep those that are enough to sign in."""
    for key in stored_keys(identity, "webauthn"):
        if not key.is_passwordless:
            remove_key(identity, "webauthn", key.id.hex(), now)


def has_user_handle(credential: Credential, user_handle: str) -> bool:
    handle = credential.config.get("user_handle", "")
    return user_handle in credential.identifiers or handle == _encode(user_handle.encode())


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text)
