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
    """What is kept of an authenticator app: the URL that it reads from the QR code."""
    return {"totp_url": pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)}


def totp_matches(config: dict[str, Any], code: str, now: int) -> bool:
    """Whether the code is that of this half minute, of the one before or of the one after, by Ory's clock."""
    return _app(config).verify(code, for_time=datetime.fromtimestamp(now / SECOND, UTC), valid_window=1)


def totp_code(config: dict[str, Any], now: int) -> str:
    """What the app shows by Ory's clock."""
    return _app(config).at(datetime.fromtimestamp(now / SECOND, UTC))


def _app(config: dict[str, Any]) -> pyotp.TOTP:
    app = pyotp.parse_uri(config["totp_url"])
    if not isinstance(app, pyotp.TOTP):
        raise ValueError("the app's URL is not of one that goes by time")
    return app


def new_backup_codes() -> list[str]:
    alphabet = string.ascii_lowercase + string.digits
    return ["".join(secrets.choice(alphabet) for _ in range(BACKUP_CODE_LENGTH)) for _ in range(BACKUP_CODES)]


def backup_config(codes: list[str]) -> dict[str, Any]:
    return {"recovery_codes": [{"code": code} for code in codes]}


def backup_codes(identity: Identity) -> list[dict[str, str]]:
    """The identity's backup codes; those that were used have a `used_at`."""
    codes: list[dict[str, str]] = identity.config("lookup_secret").get("recovery_codes", [])
    return codes


def use_backup_code(identity: Identity, code: str, now: int) -> int:
    """Use up a code: 0, or the id of the message that says why not."""
    found = next((one for one in backup_codes(identity) if one["code"] == code), None)
    if found is None:
        return 4000016
    if "used_at" in found:
        return 4000012
    found["used_at"] = rfc3339(now)
    return 0
