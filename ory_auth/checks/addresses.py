"""What the host of a URL tells without asking anybody: who can reach it, and which sites its cookies reach."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from ..conf import NETWORK_DOMAIN
from ..ory.addresses import ip_of

INTERNAL = (".internal", ".svc", ".cluster.local", ".consul")  # names that only servers know
OF_DEVELOPMENT = (".localhost", "127.0.0.1", "::1")  # Django's ALLOWED_HOSTS where that is empty and DEBUG is on


def host_of(url: str) -> str:
    """In lower case, without port and brackets; empty where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_https(url: str) -> bool:
    return url.lower().startswith("https:")


def key_of(key: str) -> str:
    """The key of ``ORY_AUTH`` that gives this URL: ``SDK_URL`` stands for those that are not set."""
    return key if settings.ORY_AUTH.get(key) is not None else "SDK_URL"


def on_network(host: str) -> bool:
    """Whether Ory Network serves this host under a name of its own."""
    return host == NETWORK_DOMAIN or host.endswith(f".{NETWORK_DOMAIN}")


def is_global(host: str) -> bool:
    """Whether this is an address on the internet (of a name nobody can tell)."""
    ip = ip_of(host)
    return ip is not None and ip.is_global


def site_hosts() -> tuple[str, ...]:
    """The hosts of this site as ``ALLOWED_HOSTS`` writes them: ``"*"`` is any, a leading dot all under a domain."""
    hosts = settings.ALLOWED_HOSTS or (OF_DEVELOPMENT if settings.DEBUG else ())
    return tuple(str(host).lower().strip("[]") for host in hosts)


def shares_cookies(ory: str, site: str) -> bool:
    """Whether a cookie that is set at host ``ory`` can be made to reach ``site``, an entry of :func:`site_hosts`.

    Cookies know no ports. Two hosts share them where they are the same one, or under one domain: whether the common
    part is a public suffix such as ``co.uk`` is not looked at.
    """
    if site == "*" or ory == site.lstrip(".") or (site.startswith(".") and ory.endswith(site)):
        return True
    names = ory.split("."), site.lstrip(".").split(".")
    if ip_of(ory) or ip_of(site) or min(map(len, names)) < 2:
        return False
    return names[0][-2:] == names[1][-2:]
