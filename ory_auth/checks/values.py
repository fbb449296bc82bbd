"""``ORY_AUTH`` itself: unknown keys, wrong values, the cookie's name, and what has no effect."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.utils.module_loading import import_string

from ..conf import MAX_CACHE_SECONDS, NETWORK_HOST, Conf, parse
from ..ory.addresses import host_of, is_ory_network
from ..ory.ascii_hosts import can_match
from .message import Message, tell


def check_values() -> Iterator[Message]:
    for problem in parse(getattr(settings, "ORY_AUTH", {}))[1]:
        yield tell("E002" if problem.unknown else "E001", problem.text, problem.hint)


def check_cookie_name(conf: Conf) -> Iterator[Message]:
    hosts = [host_of(url) for url in (conf.sdk_url, conf.browser_url, conf.admin_url)]
    network = any(map(is_ory_network, hosts)) or (conf.api_key is not None and conf.api_key.reveal().startswith("ory_"))
    if network and not any(map(NETWORK_HOST.match, hosts)) and "SESSION_COOKIE_NAME" not in settings.ORY_AUTH:
        yield tell(
            "E003",
            "ORY_AUTH['SESSION_COOKIE_NAME'] cannot be derived from the domain of this Ory Network project.",
            "Set it to the name of the session cookie that your browser has after signing in, "
            "such as 'ory_session_' and the project's slug without hyphens.",
        )
    for name in ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME"):
        if conf.session_cookie_name == getattr(settings, name):
            yield tell(
                "E009",
                f"ORY_AUTH['SESSION_COOKIE_NAME'] is the name of Django's own cookie ({name}).",
                "Set it to the name of Ory's session cookie, or remove it: the default is "
                "'ory_kratos_session', or what a project URL of Ory Network says.",
            )


def check_effect(conf: Conf) -> Iterator[Message]:
    """A time to keep something that has to be shorter than another one, and is not."""
    longest = MAX_CACHE_SECONDS if conf.session_cache_seconds is None else conf.session_cache_seconds
    if conf.local_cache_seconds > longest:
        yield tell(
            "W016",
            f"ORY_AUTH['LOCAL_CACHE_SECONDS'] has no effect: sessions are cached for {longest} s at most.",
            "Make it shorter than ORY_AUTH['SESSION_CACHE_SECONDS'] (where that is not set: 60 seconds at most).",
        )
    if conf.stale_if_error_seconds and longest == 0:
        yield tell(
            "W016",
            "ORY_AUTH['STALE_IF_ERROR_SECONDS'] has no effect: sessions are cached for 0 s at most.",
            "Remove ORY_AUTH['SESSION_CACHE_SECONDS'] = 0, or this key.",
        )


def check_recording_middleware(conf: Conf) -> Iterator[Message]:
    """A path with a typing error names nobody, which would only show in an outage."""
    for path in conf.recording_middleware:
        try:
            found = import_string(path)
        except ImportError:
            found = None
        if not callable(found):
            yield tell(
                "W031",
                f"ORY_AUTH['RECORDING_MIDDLEWARE'] names {path!r}, which cannot be imported as middleware.",
                "Write its path as in MIDDLEWARE, or the path of a class that it inherits from; or remove it.",
            )


def check_redirect_hosts(conf: Conf) -> Iterator[Message]:
    """Hosts that no browser sends, so that a ``next`` with them is refused."""
    for host in conf.login_redirect_hosts:
        if can_match(host):
            continue
        yield tell(
            "W029",
            f"ORY_AUTH['LOGIN_REDIRECT_HOSTS'] names {host!r}, which no browser sends as a host.",
            "Write it as browsers do: without the port 80 or 443. If it has a letter such as 'ß', write its ASCII form "
            "(xn--…), which you get if you copy the URL from a browser.",
        )
