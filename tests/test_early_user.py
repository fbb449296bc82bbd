"""Middleware that comes before ours and reads or assigns ``request.user``: it is reported, and does no further harm."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.contrib.auth import get_user_model
from django.contrib.auth.middleware import RemoteUserMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware
from pytest_django import Settings

from ory_auth.request.middleware_order import ORY_BACKEND
from tests.support.client import DualClient
from tests.support.ory import Ory

pytestmark = pytest.mark.django_db

OURS = "ory_auth.middleware.OryMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"


def _before(act: Callable[[Any], Any], aact: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Middleware that does something with a request when it comes in."""

    @sync_and_async_middleware
    def middleware(get_response: Any) -> Any:
        if not iscoroutinefunction(get_response):

            def handle(request: HttpRequest) -> Any:
                act(request)
                return get_response(request)

            return handle

        async def ahandle(request: HttpRequest) -> Any:
            await aact(request)
            return await get_response(request)

        return ahandle

    return middleware


def _touch(request: Any) -> None:
    pass


async def _atouch(request: Any) -> None:
    pass


def _read(request: Any) -> None:
    assert not request.user.is_authenticated


async def _aread(request: Any) -> None:
    assert not (await request.auser()).is_authenticated


def _assign(request: Any) -> None:
    request.user = AnonymousUser()


async def _aassign(request: Any) -> None:
    _assign(request)


looks_away = _before(_touch, _atouch)
reads_user = _before(_read, _aread)
assigns_user = _before(_assign, _aassign)


def middleware(settings: Settings, name: str, *, place: str = OURS) -> None:
    """Put this middleware before the one at ``place``."""
    given = [path for path in settings.MIDDLEWARE if not path.startswith(__name__)]
    given.insert(given.index(place), f"{__name__}.{name}")
    settings.MIDDLEWARE = given


def facts(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record)["ory_facts"] for record in caplog.records if vars(record)["ory_event"] == "user_read_early"]


@pytest.mark.parametrize(("name", "how"), [("reads_user", "read"), ("assigns_user", "assigned")])
def test_a_user_read_too_early_is_logged_once_and_the_view_sees_the_ory_user(
    ory: Ory, web: DualClient, settings: Settings, caplog: pytest.LogCaptureFixture, name: str, how: str
) -> None:
    middleware(settings, name)
    person = ory.person()
    for _ in range(3):
        assert web.get("/who", headers=person.app_session().headers).json()["email"] == person.email
    [logged] = facts(caplog)
    assert logged["how"] == how
    assert f"directly after {AUTHENTICATION!r}" in logged["fix"]
    [record] = [record for record in caplog.records if vars(record)["ory_event"] == "user_read_early"]
    assert record.levelno == logging.WARNING


@pytest.mark.parametrize(("name", "place"), [("looks_away", OURS), ("looks_away", AUTHENTICATION)])
def test_middleware_that_does_not_read_the_user_is_not_reported(
    ory: Ory, web: DualClient, settings: Settings, caplog: pytest.LogCaptureFixture, name: str, place: str
) -> None:
    middleware(settings, name, place=place)
    assert web.get("/who", headers=ory.person().app_session().headers).status_code == 200
    assert web.get("/who").status_code == 200
    assert facts(caplog) == []


class SignsInByHeader(RemoteUserMiddleware):
    """As Django's documents tell to write it, for a user whom the web server has signed in."""

    header = "HTTP_AUTHUSER"


def test_djangos_own_middleware_for_remote_users_is_not_reported(
    ory: Ory, web: DualClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    middleware(settings, "SignsInByHeader")
    settings.AUTHENTICATION_BACKENDS = [ORY_BACKEND, "django.contrib.auth.backends.RemoteUserBackend"]
    remote = {"AuthUser": "remote@example.org", "Http-AuthUser": "remote@example.org"}  # the latter: Django's ASGI
    person = ory.person()
    for _ in range(2):
        assert web.get("/who", headers=remote).json()["user"] == "remote@example.org"
    assert web.get("/who", headers=person.app_session().headers).json()["email"] == person.email
    assert facts(caplog) == []


def test_a_django_sign_in_is_not_reported(ory: Ory, web: DualClient, caplog: pytest.LogCaptureFixture) -> None:
    user = get_user_model()._default_manager.create(**{get_user_model().USERNAME_FIELD: "boss@example.org"})
    web.client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    assert web.get("/who").json()["pk"] == str(user.pk)
    assert facts(caplog) == []
