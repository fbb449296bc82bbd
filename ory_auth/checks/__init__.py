"""System checks: what is wrong with a project's settings, seen without a network; each with an id and a hint.

Every command runs them, so what serves requests is not imported for them. A check is a generator of messages; those
under ``OF_CONF`` and ``DEPLOY`` get the settings, and are left out where these are wrong, which ``check_values`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from ..conf import conf
from . import browser, caches, database, deploy, middleware, site, urls, users, values
from .message import Message, tell

TAG = "ory_auth"  # manage.py check --tag ory_auth

PLAIN = (
    values.check_values,
    middleware.check_presence,
    middleware.check_order,
    middleware.check_authenticators,
    site.check_urls,
    site.check_templates,
    database.check_sqlite,
)
OF_CONF = (
    values.check_cookie_name,
    values.check_effect,
    urls.check_addresses,
    browser.check_browser_url,
    browser.check_scheme,
    browser.check_form_action,
    caches.check_cache,
    users.check_handler,
    users.check_mapping,
    users.check_linking,
    users.check_new_users,
)
DEPLOY = (
    deploy.check_addresses,
    deploy.check_scheme,
    deploy.check_cache,
    deploy.check_times,
    deploy.check_linking,
)


def register() -> None:
    """Make ``manage.py check`` and its like run them."""
    for plain in PLAIN:
        checks.register(_django_check(plain, plain), TAG)
    for of_conf in OF_CONF:
        checks.register(_django_check(of_conf, partial(_of_conf, of_conf)), TAG)
    for of_deploy in DEPLOY:
        checks.register(_django_check(of_deploy, partial(_of_conf, of_deploy)), TAG, deploy=True)
    checks.register(database.check_table, checks.Tags.database)  # with our tag, Django 6.1 runs it without being asked


def _of_conf(check: Callable[..., Iterable[Message]]) -> Iterable[Message]:
    try:
        current = conf()
    except ImproperlyConfigured:
        return ()
    return check(current)


def _django_check(check: Callable[..., Any], run: Callable[[], Iterable[Message]]) -> Callable[..., list[Message]]:
    """As Django calls a check. None may keep a command from saying what else is wrong with settings that are odd."""

    def django_check(**_: Any) -> list[Message]:
        try:
            return list(run())
        except Exception as error:  # its text may repeat a setting's value
            text = f"A check of ory_auth ({check.__name__}) could not be carried out: {type(error).__name__}."
            return [tell("W021", text, "Correct what the other messages name, and check again.")]

    django_check.__name__ = check.__name__
    return django_check
