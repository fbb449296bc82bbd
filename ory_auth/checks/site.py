"""Where the project has put this package's pages: ``ROOT_URLCONF``, ``LOGIN_URL``, ``TEMPLATES``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, get_resolver, get_script_prefix, resolve, reverse

from .message import Message, tell

LOGIN = "ory_auth:login"
DJANGOS_LOGIN = ("django.contrib.auth.views", "LoginView")
INCLUDE = 'path("auth/", include("ory_auth.urls"))'


def has_urls() -> bool:
    """Whether ``ory_auth:login`` has a URL; raises whatever the modules of the project's URLs raise."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return False
    try:
        return bool(reverse(LOGIN))
    except NoReverseMatch:
        return False


def check_urls() -> Iterator[Message]:
    if not getattr(settings, "ROOT_URLCONF", None):
        return  # this project serves nobody
    included = has_urls()
    if not included and "ory_auth" in get_resolver().app_dict:
        yield tell(
            "W010",
            f"{LOGIN!r} has no URL without arguments: ory_auth.urls are included below a path that has some.",
            f"Include them in ROOT_URLCONF below a path without parameters: {INCLUDE}.",
        )
    elif not included and not _is_view_of_project(settings.LOGIN_URL):
        yield tell(
            "W010",
            "ory_auth.urls are not included in ROOT_URLCONF, so there is no page that leads to Ory.",
            f"Add {INCLUDE} to its urlpatterns, and set LOGIN_URL = {LOGIN!r}.",
        )
    elif included and not _is_view_of_project(settings.LOGIN_URL):
        yield tell(
            "W011",
            "LOGIN_URL leads to no page where people sign in with Ory.",
            f"Set LOGIN_URL = {LOGIN!r}.",
        )


def _is_view_of_project(url: Any) -> bool:
    """Whether ``LOGIN_URL`` leads to a page of the project, or elsewhere, which it will know; Django's form is none."""
    try:
        path = urlsplit(resolve_url(url))
    except NoReverseMatch:
        return False
    if path.netloc or is_language_prefix_patterns_used(settings.ROOT_URLCONF)[0]:
        return True
    prefix = get_script_prefix()
    inside = path.path.removeprefix(prefix) if path.path.startswith(prefix) else path.path.lstrip("/")
    views = [view for view in map(_view_at, (f"/{inside}", f"/{inside}/")) if view]
    return any((view.__module__, view.__name__) != DJANGOS_LOGIN for view in views)


def _view_at(path: str) -> Any:
    try:
        view = resolve(path).func
    except Resolver404:
        return None
    return getattr(view, "view_class", view)


def check_templates() -> Iterator[Message]:
    if has_urls() and not any(map(_has_our_templates, settings.TEMPLATES)):
        yield tell(
            "W012",
            "No engine in TEMPLATES finds the pages of ory_auth.",
            "Have an engine with 'APP_DIRS': True in TEMPLATES, of Django's own kind (DjangoTemplates).",
        )


def _has_our_templates(engine: Any) -> bool:
    """Told by the settings alone: every command checks, and few need an engine."""
    if not engine.get("BACKEND", "").endswith("DjangoTemplates"):
        return False
    loaders = str(engine.get("OPTIONS", {}).get("loaders", ""))
    copies = (Path(folder) / "ory_auth" / "base.html" for folder in engine.get("DIRS", ()))
    return bool(engine.get("APP_DIRS")) or "app_directories" in loaders or any(copy.exists() for copy in copies)
