"""``MIDDLEWARE``, ``AUTHENTICATION_BACKENDS`` and Django REST framework's classes: what is there, in what order."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from ..placement import AUTHENTICATION, BACKEND, PATH, is_a, order_problem, positions
from .message import Message, tell

KEEPS_PAGES = ("django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.CacheMiddleware")
LOOKS_AT_USER = (  # when a request comes in, so they have to find Ory's user
    "django_otp.middleware.OTPMiddleware",
    "hijack.middleware.HijackUserMiddleware",
    "impersonate.middleware.ImpersonateMiddleware",
)
OWN_API = "ory_auth.rest_framework.OrySessionAuthentication"
DJANGO_API = "rest_framework.authentication.SessionAuthentication"


def check_presence() -> Iterator[Message]:
    own = positions(settings.MIDDLEWARE, PATH)
    if not own:
        yield tell("W001", f"{PATH!r} is not in MIDDLEWARE.", f"Add {PATH!r} to MIDDLEWARE after {AUTHENTICATION!r}.")
    if len(own) > 1:
        yield tell(
            "E010",
            f"{PATH!r} is in MIDDLEWARE {len(own)} times.",
            f"Leave one of them in MIDDLEWARE, after {AUTHENTICATION!r}.",
        )
    if not any(is_a(path, BACKEND) for path in settings.AUTHENTICATION_BACKENDS):
        hint = f"Set AUTHENTICATION_BACKENDS = [{BACKEND!r}]."
        yield tell("W002", f"{BACKEND!r} is not in AUTHENTICATION_BACKENDS.", hint)


def check_order() -> Iterator[Message]:
    middleware = settings.MIDDLEWARE
    if problem := order_problem(middleware):
        yield tell("E004", problem, "Move it there in MIDDLEWARE.")
    own = positions(middleware, PATH)
    for late in (path for path in middleware[own[0] + 1 :] if path in KEEPS_PAGES) if own else ():
        yield tell(
            "W013",
            f"{late!r} comes after {PATH!r} in MIDDLEWARE: it caches pages before they have their 'Vary' header.",
            f"Move {late!r} to the top of MIDDLEWARE.",
        )
    for early in (path for path in middleware[: own[0]] if path in LOOKS_AT_USER) if own else ():
        yield tell(
            "W014",
            f"{early!r} comes before {PATH!r} in MIDDLEWARE: it does not see whom Ory signed in.",
            f"Move {early!r} below {PATH!r} in MIDDLEWARE.",
        )


def check_authenticators() -> Iterator[Message]:
    """Django REST framework takes the first class that knows somebody, and its own asks tokens for a CSRF token."""
    given = list(getattr(settings, "REST_FRAMEWORK", {}).get("DEFAULT_AUTHENTICATION_CLASSES", ()))
    if OWN_API in given and DJANGO_API in given[: given.index(OWN_API)]:
        name = "REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES']"
        yield tell(
            "W022",
            f"SessionAuthentication comes first in {name}: a POST with a session token of Ory's gets a 403.",
            f"Move {OWN_API!r} to the top of {name}.",
        )
