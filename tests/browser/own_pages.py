"""Pages of a project with this package's template tags, and the single-page app of the documentation with its API."""

from __future__ import annotations

from pathlib import Path

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.template import engines
from django.urls import path

from ory_auth.decorators import ory_optional, ory_required

APP = Path(__file__).parent.parent.parent / "contrib" / "spa" / "app.html"


@ory_optional
def tags(request: HttpRequest) -> HttpResponse:
    return render(request, "tags.html")


def app(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(APP.read_text()).render({}, request))


def csrf(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"token": get_token(request)})


@login_required
def me(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"email": getattr(request.user, "email", "")})


@ory_required(aal="aal2")
def vault(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"gold": 12})


urlpatterns = [path("own/tags/", tags), path("app/", app)]
urlpatterns += [path("api/csrf", csrf), path("api/me", me), path("api/vault", vault)]
