"""``path("auth/", include("ory_auth.urls"))``: where Kratos' ``ui_url``s and Django's ``LOGIN_URL`` point."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from .ory.flows import FlowKind

app_name = "ory_auth"


def _page(name: str) -> Callable[[HttpRequest], HttpResponse]:
    """A view of :mod:`ory_auth.pages.views`, imported by its first request, because commands also load these URLs.

    Decorators that Django's middleware reads before it calls a view have to be here.
    """

    @login_not_required
    def page(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = import_module("ory_auth.pages.views").PAGES[name](request)
        return response

    page.__name__ = page.__qualname__ = name  # for error pages and traces
    return page


urlpatterns = [
    # These ask for Django's CSRF token themselves, unless the credential comes by header.
    *(path(name, csrf_exempt(_page(name)), name=name) for name in ("logout", "sessions")),
    *(path(name, _page(name), name=name) for name in ("error", "ready", *(kind.value for kind in FlowKind))),
]
