"""Requests of a ``RequestFactory``, as views get them."""

from __future__ import annotations

from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from ory_auth.request.middleware_order import AUTHENTICATION, SESSION, positions
from ory_auth.request.state import find_state
from ory_auth.responses import hooks

Request = TypeVar("Request", bound=HttpRequest)


def prepare_request(request: Request) -> Request:
    """Let a request of a ``RequestFactory`` pass through the middleware that sign-in needs, and return it.

    These are Django's ``SessionMiddleware`` and ``AuthenticationMiddleware``, where the project has them, and
    ``OryMiddleware``. No other middleware of the project runs. Call it before you assign ``request.user``.
    """
    if find_state(request) is None:
        for wanted in (SESSION, AUTHENTICATION):
            for position in positions(settings.MIDDLEWARE, wanted):
                _run(settings.MIDDLEWARE[position], request)
        hooks.attach(request)
    return request


def _run(path: str, request: HttpRequest) -> None:
    import_string(path)(lambda request: None).process_request(request)
