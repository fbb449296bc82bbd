"""Prepares requests of a ``RequestFactory`` for a view."""

from __future__ import annotations

from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest
from django.utils.module_loading import import_string

from ory_auth.request.middleware_order import AUTHENTICATION, SESSION, find_positions
from ory_auth.request.state import find_state
from ory_auth.responses import hooks

Request = TypeVar("Request", bound=HttpRequest)


def prepare_request(request: Request) -> Request:
    """Run the middleware that sign-in needs for this request, and return the request.

    This is ``OryMiddleware``, and Django's ``SessionMiddleware`` and ``AuthenticationMiddleware`` if the project has
    them. No other middleware runs. Call this function before you assign ``request.user``.
    """
    if find_state(request) is None:
        for middleware in (SESSION, AUTHENTICATION):
            for position in find_positions(settings.MIDDLEWARE, middleware):
                _run(settings.MIDDLEWARE[position], request)
        hooks.attach(request)
    return request


def _run(path: str, request: HttpRequest) -> None:
    import_string(path)(lambda request: None).process_request(request)
