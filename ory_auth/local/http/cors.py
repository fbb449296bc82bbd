"""CORS: cross-origin requests, as with `serve.public.cors` of Kratos, credentials allowed.

https://www.ory.com/docs/kratos/guides/setting-up-cors
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def preflight_response(request: Request, allowed: Sequence[str]) -> Response | None:
    """The response to a preflight request. `None` for any other request, or if CORS is not enabled."""
    method = request.headers.get("access-control-request-method")
    if not allowed or request.method != "OPTIONS" or method is None:
        return None
    response = Response(status_code=204, headers={"Vary": PREFLIGHT_VARY})
    if _allow_origin(request, response, allowed):
        response.headers["Access-Control-Allow-Methods"] = method
    return response


def add_headers(request: Request, response: Response, allowed: Sequence[str]) -> None:
    """Add the CORS headers to a response."""
    if not allowed:
        return
    response.headers.append("Vary", "Origin")
    if _allow_origin(request, response, allowed):
        response.headers["Access-Control-Expose-Headers"] = "Content-Type"


def _allow_origin(request: Request, response: Response, allowed: Sequence[str]) -> bool:
    """Add the headers that allow the request's origin. Returns whether it is allowed."""
    origin = request.headers.get("origin")
    if origin not in allowed:
        return False
    response.headers["Access-Control-Allow-Origin"] = origin or ""
    response.headers["Access-Control-Allow-Credentials"] = "true"
    return True
