"""What a client gets of a flow: a whole page, a fragment for a page that it has already, or JSON."""

from __future__ import annotations

from enum import Enum
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_cache_control, patch_vary_headers

from ..responses import refusals
from ..responses.client_kind import ClientKind, preferred_script_type

PARAMETER = "format"
DECIDING_HEADERS = ("Accept", "HX-Request", "HX-Boosted", "HX-Request-Type", "HX-History-Restore-Request")
FRAGMENT_LAYOUT = "ory_auth/fragment.html"


class Representation(Enum):
    """The value is that of the query parameter ``format``."""

    PAGE = "page"
    FRAGMENT = "fragment"
    JSON = "json"


def wanted_representation(request: HttpRequest) -> Representation:
    """What the client wants of a flow: what ``?format=`` says, otherwise a guess from the headers.

    Only a flow that exists is guessed. A script that did not ask for one may have followed a redirect to the login
    page: it must learn that nobody is signed in.
    """
    try:
        return Representation(request.GET.get(PARAMETER))
    except ValueError:
        return _guess(request) if "flow" in request.GET else Representation.PAGE


def _guess(request: HttpRequest) -> Representation:
    match refusals.response_kind(request):
        case ClientKind.HTMX if not _htmx_wants_page(request):
            return Representation.FRAGMENT
        case ClientKind.SCRIPT if (preferred_script_type(request) or "").endswith("json"):
            return Representation.JSON
    return Representation.PAGE


def _htmx_wants_page(request: HttpRequest) -> bool:
    """Whether htmx follows a boosted link, goes back in history, or (htmx 4) replaces the whole page."""
    headers = request.headers
    return (
        "true" in {headers.get("HX-Boosted"), headers.get("HX-History-Restore-Request")}
        or headers.get("HX-Request-Type") == "full"
    )


def render(request: HttpRequest, status: int, name: str, **context: Any) -> HttpResponse:
    """The template as a page or as a fragment."""
    if wanted_representation(request) is Representation.FRAGMENT:
        context["ory_base"] = FRAGMENT_LAYOUT
    response = refusals.render_page(request, status, name, **context)
    patch_vary_headers(response, DECIDING_HEADERS)
    return response


def respond_json(status: int, body: dict[str, Any]) -> HttpResponse:
    """JSON that no cache may store."""
    response = JsonResponse(body, status=status)
    patch_cache_control(response, no_store=True, private=True)
    patch_vary_headers(response, DECIDING_HEADERS)
    return response
