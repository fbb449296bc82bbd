"""Web hooks: whether they can be confirmed, and whether ``BLOCKING_HOOK`` can be called."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from django.core.checks import CheckMessage
from django.utils.module_loading import import_string

from ..conf import Conf
from ..ory.admin_client import has_admin_access
from .message import SET_ADMIN_ACCESS, make_message


def check_webhooks(conf: Conf) -> Iterator[CheckMessage]:
    if conf.webhook_secrets and not has_admin_access(conf):
        yield make_message(
            "W060",
            "ORY_AUTH['WEBHOOK_SECRETS'] is set, but this site has no access to Ory's admin API, which "
            "has to confirm each web hook: none is carried out.",
            SET_ADMIN_ACCESS,
        )
    if conf.blocking_hook and not conf.webhook_secrets:
        yield make_message(
            "W061",
            "ORY_AUTH['BLOCKING_HOOK'] has no effect: ORY_AUTH['WEBHOOK_SECRETS'] is not set, so Ory cannot ask.",
            "Set ORY_AUTH['WEBHOOK_SECRETS'], and run 'manage.py ory_webhooks --blocking'.",
        )


def check_blocking_hook(conf: Conf) -> Iterator[CheckMessage]:
    if conf.blocking_hook is None:
        return
    problem = _find_problem(conf.blocking_hook)
    if problem:
        yield make_message(
            "E040",
            f"ORY_AUTH['BLOCKING_HOOK'] {conf.blocking_hook!r} {problem}.",
            "Set it to the dotted path of a function such as: def decide(hook): return None.",
        )


def _find_problem(path: str) -> str:
    try:
        function = import_string(path)
    except ImportError as error:
        return f"cannot be imported: {error}"
    if not callable(function):
        return "is not a function"
    try:
        inspect.signature(function).bind(object())
    except TypeError:
        return "must take one argument, the hook"
    except ValueError:  # a builtin without a signature
        pass
    return ""
