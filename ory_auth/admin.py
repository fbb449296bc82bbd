"""Django's admin: entered through Ory, and a page for the links between users and identities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache

from . import views
from .authentication import state_of
from .flows import wanted
from .models import OryIdentity
from .users import BACKEND

__all__ = ["OryIdentityAdmin", "login_through_ory"]


def login_through_ory(site: admin.AdminSite) -> Callable[..., HttpResponse]:
    """A ``login`` view for an admin site: ``site.login = login_through_ory(site)``. Done for ``admin.site`` already.

    Where the project has another backend as well, ``?local=1`` shows Django's own form.
    """
    local_login = site.login

    @never_cache
    @login_not_required
    def login(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if set(settings.AUTHENTICATION_BACKENDS) - {BACKEND} and (request.GET.get("local") or request.method == "POST"):
            return local_login(request, extra_context)
        state = state_of(request)
        target = wanted(request, state.conf.login_redirect_hosts, default=reverse("admin:index", current_app=site.name))
        if request.user.is_authenticated and not site.has_permission(request):
            return views.refused(request)
        return views.sign_in(request, state, target)

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
