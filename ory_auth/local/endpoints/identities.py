"""The admin API for identities. https://www.ory.com/docs/kratos/reference/api#tag/identity"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from starlette.responses import Response

from ..http.exchange import Exchange
from ..model.credential_import import import_credentials
from ..model.errors import OryError, not_found
from ..model.factors import count_first_factors
from ..model.identity import SECOND_FACTORS, Identity
from ..model.identity_changes import WRITABLE, add_identity, assign_content, to_admin_json
from ..model.identity_patch import apply_document, to_document
from ..model.key_storage import remove_second_factor_keys
from . import json_patch
from .identity_bodies import CREDENTIAL_TYPES, included_credentials, parse_identity, parse_json, parse_object

READ_ONLY_PATHS = ("/id", "/credentials")
READ_ONLY_PREFIX = "/credentials/oidc/"


def create_identity(exchange: Exchange) -> Response:
    """POST /admin/identities: 201 with the identity."""
    identity = add_identity(exchange.state, parse_identity(exchange))
    content = to_admin_json(exchange.state, identity, without_times=CREDENTIAL_TYPES)
    headers = {"Location": f"{exchange.state.admin_url}/identities/{identity.id}"}
    return exchange.json(_without_null_metadata_admin(content), 201, headers)


def get_identity(exchange: Exchange) -> Response:
    """GET /admin/identities/{id}"""
    identity = _find_identity(exchange)
    return exchange.json(to_admin_json(exchange.state, identity, with_config=included_credentials(exchange)))


def get_by_external_id(exchange: Exchange) -> Response:
    """GET /admin/identities/by/external/{external_id}"""
    identity = exchange.state.find_identity_by_key("external_id", exchange.path_params["external_id"])
    if identity is None:
        raise not_found()
    return exchange.json(to_admin_json(exchange.state, identity, with_config=included_credentials(exchange)))


def replace_identity(exchange: Exchange) -> Response:
    """PUT /admin/identities/{id}: members that are absent from the body become empty, except for some.

    As in Kratos, credentials, the organization and the state stay, and members that PUT does not know are ignored.
    """
    state, changed, content = exchange.state, deepcopy(_find_identity(exchange)), parse_object(exchange)
    kept = {"organization_id": changed.organization_id, "state": content.get("state") or changed.state}
    credentials = content.get("credentials") or {}
    import_credentials(changed, credentials, state.clock.now(), newer=state.config.is_newer)
    assign_content(state, changed, {**{name: content.get(name) for name in WRITABLE}, **kept})
    state.save(changed)
    saved = to_admin_json(state, changed, without_times=set(credentials))
    return exchange.json(_without_null_metadata_admin(saved))


def patch_identity(exchange: Exchange) -> Response:
    """PATCH /admin/identities/{id}: JSON Patch."""
    state, changed = exchange.state, deepcopy(_find_identity(exchange))
    document = to_document(changed)
    prefix = READ_ONLY_PREFIX.rstrip("/") if state.config.is_newer else READ_ONLY_PREFIX
    json_patch.apply_patch(document, parse_json(exchange), READ_ONLY_PATHS, prefix)
    new_credentials = apply_document(state, changed, document)
    state.save(changed)
    return exchange.json(to_admin_json(state, changed, without_times=new_credentials))


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
    exchange.state.update_index(identity)
    return exchange.empty()


def _find_identity(exchange: Exchange) -> Identity:
    return exchange.state.get_identity(exchange.path_params["id"])


def _without_null_metadata_admin(content: dict[str, Any]) -> dict[str, Any]:
    """Remove `metadata_admin` if it is null: Kratos omits it until it has read the identity from its database."""
    return {key: value for key, value in content.items() if key != "metadata_admin" or value is not None}
