"""The actions in the lists of the admin: of identities, and of users."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django.utils.text import format_lazy

from ..models import OryIdentity
from .actions import (
    ACTIONS,
    ACTIVATE,
    DEACTIVATE,
    RECOVERY,
    REMOVE_SECOND_FACTOR,
    RESEND_VERIFICATION,
    REVOKE_SESSIONS,
    StaffAction,
)

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Any]
else:
    _Base = object


def _permission(action: StaffAction) -> Callable[[Any, HttpRequest], bool]:
    def has_permission(self: Any, request: HttpRequest) -> bool:
        return self.admin_site.is_registered(OryIdentity) and action.is_permitted(request)

    return has_permission


class OryIdentityActions(_Base):
    """Adds the actions for people's identities to the admin of your user model.

    ``class UserAdmin(OryIdentityActions, auth_admin.UserAdmin)``. Staff see the actions for which they have the
    permission, if the same admin site has ``OryIdentity``. With ``actions = None`` there are none.
    """

    # Django asks these before it offers or runs an action.
    has_ory_revoke_sessions_permission = _permission(REVOKE_SESSIONS)
    has_ory_recovery_permission = _permission(RECOVERY)
    has_ory_resend_verification_permission = _permission(RESEND_VERIFICATION)
    has_ory_remove_second_factor_permission = _permission(REMOVE_SECOND_FACTOR)
    has_ory_activate_permission = _permission(ACTIVATE)
    has_ory_deactivate_permission = _permission(DEACTIVATE)

    def __init__(self, model: type[Any], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        if self.actions is not None:
            self.actions = [*self.actions, *map(_as_admin_action, ACTIONS.values())]


def _as_admin_action(action: StaffAction) -> Callable[..., HttpResponse | None]:
    def ask(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        page: HttpResponse | None = import_string("ory_auth.admin.views.ask_about_selection")(
            model_admin, request, queryset, action
        )
        return page

    ask.__name__ = f"ory_{action.name}"
    return admin.action(ask, permissions=[ask.__name__], description=format_lazy("Ory: {}", action.label))
