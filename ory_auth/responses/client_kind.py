"""Which kind of client sent a request, and so which form of a refusal it can use.

Browsers follow a redirect to Ory when they load a page. They refuse to follow it for ``fetch()``, because Ory is on
another origin, and the user would see nothing. Follows https://www.w3.org/TR/fetch-metadata/.

These headers choose the form of a response and nothing else. They never decide who the user is.
"""

from __future__ import annotations

from enum import Enum

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

MAX_ACCEPT = 2048  # characters of an Accept header: the time that Django takes to parse it grows with their square
PROBLEM_JSON = "application/problem+json"
EVENT_STREAM = "text/event-stream"
HTML = frozenset({"text/html", "application/xhtml+xml", "text/*", "*/*"})
# JavaScript frameworks send these. The value does not matter.
SCRIPT_HEADERS = ("Turbo-Frame", "X-Turbo-Request-Id", "X-Up-Version")
PAGE_DESTINATIONS = frozenset({"document", "iframe", "frame", "fencedframe", "embed", "object"})
DECIDING_HEADERS = (
    "Accept", "HX-Request", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "X-Inertia", "X-Requested-With", *SCRIPT_HEADERS
)  # fmt: skip
RETURN_HEADERS = ("HX-Boosted", "HX-Current-URL", "Referer")  # name the page to come back to after signing in


class ClientKind(Enum):
    """Which form of a response a client can use."""

    PAGE = "page"  # a page load, or a client that sends none of these headers: a redirect, or a page
    SCRIPT = "script"  # fetch(), XMLHttpRequest, an image, an API client: JSON, never a redirect
    HTMX = "htmx"  # the header HX-Redirect, or a short text
    INERTIA = "inertia"  # 409 with the header X-Inertia-Location, or a page


def kind_from_headers(request: HttpRequest) -> ClientKind:
    """Decide by the request's headers alone."""
    headers = request.headers
    if headers.get("HX-Request") == "true":
        return ClientKind.HTMX
    if "X-Inertia" in headers:
        return ClientKind.INERTIA
    if headers.get("X-Requested-With") == "XMLHttpRequest" or any(name in headers for name in SCRIPT_HEADERS):
        return ClientKind.SCRIPT
    if preferred_script_type(request):
        return ClientKind.SCRIPT
    mode, destination = headers.get("Sec-Fetch-Mode", ""), headers.get("Sec-Fetch-Dest", "")
    if mode == "navigate" or destination in PAGE_DESTINATIONS:
        return ClientKind.PAGE
    return ClientKind.SCRIPT if mode or destination else ClientKind.PAGE


def is_browser_script(request: HttpRequest, kind: ClientKind) -> bool:
    """Whether a script in a browser sent the request, so that its URL must not become the page to come back to."""
    named = ("Sec-Fetch-Mode", "Sec-Fetch-Dest", "X-Requested-With", *SCRIPT_HEADERS)
    return kind is ClientKind.HTMX or (kind is ClientKind.SCRIPT and any(name in request.headers for name in named))


def preferred_script_type(request: HttpRequest) -> str | None:
    """The JSON type or ``text/event-stream`` that the client prefers to HTML; ``None`` if it prefers neither."""
    if len(request.META.get("HTTP_ACCEPT", "")) > MAX_ACCEPT:
        return None
    try:
        accepted_types = request.accepted_types
    except (LookupError, ValueError):  # a parameter in an encoding that does not exist
        return None
    for accepted in accepted_types:
        name = f"{accepted.main_type}/{accepted.sub_type}"
        if accepted.sub_type.split("+")[-1] == "json" or name == EVENT_STREAM:
            return name
        if name in HTML:
            return None
    return None


def add_vary(response: HttpResponseBase, kind: ClientKind) -> None:
    """Tell caches which request headers this response depends on."""
    patch_vary_headers(response, DECIDING_HEADERS if kind is ClientKind.PAGE else DECIDING_HEADERS + RETURN_HEADERS)
