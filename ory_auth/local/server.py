"""The two ports: routing, what every answer carries, and the thread that serves them."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING

import h11
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from .call import Call
from .clock import SECOND
from .errors import OryError

if TYPE_CHECKING:
    from . import LocalOry

logger = logging.getLogger("ory_auth.local")

Handler = Callable[[Call], Response]
NO_CACHE = "private, no-cache, no-store, must-revalidate"
HEADER_LIMIT = 1 << 20
LINGER = 0.5


@dataclass(frozen=True)
class Received:
    """A request as it arrived: headers in order and in full, as pairs of text (latin-1)."""

    port: str
    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]


class Port:
    """One of the two ports as an ASGI application."""

    def __init__(self, ory: LocalOry, name: str, routes: Sequence[Route]) -> None:
        self.ory = ory
        self.name = name
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the request, then answer it through the faults that are switched on."""
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        query = scope["query_string"].decode("latin-1")
        self.ory.requests.append(Received(self.name, scope["method"], scope["path"], query, headers))
        app: ASGIApp = self._answer
        for fault in list(self.ory.faults):
            app = fault.around(app)
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:  # the ports are being closed, and uvicorn would report it
            return

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        with self.ory.lock:
            call = Call(self.ory.state, self.name, request, body)
            response = self._finished(call, self._handled(call))
        await response(scope, receive, send)

    def _handled(self, call: Call) -> Response:
        try:
            return self._routed(call)
        except OryError as error:
            return call.error(error)
        except Exception as error:  # a mistake in here must not look like a hang-up
            logger.exception("the local Ory failed")
            return call.error(OryError(500, reason="".join(traceback.format_exception_only(error))))

    def _routed(self, call: Call) -> Response:
        allowed = ""
        for route in self.routes:
            match, child_scope = route.matches(call.request.scope)
            if match is Match.FULL:
                if not call.state.database_is_up and call.request.scope["path"] not in WITHOUT_DATABASE:
                    return call.error(OryError(500, message="the database is down"))
                call.request.scope.update(child_scope)
                return route.endpoint(call)  # type: ignore[no-any-return]
            if match is Match.PARTIAL:
                allowed = ", ".join(sorted(route.methods or ()))
        if allowed:
            return _plain("Method Not Allowed\n", 405, {"Allow": allowed})
        return _plain("404 page not found\n", 404, {})

    def _finished(self, call: Call, response: Response) -> Response:
        if call.request.method == "GET":
            response.headers["Cache-Control"] = NO_CACHE
        response.headers["Date"] = formatdate(self.ory.clock.now() / SECOND, usegmt=True)
        if self.name == "public":
            self._finish_public(call, response)
        for cookie in call.set_cookies:
            response.headers.append("Set-Cookie", cookie)
        return response

    def _finish_public(self, call: Call, response: Response) -> None:
        """What Kratos' anti-CSRF layer adds; it passes some paths over, and does not touch others at all."""
        path = call.request.scope["path"]
        if path in UNTOUCHED:
            return
        response.headers["Vary"] = "Cookie"
        if call.request.method == "GET" and not call.csrf_cookie and not WITHOUT_CSRF.fullmatch(path):
            call.give_csrf_cookie()


FLOWS = ("login", "registration", "settings", "recovery", "verification")
UNTOUCHED = ("/health/alive", "/health/ready", "/version", "/metrics/prometheus")
WITHOUT_DATABASE = (*UNTOUCHED, "/sessions/whoami", "/admin/health/alive", "/admin/health/ready", "/admin/version")
WITHOUT_CSRF = re.compile(
    rf"/self-service/({'|'.join(FLOWS)})(/api)?|/self-service/logout/api|/sessions(/[^/]*(/extend)?)?|/schemas/[^/]*"
    r"|(/admin)?/identities.*"
)


def _plain(text: str, status: int, headers: dict[str, str]) -> Response:
    return Response(text, status, {"X-Content-Type-Options": "nosniff", **headers}, media_type="text/plain")


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
        """Headers over 1 MiB are refused as Go does it: 431, then reading on for a while, so that the answer arrives."""
        cause = sys.exception()
        if not isinstance(cause, h11.RemoteProtocolError) or cause.error_status_hint != 431:
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
            app, lifespan="off", ws="none", log_config=None, proxy_headers=False, h11_max_incomplete_event_size=HEADER_LIMIT
        )
        config.load()
        return lambda: Line(config, self.state, {})
