"""Credentials from the JSON of the admin API: password hashes, social accounts, and second factors.

https://www.ory.com/docs/kratos/manage-identities/import-user-accounts-identities
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from .errors import OryError
from .identity import Identity
from .password_hashes import MAX_BCRYPT_BYTES, find_problem, is_known_format
from .passwords import hash_password

UNKNOWN_FORMAT = "the hash of the password has none of the known formats"
TOO_LONG = (
    "I[#/password] S[] the password does not fulfill the password policy because: "
    "The password must be at most 72 characters long, but got {length}."
)
NEWER_TYPES = {"totp", "lookup_secret", "webauthn", "passkey"}
"""The credentials that Kratos 26.2.0 does not import. Newer versions and Ory Network do."""


def import_credentials(identity: Identity, credentials: dict[str, Any], now: int, *, newer: bool) -> None:
    """Set the credentials. As in Kratos 26.2.0, the `NEWER_TYPES` are ignored unless `newer` is set.

    The identifiers of passwords come from the traits: call `Identity.update_from_traits` afterwards. Raises `OryError`:
    status 400 for a hash in an unknown format, 500 for a password that is too long for Kratos' own hash.
    """
    for credential_type, content in credentials.items():
        config = (content or {}).get("config") or {}
        if credential_type == "password":
            identity.set_credential_config("password", _password_config(config, newer=newer), now)
        elif credential_type in ("oidc", "saml"):
            _add_social_accounts(identity, credential_type, config.get("providers") or [], now)
        elif newer and credential_type in NEWER_TYPES:
            _import_newer_type(identity, credential_type, config, now)


def _password_config(config: dict[str, Any], *, newer: bool) -> dict[str, Any]:
    if config.get("use_password_migration_hook"):
        return {"hashed_password": "", "use_password_migration_hook": True}
    if password := config.get("password"):
        if len(password.encode()) > MAX_BCRYPT_BYTES:
            raise OryError(500, message=TOO_LONG.format(length=len(password.encode())))
        return {"hashed_password": hash_password(password)}
    hashed = config.get("hashed_password") or ""
    problem = "" if is_known_format(hashed) else UNKNOWN_FORMAT
    if newer and not problem:
        problem = find_problem(hashed)
    if problem:
        raise OryError(400, reason=problem)
    return {"hashed_password": hashed}


def _add_social_accounts(identity: Identity, credential_type: str, accounts: list[dict[str, Any]], now: int) -> None:
    known = identity.credential_config(credential_type).get("providers", [])
    new = [_stored_account(account) for account in accounts or [{}]]  # Kratos stores an empty list as one empty account
    identifiers = [f"{one['provider']}:{one['subject']}" for one in new] if accounts else []
    credential = identity.credentials.get(credential_type)
    if credential:
        identifiers = [*credential.identifiers, *identifiers]
    identity.set_credential_config(credential_type, {"providers": [*known, *new]}, now)
    identity.credentials[credential_type].identifiers = identifiers


def _stored_account(account: dict[str, Any]) -> dict[str, Any]:
    optional = {name: account.get(name) for name in ("use_auto_link", "organization")}
    return {
        "initial_id_token": "",
        "initial_access_token": "",
        "initial_refresh_token": "",
        "subject": account.get("subject", ""),
        "provider": account.get("provider", ""),
        **{name: value for name, value in optional.items() if value},
    }


# ---- what Kratos 26.2.0 does not import


def _import_newer_type(identity: Identity, credential_type: str, config: dict[str, Any], now: int) -> None:
    if credential_type == "lookup_secret":
        config = {"recovery_codes": config.get("codes") or []}
    elif credential_type == "passkey":
        _check_passkey(config)
    if credential_type in ("webauthn", "passkey"):
        config = {**config, "credentials": [_stored_key(key) for key in config.get("credentials") or []]}
    identity.set_credential_config(credential_type, config, now)
    if credential_type == "passkey":
        identity.credentials["passkey"].identifiers = [
            base64.b64decode(config["user_handle"]).decode("utf-8", "replace")
        ]


def _check_passkey(config: dict[str, Any]) -> None:
    try:
        handle = base64.b64decode(config.get("user_handle") or "", validate=True)
    except binascii.Error:
        handle = b""
    if not handle:
        raise OryError(400, reason="a passkey cannot be imported without its user_handle")
    if not config.get("credentials"):
        raise OryError(400, reason="a passkey cannot be imported without credentials.passkey.config.credentials")


def _stored_key(key: dict[str, Any]) -> dict[str, Any]:
    return {
        "attestation_type": "none",
        "authenticator": {"aaguid": "", "sign_count": 0, "clone_warning": False},
        "display_name": "",
        "added_at": "",
        "added_at_nanoseconds": 0,
        "is_passwordless": False,
        **key,
    }
