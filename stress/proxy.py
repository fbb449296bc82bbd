"""A proxy in front of Ory's public port that can fail in many ways, and counts the requests.

with Proxy(ory.public_url, stranger=session_json, directory) as proxy:
    proxy.url, proxy.tls_url       # http and https, to the same Ory
    proxy.set_fault(Fault.HANG)    # closes open connections
    proxy.recorded.whoami          # the number of lookups by the hash of the credential
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import trustme

from stress.background import LoopThread
from stress.faults import CONNECTION_FAULTS, RESPONDERS, Fault, build_large_responses, response
from stress.processes import free_port
from stress.recorded_requests import WHOAMI, RecordedRequests, credential_hash

NAME = "ory.stress.test"  # stands for 127.0.0.1 in the site's processes, see `stress.site.slow_dns`
HEAD_LIMIT = 256 * 1024  # bytes of request headers


class Proxy:
    """Runs in a thread of this process. ``stranger``: the JSON of a session whose credential no client sends."""

    def __init__(self, upstream: str, stranger: bytes, directory: Path) -> None:
        self.fault = Fault.PASS
        self.delay = 0.0  # seconds at most before a part of an answer of Ory's is passed on, at random
        self.retry_after = 1  # seconds that a 429 asks for
        self.rate: int | None = (
            None  # whoami calls in each second; Ory says what is left of them, and 429 to the others
        )
        # Takes a path and the hash of a credential; returns the response to send, or None for the response of Ory.
        self.override: Callable[[str, str], bytes | None] = lambda path, credential: None
        self._used = 0, 0  # the second, and how many calls it had so far
        self.recorded = RecordedRequests()
        self._upstream, self._stranger = urlsplit(upstream), stranger
        self._ports = free_port(), free_port()
        self._certificates = _Certificates(directory)
        self._names_hang = directory / "names-hang"
        self._loop = LoopThread("proxy")
        self._listeners: list[asyncio.Server] = []
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return f"http://{NAME}:{self._ports[0]}"

    @property
    def tls_url(self) -> str:
        return f"https://{NAME}:{self._ports[1]}"

    @property
    def site_variables(self) -> dict[str, str]:
        """What the site needs to find this proxy and to trust its certificate."""
        return {
            "SITE_SLOW_NAME": NAME,
            "SITE_SLOW_NAME_WHILE": str(self._names_hang),
            "SSL_CERT_FILE": str(self._certificates.authority),
        }

    def __enter__(self) -> Self:
        build_large_responses(self._stranger)
        self._loop.start()
        self.set_fault(Fault.PASS)
        return self

    def __exit__(self, *exception: object) -> None:
        self.set_fault(Fault.REFUSED)
        self._loop.stop()

    def reset_recorded(self) -> None:
        """Start counting again."""
        self.recorded = RecordedRequests()

    def set_fault(self, fault: Fault) -> None:
        """Cause this fault from now on. Closes every open connection."""
        self._loop.run(self._set_fault(fault))

    async def _set_fault(self, fault: Fault) -> None:
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
        """What is left of this second's rate after this call; negative: too many calls."""
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
        upstream = _UpstreamConnection(self._upstream.hostname or "", self._upstream.port or 80, writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(head, await reader.readexactly(_length(head)), writer, upstream)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._open.discard(writer)
            upstream.close()
            writer.close()

    async def _answer(
        self, head: bytes, body: bytes, writer: asyncio.StreamWriter, upstream: _UpstreamConnection
    ) -> None:
        path, headers = _read(head)
        self.recorded.add(path, headers)
        if path == "/stranger":
            writer.write(response(200, self._stranger))
        elif given := self.override(path, credential_hash(headers)):
            writer.write(given)
        elif self.fault is Fault.RATE_LIMITED or (path == WHOAMI and self._left_of_rate() < 0):
            self.recorded.limited += 1
            writer.write(response(429, b"{}", retry_after=str(self.retry_after)))
        elif self.fault in CONNECTION_FAULTS:
            await upstream.send(head + body, self.delay, self._rate_headers())
        else:
            await RESPONDERS[self.fault](writer, self._stranger)


class _UpstreamConnection:
    """The connection to Ory that belongs to one client connection. Responses are passed on unchanged."""

    def __init__(self, host: str, port: int, client: asyncio.StreamWriter) -> None:
        self._host, self._port, self._client = host, port, client
        self._writer: asyncio.StreamWriter | None = None
        self._back: asyncio.Task[None] | None = None
        self._delay, self._headers = 0.0, b""

    async def send(self, request: bytes, delay: float, headers: bytes) -> None:
        """Pass a request on. The response is delayed by up to ``delay`` seconds, and gets these ``headers``."""
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
    """A CA that the site trusts, a certificate of it, and one of an unknown CA."""

    def __init__(self, directory: Path) -> None:
        trusted, unknown = trustme.CA(), trustme.CA()
        self.authority = directory / "authority.pem"
        trusted.cert_pem.write_to_path(self.authority)
        self._good, self._bad = _context(trusted), _context(unknown)

    def context(self, fault: Fault) -> ssl.SSLContext | None:
        """The TLS context; ``None``: no TLS."""
        return {Fault.TLS_PLAIN: None, Fault.TLS_SELF_SIGNED: self._bad}.get(fault, self._good)


def _context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(context)
    return context


def _read(head: bytes) -> tuple[str, dict[str, str]]:
    first, *rest = head.decode("latin-1").split("\r\n")
    pairs = (upstream.partition(":") for upstream in rest if upstream)
    path = first.split(" ")[1].partition("?")[0]
    return path, {name.lower(): value.strip() for name, _, value in pairs}


def _length(head: bytes) -> int:
    return int(_read(head)[1].get("content-length", 0))
