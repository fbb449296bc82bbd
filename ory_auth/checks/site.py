"""The pages of this package in a project: ``ROOT_URLCONF``, ``LOGIN_URL``, ``LOGIN_REDIRECT_URL`` and ``TEMPLATES``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import global_settings, settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.core.checks import CheckMessage
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, ResolverMatch, get_resolver, get_script_prefix, resolve, reverse
from django.utils.module_loading import import_string

from .message import make_message

LOGIN_URL_NAME = "ory_auth:login"
DJANGO_LOGIN_VIEW = ("django.contrib.auth.views", "LoginView")
INCLUDE = 'path("auth/", include("ory_auth.urls"))'


def has_urls() -> bool:
    """Whether ``ory_auth:login`` has a URL. Errors of the project's URL modules are not caught."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return False
    try:
        return bool(reverse(LOGIN_URL_NAME))
    except NoReverseMatch:
        return False


def check_urls() -> Iterator[CheckMessage]:
    if not getattr(settings, "ROOT_URLCONF", None):
        return  # this project has no pages
    included = has_urls()
    if not included and "ory_auth" in get_resolver().app_dict:
        yield make_message(
            "W010",
            f"{LOGIN_URL_NAME!r} has no URL without arguments: ory_auth.urls are included below a path with "
            "parameters.",
            f"Include them in ROOT_URLCONF below a path without parameters: {INCLUDE}.",
        )
    elif not included and not _is_view_of_project(settings.LOGIN_URL):
        yield make_message(
            "W010",
            "ROOT_URLCONF does not include ory_auth.urls, so there is no page where people can sign in with Ory.",
            f"Add {INCLUDE} to urlpatterns, and set LOGIN_URL = {LOGIN_URL_NAME!r}.",
        )
    elif included and not _is_view_of_project(settings.LOGIN_URL):
        yield make_message(
            "W011",
            "LOGIN_URL is not a page where people can sign in with Ory.",
            f"Set LOGIN_URL = {LOGIN_URL_NAME!r}.",
        )


def check_pages() -> Iterator[CheckMessage]:
    """A catch-all pattern of a single-page app or a content management system may come before our URLs."""
    hidden: dict[str, list[str]] = {}
    for name, path in _own_urls():
        match = _match_at(path)
        if match is not None and ("ory_auth" not in match.app_names or match.url_name != name):
            hidden.setdefault(name_of_view(match.func), []).append(path)
    for view, paths in hidden.items():
        yield make_message(
            "W028",
            f"{view} answers at {', '.join(map(repr, paths))}, not ory_auth, because its pattern comes first in "
            "ROOT_URLCONF.",
            f"Move {INCLUDE} before that pattern in urlpatterns. If your view is meant to replace the page, silence "
            "this warning.",
        )


def _own_urls() -> Iterator[tuple[str, str]]:
    """The name and path of each of our URLs that ``ROOT_URLCONF`` includes."""
    for pattern in import_string("ory_auth.urls.urlpatterns") if has_urls() else ():
        with suppress(NoReverseMatch):  # the project's namespace of this name may have only some of them
            yield pattern.name, reverse(f"ory_auth:{pattern.name}")


def check_login_redirect() -> Iterator[CheckMessage]:
    """People who sign in without a ``next`` URL are sent to this page."""
    if not has_urls():
        return
    try:
        path = resolve_url(settings.LOGIN_REDIRECT_URL)
    except NoReverseMatch:
        is_missing = True
    else:  # only the default is a mistake: a server other than Django may serve other paths
        is_default = path == global_settings.LOGIN_REDIRECT_URL
        translated = is_language_prefix_patterns_used(settings.ROOT_URLCONF)[0]
        is_missing = is_default and not translated and _match_at(path) is None
    if is_missing:
        yield make_message(
            "W030",
            f"LOGIN_REDIRECT_URL ({str(settings.LOGIN_REDIRECT_URL)!r}) is not a page: people who sign in without a "
            "'next' are sent there.",
            "Set LOGIN_REDIRECT_URL to one of your pages, such as '/'.",
        )


def _is_view_of_project(url: Any) -> bool:
    """Whether ``LOGIN_URL`` is a page of the project or an external one, and not Django's own form."""
    try:
        path = urlsplit(resolve_url(url))
    except NoReverseMatch:
        return False
    if path.netloc or is_language_prefix_patterns_used(settings.ROOT_URLCONF)[0]:
        return True
    views = [view for view in map(_view_at, (path.path, f"{path.path}/")) if view]
    return any((view.__module__, view.__name__) != DJANGO_LOGIN_VIEW for view in views)


def view_below(path: str) -> str:
    """The dotted path of the view that answers at this path; empty if there is none."""
    match = _match_at(path)
    return name_of_view(match.func) if match else ""


def _view_at(path: str) -> Any:
    match = _match_at(path)
    return match and getattr(match.func, "view_class", match.func)


def _match_at(path: str) -> ResolverMatch | None:
    """The match in ``ROOT_URLCONF`` of a path, which may begin with the script prefix."""
    try:
        return resolve(f"/{path.removeprefix(get_script_prefix()).lstrip('/')}")
    except Resolver404:
        return None


def name_of_view(view: Any) -> str:
    """The dotted path of a view, or of its class."""
    view = getattr(view, "view_class", view)
    return f"{view.__module__}.{getattr(view, '__qualname__', type(view).__qualname__)}"


def check_templates() -> Iterator[CheckMessage]:
    if has_urls() and not any(map(_has_our_templates, settings.TEMPLATES)):
        yield make_message(
            "W012",
            "No engine in TEMPLATES finds the templates of ory_auth.",
            "Add a DjangoTemplates engine with 'APP_DIRS': True to TEMPLATES.",
        )


def _has_our_templates(engine: Any) -> bool:
    """Reads only the settings: most commands run checks, and few load an engine."""
    if not engine.get("BACKEND", "").endswith("DjangoTemplates"):
        return False
    loaders = str(engine.get("OPTIONS", {}).get("loaders", ""))
    copies = (Path(folder) / "ory_auth" / "base.html" for folder in engine.get("DIRS", ()))
    return bool(engine.get("APP_DIRS")) or "app_directories" in loaders or any(copy.exists() for copy in copies)
