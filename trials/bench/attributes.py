"""A control: a middleware that only puts lazy attributes on the request, which any such package has to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject


def middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """``request.user`` and ``request.auser``, of which nothing is ever computed here."""
    if not iscoroutinefunction(get_response):

        def attach(request: HttpRequest) -> Any:
            _attach(request)
            return get_response(request)

        return attach

    async def aattach(request: HttpRequest) -> Any:
        _attach(request)
        return await get_response(request)

    return markcoroutinefunction(aattach)


middleware.sync_capable = middleware.async_capable = True  # type: ignore[attr-defined]


def _attach(request: Any) -> None:
    request.user = SimpleLazyObject(AnonymousUser)
    request.auser = _auser


async def _auser() -> AnonymousUser:
    return AnonymousUser()
