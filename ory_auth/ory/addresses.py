"""What a URL or a host says by itself: who can reach it, and which hosts can share its cookies.

Nothing here uses the network. Shared cookies follow the public suffix list that comes with ``publicsuffixlist``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any
from urllib.parse import urlsplit

from ..conf import NETWORK_DOMAIN

DEFAULT_PORTS = {"http": 80, "https": 443}
DEVELOPMENT_HOSTS = (".localhost", "127.0.0.1", "[::1]")  # what Django allows if DEBUG is on and ALLOWED_HOSTS is empty
INTERNAL_DOMAINS = (
    ".cluster.local",
    ".consul",
    ".internal",
    ".intranet",
    ".lan",
    ".local",
    ".localdomain",
    ".svc",
)


@dataclass(frozen=True, slots=True)
class Origin:
    """The scheme, host and port of a URL. ``port`` is ``None`` if it is the default of the scheme."""

    scheme: str
    host: str
    port: int | None = None

    @classmethod
    def of(cls, url: str) -> Origin | None:
        """The origin of a URL, or ``None`` unless it is an http or https URL."""
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


def redact(url: str) -> str:
    """The URL without user name, password, query and fragment, so that it can be printed."""
    origin = Origin.of(url)
    return f"{origin}{urlsplit(url).path}" if origin else "an invalid URL"


def host_of(url: str) -> str:
    """The host in lower case, without port and brackets; empty if the URL has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_https(url: str) -> bool:
    return url.lower().startswith("https:")


def ip_of(host: str) -> IPv4Address | IPv6Address | None:
    """The IP address that the host is, or ``None`` for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    ip = ip_of(host)
    return ip.is_loopback if ip else host == "localhost" or host.endswith(".localhost")


def is_internal(host: str) -> bool:
    """Whether the name works only inside a container network, a cluster or an office network."""
    return not ip_of(host) and not is_loopback(host) and ("." not in host or host.endswith(INTERNAL_DOMAINS))


def is_domain_name(host: str) -> bool:
    """Whether it is a name with a dot that is not a loopback name, such as ``app.example.org``."""
    return "." in host and not ip_of(host) and not is_loopback(host)


def is_global_ip(host: str) -> bool:
    """Whether it is an IP address on the internet."""
    ip = ip_of(host)
    return ip is not None and ip.is_global


def is_ory_network(host: str) -> bool:
    """Whether it is a host of Ory Network itself, not a custom domain."""
    return host == NETWORK_DOMAIN or host.endswith(f".{NETWORK_DOMAIN}")


def registrable_domain(host: str) -> str | None:
    """The public suffix and one more label: ``example.co.uk`` for ``app.example.co.uk``, ``None`` for ``co.uk``."""
    if ip_of(host):
        return None
    domain: str | None = _public_suffixes().privatesuffix(host.rstrip("."))
    return domain


def is_public_suffix(domain: str) -> bool:
    """Whether anyone can register names under it, so that browsers refuse cookies for all of it."""
    return not ip_of(domain) and not is_loopback(domain) and registrable_domain(domain) is None


def can_share_cookies(host: str, other: str) -> bool:
    """Whether one cookie can reach both hosts: they are the same, or have the same registrable domain.

    Cookies ignore ports.
    """
    if host == other:
        return True
    if host.split(".")[-2:] != other.split(".")[-2:]:
        return False  # saves loading the public suffix list, which takes 40 ms
    domain = registrable_domain(host)
    return domain is not None and domain == registrable_domain(other)


@cache
def _public_suffixes() -> Any:
    return import_module("publicsuffixlist").PublicSuffixList()
