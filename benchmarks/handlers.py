"""Requests through Django's own WSGI and ASGI handlers, as a server makes them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from wsgiref.util import setup_testing_defaults

HEADERS = {
    "Host": "127.0.0.1",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br",
}
Headers = Mapping[str, str]


class WrongResponse(RuntimeError):
    """The response is not the one that is to be measured."""


def wsgi_call(handler: Any, path: str) -> Callable[[Headers], bytes]:
    """A function that sends one GET with the given headers through a ``WSGIHandler`` and returns the body of a 200."""
    template: dict[str, Any] = {"PATH_INFO": path, "REMOTE_ADDR": "127.0.0.1", **_environ(HEADERS)}
    setup_testing_defaults(template)

    def call(headers: Headers) -> bytes:
        environ = {**template, **_environ(headers), "wsgi.input": io.BytesIO()}
        response = handler(environ, lambda status, headers, exc_info=None: None)
        body = b"".join(response)
        response.close()
        return _checked(body, response.status_code, path)

    return call


def _environ(headers: Headers) -> dict[str, str]:
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}


def asgi_call(handler: Any, path: str) -> Callable[[Headers], Awaitable[bytes]]:
    """As `wsgi_call`, through an ``ASGIHandler``."""
    template: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": _header_pairs(HEADERS),
        "client": ("127.0.0.1", 50000),
    }

    async def call(headers: Headers) -> bytes:
        unread = [{"type": "http.request", "body": b"", "more_body": False}]
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return unread.pop() if unread else await asyncio.Future()  # the client stays connected

        async def send(message: Any) -> None:
            sent.append(message)

        await handler({**template, "headers": template["headers"] + _header_pairs(headers)}, receive, send)
        return _checked(b"".join(message.get("body", b"") for message in sent), sent[0]["status"], path)

    return call


def _header_pairs(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _checked(body: bytes, status: int, path: str) -> bytes:
    if status != 200:
        raise WrongResponse(f"{path}: {status}")
    return body
