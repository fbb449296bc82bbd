"""Pages of a project with this package's template tags, fragments and JSON."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from ory_auth.decorators import ory_optional


@ory_optional
def tags(request: HttpRequest) -> HttpResponse:
    return render(request, "tags.html")


urlpatterns = [path("tags/", tags)]
