"""Faults of a server: each says what is sent instead of Ory's response, and how.

The bodies are real sessions of a stranger, so a site that accepts one of them shows the wrong person.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import cache

DRIP = 0.05  # seconds between two bytes
OVER_SIZE = 2 * 1024 * 1024  # bytes
BOMB = 64 * 1024 * 1024  # bytes, unpacked

Responder = Callable[[asyncio.StreamWriter, bytes], Awaitable[None]]


class Fault(StrEnum):
    """The current fault."""

    PASS = "pass"
    REFUSED = "refused"
    DNS_HANGS = "DNS hangs"
    RESET = "reset"
    HANG = "hang"
    DRIP_HEADERS = "drip in headers"
    DRIP_BODY = "drip in body"
    RATE_LIMITED = "429"
    ERROR_500 = "500"
    ERROR_502 = "502"
    ERROR_503 = "503"
    HTML = "HTML"
    TRUNCATED = "truncated JSON"
    CUT = "cut off"
    OVER_SIZE = "over-size"
    GZIP_BOMB = "gzip bomb"
    REDIRECT = "3xx"
    TLS_PLAIN = "no TLS"
    TLS_SELF_SIGNED = "self-signed"


CONNECTION_FAULTS = frozenset({Fault.PASS, Fault.REFUSED, Fault.DNS_HANGS, Fault.TLS_PLAIN, Fault.TLS_SELF_SIGNED})
"""Those that are about the port or its name; behind it, what comes is passed on."""


async def reset(writer: asyncio.StreamWriter, _session: bytes) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def hang(writer: asyncio.StreamWriter, _session: bytes) -> None:
    await writer.wait_closed()


async def drip_headers(writer: asyncio.StreamWriter, session: bytes) -> None:
    await _drip(writer, response(200, session))


async def drip_body(writer: asyncio.StreamWriter, session: bytes) -> None:
    head, _, body = response(200, session).partition(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n")
    await _drip(writer, body)


async def _drip(writer: asyncio.StreamWriter, content: bytes) -> None:
    for byte in content:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(DRIP)


async def cut(writer: asyncio.StreamWriter, session: bytes) -> None:
    writer.write(response(200, session)[: -len(session) // 2])
    await writer.drain()
    writer.close()


def _respond_with(make: Callable[[bytes], bytes]) -> Responder:
    async def answer(writer: asyncio.StreamWriter, session: bytes) -> None:
        writer.write(make(session))
        await writer.drain()

    return answer


def _error_response(status: int, **headers: str) -> Responder:
    body = json.dumps({"error": {"code": status, "message": "a fault"}}).encode()
    return _respond_with(lambda _session: response(status, body, **headers))


@cache
def padded(session: bytes) -> bytes:
    """The session in 2 MiB of JSON."""
    return session[:-1] + b',"padding":"' + b"." * OVER_SIZE + b'"}'


@cache
def bomb(session: bytes) -> bytes:
    """The session before 64 MiB of blanks, compressed."""
    return gzip.compress(session + b" " * BOMB, 6)


def build_large_responses(session: bytes) -> None:
    """Build the large responses in advance, because compressing one takes longer than a time limit."""
    padded(session)
    bomb(session)


RESPONDERS: dict[Fault, Responder] = {
    Fault.RESET: reset,
    Fault.HANG: hang,
    Fault.DRIP_HEADERS: drip_headers,
    Fault.DRIP_BODY: drip_body,
    Fault.CUT: cut,
    Fault.ERROR_500: _error_response(500),
    Fault.ERROR_502: _error_response(502),
    Fault.ERROR_503: _error_response(503),
    Fault.HTML: _respond_with(
        lambda _session: response(200, b"<!doctype html><title>Welcome</title>", content_type="text/html")
    ),
    Fault.TRUNCATED: _respond_with(lambda session: response(200, session[: len(session) // 2])),
    Fault.OVER_SIZE: _respond_with(lambda session: response(200, padded(session))),
    Fault.GZIP_BOMB: _respond_with(lambda session: response(200, bomb(session), content_encoding="gzip")),
    Fault.REDIRECT: _respond_with(lambda _session: response(302, b"", location="/stranger")),
}


def response(status: int, body: bytes, **headers: str) -> bytes:
    """An HTTP response; ``headers`` with underscores for hyphens."""
    all_headers = {"content_type": "application/json", **headers, "content_length": str(len(body))}
    lines = [f"HTTP/1.1 {status} -", *(f"{name.replace('_', '-')}: {value}" for name, value in all_headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
