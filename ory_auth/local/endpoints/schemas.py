"""The identity schema. https://www.ory.com/docs/kratos/manage-identities/identity-schema"""

from __future__ import annotations

from starlette.responses import Response

from ..http.exchange import Exchange
from ..model.errors import OryError
from .paging import offset_page


def list_schemas(exchange: Exchange) -> Response:
    """GET /schemas"""
    config = exchange.state.config
    page, headers = offset_page(exchange, [{"id": config.schema_id, "schema": config.schema}])
    return exchange.json(page, headers=headers)


def get_schema(exchange: Exchange) -> Response:
    """GET /schemas/{id}: the ID may also be encoded, as in `schema_url`."""
    config = exchange.state.config
    if exchange.path_params["id"] not in (config.schema_id, config.encoded_schema_id):
        raise OryError(404, reason="the identity schema does not exist")
    return exchange.json(config.schema)
