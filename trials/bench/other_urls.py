"""The views for the environment of django-ory-auth, where neither ory_auth nor Ory's SDK is installed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nobody was asked for")


def user(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{request.user.pk} {request.user.is_authenticated}")


urlpatterns = [path("sync/bare", bare), path("sync/user", user)]
