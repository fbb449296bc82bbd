"""One request through Django's own handlers, as a server makes it: no test client, so all signal handlers run."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings

from trials.bench.project import STACKS

HEADERS = {
    "Host": "127.0.0.1",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br",
}
Body = bytes
Call = Callable[[], Body]
AsyncCall = Callable[[], Awaitable[Body]]


class WrongAnswer(RuntimeError):
    """What came back is not what is being measured."""


def wsgi(stack: str, path: str, headers: Mapping[str, str]) -> Call:
    """A call that sends one GET through a ``WSGIHandler`` with this middleware; returns the body of a 200."""
    ask = wsgi_any(stack, path, headers)
    return lambda: ask({})


def wsgi_any(stack: str, path: str, headers: Mapping[str, str] | None = None) -> Callable[[Mapping[str, str]], Body]:
    """As `wsgi`, with more headers that each call is given."""
    with override_settings(MIDDLEWARE=STACKS[stack]):
        handler = WSGIHandler()
    template = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        **_as_environ({**HEADERS, **(headers or {})}),
    }

    def call(more: Mapping[str, str]) -> bytes:
        environ = {**template, **_as_environ(more), "wsgi.input": io.BytesIO()}
        response: Any = handler(environ, _start_response)
        body = b"".join(response)
        response.close()
        if response.status_code != 200:
            raise WrongAnswer(f"{path} with {stack}: {response.status_code}")
        return body

    return call


def _as_environ(headers: Mapping[str, str]) -> dict[str, str]:
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}


def _start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
    return lambda data: None


def asgi(stack: str, path: str, headers: Mapping[str, str]) -> AsyncCall:
    """A coroutine function that sends one GET through an ``ASGIHandler``; returns the body of a 200."""
    with override_settings(MIDDLEWARE=STACKS[stack]):
        handler = ASGIHandler()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in {**HEADERS, **headers}.items()],
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
    }

    async def call() -> bytes:
        sent: list[Mapping[str, Any]] = []
        unread = [{"type": "http.request", "body": b"", "more_body": False}]

        async def receive() -> dict[str, Any]:
            return unread.pop() if unread else await asyncio.Future()  # the client stays connected

        async def send(message: Mapping[str, Any]) -> None:
            sent.append(message)

        await handler(dict(scope), receive, send)
        if sent[0]["status"] != 200:
            raise WrongAnswer(f"{path} with {stack}: {sent[0]['status']}")
        return b"".join(message.get("body", b"") for message in sent[1:])

    return call
