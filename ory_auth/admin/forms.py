"""What a staff member chooses on the page that asks for confirmation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from .actions import RECOVERY, REVOKE_SESSION, StaffAction


class ConfirmationForm(forms.Form):
    """Nothing to choose."""

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(data, label_suffix="")


class RecoveryForm(ConfirmationForm):
    """How the recovery code or link reaches the person. Each choice needs its permission."""

    CHOICES = (
        ("mail", "send_recovery", _("E-mail a code to the person, at the address that Ory has for recovery")),
        ("code", "show_recovery", _("Show me a code, once, so that I can pass it on")),
        ("link", "show_recovery", _("Show me a link, once, so that I can pass it on")),
    )

    delivery = forms.ChoiceField(label=_("How does it reach the person?"), widget=forms.RadioSelect)

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(request, data)
        permitted = [
            (value, label)
            for value, permission, label in self.CHOICES
            if request.user.has_perm(f"ory_auth.{permission}")
        ]
        delivery: Any = self.fields["delivery"]
        delivery.choices = permitted
        delivery.initial = permitted[0][0] if permitted else None


class SessionForm(ConfirmationForm):
    """The session that ends: first from the link in the panel, then from the page that asks."""

    session = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest, data: Any = None) -> None:
        super().__init__(request, request.GET if data is None else data)


_FORMS: dict[StaffAction, type[ConfirmationForm]] = {RECOVERY: RecoveryForm, REVOKE_SESSION: SessionForm}


def form_of(action: StaffAction) -> type[ConfirmationForm]:
    """The form of this action."""
    return _FORMS.get(action, ConfirmationForm)
