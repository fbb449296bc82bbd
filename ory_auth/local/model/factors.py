"""The methods with which an identity can sign in, as far as the configuration enables them."""

from __future__ import annotations

from .config import Config
from .identity import Identity


def first_factors(identity: Identity, config: Config) -> list[str]:
    """The methods that are enough to begin a session."""
    available = {
        "password": config.password_enabled and bool(identity.credential_config("password").get("hashed_password")),
        "code": config.code_passwordless_enabled and bool(identity.code_addresses),
    }
    return [name for name, is_available in available.items() if is_available]


def second_factors(identity: Identity, config: Config) -> list[str]:
    """The methods that raise a session to aal2."""
    available = {
        "totp": config.totp_enabled and bool(identity.credential_config("totp").get("totp_url")),
        "lookup_secret": config.lookup_secret_enabled
        and bool(identity.credential_config("lookup_secret").get("recovery_codes")),
        "code": config.code_mfa_enabled and bool(identity.code_addresses),
    }
    return [name for name, is_available in available.items() if is_available]
