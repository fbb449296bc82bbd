"""What of Ory's response the browser gets. Free of I/O.

Ory's responses come from this site's own origin here. So a response that could run as a page is not passed on, and
only Ory's cookies are.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.cache import patch_cache_control

from ..events import Event
from ..exceptions import OryResponseInvalid, OryUnavailable
from ..ory.addresses import Origin
from ..ory.http_client import Response
from .urls_in_responses import UrlMap

SCRIPT_PATHS = "/.well-known/ory/"  # the only paths that may return a script
SCRIPTS = frozenset({"text/javascript", "application/javascript"})
PLAIN = "text/plain"
# Beside Content-Type, Location and Set-Cookie. Not access-control-*, strict-transport-security, alt-svc, server, …
PASSED_ON = ("Cache-Control", "Vary", "Link", "X-Total-Count", "Retry-After", "Ory-Error-Id")
REDIRECTS = frozenset({301, 302, 303, 307, 308})
KEEP_METHOD = frozenset({307, 308})  # the browser repeats the request, with the body
CONTENT_SECURITY_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"


@dataclass(frozen=True, slots=True)
class Reply:
    """A response to the call for ``path``."""

    path: str
    response: Response
    urls: UrlMap

    def to_django(self) -> HttpResponse:
        """The response for the browser, without its cookies. Raises :class:`OryUnavailable` if it may not be used."""
        status = self.response.status
        if status >= 500 or status == 429:
            raise OryUnavailable(
                f"Ory answered {status}.",
                event=Event.RATE_LIMITED if status == 429 else Event.UNAVAILABLE,
                status=status,
                retry_after=_read_seconds(self.response.headers.get("retry-after", "")),
            )
        if status in REDIRECTS:
            response = self._redirect()
        elif status < 200 or 300 <= status < 400:
            raise OryResponseInvalid(f"Ory answered {status}.", status=status)
        else:
            response = self._content()
        for name in PASSED_ON:
            if value := self.response.headers.get(name, ""):
                response[name] = value
        patch_cache_control(response, private=True, no_store=True)
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def _redirect(self) -> HttpResponse:
        """The redirect without its body, which repeats the URL as HTML."""
        status = self.response.status
        location = self.urls.location(self.response.headers.get("location", ""), self.path)
        if status in KEEP_METHOD and Origin.of(location) != Origin.of(self.urls.own_url):
            text = "Ory would have the browser send the same request to another server."
            raise OryUnavailable(text, event=Event.UPSTREAM_REDIRECT, status=status)
        return HttpResponse(status=status, headers={"Location": location})

    def _content(self) -> HttpResponse:
        body, content_type = self.response.body, self.response.headers.get("content-type", "")
        media_type = content_type.partition(";")[0].strip().lower()
        if not body or self.response.status == 204:
            return _plain(HttpResponse(status=self.response.status, content_type=PLAIN))
        if media_type == "application/json" or media_type.endswith("+json"):
            body = self.urls.body(body)
        elif not (media_type == PLAIN or (media_type in SCRIPTS and self.path.startswith(SCRIPT_PATHS))):
            raise OryResponseInvalid("Ory's response is a page.", status=self.response.status)
        return _plain(HttpResponse(body, status=self.response.status, content_type=content_type))


def _plain(response: HttpResponse) -> HttpResponse:
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY  # if a browser shows it, it can do nothing
    return response


def _read_seconds(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 6 else None
