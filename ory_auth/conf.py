"""The one dict ``ORY_AUTH`` of Django's settings, read live: a changed setting counts from the next request on."""

from __future__ import annotations

import difflib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import PurePath
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from .process.forks import after_fork

DOCS = "django-ory's docs"  # in the repository and the source distribution, not where pip puts the package
NETWORK_HOST = re.compile(r"^(?P<slug>[a-z0-9-]+)\.projects\.oryapis\.com$")
NETWORK_DOMAIN = "oryapis.com"
KRATOS_COOKIE = "ory_kratos_session"
MAX_CACHE_SECONDS = 60  # for an answer of Ory's, where the project does not say another number
DEFAULT_USER_HANDLER = "ory_auth.users.UserHandler"
DEFAULT_USER_FIELDS = MappingProxyType(
    {"email": "traits.email", "first_name": "traits.name.first", "last_name": "traits.name.last"}
)
_PLAIN = re.compile(r"[!-~]+")
_PATH = re.compile(r"\w+(\.\w+)+")
_HOST = re.compile(r"[^\s/\\?#@*.][^\s/\\?#@*]*")  # as in a URL, with the port if there is one


def _url(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a URL such as 'http://127.0.0.1:4433'")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  (a port that is none raises here)
    except ValueError:  # whose text repeats the value, a password in it too
        raise ValueError("has a host or port that is none: write it like 'http://127.0.0.1:4433'") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be an http or https URL without query, such as 'http://127.0.0.1:4433'")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password")
    if not _PLAIN.fullmatch(value):
        raise ValueError("must not hold spaces or line breaks, nor anything else that is not plain ASCII")
    return value.rstrip("/")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be a text that is not empty")
    return value


class Secret:
    """A secret from ``ORY_AUTH``. Printing it shows asterisks; call ``reveal()`` only where the value is sent."""

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
        raise ValueError("must be a text of plain ASCII as Ory gave it, without spaces or line breaks")
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


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("must be a whole number, 1 or more")
    return value


def _count_or_none(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be how many proxies in front of this site are your own: a whole number, 0 or more")
    return value


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def _user_fields(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        raise ValueError("must be a dict of user field to path in the identity, such as {'email': 'traits.email'}")
    return MappingProxyType(dict(value))


def _hosts(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple, set, frozenset)):
        raise ValueError("must be a list of host names")
    if not all(isinstance(host, str) and _HOST.fullmatch(host) for host in value):
        raise ValueError("must be a list of host names such as 'app.example.org', each in full: no scheme, path or '*'")
    return tuple(value)


def _paths(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, (list, tuple, set, frozenset)):
        raise ValueError("must be a list of dotted paths")
    if not all(isinstance(path, str) and _PATH.fullmatch(path) for path in value):
        raise ValueError("must be a list of dotted paths such as 'project.middleware.AuditMiddleware'")
    return tuple(value)


def _key(read: Callable[[object], Any], default: Any = None) -> Any:
    return field(default=default, metadata={"read": read}, repr=False)


@dataclass(frozen=True)
class Conf:
    """``ORY_AUTH``, checked: one attribute for each key, in lower case. Durations are seconds."""

    sdk_url: str = _key(_url)
    browser_url: str = _key(_url)
    admin_url: str = _key(_url)
    api_key: Secret | None = _key(_secret)  # noqa: RUF009  (a field, like the others)
    session_cookie_name: str = _key(_cookie_name)
    session_cache: str = _key(_text, "default")
    cache_namespace: str = _key(_text)
    session_cache_seconds: float | None = _key(_seconds_or_none)
    local_cache_seconds: float = _key(_seconds, 0)
    user_cache_seconds: float = _key(_seconds, 0)
    stale_if_error_seconds: float = _key(_seconds, 0)
    refused_cache_seconds: float = _key(_seconds, 5)
    trusted_proxies: int | None = _key(_count_or_none)
    timeout: float = _key(_positive_seconds, 3.0)
    max_connections: int = _key(_count, 10)
    user_fields: Mapping[str, str] | None = _key(_user_fields)
    user_handler: str = _key(_text, DEFAULT_USER_HANDLER)
    link_by_verified_email: bool = _key(_bool, False)
    login_redirect_hosts: tuple[str, ...] = _key(_hosts, ())
    recording_middleware: tuple[str, ...] = _key(_paths, ())


KEYS = tuple(f.name.upper() for f in fields(Conf))


@dataclass(frozen=True)
class Problem:
    """What is wrong with one key of ``ORY_AUTH``, and what to do about it."""

    key: str
    text: str
    hint: str
    unknown: bool = False  # there is no such key
    fatal: bool = True  # the site must not start. An unknown key is fatal only if it stands for a missing SDK_URL


def problems(raw: object) -> Iterator[Problem]:
    """Everything that is wrong with ``ORY_AUTH``, as far as that shows without a network."""
    if not isinstance(raw, Mapping):
        yield Problem("ORY_AUTH", "ORY_AUTH must be a dict.", "Set ORY_AUTH = {'SDK_URL': 'http://127.0.0.1:4433'}.")
        return
    nearest = {key: _nearest(key) for key in raw if key not in KEYS}
    missing = raw.get("SDK_URL") is None
    if missing and "SDK_URL" not in nearest.values():
        yield Problem(
            "SDK_URL",
            "ORY_AUTH['SDK_URL'] is missing.",
            "Set it to Ory's public API as this server reaches it, such as 'http://127.0.0.1:4433'.",
        )
    for key, value in raw.items():
        if key not in KEYS:
            near = nearest[key]
            in_its_place = missing and near == "SDK_URL"
            text = f"ORY_AUTH has no key {key!r}{', and SDK_URL is missing' if in_its_place else ''}."
            hint = f"Did you mean {near!r}?" if near else f"The keys are: {', '.join(KEYS)}."
            yield Problem(str(key), text, hint, unknown=True, fatal=in_its_place)
        elif value is not None:
            try:
                _READERS[key](value)
            except ValueError as error:
                yield Problem(key, f"ORY_AUTH[{key!r}] {error}.", f"Correct ORY_AUTH[{key!r}] in your settings.")


def _nearest(key: object) -> str:
    """The key with the most similar spelling, or ``""``."""
    return next(iter(difflib.get_close_matches(str(key).upper(), KEYS, n=1, cutoff=0.6)), "")


_READERS: dict[str, Callable[[object], Any]] = {f.name.upper(): f.metadata["read"] for f in fields(Conf)}


def _filled(values: dict[str, Any]) -> Conf:
    values.setdefault("browser_url", values["sdk_url"])
    values.setdefault("admin_url", values["sdk_url"])
    values.setdefault("session_cookie_name", derived_cookie_name(values))
    values.setdefault("cache_namespace", derived_cache_namespace(values["browser_url"]))
    return Conf(**values)


def readable() -> Conf | None:
    """As much of ``ORY_AUTH`` as is valid, for code that reports problems. A key with a wrong value counts as not set.

    ``None`` if ``SDK_URL`` is missing or wrong.
    """
    raw = getattr(settings, "ORY_AUTH", None)
    if not isinstance(raw, Mapping):
        return None
    values = {}
    for key, value in raw.items():
        if key in KEYS and value is not None:
            try:
                values[key.lower()] = _READERS[key](value)
            except ValueError:
                continue
    return _filled(values) if "sdk_url" in values else None


def derived_cache_namespace(browser_url: str) -> str:
    """A text that is the same in all workers of a deployment, and usually differs in other deployments of the project.

    Of the default database only the name counts: a replica has another host, and a file may be in another folder.
    """
    database = settings.DATABASES.get("default", {}).get("NAME") or ""
    return f"{browser_url} {PurePath(str(database)).name}"


def derived_cookie_name(values: Mapping[str, Any]) -> str:
    """The session cookie's name as Ory forms it: from the slug of a project of Ory Network, else Kratos' own."""
    for key in ("sdk_url", "browser_url", "admin_url"):
        match = NETWORK_HOST.match(urlsplit(values[key]).hostname or "")
        if match:
            return "ory_session_" + match["slug"].replace("-", "")
    return KRATOS_COOKIE


@dataclass(frozen=True, slots=True)
class _Reading:
    """``ORY_AUTH`` as it was last read, with the result: a ``Conf``, or the text of an error."""

    raw: Any = field(repr=False)
    conf: Conf | None = None
    error: str = ""


_last: _Reading | None = None
_lock = threading.RLock()  # other modules keep what they make for a Conf, so all threads have to get the same one


def conf() -> Conf:
    """The settings as they are now; raises ``ImproperlyConfigured`` with the key at fault and the fix.

    Django's settings are read at each call, and checked again if the dict has changed. Error collectors send the local
    variables of every frame that raises, so the dict with its secrets is in no such frame.
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
    if raw is None:
        return _Reading(raw, error="ORY_AUTH is missing. Set ORY_AUTH = {'SDK_URL': 'http://127.0.0.1:4433'}.")
    copy = dict(raw) if isinstance(raw, Mapping) else raw  # the project may change its own dict
    wrong = next((problem for problem in problems(raw) if problem.fatal), None)
    if wrong is not None:
        return _Reading(copy, error=f"{wrong.text} {wrong.hint}")
    known = {key: value for key, value in raw.items() if key in KEYS and value is not None}
    return _Reading(copy, _filled({key.lower(): _READERS[key](value) for key, value in known.items()}))


def _renew_lock() -> None:
    """In a forked process: a thread of the parent may hold the lock."""
    global _lock
    _lock = threading.RLock()


after_fork(_renew_lock)
