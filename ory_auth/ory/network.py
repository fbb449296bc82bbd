"""The request headers that only Ory Network reads: they tell it at which address browsers use it.

Follows Ory's own proxies (https://www.ory.com/docs/guides/cli/proxy-and-tunnel). Kratos ignores these headers.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ..conf import Conf
from .addresses import host_of, is_loopback, is_ory_network

USE_GATEWAY = (  # advice, as part of a sentence
    "include ory_auth.gateway.urls in your URLs, and set ORY_AUTH['BROWSER_URL'] to their path, such as '/.ory'"
)


def browser_base_url(conf: Conf, site_origin: str) -> str:
    """Ory's public API as browsers reach it. ``site_origin`` is this site's, such as ``https://app.example.org``."""
    return f"{site_origin}{conf.browser_url}" if conf.uses_gateway else conf.browser_url


def network_headers(conf: Conf, site_origin: str) -> dict[str, str]:
    """Ory's headers for a call on behalf of a browser; empty unless it goes to Ory Network through the gateway.

    With ``GATEWAY_TOKEN``, Ory writes this site's address into e-mails and into the callback of social providers. The
    token is sent only over https, or to this machine.
    """
    is_network = is_ory_network(host_of(conf.sdk_url)) or conf.gateway_token is not None
    if not conf.uses_gateway or not is_network:
        return {}
    headers = {
        "Ory-Base-URL-Rewrite": browser_base_url(conf, site_origin),
        "Ory-No-Custom-Domain-Redirect": "true",
    }
    if conf.gateway_token is not None and may_send_token(conf):
        headers["Ory-Base-URL-Rewrite-Token"] = conf.gateway_token.reveal()
    return headers


def may_send_token(conf: Conf) -> bool:
    """Whether the connection to Ory keeps the token secret."""
    parts = urlsplit(conf.sdk_url)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")
