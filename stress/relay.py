"""A relay in front of a TCP server: cuts the network to it, while the server keeps its data.

with Relay(redis.port) as relay:
    relay.port     # leads to the server
    relay.cut()    # closes connections, and refuses new ones
    relay.restore()
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

from stress.background import LoopThread
from stress.processes import free_port


class Relay:
    """Runs in a thread of this process."""

    def __init__(self, server_port: int) -> None:
        self.port = free_port()
        self._server_port = server_port
        self._loop = LoopThread("relay")
        self._listener: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Self:
        self._loop.start()
        self.restore()
        return self

    def __exit__(self, *exception: object) -> None:
        self.cut()
        self._loop.stop()

    def cut(self) -> None:
        self._loop.run(self._cut())

    def restore(self) -> None:
        self._loop.run(self._restore())

    async def _cut(self) -> None:
        if self._listener:
            self._listener.close()
        for writer in list(self._open):
            writer.transport.abort()

    async def _restore(self) -> None:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=1024)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
            self._open |= {writer, server_writer}
            await asyncio.gather(_copy(reader, server_writer), _copy(server_reader, writer))
            self._open -= {writer, server_writer}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await reader.read(64 * 1024):
            writer.write(part)
            await writer.drain()
    writer.close()
