"""A page of Django's admin that lists impersonations. Nobody can change or delete them there."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ..models import EndReason, Impersonation
from ..users.database import stored_time, writing_alias

OPEN = "open"
STATES: dict[str, Any] = {
    OPEN: pgettext_lazy("an impersonation", "Open"),
    EndReason.STOPPED: pgettext_lazy("an impersonation", "Stopped"),
    EndReason.SIGNED_OUT: pgettext_lazy("an impersonation", "Signed out"),
    EndReason.SESSION_ENDED: pgettext_lazy("an impersonation", "Session ended"),
    EndReason.EXPIRED: pgettext_lazy("an impersonation", "Expired"),
    EndReason.RIGHTS_CHANGED: pgettext_lazy("an impersonation", "Rights changed"),
    EndReason.USER_GONE: pgettext_lazy("an impersonation", "User deleted"),
    EndReason.REPLACED: pgettext_lazy("an impersonation", "Replaced by another one"),
}
MAX_REASON = 80  # characters in the list


def read_state(impersonation: Impersonation) -> str:
    """The state of a row. One whose time is over has expired, also if no request has noticed it yet."""
    if impersonation.ended_at is not None:
        return impersonation.end_reason
    now = stored_time(timezone.now(), writing_alias())
    return OPEN if impersonation.expires_at > now else EndReason.EXPIRED


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(state), label) for state, label in STATES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Impersonation]) -> QuerySet[Impersonation]:
        now = stored_time(timezone.now(), writing_alias())
        match self.value():
            case None:
                return queryset
            case "open":
                return queryset.filter(ended_at=None, expires_at__gt=now)
            case EndReason.EXPIRED:
                late = queryset.filter(ended_at=None, expires_at__lte=now)
                return queryset.filter(end_reason=EndReason.EXPIRED) | late
            case reason:
                return queryset.filter(end_reason=reason)


class ImpersonationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Who has seen the site as whom, why, and from where. For people with ``ory_auth.view_impersonation``."""

    list_display = ("started_at", "actor_name", "user_name", "short_reason", "address", "state", "ended_at")
    list_filter = (StateFilter, "started_at")
    search_fields = ("actor_name", "user_name", "reason", "=id", "=actor_identity_id", "=identity_id")
    ordering = ("-started_at",)
    actions = None
    fields = (
        "state",
        ("actor", "actor_name", "actor_identity_id"),
        ("user", "user_name", "identity_id"),
        "reason",
        ("address", "user_agent"),
        ("started_at", "expires_at", "ended_at"),
        ("id", "session_id"),
    )
    readonly_fields = ("state",)

    @admin.display(description=_("reason"))
    def short_reason(self, impersonation: Impersonation) -> str:
        reason = impersonation.reason
        return reason if len(reason) <= MAX_REASON else f"{reason[:MAX_REASON]}…"

    @admin.display(description=_("state"))
    def state(self, impersonation: Impersonation) -> Any:
        state = read_state(impersonation)
        return STATES.get(state, state)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
