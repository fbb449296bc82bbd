"""Connections to Ory that keep to one wall-clock limit for a whole answer, and bodies of at most 1 MiB.

urllib3's time-out starts anew at every read, so a server that drips could hold a call for ever. Here each read from
the socket, of headers and body alike, gets the time that is left of the whole, and so do names and connections.
"""

from __future__ import annotations

import http.client
import io
import logging
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Any

from .events import Event
from .exceptions import OryResponseInvalid
from .names import Names

MAX_ANSWER = 1024 * 1024  # bytes, decoded

_deadline: ContextVar[float] = ContextVar("ory_auth_deadline")


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """All calls inside end by this moment (of the monotonic clock, in seconds); every call is made inside one."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def left() -> float:
    """Seconds until the limit."""
    return _deadline.get() - time.monotonic()


def is_late(error: Exception) -> bool:
    """Whether the limit, or urllib3's share of it, is what ended a call."""
    return left() <= 0 or isinstance(error, TimeoutError) or "Timeout" in type(error).__name__


class _DeadlineReader(io.RawIOBase):
    def __init__(self, stream: Any, sock: Any) -> None:
        self._stream, self._sock = stream, sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = left()
        if seconds <= 0:
            raise TimeoutError
        self._sock.settimeout(seconds)
        read: int | None = self._stream.raw.readinto(buffer)
        return read

    def close(self) -> None:
        self._stream.close()
        super().close()


def pool_classes() -> dict[str, Any]:
    """urllib3's pools by scheme, with the limit built in; imports urllib3."""
    urllib3: Any = import_module("urllib3")

    class Response(http.client.HTTPResponse):
        def __init__(self, sock: Any, *args: Any, **options: Any) -> None:
            super().__init__(sock, *args, **options)
            self.fp: Any = io.BufferedReader(_DeadlineReader(self.fp, sock))

    names = Names()

    def connect(connection: Any) -> Any:
        try:
            return connected(names.addresses(connection._dns_host, connection.port, left()), connection.socket_options)
        except OSError as error:
            raise urllib3.exceptions.NewConnectionError(connection, type(error).__name__) from None

    def pool(base: Any, connection: Any) -> Any:
        bounded = type(connection.__name__, (connection,), {"response_class": Response, "_new_conn": connect})
        return type(base.__name__, (base,), {"ConnectionCls": bounded})

    return {
        "http": pool(urllib3.HTTPConnectionPool, urllib3.connection.HTTPConnection),
        "https": pool(urllib3.HTTPSConnectionPool, urllib3.connection.HTTPSConnection),
    }


def connected(addresses: Any, options: Any = None) -> socket.socket:
    """A connection to the first of these addresses that takes one; raises ``OSError``.

    Addresses are as ``socket.getaddrinfo`` gives them, options what ``setsockopt`` takes.
    """
    failure = OSError("no address")
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                sock.setsockopt(*option)
            sock.settimeout(max(left(), 0.001))
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def read_body(response: Any) -> bytes:
    """The whole body, unpacked, and never more than a mebibyte of it in memory."""
    length = response.length_remaining
    if length is not None and length <= MAX_ANSWER and "Content-Encoding" not in response.headers:
        body: bytes = response.read(decode_content=False)
        return body
    packed = response.headers.get("Content-Encoding", "identity").lower() in {"gzip", "x-gzip", "deflate"}
    unpack = zlib.decompressobj(wbits=47) if packed else None  # 47: gzip or zlib, by its header
    parts, size = [], 0
    for chunk in response.stream(64 * 1024, decode_content=False):
        part = unpack.decompress(chunk, MAX_ANSWER + 1 - size) if unpack else chunk
        size += len(part)
        if size > MAX_ANSWER:
            raise OryResponseInvalid(
                "Ory's answer is larger than 1 MiB.", event=Event.ANSWER_TOO_BIG, status=response.status
            )
        parts.append(part)
    if unpack and not unpack.eof:
        raise OryResponseInvalid("Ory's answer ends in the middle.", status=response.status)
    return b"".join(parts)


def without_query(record: logging.LogRecord) -> bool:
    """urllib3 prints whole paths at DEBUG level; those of Ory have flow ids and logout tokens in their queries."""
    ours = _deadline.get(None) is not None  # a filter runs where the call runs, and all calls to Ory have a limit
    if ours and isinstance(record.args, tuple):
        record.args = tuple(
            arg.partition("?")[0] if isinstance(arg, str) and arg.startswith("/") else arg for arg in record.args
        )
    return True
