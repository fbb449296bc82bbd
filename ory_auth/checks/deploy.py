"""What matters once a site is public: ``manage.py check --deploy``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from ..conf import Conf
from ..ory.addresses import host_of, is_global_ip, is_https, is_internal, is_loopback
from ..request.middleware_order import BACKEND, is_a
from . import site
from .hosts import setting_of, shares_cookies, site_hosts
from .message import Message, tell

FEW_ENTRIES = 1000
LONG = 3600  # seconds
WORKER_SECONDS = 30  # gunicorn ends a worker that takes longer over a request
NETWORK_CACHES = ("redis", "valkey", "memcache", "databasecache")
SERIALIZERS = ("SERIALIZER", "serializer", "serde")  # in OPTIONS, of django-redis, Django's Redis cache, pymemcache
BYTES = bytes(range(256))
CULLED = ("DatabaseCache", "FileBasedCache")  # keep MAX_ENTRIES, and that is 300 if nothing is said


def check_addresses(conf: Conf) -> Iterator[Message]:
    key, ory = setting_of("BROWSER_URL"), host_of(conf.browser_url)
    if site.has_urls() and is_loopback(ory):
        yield tell(
            "W101",
            f"ORY_AUTH[{key!r}] sends browsers to {ory!r}, which is their own machine.",
            "Set ORY_AUTH['BROWSER_URL'] to the public address of Ory's public API.",
        )
    public = {key: url for key, url in _behind_the_site(conf).items() if not is_https(url) and _is_public(host_of(url))}
    for key, url in public.items():
        yield tell(
            "W102",
            f"ORY_AUTH[{key!r}] is http at the public host {host_of(url)!r}: sessions cross the network unencrypted.",
            f"Write ORY_AUTH[{key!r}] with https, or with the address that Ory has inside your own network.",
        )


def _behind_the_site(conf: Conf) -> dict[str, str]:
    """What this server itself asks, less what W005 speaks of."""
    urls = {"SDK_URL": conf.sdk_url, "ADMIN_URL": conf.admin_url}
    return {key: url for key, url in urls.items() if url != conf.browser_url and settings.ORY_AUTH.get(key)}


def _is_public(host: str) -> bool:
    named = "." in host and any(shares_cookies(host, own) for own in site_hosts() if own != "*")
    return not is_loopback(host) and (is_global_ip(host) or named)


def check_scheme(conf: Conf) -> Iterator[Message]:
    """``return_to`` is made of the request's own URL, and Ory compares its scheme."""
    told = settings.SECURE_PROXY_SSL_HEADER or settings.SECURE_SSL_REDIRECT
    if is_https(conf.browser_url) and site.has_urls() and not told:
        yield tell(
            "W106",
            "Nothing tells Django that browsers come by https: behind a proxy, Ory refuses the 'return_to' with http.",
            "Where a proxy ends TLS, set SECURE_PROXY_SSL_HEADER to what it sends; else SECURE_SSL_REDIRECT = True.",
        )


def check_cache(conf: Conf) -> Iterator[Message]:
    alias, cache = conf.session_cache, settings.CACHES.get(conf.session_cache, {})
    backend = cache.get("BACKEND", "").rpartition(".")[2]
    if conf.session_cache_seconds == 0:
        return
    if backend == "LocMemCache":
        yield tell(
            "W103",
            f"CACHES[{alias!r}] is the memory of one process: other processes do not see a sign-out.",
            "Name a cache that all workers share, such as Redis, in ORY_AUTH['SESSION_CACHE'].",
        )
    entries = _entries(cache)
    if backend in CULLED and isinstance(entries, int) and entries < FEW_ENTRIES:
        yield tell(
            "W104",
            f"CACHES[{alias!r}] keeps {entries} entries: beyond that it discards some, sign-outs among them.",
            f"Set CACHES[{alias!r}]['OPTIONS']['MAX_ENTRIES'] to ten times the number of concurrent sessions: one "
            "that is signed out here while Ory is down counts again once its sign-out is discarded.",
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
        yield tell(
            "W110",
            f"CACHES[{alias!r}] cannot store bytes ({name!r} {problem}): no session is cached, and every request asks "
            "Ory.",
            "Name another alias in ORY_AUTH['SESSION_CACHE']. If that is a Redis for sessions only, its serializer can "
            "be 'ory_auth.cache_serializer.BytesSerializer'.",
        )


def _serializer_problem(name: str, options: Any) -> str:
    """What happens to bytes: an error, or another value comes back. Empty where they stay as they are."""
    try:
        serializer = options[name]
        serializer = import_string(serializer) if isinstance(serializer, str) else serializer
        if name == "serde":
            found = serializer.deserialize("key", *serializer.serialize("key", BYTES))
        else:
            if callable(serializer):
                serializer = serializer(options=options) if name == "SERIALIZER" else serializer()
            found = serializer.loads(serializer.dumps(BYTES))
    except Exception as error:  # whatever the serializer raises, or what importing it does
        return f"raises {type(error).__name__}"
    return "" if found == BYTES else f"returns {type(found).__name__}"


def check_namespace(conf: Conf) -> Iterator[Message]:
    """Staging and production often have one Redis, one ``SECRET_KEY`` and the same internal name for two Orys."""
    alias, host = conf.session_cache, host_of(conf.sdk_url)
    backend = str(settings.CACHES.get(alias, {}).get("BACKEND", "")).lower()
    told_apart = settings.ORY_AUTH.get("CACHE_NAMESPACE") or settings.ORY_AUTH.get("BROWSER_URL")
    if conf.session_cache_seconds == 0 or told_apart or not is_internal(host):
        return
    if any(word in backend for word in NETWORK_CACHES):
        yield tell(
            "W109",
            f"ORY_AUTH['SDK_URL'] is at the internal name {host!r}: another deployment may have the same one, and "
            f"share CACHES[{alias!r}].",
            "Set ORY_AUTH['CACHE_NAMESPACE'] to a name for this deployment such as 'production'. Otherwise a session "
            "of staging counts here if both have the same cache, SECRET_KEY and database name.",
        )


def _entries(cache: Any) -> Any:
    """As Django's ``BaseCache`` reads them."""
    return cache.get("OPTIONS", {}).get("MAX_ENTRIES", cache.get("MAX_ENTRIES", 300))


def check_times(conf: Conf) -> Iterator[Message]:
    if 2 * conf.timeout >= WORKER_SECONDS:
        yield tell(
            "W105",
            f"ORY_AUTH['TIMEOUT'] is {conf.timeout} s: two of them exceed the limit of a worker (gunicorn: "
            f"{WORKER_SECONDS} s).",
            "Set ORY_AUTH['TIMEOUT'] to a few seconds: an Ory that takes longer is a 503 in any case.",
        )
    if (conf.session_cache_seconds or 0) > LONG:
        yield tell(
            "W108",
            f"ORY_AUTH['SESSION_CACHE_SECONDS'] is {conf.session_cache_seconds}: a revoked session counts so long.",
            "Set ORY_AUTH['SESSION_CACHE_SECONDS'] to the longest time that you accept, such as 60.",
        )


def check_linking(conf: Conf) -> Iterator[Message]:
    """An account that somebody made with another person's address would become that person's, too."""
    others = [path for path in settings.AUTHENTICATION_BACKENDS if not is_a(path, BACKEND)]
    if conf.link_by_verified_email and others:
        yield tell(
            "W107",
            f"ORY_AUTH['LINK_BY_VERIFIED_EMAIL'] is on, and {others[0]!r} lets people in by another way as well.",
            "Whoever made an account here with another person's address would share it with them: "
            "remove ORY_AUTH['LINK_BY_VERIFIED_EMAIL'] once everybody is linked, or that backend.",
        )
