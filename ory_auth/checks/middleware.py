"""``MIDDLEWARE``, ``AUTHENTICATION_BACKENDS`` and Django REST framework's classes: what is there, in what order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.apps import apps
from django.conf import settings

from ..request.middleware_order import (
    AUTHENTICATION,
    BACKEND,
    DIRECTLY_AFTER,
    PATH,
    is_a,
    order_problem,
    positions,
    remote_user_positions,
    too_early,
)
from .message import Message, tell

KEEPS_PAGES = ("django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.CacheMiddleware")
PERMISSION_BACKENDS = {  # of an app, whose own checks do not miss it (those of django-guardian and django-axes do)
    "rules": "rules.permissions.ObjectPermissionBackend",
}
OWN_API = "ory_auth.rest_framework.OrySessionAuthentication"
DJANGO_API = "rest_framework.authentication.SessionAuthentication"


def check_presence() -> Iterator[Message]:
    own = positions(settings.MIDDLEWARE, PATH)
    if not own:
        text = f"{PATH!r} is not in MIDDLEWARE: nobody can sign in with Ory."
        yield tell("W001", text, f"Add {PATH!r} to MIDDLEWARE, {DIRECTLY_AFTER}.")
    if len(own) > 1:
        yield tell(
            "E010",
            f"{PATH!r} is in MIDDLEWARE {len(own)} times.",
            f"Leave one of them in MIDDLEWARE, {DIRECTLY_AFTER}.",
        )
    if not any(is_a(path, BACKEND) for path in settings.AUTHENTICATION_BACKENDS):
        backends = [BACKEND, *settings.AUTHENTICATION_BACKENDS]
        hint = f"Add it and keep the others: AUTHENTICATION_BACKENDS = {backends!r}."
        yield tell("W002", f"{BACKEND!r} is not in AUTHENTICATION_BACKENDS.", hint)


def check_permission_backends() -> Iterator[Message]:
    """``AUTHENTICATION_BACKENDS = [OryBackend]`` throws away what else was in the list."""
    for app, backend in PERMISSION_BACKENDS.items():
        if apps.is_installed(app) and not any(is_a(path, backend) for path in settings.AUTHENTICATION_BACKENDS):
            yield tell(
                "W027",
                f"{app!r} is in INSTALLED_APPS, and {backend!r} is not in AUTHENTICATION_BACKENDS: user.has_perm() "
                "does not ask it.",
                f"Add {backend!r} to AUTHENTICATION_BACKENDS, after {BACKEND!r}. If no code asks it for permissions, "
                "silence this warning.",
            )


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
    for position in remote_user_positions(middleware):
        if own and position > own[0]:
            theirs, ours = middleware[position], middleware[own[0]]
            yield tell(
                "W032",
                f"{theirs!r} comes after {ours!r} in MIDDLEWARE: it fails for people who are signed in with Ory.",
                f"Move {theirs!r} up in MIDDLEWARE, between {AUTHENTICATION!r} and {ours!r}.",
            )
    if not problem and (early := too_early(middleware)):
        names = ", ".join(map(repr, early))
        yield tell(
            "W014",
            f"{middleware[own[0]]!r} comes after {names} in MIDDLEWARE. Middleware that comes earlier does not see who "
            "is signed in with Ory.",
            f"In MIDDLEWARE, move {middleware[own[0]]!r} up, {_below(middleware)}. If none of these reads "
            "request.user when a request comes in, silence this warning.",
        )


def _below(middleware: Sequence[str]) -> str:
    """Where the middleware belongs, in a project that may do without Django's ``AuthenticationMiddleware``."""
    return DIRECTLY_AFTER if positions(middleware, AUTHENTICATION) else "before them"


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
