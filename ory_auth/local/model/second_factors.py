"""Second factors: authenticator apps (TOTP) and backup codes."""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime
from typing import Any

import pyotp

from .clock import SECOND, rfc3339
from .identity import Identity

BACKUP_CODES = 12
BACKUP_CODE_LENGTH = 8
ISSUER = "local Ory"


def totp_config(secret: str, account: str) -> dict[str, Any]:
    """The config of a `totp` credential: the URL that the QR code contains."""
    return {"totp_url": pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)}


def totp_matches(config: dict[str, Any], code: str, now: int) -> bool:
    """Whether the code is valid at `now`, 30 seconds earlier or 30 seconds later."""
    return _parse_totp(config).verify(code, for_time=datetime.fromtimestamp(now / SECOND, UTC), valid_window=1)


def totp_code(config: dict[str, Any], now: int) -> str:
    """The code that the authenticator app shows at `now`."""
    return _parse_totp(config).at(datetime.fromtimestamp(now / SECOND, UTC))


def _parse_totp(config: dict[str, Any]) -> pyotp.TOTP:
    totp = pyotp.parse_uri(config["totp_url"])
    if not isinstance(totp, pyotp.TOTP):
        raise ValueError("the URL of the authenticator app is not a time-based one")
    return totp


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
    if "used_at" in found:
        return 4000012
    found["used_at"] = rfc3339(now)
    return 0
