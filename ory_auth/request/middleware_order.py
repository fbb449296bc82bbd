"""The position of this package's middleware in ``MIDDLEWARE``, and whether it is right.

Django's and this package's middleware are compared by their dotted paths, so that ``manage.py check`` imports neither.
Other middleware is imported, because it may be a subclass of one of these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.module_loading import import_string

ORY_MIDDLEWARE = "ory_auth.middleware.OryMiddleware"
ORY_BACKEND = "ory_auth.backends.OryBackend"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
REMOTE_USER = "django.contrib.auth.middleware.RemoteUserMiddleware"
PERSISTENT_REMOTE_USER = "django.contrib.auth.middleware.PersistentRemoteUserMiddleware"
DIRECTLY_AFTER = f"directly after {AUTHENTICATION!r}"

READ_USER_EARLY = (  # when a request comes in
    "django_otp.middleware.OTPMiddleware",
    "hijack.middleware.HijackUserMiddleware",
    "impersonate.middleware.ImpersonateMiddleware",
)
NEVER_READ_USER_EARLY = frozenset(  # not when a request comes in; some keep the request, whose user is read later
    {
        "allauth.account.middleware.AccountMiddleware",
        "axes.middleware.AxesMiddleware",
        "corsheaders.middleware.CorsMiddleware",
        "crum.CurrentRequestUserMiddleware",
        "csp.middleware.CSPMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
        "easyaudit.middleware.easyaudit.EasyAuditMiddleware",
        "simple_history.middleware.HistoryRequestMiddleware",
        "waffle.middleware.WaffleMiddleware",
        "whitenoise.middleware.WhiteNoiseMiddleware",
    }
)


def find_order_problem(middleware: Sequence[str]) -> str | None:
    """What is wrong with the position of this middleware, and where it belongs; ``None`` if it is right."""
    own = find_positions(middleware, ORY_MIDDLEWARE)
    for needed in (SESSION, AUTHENTICATION):
        late = [position for position in find_positions(middleware, needed) if own and position > own[0]]
        if late:
            return f"{ORY_MIDDLEWARE!r} must come after {middleware[late[0]]!r} in MIDDLEWARE."
    for asking in find_positions(middleware, LOGIN_REQUIRED):
        if own and asking < own[0]:
            return f"{ORY_MIDDLEWARE!r} must come before {middleware[asking]!r} in MIDDLEWARE."
    return None


def find_early_readers(middleware: Sequence[str]) -> list[str]:
    """The middleware before this one that may read the user too early: it gets the one of Django's session.

    Before ``AuthenticationMiddleware`` a request has no user, so earlier middleware can read it only later.
    """
    own, authentication = find_positions(middleware, ORY_MIDDLEWARE), find_positions(middleware, AUTHENTICATION)
    if not own:
        return []
    start = authentication[0] + 1 if authentication else own[0]
    unknown = [path for path in middleware[start : own[0]] if not _is_harmless(path)]
    return [path for path in middleware[: own[0]] if path in READ_USER_EARLY or path in unknown]


def _is_harmless(path: str) -> bool:
    known = path.startswith("django.") or path in NEVER_READ_USER_EARLY
    return known or is_subclass(path, AUTHENTICATION) or is_subclass(path, REMOTE_USER)


def find_remote_user(middleware: Sequence[str]) -> list[int]:
    """The positions of Django's middleware for users whom the web server has signed in.

    It reads the user, and fails for a user without a Django session. So it has to come before this middleware.
    """
    return sorted(find_positions(middleware, REMOTE_USER) + find_positions(middleware, PERSISTENT_REMOTE_USER))


def find_positions(middleware: Sequence[str], wanted: str) -> list[int]:
    """The positions in ``MIDDLEWARE`` of the class with this path, and of its subclasses."""
    return [position for position, path in enumerate(middleware) if is_subclass(path, wanted)]


def is_subclass(path: str, wanted: str) -> bool:
    """Whether ``path`` names the class ``wanted`` or a subclass of it."""
    if path == wanted or path.startswith(("django.", "ory_auth.")):
        return path == wanted
    cls, base = _import_or_none(path), _import_or_none(wanted)
    return isinstance(cls, type) and issubclass(cls, base)


def _import_or_none(path: str) -> Any:
    try:
        return import_string(path)
    except ImportError:
        return None  # Django reports it when it builds the middleware
