"""The hosts of this site, and which setting a URL of Ory comes from."""

from __future__ import annotations

from django.conf import settings

from ..ory.addresses import DEVELOPMENT_HOSTS, can_share_cookies


def setting_of(key: str) -> str:
    """The key of ``ORY_AUTH`` that this URL comes from: ``SDK_URL`` is the default of the other two."""
    return key if settings.ORY_AUTH.get(key) is not None else "SDK_URL"


def site_hosts() -> tuple[str, ...]:
    """The patterns in ``ALLOWED_HOSTS``: ``"*"`` is any host, a leading dot is a domain and all under it."""
    patterns = settings.ALLOWED_HOSTS or (DEVELOPMENT_HOSTS if settings.DEBUG else ())
    return tuple(str(pattern).lower().strip("[]") for pattern in patterns)


def shares_cookies(host: str, pattern: str) -> bool:
    """Whether a cookie that is set at ``host`` can reach a host that matches ``pattern``."""
    if pattern == "*" or (pattern.startswith(".") and host.endswith(pattern)):
        return True
    return can_share_cookies(host, pattern.lstrip("."))
