"""HTTP/1.1 to Ory: one deadline for each exchange, responses of at most 1 MiB, and no mixed-up responses.

HTTP/1.1 does not say which request a response belongs to: the next bytes on the connection are the next response. If
something unexpected happened on a connection, its next response could be another person's session. So a connection is
used again only after exactly one complete response that the caller has matched to its request
(:meth:`ConnectionPool.request`), and only if no byte has arrived since. Anything else closes it: an error, a time-out,
an unclear length, left-over bytes.

``h11`` parses. It skips informational responses (1xx) and refuses invalid HTTP/1.1 framing.
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
from .dns import Resolver

MAX_BODY = 1024 * 1024  # bytes, decoded
MAX_LARGE_BODY = 32 * MAX_BODY  # for one identity: Kratos takes 5 MiB, in which each "<" becomes six bytes
MAX_HEAD = 64 * 1024  # bytes of status line and headers
MAX_INFORMATIONAL = 16  # 1xx responses before the final one
MAX_REQUESTS = 1000  # on one connection, which bounds `Connection.digest_by_session`
MAX_IDLE = 30  # seconds; common proxies and NAT gateways keep idle connections for longer
RECEIVE_BYTES = 64 * 1024
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # struct linger

_deadline: ContextVar[float] = ContextVar("ory_auth_deadline")


@contextmanager
def deadline(at: float) -> Iterator[None]:
    """Every exchange inside ends by this time (seconds of the monotonic clock). Outside, exchanges raise an error."""
    token = _deadline.set(at)
    try:
        yield
    finally:
        _deadline.reset(token)


_max_body: ContextVar[int] = ContextVar("ory_auth_max_body", default=MAX_BODY)


@contextmanager
def large_responses() -> Iterator[None]:
    """Responses to exchanges inside may be as large as :data:`MAX_LARGE_BODY`. Not for requests of people."""
    token = _max_body.set(MAX_LARGE_BODY)
    try:
        yield
    finally:
        _max_body.reset(token)


def remaining_seconds() -> float:
    """Seconds until the deadline, less than 0 once it has passed."""
    return _deadline.get() - time.monotonic()


def _apply_deadline(sock: socket.socket) -> None:
    """Limit the socket's next operation to the time that is left. Raises ``TimeoutError`` if there is none."""
    seconds = remaining_seconds()
    if seconds <= 0:
        raise TimeoutError
    sock.settimeout(seconds)


class NotConnected(OSError):
    """No connection: name resolution, connecting or TLS failed. ``reason`` is the type of the error."""

    def __init__(self, error: OSError) -> None:
        super().__init__(type(error).__name__)
        self.reason, self.timed_out = type(error).__name__, isinstance(error, TimeoutError)


class NoResponse(Exception):
    """The server closed the connection early, or sent something that is not HTTP/1.1."""


class ConnectionLost(NoResponse):
    """The server closed an idle connection before it sent a byte, so the request can be repeated on a new one."""


class ResponseMismatch(Exception):
    """Raised by ``is_match``: this response belongs to an earlier request on the same connection."""


@dataclass(frozen=True)
class Response:
    """A response with its decoded body. Names of headers ignore case. ``cookies`` are the ``Set-Cookie`` lines."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)

    @cached_property
    def clock(self) -> float | None:
        """The server's clock as Unix time: ``Date``, in whole seconds, plus the ``Age`` that a cache has added."""
        date, age = _unix_time(self.headers.get("date", "")), self.headers.get("age", "")
        return None if date is None else date + (int(age) if age.isdecimal() and age.isascii() and len(age) < 10 else 0)


@lru_cache(maxsize=4)  # many responses have the same second
def _unix_time(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


class Connection:
    """One connection. ``requests`` counts the exchanges on it.

    ``digest_by_session`` maps the IDs of the sessions in its responses to the digest of the credential of each request.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._received_any = False
        self.requests = 0
        self.idle_since = 0.0
        self.digest_by_session: dict[bytes, str] = {}

    def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Send one request and read its response to the end.

        Raises :class:`NoResponse`, ``TimeoutError``, or :class:`OryResponseInvalid` for a response that is too large.
        """
        self.requests += 1
        self._received_any = False
        try:
            self._send(h11.Request(method=method, target=target, headers=list(headers.items())), body)
            head = self._receive_head()
            return _to_response(head, self._receive_body(head))
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

    def mark_idle(self) -> None:
        """End the exchange, so that another one may follow."""
        self._http.start_next_cycle()
        self.idle_since = time.monotonic()

    def close(self) -> None:
        """Close at once, with a reset.

        An orderly close leaves the port in TIME_WAIT for a minute. Each bad credential closes its connection, so a
        flood of them would use up the ports.
        """
        with suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        with suppress(OSError):
            self._sock.close()

    def _send(self, request: h11.Request, body: bytes) -> None:
        events: list[h11.Event] = [request, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()]
        data = b"".join(self._http.send(event) or b"" for event in events)
        _apply_deadline(self._sock)
        self._sock.sendall(data)

    def _next_event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            _apply_deadline(self._sock)
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


def _to_response(head: h11.Response, parts: Iterator[bytes]) -> Response:
    headers: dict[str, str] = {}
    cookies = []
    for raw_name, raw_value in head.headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name == "set-cookie":
            cookies.append(value)
        else:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    encoding = headers.get("content-encoding", "").strip().lower()
    body = _join(head.status_code, _decompress(parts, head.status_code) if encoding in COMPRESSED else parts)
    return Response(head.status_code, CaseInsensitiveMapping(headers), body, tuple(cookies))


COMPRESSED = frozenset({"gzip", "x-gzip", "deflate"})


def _join(status: int, parts: Iterator[bytes]) -> bytes:
    """The whole body. Raises :class:`OryResponseInvalid` as soon as it is larger than :data:`MAX_BODY`."""
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > _max_body.get():
            raise _too_large(status)
    return bytes(body)


def _too_large(status: int) -> OryResponseInvalid:
    text = f"Ory's response is larger than {_max_body.get() // 2**20} MiB."
    return OryResponseInvalid(text, event=Event.ANSWER_TOO_BIG, status=status)


def _decompress(parts: Iterator[bytes], status: int) -> Iterator[bytes]:
    """Decompress gzip or deflate. No part is longer than the limit and one byte, whatever it would expand to."""
    decompressor = zlib.decompressobj(wbits=47)  # 47: gzip or zlib, by its header
    received, limit = 0, _max_body.get()
    try:
        for part in parts:
            received += len(part)
            if received > limit:
                raise _too_large(status)
            yield decompressor.decompress(part, limit + 1)  # the caller stops at more than the limit
    except zlib.error:
        raise OryResponseInvalid("Ory's response could not be decompressed.", status=status) from None
    if not decompressor.eof or decompressor.unused_data:
        raise OryResponseInvalid("Ory's compressed response is incomplete, or has bytes after its end.", status=status)


class ConnectionPool:
    """Connections to the server of one URL, shared by the threads of a process and never across a fork."""

    def __init__(self, url: str, max_idle: int) -> None:
        parts = urlsplit(url)
        self._host, self._tls = parts.hostname or "", parts.scheme == "https"
        self._port = parts.port or (443 if self._tls else 80)
        self._host_header, self._base_path = parts.netloc, parts.path.rstrip("/")
        self._ssl_context = ssl.create_default_context() if self._tls else None
        self._resolver = Resolver()
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
        is_match: Callable[[Response, Connection], bool] | None = None,
    ) -> Response:
        """Make one request; ``target`` is its path and query.

        Without ``is_match`` the connection is new, and closed afterwards. With it, an idle connection may be used,
        and goes back to the pool if ``is_match`` returns true: this response belongs to this request. The request is
        repeated on a new connection if ``is_match`` raises :class:`ResponseMismatch`, or if the server had closed the
        idle connection. So use ``is_match`` only for requests that may be repeated.

        Raises :class:`NotConnected`, :class:`NoResponse`, ``TimeoutError``, :class:`OryResponseInvalid`, and any error
        of ``is_match``.
        """
        sent = {"Host": self._host_header, **headers, **({"Content-Length": str(len(body))} if body else {})}
        if is_match is None:
            sent["Connection"] = "close"
        idle = self._take_idle() if is_match else None
        if idle is not None:
            with suppress(ConnectionLost, ResponseMismatch):
                return self._exchange(idle, method, target, sent, body, is_match)
        return self._exchange(self._connect(), method, target, sent, body, is_match)

    def _exchange(
        self,
        connection: Connection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        is_match: Callable[[Response, Connection], bool] | None,
    ) -> Response:
        reusable = False
        try:
            response = connection.exchange(method, self._base_path + target, headers, body)
            reusable = is_match is not None and is_match(response, connection) and connection.is_reusable()
            return response
        finally:
            if not (reusable and self._put_back(connection)):
                connection.close()

    def _take_idle(self) -> Connection | None:
        """The idle connection that was used last, if no byte has arrived on it."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if time.monotonic() - connection.idle_since < MAX_IDLE and connection.is_silent():
                return connection
            connection.close()

    def _put_back(self, connection: Connection) -> bool:
        """Keep the connection for later requests; false if there are enough idle ones."""
        connection.mark_idle()
        with self._lock:
            if len(self._idle) < self._max_idle:
                self._idle.append(connection)
                return True
        return False

    def _connect(self) -> Connection:
        try:
            sock = open_socket(self._resolver.resolve(self._host, self._port, remaining_seconds()))
            return Connection(self._start_tls(sock))
        except OSError as error:  # ssl.SSLError and TimeoutError are among them
            failure = NotConnected(error)
        raise failure

    def _start_tls(self, sock: socket.socket) -> socket.socket:
        if self._ssl_context is None:
            return sock
        try:
            _apply_deadline(sock)
            return self._ssl_context.wrap_socket(sock, server_hostname=self._host)
        except BaseException:
            sock.close()
            raise


def _close_all(connections: list[Connection]) -> None:
    for connection in connections:
        connection.close()


def open_socket(addresses: Any) -> socket.socket:
    """Connect to the first of these addresses that accepts a connection. Raises ``OSError`` if none does.

    ``addresses`` are as ``socket.getaddrinfo`` returns them.
    """
    failure = OSError("no address")
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _apply_deadline(sock)
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure
