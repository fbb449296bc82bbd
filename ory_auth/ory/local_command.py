"""The command that runs the local Ory at the addresses in ``ORY_AUTH``, for advice to developers."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..conf import Conf
from .addresses import Origin, host_of, is_loopback

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 4433
DEFAULT_PAGES_URL = "http://127.0.0.1:8000/auth"
MAX_PORT = 65535


def build_local_ory_command(conf: Conf, pages_url: str = "") -> str:
    """``manage.py ory_local`` with the options that differ from its defaults.

    ``pages_url`` is the URL below which the project has its pages, such as ``http://127.0.0.1:8000/auth``.
    """
    options = [*_address_options(conf), *_pages_options(conf, pages_url)]
    return " ".join(["manage.py ory_local", *options])


def _address_options(conf: Conf) -> list[str]:
    url = urlsplit(conf.sdk_url)
    host, port = url.hostname or DEFAULT_HOST, url.port or 80
    options = [] if host == DEFAULT_HOST else [f"--host {host}"]
    if port != DEFAULT_PORT:  # another local Ory may have the default ports
        options += [f"--port {port}", f"--admin-port {_admin_port(conf, port)}"]
    return options


def _admin_port(conf: Conf, port: int) -> int:
    if conf.admin_url != conf.sdk_url and (admin_port := urlsplit(conf.admin_url).port):
        return admin_port
    return port + 1 if port < MAX_PORT else port - 1


def _pages_options(conf: Conf, pages_url: str) -> list[str]:
    site, ory_host = Origin.of(pages_url), host_of(conf.browser_url)
    if site is None:
        return []
    if (
        not conf.uses_gateway and is_loopback(site.host) and is_loopback(ory_host)
    ):  # cookies of 127.0.0.1 do not reach localhost
        site = Origin(site.scheme, ory_host, site.port)
    pages_url = f"{site}{urlsplit(pages_url).path}"
    return [] if pages_url == DEFAULT_PAGES_URL else [f"--ui-base {pages_url}"]
