"""Where this package's pages are in the project: ``ROOT_URLCONF``, ``LOGIN_URL``, ``TEMPLATES``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import global_settings, settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, ResolverMatch, get_resolver, get_script_prefix, resolve, reverse
from django.utils.module_loading import import_string

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


def check_pages() -> Iterator[Message]:
    """A catch-all pattern, as single-page apps and content management systems have one, may come before our URLs."""
    hidden: dict[str, list[str]] = {}
    for name, path in _addresses():
        match = _match_at(path)
        if match is not None and ("ory_auth" not in match.app_names or match.url_name != name):
            hidden.setdefault(name_of_view(match.func), []).append(path)
    for view, paths in hidden.items():
        yield tell(
            "W028",
            f"{view} answers at {', '.join(map(repr, paths))}, not ory_auth, because its pattern comes first in "
            "ROOT_URLCONF.",
            f"Move {INCLUDE} before that pattern in urlpatterns. If your view is meant to replace the page, silence "
            "this warning.",
        )


def _addresses() -> Iterator[tuple[str, str]]:
    """The name and path of each URL of ours, as far as ``ROOT_URLCONF`` includes them."""
    for pattern in import_string("ory_auth.urls.urlpatterns") if has_urls() else ():
        with suppress(NoReverseMatch):  # a project may have a namespace of this name with some of them
            yield pattern.name, reverse(f"ory_auth:{pattern.name}")


def check_login_redirect() -> Iterator[Message]:
    """Where a sign-in ends that began with no page to come back to."""
    if not has_urls():
        return
    try:
        path = resolve_url(settings.LOGIN_REDIRECT_URL)
    except NoReverseMatch:
        leads_nowhere = True
    else:  # other paths may be served by something else than Django
        is_default = path == global_settings.LOGIN_REDIRECT_URL
        translated = is_language_prefix_patterns_used(settings.ROOT_URLCONF)[0]
        leads_nowhere = is_default and not translated and _match_at(path) is None
    if leads_nowhere:
        yield tell(
            "W030",
            f"LOGIN_REDIRECT_URL ({str(settings.LOGIN_REDIRECT_URL)!r}) leads to no page: people who sign in without "
            "a 'next' are sent there.",
            "Set LOGIN_REDIRECT_URL to a page of yours, such as '/'.",
        )


def _is_view_of_project(url: Any) -> bool:
    """Whether ``LOGIN_URL`` leads to a page of the project, or elsewhere, which it will know; Django's form is none."""
    try:
        path = urlsplit(resolve_url(url))
    except NoReverseMatch:
        return False
    if path.netloc or is_language_prefix_patterns_used(settings.ROOT_URLCONF)[0]:
        return True
    views = [view for view in map(_view_at, (path.path, f"{path.path}/")) if view]
    return any((view.__module__, view.__name__) != DJANGOS_LOGIN for view in views)


def _view_at(path: str) -> Any:
    match = _match_at(path)
    return match and getattr(match.func, "view_class", match.func)


def _match_at(path: str) -> ResolverMatch | None:
    """What ``ROOT_URLCONF`` has at a path, which may begin with the script's prefix."""
    try:
        return resolve(f"/{path.removeprefix(get_script_prefix()).lstrip('/')}")
    except Resolver404:
        return None


def name_of_view(view: Any) -> str:
    """The dotted path of a view, of its class where it has one."""
    view = getattr(view, "view_class", view)
    return f"{view.__module__}.{getattr(view, '__qualname__', type(view).__qualname__)}"


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
