"""Addresses as a browser sees them: origins, hosts of this machine, and what belongs to one site.

What counts as one site follows the public suffix list, as bundled with ``publicsuffixlist``: nothing is downloaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from ..ory import addresses
from ..ory.addresses import ip_of, is_loopback

DEFAULT_PORTS = {"http": 80, "https": 443}
INTERNAL_DOMAINS = (".internal", ".local", ".localdomain", ".svc", ".cluster.local", ".lan", ".intranet")


@dataclass(frozen=True, slots=True)
class Site:
    """An origin that people open. ``port`` is ``None`` where it is the scheme's own."""

    scheme: str
    host: str
    port: int | None = None

    @classmethod
    def of(cls, url: str) -> Site | None:
        """The origin of a URL, or ``None`` where it is not one of http or https."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return None
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            return None
        return cls(parts.scheme, parts.hostname, None if port == DEFAULT_PORTS[parts.scheme] else port)

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}"


def shown(url: str) -> str:
    """A URL as it may be printed: without user name, password, query and fragment."""
    site = Site.of(url)
    return f"{site}{urlsplit(url).path}" if site else "an address that is no URL"


def is_domain(host: str) -> bool:
    """Whether it is a name that may mean something to people elsewhere."""
    return "." in host and not ip_of(host) and not is_loopback(host)


def is_internal(host: str) -> bool:
    """Whether it means something inside a container network or a cluster only."""
    return addresses.is_internal(host, INTERNAL_DOMAINS)


def registrable(host: str) -> str | None:
    """The domain that somebody has registered: ``example.co.uk`` of ``app.example.co.uk``; ``None`` of ``co.uk``."""
    if ip_of(host) or is_loopback(host):
        return None
    domain: str | None = _suffixes().privatesuffix(host.rstrip("."))
    return domain


def is_public_suffix(domain: str) -> bool:
    """Whether anybody may have a name under it, so that browsers refuse cookies for all of it."""
    return not ip_of(domain) and not is_loopback(domain) and registrable(domain) is None


@cache
def _suffixes() -> Any:
    return import_module("publicsuffixlist").PublicSuffixList()
