"""Serving the ports: sockets, connections, and the thread that they live in."""

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

HEADER_LIMIT = 1 << 20
LINGER = 0.5
KEEP_ALIVE = 120  # seconds, as Kratos keeps an idle connection


class PortUnavailable(OSError):
    """One of the ports cannot be listened on: `name` is "public" or "admin", `port` its number."""

    def __init__(self, name: str, port: int, cause: OSError) -> None:
        self.name = name
        self.port = port
        super().__init__(cause.errno, f"{name} port {port}: {cause.strerror}")


def bind(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """Sockets that listen on the public and the admin port; 0 takes a free one."""
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


class Line(H11Protocol):
    """A connection. The application finds its transport in `scope["state"]`, for the faults that need it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.logger, self.access_log, self.refused = logger, False, False
        self.app_state = {"transport": transport}
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        if not self.refused:
            super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Headers over 1 MiB are refused as Go does it: 431, then reading on for a while, so that the answer arrives.

        uvicorn calls this while it handles h11's error, which says what is wrong.
        """
        if getattr(sys.exception(), "error_status_hint", 400) != 431:
            super().send_400_response(msg)
            return
        self.refused = True
        status = b"431 Request Header Fields Too Large"
        head = b"HTTP/1.1 " + status + b"\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
        self.transport.write(head + status)
        self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)


class Server:
    """Serves applications on sockets, from a thread of its own, until it is stopped."""

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
        """Close the ports and every connection at once, whatever is under way."""
        self.loop.call_soon_threadsafe(self.stopping.set)
        self.thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        servers = [await self.loop.create_server(self._line_for(app), sock=sock) for app, sock in self.ports]
        self.listening.set()
        await self.stopping.wait()
        for server in servers:
            server.close()
        for connection in list(self.state.connections):
            connection.transport.abort()
        for task in list(self.state.tasks):
            task.cancel()
        await asyncio.gather(*self.state.tasks, return_exceptions=True)

    def _line_for(self, app: ASGIApp) -> Callable[[], Line]:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            proxy_headers=False,
            h11_max_incomplete_event_size=HEADER_LIMIT,
            timeout_keep_alive=KEEP_ALIVE,
        )
        config.load()
        return lambda: Line(config, self.state, {})
