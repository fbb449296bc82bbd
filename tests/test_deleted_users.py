"""Users who are deleted stay deleted while their sessions at Ory live."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from ory_auth.models import OryIdentity
from ory_auth.users import delete_user
from tests.project.urls import urlpatterns as project_urls
from tests.support.client import DualClient
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, User
from tests.support.users import user_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def delete_by_hand(request: HttpRequest) -> HttpResponse:
    assert not isinstance(request.user, AnonymousUser)
    request.user.delete()
    return HttpResponse("gone")


def delete_properly(request: HttpRequest) -> HttpResponse:
    delete_user(request.user)
    return HttpResponse("gone")


urlpatterns = [*project_urls, path("delete-by-hand", delete_by_hand), path("delete-properly", delete_properly)]
WAYS = ["/delete-by-hand", "/delete-properly"]


@pytest.fixture
def ada(ory: Ory, web: DualClient) -> Session:
    session = ory.person(name={"first": "Ada"}).app_session()
    web.get("/who", headers=session.headers)
    return session


@pytest.mark.promise("A deleted user does not come back with an old session")
@pytest.mark.parametrize("way", WAYS)
def test_a_deleted_user_does_not_come_back_with_the_same_session(
    ory: Ory, web: DualClient, ada: Session, way: str
) -> None:
    web.get(way, headers=ada.headers)
    for _ in range(2):
        reply = web.get("/api/me", headers=ada.headers)
        assert (reply.status_code, reply.json()["reason"]) == (403, "user_deleted")
        assert web.get("/who", headers=ada.headers).json()["user"] == ""
    assert not User.objects.exists()


@pytest.mark.parametrize("way", WAYS)
def test_a_session_from_before_the_deletion_does_not_bring_them_back(
    ory: Ory, web: DualClient, ada: Session, way: str
) -> None:
    phone = ada.person.app_session()
    web.get("/who", headers=phone.headers)
    web.get(way, headers=ada.headers)
    assert web.get("/api/me", headers=phone.headers).status_code == 403


def test_delete_user_also_refuses_sessions_this_site_has_not_seen(ory: Ory, web: DualClient, ada: Session) -> None:
    phone = ada.person.app_session()
    web.get("/delete-properly", headers=ada.headers)
    assert web.get("/api/me", headers=phone.headers).status_code == 403


def test_a_changed_identity_does_not_bring_them_back(ory: Ory, web: DualClient, ada: Session) -> None:
    web.get("/delete-properly", headers=ada.headers)
    ada.person.patch("/traits/name/first", "Augusta")
    assert web.get("/fresh", headers=ada.headers).status_code in {403, 200}
    assert not User.objects.exists()


@pytest.mark.parametrize("way", WAYS)
def test_a_new_sign_in_at_ory_creates_a_new_user(ory: Ory, web: DualClient, ada: Session, way: str) -> None:
    before = user_of(ada.person).pk
    web.get(way, headers=ada.headers)
    time.sleep(0.01)
    again = ada.person.app_session()
    assert web.get("/api/me", headers=again.headers).status_code == 200
    user = user_of(ada.person)
    assert (User.objects.get(), user.first_name) == (user, "Ada")
    assert user.pk != before or not hasattr(before, "bit_length")  # SQLite may give the same number again
    assert web.get("/api/me", headers=ada.headers).status_code == 200  # the account is there again, for all sessions


def test_a_person_whose_link_is_deleted_too_comes_back_at_once(ory: Ory, web: DualClient, ada: Session) -> None:
    web.get("/delete-by-hand", headers=ada.headers)
    OryIdentity.objects.filter(user=None).delete()
    assert web.get("/api/me", headers=ada.headers).status_code == 200


def test_deleted_users_are_removed_from_the_local_cache(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_CACHE_SECONDS=60, SESSION_CACHE_SECONDS=60)
    session = ory.person().app_session()
    for _ in range(3):
        web.get("/who", headers=session.headers)
    User.objects.all().delete()
    assert web.get("/api/me", headers=session.headers).status_code == 403


def test_an_identity_that_is_deleted_at_ory_first_leaves_the_user(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, ada: Session
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    ada.person.delete()
    assert web.get("/api/me", headers=ada.headers).status_code == 401
    user = user_of(ada.person)
    delete_user(user)
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_after_a_new_sign_in_create_one_user(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient
) -> None:
    if connections["default"].vendor == "sqlite":
        pytest.skip("SQLite in memory has one connection")
    ory_auth(TIMEOUT=10, USER_HANDLER="tests.project.handlers.Hesitating")
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    delete_user(user_of(person))
    time.sleep(0.01)
    token = person.app_session()

    def ask(_: int) -> int:
        try:
            return Client().get("/api/me", headers=token.headers).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(ask, range(16))) == {200}
    assert User.objects.get() == user_of(person)
