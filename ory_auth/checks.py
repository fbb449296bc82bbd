"""System checks: what is wrong with a project's settings, seen without a network; each with an id and a hint.

Every command runs them, so what serves requests is not imported for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DjangoDatabaseError
from django.db import connections, router
from django.utils.module_loading import import_string

from .conf import DEFAULT_USER_HANDLER, NETWORK_DOMAIN, NETWORK_HOST, conf, problems
from .models import OryIdentity
from .placement import BACKEND, PATH, is_a, order_problem, positions
from .user_fields import PRIVILEGES, forbidden, has_field

Message = checks.CheckMessage


def register() -> None:
    """Make ``manage.py check`` and its like run them."""
    checks.register(check_settings, checks.Tags.security)
    checks.register(check_middleware)
    checks.register(check_users)
    checks.register(check_database, checks.Tags.database)


def check_settings(**_: Any) -> list[Message]:
    """``ORY_AUTH`` itself: unknown keys, wrong values, a cookie name that cannot be derived."""
    found: list[Message] = []
    raw = getattr(settings, "ORY_AUTH", {})
    for problem in problems(raw):
        known = problem.key in {"ORY_AUTH"} or not problem.text.startswith("ORY_AUTH has no key")
        found.append(checks.Error(problem.text, hint=problem.hint, id=f"ory_auth.E00{1 if known else 2}"))
    return found or [*_check_cookie_name(), *_check_cache()]


def _check_cache() -> Iterator[Message]:
    cache = settings.CACHES.get(conf().session_cache, {})
    options = {name.lower() for name in cache.get("OPTIONS", {})}
    if "redis" in cache.get("BACKEND", "").lower() and "socket_timeout" not in options and _caches_sessions():
        yield checks.Warning(
            f"The cache {conf().session_cache!r} has no 'socket_timeout': "
            "while Redis hangs, every request that asks who it is hangs as well.",
            hint=f"Set CACHES[{conf().session_cache!r}]['OPTIONS'] = "
            "{'socket_timeout': 0.5, 'socket_connect_timeout': 0.5}.",
            id="ory_auth.W004",
        )


def _caches_sessions() -> bool:
    return conf().session_cache_seconds != 0


def _check_cookie_name() -> Iterator[Message]:
    hosts = {urlsplit(url).hostname or "" for url in (conf().sdk_url, conf().browser_url, conf().admin_url)}
    on_network = any(host.endswith(NETWORK_DOMAIN) for host in hosts) or (conf().api_key or "").startswith("ory_")
    if on_network and not any(map(NETWORK_HOST.match, hosts)) and "SESSION_COOKIE_NAME" not in settings.ORY_AUTH:
        yield checks.Error(
            "ORY_AUTH['SESSION_COOKIE_NAME'] cannot be derived from the domain of this Ory Network project.",
            hint="Set it to the name of the session cookie that your browser has after signing in, "
            "such as 'ory_session_' and the project's slug without hyphens.",
            id="ory_auth.E003",
        )


def check_middleware(**_: Any) -> list[Message]:
    """The middleware, its place, and the backend."""
    found: list[Message] = []
    if not positions(settings.MIDDLEWARE, PATH):
        hint = f"Add {PATH!r} after 'django.contrib.auth.middleware.AuthenticationMiddleware'."
        found.append(checks.Warning(f"{PATH!r} is not in MIDDLEWARE.", hint=hint, id="ory_auth.W001"))
    if problem := order_problem(settings.MIDDLEWARE):
        found.append(checks.Error(problem, hint="Move it there.", id="ory_auth.E004"))
    if not _has_backend():
        hint = f"Set AUTHENTICATION_BACKENDS = [{BACKEND!r}]."
        found.append(checks.Warning(f"{BACKEND!r} is not in AUTHENTICATION_BACKENDS.", hint=hint, id="ory_auth.W002"))
    return found


def _has_backend() -> bool:
    return any(is_a(path, BACKEND) for path in settings.AUTHENTICATION_BACKENDS)


def check_users(**_: Any) -> list[Message]:
    """``USER_HANDLER``, and ``USER_FIELDS`` against the user model."""
    try:
        fields, handler = conf().user_fields or {}, conf().user_handler
    except ImproperlyConfigured:
        return []  # check_settings says it
    found: list[Message] = []
    if handler != DEFAULT_USER_HANDLER:
        try:
            import_string("ory_auth.users.handler_class")(handler)
        except ImproperlyConfigured as error:
            hint = "Name a subclass of ory_auth.users.UserHandler by its dotted path."
            found.append(checks.Error(str(error), hint=hint, id="ory_auth.E007"))
    for name, path in fields.items():
        text = f"ORY_AUTH['USER_FIELDS'] maps {name!r} from {path!r}"
        if forbidden(name, path):
            hint = "Remove it: people edit their own traits."
            if name in PRIVILEGES and has_field(name):
                hint += " metadata_public, which only admins write, may hold it."
            text += ", which would let people decide it themselves."
            found.append(checks.Error(text, hint=hint, id="ory_auth.E005"))
        elif not has_field(name):
            hint = f"Name a field of {get_user_model()._meta.label}."
            found.append(checks.Error(f"{text}, and the user model has no such field.", hint=hint, id="ory_auth.E006"))
    return found


def check_database(databases: Any = None, **_: Any) -> list[Message]:
    """Whether the table of identities is there."""
    alias = router.db_for_write(OryIdentity)
    if alias not in (databases or []):
        return []
    try:
        with connections[alias].cursor() as cursor:
            tables = connections[alias].introspection.table_names(cursor)
    except DjangoDatabaseError:
        return []  # Django's own checks and commands say so better
    if OryIdentity._meta.db_table in tables or "django_migrations" not in tables:
        return []
    return [
        checks.Warning(
            f"The table {OryIdentity._meta.db_table!r} is missing: nobody can sign in.",
            hint="Run 'manage.py migrate'.",
            id="ory_auth.W003",
        )
    ]
