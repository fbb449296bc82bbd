"""Requests that the local Ory makes: to the application, for web hooks. They are repeated as Kratos does.

https://www.ory.com/docs/guides/integrate-with-ory-cloud-through-webhooks
"""

from __future__ import annotations

import http.client
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from ..model.errors import OryError
from ..model.web_hooks import HookRequest

TRIES = 3
MAX_BODY_BYTES = 5 << 20
MAX_REDIRECTS = 10
REDIRECTS_WITH_GET = (301, 302, 303)
OWN_HEADERS = {"User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"}


class ApplicationUnreachable(OryError):
    """Nothing answered, or each try was answered with 429 or 5xx."""

    def __init__(self, request: HookRequest) -> None:
        text = f"{request.method} {request.url} giving up after {TRIES} attempt(s)"
        super().__init__(500, message=text, status=400)


def send(request: HookRequest, *, timeout: float, retry_seconds: float) -> tuple[int, bytes]:
    """Send the request. Returns status and body of the answer. Raises `ApplicationUnreachable`.

    `timeout` is that of each try, `retry_seconds` is the time before the second one. It doubles for the third.
    """
    trigger_id, wait = str(uuid.uuid4()), retry_seconds
    for number in range(TRIES):
        retry_after = 0.0
        try:
            status, headers, body = _send_once(request, trigger_id, timeout)
        except (OSError, http.client.HTTPException):
            pass
        else:
            if status != 429 and status < 500:
                return status, body
            retry_after = _seconds(headers.get("Retry-After", ""))
        if number < TRIES - 1:
            time.sleep(retry_after or wait)
            wait *= 2
    raise ApplicationUnreachable(request)


def _send_once(request: HookRequest, trigger_id: str, timeout: float) -> tuple[int, http.client.HTTPMessage, bytes]:
    """Send the request, and follow redirects. All of them are one try."""
    ids = {"Ory-Webhook-Request-Id": str(uuid.uuid4()), "Ory-Webhook-Trigger-Id": trigger_id}
    request = replace(request, headers={**OWN_HEADERS, **request.headers, **ids})
    for status, headers, body in _follow(request, timeout):
        last = status, headers, body
    return last


def _follow(request: HookRequest, timeout: float) -> Iterator[tuple[int, http.client.HTTPMessage, bytes]]:
    for _ in range(MAX_REDIRECTS):
        status, received, body = _exchange(request, timeout)
        yield status, received, body
        location = received.get("Location", "")
        if status not in (*REDIRECTS_WITH_GET, 307, 308) or not location:
            return
        headers = {**request.headers, "Referer": request.url}
        request = replace(request, url=urljoin(request.url, location), headers=headers)
        if status in REDIRECTS_WITH_GET:
            kept = {name: value for name, value in request.headers.items() if name != "Content-Type"}
            request = replace(request, method="GET", headers=kept, body=b"")


def _exchange(request: HookRequest, timeout: float) -> tuple[int, http.client.HTTPMessage, bytes]:
    url = urlsplit(request.url)
    connection_class = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = connection_class(url.netloc, timeout=timeout)
    try:
        path = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
        connection.putrequest(request.method, path, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        if request.body or request.method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(request.body)))
        connection.endheaders(request.body)
        response = connection.getresponse()
        return response.status, response.headers, response.read(MAX_BODY_BYTES)
    finally:
        connection.close()


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0
