"""GET /admin/identities: lists of identities, in pages and with at most one filter."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from starlette.responses import Response

from ..http.exchange import Exchange
from ..model.errors import OryError
from ..model.identity import Identity
from ..model.identity_changes import to_admin_json, to_list_json
from .identity_bodies import included_credentials, is_uuid
from .paging import keyset_links, keyset_page, numbered_page, read_keyset_parameters

FILTERS = {"ids", "credentials_identifier", "preview_credentials_identifier_similar", "organization_id"}
FILTERS_BY_LOGIN_NAME = {"credentials_identifier", "preview_credentials_identifier_similar"}
MAX_IDS = 500


def list_identities(exchange: Exchange) -> Response:
    """The order is that of the IDs."""
    filters = [(name, value) for name, value in exchange.query_pairs if name in FILTERS]
    is_numbered = "per_page" in exchange.query or "page" in exchange.query
    if not filters and not is_numbered:
        return _respond(exchange, *_page_of_all(exchange))
    identities = sorted(_filter_identities(exchange, filters), key=lambda identity: identity.id)
    if is_numbered:
        return _respond(exchange, *numbered_page(exchange, identities))
    page, link = keyset_page(exchange, identities, [identity.id for identity in identities])
    return _respond(exchange, page, {"Link": link})


def _page_of_all(exchange: Exchange) -> tuple[list[Identity], dict[str, str]]:
    """A page without a filter, which is quick however many identities exist."""
    state, (size, token) = exchange.state, read_keyset_parameters(exchange)
    if token and not is_uuid(token):  # as in Kratos, the identity may have been deleted since
        raise OryError(400, reason="page_token is not a UUID")
    ids = state.index.ids_after(token, size + 1)
    page = [state.identities[identity_id] for identity_id in ids[:size]]
    return page, {"Link": keyset_links(exchange, size, ids[size - 1] if len(ids) > size else None)}


def _respond(exchange: Exchange, page: Iterable[Identity], headers: dict[str, str]) -> Response:
    with_config = included_credentials(exchange)
    if exchange.query.keys() & FILTERS_BY_LOGIN_NAME:
        content = [to_admin_json(exchange.state, identity, with_config=with_config) for identity in page]
    else:
        content = [to_list_json(exchange.state, identity) for identity in page]
    return exchange.json(content, headers=headers)


def _filter_identities(exchange: Exchange, filters: list[tuple[str, str]]) -> Iterable[Identity]:
    state = exchange.state
    if not filters:
        return state.identities.values()
    if len({name for name, _ in filters}) > 1:
        raise OryError(400, reason="only one filter can be used at a time")
    values = [value for _, value in filters]
    match filters[0][0]:
        case "ids":
            return _identities_by_id(exchange, values)
        case "credentials_identifier":
            return _identities_by_identifier(exchange, values[0].strip().lower())
        case "preview_credentials_identifier_similar":
            wanted = values[0].lower()
            return (one for one in state.identities.values() if any(wanted in name for name in one.identifiers))
        case _:  # organization_id
            return (one for one in state.identities.values() if one.organization_id in values)


def _identities_by_id(exchange: Exchange, values: list[str]) -> list[Identity]:
    if len(values) > MAX_IDS:
        raise OryError(400, reason=f"the number of ids must not exceed {MAX_IDS}")
    if not all(map(is_uuid, values)):
        raise OryError(400, reason="a value in ids is not a UUID")
    ids = {str(uuid.UUID(value)) for value in values}
    return [exchange.state.identities[one] for one in ids if one in exchange.state.identities]


def _identities_by_identifier(exchange: Exchange, identifier: str) -> list[Identity]:
    kinds = ("login", "oidc", "saml", "passkey", "webauthn")
    found = (exchange.state.find_identity_by_key(kind, identifier) for kind in kinds)
    return list({one.id: one for one in found if one is not None}.values())
