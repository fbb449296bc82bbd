"""A person signs in at Ory and is there as ``request.user``."""

import gc
import logging
import weakref
from collections.abc import Callable, Iterator
from typing import cast

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import SynchronousOnlyOperation
from django.test import AsyncClient, RequestFactory

from ory_auth.responses.hooks import attach
from ory_auth.types import OryHttpRequest
from tests.support.client import DualClient
from tests.support.ory import Ory

pytestmark = pytest.mark.django_db

WHO = ["/who", "/awho", "/guarded", "/aguarded", "/django-guarded", "/mixin", "/amixin", "/api/me"]


@pytest.mark.parametrize("path", WHO)
def test_a_person_with_a_token_is_there_as_the_user(ory: Ory, web: DualClient, path: str) -> None:
    person = ory.person()
    answer = web.get(path, headers=person.app_session().headers)
    assert answer.status_code == 200
    assert answer.json()["user"] in {person.id, person.email}


@pytest.mark.parametrize("path", WHO)
def test_a_person_with_the_cookie_is_there_as_the_user(ory: Ory, web: DualClient, path: str) -> None:
    person = ory.person()
    answer = web.get(path, headers=person.browser_session().headers)
    assert answer.json()["user"] in {person.id, person.email}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/who", "/awho", "/api/me"])
@pytest.mark.parametrize("kind", ["token", "cookie"])
def test_a_sign_in_is_logged_once_for_each_session_at_ory(
    ory: Ory, web: DualClient, caplog: pytest.LogCaptureFixture, kind: str, path: str
) -> None:
    caplog.set_level(logging.INFO, "ory_auth")
    person = ory.person()
    for sessions in (1, 2):
        session = person.session(kind)
        for _ in range(2):
            web.get(path, headers=session.headers)
        assert [r for r in caplog.records if "signed_in" in r.getMessage()][-1].levelname == "INFO"
        assert [vars(r)["ory_facts"] for r in caplog.records if r.name == "ory_auth"] == [
            {"identity": person.id, "kind": kind}
        ] * sessions


def test_an_async_view_may_read_an_anonymous_user_without_awaiting(ory: Ory, web: DualClient) -> None:
    assert web.get("/atemplate").content.decode().strip() == "hello AnonymousUser"


def test_an_async_view_that_would_block_gets_an_error_that_names_the_awaitable(
    ory: Ory, async_client: AsyncClient
) -> None:
    headers = ory.person().app_session().headers
    with pytest.raises(SynchronousOnlyOperation, match=r"await request\.auser"):
        async_to_sync(async_client.get)("/atemplate", headers=headers)


@pytest.fixture
def request_of_somebody(ory: Ory, rf: RequestFactory) -> Callable[[], OryHttpRequest]:
    """Makes requests that prove a session, as the middleware hands them to a view."""
    session = ory.person().app_session()

    def make() -> OryHttpRequest:
        request = rf.get("/", headers=session.headers)
        attach(request)
        return cast(OryHttpRequest, request)

    return make


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def test_a_request_that_was_asked_for_its_user_needs_no_garbage_collector(
    request_of_somebody: Callable[[], OryHttpRequest], no_collector: None
) -> None:
    request = request_of_somebody()
    assert request.ory_session
    gone = weakref.ref(request)
    del request
    assert gone() is None


def test_a_lazy_user_that_was_not_read_yet_can_be_passed_on(
    request_of_somebody: Callable[[], OryHttpRequest], no_collector: None
) -> None:
    user = request_of_somebody().user
    assert user.is_authenticated
