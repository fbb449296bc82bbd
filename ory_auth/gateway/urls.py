"""``path(".ory/", include("ory_auth.gateway.urls"))``: browsers reach Ory below this path. ``BROWSER_URL`` names it."""

from __future__ import annotations

from importlib import import_module

from django.contrib.auth.decorators import login_not_required
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt

app_name = "ory_gateway"


@login_not_required
@csrf_exempt  # Ory has its own token
async def gateway(request: HttpRequest, path: str) -> HttpResponse:
    """The view, which imports :mod:`ory_auth.gateway.views` at its first request: commands also load these URLs."""
    response: HttpResponse = await import_module("ory_auth.gateway.views").forward(request, path)
    return response


for alias in connections:  # ATOMIC_REQUESTS: it uses no database
    gateway = transaction.non_atomic_requests(using=alias)(gateway)

urlpatterns = [re_path("^(?P<path>.*)$", gateway, name="gateway")]
