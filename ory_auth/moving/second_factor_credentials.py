"""Second factors as Ory stores them. Pure functions."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

SECOND_STEPS = frozenset({"totp", "lookup_secret", "webauthn"})  # what Ory asks for after the password
DIGITS, PERIOD = 6, 30  # the only ones that Ory checks, with SHA-1, whatever an otpauth:// URL says


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """The second factors of one user. ``lost`` are the kinds of those that cannot move, with the reason for each."""

    totp_secret: str = field(default="", repr=False)  # Base32
    recovery_codes: tuple[str, ...] = field(default=(), repr=False)
    security_keys: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    passkeys: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    user_handle: bytes = field(default=b"", repr=False)  # of the keys, which an authenticator returns
    lost: tuple[tuple[str, str], ...] = ()

    @property
    def user_handle_text(self) -> str:
        return self.user_handle.decode()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types of credentials at Ory."""
        kinds = {
            "totp": self.totp_secret,
            "lookup_secret": self.recovery_codes,
            "webauthn": self.security_keys,
            "passkey": self.passkeys,
        }
        return tuple(kind for kind, value in kinds.items() if value)


def read_hex_secret(key: str) -> str:
    """A secret of django-otp, as Base32. Raises ``ValueError``."""
    return _encode_secret(binascii.unhexlify(key))


def read_base32_secret(text: str) -> str:
    """A secret of django-allauth, without spaces and padding. Raises ``ValueError``."""
    letters = re.sub(r"[\s=]", "", text).upper()
    return _encode_secret(base64.b32decode(letters + "=" * (-len(letters) % 8)))


def _encode_secret(raw: bytes) -> str:
    if not raw:
        raise ValueError("the secret is empty")
    return base64.b32encode(raw).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A security key or passkey. ``credential_data`` is WebAuthn's attested credential data: the public key and its ID.

    Follows https://www.w3.org/TR/webauthn-2/#sctn-attested-credential-data.
    """

    credential_data: bytes = field(repr=False)
    name: str = field(repr=False)
    is_passkey: bool
    added_at: str = "1970-01-01T00:00:00Z"
    counter: int = 0
    flags: int | None = None  # of the authenticator data. Without them, Ory reads them at the first sign-in


def convert_key(key: StoredKey) -> dict[str, Any]:
    """One element of ``credentials`` as Kratos stores it. Raises ``ValueError``."""
    data = key.credential_data
    length = int.from_bytes(data[16:18], "big")
    if len(data) <= 18 + length or not length:
        raise ValueError("the credential data is too short")
    converted: dict[str, Any] = {
        "id": _encode(data[18 : 18 + length]),
        "public_key": _encode(data[18 + length :]),
        "attestation_type": "none",
        "authenticator": {"aaguid": _encode(data[:16]), "sign_count": key.counter, "clone_warning": False},
        "display_name": key.name,
        "added_at": key.added_at,
        "is_passwordless": key.is_passkey,
    }
    if key.flags is not None:
        bits = {"user_present": 0x01, "user_verified": 0x04, "backup_eligible": 0x08, "backup_state": 0x10}
        converted["flags"] = {name: bool(key.flags & bit) for name, bit in bits.items()}
    return converted


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def clean_codes(codes: Iterable[str]) -> tuple[str, ...]:
    """Each code once. Ory compares them letter by letter."""
    return tuple(dict.fromkeys(code for code in codes if code.strip()))


def credentials_at_creation(factors: SecondFactors, kinds: Iterable[str]) -> dict[str, Any]:
    """Members of ``credentials`` for a new identity, for an Ory that takes these kinds."""
    return {kind: {"config": _CREATION[kind](factors)} for kind in kinds}


def patch_operations(factors: SecondFactors, kinds: Iterable[str], identity_id: str) -> list[dict[str, Any]]:
    """A JSON Patch that adds the credentials to an identity.

    The identifiers are necessary: Kratos finds the credential by them. Without them it asks for a second factor and
    then knows none.
    """
    return [
        {
            "op": "add",
            "path": f"/credentials/{kind}",
            "value": {
                "type": kind,
                "identifiers": [factors.user_handle_text if kind == "passkey" else identity_id],
                "config": _STORED[kind](factors),
            },
        }
        for kind in kinds
    ]


def _totp(factors: SecondFactors) -> dict[str, Any]:
    query = {"algorithm": "SHA1", "digits": DIGITS, "issuer": "Django", "period": PERIOD, "secret": factors.totp_secret}
    return {"totp_url": f"otpauth://totp/Django?{urlencode(query)}"}


def _codes(factors: SecondFactors) -> list[dict[str, str]]:
    return [{"code": code} for code in factors.recovery_codes]


def _keys(factors: SecondFactors, keys: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {"credentials": list(keys), "user_handle": _encode(factors.user_handle)}


_Config = Callable[[SecondFactors], dict[str, Any]]
_CREATION: dict[str, _Config] = {
    "totp": _totp,
    "lookup_secret": lambda factors: {"codes": _codes(factors)},
    "webauthn": lambda factors: _keys(factors, factors.security_keys),
    "passkey": lambda factors: _keys(factors, factors.passkeys),
}
_STORED: dict[str, _Config] = {**_CREATION, "lookup_secret": lambda factors: {"recovery_codes": _codes(factors)}}
PATCHABLE = frozenset(_STORED)  # that can be added to an identity of Kratos 26.2.0
