"""Faults that a test can switch on. Each is a layer around the server; the last one switched on is the outermost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from http.client import responses
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..model.errors import OryError
from .recorded_request import Received

Layer = Callable[[ASGIApp, Scope, Receive, Send], Any]


@dataclass(frozen=True)
class Fault:
    """A layer, for the paths that begin so."""

    path: str
    layer: Layer

    def around(self, app: ASGIApp) -> ASGIApp:
        async def faulty(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"].startswith(self.path):
                await self.layer(app, scope, receive, send)
            else:
                await app(scope, receive, send)

        return faulty


def slow(seconds: float) -> Layer:
    async def layer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(seconds)
        await app(scope, receive, send)

    return layer


def failing(status: int, headers: dict[str, str], body: bytes) -> Layer:
    async def layer(_app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await Response(body, status, headers)(scope, receive, send)

    return layer


def refusing(refusal: Callable[[Received], OryError | None]) -> Layer:
    async def layer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        error = refusal(scope["state"]["received"])
        answer = app if error is None else JSONResponse(error.body(), error.code)
        await answer(scope, receive, send)

    return layer


def hanging_up() -> Layer:
    async def layer(_app: ASGIApp, scope: Scope, receive: Receive, _send: Send) -> None:
        scope["state"]["transport"].abort()
        await _gone(receive)

    return layer


def dripping(seconds_per_byte: float, headers: bool) -> Layer:
    """Sends the answer byte by byte: its body only, or from the status line on. It writes past uvicorn."""

    async def layer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await app(scope, receive, keep)
        head, body = _head(messages[0]), b"".join(message.get("body", b"") for message in messages[1:])
        transport = scope["state"]["transport"]
        if not headers:
            transport.write(head)
        for byte in head + body if headers else body:
            if transport.is_closing():
                return
            transport.write(bytes([byte]))
            await asyncio.sleep(seconds_per_byte)
        transport.close()
        await _gone(receive)

    return layer


async def _gone(receive: Receive) -> None:
    """Until uvicorn knows that the connection is closed: it would complain of a missing answer."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _head(start: Message) -> bytes:
    status = start["status"]
    lines = [f"HTTP/1.1 {status} {responses.get(status, '')}".encode()]
    lines += [name + b": " + value for name, value in start["headers"]]
    return b"\r\n".join([*lines, b"connection: close", b"", b""])
