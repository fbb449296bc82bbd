"""The URLs of Ory's APIs in ``ORY_AUTH``, each without regard to the others."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings

from ..conf import Conf
from ..ory.addresses import host_of, is_https, is_ory_network
from .message import Message, make_message

ADMIN_PORT, PUBLIC_PORT = 4434, 4433  # the defaults of Kratos
PLACES = ("self-service", "sessions", "ui", "health", "schemas", "identities", ".well-known")  # paths of Ory's APIs


def check_addresses(conf: Conf) -> Iterator[Message]:
    given = {"SDK_URL": conf.sdk_url, "BROWSER_URL": conf.browser_url, "ADMIN_URL": conf.admin_url}
    for key, url in given.items():
        if settings.ORY_AUTH.get(key) is not None:
            yield from _of_network(key, url)
            yield from _of_another_api(key, url)
            yield from _below_a_base(key, url)


def _of_network(key: str, url: str) -> Iterator[Message]:
    if is_ory_network(host_of(url)) and not is_https(url):
        yield make_message(
            "E008",
            f"ORY_AUTH[{key!r}] is http, but Ory Network accepts only https.",
            f"Write ORY_AUTH[{key!r}] = 'https://{host_of(url)}'.",
        )


def _of_another_api(key: str, url: str) -> Iterator[Message]:
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


def _below_a_base(key: str, url: str) -> Iterator[Message]:
    path = urlsplit(url).path
    place = next((place for place in PLACES if place in path.split("/")), None)
    if place:
        base = url.partition(f"/{place}")[0]
        yield make_message(
            "W009",
            f"ORY_AUTH[{key!r}] has a path of one request to Ory ('/{place}'), which is added to each request anyway.",
            f"Set ORY_AUTH[{key!r}] = {base!r}.",
        )
