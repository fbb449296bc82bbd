"""A proxy in front of Ory's public port that can be told to fail in many ways, and that counts what passes.

with Proxy(ory.public_url, stranger=session_json) as proxy:
    proxy.url, proxy.tls_url       # http and https, to the same Ory
    proxy.switch(Fault.HANG)       # connections that are open end at once
    proxy.seen.whoami              # how often each credential was asked for, by its hash
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import trustme

from stress.faults import ANSWERS, PLACES, Fault, prepare, response
from stress.processes import free_port
from stress.recorded_requests import WHOAMI, Seen, credential_hash

NAME = "ory.stress.test"  # stands for 127.0.0.1 in the site's processes, see `stress.site.resolver`
HEAD_LIMIT = 256 * 1024  # bytes of request headers


class Proxy:
    """Runs in a thread of this process. ``stranger``: the JSON of a session that nobody here ever sends."""

    def __init__(self, upstream: str, stranger: bytes, directory: Path) -> None:
        self.fault = Fault.PASS
        self.delay = 0.0  # seconds at most before a part of an answer of Ory's is passed on, at random
        self.pause = 1  # seconds that a 429 asks for
        self.rate: int | None = (
            None  # whoami calls in each second; Ory says what is left of them, and 429 to the others
        )
        # Given a path and the hash of a credential: the response to send instead of Ory's, or None for Ory's own.
        self.instead: Callable[[str, str], bytes | None] = lambda path, credential: None
        self._used = 0, 0  # the second, and how many calls it had so far
        self.seen = Seen()
        self._upstream, self._stranger = urlsplit(upstream), stranger
        self._ports = free_port(), free_port()
        self._certificates = _Certificates(directory)
        self._names_hang = directory / "names-hang"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._listeners: list[asyncio.Server] = []
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://{NAME}:{self._ports[0]}"

    @property
    def tls_url(self) -> str:
        return f"https://{NAME}:{self._ports[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What a site's processes need to find this proxy and to trust its certificate."""
        return {
            "SITE_SLOW_NAME": NAME,
            "SITE_SLOW_NAME_WHILE": str(self._names_hang),
            "SSL_CERT_FILE": str(self._certificates.authority),
        }

    def __enter__(self) -> Self:
        prepare(self._stranger)
        self._thread.start()
        self.switch(Fault.PASS)
        return self

    def __exit__(self, *exception: object) -> None:
        self.switch(Fault.REFUSED)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def forget(self) -> None:
        """Count anew."""
        self.seen = Seen()

    def switch(self, fault: Fault) -> None:
        """From now on this; every open connection is closed, so that none goes on as before."""
        asyncio.run_coroutine_threadsafe(self._switch(fault), self._loop).result(10)

    async def _switch(self, fault: Fault) -> None:
        for listener in self._listeners:
            listener.close()
        self.fault = fault
        for writer in list(self._open):
            writer.transport.abort()
        if fault is Fault.DNS_HANGS:
            self._names_hang.touch()
        else:
            self._names_hang.unlink(missing_ok=True)
        plain, tls = self._ports
        self._listeners = [] if fault is Fault.REFUSED else [
            await asyncio.start_server(self._serve, "127.0.0.1", plain, limit=HEAD_LIMIT, backlog=1024),
            await asyncio.start_server(
                self._serve, "127.0.0.1", tls, limit=HEAD_LIMIT, backlog=1024, ssl=self._certificates.context(fault)
            ),
        ]  # fmt: skip

    def _left_of_rate(self) -> int:
        """What is left of this second's calls after this one; less than nothing: too many."""
        if self.rate is None:
            return 0
        now, (second, calls) = int(time.monotonic()), self._used
        self._used = now, calls + 1 if now == second else 1
        return self.rate - self._used[1]

    def _rate_headers(self) -> bytes:
        if self.rate is None:
            return b""
        left = max(self.rate - self._used[1], 0)
        return f"x-ratelimit-limit: {self.rate}\r\nx-ratelimit-remaining: {left}\r\nx-ratelimit-reset: 1\r\n".encode()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        line = _Line(self._upstream.hostname or "", self._upstream.port or 80, writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(head, await reader.readexactly(_length(head)), writer, line)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open.discard(writer)
            line.close()
            writer.close()

    async def _answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter, line: _Line) -> None:
        path, headers = _read(head)
        self.seen.note(path, headers)
        if path == "/stranger":
            writer.write(response(200, self._stranger))
        elif given := self.instead(path, credential_hash(headers)):
            writer.write(given)
        elif self.fault is Fault.RATE_LIMITED or (path == WHOAMI and self._left_of_rate() < 0):
            self.seen.limited += 1
            writer.write(response(429, b"{}", retry_after=str(self.pause)))
        elif self.fault in PLACES:
            await line.send(head + body, self.delay, self._rate_headers())
        else:
            await ANSWERS[self.fault](writer, self._stranger)


class _Line:
    """The connection to Ory that belongs to one from a client: what comes from there is passed on as it is."""

    def __init__(self, host: str, port: int, client: asyncio.StreamWriter) -> None:
        self._host, self._port, self._client = host, port, client
        self._writer: asyncio.StreamWriter | None = None
        self._back: asyncio.Task[None] | None = None
        self._delay, self._headers = 0.0, b""

    async def send(self, request: bytes, delay: float, headers: bytes) -> None:
        """Pass a request on. Its answer comes late by ``delay`` seconds at most, with these ``headers`` besides."""
        self._delay, self._headers = delay, headers
        if self._writer is None:
            reader, self._writer = await asyncio.open_connection(self._host, self._port)
            self._back = asyncio.create_task(self._pass_back(reader))
        self._writer.write(request)
        await self._writer.drain()

    async def _pass_back(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while part := await reader.read(64 * 1024):
                if self._delay:
                    await asyncio.sleep(random.uniform(0, self._delay))
                if self._headers and part.startswith(b"HTTP/"):
                    status, _, rest = part.partition(b"\r\n")
                    part = status + b"\r\n" + self._headers + rest
                self._client.write(part)
                await self._client.drain()
        self._client.close()

    def close(self) -> None:
        if self._back:
            self._back.cancel()
        if self._writer:
            self._writer.close()


class _Certificates:
    """An authority that the site trusts, a certificate of it, and one that nobody vouches for."""

    def __init__(self, directory: Path) -> None:
        trusted, unknown = trustme.CA(), trustme.CA()
        self.authority = directory / "authority.pem"
        trusted.cert_pem.write_to_path(self.authority)
        self._good, self._bad = _context(trusted), _context(unknown)

    def context(self, fault: Fault) -> ssl.SSLContext | None:
        """What to speak TLS with; ``None``: not at all."""
        return {Fault.TLS_PLAIN: None, Fault.TLS_SELF_SIGNED: self._bad}.get(fault, self._good)


def _context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(context)
    return context


def _read(head: bytes) -> tuple[str, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in rest if line)
    path = first.split(" ")[1].partition("?")[0]
    return path, {name.lower(): value.strip() for name, _, value in pairs}


def _length(head: bytes) -> int:
    return int(_read(head)[1].get("content-length", 0))
