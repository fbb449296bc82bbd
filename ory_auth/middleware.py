"""The middleware. Its work is in :mod:`ory_auth.responses.hooks`, which is imported when the middleware is built.

Django's checks import all middleware in every command, so importing this module must be cheap.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

from .request.middleware_order import LOGIN_REQUIRED, find_order_problem, find_positions

__all__ = ["OryMiddleware"]


class OryMiddleware:
    """Adds ``user``, ``auser()``, ``ory_session`` and ``aory_session()`` to each request. All of them are lazy.

    Put it directly after ``AuthenticationMiddleware``, if you use that. Raises ``ImproperlyConfigured`` at startup if
    it is in the wrong place or the settings are wrong.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        problem = find_order_problem(settings.MIDDLEWARE)
        if problem:
            raise ImproperlyConfigured(problem)
        hooks = import_module("ory_auth.responses.hooks")
        hooks.warm_up()
        self._begin_request = hooks.begin_request
        self._leave_view, self._aleave_view = hooks.leave_view, hooks.aleave_view
        self._finish_response, self.process_exception = hooks.finish_response, hooks.respond_to_error
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)
        is_asgi = self._is_async or hooks.is_built_for_asgi()
        if find_positions(settings.MIDDLEWARE, LOGIN_REQUIRED):
            self.process_view = hooks.aenter_view_with_user if is_asgi else hooks.enter_view_with_user
        else:
            self.process_view = hooks.aenter_view if is_asgi else hooks.enter_view

    def __call__(self, request: HttpRequest) -> Any:
        self._begin_request(request)
        if self._is_async:
            return self._acall(request)
        response = self.get_response(request)
        self._leave_view(request)
        return self._finish_response(request, response)

    async def _acall(self, request: HttpRequest) -> Any:
        response = await self.get_response(request)
        await self._aleave_view(request)
        return self._finish_response(request, response)
