"""Where in ``MIDDLEWARE`` this package's middleware stands, and where it should.

Django's own and this package's are known by their dotted paths, so that ``manage.py check`` loads neither; a project's
own are loaded, as each may be a subclass of one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.module_loading import import_string

PATH = "ory_auth.middleware.OryMiddleware"
BACKEND = "ory_auth.backends.OryBackend"
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


def order_problem(middleware: Sequence[str]) -> str | None:
    """What is wrong with the place of this middleware, and where it belongs; ``None`` where it is right."""
    own = positions(middleware, PATH)
    for needed in (SESSION, AUTHENTICATION):
        late = [position for position in positions(middleware, needed) if own and position > own[0]]
        if late:
            return f"{PATH!r} must come after {middleware[late[0]]!r} in MIDDLEWARE."
    for asking in positions(middleware, LOGIN_REQUIRED):
        if own and asking < own[0]:
            return f"{PATH!r} must come before {middleware[asking]!r} in MIDDLEWARE."
    return None


def too_early(middleware: Sequence[str]) -> list[str]:
    """The middleware before this one that may have read the user by then, who is not the one that Ory signed in.

    Before ``AuthenticationMiddleware`` a request has no user, so what comes before that can read it only later.
    """
    own, authentication = positions(middleware, PATH), positions(middleware, AUTHENTICATION)
    if not own:
        return []
    start = authentication[0] + 1 if authentication else own[0]
    unknown = [path for path in middleware[start : own[0]] if not _is_harmless(path)]
    return [path for path in middleware[: own[0]] if path in READ_USER_EARLY or path in unknown]


def _is_harmless(path: str) -> bool:
    known = path.startswith("django.") or path in NEVER_READ_USER_EARLY
    return known or is_a(path, AUTHENTICATION) or is_a(path, REMOTE_USER)


def remote_user_positions(middleware: Sequence[str]) -> list[int]:
    """Where Django's middleware for users of the web server stands.

    It reads the user, and fails for one that has no Django session. So it has to come before this one.
    """
    return sorted(positions(middleware, REMOTE_USER) + positions(middleware, PERSISTENT_REMOTE_USER))


def positions(middleware: Sequence[str], wanted: str) -> list[int]:
    """Where in ``MIDDLEWARE`` the class of this path, or a subclass of it, stands."""
    return [position for position, path in enumerate(middleware) if is_a(path, wanted)]


def is_a(path: str, wanted: str) -> bool:
    """Whether ``path`` names the class ``wanted`` or a subclass of it."""
    if path == wanted or path.startswith(("django.", "ory_auth.")):
        return path == wanted
    cls, base = _imported(path), _imported(wanted)
    return isinstance(cls, type) and issubclass(cls, base)


def _imported(path: str) -> Any:
    try:
        return import_string(path)
    except ImportError:
        return None  # Django itself says so when it builds it
