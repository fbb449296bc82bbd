"""``MIDDLEWARE``, ``AUTHENTICATION_BACKENDS`` and the authentication classes of Django REST framework."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage

from ..request.middleware_order import (
    AUTHENTICATION,
    DIRECTLY_AFTER,
    ORY_BACKEND,
    ORY_MIDDLEWARE,
    find_early_readers,
    find_order_problem,
    find_positions,
    find_remote_user,
    is_subclass,
)
from .message import make_message

CACHE_MIDDLEWARE = ("django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.CacheMiddleware")
PERMISSION_BACKENDS = {  # app → its backend; django-guardian and django-axes have a check of their own
    "rules": "rules.permissions.ObjectPermissionBackend",
}
ORY_AUTHENTICATION_CLASS = "ory_auth.rest_framework.OrySessionAuthentication"
DJANGO_AUTHENTICATION_CLASS = "rest_framework.authentication.SessionAuthentication"


def check_presence() -> Iterator[CheckMessage]:
    own = find_positions(settings.MIDDLEWARE, ORY_MIDDLEWARE)
    if not own:
        text = f"{ORY_MIDDLEWARE!r} is not in MIDDLEWARE: nobody can sign in with Ory."
        yield make_message("W001", text, f"Add {ORY_MIDDLEWARE!r} to MIDDLEWARE, {DIRECTLY_AFTER}.")
    if len(own) > 1:
        yield make_message(
            "E010",
            f"{ORY_MIDDLEWARE!r} appears in MIDDLEWARE {len(own)} times.",
            f"Keep one of them in MIDDLEWARE, {DIRECTLY_AFTER}.",
        )
    if not any(is_subclass(path, ORY_BACKEND) for path in settings.AUTHENTICATION_BACKENDS):
        backends = [ORY_BACKEND, *settings.AUTHENTICATION_BACKENDS]
        hint = f"Add it and keep the others: AUTHENTICATION_BACKENDS = {backends!r}."
        yield make_message("W002", f"{ORY_BACKEND!r} is not in AUTHENTICATION_BACKENDS.", hint)


def check_permission_backends() -> Iterator[CheckMessage]:
    """A project that sets ``AUTHENTICATION_BACKENDS = [OryBackend]`` may have removed a backend that an app needs."""
    for app, backend in PERMISSION_BACKENDS.items():
        if apps.is_installed(app) and not any(is_subclass(path, backend) for path in settings.AUTHENTICATION_BACKENDS):
            yield make_message(
                "W027",
                f"{app!r} is in INSTALLED_APPS, but {backend!r} is not in AUTHENTICATION_BACKENDS: user.has_perm() "
                "does not use it.",
                f"Add {backend!r} to AUTHENTICATION_BACKENDS, after {ORY_BACKEND!r}. If your code does not need its "
                "permissions, silence this warning.",
            )


def check_order() -> Iterator[CheckMessage]:
    middleware = settings.MIDDLEWARE
    if problem := find_order_problem(middleware):
        yield make_message("E004", problem, "Move it there in MIDDLEWARE.")
    own = find_positions(middleware, ORY_MIDDLEWARE)
    for late in (path for path in middleware[own[0] + 1 :] if path in CACHE_MIDDLEWARE) if own else ():
        yield make_message(
            "W013",
            f"{late!r} comes after {ORY_MIDDLEWARE!r} in MIDDLEWARE: it caches pages before they have their 'Vary' "
            "header.",
            f"Move {late!r} to the top of MIDDLEWARE.",
        )
    for position in find_remote_user(middleware):
        if own and position > own[0]:
            theirs, ours = middleware[position], middleware[own[0]]
            yield make_message(
                "W032",
                f"{theirs!r} comes after {ours!r} in MIDDLEWARE: it fails for people who are signed in with Ory.",
                f"Move {theirs!r} up in MIDDLEWARE, between {AUTHENTICATION!r} and {ours!r}.",
            )
    if not problem and (early := find_early_readers(middleware)):
        names = ", ".join(map(repr, early))
        yield make_message(
            "W014",
            f"{middleware[own[0]]!r} comes after {names} in MIDDLEWARE, which see an anonymous user if they read "
            "request.user before calling the view.",
            f"In MIDDLEWARE, move {middleware[own[0]]!r} up, {_below(middleware)}. If none of these reads "
            "request.user when a request comes in, silence this warning.",
        )


def _below(middleware: Sequence[str]) -> str:
    """Where the middleware belongs, also in a project without Django's ``AuthenticationMiddleware``."""
    return DIRECTLY_AFTER if find_positions(middleware, AUTHENTICATION) else "before them"


def check_drf_authentication_classes() -> Iterator[CheckMessage]:
    """Django REST framework uses the first class that finds a user, and its own class requires a CSRF token."""
    classes = list(getattr(settings, "REST_FRAMEWORK", {}).get("DEFAULT_AUTHENTICATION_CLASSES", ()))
    if ORY_AUTHENTICATION_CLASS not in classes:
        return
    if DJANGO_AUTHENTICATION_CLASS in classes[: classes.index(ORY_AUTHENTICATION_CLASS)]:
        name = "REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES']"
        yield make_message(
            "W022",
            f"SessionAuthentication comes first in {name}: a POST with an Ory session token gets a 403.",
            f"Move {ORY_AUTHENTICATION_CLASS!r} to the top of {name}.",
        )
