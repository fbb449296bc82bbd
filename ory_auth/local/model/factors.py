"""The methods with which an identity can sign in, as far as the configuration enables them."""

from __future__ import annotations

from typing import Any

from .config import Config
from .identity import Identity
from .key_storage import stored_keys


def first_factors(identity: Identity, config: Config) -> list[str]:
    """The methods that are enough to begin a session."""
    available = {
        "password": config.password_enabled and bool(identity.credential_config("password").get("hashed_password")),
        "oidc": any(account["provider"] in config.oidc_providers for account in identity.social_accounts),
        "code": config.code_passwordless_enabled and bool(identity.code_addresses),
        "passkey": config.passkey_enabled and bool(stored_keys(identity, "passkey")),
        "webauthn": config.webauthn_enabled and any(key.is_passwordless for key in stored_keys(identity, "webauthn")),
    }
    return [name for name, is_available in available.items() if is_available]


def count_first_factors(identity: Identity, config: Config) -> int:
    """How many ways to sign in the identity has: each account at a provider and each key counts."""
    several: dict[str, list[Any]] = {
        "oidc": [account for account in identity.social_accounts if account["provider"] in config.oidc_providers],
        "passkey": stored_keys(identity, "passkey"),
        "webauthn": [key for key in stored_keys(identity, "webauthn") if key.is_passwordless],
    }
    return sum(len(several.get(name, [name])) for name in first_factors(identity, config))


def second_factors(identity: Identity, config: Config) -> list[str]:
    """The methods that raise a session to aal2."""
    available = {
        "totp": config.totp_enabled and bool(identity.credential_config("totp").get("totp_url")),
        "lookup_secret": config.lookup_secret_enabled
        and bool(identity.credential_config("lookup_secret").get("recovery_codes")),
        "code": config.code_mfa_enabled and bool(identity.code_addresses),
        "webauthn": config.webauthn_enabled
        and any(not key.is_passwordless for key in stored_keys(identity, "webauthn")),
    }
    return [name for name, is_available in available.items() if is_available]
