"""The error that the error page shows.

https://www.ory.com/docs/kratos/self-service/flows/user-facing-errors
"""

from __future__ import annotations

from starlette.responses import Response

from ...http.exchange import Exchange
from ...model.clock import NEVER, rfc3339
from ...model.errors import OryError, not_found

EXAMPLE_ID = "stub:500"


def get_error(exchange: Exchange) -> Response:
    """GET /self-service/errors?id=: no credential is needed, and the error can be read more than once."""
    error_id = exchange.query.get("id", "")
    if error_id == EXAMPLE_ID:
        error, moment = OryError(500, reason="an example of an error"), NEVER
        error_id = "00000000-0000-0000-0000-000000000000"
    elif error_id in exchange.state.errors:
        error, moment = exchange.state.errors[error_id]
    else:
        raise not_found()
    time = rfc3339(moment)
    return exchange.json({"id": error_id, "error": error.error_member(), "created_at": time, "updated_at": time})
