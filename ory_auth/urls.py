"""``path("auth/", include("ory_auth.urls"))``: where Kratos' ``ui_url``s and Django's ``LOGIN_URL`` point."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from .ory.flows import FlowKind

app_name = "ory_auth"
Page = Callable[[HttpRequest], HttpResponse]


def _page(name: str, module: str = "ory_auth.pages.views") -> Page:
    """A view in the ``PAGES`` of this module, imported by its first request, because commands also load these URLs.

    Decorators that Django's middleware reads before it calls a view have to be here.
    """

    @login_not_required
    def page(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = import_module(module).PAGES[name](request)
        return response

    page.__name__ = page.__qualname__ = name  # for error pages and traces
    return page


def _outside_transactions(page: Page) -> Page:
    """With ``ATOMIC_REQUESTS``, the page needs a transaction of its own that is committed before it responds."""
    for alias in settings.DATABASES:
        page = transaction.non_atomic_requests(using=alias)(page)
    return page


urlpatterns = [
    # These ask for Django's CSRF token themselves, unless the credential comes by header.
    *(path(name, csrf_exempt(_page(name)), name=name) for name in ("logout", "sessions")),
    path("security", _page("security"), name="security"),
    path("security/protect", csrf_exempt(_page("protect")), name="protect"),
    path("security/data", _page("download_data"), name="download_data"),
    path("security/delete", _outside_transactions(csrf_exempt(_page("delete_account"))), name="delete_account"),
    # Called by Ory, with a secret of the settings.
    path("webhook", _outside_transactions(csrf_exempt(_page("webhook", "ory_auth.webhooks.views"))), name="webhook"),
    path(
        "password-migration",
        _outside_transactions(csrf_exempt(_page("password_migration", "ory_auth.moving.password_hook"))),
        name="password_migration",
    ),
    path("impersonate", _page("impersonate"), name="impersonate"),
    path("impersonate/stop", _page("stop_impersonating"), name="stop_impersonating"),
    *(path(name, _page(name), name=name) for name in ("error", "ready", *(kind.value for kind in FlowKind))),
]
