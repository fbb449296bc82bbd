"""Cross-origin requests of pages, as Kratos answers them with serve.public.cors enabled and credentials allowed.

https://www.ory.com/docs/kratos/guides/setting-up-cors
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

PREFLIGHT_VARY = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def preflight(request: Request, allowed: Sequence[str]) -> Response | None:
    """The answer to what a browser asks beforehand; `None` where this is something else, or CORS is not enabled."""
    method = request.headers.get("access-control-request-method")
    if not allowed or request.method != "OPTIONS" or method is None:
        return None
    response = Response(status_code=204, headers={"Vary": PREFLIGHT_VARY})
    if _let_in(request, response, allowed):
        response.headers["Access-Control-Allow-Methods"] = method
    return response


def finish(request: Request, response: Response, allowed: Sequence[str]) -> None:
    """Add to an answer what lets the page read it."""
    if allowed:
        response.headers.append("Vary", "Origin")
        if _let_in(request, response, allowed):
            response.headers["Access-Control-Expose-Headers"] = "Content-Type"


def _let_in(request: Request, response: Response, allowed: Sequence[str]) -> bool:
    origin = request.headers.get("origin")
    if origin not in allowed:
        return False
    response.headers["Access-Control-Allow-Origin"] = origin or ""
    response.headers["Access-Control-Allow-Credentials"] = "true"
    return True
