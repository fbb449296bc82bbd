"""System checks: what is wrong with a project's settings, seen without a network; each with an id and a hint.

Most commands run them, so what serves requests is not imported for them; the app loads them where they are run. A check
is a generator of messages; those under ``OF_CONF`` and ``DEPLOY`` get the settings, and are left out where these are
wrong, which ``check_values`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from ..conf import conf
from . import browser, caches, database, deploy, middleware, site, urls, users, values
from .database import check_table as check_table
from .message import Message, tell

PLAIN = (
    values.check_values,
    middleware.check_presence,
    middleware.check_order,
    middleware.check_permission_backends,
    middleware.check_authenticators,
    site.check_urls,
    site.check_pages,
    site.check_login_redirect,
    site.check_templates,
    database.check_router,
    database.check_sqlite,
)
OF_CONF = (
    values.check_cookie_name,
    values.check_effect,
    values.check_redirect_hosts,
    values.check_recording_middleware,
    urls.check_addresses,
    browser.check_browser_url,
    browser.check_scheme,
    browser.check_form_action,
    caches.check_cache,
    users.check_handler,
    users.check_mapping,
    users.check_linking,
    users.check_new_users,
    users.check_user_cache,
)
DEPLOY = (
    deploy.check_addresses,
    deploy.check_scheme,
    deploy.check_cache,
    deploy.check_serializer,
    deploy.check_namespace,
    deploy.check_times,
    deploy.check_linking,
)


def check_project(**_: Any) -> list[Message]:
    """What is wrong anywhere, as Django calls a check."""
    plain = [message for check in PLAIN for message in _run(check, check)]
    return plain + [message for check in OF_CONF for message in _run(check, partial(_of_conf, check))]


def check_deployment(**_: Any) -> list[Message]:
    """What is wrong in production, for ``check --deploy``."""
    return [message for check in DEPLOY for message in _run(check, partial(_of_conf, check))]


def _of_conf(check: Callable[..., Iterable[Message]]) -> Iterable[Message]:
    try:
        current = conf()
    except ImproperlyConfigured:
        return ()
    return check(current)


def _run(check: Callable[..., Any], run: Callable[[], Iterable[Message]]) -> list[Message]:
    """None may keep a command from saying what else is wrong with settings that are odd."""
    try:
        return list(run())
    except Exception as error:  # its text may repeat a setting's value
        text = f"A check of ory_auth ({check.__name__}) could not be carried out: {type(error).__name__}."
        return [tell("W021", text, "Correct what the other messages name, and check again.")]
