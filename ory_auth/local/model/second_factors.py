"""Second factors: authenticator apps (TOTP) and backup codes."""

from __future__ import annotations

import base64
import hmac
import secrets
import string
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pyotp

from .clock import SECOND, rfc3339
from .identity import Identity

TOTP_DIGITS = 6
TOTP_PERIOD = 30  # seconds
BACKUP_CODES = 12
BACKUP_CODE_LENGTH = 8
ISSUER = "local Ory"


def totp_config(secret: str, account: str) -> dict[str, Any]:
    """The config of a `totp` credential: the URL that the QR code contains."""
    return {"totp_url": pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)}


def totp_matches(config: dict[str, Any], code: str, now: int) -> bool:
    """Whether the code is valid at `now`, 30 seconds earlier or 30 seconds later."""
    try:
        valid = [totp_code(config, now + steps * TOTP_PERIOD * SECOND) for steps in (-1, 0, 1)]
    except ValueError:
        return False
    return code in valid


def totp_code(config: dict[str, Any], now: int) -> str:
    """The code that the authenticator app shows at `now`.

    As in Kratos, it has 6 digits, is made with SHA-1 and changes every 30 seconds, even if the URL says otherwise, and
    the secret may be short. Raises `ValueError` if the URL has no secret.
    """
    secret = dict(parse_qsl(urlsplit(str(config.get("totp_url"))).query)).get("secret", "").upper()
    if not secret:
        raise ValueError("the URL of the authenticator app has no secret")
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, (now // SECOND // TOTP_PERIOD).to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**TOTP_DIGITS:0{TOTP_DIGITS}}"


def new_backup_codes() -> list[str]:
    alphabet = string.ascii_lowercase + string.digits
    return ["".join(secrets.choice(alphabet) for _ in range(BACKUP_CODE_LENGTH)) for _ in range(BACKUP_CODES)]


def backup_codes_config(codes: list[str]) -> dict[str, Any]:
    return {"recovery_codes": [{"code": code} for code in codes]}


def backup_codes(identity: Identity) -> list[dict[str, str]]:
    """The identity's backup codes. A used one has `used_at`."""
    codes: list[dict[str, str]] = identity.credential_config("lookup_secret").get("recovery_codes", [])
    return codes


def use_backup_code(identity: Identity, code: str, now: int) -> int:
    """Mark a code as used. Returns 0, or the message ID of the error."""
    found = next((candidate for candidate in backup_codes(identity) if candidate["code"] == code), None)
    if found is None:
        return 4000016
    if found.get("used_at"):
        return 4000012
    found["used_at"] = rfc3339(now)
    return 0
