"""The login view of an admin site: through Ory, or Django's own form with ``?local=1``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from ..request.middleware_order import ORY_BACKEND
from ..request.state import state_of
from ..responses.return_url import find_return_url
from .sign_in import permission_denied_page, sign_in


def login(
    site: AdminSite, local_login: Callable[..., HttpResponse], request: HttpRequest, extra_context: Any
) -> HttpResponse:
    """Send the browser to whatever is missing, and then to the admin. ``local_login`` is the site's own login view."""
    if set(settings.AUTHENTICATION_BACKENDS) - {ORY_BACKEND} and (request.GET.get("local") or request.method == "POST"):
        return local_login(request, extra_context)
    state = state_of(request)
    target = find_return_url(
        request, state.conf.login_redirect_hosts, default=reverse("admin:index", current_app=site.name)
    )
    if request.user.is_authenticated and not site.has_permission(request):
        return permission_denied_page(request)
    return sign_in(request, state, target)
