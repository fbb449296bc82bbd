"""The gateway: whether ``BROWSER_URL`` is the path at which this site includes ``ory_auth.gateway.urls``."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage
from django.urls import NoReverseMatch, reverse

from ..conf import Conf
from ..ory.addresses import host_of, is_loopback
from ..ory.network import may_send_token, network_headers
from . import site
from .hosts import site_hosts
from .message import make_message

URL_NAME = "ory_gateway:gateway"
PROBE = "self-service/login/browser"  # a path below the gateway


def find_mount() -> str | None:
    """The path of the gateway in ``ROOT_URLCONF``, without a slash at the end. ``None`` if it is not included."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return None
    try:
        return reverse(URL_NAME, args=[""]).rstrip("/")
    except NoReverseMatch:
        return None


def check_mount(conf: Conf) -> Iterator[CheckMessage]:
    mount = find_mount()
    if not conf.uses_gateway:
        if mount is not None:
            yield make_message(
                "W033",
                f"The gateway is included at {mount!r}, but browsers do not use it: ORY_AUTH['BROWSER_URL'] is not its "
                "path.",
                f"Set ORY_AUTH['BROWSER_URL'] = {mount!r}, or remove ory_auth.gateway.urls from your URLconf.",
            )
        return
    path = conf.browser_url
    if mount is None:
        yield make_message(
            "E018",
            f"ORY_AUTH['BROWSER_URL'] is the path {path!r}, but ROOT_URLCONF does not include the gateway.",
            f'Add path("{path.lstrip("/")}/", include("ory_auth.gateway.urls")) to urlpatterns, or set '
            "ORY_AUTH['BROWSER_URL'] to the URL at which browsers reach Ory.",
        )
    elif mount != path:
        yield make_message(
            "E018",
            f"ORY_AUTH['BROWSER_URL'] is the path {path!r}, but the gateway is included at {mount!r}.",
            f"Set ORY_AUTH['BROWSER_URL'] = {mount!r}.",
        )
    elif (view := site.view_below(f"{path}/{PROBE}")) and not view.startswith("ory_auth.gateway."):
        yield make_message(
            "E018",
            f"{view} answers below {path!r}, not the gateway, because its pattern comes first in ROOT_URLCONF.",
            "Move the include of ory_auth.gateway.urls before that pattern in urlpatterns.",
        )


def check_loop(conf: Conf) -> Iterator[CheckMessage]:
    host = host_of(conf.sdk_url)
    is_here = "*" not in site_hosts() and (host in site_hosts() or is_loopback(host))
    if conf.uses_gateway and is_here and urlsplit(conf.sdk_url).path == conf.browser_url:
        yield make_message(
            "E019",
            "ORY_AUTH['SDK_URL'] is the gateway of this site, which would call itself.",
            "Set ORY_AUTH['SDK_URL'] to Ory's public API as this server reaches it: for Ory Network the URL of your "
            "project, for Kratos its public port.",
        )


def check_token(conf: Conf) -> Iterator[CheckMessage]:
    if conf.gateway_token is None:
        return
    if not conf.uses_gateway:
        problem, fix = "browsers do not use the gateway", "Set ORY_AUTH['BROWSER_URL'] to the path of the gateway"
    elif not may_send_token(conf):
        problem, fix = "ORY_AUTH['SDK_URL'] is not https", "Write https:// in ORY_AUTH['SDK_URL']"
    else:
        return
    yield make_message(
        "W034",
        f"ORY_AUTH['GATEWAY_TOKEN'] has no effect: {problem}.",
        f"{fix}, or remove ORY_AUTH['GATEWAY_TOKEN'].",
    )


def check_any_host(conf: Conf) -> Iterator[CheckMessage]:
    """Ory Network writes the host of the request into the e-mails that this request causes."""
    if "*" in site_hosts() and network_headers(conf, "https://any.example"):
        yield make_message(
            "W111",
            "ALLOWED_HOSTS allows any host, and the gateway tells Ory Network the host of each request: an attacker "
            "could choose the address in an e-mail to somebody else.",
            "List the hosts of this site in ALLOWED_HOSTS.",
        )
