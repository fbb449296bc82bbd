"""When ``user_logged_in`` and this package's signals are sent, and what a receiver that fails does to the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.contrib import messages
from django.contrib.auth.signals import user_logged_in
from django.core.handlers.asgi import ASGIHandler
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from pytest_django import Settings

from ory_auth.signals import user_created
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.types import User

from .project import urls as project

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db(transaction=True)]

GetResponse = Callable[[HttpRequest], HttpResponse]
Connect = Callable[[Signal, Callable[..., object]], None]


def asks(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        assert request.user.is_authenticated
        return get_response(request)

    return middleware


def asks_afterwards(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        assert request.user.is_authenticated
        return response

    return middleware


def answers_itself(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"closed for {request.user.pk and 'you'}")

    return middleware


def impersonates(get_response: GetResponse) -> GetResponse:
    """As django-impersonate."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            request.user = User.objects.get(first_name="Somebody else")
        return get_response(request)

    return middleware


def shows_messages(request: HttpRequest) -> HttpResponse:
    return HttpResponse(", ".join(map(str, messages.get_messages(request))))


def streams(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"a", b"b"]))


urlpatterns = [path("messages", shows_messages), path("streams", streams), *project.urlpatterns]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect receivers for this test."""
    connected: list[tuple[Signal, Callable[..., object]]] = []

    def connect(signal: Signal, receiver: Callable[..., object]) -> None:
        signal.connect(receiver, weak=False)
        connected.append((signal, receiver))

    yield connect
    for signal, receiver in connected:
        signal.disconnect(receiver)


@pytest.fixture
def put_first(settings: Settings) -> Callable[[str], None]:
    """Put middleware of this module directly after ours, before ``MessageMiddleware``."""

    def put_first(name: str) -> None:
        at = settings.MIDDLEWARE.index("ory_auth.middleware.OryMiddleware") + 1
        settings.MIDDLEWARE = [*settings.MIDDLEWARE[:at], f"{__name__}.{name}", *settings.MIDDLEWARE[at:]]

    return put_first


def welcome(request: HttpRequest, user: Any, **_: object) -> None:
    messages.success(request, "welcome")


@pytest.mark.parametrize("asker", ["asks", "asks_afterwards"])
def test_a_receiver_may_use_what_all_middleware_adds_to_the_request(
    ory: Ory, web: DualClient, connect: Connect, put_first: Callable[[str], None], asker: str
) -> None:
    seen: list[object] = []

    def receive(request: HttpRequest, user: Any, **_: object) -> None:
        assert request.resolver_match is not None
        seen.append((request.resolver_match.route, request.user.pk == user.pk))

    put_first(asker)
    connect(user_logged_in, welcome)
    connect(user_logged_in, receive)
    session = ory.person().browser_session()
    answers = [web.get("/messages", headers=session.headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == (b"welcome" if asker == "asks" else b"")
    assert seen == [("messages", True)]


@pytest.mark.parametrize("path", ["/who", "/silent"])
def test_a_receiver_sees_who_signed_in_even_if_another_user_was_assigned(
    ory: Ory, web: DualClient, connect: Connect, put_first: Callable[[str], None], path: str
) -> None:
    seen: list[object] = []
    other = User.objects.create(**{User.USERNAME_FIELD: "else@example.org"}, first_name="Somebody else")
    put_first("impersonates")
    connect(user_logged_in, lambda request, user, **_: seen.append((user.pk != other.pk, request.user.pk == user.pk)))
    answer = web.get(path, headers=ory.person().app_session().headers)
    assert seen == [(True, True)]
    if path == "/who":
        assert answer.json()["user"] == "else@example.org"


@pytest.mark.parametrize("path", ["/who", "/awho", "/guarded", "/aguarded", "/api/me", "/streams"])
@pytest.mark.parametrize("asker", ["asks", None])
def test_every_signal_is_sent_once(
    ory: Ory, web: DualClient, connect: Connect, put_first: Callable[[str], None], asker: str | None, path: str
) -> None:
    seen: list[str] = []
    connect(user_created, lambda request, **_: seen.append(f"created in {request.resolver_match.route}"))
    connect(user_logged_in, lambda request, **_: seen.append(f"signed in in {request.resolver_match.route}"))
    if asker:
        put_first(asker)
    session = ory.person().app_session()
    for _ in range(2):
        web.get(path, headers=session.headers)
    route = path.removeprefix("/")
    asked = asker or path != "/streams"
    assert seen == ([f"created in {route}", f"signed in in {route}"] if asked else [])


@pytest.mark.parametrize(("asker", "path"), [("asks", "/unknown"), ("answers_itself", "/who")])
def test_the_signal_is_sent_before_the_response_if_no_view_is_called(
    ory: Ory, web: DualClient, connect: Connect, put_first: Callable[[str], None], asker: str, path: str
) -> None:
    seen: list[object] = []
    connect(user_logged_in, lambda user, **_: seen.append(user.pk))
    put_first(asker)
    session = ory.person().app_session()
    for _ in range(2):
        web.get(path, headers=session.headers)
        assert len(seen) == 1


@pytest.mark.parametrize("asker", ["asks", None])
@pytest.mark.parametrize("path", ["/who", "/awho", "/api/me"])
def test_a_receiver_that_fails_breaks_no_page_and_no_other_receiver(
    ory: Ory,
    web: DualClient,
    connect: Connect,
    put_first: Callable[[str], None],
    caplog: pytest.LogCaptureFixture,
    asker: str | None,
    path: str,
) -> None:
    seen: list[object] = []

    def fail(**_: object) -> None:
        raise RuntimeError("the mail server is down")

    connect(user_created, fail)
    connect(user_logged_in, fail)
    connect(user_created, lambda user, **_: seen.append(user.pk))
    connect(user_logged_in, lambda user, **_: seen.append(user.pk))
    if asker:
        put_first(asker)
    session = ory.person().app_session()
    assert [web.get(path, headers=session.headers).status_code for _ in range(2)] == [200, 200]
    assert len(seen) == 2
    failures = [record for record in caplog.records if record.name == "django.dispatch"]
    assert [record.levelno for record in failures] == [logging.ERROR, logging.ERROR]
    assert "fail" in failures[0].getMessage()


@pytest.mark.parametrize("asker", ["asks", None])
@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_receiver_may_be_async(
    ory: Ory, web: DualClient, connect: Connect, put_first: Callable[[str], None], asker: str | None, path: str
) -> None:
    seen: list[object] = []

    async def receive(request: Any, user: Any, **_: object) -> None:
        seen.append((await request.auser()).pk == user.pk)

    connect(user_logged_in, receive)
    if asker:
        put_first(asker)
    assert web.get(path, headers=ory.person().app_session().headers).status_code == 200
    assert seen == [True]


@pytest.mark.parametrize("login_required", [False, True], ids=["", "LoginRequiredMiddleware"])
def test_under_asgi_no_thread_is_needed_to_see_whether_signals_wait(
    ory: Ory, settings: Settings, put_first: Callable[[str], None], login_required: bool
) -> None:
    """Django calls a ``process_view`` that is no coroutine in a thread, for each request."""
    put_first("asks")  # it is sync, so Django makes ours sync as well
    if login_required:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    handler = ASGIHandler()
    own = [each for each in handler._view_middleware if getattr(each, "__module__", "").startswith("ory_auth.")]  # type: ignore[attr-defined]
    assert len(own) == 1
    assert not isinstance(own[0], SyncToAsync)
