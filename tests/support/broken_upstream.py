"""A server in Ory's place that breaks HTTP in every way we could think of, and knows whom each request was about.

Each person has a token. For each request one behaviour is drawn: it says which bytes are sent, when, and whether the
connection stays open. What is sent late arrives while the connection is idle, or while the next person's request is on
it. No behaviour sends a session that the connection was never asked about: nobody could tell that from a right answer.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

NOW = "2026-01-02T03:04:05Z"


@dataclass(frozen=True)
class Person:
    """Somebody with a session; ``token`` is its credential."""

    number: int
    token: str
    session_id: str
    identity_id: str

    @property
    def body(self) -> bytes:
        """What whoami says about them."""
        expires = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0).isoformat()
        identity = {"id": self.identity_id, "schema_id": "person", "state": "active", "updated_at": NOW}
        traits = {"email": f"p{self.number}@example.org"}
        return json.dumps(
            {
                "id": self.session_id,
                "active": True,
                "expires_at": expires,
                "authenticated_at": NOW,
                "issued_at": NOW,
                "authenticator_assurance_level": "aal1",
                "authentication_methods": [{"method": "password", "aal": "aal1", "completed_at": NOW}],
                "identity": {**identity, "traits": traits, "verifiable_addresses": []},
            }
        ).encode()


def people(count: int) -> dict[str, Person]:
    """So many of them, by their tokens."""
    made = (
        Person(
            number,
            f"ory_st_{uuid.UUID(int=number).hex}",
            str(uuid.UUID(int=1000 + number)),
            str(uuid.UUID(int=number + 1)),
        )
        for number in range(count)
    )
    return {person.token: person for person in made}


class Send(NamedTuple):
    """Send these bytes after so many seconds; ``None`` closes the connection, ``RESET`` resets it."""

    data: bytes | None
    after: float = 0.0


RESET = b"\0reset"


def response(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A proper response."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def with_head(*lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Exchange:
    """One request: whose it is, who asked on this connection before, and the dice."""

    person: Person
    earlier: list[Person]
    rng: random.Random
    timeout: float

    @property
    def right(self) -> bytes:
        return response(self.person.body)

    @property
    def late(self) -> float:
        """Seconds: while the connection is idle, or while the next request is on it, or after the time limit."""
        return self.rng.choice([0.0, 0.001, 0.003, 0.01, 0.03, self.timeout * 0.95, self.timeout * 1.05])

    def chunked(self, *trailers: str, sizes: str = "{:x}", end: bytes = b"0\r\n") -> bytes:
        body, parts = self.person.body, []
        while body:
            size = self.rng.randint(1, 200)
            part, body = body[:size], body[size:]
            parts.append(sizes.format(len(part)).encode() + b"\r\n" + part + b"\r\n")
        tail = "".join(f"{trailer}\r\n" for trailer in trailers).encode()
        head = with_head("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
        return head + b"".join(parts) + end + tail + b"\r\n"


Behaviour = Callable[[Exchange], list[Send]]
BEHAVIOURS: dict[str, Behaviour] = {}
PROPER = (
    "proper", "proper chunked", "chunk extensions", "byte by byte", "informational", "trailers", "gzip", "in two parts",
)  # fmt: skip
ERRORS = (
    "408 Request Timeout", "401 Unauthorized", "403 Forbidden", "502 Bad Gateway", "504 Gateway Timeout", "302 Found",
)  # fmt: skip
NO_HTTP = (
    b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", b"ICY 200 OK\r\n\r\n", b"HTTP/2 200\r\n\r\n",
    b"\r\n\r\n",
)  # fmt: skip


def behaviour(name: str) -> Callable[[Behaviour], Behaviour]:
    def register(function: Behaviour) -> Behaviour:
        BEHAVIOURS[name] = function
        return function

    return register


# --- proper


@behaviour("proper")
def _proper(x: Exchange) -> list[Send]:
    return [Send(x.right)]


@behaviour("proper chunked")
def _chunked(x: Exchange) -> list[Send]:
    return [Send(x.chunked())]


@behaviour("chunk extensions")
def _extensions(x: Exchange) -> list[Send]:
    return [Send(x.chunked(sizes='{:x};name="value"'))]


@behaviour("trailers")
def _trailers(x: Exchange) -> list[Send]:
    return [Send(x.chunked("Expires: 0", "X-Checked: yes"))]


@behaviour("byte by byte")
def _drip(x: Exchange) -> list[Send]:
    data = x.right
    return [Send(data[i : i + 40]) for i in range(0, len(data), 40)]


@behaviour("in two parts")
def _two_parts(x: Exchange) -> list[Send]:
    cut = x.rng.randrange(1, len(x.right))
    return [Send(x.right[:cut]), Send(x.right[cut:], 0.002)]


@behaviour("gzip")
def _gzip(x: Exchange) -> list[Send]:
    return [Send(response(gzip.compress(x.person.body), "200 OK", "Content-Encoding: gzip"))]


@behaviour("informational")
def _informational(x: Exchange) -> list[Send]:
    status = x.rng.choice(["100 Continue", "102 Processing", "103 Early Hints", "199 Odd"])
    early = with_head(f"HTTP/1.1 {status}", "Link: </style.css>; rel=preload") * x.rng.randint(1, 3)
    return [Send(early), Send(x.right, x.rng.choice([0.0, 0.002, 0.02]))]


# --- a final response that comes late, or twice


@behaviour("informational, then too late")
def _informational_late(x: Exchange) -> list[Send]:
    return [Send(with_head("HTTP/1.1 103 Early Hints")), Send(x.right, x.timeout * 1.05)]


@behaviour("switching protocols, then the response")
def _switching(x: Exchange) -> list[Send]:
    return [Send(with_head("HTTP/1.1 101 Switching Protocols", "Upgrade: h2c")), Send(x.right, x.late)]


@behaviour("no content, then the response")
def _no_content(x: Exchange) -> list[Send]:
    status = x.rng.choice(["204 No Content", "304 Not Modified", "205 Reset Content"])
    length = x.rng.choice([[], ["Content-Length: 0"], [f"Content-Length: {len(x.person.body)}"]])
    return [Send(with_head(f"HTTP/1.1 {status}", *length)), Send(x.right, x.late)]


@behaviour("no content with a body")
def _no_content_body(x: Exchange) -> list[Send]:
    return [Send(response(x.person.body, x.rng.choice(["204 No Content", "304 Not Modified"])))]


@behaviour("an error, then the response")
def _error_first(x: Exchange) -> list[Send]:
    status = x.rng.choice(
        [
            "408 Request Timeout",
            "401 Unauthorized",
            "403 Forbidden",
            "502 Bad Gateway",
            "504 Gateway Timeout",
            "302 Found",
        ]
    )
    return [Send(response(b"{}", status)), Send(x.right, x.late)]


@behaviour("something else, then the response")
def _other_first(x: Exchange) -> list[Send]:
    body = x.rng.choice([b"{}", b"", b'{"status":"ok"}', b"<html></html>", b"null", b"[" * 50])
    return [Send(response(body)), Send(x.right, x.late)]


@behaviour("the response twice")
def _twice(x: Exchange) -> list[Send]:
    return [Send(x.right), Send(x.right, x.late)]


@behaviour("the response twice at once")
def _twice_at_once(x: Exchange) -> list[Send]:
    return [Send(x.right * 2)]


@behaviour("the response of an earlier request as well")
def _earlier_as_well(x: Exchange) -> list[Send]:
    other = response(x.rng.choice([*x.earlier, x.person]).body)
    return [Send(x.right), Send(other, x.late)]


@behaviour("too late")
def _too_late(x: Exchange) -> list[Send]:
    return [Send(x.right, x.timeout * x.rng.choice([0.98, 1.02, 1.2]))]


@behaviour("half in time")
def _half_in_time(x: Exchange) -> list[Send]:
    cut = x.rng.randrange(1, len(x.right))
    return [Send(x.right[:cut]), Send(x.right[cut:], x.timeout * x.rng.choice([0.98, 1.02, 1.2]))]


# --- lengths that are not true


@behaviour("longer than it says")
def _longer(x: Exchange) -> list[Send]:
    body = x.person.body
    short = x.rng.choice([0, 1, len(body) // 2, len(body) - 1, len(body)])
    data = with_head("HTTP/1.1 200 OK", f"Content-Length: {short}", body=body + b" " * x.rng.randint(1, 30))
    cut = x.rng.randrange(len(data) - 30, len(data))
    return [Send(data[:cut]), Send(data[cut:], x.late)]


@behaviour("shorter than it says")
def _shorter(x: Exchange) -> list[Send]:
    data = with_head(
        "HTTP/1.1 200 OK", f"Content-Length: {len(x.person.body) + x.rng.randint(1, 900)}", body=x.person.body
    )
    return [Send(data), Send(x.rng.choice([None, RESET, x.right]), x.late)]


@behaviour("two lengths")
def _two_lengths(x: Exchange) -> list[Send]:
    length = len(x.person.body)
    extra = x.rng.choice(
        [
            f"Content-Length: {length - 1}",
            f"Content-Length: {length}",
            "Content-Length: 0",
            "Transfer-Encoding: chunked",
            "Transfer-Encoding: identity",
        ]
    )
    return [Send(response(x.person.body, "200 OK", extra)), Send(x.right, x.late)]


@behaviour("chunked with a length")
def _chunked_with_length(x: Exchange) -> list[Send]:
    data = x.chunked().replace(b"\r\n", f"\r\nContent-Length: {x.rng.choice([0, 5, 100])}\r\n".encode(), 1)
    return [Send(data), Send(x.right, x.late)]


@behaviour("a length that is no number")
def _no_number(x: Exchange) -> list[Send]:
    length = x.rng.choice(["-1", "+500", "0x1f", "5_0", "", "1e3", "५", "5, 6", "99999999999999999999"])
    return [Send(with_head("HTTP/1.1 200 OK", f"Content-Length: {length}", body=x.person.body)), Send(x.right, x.late)]


@behaviour("chunks that are wrong")
def _wrong_chunks(x: Exchange) -> list[Send]:
    good = x.chunked()
    bad = x.rng.choice(
        [
            x.chunked(sizes="+{:x}"),
            x.chunked(sizes="0x{:x}"),
            x.chunked(sizes="-{:x}"),
            x.chunked(end=b""),
            x.chunked(end=b"00000000\r\n"),
            good[:-2],
            good[: x.rng.randrange(60, len(good))],
            good + b"0\r\n\r\n",
            x.chunked("HTTP/1.1 200 OK", "Content-Length: 2"),
        ]
    )
    return [Send(bad), Send(x.rng.choice([None, x.right]), x.late)]


# --- not HTTP/1.1


@behaviour("no status line")
def _no_status_line(x: Exchange) -> list[Send]:
    return [Send(x.person.body), Send(x.rng.choice([None, x.right]), x.late)]


@behaviour("another protocol")
def _other_protocol(x: Exchange) -> list[Send]:
    return [Send(x.rng.choice(NO_HTTP)), Send(x.right, x.late)]


@behaviour("HTTP/1.0")
def _http_1_0(x: Exchange) -> list[Send]:
    keep = x.rng.choice([[], ["Connection: keep-alive"]])
    data = x.right.replace(b"HTTP/1.1", b"HTTP/1.0")
    head, _, body = data.partition(b"\r\n\r\n")
    return [Send(b"\r\n".join([head, *(k.encode() for k in keep)]) + b"\r\n\r\n" + body), Send(x.right, x.late)]


@behaviour("odd lines")
def _odd_lines(x: Exchange) -> list[Send]:
    data = x.rng.choice(
        [
            x.right.replace(b"\r\n", b"\n"),
            x.right.replace(b"\r\nContent-Length", b"\r\n\tfolded\r\nContent-Length"),
            x.right.replace(b"\r\n", b"\r\nno colon\r\n", 1),
            x.right.replace(b"\r\n", b"\r\nX: a\x00b\r\n", 1),
            x.right.replace(b"\r\n", b"\r\n Content-Length: 5\r\n", 1),
            x.right.replace(b"Content-Length:", b"Content-Length :"),
            x.right.replace(b"200 OK", b"2000 OK"),
            x.right.replace(b"200 OK", b"200"),
            x.right.replace(b"\r\n", b"\r\r\n"),
        ]
    )
    return [Send(data), Send(x.right, x.late)]


# --- the connection


@behaviour("close after the response")
def _close(x: Exchange) -> list[Send]:
    return [Send(x.right), Send(x.rng.choice([None, RESET]), x.late)]


@behaviour("connection: close")
def _says_close(x: Exchange) -> list[Send]:
    return [Send(response(x.person.body, "200 OK", "Connection: close")), Send(x.rng.choice([None, x.right]), x.late)]


@behaviour("no response")
def _no_response(x: Exchange) -> list[Send]:
    return [Send(x.rng.choice([None, RESET]), x.rng.choice([0.0, 0.002]))]


@behaviour("cut off")
def _cut_off(x: Exchange) -> list[Send]:
    data = x.rng.choice([x.right, x.chunked()])
    return [Send(data[: x.rng.randrange(1, len(data))]), Send(x.rng.choice([None, RESET]))]


@behaviour("to the end of the connection")
def _until_close(x: Exchange) -> list[Send]:
    body = x.person.body
    cut = x.rng.choice([len(body), x.rng.randrange(1, len(body))])
    return [Send(with_head("HTTP/1.1 200 OK", "Connection: close", body=body[:cut])), Send(None, 0.002)]


@dataclass
class BrokenUpstream:
    """The server. ``drawn`` counts what it did; ``only`` names the behaviours that are drawn from."""

    persons: dict[str, Person]
    seed: int
    timeout: float
    only: tuple[str, ...] = ()
    port: int = 0
    drawn: dict[str, int] = field(default_factory=dict)
    connections: int = 0

    def serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection = listener.accept()[0]
                self.connections += 1
                threading.Thread(target=self._handle, args=(connection, self.connections), daemon=True).start()

    def _handle(self, connection: socket.socket, number: int) -> None:
        rng = random.Random(f"{self.seed} {number}")
        earlier: list[Person] = []
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, suppress(OSError):
            received = b""
            while True:
                while b"\r\n\r\n" not in received:
                    data = connection.recv(65536)
                    if not data:
                        return
                    received += data
                head, _, received = received.partition(b"\r\n\r\n")
                if not self._answer(connection, head, earlier, rng):
                    return

    def _answer(self, connection: socket.socket, head: bytes, earlier: list[Person], rng: random.Random) -> bool:
        if head.startswith(b"GET /health/ready"):
            connection.sendall(response(b'{"status":"ok"}'))
            return True
        token = re.search(rb"(ory_st_[0-9a-f]{32})", head)
        person = self.persons.get(token[1].decode()) if token else None
        if person is None:
            connection.sendall(response(b"{}", "401 Unauthorized"))
            return True
        name = rng.choice(self.only or tuple(BEHAVIOURS))
        self.drawn[name] = self.drawn.get(name, 0) + 1
        for data, after in BEHAVIOURS[name](Exchange(person, earlier, rng, self.timeout)):
            time.sleep(after)
            if data is None:
                return False
            if data == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            connection.sendall(data)
        earlier.append(person)
        return True


@contextmanager
def broken_upstream(
    persons: dict[str, Person], seed: int, timeout: float, only: tuple[str, ...] = ()
) -> Iterator[BrokenUpstream]:
    """Serve it on a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        upstream = BrokenUpstream(persons, seed, timeout, only, listener.getsockname()[1])
        thread = threading.Thread(target=upstream.serve, args=(listener,), daemon=True)
        thread.start()
        yield upstream
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
