"""Servers on loopback that stand where Ory should, or before it."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import urllib3

HTTP = urllib3.PoolManager(retries=False)


@contextmanager
def running(server: socketserver.TCPServer) -> Iterator[str]:
    """The server in its own thread; gives ``127.0.0.1:port``."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def http_server(answer: Callable[[str], tuple[int, dict[str, str], bytes]]) -> Iterator[str]:
    """A server that answers GET of a path (with query) so; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    with running(server) as address:
        yield f"http://{address}"


def other_site(path: str) -> tuple[int, dict[str, str], bytes]:
    """What some web site says to whatever it does not have."""
    return 404, {"Content-Type": "text/html"}, b"<h1>Not Found</h1>"


def one_address_for_both(public: str, admin: str) -> Callable[[str], tuple[int, dict[str, str], bytes]]:
    """A reverse proxy that also lets everybody reach the admin API."""

    def answer(path: str) -> tuple[int, dict[str, str], bytes]:
        base = admin if path.startswith("/admin") else public
        response = HTTP.request("GET", base + path, redirect=False, timeout=5)
        kept = {"Date", "Content-Type", "Set-Cookie", "Location", "Ory-Session-Cache-For"}
        return response.status, {name: response.headers[name] for name in kept & set(response.headers)}, response.data

    return answer


@contextmanager
def tls_proxy(target: str, context: ssl.SSLContext) -> Iterator[str]:
    """TLS that ends here, before the server at this URL; gives the URL with https."""
    host, port = urlsplit(target).hostname, urlsplit(target).port

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                suppress(OSError),
                context.wrap_socket(self.request, server_side=True) as outer,
                socket.create_connection((host, port)) as inner,
            ):
                back = threading.Thread(target=_copy, args=(inner, outer), daemon=True)
                back.start()
                _copy(outer, inner)
                back.join(5)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with running(Server(("127.0.0.1", 0), Handler)) as address:
        yield f"https://{address}"


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def mail_server() -> Iterator[str]:
    """A server that greets each client, in neither HTTP nor TLS; gives a URL of its address."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.sendall(b"220 mail.example.org at your service\r\n")
                self.request.recv(1024)

    with running(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as address:
        yield f"http://{address}"


@contextmanager
def silent_server() -> Iterator[str]:
    """A port that takes connections and never says a word; gives its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def closed_url() -> str:
    """A URL at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"
