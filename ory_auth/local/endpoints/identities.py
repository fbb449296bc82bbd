"""The admin API for identities. https://www.ory.com/docs/kratos/reference/api#tag/identity"""

from __future__ import annotations

import json
import uuid
from copy import deepcopy
from typing import Any

from starlette.responses import Response

from ..http.exchange import Exchange
from ..model.errors import OryError, not_found
from ..model.factors import count_first_factors
from ..model.identity import SECOND_FACTORS, Identity
from ..model.identity_changes import (
    WRITABLE,
    add_identity,
    assign_content,
    import_credentials,
    to_admin_json,
    to_list_json,
)
from ..model.key_storage import remove_second_factor_keys
from . import json_patch
from .paging import keyset_page, numbered_page

KNOWN_MEMBERS = {*WRITABLE, "credentials", "verifiable_addresses", "recovery_addresses", "organization_id"}
CREDENTIAL_TYPES = {"code", "password", "oidc", "saml", "totp", "lookup_secret", "webauthn", "passkey", "profile"}
FILTERS = {"ids", "credentials_identifier", "preview_credentials_identifier_similar", "organization_id"}
FILTERS_BY_LOGIN_NAME = {"credentials_identifier", "preview_credentials_identifier_similar"}
READ_ONLY_PATHS = ("/id", "/credentials", "/schema_url", "/state_changed_at", "/created_at", "/updated_at")


# ---- one identity


def create_identity(exchange: Exchange) -> Response:
    """POST /admin/identities: 201 with the identity."""
    identity = add_identity(exchange.state, _parse_identity(exchange))
    content = to_admin_json(exchange.state, identity, without_times=CREDENTIAL_TYPES)
    headers = {"Location": f"{exchange.state.admin_url}/identities/{identity.id}"}
    return exchange.json(_without_null_metadata_admin(content), 201, headers)


def get_identity(exchange: Exchange) -> Response:
    """GET /admin/identities/{id}"""
    identity = _find_identity(exchange)
    return exchange.json(to_admin_json(exchange.state, identity, with_config=_included_credentials(exchange)))


def get_by_external_id(exchange: Exchange) -> Response:
    """GET /admin/identities/by/external/{external_id}"""
    external_id = exchange.path_params["external_id"]
    matches = (identity for identity in exchange.state.identities.values() if identity.external_id == external_id)
    identity = next(matches, None)
    if identity is None:
        raise not_found()
    return exchange.json(to_admin_json(exchange.state, identity, with_config=_included_credentials(exchange)))


def replace_identity(exchange: Exchange) -> Response:
    """PUT /admin/identities/{id}: members that are absent from the body become empty, except for credentials."""
    changed, content = deepcopy(_find_identity(exchange)), _parse_identity(exchange)
    assign_content(exchange.state, changed, {**dict.fromkeys(WRITABLE), **content})
    saved = _save(exchange, changed, content.get("credentials") or {})
    return exchange.json(_without_null_metadata_admin(saved))


def patch_identity(exchange: Exchange) -> Response:
    """PATCH /admin/identities/{id}: JSON Patch. As in Kratos, a patched credential loses its previous config."""
    changed = deepcopy(_find_identity(exchange))
    document = {name: getattr(changed, name) for name in WRITABLE} | {"credentials": {}}
    json_patch.apply_patch(document, _parse_json(exchange), READ_ONLY_PATHS)
    assign_content(exchange.state, changed, document)
    return exchange.json(_save(exchange, changed, document["credentials"]))


def delete_identity(exchange: Exchange) -> Response:
    """DELETE /admin/identities/{id}"""
    exchange.state.delete_identity(exchange.path_params["id"])
    return exchange.empty()


def delete_credential(exchange: Exchange) -> Response:
    """DELETE /admin/identities/{id}/credentials/{type}: second factors, and a password that is not the last way in."""
    identity, credential_type = _find_identity(exchange), exchange.path_params["type"]
    if credential_type not in identity.credentials:
        raise OryError(404, reason=f"the identity has no {credential_type}")
    if credential_type in SECOND_FACTORS:
        del identity.credentials[credential_type]
    elif credential_type == "webauthn":
        remove_second_factor_keys(identity, exchange.state.clock.now())
    elif credential_type != "password":
        raise OryError(400, reason=f"the credential {credential_type} cannot be deleted")
    elif count_first_factors(identity, exchange.state.config) < 2:
        raise OryError(400, reason="the last first factor cannot be deleted")
    else:
        identity.set_credential_config("password", {}, exchange.state.clock.now())
    return exchange.empty()


def _find_identity(exchange: Exchange) -> Identity:
    return exchange.state.get_identity(exchange.path_params["id"])


def _save(exchange: Exchange, changed: Identity, credentials: dict[str, Any]) -> dict[str, Any]:
    import_credentials(changed, credentials, exchange.state.clock.now())
    exchange.state.save(changed)
    return to_admin_json(exchange.state, changed, without_times=set(credentials))


def _without_null_metadata_admin(content: dict[str, Any]) -> dict[str, Any]:
    """Remove `metadata_admin` if it is null: Kratos omits it until it has read the identity from its database."""
    return {key: value for key, value in content.items() if key != "metadata_admin" or value is not None}


# ---- parsing the request


def _parse_identity(exchange: Exchange) -> dict[str, Any]:
    content = _parse_json(exchange)
    if not isinstance(content, dict):
        raise OryError(400, message="the body is not a JSON object")
    if unknown := content.keys() - KNOWN_MEMBERS:
        raise OryError(400, message=f"unknown member {min(unknown)!r}")
    return content


def _parse_json(exchange: Exchange) -> Any:
    try:
        return json.loads(exchange.body)
    except ValueError as error:
        raise OryError(400, message=f"the body is not valid JSON: {error}") from None


def _included_credentials(exchange: Exchange) -> set[str]:
    """The credential types in `include_credential`, whose config the response contains."""
    included = {value for name, value in exchange.query_pairs if name == "include_credential"}
    if not included <= CREDENTIAL_TYPES:
        raise OryError(400, reason="include_credential is not a credential type")
    return included


# ---- lists


def list_identities(exchange: Exchange) -> Response:
    """GET /admin/identities, in pages and with at most one filter."""
    identities = sorted(_filter_identities(exchange), key=lambda identity: identity.id)
    if "per_page" in exchange.query or "page" in exchange.query:
        page, headers = numbered_page(exchange, identities)
    else:
        page, link = keyset_page(exchange, identities, [identity.id for identity in identities])
        headers = {"Link": link}
    with_config = _included_credentials(exchange)
    if exchange.query.keys() & FILTERS_BY_LOGIN_NAME:
        content = [to_admin_json(exchange.state, identity, with_config=with_config) for identity in page]
    else:
        content = [to_list_json(exchange.state, identity) for identity in page]
    return exchange.json(content, headers=headers)


def _filter_identities(exchange: Exchange) -> list[Identity]:
    identities = list(exchange.state.identities.values())
    filters = [(name, value) for name, value in exchange.query_pairs if name in FILTERS]
    if not filters:
        return identities
    if len({name for name, _ in filters}) > 1:
        raise OryError(400, reason="only one filter can be used at a time")
    return [identity for identity in identities if any(_matches(identity, name, value) for name, value in filters)]


def _matches(identity: Identity, filter_name: str, value: str) -> bool:
    match filter_name:
        case "ids":
            try:
                return identity.id == str(uuid.UUID(value))
            except ValueError:
                raise OryError(400, reason=f"{value!r} in ids is not a UUID") from None
        case "credentials_identifier":
            return value.strip().lower() in identity.identifiers
        case "preview_credentials_identifier_similar":
            return any(value.lower() in identifier for identifier in identity.identifiers)
        case _:
            return False  # organization_id: the local Ory has no organizations
