"""``path(".ory/", include("ory_auth.gateway.urls"))``: browsers reach Ory below this path. ``BROWSER_URL`` names it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import ResolverMatch, URLPattern
from django.urls.resolvers import RegexPattern
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters

from ..process.event_loop import in_event_loop

app_name = "ory_gateway"


# Both import :mod:`ory_auth.gateway.views` at the first request, because commands also load these URLs.
def gateway(request: HttpRequest, path: str) -> HttpResponse:
    response: HttpResponse = import_module("ory_auth.gateway.views").forward(request, path)
    return response


async def agateway(request: HttpRequest, path: str) -> HttpResponse:
    response: HttpResponse = await import_module("ory_auth.gateway.views").aforward(request, path)
    return response


def _decorate(view: Callable[..., Any]) -> Callable[..., Any]:
    view = sensitive_post_parameters()(view)  # passwords
    for alias in connections:  # ATOMIC_REQUESTS: it uses no database
        view = transaction.non_atomic_requests(using=alias)(view)
    return login_not_required(csrf_exempt(view))  # Ory has its own CSRF token


class GatewayPattern(URLPattern):
    """Chooses the coroutine under ASGI, and the plain function under WSGI, where an event loop would only cost time."""

    async_callback = staticmethod(_decorate(agateway))

    def resolve(self, path: str) -> ResolverMatch | None:
        match = super().resolve(path)
        if match is not None and in_event_loop():
            match.func = self.async_callback
        return match


_ANY_PATH = RegexPattern("^(?P<path>.*)$", name="gateway", is_endpoint=True)
urlpatterns = [GatewayPattern(_ANY_PATH, _decorate(gateway), name="gateway")]
