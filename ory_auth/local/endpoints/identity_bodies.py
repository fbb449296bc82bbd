"""The bodies and parameters of the admin API for identities, which Kratos parses strictly."""

from __future__ import annotations

import json
import uuid
from typing import Any

from ..http.exchange import Exchange
from ..model.config import Config
from ..model.credential_import import NEWER_TYPES
from ..model.errors import OryError
from ..model.identity_changes import WRITABLE

KNOWN_MEMBERS = {*WRITABLE, "credentials", "verifiable_addresses", "recovery_addresses"}
CREDENTIAL_TYPES = {"code", "password", "oidc", "saml", "totp", "lookup_secret", "webauthn", "passkey", "profile"}
IMPORTED_MEMBERS = {
    "password": {"hashed_password", "password", "use_password_migration_hook"},
    "oidc": {"providers"},
    "saml": {"providers"},
    "totp": {"totp_url"},
    "lookup_secret": {"codes"},
    "webauthn": {"credentials", "user_handle"},
    "passkey": {"credentials", "user_handle"},
}
PROVIDER_MEMBERS = {"provider", "subject", "use_auto_link", "organization"}


def parse_json(exchange: Exchange) -> Any:
    """Raises `OryError` with status 400, as the other functions do."""
    try:
        return json.loads(exchange.body)
    except ValueError as error:
        raise OryError(400, message=f"the body is not valid JSON: {error}") from None


def parse_object(exchange: Exchange) -> dict[str, Any]:
    content = parse_json(exchange)
    if not isinstance(content, dict):
        raise OryError(400, message="the body is not a JSON object")
    return content


def parse_identity(exchange: Exchange) -> dict[str, Any]:
    """The body of a new identity."""
    content = parse_object(exchange)
    check_identity(content, exchange.state.config)
    return content


def check_identity(content: Any, config: Config) -> None:
    """Check that a new identity has no members that Kratos does not know."""
    _check_members(content, KNOWN_MEMBERS - {"external_id"} if config.kratos_version == "1.3.1" else KNOWN_MEMBERS)
    credentials = content.get("credentials") or {}
    _check_members(credentials, IMPORTED_MEMBERS if config.is_newer else IMPORTED_MEMBERS.keys() - NEWER_TYPES)
    for credential_type, credential in credentials.items():
        _check_members(credential or {}, {"config"})
        details = (credential or {}).get("config") or {}
        _check_members(details, IMPORTED_MEMBERS[credential_type])
        for provider in details.get("providers") or []:
            _check_members(provider, PROVIDER_MEMBERS)
    if organization := content.get("organization_id"):
        check_uuid(organization)


def _check_members(content: Any, known: Any) -> None:
    if not isinstance(content, dict):
        raise OryError(400, message="json: a value that must be an object is none")
    if unknown := content.keys() - known:
        raise OryError(400, message=f'json: unknown field "{min(unknown)}"')


def check_uuid(text: Any) -> None:
    if not is_uuid(text):
        raise OryError(400, message=f"uuid: incorrect UUID {text!r}")


def is_uuid(text: Any) -> bool:
    try:
        uuid.UUID(str(text))
    except ValueError:
        return False
    return True


def included_credentials(exchange: Exchange) -> set[str]:
    """The credential types in `include_credential`, whose config the response contains."""
    included = {value for name, value in exchange.query_pairs if name == "include_credential"}
    if not included <= CREDENTIAL_TYPES:
        raise OryError(400, reason="include_credential is not a credential type")
    return included
