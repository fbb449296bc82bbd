"""Middleware that puts a lazy user of its own in front of ours, as django-otp and django-impersonate do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.utils.functional import SimpleLazyObject
from pytest_django import Settings

from ory_auth.local import LocalOry
from tests.support.client import DualClient
from tests.support.ory import Ory


class MarksLazily:
    """Marks the user when somebody looks at it."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[..., Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        request.user = SimpleLazyObject(partial(self._mark, request.user))
        return self.get_response(request)

    def _mark(self, user: Any) -> Any:
        user.is_marked = True
        return user


class MarksBothWays(MarksLazily):
    """Wraps ``request.auser`` as well, as django-otp does."""

    def __call__(self, request: Any) -> Any:
        request.auser = partial(self._amark, request.auser)
        return super().__call__(request)

    async def _amark(self, auser: Callable[..., Any]) -> Any:
        return self._mark(await auser())


@pytest.fixture(params=["MarksLazily", "MarksBothWays"])
def wrapped(request: pytest.FixtureRequest, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.{request.param}"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_lazy_wrapper_around_our_user_loads_in_any_view(ory: Ory, web: DualClient, wrapped: None, path: str) -> None:
    ada, bob = ory.person(), ory.person()
    for person in (ada, bob):
        response = web.get(path, headers=person.app_session().headers)
        assert (response.status_code, response.json()["email"]) == (200, person.email)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_lazy_wrapper_around_our_user_is_a_503_in_an_outage(
    ory: Ory, web: DualClient, local_ory: LocalOry, wrapped: None, path: str
) -> None:
    headers = ory.person().app_session().headers
    with local_ory.failing(500):
        assert web.get(path, headers=headers).status_code == 503
