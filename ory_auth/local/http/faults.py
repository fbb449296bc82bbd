"""Faults that a test can switch on: ASGI middleware around a port. The last one switched on is the outermost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http.client import responses
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..model.errors import OryError
from .recorded_request import RecordedRequest

Layer = Callable[[ASGIApp, Scope, Receive, Send], Any]


@dataclass(frozen=True)
class Fault:
    """A layer for all paths that begin with `path`."""

    path: str
    layer: Layer

    def wrap(self, app: ASGIApp) -> ASGIApp:
        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"].startswith(self.path):
                await self.layer(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return faulty


def delay(seconds: float) -> Layer:
    """Wait before responding."""

    async def layer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(seconds)
        await app(scope, receive, send)

    return layer


def respond_with(status: int, headers: dict[str, str], body: bytes) -> Layer:
    """Send this response instead."""

    async def layer(_app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await Response(body, status, headers)(scope, receive, send)

    return layer


def refuse(find_error: Callable[[RecordedRequest], OryError | None]) -> Layer:
    """Respond with an error to the requests for which `find_error` returns one."""

    async def layer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        error = find_error(scope["state"]["recorded_request"])
        response = app if error is None else JSONResponse(error.body(), error.code)
        await response(scope, receive, send)

    return layer


def close_connection() -> Layer:
    """Close the connection without a response."""

    async def layer(_app: ASGIApp, scope: Scope, receive: Receive, _send: Send) -> None:
        scope["state"]["transport"].abort()
        await _wait_for_disconnect(receive)

    return layer


def drip(seconds_per_byte: float, headers: bool) -> Layer:
    """Send the response byte by byte: only its body, or with `headers` from the status line on.

    The bytes go directly to the transport, because uvicorn sends all headers at once.
    """

    async def layer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        await app(scope, receive, collect)
        head = _response_head(messages[0])
        body = b"".join(message.get("body", b"") for message in messages[1:])
        transport = scope["state"]["transport"]
        if headers:
            slow_bytes = head + body
        else:
            transport.write(head)
            slow_bytes = body
        for byte in slow_bytes:
            if transport.is_closing():
                return
            transport.write(bytes([byte]))
            await asyncio.sleep(seconds_per_byte)
        transport.close()
        await _wait_for_disconnect(receive)

    return layer


async def _wait_for_disconnect(receive: Receive) -> None:
    """Wait until uvicorn has noticed that the connection is closed. Otherwise it logs that the response is missing."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _response_head(start: Message) -> bytes:
    status = start["status"]
    lines = [f"HTTP/1.1 {status} {responses.get(status, '')}".encode()]
    lines += [name + b": " + value for name, value in start["headers"]]
    return b"\r\n".join([*lines, b"connection: close", b"", b""])
