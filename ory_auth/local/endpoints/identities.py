"""The admin API of identities. https://www.ory.com/docs/kratos/reference/api#tag/identity"""

from __future__ import annotations

import json
import uuid
from copy import deepcopy
from typing import Any

from starlette.responses import Response

from ..http.exchange import Call
from ..model.errors import OryError, not_found
from ..model.identity import SECOND_FACTORS, Identity
from ..model.identity_json import (
    WRITABLE,
    add_identity,
    assign_content,
    import_credentials,
    to_admin_json,
    to_list_json,
)
from . import json_patch
from .paging import keyset_page, numbered_page

MEMBERS = {*WRITABLE, "credentials", "verifiable_addresses", "recovery_addresses", "organization_id"}
CREDENTIALS = {"code", "password", "oidc", "saml", "totp", "lookup_secret", "webauthn", "passkey", "profile"}
FILTERS = {"ids", "credentials_identifier", "preview_credentials_identifier_similar", "organization_id"}
DENIED = ("/id", "/credentials", "/schema_url", "/state_changed_at", "/created_at", "/updated_at")


# ---- one identity


def create(call: Call) -> Response:
    """POST /admin/identities: 201 with the identity."""
    identity = add_identity(call.state, _content(call))
    headers = {"Location": f"{call.state.admin_url}/identities/{identity.id}"}
    return call.json(_without_nothing(to_admin_json(call.state, identity, unstamped=CREDENTIALS)), 201, headers)


def get(call: Call) -> Response:
    """GET /admin/identities/{id}: with the configs of the credentials that `include_credential` names."""
    return call.json(to_admin_json(call.state, _identity(call), configs=_included(call)))


def get_by_external_id(call: Call) -> Response:
    wanted = call.path_params["external_id"]
    found = next((one for one in call.state.identities.values() if one.external_id == wanted), None)
    if found is None:
        raise not_found()
    return call.json(to_admin_json(call.state, found, configs=_included(call)))


def put(call: Call) -> Response:
    """PUT /admin/identities/{id}: what is left out is emptied, but for the credentials."""
    changed, content = deepcopy(_identity(call)), _content(call)
    assign_content(call.state, changed, {**dict.fromkeys(WRITABLE), **content})
    return call.json(_without_nothing(_saved(call, changed, content.get("credentials") or {})))


def patch(call: Call) -> Response:
    """PATCH /admin/identities/{id}: JSON Patch. As in Kratos, a patched credential loses what it held."""
    changed = deepcopy(_identity(call))
    document = {name: getattr(changed, name) for name in WRITABLE} | {"credentials": {}}
    json_patch.apply(document, _json(call), DENIED)
    assign_content(call.state, changed, document)
    return call.json(_saved(call, changed, document["credentials"]))


def delete(call: Call) -> Response:
    call.state.delete_identity(call.path_params["id"])
    return call.empty()


def delete_credential(call: Call) -> Response:
    """DELETE /admin/identities/{id}/credentials/{type}: second factors only."""
    identity, kind = _identity(call), call.path_params["type"]
    if kind in SECOND_FACTORS and kind in identity.credentials:
        del identity.credentials[kind]
        return call.empty()
    if kind == "code":
        raise OryError(400, reason="the credential code cannot be deleted")
    if kind == "password":
        raise OryError(400, reason="the last first factor cannot be deleted")
    raise OryError(404, reason=f"the identity has no {kind}")


def _identity(call: Call) -> Identity:
    return call.state.identity(call.path_params["id"])


def _saved(call: Call, changed: Identity, credentials: dict[str, Any]) -> dict[str, Any]:
    import_credentials(changed, credentials, call.state.clock.now())
    call.state.save(changed)
    return to_admin_json(call.state, changed, unstamped=set(credentials))


# ---- from JSON to an identity


def _content(call: Call) -> dict[str, Any]:
    content = _json(call)
    if not isinstance(content, dict):
        raise OryError(400, message="the body is no JSON object")
    if unknown := content.keys() - MEMBERS:
        raise OryError(400, message=f"unknown member {min(unknown)!r}")
    return content


def _json(call: Call) -> Any:
    try:
        return json.loads(call.body)
    except ValueError as error:
        raise OryError(400, message=f"the body is no JSON: {error}") from None


# ---- from an identity to JSON


def _without_nothing(content: dict[str, Any]) -> dict[str, Any]:
    """Without an empty `metadata_admin`, which Kratos shows only once it has been in the database."""
    return {key: value for key, value in content.items() if (key, value) != ("metadata_admin", None)}


def _included(call: Call) -> set[str]:
    wanted = {value for name, value in call.parameters if name == "include_credential"}
    if not wanted <= CREDENTIALS:
        raise OryError(400, reason="include_credential names no type of credential")
    return wanted


# ---- lists


def list_identities(call: Call) -> Response:
    """GET /admin/identities, by pages and with at most one filter."""
    found = sorted(_filtered(call), key=lambda identity: identity.id)
    if "per_page" in call.query or "page" in call.query:
        page, headers = numbered_page(call, found)
    else:
        page, link = keyset_page(call, found, [identity.id for identity in found])
        headers = {"Link": link}
    configs = _included(call)
    by_name = call.query.keys() & {"credentials_identifier", "preview_credentials_identifier_similar"}
    if by_name:
        return call.json([to_admin_json(call.state, one, configs=configs) for one in page], headers=headers)
    return call.json([to_list_json(call.state, one) for one in page], headers=headers)


def _filtered(call: Call) -> list[Identity]:
    filters = [(name, value) for name, value in call.parameters if name in FILTERS]
    if len({name for name, _ in filters}) > 1:
        raise OryError(400, reason="only one filter can be used at a time")
    everyone = list(call.state.identities.values())
    return [one for one in everyone if any(_matches(one, *each) for each in filters)] if filters else everyone


def _matches(identity: Identity, name: str, value: str) -> bool:
    if name == "ids":
        try:
            return identity.id == str(uuid.UUID(value))
        except ValueError:
            raise OryError(400, reason=f"ids has {value!r}, which is no UUID") from None
    if name == "credentials_identifier":
        return value.strip().lower() in identity.identifiers
    if name == "organization_id":
        return False
    return any(value.lower() in identifier for identifier in identity.identifiers)
