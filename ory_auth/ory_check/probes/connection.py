"""Connects to an address: DNS, TCP, TLS. Each step is timed and limited."""

from __future__ import annotations

import os
import socket
import ssl
import time
from urllib.parse import urlsplit

from ...ory.addresses import DEFAULT_PORTS
from ...ory.dns import Resolver
from ...ory.http_client import deadline as set_deadline
from ...ory.http_client import open_socket, remaining_seconds
from ..facts.connection import ConnectionProblem, Reachability


def probe_connection(url: str, timeout: float) -> Reachability:
    """Look up the host, connect, and if the URL is https, do a TLS handshake. As in the client, without a proxy."""
    host, port = _parse_host_and_port(url)
    started, deadline = time.perf_counter(), time.monotonic() + timeout
    try:
        addresses = Resolver().resolve(host, port, timeout)
    except TimeoutError:
        return Reachability(problem=ConnectionProblem.DNS, detail=f"no response within {timeout:g} seconds")
    except (OSError, UnicodeError) as error:
        detail = getattr(error, "strerror", None) or type(error).__name__
        return Reachability(problem=ConnectionProblem.DNS, detail=detail)
    ip_addresses = tuple(dict.fromkeys(str(address[0]) for *_, address in addresses))
    resolved = time.perf_counter()
    tls_version, expires_in = "", None
    try:
        with set_deadline(deadline), open_socket(addresses) as sock:
            if url.startswith("https:"):
                tls_version, expires_in = _do_handshake(sock, host)
    except OSError as error:
        problem, detail = _explain(error, url, timeout)
        return Reachability(ip_addresses, problem, detail, resolved - started, time.perf_counter() - resolved)
    connect_seconds = time.perf_counter() - resolved
    return Reachability(ip_addresses, None, "", resolved - started, connect_seconds, tls_version, expires_in)


def _explain(error: OSError, url: str, timeout: float) -> tuple[ConnectionProblem, str]:
    """The problem and its detail."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return ConnectionProblem.CERTIFICATE, error.verify_message.rstrip(".")
    if isinstance(error, TimeoutError):
        return ConnectionProblem.TIMEOUT, f"no response within {timeout:g} seconds"
    may_be_plain_http = url.startswith("https:") and isinstance(error, (ssl.SSLError, ConnectionError))
    if may_be_plain_http and speaks_http(url, timeout):
        return ConnectionProblem.PLAIN_HTTP, "the server speaks plain HTTP"
    if isinstance(error, ssl.SSLError):
        return ConnectionProblem.TLS, (error.reason or "").lower()
    return ConnectionProblem.CONNECT, os.strerror(error.errno).lower() if error.errno else ""


def speaks_http(url: str, timeout: float) -> bool:
    """Whether the server responds to plain HTTP."""
    sock = _connect(url, timeout)
    if sock is None:
        return False
    with sock:
        try:
            sock.sendall(b"HEAD /health/alive HTTP/1.0\r\n\r\n")
            return sock.recv(5) == b"HTTP/"
        except OSError:
            return False


def speaks_tls(url: str, timeout: float) -> bool:
    """Whether the server does a TLS handshake, with any certificate."""
    sock = _connect(url, timeout)
    if sock is None:
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # no data is sent over it
    with sock:
        try:
            context.wrap_socket(sock, server_hostname=_parse_host_and_port(url)[0]).close()
        except OSError:
            return False
        return True


def _parse_host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]


def _connect(url: str, timeout: float) -> socket.socket | None:
    host, port = _parse_host_and_port(url)
    deadline = time.monotonic() + timeout
    with set_deadline(deadline):
        try:
            sock = open_socket(Resolver().resolve(host, port, timeout))
        except (OSError, UnicodeError):
            return None
        sock.settimeout(max(remaining_seconds(), 0.001))
    return sock


def _do_handshake(sock: socket.socket, host: str) -> tuple[str, float | None]:
    """The TLS version, and the seconds until the certificate expires."""
    sock.settimeout(max(remaining_seconds(), 0.001))
    with ssl.create_default_context().wrap_socket(sock, server_hostname=host) as wrapped:
        not_after = (wrapped.getpeercert() or {}).get("notAfter")
        expires_in = ssl.cert_time_to_seconds(not_after) - time.time() if isinstance(not_after, str) else None
        return wrapped.version() or "TLS", expires_in
