"""HTTP in raw bytes: sends any bytes, and reads one response."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Self

import httptools

PATIENCE = 15.0  # seconds


@dataclass
class RawResponse:
    """The response; ``status`` is 0 if there is none. Header names are in lower case."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = False


class _Reading:
    """Callbacks for httptools' parser."""

    def __init__(self) -> None:
        self.answer = RawResponse()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.answer.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.answer.body += body

    def on_message_complete(self) -> None:
        self.answer.complete = True


class RawConnection:
    """A connection to a server on this machine, opened again after an exchange that broke it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()

    async def exchange(self, sent: bytes, *, keep: bool) -> RawResponse:
        """Send the bytes and read the first response; ``keep``: the connection may be used again."""
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._exchange(sent)
        except (OSError, TimeoutError, httptools.HttpParserError):
            answer = RawResponse()
        if not (keep and answer.complete and answer.headers.get("connection", "").lower() != "close"):
            self.close()
        return answer

    async def _exchange(self, sent: bytes) -> RawResponse:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(sent)
        reading = _Reading()
        parser = httptools.HttpResponseParser(reading)
        while not reading.answer.complete and (part := await reader.read(64 * 1024)):
            parser.feed_data(part)
            reading.answer.status = parser.get_status_code()
        return reading.answer

    def close(self) -> None:
        if self._streams:
            self._streams[1].transport.abort()
        self._streams = None
