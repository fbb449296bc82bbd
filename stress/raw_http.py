"""HTTP in raw bytes: sends whatever it is given, and reads one answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Self

import httptools

PATIENCE = 15.0  # seconds


@dataclass
class Answer:
    """What came back; ``status`` is 0 where nothing did. Header names are in lower case."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    complete: bool = False


class _Reading:
    """What httptools calls while it parses."""

    def __init__(self) -> None:
        self.answer = Answer()

    def on_header(self, name: bytes, value: bytes) -> None:
        self.answer.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.answer.body += body

    def on_message_complete(self) -> None:
        self.answer.complete = True


class Line:
    """One connection to a server on this machine, opened anew where the last exchange spoiled it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()

    async def exchange(self, sent: bytes, *, keep: bool) -> Answer:
        """Send it and read the first answer; ``keep``: the connection may be used again after it."""
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._exchange(sent)
        except (OSError, TimeoutError, httptools.HttpParserError):
            answer = Answer()
        if not (keep and answer.complete and answer.headers.get("connection", "").lower() != "close"):
            self.close()
        return answer

    async def _exchange(self, sent: bytes) -> Answer:
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
