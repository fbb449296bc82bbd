"""Code that reads ``request.user`` while it is being found out: log handlers, signal receivers, a project's own code.

sentry-sdk with ``send_default_pii``, structlog's binders and many filters do so for every line that is logged.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, JsonResponse
from django.test import AsyncClient
from django.urls import path
from django.utils.decorators import sync_and_async_middleware
from pytest_django import Settings

from ory_auth.local import LocalOry
from ory_auth.sessions.services import reset_services
from ory_auth.types import OryHttpRequest, OrySession
from ory_auth.users import UserHandler
from tests.support.client import DualClient
from tests.support.logs import event_ids
from tests.support.ory import Ory
from tests.support.types import ChangeSettings

from .project import urls as project

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]

current: ContextVar[Any] = ContextVar("current", default=None)
seen: list[bool] = []


@sync_and_async_middleware
def remember(get_response: Any) -> Any:
    """Let everything that runs for a request find it, as those packages do."""
    if iscoroutinefunction(get_response):

        async def aremembering(request: HttpRequest) -> Any:
            token = current.set(request)
            try:
                return await get_response(request)
            finally:
                current.reset(token)

        return aremembering

    def remembering(request: HttpRequest) -> Any:
        token = current.set(request)
        try:
            return get_response(request)
        finally:
            current.reset(token)

    return remembering


def ask() -> None:
    request = current.get()
    if request is not None:
        seen.append(bool(request.user.is_authenticated))


class Asking(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        ask()


class AskingUserHandler(UserHandler):
    def admit(self, session: OrySession, user: Any) -> bool:
        ask()
        return super().admit(session, user)


class AsyncAskingUserHandler(UserHandler):
    def admit(self, session: OrySession, user: Any) -> bool:
        request = current.get()
        assert async_to_sync(request.aory_session)() is not None
        seen.append(async_to_sync(request.auser)().is_authenticated)
        return super().admit(session, user)


def both(request: OryHttpRequest) -> JsonResponse:
    session = request.ory_session
    before = request.user.is_authenticated
    return JsonResponse({"session": session and str(session.id), "user": before and request.user.is_authenticated})


async def aboth(request: Any) -> JsonResponse:
    first, second = await asyncio.gather(request.auser(), request.auser())
    assert first == second
    session = await request.aory_session()
    return JsonResponse({"session": session and str(session.id), "user": request.user.is_authenticated})


urlpatterns = [path("both", both), path("aboth", aboth), *project.urlpatterns]


@pytest.fixture(autouse=True)
def asking(settings: Settings) -> Iterator[None]:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.remember"]
    logger, handler = logging.getLogger("ory_auth"), Asking()
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel("DEBUG")
    seen.clear()
    yield
    logger.removeHandler(handler)
    logger.setLevel(level)


def get(web: DualClient, headers: dict[str, str]) -> Any:
    return web.get("/both" if web.kind == "wsgi" else "/aboth", headers=headers)


@pytest.mark.usefixtures("local_ory")
def test_an_expired_cookie_causes_one_lookup_and_one_event(
    ory: Ory, web: DualClient, caplog: pytest.LogCaptureFixture
) -> None:
    started = time.monotonic()
    response = get(web, {"Cookie": "ory_kratos_session=expired"})
    assert response.json() == {"session": None, "user": False}
    assert time.monotonic() - started < 2
    assert len(ory.requests_to()) == 1
    assert event_ids(caplog) == ["session_gone"]


@pytest.mark.promise("Code that reads request.user during a lookup does not start another lookup")
def test_an_outage_causes_one_lookup_and_one_event(
    ory: Ory, web: DualClient, local_ory: LocalOry, caplog: pytest.LogCaptureFixture
) -> None:
    session = ory.person().app_session()
    with local_ory.failing(500):
        assert get(web, session.headers).status_code == 503
    assert len(ory.requests_to()) == 1
    assert event_ids(caplog) == ["unavailable"]


def test_an_ory_that_hangs_costs_one_timeout(
    ory: Ory, web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    ory_auth(TIMEOUT=0.4)
    session = ory.person().app_session()
    with local_ory.slow(5):
        started = time.monotonic()
        assert get(web, session.headers).status_code == 503
        assert time.monotonic() - started < 1.5
    assert event_ids(caplog) == ["timeout"]


@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize(
    ("headers", "event"),
    [
        ({"X-Session-Token": "\x80"}, "malformed"),
        ({"X-Session-Token": "one", "Cookie": "ory_kratos_session=two"}, "multi_credential"),
    ],
)
def test_an_event_about_the_credential_causes_no_second_lookup(
    ory: Ory, web: DualClient, caplog: pytest.LogCaptureFixture, headers: dict[str, str], event: str
) -> None:
    assert get(web, headers).json() == {"session": None, "user": False}
    assert event_ids(caplog).count(event) == 1
    assert len(ory.requests_to()) <= 1


@pytest.mark.promise("Code that reads request.user during a lookup does not start another lookup")
@pytest.mark.usefixtures("local_ory")
def test_code_inside_a_lookup_sees_an_anonymous_user_and_code_after_it_the_real_one(
    ory: Ory, web: DualClient, ory_auth: ChangeSettings
) -> None:
    ory_auth(USER_HANDLER=f"{__name__}.AskingUserHandler", SESSION_CACHE_SECONDS=0)
    session = ory.person().app_session()
    for _ in range(2):
        response = get(web, {**session.headers, "Cookie": "ory_kratos_session=another"})
        assert response.json() == {"session": session.id, "user": True}
    assert False in seen
    assert len(ory.requests_to()) == 2


@pytest.mark.usefixtures("local_ory")
def test_coroutines_inside_a_lookup_do_not_wait_for_it(ory: Ory, web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(USER_HANDLER=f"{__name__}.AsyncAskingUserHandler")
    session = ory.person().app_session()
    for _ in range(2):  # the second visit sends no signal, for which the user is shown
        assert get(web, session.headers).json() == {"session": session.id, "user": True}
    assert set(seen) == {False}
    assert len(ory.requests_to()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_receiver_of_user_logged_in_sees_the_user(ory: Ory, web: DualClient) -> None:
    def receive(**_: object) -> None:
        ask()

    user_logged_in.connect(receive)
    seen.clear()
    try:
        assert get(web, ory.person().app_session().headers).json()["user"] is True
    finally:
        user_logged_in.disconnect(receive)
    assert seen[-1] is True


@pytest.mark.usefixtures("local_ory")
def test_two_tasks_of_one_request_see_the_same_user(ory: Ory) -> None:
    """The second one asks while the first one waits: it is not inside, and also waits."""
    session = ory.person().app_session()
    reset_services()

    async def visit() -> Any:
        return await AsyncClient().get("/aboth", headers=session.headers)

    assert async_to_sync(visit)().json() == {"session": session.id, "user": True}
