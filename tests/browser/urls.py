"""The pages of the site, beside those of ``ory_auth``."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from ory_auth.decorators import ory_required


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "site.html", {"name": "Home"})


@login_required
def private(request: HttpRequest) -> HttpResponse:
    return render(request, "site.html", {"name": "Private"})


@ory_required(aal="aal2")
def vault(request: HttpRequest) -> HttpResponse:
    return render(request, "site.html", {"name": "Vault"})


@ory_required(max_age=timedelta(seconds=1))
def sensitive(request: HttpRequest) -> HttpResponse:
    return render(request, "site.html", {"name": "Sensitive"})


urlpatterns = [
    path("", home),
    path("private/", private),
    path("vault/", vault),
    path("sensitive/", sensitive),
    path("", include("tests.browser.own_pages")),
    path("admin/", admin.site.urls),
    path("auth/", include("ory_auth.urls")),
    path(".well-known/", include("ory_auth.well_known")),
]
if getattr(settings, "ORY_TEST_GATEWAY", False):
    urlpatterns.append(path(".ory/", include("ory_auth.gateway.urls")))
