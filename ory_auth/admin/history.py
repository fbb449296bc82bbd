"""Entries in Django's admin log: what a staff member did to whom, without any code or link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _

from .actions import RECOVERY, StaffAction
from .run import Report
from .targets import Target


def log_report(
    model_admin: ModelAdmin[Any],
    request: HttpRequest,
    action: StaffAction,
    choices: Mapping[str, Any],
    report: Report,
) -> None:
    """An entry for each person to whom something was done, or may have been done, in the language of the project."""
    with translation.override(settings.LANGUAGE_CODE):
        text = _describe(action, choices)
        for target in report.done:
            _log(model_admin, request, target, text)
        for target in report.unconfirmed:
            _log(model_admin, request, target, f"{text} {_('Ory did not confirm it.')}")


def _describe(action: StaffAction, choices: Mapping[str, Any]) -> str:
    if action is not RECOVERY:
        return str(action.entry)
    return {
        "mail": _("E-mailed a recovery code."),
        "code": _("Saw a recovery code."),
        "link": _("Saw a recovery link."),
    }[choices["delivery"]]


def _log(model_admin: ModelAdmin[Any], request: HttpRequest, target: Target, text: str) -> None:
    """With the user, whose history staff read. An identity without a user has its own."""
    model_admin.log_change(request, target.identity if target.user is None else target.user, text)
