"""``MIDDLEWARE``, ``AUTHENTICATION_BACKENDS`` and the authentication classes of Django REST framework."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.apps import apps
from django.conf import settings

from ..request.middleware_order import (
    AUTHENTICATION,
    BACKEND,
    DIRECTLY_AFTER,
    PATH,
    find_early_readers,
    find_order_problem,
    find_positions,
    find_remote_user,
    is_subclass,
)
from .message import Message, make_message

KEEPS_PAGES = ("django.middleware.cache.UpdateCacheMiddleware", "django.middleware.cache.CacheMiddleware")
PERMISSION_BACKENDS = {  # of apps that do not check this themselves (django-guardian and django-axes do)
    "rules": "rules.permissions.ObjectPermissionBackend",
}
OWN_API = "ory_auth.rest_framework.OrySessionAuthentication"
DJANGO_API = "rest_framework.authentication.SessionAuthentication"


def check_presence() -> Iterator[Message]:
    own = find_positions(settings.MIDDLEWARE, PATH)
    if not own:
        text = f"{PATH!r} is not in MIDDLEWARE: nobody can sign in with Ory."
        yield make_message("W001", text, f"Add {PATH!r} to MIDDLEWARE, {DIRECTLY_AFTER}.")
    if len(own) > 1:
        yield make_message(
            "E010",
            f"{PATH!r} is in MIDDLEWARE {len(own)} times.",
            f"Keep one of them in MIDDLEWARE, {DIRECTLY_AFTER}.",
        )
    if not any(is_subclass(path, BACKEND) for path in settings.AUTHENTICATION_BACKENDS):
        backends = [BACKEND, *settings.AUTHENTICATION_BACKENDS]
        hint = f"Add it and keep the others: AUTHENTICATION_BACKENDS = {backends!r}."
        yield make_message("W002", f"{BACKEND!r} is not in AUTHENTICATION_BACKENDS.", hint)


def check_permission_backends() -> Iterator[Message]:
    """``AUTHENTICATION_BACKENDS = [OryBackend]`` drops the other backends."""
    for app, backend in PERMISSION_BACKENDS.items():
        if apps.is_installed(app) and not any(is_subclass(path, backend) for path in settings.AUTHENTICATION_BACKENDS):
            yield make_message(
                "W027",
                f"{app!r} is in INSTALLED_APPS, but {backend!r} is not in AUTHENTICATION_BACKENDS: user.has_perm() "
                "does not use it.",
                f"Add {backend!r} to AUTHENTICATION_BACKENDS, after {BACKEND!r}. If your code does not need its "
                "permissions, silence this warning.",
            )


def check_order() -> Iterator[Message]:
    middleware = settings.MIDDLEWARE
    if problem := find_order_problem(middleware):
        yield make_message("E004", problem, "Move it there in MIDDLEWARE.")
    own = find_positions(middleware, PATH)
    for late in (path for path in middleware[own[0] + 1 :] if path in KEEPS_PAGES) if own else ():
        yield make_message(
            "W013",
            f"{late!r} comes after {PATH!r} in MIDDLEWARE: it caches pages before they have their 'Vary' header.",
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
            "request.user early.",
            f"In MIDDLEWARE, move {middleware[own[0]]!r} up, {_below(middleware)}. If none of these reads "
            "request.user when a request comes in, silence this warning.",
        )


def _below(middleware: Sequence[str]) -> str:
    """Where the middleware belongs, also in a project without Django's ``AuthenticationMiddleware``."""
    return DIRECTLY_AFTER if find_positions(middleware, AUTHENTICATION) else "before them"


def check_authenticators() -> Iterator[Message]:
    """Django REST framework uses the first class that finds a user, and its own class requires a CSRF token."""
    given = list(getattr(settings, "REST_FRAMEWORK", {}).get("DEFAULT_AUTHENTICATION_CLASSES", ()))
    if OWN_API in given and DJANGO_API in given[: given.index(OWN_API)]:
        name = "REST_FRAMEWORK['DEFAULT_AUTHENTICATION_CLASSES']"
        yield make_message(
            "W022",
            f"SessionAuthentication comes first in {name}: a POST with an Ory session token gets a 403.",
            f"Move {OWN_API!r} to the top of {name}.",
        )
