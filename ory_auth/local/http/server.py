"""Serves ASGI applications on sockets, in a thread."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import threading
from collections.abc import Callable, Sequence

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

logger = logging.getLogger("ory_auth.local")

MAX_HEADER_BYTES = 1 << 20
LINGER_SECONDS = 0.5
KEEP_ALIVE_SECONDS = 120  # as in Kratos


class PortUnavailable(OSError):
    """The server cannot listen on a port. `name` is "public" or "admin", `port` is its number."""

    def __init__(self, name: str, port: int, cause: OSError) -> None:
        self.name = name
        self.port = port
        super().__init__(cause.errno, f"{name} port {port}: {cause.strerror}")


def bind_sockets(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """Sockets that listen on the public and the admin port; 0 chooses a free one. Raises `PortUnavailable`."""
    sockets: list[socket.socket] = []
    for name, port in zip(("public", "admin"), ports, strict=True):
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            sockets.append(socket.create_server((host, port), family=family))
        except OSError as cause:
            for sock in sockets:
                sock.close()
            raise PortUnavailable(name, port, cause) from None
    return sockets


class Connection(H11Protocol):
    """A connection. Its transport is in `scope["state"]`, because some faults write to it directly."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.logger, self.access_log, self.has_refused = logger, False, False
        self.app_state = {"transport": transport}
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        if not self.has_refused:
            super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Refuse headers over 1 MiB with 431, as Go does, and close a bit later so that the client gets the response.

        uvicorn calls this method while it handles an error of h11, which says what is wrong.
        """
        if getattr(sys.exception(), "error_status_hint", 400) != 431:
            super().send_400_response(msg)
            return
        self.has_refused = True
        status = b"431 Request Header Fields Too Large"
        head = b"HTTP/1.1 " + status + b"\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
        self.transport.write(head + status)
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)


class Server:
    """Serves one application on each socket, in its own thread, until you call `stop`."""

    def __init__(self, ports: Sequence[tuple[ASGIApp, socket.socket]]) -> None:
        self.ports = ports
        self.state = ServerState()
        self.loop = asyncio.new_event_loop()
        self.listening = threading.Event()
        self.stopping = asyncio.Event()
        self.thread = threading.Thread(target=self._run, name="local Ory", daemon=True)

    def start(self) -> None:
        self.thread.start()
        self.listening.wait()

    def stop(self) -> None:
        """Close the sockets and all connections at once, even if a response is not complete."""
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        servers = [await self.loop.create_server(self._connection_factory(app), sock=sock) for app, sock in self.ports]
        self.listening.set()
        await self.stopping.wait()
        for server in servers:
            server.close()
        for connection in list(self.state.connections):
            connection.transport.abort()
        for task in list(self.state.tasks):
            task.cancel()
        await asyncio.gather(*self.state.tasks, return_exceptions=True)

    def _connection_factory(self, app: ASGIApp) -> Callable[[], Connection]:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            proxy_headers=False,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        config.load()
        return lambda: Connection(config, self.state, {})
