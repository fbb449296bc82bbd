"""A site with the gateway, served on loopback by a WSGI or an ASGI server, and a scripted server in Ory's place."""

from __future__ import annotations

import contextlib
import io
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import uvicorn
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

from tests.project.urls import urlpatterns as project_urls
from tests.support.servers import running

urlpatterns = [path(".ory/", include("ory_auth.gateway.urls")), *project_urls]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass

    def get_stderr(self) -> io.StringIO:
        return io.StringIO()


@contextmanager
def served(kind: str) -> Iterator[str]:
    """The project, by a server of this kind (``wsgi``, ``asgi``); gives ``127.0.0.1:port``."""
    with _served_by_wsgi() if kind == "wsgi" else _served_by_asgi() as address:
        yield address


@contextmanager
def _served_by_wsgi() -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.set_app(get_wsgi_application())
    with running(server) as address:
        yield address


@contextmanager
def _served_by_asgi() -> Iterator[str]:
    config = uvicorn.Config(
        get_asgi_application(), lifespan="off", log_level="critical", http="h11", ws="none", proxy_headers=False
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"127.0.0.1:{sock.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def send_raw(address: str, data: bytes, *, half_close: bool = False, timeout: float = 5) -> bytes:
    """Send these bytes, and return everything that the server sends until it closes or falls silent."""
    host, port = address.split(":")
    with socket.create_connection((host, int(port)), timeout) as sock:
        sock.sendall(data)
        if half_close:
            sock.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(OSError):
            while chunk := sock.recv(65536):
                received += chunk
                sock.settimeout(0.3)
        return received


@dataclass
class ScriptedOry:
    """Records the bytes of each request, and answers all of them with ``reply``."""

    url: str = ""
    reply: bytes = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    pause: float = 0.0  # seconds between two bytes of the reply; 0: all at once
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def scripted_ory() -> Iterator[ScriptedOry]:
    ory = ScriptedOry()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            head = b""
            while (line := self.rfile.readline()) not in {b"\r\n", b""}:
                head += line
            ory.requests.append(head + b"\r\n" + self.rfile.read(_length(head)))
            with contextlib.suppress(OSError):
                _drip(self.wfile.write, ory)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with running(Server(("127.0.0.1", 0), Handler)) as address:
        ory.url = f"http://{address}"
        yield ory


def _length(head: bytes) -> int:
    for line in head.lower().splitlines():
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _drip(write: Callable[[bytes], int], ory: ScriptedOry) -> None:
    if not ory.pause:
        write(ory.reply)
        return
    for byte in ory.reply:
        write(bytes([byte]))
        time.sleep(ory.pause)
