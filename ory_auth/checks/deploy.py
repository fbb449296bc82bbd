"""Checks for public sites: ``manage.py check --deploy``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from ..conf import Conf
from ..ory.addresses import host_of, is_global_ip, is_https, is_internal, is_loopback
from ..request.middleware_order import BACKEND, is_subclass
from . import site
from .hosts import setting_of, shares_cookies, site_hosts
from .message import Message, make_message

FEW_ENTRIES = 1000
LONG = 3600  # seconds
WORKER_SECONDS = 30  # gunicorn ends a worker whose request takes longer
NETWORK_CACHES = ("redis", "valkey", "memcache", "databasecache")
SERIALIZERS = ("SERIALIZER", "serializer", "serde")  # in OPTIONS, of django-redis, Django's Redis cache, pymemcache
BYTES = bytes(range(256))
CULLED = ("DatabaseCache", "FileBasedCache")  # keep MAX_ENTRIES, by default 300


def check_addresses(conf: Conf) -> Iterator[Message]:
    key, ory = setting_of("BROWSER_URL"), host_of(conf.browser_url)
    if site.has_urls() and is_loopback(ory):
        yield make_message(
            "W101",
            f"ORY_AUTH[{key!r}] sends browsers to {ory!r}, which is their own machine.",
            "Set ORY_AUTH['BROWSER_URL'] to the URL at which browsers reach Ory's public API.",
        )
    public = {key: url for key, url in _server_urls(conf).items() if not is_https(url) and _is_public(host_of(url))}
    for key, url in public.items():
        yield make_message(
            "W102",
            f"ORY_AUTH[{key!r}] is http at the public host {host_of(url)!r}: sessions are sent unencrypted.",
            f"Write https:// in ORY_AUTH[{key!r}], or use an address of Ory inside your own network.",
        )


def _server_urls(conf: Conf) -> dict[str, str]:
    """The URLs that only this server uses. W005 is about the one that browsers use."""
    urls = {"SDK_URL": conf.sdk_url, "ADMIN_URL": conf.admin_url}
    return {key: url for key, url in urls.items() if url != conf.browser_url and settings.ORY_AUTH.get(key)}


def _is_public(host: str) -> bool:
    named = "." in host and any(shares_cookies(host, own) for own in site_hosts() if own != "*")
    return not is_loopback(host) and (is_global_ip(host) or named)


def check_scheme(conf: Conf) -> Iterator[Message]:
    """``return_to`` has the scheme of the request, and Ory compares it."""
    knows_scheme = settings.SECURE_PROXY_SSL_HEADER or settings.SECURE_SSL_REDIRECT
    if is_https(conf.browser_url) and site.has_urls() and not knows_scheme:
        yield make_message(
            "W106",
            "Neither SECURE_PROXY_SSL_HEADER nor SECURE_SSL_REDIRECT is set: behind a proxy, Django takes https "
            "requests for http, and Ory rejects their 'return_to'.",
            "Set SECURE_PROXY_SSL_HEADER to the header that your proxy sends. Without a proxy, set "
            "SECURE_SSL_REDIRECT = True.",
        )


def check_cache(conf: Conf) -> Iterator[Message]:
    alias, cache = conf.session_cache, settings.CACHES.get(conf.session_cache, {})
    backend = cache.get("BACKEND", "").rpartition(".")[2]
    if conf.session_cache_seconds == 0:
        return
    if backend == "LocMemCache":
        yield make_message(
            "W103",
            f"CACHES[{alias!r}] is separate in each process (LocMemCache): other processes do not see a sign-out.",
            "Set ORY_AUTH['SESSION_CACHE'] to a cache that all workers share, such as Redis.",
        )
    entries = _entries(cache)
    if backend in CULLED and isinstance(entries, int) and entries < FEW_ENTRIES:
        yield make_message(
            "W104",
            f"CACHES[{alias!r}] keeps at most {entries} entries, and discards others, including sign-outs.",
            f"Set CACHES[{alias!r}]['OPTIONS']['MAX_ENTRIES'] to ten times the number of concurrent sessions. If the "
            "cache discards a sign-out that Ory has not received, the session counts again.",
        )


def check_serializer(conf: Conf) -> Iterator[Message]:
    """Sessions are bytes, which JSON cannot hold."""
    alias = conf.session_cache
    cache: Any = settings.CACHES.get(alias, {})
    options = cache.get("OPTIONS", {})
    name = next((name for name in SERIALIZERS if options.get(name)), None)
    if name is None or conf.session_cache_seconds == 0:
        return
    if problem := _serializer_problem(name, options):
        yield make_message(
            "W110",
            f"CACHES[{alias!r}] cannot store bytes ({name!r} {problem}): no session is cached, and every request "
            "calls Ory.",
            "Set ORY_AUTH['SESSION_CACHE'] to another alias. If that is a Redis for sessions only, its serializer can "
            "be 'ory_auth.cache_serializer.BytesSerializer'.",
        )


def _serializer_problem(name: str, options: Any) -> str:
    """The error that bytes lead to, or what becomes of them. Empty if they stay the same."""
    try:
        serializer = options[name]
        serializer = import_string(serializer) if isinstance(serializer, str) else serializer
        if name == "serde":
            found = serializer.deserialize("key", *serializer.serialize("key", BYTES))
        else:
            if callable(serializer):
                serializer = serializer(options=options) if name == "SERIALIZER" else serializer()
            found = serializer.loads(serializer.dumps(BYTES))
    except Exception as error:  # serializers raise errors of any kind
        return f"raises {type(error).__name__}"
    return "" if found == BYTES else f"returns {type(found).__name__}"


def check_namespace(conf: Conf) -> Iterator[Message]:
    """Staging and production often share a Redis and ``SECRET_KEY``, and use the same internal name for two Orys."""
    alias, host = conf.session_cache, host_of(conf.sdk_url)
    backend = str(settings.CACHES.get(alias, {}).get("BACKEND", "")).lower()
    is_unique = settings.ORY_AUTH.get("CACHE_NAMESPACE") or settings.ORY_AUTH.get("BROWSER_URL")
    if conf.session_cache_seconds == 0 or is_unique or not is_internal(host):
        return
    if any(word in backend for word in NETWORK_CACHES):
        yield make_message(
            "W109",
            f"ORY_AUTH['SDK_URL'] has the internal name {host!r}: if another deployment uses the same name and "
            f"CACHES[{alias!r}], the two share sessions.",
            "Set ORY_AUTH['CACHE_NAMESPACE'] to a name for this deployment, such as 'production'. Otherwise a session "
            "of staging counts here if both have the same cache, SECRET_KEY and database name.",
        )


def _entries(cache: Any) -> Any:
    """``MAX_ENTRIES``, as Django's ``BaseCache`` reads it."""
    return cache.get("OPTIONS", {}).get("MAX_ENTRIES", cache.get("MAX_ENTRIES", 300))


def check_times(conf: Conf) -> Iterator[Message]:
    if 2 * conf.timeout >= WORKER_SECONDS:
        yield make_message(
            "W105",
            f"ORY_AUTH['TIMEOUT'] is {conf.timeout} s: two calls to Ory can exceed the time limit of a worker "
            f"(gunicorn: {WORKER_SECONDS} s).",
            "Set ORY_AUTH['TIMEOUT'] to a few seconds. If Ory takes longer, the request gets a 503.",
        )
    if (conf.session_cache_seconds or 0) > LONG:
        yield make_message(
            "W108",
            f"ORY_AUTH['SESSION_CACHE_SECONDS'] is {conf.session_cache_seconds}: revoked sessions work that long.",
            "Set ORY_AUTH['SESSION_CACHE_SECONDS'] to the longest time that you accept, such as 60.",
        )


def check_linking(conf: Conf) -> Iterator[Message]:
    """Linking would give people the accounts that others registered with their addresses."""
    others = [path for path in settings.AUTHENTICATION_BACKENDS if not is_subclass(path, BACKEND)]
    if conf.link_by_verified_email and others:
        yield make_message(
            "W107",
            f"ORY_AUTH['LINK_BY_VERIFIED_EMAIL'] is on, but {others[0]!r} allows other sign-ins.",
            "If an account was registered here with another person's address, linking gives the account "
            "to that person. Remove ORY_AUTH['LINK_BY_VERIFIED_EMAIL'] once all users are linked, or that backend.",
        )
