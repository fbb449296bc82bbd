"""The result of connecting to an address."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class ConnectionProblem(Enum):
    """The step that failed, and how."""

    DNS = auto()
    CONNECT = auto()
    TIMEOUT = auto()
    CERTIFICATE = auto()
    TLS = auto()
    PLAIN_HTTP = auto()  # the URL is https, and the server speaks plain HTTP


@dataclass(frozen=True, slots=True)
class Reachability:
    """Whether an address can be reached. Times are in seconds."""

    ip_addresses: tuple[str, ...] = ()
    problem: ConnectionProblem | None = None
    detail: str = ""  # the problem, in the words of the operating system or of OpenSSL
    dns_seconds: float = 0.0
    connect_seconds: float = 0.0
    tls_version: str = ""
    certificate_expires_in: float | None = None
