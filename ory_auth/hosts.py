"""What the host of a URL tells without asking anybody."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address


def ip_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that it is, or ``None`` for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether it names the machine that one sits at."""
    ip = ip_of(host)
    return ip.is_loopback if ip else host == "localhost" or host.endswith(".localhost")


def is_internal(host: str, domains: tuple[str, ...]) -> bool:
    """Whether it is a name, such as that of a container, that means something on the inside only.

    That is a name without a dot, or one under these domains (each with its leading dot).
    """
    return not ip_of(host) and not is_loopback(host) and ("." not in host or host.endswith(domains))
