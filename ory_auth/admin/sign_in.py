"""The login view of an admin site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache


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
