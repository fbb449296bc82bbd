"""Checks for public sites: ``manage.py check --deploy``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string

from ..conf import Conf, configured_keys
from ..ory.addresses import host_of, is_global_ip, is_https, is_internal, is_loopback
from ..request.middleware_order import ORY_BACKEND, is_subclass
from . import site
from .hosts import can_share_cookies_with_pattern, key_in_use, site_hosts
from .message import make_message

MIN_ENTRIES = 1000
LONG_CACHE_SECONDS = 3600
WORKER_TIMEOUT = 30  # seconds; gunicorn ends a worker whose request takes longer
NETWORK_CACHES = ("redis", "valkey", "memcache", "databasecache")
SERIALIZER_OPTIONS = (
    "SERIALIZER",
    "serializer",
    "serde",
)  # of django-redis, Django's Redis cache, pymemcache
ALL_BYTES = bytes(range(256))
LIMITED_CACHES = ("DatabaseCache", "FileBasedCache")  # keep MAX_ENTRIES, by default 300


def check_public_urls(conf: Conf) -> Iterator[CheckMessage]:
    key, ory = key_in_use("BROWSER_URL"), host_of(conf.browser_url)
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
    return {key: url for key, url in urls.items() if url != conf.browser_url and key in configured_keys()}


def _is_public(host: str) -> bool:
    """Whether it is an address on the internet, or a name in the domain of this site."""
    under_our_domain = "." in host and any(
        can_share_cookies_with_pattern(host, pattern) for pattern in site_hosts() if pattern != "*"
    )
    return not is_loopback(host) and (is_global_ip(host) or under_our_domain)


def check_proxy_scheme(conf: Conf) -> Iterator[CheckMessage]:
    """``return_to`` has the scheme of the request, and Ory compares it with its list."""
    knows_scheme = settings.SECURE_PROXY_SSL_HEADER or settings.SECURE_SSL_REDIRECT
    if (conf.uses_gateway or is_https(conf.browser_url)) and site.has_urls() and not knows_scheme:
        yield make_message(
            "W106",
            "Neither SECURE_PROXY_SSL_HEADER nor SECURE_SSL_REDIRECT is set: behind a proxy, Django takes https "
            "requests for http, and Ory rejects their 'return_to'.",
            "Set SECURE_PROXY_SSL_HEADER to the header that your proxy sends. Without a proxy, set "
            "SECURE_SSL_REDIRECT = True.",
        )


def check_cache_keeps_sign_outs(conf: Conf) -> Iterator[CheckMessage]:
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
    entries = _max_entries(cache)
    if backend in LIMITED_CACHES and isinstance(entries, int) and entries < MIN_ENTRIES:
        yield make_message(
            "W104",
            f"CACHES[{alias!r}] keeps at most {entries} entries, and discards others, including sign-outs.",
            f"Set CACHES[{alias!r}]['OPTIONS']['MAX_ENTRIES'] to ten times the number of concurrent sessions. If the "
            "cache discards a sign-out that Ory has not received, the session works again.",
        )


def check_serializer(conf: Conf) -> Iterator[CheckMessage]:
    """Cached sessions are bytes, which some serializers (such as JSON) cannot store."""
    alias = conf.session_cache
    cache: Any = settings.CACHES.get(alias, {})
    options = cache.get("OPTIONS", {})
    name = next((name for name in SERIALIZER_OPTIONS if options.get(name)), None)
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
    """The error that bytes cause, or the type that they become. Empty if they stay the same."""
    try:
        serializer = options[name]
        serializer = import_string(serializer) if isinstance(serializer, str) else serializer
        if name == "serde":
            copy = serializer.deserialize("key", *serializer.serialize("key", ALL_BYTES))
        else:
            if callable(serializer):
                serializer = serializer(options=options) if name == "SERIALIZER" else serializer()
            copy = serializer.loads(serializer.dumps(ALL_BYTES))
    except Exception as error:  # serializers raise errors of any kind
        return f"raises {type(error).__name__}"
    return "" if copy == ALL_BYTES else f"returns {type(copy).__name__}"


def check_namespace(conf: Conf) -> Iterator[CheckMessage]:
    """Staging and production often share a Redis and ``SECRET_KEY``, and use the same internal name for two Orys."""
    alias, host = conf.session_cache, host_of(conf.sdk_url)
    backend = str(settings.CACHES.get(alias, {}).get("BACKEND", "")).lower()
    keys = {"CACHE_NAMESPACE"} if conf.uses_gateway else {"CACHE_NAMESPACE", "BROWSER_URL"}  # paths are often the same
    is_unique = not configured_keys().isdisjoint(keys)
    if conf.session_cache_seconds == 0 or is_unique or not is_internal(host):
        return
    if any(word in backend for word in NETWORK_CACHES):
        yield make_message(
            "W109",
            f"ORY_AUTH['SDK_URL'] has the internal name {host!r}: if another deployment uses the same name and "
            f"CACHES[{alias!r}], the two share sessions.",
            "Set ORY_AUTH['CACHE_NAMESPACE'] to a name for this deployment, such as 'production'. Otherwise, "
            "sessions from staging are accepted here if both have the same cache, SECRET_KEY and database name.",
        )


def _max_entries(cache: Any) -> Any:
    """``MAX_ENTRIES``, as Django's ``BaseCache`` reads it."""
    return cache.get("OPTIONS", {}).get("MAX_ENTRIES", cache.get("MAX_ENTRIES", 300))


def check_times(conf: Conf) -> Iterator[CheckMessage]:
    if 2 * conf.timeout >= WORKER_TIMEOUT:
        yield make_message(
            "W105",
            f"ORY_AUTH['TIMEOUT'] is {conf.timeout} s: two calls to Ory can exceed the time limit of a worker "
            f"(gunicorn: {WORKER_TIMEOUT} s).",
            "Set ORY_AUTH['TIMEOUT'] to a few seconds. If Ory takes longer, the request gets a 503.",
        )
    if (conf.session_cache_seconds or 0) > LONG_CACHE_SECONDS:
        yield make_message(
            "W108",
            f"ORY_AUTH['SESSION_CACHE_SECONDS'] is {conf.session_cache_seconds}: revoked sessions work that long.",
            "Set ORY_AUTH['SESSION_CACHE_SECONDS'] to the longest time that you accept, such as 60.",
        )


def check_other_sign_ins(conf: Conf) -> Iterator[CheckMessage]:
    """Linking would give people the accounts that others registered with their addresses."""
    others = [path for path in settings.AUTHENTICATION_BACKENDS if not is_subclass(path, ORY_BACKEND)]
    if conf.link_by_verified_email and others:
        yield make_message(
            "W107",
            f"ORY_AUTH['LINK_BY_VERIFIED_EMAIL'] is on, but {others[0]!r} also lets people sign in.",
            "If an account was registered here with another person's address, linking gives the account "
            "to that person. Remove ORY_AUTH['LINK_BY_VERIFIED_EMAIL'] once all users are linked, or that backend.",
        )
