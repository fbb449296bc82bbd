"""System checks of a project's settings, without a network. Each message has an id and a hint.

Most commands run the checks, so these modules import nothing that only serves requests, and are loaded when the checks
run. A check is a generator of messages. Those in ``CONF_CHECKS`` and ``DEPLOY_CHECKS`` get the settings. They are
skipped if the settings are invalid, which ``check_values`` reports. W021 prints a check's name, so each name is unique.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from ..conf import conf
from . import (
    browser,
    caches,
    database,
    deploy,
    gateway,
    groups,
    middleware,
    ory_urls,
    secrets,
    site,
    users,
    values,
    webhooks,
)
from .database import check_table as check_table
from .message import make_message

CHECKS = (
    values.check_values,
    middleware.check_presence,
    middleware.check_order,
    middleware.check_permission_backends,
    middleware.check_drf_authentication_classes,
    site.check_urls,
    site.check_pages,
    site.check_login_redirect,
    site.check_templates,
    database.check_router,
    database.check_sqlite,
)
CONF_CHECKS = (
    values.check_cookie_name,
    values.check_ineffective_durations,
    values.check_redirect_hosts,
    values.check_recording_middleware,
    ory_urls.check_urls_of_ory,
    ory_urls.check_account_deletion,
    browser.check_browser_url,
    browser.check_browser_url_scheme,
    browser.check_form_action,
    gateway.check_mount,
    gateway.check_loop,
    gateway.check_token,
    secrets.check_secrets,
    caches.check_session_cache,
    users.check_handler,
    users.check_mapping,
    users.check_email_field,
    users.check_new_users,
    users.check_user_cache,
    groups.check_group_sources,
    groups.check_group_targets,
    webhooks.check_webhooks,
    webhooks.check_blocking_hook,
)
DEPLOY_CHECKS = (
    deploy.check_public_urls,
    deploy.check_proxy_scheme,
    deploy.check_cache_keeps_sign_outs,
    deploy.check_serializer,
    deploy.check_namespace,
    gateway.check_any_host,
    deploy.check_times,
    deploy.check_other_sign_ins,
)


def check_project(**_: Any) -> list[CheckMessage]:
    """All checks but those for ``--deploy``."""
    messages = [message for check in CHECKS for message in _run(check, check)]
    return messages + [message for check in CONF_CHECKS for message in _run(check, partial(_run_with_conf, check))]


def check_deployment(**_: Any) -> list[CheckMessage]:
    """The checks for ``check --deploy``."""
    return [message for check in DEPLOY_CHECKS for message in _run(check, partial(_run_with_conf, check))]


def _run_with_conf(check: Callable[..., Iterable[CheckMessage]]) -> Iterable[CheckMessage]:
    try:
        current = conf()
    except ImproperlyConfigured:
        return ()
    return check(current)


def _run(check: Callable[..., Any], run: Callable[[], Iterable[CheckMessage]]) -> list[CheckMessage]:
    """The messages. A check that raises an error must not hide the messages of others."""
    try:
        return list(run())
    except Exception as error:  # its text may repeat a setting's value
        text = f"A check of ory_auth ({check.__name__}) raised {type(error).__name__}."
        return [make_message("W021", text, "Fix the problems in the other messages, and check again.")]
