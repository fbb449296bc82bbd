"""The URL that the browser comes back to after a flow. It is checked, so that no link leads to another site."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.http import escape_leading_slashes, url_has_allowed_host_and_scheme

from ..events import Event, log
from ..ory.ascii_hosts import ascii_host, with_ascii_host
from .client_kind import ClientKind, is_browser_script

NEXT_FIELDS = ("next", "return_to")


def read_requested_url(request: HttpRequest) -> str | None:
    """The value of ``next`` or ``return_to`` in the form or the query. It is not checked."""
    return next((value for name in NEXT_FIELDS if (value := request.POST.get(name) or request.GET.get(name))), None)


def find_return_url(request: HttpRequest, hosts: Sequence[str], *, default: str | None = None) -> str:
    """The absolute URL to come back to: the requested one if this site allows it, or the default.

    ``next`` or ``return_to`` may name this host or one of ``hosts``.
    """
    requested = read_requested_url(request)
    requested = requested and with_ascii_host(requested)
    if requested is not None and is_allowed(request, requested, hosts):
        return absolute_url(request, requested)
    if requested is not None:
        log(Event.BAD_RETURN_TO)
    return absolute_url(request, default or resolve_url(settings.LOGIN_REDIRECT_URL))


def is_allowed(request: HttpRequest, url: str, hosts: Sequence[str]) -> bool:
    """Whether a browser may be sent to this URL. Pass it through ``with_ascii_host()`` first."""
    own = request.get_host()
    own_url = with_ascii_host(f"{request.scheme}://{own}")
    known = {own, urlsplit(own_url).netloc, *(ascii_host(host) or host for host in hosts)}
    return url_has_allowed_host_and_scheme(url, allowed_hosts=known, require_https=request.is_secure())


def absolute_url(request: HttpRequest, url: str) -> str:
    """The absolute form of a URL of this site. A URL with a host stays as it is."""
    return urljoin(request.build_absolute_uri(), url)


def find_current_page(request: HttpRequest, kind: ClientKind, hosts: Sequence[str]) -> str:
    """The URL to come back to after signing in: the page that the browser shows, or is about to show.

    For a page load, that is the URL of this request. A form and a script belong to another page, which ``Referer`` (for
    htmx, ``HX-Current-URL``) names. It counts only if it is on this host or one of ``hosts``. Without it, a program
    outside a browser comes back to the URL of its request, and everything else to ``LOGIN_REDIRECT_URL``.
    """
    own = escape_leading_slashes(request.get_full_path())  # "//host/" would name another site
    is_read = request.method in {"GET", "HEAD"}
    loads_page = kind in {ClientKind.PAGE, ClientKind.INERTIA} or (
        kind is ClientKind.HTMX and request.headers.get("HX-Boosted") == "true"
    )
    if is_read and loads_page:
        return own
    page = request.headers.get("HX-Current-URL" if kind is ClientKind.HTMX else "Referer", "")
    if page.startswith(("http://", "https://")) and is_allowed(request, page, hosts):
        return page
    return own if is_read and not is_browser_script(request, kind) else resolve_url(settings.LOGIN_REDIRECT_URL)
