"""HTTP/1.1 to Ory: one time limit for an exchange, at most 1 MiB, and never the response to somebody else's request.

HTTP/1.1 does not say which request a response belongs to: it is the next one on the connection. A connection on which
something unexpected happened could therefore give one person's session to the next person. So a connection is used
again only after exactly one complete response that its caller recognised (:meth:`ConnectionPool.request`), and only
if no byte has arrived since. Everything else closes it: an error, a time-out, an unclear length, left-over bytes.

``h11`` parses: it skips informational responses (1xx) and refuses what is not proper HTTP/1.1 framing.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import threading
import time
import weakref
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlsplit

import h11
from django.utils.datastructures import CaseInsensitiveMapping

from ..events import Event
from ..exceptions import OryResponseInvalid
from .dns import Names

MAX_BODY = 1024 * 1024  # bytes, decoded
MAX_HEAD = 64 * 1024  # bytes of status line and headers
MAX_INFORMATIONAL = 16  # 1xx responses before the final one
MAX_REQUESTS = 1000  # on one connection, so that what is remembered of them stays small
MAX_IDLE = 30  # seconds: less than any common proxy or NAT gateway keeps an idle connection
RECEIVE_BYTES = 64 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger

_deadline: ContextVar[float] = ContextVar("ory_auth_deadline")


@contextmanager
def deadline(at: float) -> Iterator[None]:
    """Every exchange inside ends by this moment of the monotonic clock (seconds); there is none outside."""
    token = _deadline.set(at)
    try:
        yield
    finally:
        _deadline.reset(token)


def remaining_seconds() -> float:
    """Seconds until the deadline, less than 0 once it has passed."""
    return _deadline.get() - time.monotonic()


def _limit(sock: socket.socket) -> None:
    """Give the next operation on this socket the time that is left; raises ``TimeoutError`` when there is none."""
    seconds = remaining_seconds()
    if seconds <= 0:
        raise TimeoutError
    sock.settimeout(seconds)


class NotConnected(OSError):
    """The name, the port or the TLS handshake failed; ``reason`` is the type of the error."""

    def __init__(self, error: OSError) -> None:
        super().__init__(type(error).__name__)
        self.reason, self.timed_out = type(error).__name__, isinstance(error, TimeoutError)


class NoResponse(Exception):
    """The server closed the connection early, or what it sent is not HTTP/1.1."""


class ConnectionLost(NoResponse):
    """The server closed a kept connection before it sent a byte: the request can be repeated on another one."""


class ResponseMismatch(Exception):
    """Raised by a caller's ``recognise``: this response belongs to an earlier request on the same connection."""


@dataclass(frozen=True)
class Response:
    """One response: its status, headers (by name in any case), decoded body and ``Set-Cookie`` lines."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)

    @cached_property
    def clock(self) -> float | None:
        """The server's clock as Unix time: ``Date``, in whole seconds, plus the ``Age`` that a cache has added."""
        date, age = _unix_time(self.headers.get("date", "")), self.headers.get("age", "")
        return None if date is None else date + (int(age) if age.isdecimal() and age.isascii() and len(age) < 10 else 0)


@lru_cache(maxsize=4)  # many responses come in one second
def _unix_time(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


class Connection:
    """One connection. ``served`` is what the caller remembers of the exchanges on it, ``requests`` their number."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._received_any = False
        self.requests = 0
        self.idle_since = 0.0
        self.served: dict[Any, Any] = {}

    def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Send one request and read its response to the end.

        Raises :class:`NoResponse`, ``TimeoutError``, or :class:`OryResponseInvalid` for a response that is too large.
        """
        self.requests += 1
        self._received_any = False
        try:
            self._send(h11.Request(method=method, target=target, headers=list(headers.items())), body)
            head = self._receive_head()
            return _decoded(head, self._receive_body(head))
        except TimeoutError:
            raise
        except (OSError, h11.RemoteProtocolError) as error:
            lost = self.requests > 1 and not self._received_any
            raise (ConnectionLost if lost else NoResponse)(type(error).__name__) from None

    def is_reusable(self) -> bool:
        """Whether the last exchange ended cleanly, and not one byte came after it."""
        http = self._http
        if not (http.our_state is h11.DONE and http.their_state is h11.DONE) or http.trailing_data[0]:
            return False
        return self.requests < MAX_REQUESTS and self.is_silent()

    def is_silent(self) -> bool:
        """Whether the server has neither sent anything nor closed the connection."""
        if isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            return False
        if not hasattr(select, "poll"):
            return not select.select([self._sock], [], [], 0)[0]
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return not poll.poll(0)

    def rest(self) -> None:
        """The exchange is over; another one may follow."""
        self._http.start_next_cycle()
        self.idle_since = time.monotonic()

    def close(self) -> None:
        """End it at once, with a reset.

        An orderly close would leave the port in TIME_WAIT for a minute. Under a flood of bad credentials, which each
        close their connection, the ports would run out.
        """
        with suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        with suppress(OSError):
            self._sock.close()

    def _send(self, request: h11.Request, body: bytes) -> None:
        events: list[h11.Event] = [request, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()]
        data = b"".join(self._http.send(event) or b"" for event in events)
        _limit(self._sock)
        self._sock.sendall(data)

    def _next_event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            _limit(self._sock)
            data = self._sock.recv(RECEIVE_BYTES)
            self._received_any = self._received_any or bool(data)
            self._http.receive_data(data)
        return event

    def _receive_head(self) -> h11.Response:
        for _ in range(MAX_INFORMATIONAL):
            event = self._next_event()
            if isinstance(event, h11.Response):
                if {b"content-length", b"transfer-encoding"} <= {name for name, _ in event.headers}:
                    raise h11.RemoteProtocolError("two lengths")
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise h11.RemoteProtocolError("no response")
        raise h11.RemoteProtocolError("too many informational responses")

    def _receive_body(self, head: h11.Response) -> Iterator[bytes]:
        while not isinstance(event := self._next_event(), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                raise h11.RemoteProtocolError("no end of the response")
            yield bytes(event.data)


def _decoded(head: h11.Response, parts: Iterator[bytes]) -> Response:
    headers: dict[str, str] = {}
    cookies = []
    for raw_name, raw_value in head.headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == "set-cookie":
            cookies.append(value)
        else:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    encoding = headers.get("content-encoding", "").strip().lower()
    body = _joined(head.status_code, _unpacked(parts, head.status_code) if encoding in PACKED else parts)
    return Response(head.status_code, CaseInsensitiveMapping(headers), body, tuple(cookies))


PACKED = frozenset({"gzip", "x-gzip", "deflate"})


def _joined(status: int, parts: Iterator[bytes]) -> bytes:
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > MAX_BODY:
            raise OryResponseInvalid("Ory's response is larger than 1 MiB.", event=Event.ANSWER_TOO_BIG, status=status)
    return bytes(body)


def _unpacked(parts: Iterator[bytes], status: int) -> Iterator[bytes]:
    """Decompress gzip or deflate, never more than a little beyond the limit at once."""
    unpack = zlib.decompressobj(wbits=47)  # 47: gzip or zlib, by its header
    packed = 0
    try:
        for part in parts:
            packed += len(part)
            if packed > MAX_BODY:
                raise OryResponseInvalid(
                    "Ory's response is larger than 1 MiB.", event=Event.ANSWER_TOO_BIG, status=status
                )
            yield unpack.decompress(part, MAX_BODY + 1)  # the caller stops at more than that
    except zlib.error:
        raise OryResponseInvalid("Ory's response is badly compressed.", status=status) from None
    if not unpack.eof or unpack.unused_data:
        raise OryResponseInvalid("Ory's response ends in the middle.", status=status)


class ConnectionPool:
    """Connections to the server of one URL, shared by the threads of a process and never across a fork."""

    def __init__(self, url: str, max_idle: int) -> None:
        parts = urlsplit(url)
        self._host, self._tls = parts.hostname or "", parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._host_header, self._base_path = parts.netloc, parts.path.rstrip("/")
        self._ssl_context = ssl.create_default_context() if self._tls else None
        self._names = Names()
        self._max_idle = max_idle
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        weakref.finalize(self, _close_all, self._idle)

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        recognise: Callable[[Response, Connection], bool] | None = None,
    ) -> Response:
        """Make one request; ``target`` is its path and query.

        Without ``recognise`` the connection is new, and closed afterwards. With it, a kept connection may be used, and
        is kept again when ``recognise`` says that this response is the one that belongs to the request. When it raises
        :class:`ResponseMismatch` the request is repeated on a new connection; so it is when the server had closed the
        kept connection. Both are for requests that may be repeated.

        Raises :class:`NotConnected`, :class:`NoResponse`, ``TimeoutError``, :class:`OryResponseInvalid`, and what
        ``recognise`` raises.
        """
        sent = {"Host": self._host_header, **headers, **({"Content-Length": str(len(body))} if body else {})}
        if recognise is None:
            sent["Connection"] = "close"
        kept = self._take() if recognise else None
        if kept is not None:
            with suppress(ConnectionLost, ResponseMismatch):
                return self._exchange(kept, method, target, sent, body, recognise)
        return self._exchange(self._connect(), method, target, sent, body, recognise)

    def _exchange(
        self,
        connection: Connection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        recognise: Callable[[Response, Connection], bool] | None,
    ) -> Response:
        keep = False
        try:
            response = connection.exchange(method, self._base_path + target, headers, body)
            keep = recognise is not None and recognise(response, connection) and connection.is_reusable()
            return response
        finally:
            if not (keep and self._keep(connection)):
                connection.close()

    def _take(self) -> Connection | None:
        """The connection that was used last, if nothing has arrived on it."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if time.monotonic() - connection.idle_since < MAX_IDLE and connection.is_silent():
                return connection
            connection.close()

    def _keep(self, connection: Connection) -> bool:
        connection.rest()
        with self._lock:
            if len(self._idle) < self._max_idle:
                self._idle.append(connection)
                return True
        return False

    def _connect(self) -> Connection:
        try:
            sock = open_socket(self._names.addresses(self._host, self._port, remaining_seconds()))
            return Connection(self._start_tls(sock))
        except OSError as error:  # ssl.SSLError and TimeoutError are among them
            failure = NotConnected(error)
        raise failure

    def _start_tls(self, sock: socket.socket) -> socket.socket:
        if self._ssl_context is None:
            return sock
        try:
            _limit(sock)
            return self._ssl_context.wrap_socket(sock, server_hostname=self._host)
        except BaseException:
            sock.close()
            raise


def _close_all(connections: list[Connection]) -> None:
    for connection in connections:
        connection.close()


def open_socket(addresses: Any) -> socket.socket:
    """A connection to the first of these addresses that accepts one; raises ``OSError``.

    ``addresses`` are as ``socket.getaddrinfo`` returns them.
    """
    failure = OSError("no address")
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _limit(sock)
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure
