"""The setting ``ORY_AUTH``, read at each use: a changed setting counts from the next request on."""

from __future__ import annotations

import difflib
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import PurePath
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from .group_rules import GroupRules, read_group_rules
from .process.forks import after_fork

DOCS = "django-ory's docs"  # in the repository and the source distribution; pip does not install them
NETWORK_HOST = re.compile(r"^(?P<slug>[a-z0-9-]+)\.projects\.oryapis\.com$")
NETWORK_DOMAIN = "oryapis.com"
KRATOS_COOKIE = "ory_kratos_session"
MAX_CACHE_SECONDS = 60  # that Ory's response may be cached, unless the project sets SESSION_CACHE_SECONDS
MAX_IMPERSONATION_SECONDS = 3600
DEFAULT_USER_HANDLER = "ory_auth.users.UserHandler"
DEFAULT_USER_FIELDS = MappingProxyType(
    {"email": "traits.email", "first_name": "traits.name.first", "last_name": "traits.name.last"}
)
MIN_SECRET = 16  # characters of a secret that the project makes up
_PLAIN = re.compile(r"[!-~]+")
_PATH = re.compile(r"\w+(\.\w+)+")
_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~-]+")  # of a path
_HOST = re.compile(r"[^\s/\\?#@*.][^\s/\\?#@*]*")  # as in a URL, perhaps with a port


def _url(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a URL such as 'http://127.0.0.1:4433'")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  (an invalid port raises here)
    except ValueError:  # its text repeats the value, which may contain a password
        raise ValueError("has an invalid host or port: write it like 'http://127.0.0.1:4433'") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an http or https URL without query, such as 'http://127.0.0.1:4433'")
    if "@" in parts.netloc:
        raise ValueError("must not contain a user name or password")
    if not _PLAIN.fullmatch(value):
        raise ValueError("must contain only ASCII characters, and no spaces or line breaks")
    return value.rstrip("/")


def _browser_url(value: object) -> str:
    """A URL, or the path of the gateway on this site."""
    if not isinstance(value, str) or not value.startswith("/"):
        return _url(value)
    segments = value.strip("/").split("/")
    if value.startswith("//") or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise ValueError("must be a URL, or the path at which this site includes ory_auth.gateway.urls: '/.ory'")
    return value.rstrip("/")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a string that is not empty")
    return value


class Secret:
    """A secret from ``ORY_AUTH`` that prints as asterisks. Call ``reveal()`` only to send the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)


def _secret(value: object) -> Secret:
    if not isinstance(value, str) or not _PLAIN.fullmatch(value):
        raise ValueError("must be a string of ASCII characters as Ory gave it, without spaces or line breaks")
    return Secret(value)


def _cookie_name(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", value):
        raise ValueError("must be the exact name of one cookie")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        raise ValueError("must be a number of seconds, 0 or more")
    return value


def _seconds_or_none(value: object) -> float | None:
    return None if value is None else _seconds(value)


def _positive_seconds(value: object) -> float:
    if not _seconds(value):
        raise ValueError("must be more than 0 seconds")
    return _seconds(value)


def _impersonation_seconds(value: object) -> float:
    if not 0 < _seconds(value) <= MAX_IMPERSONATION_SECONDS:
        raise ValueError(f"must be more than 0 and at most {MAX_IMPERSONATION_SECONDS} seconds (an hour)")
    return _seconds(value)


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("must be a whole number, 1 or more")
    return value


def _proxy_count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be the number of your own proxies in front of this site: a whole number, 0 or more")
    return value


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def _user_fields(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        raise ValueError("must be a dict of user fields and paths in the identity, such as {'email': 'traits.email'}")
    return MappingProxyType(dict(value))


def _hosts(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple, set, frozenset)):
        raise ValueError("must be a list of host names")
    if not all(isinstance(host, str) and _HOST.fullmatch(host) for host in value):
        raise ValueError("must be a list of full host names such as 'app.example.org', without scheme, path or '*'")
    return tuple(value)


def _paths(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple, set, frozenset)):
        raise ValueError("must be a list of dotted paths")
    if not all(isinstance(path, str) and _PATH.fullmatch(path) for path in value):
        raise ValueError("must be a list of dotted paths such as 'project.middleware.AuditMiddleware'")
    return tuple(value)


def _secrets(value: object) -> tuple[Secret, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple)) or not value:
        raise ValueError("must be a list of secrets: several count at once, so that you can replace one")
    if not all(isinstance(secret, str) and _PLAIN.fullmatch(secret) for secret in value):
        raise ValueError("must be a list of texts of ASCII characters, without spaces or line breaks")
    if any(len(secret) < MIN_SECRET for secret in value):
        raise ValueError(f"has a secret of fewer than {MIN_SECRET} characters: make one with `openssl rand -hex 32`")
    return tuple(map(Secret, value))


def _dotted_path(value: object) -> str:
    if not isinstance(value, str) or not _PATH.fullmatch(value):
        raise ValueError("must be a dotted path such as 'project.accounts.decide'")
    return value


def _failure(value: object) -> str:
    if value != "refuse" and value != "allow":
        raise ValueError("must be 'refuse' or 'allow'")
    return str(value)


def _setting(read: Callable[[object], Any], default: Any = None) -> Any:
    return field(default=default, metadata={"read": read}, repr=False)


@dataclass(frozen=True)
class Conf:
    """The valid values of ``ORY_AUTH``: an attribute for each key, in lower case. Durations are in seconds."""

    sdk_url: str = _setting(_url)
    browser_url: str = _setting(_browser_url)
    admin_url: str = _setting(_url)
    api_key: Secret | None = _setting(_secret)  # noqa: RUF009  (a field, like the others)
    gateway_token: Secret | None = _setting(_secret)  # noqa: RUF009
    session_cookie_name: str = _setting(_cookie_name)
    session_cache: str = _setting(_text, "default")
    cache_namespace: str = _setting(_text)
    session_cache_seconds: float | None = _setting(_seconds_or_none)
    local_cache_seconds: float = _setting(_seconds, 0)
    user_cache_seconds: float = _setting(_seconds, 0)
    stale_if_error_seconds: float = _setting(_seconds, 0)
    refused_cache_seconds: float = _setting(_seconds, 5)
    trusted_proxies: int | None = _setting(_proxy_count)
    timeout: float = _setting(_positive_seconds, 3.0)
    max_connections: int = _setting(_count, 10)
    user_fields: Mapping[str, str] | None = _setting(_user_fields)
    user_handler: str = _setting(_text, DEFAULT_USER_HANDLER)
    link_by_verified_email: bool = _setting(_bool, False)
    login_redirect_hosts: tuple[str, ...] = _setting(_hosts, ())
    registration: bool = _setting(_bool, True)
    recovery: bool = _setting(_bool, True)
    recording_middleware: tuple[str, ...] = _setting(_paths, ())
    account_deletion: bool = _setting(_bool, False)
    impersonation_seconds: float = _setting(_impersonation_seconds, MAX_IMPERSONATION_SECONDS)
    groups: GroupRules | None = _setting(read_group_rules)  # noqa: RUF009
    webhook_secrets: tuple[Secret, ...] = _setting(_secrets, ())
    webhook_creates_users: bool = _setting(_bool, False)
    blocking_hook: str | None = _setting(_dotted_path)
    blocking_hook_seconds: float = _setting(_positive_seconds, 2.0)
    blocking_hook_failure: str = _setting(_failure, "refuse")
    password_migration_secrets: tuple[Secret, ...] = _setting(_secrets, ())

    @property
    def uses_gateway(self) -> bool:
        """Whether browsers reach Ory through this site: ``BROWSER_URL`` is a path."""
        return self.browser_url.startswith("/")


KEYS = tuple(f.name.upper() for f in fields(Conf))
_READERS: dict[str, Callable[[object], Any]] = {f.name.upper(): f.metadata["read"] for f in fields(Conf)}
_EXAMPLE = "Set ORY_AUTH = {'SDK_URL': 'http://127.0.0.1:4433'}."


@dataclass(frozen=True)
class Problem:
    """What is wrong with one key of ``ORY_AUTH``, and how to fix it."""

    key: str
    text: str
    hint: str
    unknown: bool = False  # there is no such key
    fatal: bool = True  # the site must not start


def parse(raw: object) -> tuple[Conf | None, list[Problem]]:
    """Read ``ORY_AUTH`` as far as that is possible without a network.

    Returns a ``Conf`` and everything that is wrong. In the ``Conf`` a wrong value counts as not set. It is ``None`` if
    ``SDK_URL`` is missing or wrong.
    """
    if raw is None:
        return None, [Problem("ORY_AUTH", "ORY_AUTH is missing.", _EXAMPLE)]
    if not isinstance(raw, Mapping):
        return None, [Problem("ORY_AUTH", "ORY_AUTH must be a dict.", _EXAMPLE)]
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    nearest = {key: _nearest_key(key) for key in raw if key not in KEYS}
    is_missing = raw.get("SDK_URL") is None
    if is_missing and "SDK_URL" not in nearest.values():
        hint = "Set it to Ory's public API as this server reaches it, such as 'http://127.0.0.1:4433'."
        problems.append(Problem("SDK_URL", "ORY_AUTH['SDK_URL'] is missing.", hint))
    for key, value in raw.items():
        if key in nearest:
            is_misspelt = is_missing and nearest[key] == "SDK_URL"
            problems.append(_unknown_key(key, nearest[key], stands_for_sdk_url=is_misspelt))
        elif value is not None:
            try:
                values[key.lower()] = _READERS[key](value)
            except ValueError as error:
                hint = f"Correct ORY_AUTH[{key!r}] in your settings."
                problems.append(Problem(key, f"ORY_AUTH[{key!r}] {error}.", hint))
    return (_with_defaults(values) if "sdk_url" in values else None), problems


def _unknown_key(key: object, nearest: str, *, stands_for_sdk_url: bool) -> Problem:
    """Fatal only if the key seems to be a misspelt ``SDK_URL``, which is required."""
    text = f"ORY_AUTH has no key {key!r}{', and SDK_URL is missing' if stands_for_sdk_url else ''}."
    hint = f"Did you mean {nearest!r}?" if nearest else f"The keys are: {', '.join(KEYS)}."
    return Problem(str(key), text, hint, unknown=True, fatal=stands_for_sdk_url)


def _nearest_key(key: object) -> str:
    """The known key with the most similar spelling, or ``""``."""
    return next(iter(difflib.get_close_matches(str(key).upper(), KEYS, n=1, cutoff=0.6)), "")


def _with_defaults(values: dict[str, Any]) -> Conf:
    values.setdefault("browser_url", values["sdk_url"])
    values.setdefault("admin_url", values["sdk_url"])
    values.setdefault("session_cookie_name", _derive_cookie_name(values))
    values.setdefault("cache_namespace", _derive_cache_namespace(values["browser_url"]))
    return Conf(**values)


def _derive_cache_namespace(browser_url: str) -> str:
    """The same text in all workers of a deployment, and usually another one in other deployments.

    Only the name of the default database counts: a replica has another host, and a file may be in another folder.
    """
    database = settings.DATABASES.get("default", {}).get("NAME") or ""
    return f"{browser_url} {PurePath(str(database)).name}"


def _derive_cookie_name(values: Mapping[str, Any]) -> str:
    """The default name of Ory's session cookie: made from the slug of an Ory Network project, else that of Kratos."""
    for key in ("sdk_url", "browser_url", "admin_url"):
        match = NETWORK_HOST.match(urlsplit(values[key]).hostname or "")
        if match:
            return "ory_session_" + match["slug"].replace("-", "")
    return KRATOS_COOKIE


@dataclass(frozen=True, slots=True)
class _Reading:
    """``ORY_AUTH`` as it was last read, and the result: a ``Conf``, or the text of an error."""

    raw: Any = field(repr=False)
    conf: Conf | None = None
    error: str = ""


_last: _Reading | None = None
_lock = threading.RLock()  # other modules cache objects for each Conf, so all threads must get the same one


def conf() -> Conf:
    """The settings as they are now. Raises ``ImproperlyConfigured`` with the wrong key and the fix.

    Django's settings are read at each call, and parsed again if the dict has changed. Error collectors send the local
    variables of every frame that raises, so no such frame contains the dict with its secrets.
    """
    reading = _read_settings()
    if reading.conf is None:
        raise ImproperlyConfigured(reading.error)
    return reading.conf


def configured_keys() -> frozenset[str]:
    """The keys of ``ORY_AUTH`` that have a value."""
    raw = getattr(settings, "ORY_AUTH", None)
    items = raw.items() if isinstance(raw, Mapping) else ()
    return frozenset(key for key, value in items if value is not None)


def _read_settings() -> _Reading:
    global _last
    raw = getattr(settings, "ORY_AUTH", None)
    last = _last
    if last is None or last.raw != raw:
        with _lock:
            last = _last
            if last is None or last.raw != raw:
                last = _last = _read(raw)
    return last


def _read(raw: Any) -> _Reading:
    copy = dict(raw) if isinstance(raw, Mapping) else raw  # the project may change its own dict
    parsed, problems = parse(raw)
    error = next((f"{problem.text} {problem.hint}" for problem in problems if problem.fatal), "")
    return _Reading(copy, None if error else parsed, error)


def _renew_lock() -> None:
    """A forked process needs a new lock: a thread of its parent may hold the old one."""
    global _lock
    _lock = threading.RLock()


after_fork(_renew_lock)
