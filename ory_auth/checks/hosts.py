"""The hosts of this site, which of them share cookies with Ory, and the key that a URL of Ory comes from."""

from __future__ import annotations

from django.conf import settings

from ..conf import configured_keys
from ..ory.addresses import DEVELOPMENT_HOSTS, can_share_cookies


def key_in_use(key: str) -> str:
    """The key of ``ORY_AUTH`` that this URL comes from: ``SDK_URL`` is the default of the other two."""
    return key if key in configured_keys() else "SDK_URL"


def site_hosts() -> tuple[str, ...]:
    """The patterns in ``ALLOWED_HOSTS``: ``"*"`` is any host, a leading dot is a domain and all under it."""
    patterns = settings.ALLOWED_HOSTS or (DEVELOPMENT_HOSTS if settings.DEBUG else ())
    return tuple(str(pattern).lower().strip("[]") for pattern in patterns)


def can_share_cookies_with_pattern(host: str, pattern: str) -> bool:
    """Whether a cookie that is set at ``host`` can reach a host that matches ``pattern``."""
    if pattern == "*" or (pattern.startswith(".") and host.endswith(pattern)):
        return True
    return can_share_cookies(host, pattern.lstrip("."))
