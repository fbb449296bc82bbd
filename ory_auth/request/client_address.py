"""The address of the client that sent a request, for rate limits and for Ory."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

NAT64 = IPv6Network("64:ff9b::/96")
# Private and loopback networks. An address in them may be a proxy or gateway, which any number of clients share.
PRIVATE_NETWORKS = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "::/127", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip


def client_address(meta: Mapping[str, str], trusted_proxies: int | None) -> str:
    """The client's IPv4 address or IPv6 network, or ``""`` if it is not known.

    ``trusted_proxies`` is ``ORY_AUTH["TRUSTED_PROXIES"]``: how many proxies in front of this site are the project's
    own. Each appends the address that it saw to ``X-Forwarded-For``. With ``None`` only ``REMOTE_ADDR`` counts, and a
    private or loopback address may be a proxy's, which many clients share, so it counts as unknown.
    """
    remote = _find_client(meta, trusted_proxies)
    if remote is None or (trusted_proxies is None and any(remote in network for network in PRIVATE_NETWORKS)):
        return ""
    return _rate_limit_key(remote)


def client_ip(meta: Mapping[str, str], trusted_proxies: int | None) -> str:
    """The client's own address, for Ory's list of devices, or ``""`` if it is not known.

    Without ``TRUSTED_PROXIES`` it may be that of a proxy.
    """
    remote = _find_client(meta, trusted_proxies)
    return "" if remote is None else str(remote)


def _find_client(meta: Mapping[str, str], trusted_proxies: int | None) -> IPv4Address | IPv6Address | None:
    remote = _parse(meta.get("REMOTE_ADDR", ""))
    if trusted_proxies:
        forwarded = meta.get("HTTP_X_FORWARDED_FOR", "").split(",")
        # Fewer entries than proxies: the request did not pass through all of them. The first entry is the best guess.
        remote = _parse(forwarded[-min(trusted_proxies, len(forwarded))]) or remote
    return remote


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without a port; an IPv6 address that embeds an IPv4 address becomes that one."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    embedded = address.ipv4_mapped or address.sixtofour
    return embedded or (IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else address)


def _rate_limit_key(address: IPv4Address | IPv6Address) -> str:
    """A client with IPv6 can choose any address of its /64 network."""
    return str(address) if isinstance(address, IPv4Address) else str(ip_network((address, 64), strict=False))
