"""PATCH /admin/identities: creates many identities with one request.

https://www.ory.com/docs/kratos/reference/api#tag/identity/operation/batchPatchIdentities
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ..http.exchange import Exchange
from ..model.errors import OryError
from ..model.identity import Identity
from ..model.identity_changes import complete_identity, new_identity
from ..model.state import State
from .identity_bodies import check_identity, check_uuid, parse_object

MAX_IDENTITIES = 1000
MAX_PASSWORDS = 200  # plain ones, which Kratos has to hash
CONFLICT = "the resource cannot be saved, because a resource with that value exists already"


def create_identities(exchange: Exchange) -> Response:
    """200 with an outcome for each item, in order. Some mistakes refuse the whole batch, and nothing is saved."""
    items = _parse_items(exchange)
    if len(items) > MAX_IDENTITIES:
        raise OryError(400, reason=f"the maximum number of identities in a request is {MAX_IDENTITIES}")
    new = [new_identity(exchange.state, item["create"]) if item.get("create") else None for item in items]
    if sum(_has_plain_password(item) for item in items) > MAX_PASSWORDS:
        raise OryError(400, reason=f"the maximum number of identities with a plain password is {MAX_PASSWORDS}")
    outcomes = _save_all(exchange.state, items, new)
    return exchange.json({"identities": outcomes})


def _parse_items(exchange: Exchange) -> list[dict[str, Any]]:
    """The items of the batch. As in Kratos, the error in the body has the code 500, but the status is 400."""
    try:
        items = parse_object(exchange).get("identities") or []
        for item in items:
            if item.get("patch_id") is not None:
                check_uuid(item["patch_id"])
            if item.get("create"):
                check_identity(item["create"], exchange.state.config)
    except OryError as error:
        raise OryError(500, message=error.message, status=400) from None
    return items


def _has_plain_password(item: dict[str, Any]) -> bool:
    credentials = (item.get("create") or {}).get("credentials") or {}
    config = (credentials.get("password") or {}).get("config") or {}
    return bool(config.get("password"))


def _save_all(state: State, items: list[dict[str, Any]], new: list[Identity | None]) -> list[dict[str, Any] | None]:
    """Save each identity, unless it is invalid or conflicts with another one.

    As in Kratos, if exactly one of them is valid and that one conflicts, the whole batch is refused. Raises `OryError`.
    """
    errors: dict[int, OryError] = {}
    for index, (item, identity) in enumerate(zip(items, new, strict=True)):
        if identity is not None:
            try:
                complete_identity(state, identity, item["create"])
            except OryError as error:
                errors[index] = error
    valid = [(index, one) for index, one in enumerate(new) if one is not None and index not in errors]
    for index, identity in valid:
        try:
            state.save(identity)
        except OryError:
            errors[index] = OryError(409, message=CONFLICT)
            if len(valid) == 1:
                raise errors[index] from None
    return [
        None if identity is None else _outcome(identity, item.get("patch_id"), errors.get(index))
        for index, (item, identity) in enumerate(zip(items, new, strict=True))
    ]


def _outcome(identity: Identity, patch_id: str | None, error: OryError | None) -> dict[str, Any]:
    echoed = {"patch_id": patch_id} if patch_id else {}
    if error is not None:
        return {"action": "error", **echoed, "error": error.error_member()}
    return {"action": "create", "identity": identity.id, **echoed}
