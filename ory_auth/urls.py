"""``path("auth/", include("ory_auth.urls"))``: where Kratos' ``ui_url``s and Django's ``LOGIN_URL`` point."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from .flows import Flow

app_name = "ory_auth"


View = Callable[[HttpRequest], HttpResponse]


def _page(name: str, find: Callable[[Any], View]) -> View:
    """A view of :mod:`ory_auth.views`, loaded by its first request: commands that serve nobody check these URLs, too.

    What Django's middleware wants to know of a view before it is called is said here.
    """

    @login_not_required
    def page(request: HttpRequest) -> HttpResponse:
        return find(import_module("ory_auth.views"))(request)

    page.__name__ = page.__qualname__ = name  # for error pages and traces
    return page


def _flow_page(flow: Flow) -> View:
    def find(views: Any) -> View:
        view: View = (views.LoginView if flow is Flow.LOGIN else views.FlowView).as_view(flow=flow)
        return view

    return _page(flow.value, find)


urlpatterns = [
    path("logout", csrf_exempt(_page("logout", lambda views: views.logout)), name="logout"),
    path("error", _page("error", lambda views: views.error), name="error"),
    path("ready", _page("ready", lambda views: views.ready), name="ready"),
    *(path(flow.value, _flow_page(flow), name=flow.value) for flow in Flow),
]
