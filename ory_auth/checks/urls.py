"""The addresses of Ory's APIs in ``ORY_AUTH``, each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings

from ..conf import Conf
from ..ory.addresses import host_of, is_https, is_ory_network
from .message import Message, tell

ADMIN_PORT, PUBLIC_PORT = 4434, 4433  # Kratos' own, unless it is told others
PLACES = ("self-service", "sessions", "ui", "health", "schemas", "identities", ".well-known")  # below a base URL


def check_addresses(conf: Conf) -> Iterator[Message]:
    given = {"SDK_URL": conf.sdk_url, "BROWSER_URL": conf.browser_url, "ADMIN_URL": conf.admin_url}
    for key, url in given.items():
        if settings.ORY_AUTH.get(key) is not None:
            yield from _of_network(key, url)
            yield from _of_another_api(key, url)
            yield from _below_a_base(key, url)


def _of_network(key: str, url: str) -> Iterator[Message]:
    if is_ory_network(host_of(url)) and not is_https(url):
        yield tell(
            "E008",
            f"ORY_AUTH[{key!r}] is http, and Ory Network answers https only.",
            f"Write it with https: ORY_AUTH[{key!r}] = 'https://{host_of(url)}'.",
        )


def _of_another_api(key: str, url: str) -> Iterator[Message]:
    parts = urlsplit(url)
    last = parts.path.rpartition("/")[2]
    if key == "ADMIN_URL" and parts.port == PUBLIC_PORT:
        yield tell(
            "W008",
            f"ORY_AUTH['ADMIN_URL'] names port {PUBLIC_PORT}, which is that of Kratos' public API.",
            f"Kratos serves its admin API on port {ADMIN_PORT} unless it is told another one.",
        )
    elif key != "ADMIN_URL" and (parts.port == ADMIN_PORT or last == "admin"):
        where = f"port {ADMIN_PORT}" if parts.port == ADMIN_PORT else "the path /admin"
        yield tell(
            "W008",
            f"ORY_AUTH[{key!r}] names {where}, which is that of Ory's admin API.",
            f"Set ORY_AUTH[{key!r}] to the public API (Kratos: port {PUBLIC_PORT}); "
            "the admin API belongs in ORY_AUTH['ADMIN_URL'], and no browser may reach it.",
        )


def _below_a_base(key: str, url: str) -> Iterator[Message]:
    path = urlsplit(url).path
    place = next((place for place in PLACES if place in path.split("/")), None)
    if place:
        base = url.partition(f"/{place}")[0]
        yield tell(
            "W009",
            f"ORY_AUTH[{key!r}] names a place below Ory's API ('/{place}'), not the API.",
            f"Set ORY_AUTH[{key!r}] = {base!r}: the rest of each path is added to it.",
        )
