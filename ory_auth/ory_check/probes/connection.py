"""How far one gets with an address: its name, a connection, TLS. Each step is timed and bounded."""

from __future__ import annotations

import os
import socket
import ssl
import time
from urllib.parse import urlsplit

from ...ory.addresses import DEFAULT_PORTS
from ...ory.dns import Resolver
from ...ory.http_client import deadline as until
from ...ory.http_client import open_socket, remaining_seconds
from ..facts.connection import Reached, Trouble


def reach(url: str, timeout: float) -> Reached:
    """Look up the name, connect, and shake hands where the URL is https: as the client does, without a proxy."""
    host, port = _host_and_port(url)
    started, deadline = time.perf_counter(), time.monotonic() + timeout
    try:
        found = Resolver().resolve(host, port, timeout)
    except TimeoutError:
        return Reached(trouble=Trouble.NAME, detail=f"no answer within {timeout:g} seconds")
    except (OSError, UnicodeError) as error:
        return Reached(trouble=Trouble.NAME, detail=getattr(error, "strerror", None) or type(error).__name__)
    addresses = tuple(dict.fromkeys(str(address[0]) for *_, address in found))
    named = time.perf_counter()
    try:
        with until(deadline), open_socket(found) as sock:
            tls, remains = _shaken(sock, host) if url.startswith("https:") else ("", None)
    except ssl.SSLCertVerificationError as error:
        trouble, detail = Trouble.CERTIFICATE, error.verify_message.rstrip(".")
    except TimeoutError:
        trouble, detail = Trouble.TIMEOUT, f"nothing within {timeout:g} seconds"
    except ssl.SSLError as error:
        spoken = speaks_http(url, timeout)
        trouble, detail = (Trouble.SPEAKS_HTTP, "") if spoken else (Trouble.TLS, (error.reason or "").lower())
    except OSError as error:
        if url.startswith("https:") and isinstance(error, ConnectionError) and speaks_http(url, timeout):
            trouble, detail = Trouble.SPEAKS_HTTP, ""
        else:
            trouble, detail = Trouble.CONNECTION, os.strerror(error.errno).lower() if error.errno else ""
    else:
        return Reached(addresses, None, "", named - started, time.perf_counter() - named, tls, remains)
    return Reached(addresses, trouble, detail, named - started, time.perf_counter() - named)


def speaks_http(url: str, timeout: float) -> bool:
    """Whether plain HTTP is what is spoken there."""
    sock = _connection(url, timeout)
    if sock is None:
        return False
    with sock:
        try:
            sock.sendall(b"HEAD /health/alive HTTP/1.0\r\n\r\n")
            return sock.recv(5) == b"HTTP/"
        except OSError:
            return False


def speaks_tls(url: str, timeout: float) -> bool:
    """Whether TLS is what is spoken there, with whatever certificate."""
    sock = _connection(url, timeout)
    if sock is None:
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent over it
    with sock:
        try:
            context.wrap_socket(sock, server_hostname=_host_and_port(url)[0]).close()
        except OSError:
            return False
        return True


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]


def _connection(url: str, timeout: float) -> socket.socket | None:
    host, port = _host_and_port(url)
    deadline = time.monotonic() + timeout
    with until(deadline):
        try:
            sock = open_socket(Resolver().resolve(host, port, timeout))
        except (OSError, UnicodeError):
            return None
        sock.settimeout(max(remaining_seconds(), 0.001))
    return sock


def _shaken(sock: socket.socket, host: str) -> tuple[str, float | None]:
    sock.settimeout(max(remaining_seconds(), 0.001))
    with ssl.create_default_context().wrap_socket(sock, server_hostname=host) as wrapped:
        ends = (wrapped.getpeercert() or {}).get("notAfter")
        remains = ssl.cert_time_to_seconds(ends) - time.time() if isinstance(ends, str) else None
        return wrapped.version() or "TLS", remains
