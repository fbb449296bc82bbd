"""How far one gets with an address."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Trouble(Enum):
    """Where it ended."""

    NAME = auto()
    CONNECTION = auto()
    TIMEOUT = auto()
    CERTIFICATE = auto()
    TLS = auto()
    SPEAKS_HTTP = auto()


@dataclass(frozen=True, slots=True)
class Reached:
    """How far one got; times are seconds, ``detail`` is what the operating system or OpenSSL calls the trouble."""

    addresses: tuple[str, ...] = ()
    trouble: Trouble | None = None
    detail: str = ""
    name_seconds: float = 0.0
    connect_seconds: float = 0.0
    tls: str = ""
    certificate_left: float | None = None  # seconds until it ends
