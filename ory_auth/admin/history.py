"""Entries in Django's admin log: what a staff member did to whom, without any code or link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext as _

from .actions import RECOVERY, StaffAction
from .targets import Target


@dataclass(frozen=True, slots=True)
class History:
    """The entries of one action, in the language of the project."""

    model_admin: ModelAdmin[Any]
    request: HttpRequest
    action: StaffAction
    choices: Mapping[str, Any]

    def record(self, target: Target, is_confirmed: bool) -> None:
        """An entry for a person to whom something was done, or may have been done."""
        with translation.override(settings.LANGUAGE_CODE):
            text = self._describe()
            if not is_confirmed:
                text += " " + _("Ory did not confirm it.")
            self._log(target, text)

    def _describe(self) -> str:
        if self.action is not RECOVERY:
            return str(self.action.entry)
        return {
            "mail": _("E-mailed a recovery code."),
            "code": _("Saw a recovery code."),
            "link": _("Saw a recovery link."),
        }[self.choices["delivery"]]

    def _log(self, target: Target, text: str) -> None:
        """With the user, whose history staff read. An identity without a user has its own."""
        changed = target.identity if target.user is None else target.user
        self.model_admin.log_change(self.request, changed, text)
