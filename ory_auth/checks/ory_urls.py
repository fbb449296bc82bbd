"""Each URL of Ory in ``ORY_AUTH``, checked alone."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.core.checks import CheckMessage

from ..conf import Conf, configured_keys
from ..ory.addresses import host_of, is_https, is_ory_network
from ..ory.admin_client import has_admin_access
from .message import SET_ADMIN_ACCESS, make_message

ADMIN_PORT, PUBLIC_PORT = 4434, 4433  # the defaults of Kratos
# Ory's APIs have these paths. Each request adds its own to the URL in the settings.
REQUEST_PATHS = ("self-service", "sessions", "ui", "health", "schemas", "identities", ".well-known")


def check_urls_of_ory(conf: Conf) -> Iterator[CheckMessage]:
    urls = {"SDK_URL": conf.sdk_url, "BROWSER_URL": conf.browser_url, "ADMIN_URL": conf.admin_url}
    configured = configured_keys()
    for key, url in urls.items():
        if key in configured and not url.startswith("/"):
            yield from _check_https(key, url)
            yield from _check_api(key, url)
            yield from _check_path(key, url)


def check_account_deletion(conf: Conf) -> Iterator[CheckMessage]:
    """Only the admin API can delete an identity."""
    if conf.account_deletion and not has_admin_access(conf):
        yield make_message(
            "E020",
            "ORY_AUTH['ACCOUNT_DELETION'] is on, but this site has no access to Ory's admin API.",
            SET_ADMIN_ACCESS,
        )


def _check_https(key: str, url: str) -> Iterator[CheckMessage]:
    if is_ory_network(host_of(url)) and not is_https(url):
        yield make_message(
            "E008",
            f"ORY_AUTH[{key!r}] is http, but Ory Network accepts only https.",
            f"Write ORY_AUTH[{key!r}] = 'https://{host_of(url)}'.",
        )


def _check_api(key: str, url: str) -> Iterator[CheckMessage]:
    parts = urlsplit(url)
    last = parts.path.rpartition("/")[2]
    if key == "ADMIN_URL" and parts.port == PUBLIC_PORT:
        yield make_message(
            "W008",
            f"ORY_AUTH['ADMIN_URL'] has port {PUBLIC_PORT}, which belongs to Kratos' public API.",
            f"Set ORY_AUTH['ADMIN_URL'] to the admin API (Kratos: port {ADMIN_PORT} by default).",
        )
    elif key != "ADMIN_URL" and (parts.port == ADMIN_PORT or last == "admin"):
        where = f"port {ADMIN_PORT}" if parts.port == ADMIN_PORT else "the path /admin"
        yield make_message(
            "W008",
            f"ORY_AUTH[{key!r}] has {where}, which belongs to Ory's admin API.",
            f"Set ORY_AUTH[{key!r}] to the public API (Kratos: port {PUBLIC_PORT} by default). The admin API belongs "
            "in ORY_AUTH['ADMIN_URL'], and browsers must not reach it.",
        )


def _check_path(key: str, url: str) -> Iterator[CheckMessage]:
    path = urlsplit(url).path
    request_path = next((name for name in REQUEST_PATHS if name in path.split("/")), None)
    if request_path:
        base = url.partition(f"/{request_path}")[0]
        yield make_message(
            "W009",
            f"ORY_AUTH[{key!r}] includes '/{request_path}', the path of an API call, which ory_auth adds itself.",
            f"Set ORY_AUTH[{key!r}] = {base!r}.",
        )
