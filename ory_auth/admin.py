"""Django's admin: entered through Ory, and a page for the links between users and identities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache

from .models import OryIdentity

__all__ = ["OryIdentityAdmin", "login_through_ory"]


def login_through_ory(site: admin.AdminSite) -> Callable[..., HttpResponse]:
    """A ``login`` view for an admin site: ``site.login = login_through_ory(site)``. Done for ``admin.site`` already.

    If the project also has another backend, ``?local=1`` shows Django's own form.
    """
    local_login = site.login

    @never_cache
    @login_not_required
    def login(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        # Imported on use, because every command loads the admin pages of all apps.
        page: HttpResponse = import_string("ory_auth.pages.admin_login.login")(
            site, local_login, request, extra_context
        )
        return page

    return login


@admin.register(OryIdentity)
class OryIdentityAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Look up which user is which identity; linking is for ``manage.py ory_link``."""

    list_display = ("id", "user", "authenticated_at")
    search_fields = ("id", "user__pk")
    readonly_fields = ("id", "user", "updated_at", "authenticated_at")
    ordering = ("-authenticated_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


admin.site.login = login_through_ory(admin.site)  # type: ignore[method-assign]
