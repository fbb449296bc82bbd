"""The actions in the lists of the admin: of identities, and of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from ..models import OryIdentity
from .actions import ACTIONS, StaffAction

if TYPE_CHECKING:
    _Base = admin.ModelAdmin[Any]
else:
    _Base = object


class OryIdentityActions(_Base):
    """Adds the actions for people's identities to the admin of your user model.

    ``class UserAdmin(OryIdentityActions, auth_admin.UserAdmin)``. Staff see the actions for which they have the
    permission, if the same admin site has ``OryIdentity``.
    """

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        # No actions at all: the project has switched them off, or this is a pop-up window.
        if self.actions is None or "_popup" in request.GET or not self.admin_site.is_registered(OryIdentity):
            return actions
        for action in ACTIONS.values():
            if action.is_permitted(request):
                actions[f"ory_{action.name}"] = _as_admin_action(action)
        return actions


def _as_admin_action(action: StaffAction) -> tuple[Any, str, str]:
    def ask(model_admin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        page: HttpResponse | None = import_string("ory_auth.admin.views.ask_about_selection")(
            model_admin, request, queryset, action
        )
        return page

    return ask, f"ory_{action.name}", f"Ory: {action.label}"
