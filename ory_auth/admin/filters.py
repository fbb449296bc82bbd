"""The filters of the list of identities. Each reads columns of the link, so Ory is not asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ..models import OryIdentity
from ..users.database import EPOCH


class _Filter(admin.SimpleListFilter):
    options: ClassVar[dict[str, tuple[Any, Q]]]  # value in the URL → its label, and which rows it keeps

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [(value, label) for value, (label, _rows) in self.options.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OryIdentity]) -> QuerySet[OryIdentity]:
        option = self.options.get(self.value() or "")
        return queryset if option is None else queryset.filter(option[1])


class StateFilter(_Filter):
    title = _("state at Ory")
    parameter_name = "at_ory"
    options: ClassVar = {
        "active": (_("Active"), Q(state="active", deleted_at=None)),
        "inactive": (_("Inactive"), Q(state="inactive", deleted_at=None)),
        "deleted": (_("Deleted"), Q(deleted_at__isnull=False)),
        "unknown": (_("Not known yet"), Q(state="", deleted_at=None)),
    }


class VerifiedFilter(_Filter):
    title = _("verified address")
    parameter_name = "verified"
    options: ClassVar = {
        "yes": (_("Yes"), Q(has_verified_address=True)),
        "no": (_("No"), Q(has_verified_address=False)),
        "unknown": (_("Not known yet"), Q(has_verified_address=None)),
    }


class SignInFilter(_Filter):
    title = _("sign-in")
    parameter_name = "sign_in"
    # A link that was made without a session has the year 1970 (in some time zones 1969).
    options: ClassVar = {
        "never": (_("Never signed in"), Q(authenticated_at__year__lte=EPOCH.year)),
        "ever": (_("Has signed in"), Q(authenticated_at__year__gt=EPOCH.year)),
    }


class UserFilter(_Filter):
    title = _("user")
    parameter_name = "linked"
    options: ClassVar = {
        "yes": (_("Linked with a user"), Q(user__isnull=False)),
        "no": (_("User deleted"), Q(user=None)),
    }


FILTERS = (StateFilter, SignInFilter, VerifiedFilter, UserFilter)
