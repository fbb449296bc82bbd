"""``ORY_AUTH`` itself: unknown keys, invalid values, and values without effect."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string

from ..conf import MAX_CACHE_SECONDS, NETWORK_HOST, Conf, configured_keys, parse
from ..ory.addresses import host_of, is_ory_network
from ..ory.ascii_hosts import is_sent_by_browsers
from .message import make_message


def check_values() -> Iterator[CheckMessage]:
    for problem in parse(getattr(settings, "ORY_AUTH", {}))[1]:
        yield make_message("E002" if problem.unknown else "E001", problem.text, problem.hint)


def check_cookie_name(conf: Conf) -> Iterator[CheckMessage]:
    hosts = [host_of(url) for url in (conf.sdk_url, conf.browser_url, conf.admin_url)]
    has_network_key = conf.api_key is not None and conf.api_key.reveal().startswith("ory_")
    uses_network = has_network_key or any(map(is_ory_network, hosts))
    if uses_network and not any(map(NETWORK_HOST.match, hosts)) and "SESSION_COOKIE_NAME" not in configured_keys():
        yield make_message(
            "E003",
            "ORY_AUTH['SESSION_COOKIE_NAME'] is missing, and cannot be derived from a custom domain of Ory Network.",
            "Sign in, look up the name of the session cookie in your browser, and set it. It is 'ory_session_' and "
            "the project's slug without hyphens.",
        )
    for name in ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME"):
        if conf.session_cookie_name == getattr(settings, name):
            yield make_message(
                "E009",
                f"ORY_AUTH['SESSION_COOKIE_NAME'] is the name of one of Django's cookies ({name}).",
                "Set it to the name of Ory's session cookie, or remove it. The default is 'ory_kratos_session', or for "
                "Ory Network the name that belongs to the project's URL.",
            )


def check_ineffective_durations(conf: Conf) -> Iterator[CheckMessage]:
    longest = MAX_CACHE_SECONDS if conf.session_cache_seconds is None else conf.session_cache_seconds
    if conf.local_cache_seconds > longest:
        yield make_message(
            "W016",
            f"ORY_AUTH['LOCAL_CACHE_SECONDS'] is longer than sessions are cached ({longest} s); the rest has no "
            "effect.",
            "Set it to at most ORY_AUTH['SESSION_CACHE_SECONDS'], or 60 if that is not set.",
        )
    if conf.stale_if_error_seconds and longest == 0:
        yield make_message(
            "W016",
            "ORY_AUTH['STALE_IF_ERROR_SECONDS'] has no effect: sessions are not cached.",
            "Remove it, or remove ORY_AUTH['SESSION_CACHE_SECONDS'] = 0.",
        )


def check_recording_middleware(conf: Conf) -> Iterator[CheckMessage]:
    """Without this check, a misspelt path would be noticed only in an outage."""
    for path in conf.recording_middleware:
        try:
            middleware = import_string(path)
        except ImportError:
            middleware = None
        if not callable(middleware):
            yield make_message(
                "W031",
                f"ORY_AUTH['RECORDING_MIDDLEWARE'] names {path!r}, which cannot be imported as middleware.",
                "Use the path from MIDDLEWARE or that of a base class, or remove the entry.",
            )


def check_redirect_hosts(conf: Conf) -> Iterator[CheckMessage]:
    """A ``next`` URL with a host that no browser sends would always be refused."""
    for host in conf.login_redirect_hosts:
        if is_sent_by_browsers(host):
            continue
        yield make_message(
            "W029",
            f"ORY_AUTH['LOGIN_REDIRECT_HOSTS'] names {host!r}, which no browser sends as a host.",
            "Write it as browsers do: without port 80 or 443, and in ASCII (xn--…) if it has letters such as 'ß'. To "
            "get the ASCII form, copy the URL from a browser.",
        )
