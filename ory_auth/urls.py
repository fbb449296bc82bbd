"""``path("auth/", include("ory_auth.urls"))``: where Kratos' ``ui_url``s and Django's ``LOGIN_URL`` point."""

from __future__ import annotations

from django.urls import path

from . import views
from .flows import Flow

app_name = "ory_auth"

urlpatterns = [
    path("login", views.LoginView.as_view(), name=Flow.LOGIN.value),
    path("logout", views.logout, name="logout"),
    path("error", views.error, name="error"),
    path("ready", views.ready, name="ready"),
    *(path(flow.value, views.FlowView.as_view(flow=flow), name=flow.value) for flow in Flow if flow is not Flow.LOGIN),
]
