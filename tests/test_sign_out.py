"""Signing out ends the session at Ory, here at once, and under every form of its credential."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.core.cache import caches
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.test import AsyncClient, Client
from pytest_django import Settings

from ory_auth.local import LocalOry
from ory_auth.sessions.services import reset_services
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, Response

pytestmark = pytest.mark.django_db


def exists_at_ory(session: Session) -> bool:
    """Whether Ory itself still knows the session."""
    return session.ory.public("GET", "/sessions/whoami", headers=session.headers).status == 200


# --- how it is asked for ----------------------------------------------------------------------------------------------


@pytest.mark.promise("Only POST signs out")
@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "options"])
def test_only_post_signs_out(ory: Ory, method: str) -> None:
    session = ory.person().browser_session()
    response = getattr(Client(), method)("/auth/logout", headers=session.headers)
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert exists_at_ory(session)


@pytest.mark.promise("A browser signs out only with a CSRF token")
@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_signing_out_needs_the_csrf_token(ory: Ory, client: type[Client | AsyncClient]) -> None:
    web = DualClient("wsgi" if client is Client else "asgi")
    web.client = client(enforce_csrf_checks=True)
    session = ory.person().browser_session()
    sign_in(web, session)
    assert web.post("/auth/logout").status_code == 403
    assert exists_at_ory(session)


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_a_program_signs_out_with_only_its_token(ory: Ory, client: type[Client | AsyncClient]) -> None:
    web = DualClient("wsgi" if client is Client else "asgi")
    web.client = client(enforce_csrf_checks=True)
    token, cookie = ory.person().app_session(), ory.person().browser_session()
    sign_in(web, cookie)
    assert web.post("/auth/logout", headers={**token.headers, "Accept": "application/json"}).status_code == 204
    assert (exists_at_ory(token), exists_at_ory(cookie)) == (False, True)


def test_the_cookie_with_the_csrf_token_signs_out(ory: Ory) -> None:
    client = Client(enforce_csrf_checks=True)
    session = ory.person().browser_session()
    sign_in(client, session)
    client.get("/admin/login/?local=1")
    response = client.post("/auth/logout", {"csrfmiddlewaretoken": client.cookies["csrftoken"].value})
    assert (response.status_code, exists_at_ory(session)) == (302, False)


def test_the_csrf_check_does_not_depend_on_the_projects_middleware(ory: Ory, settings: Settings) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    assert Client(enforce_csrf_checks=True).post("/auth/logout").status_code == 403


# --- what it does -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["token", "cookie"])
def test_the_session_ends_at_ory(ory: Ory, web: DualClient, kind: str) -> None:
    session = ory.person().session(kind)
    web.post("/auth/logout", headers=session.headers)
    assert not exists_at_ory(session)


@pytest.mark.parametrize("kind", ["token", "cookie"])
def test_a_cached_session_ends_here(ory: Ory, cached: None, web: DualClient, kind: str) -> None:
    session = ory.person().session(kind)
    assert web.is_signed_in(session.headers)
    web.post("/auth/logout", headers=session.headers)
    assert not web.is_signed_in(session.headers)


def test_another_session_of_the_same_person_lives_on(ory: Ory, cached: None, web: DualClient) -> None:
    person = ory.person()
    here, there = person.browser_session(), person.browser_session()
    web.is_signed_in(there.headers)
    web.post("/auth/logout", headers=here.headers)
    assert web.is_signed_in(there.headers)
    assert exists_at_ory(there)


def test_a_browser_is_redirected_and_its_session_cookie_removed(ory: Ory, web: DualClient) -> None:
    response = web.post("/auth/logout", headers=ory.person().browser_session().headers)
    assert (response.status_code, response["Location"]) == (302, "http://testserver/bye")
    cookie = response.cookies["ory_kratos_session"]
    assert cookie["max-age"] in {0, "0"}


def test_a_program_gets_204_and_no_cookie(ory: Ory, web: DualClient) -> None:
    response = web.post("/auth/logout", headers=ory.person().app_session().headers)
    assert response.status_code == 204
    assert not response.cookies


def test_signing_out_works_without_being_signed_in(ory: Ory, web: DualClient) -> None:
    assert web.post("/auth/logout").status_code == 302


def test_an_ended_session_can_sign_out(ory: Ory, web: DualClient) -> None:
    session = ory.person().browser_session()
    session.revoke()
    assert web.post("/auth/logout", headers=session.headers).status_code == 302


def test_a_session_without_its_second_factor_can_sign_out(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    person.browser_session().set_up_totp()
    session = person.browser_session()
    assert web.get("/aal2", headers=session.headers).status_code == 302
    assert web.post("/auth/logout", headers=session.headers)["Location"] == "http://testserver/bye"
    assert session.ory.public("GET", "/sessions/whoami", headers=session.headers).status == 401


def test_an_inactive_user_can_sign_out(ory: Ory, web: DualClient) -> None:
    session = ory.person().browser_session()
    web.get("/who", headers=session.headers)
    get_user_model().objects.update(is_active=False)
    assert web.post("/auth/logout", headers=session.headers).status_code == 302
    assert not exists_at_ory(session)


def test_a_django_sign_in_ends_too(ory: Ory, web: DualClient) -> None:
    web.client.force_login(get_user_model().objects.create_superuser("root"))
    web.post("/auth/logout")
    assert web.get("/who").json()["user"] == ""


@pytest.mark.parametrize("path", ["/django-logout", "/django-alogout"])
@pytest.mark.parametrize("kind", ["token", "cookie"])
def test_djangos_logout_ends_the_ory_session(ory: Ory, cached: None, web: DualClient, kind: str, path: str) -> None:
    session = ory.person().session(kind)
    assert web.is_signed_in(session.headers)
    assert web.get(path, headers=session.headers).json()["user"] == ""
    assert not web.is_signed_in(session.headers)
    assert not exists_at_ory(session)


def test_djangos_logout_removes_the_browsers_session_cookie(ory: Ory, web: DualClient) -> None:
    response = web.get("/django-logout", headers=ory.person().browser_session().headers)
    assert response.cookies["ory_kratos_session"]["max-age"] in {0, "0"}


@pytest.mark.usefixtures("local_ory")
def test_djangos_logout_asks_ory_once(ory: Ory, web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    web.get("/django-logout", headers=ory.person().app_session().headers)
    assert len(ory.requests_to()) == 1


@pytest.mark.parametrize("kind", ["token", "cookie"])
def test_the_response_to_a_sign_out_is_private(ory: Ory, web: DualClient, kind: str) -> None:
    response = web.post("/auth/logout", headers=ory.person().session(kind).headers)
    assert "private" in response["Cache-Control"]
    assert {"X-Session-Token", "Cookie", "Authorization"} <= set(response["Vary"].split(", "))


def test_the_log_out_of_the_admin_ends_the_ory_session(ory: Ory, cached: None, web: DualClient) -> None:
    session = ory.person().browser_session()
    web.get("/who", headers=session.headers)
    get_user_model().objects.update(is_staff=True, is_superuser=True)
    assert web.post("/admin/logout/", headers=session.headers).status_code in {200, 302}
    assert not web.is_signed_in(session.headers)
    assert not exists_at_ory(session)


# --- every cached form of the session ---------------------------------------------------------------------------------


def test_the_same_token_in_the_other_header_is_refused_at_once(ory: Ory, cached: None, web: DualClient) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    assert web.is_signed_in(session.bearer)
    web.post("/auth/logout", headers=session.bearer)
    assert not web.is_signed_in(session.headers)


def test_old_bytes_of_a_renewed_cookie_are_refused_at_once(ory: Ory, cached: None, web: DualClient) -> None:
    person = ory.person()
    session = person.browser_session()
    old = session.headers
    assert web.is_signed_in(old)
    flow = session.get("/self-service/login/browser?refresh=true").json
    session.submit("login", flow, {"method": "password", "identifier": person.email, "password": person.password})
    assert session.headers != old
    assert web.is_signed_in(session.headers)
    web.post("/auth/logout", headers=session.headers)
    assert not web.is_signed_in(old)


def test_the_session_is_refused_here_even_if_ory_still_accepts_it(
    ory: Ory, local_ory: LocalOry, cached: None, web: DualClient
) -> None:
    """All forms of the credential, while Ory still takes every one of them."""
    session = ory.person().app_session()
    given = local_ory.create_session(session.person.id)
    forms = [{"X-Session-Token": given.token}, {"Cookie": given.cookie}, {"Authorization": f"Bearer {given.token}"}]
    assert all(web.is_signed_in(form) for form in forms)
    with local_ory.failing(500, path="/self-service/logout"):
        assert web.post("/auth/logout", headers=forms[0]).status_code == 503
    assert [web.is_signed_in(form) for form in forms] == [False, False, False]


@pytest.mark.promise("A lookup in progress does not bring back a session that was signed out")
def test_an_unused_credential_of_the_session_is_refused_too(
    ory: Ory, local_ory: LocalOry, cached: None, web: DualClient
) -> None:
    session = ory.person().app_session()
    with local_ory.failing(500, path="/self-service/logout"):
        web.post("/auth/logout", headers=session.headers)
    assert exists_at_ory(session)
    assert not web.is_signed_in(session.bearer)


@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_a_lookup_in_progress_does_not_bring_the_session_back(
    ory: Ory, local_ory: LocalOry, cached: None, kind: str
) -> None:
    session = ory.person().app_session()
    web = DualClient(kind)
    assert web.is_signed_in(session.headers)
    responses = []
    with local_ory.slow(0.2, path="/sessions/whoami"), local_ory.failing(500, path="/self-service/logout"):
        under_way = threading.Thread(target=lambda: responses.append(DualClient(kind).is_signed_in(session.bearer)))
        under_way.start()
        while len(ory.requests_to()) < 2:
            threading.Event().wait(0.01)
        web.post("/auth/logout", headers=session.headers)
        under_way.join()
    assert exists_at_ory(session)
    assert responses == [False]
    assert not web.is_signed_in(session.bearer)


# --- while Ory is down ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["token", "cookie"])
def test_signing_out_while_ory_is_down_is_a_503(
    ory: Ory, local_ory: LocalOry, cached: None, web: DualClient, kind: str
) -> None:
    session = ory.person().session(kind)
    web.is_signed_in(session.headers)
    with local_ory.failing(500):
        response = web.post("/auth/logout", headers=session.headers)
    assert (response.status_code, response["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("known", [True, False], ids=["cached", "never-seen"])
@pytest.mark.parametrize("kind", ["token", "cookie"])
def test_a_session_signed_out_while_ory_was_down_stays_refused(
    ory: Ory, local_ory: LocalOry, cached: None, web: DualClient, kind: str, known: bool
) -> None:
    session = ory.person().session(kind)
    if known:
        web.is_signed_in(session.headers)
    with local_ory.failing(500):
        web.post("/auth/logout", headers=session.headers)
    assert exists_at_ory(session)
    assert not web.is_signed_in(session.headers)
    assert web.get("/guarded", headers={**session.headers, "Accept": "application/json"}).status_code == 401
    assert web.get("/fresh", headers={**session.headers, "Accept": "application/json"}).status_code == 401


def test_the_next_sign_in_finishes_a_pending_sign_out_first(
    ory: Ory, local_ory: LocalOry, cached: None, web: DualClient
) -> None:
    session = ory.person().browser_session()
    web.is_signed_in(session.headers)
    with local_ory.failing(500):
        web.post("/auth/logout", headers=session.headers)
    response = web.get("/auth/login", headers=session.headers)
    assert response["Location"].startswith(ory.public_url + "/self-service/login/browser")
    assert not exists_at_ory(session)


def test_a_browser_that_signs_out_again_when_ory_is_back_is_signed_out_there(
    ory: Ory, local_ory: LocalOry, cached: None, web: DualClient
) -> None:
    session = ory.person().browser_session()
    web.is_signed_in(session.headers)
    with local_ory.failing(500):
        web.post("/auth/logout", headers=session.headers)
    assert web.post("/auth/logout", headers=session.headers).status_code == 302
    assert not exists_at_ory(session)


def test_djangos_logout_while_ory_is_down_refuses_the_session(
    ory: Ory, local_ory: LocalOry, cached: None, web: DualClient
) -> None:
    session = ory.person().app_session()
    web.is_signed_in(session.headers)
    with local_ory.failing(500):
        web.get("/django-logout", headers=session.headers)
    assert exists_at_ory(session)
    assert not web.is_signed_in(session.headers)


def test_a_cache_outage_does_not_prevent_signing_out(
    ory: Ory, local_ory: LocalOry, web: DualClient, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "/dev/null/x"}
    }
    session = ory.person().browser_session()
    assert web.post("/auth/logout", headers=session.headers).status_code == 302
    assert not exists_at_ory(session)


def test_signing_out_needs_no_database(ory: Ory, web: DualClient) -> None:
    connection.cursor().execute("ALTER TABLE ory_auth_oryidentity RENAME TO gone")
    session = ory.person().browser_session()
    assert web.post("/auth/logout", headers=session.headers).status_code == 302
    assert not exists_at_ory(session)


def test_signing_out_clears_nothing_else_from_the_cache(ory: Ory, cached: None, web: DualClient) -> None:
    caches["default"].set("somebody's", "else")
    web.post("/auth/logout", headers=ory.person().app_session().headers)
    assert caches["default"].get("somebody's") == "else"


@pytest.mark.parametrize("path", ["/django-logout", "/django-alogout"])
@pytest.mark.parametrize("known", [True, False], ids=["cached", "never-seen"])
def test_djangos_own_logout_signs_out_while_ory_is_down(
    ory: Ory, local_ory: LocalOry, cached: None, web: DualClient, path: str, known: bool
) -> None:
    session = ory.person().app_session()
    if known:
        web.is_signed_in(session.headers)
    with local_ory.failing(500):
        assert web.get(path, headers=session.headers).status_code in {200, 503}
    assert exists_at_ory(session)
    assert not web.is_signed_in(session.headers)


@pytest.mark.promise("A sign-out that the cache did not store is written again")
def test_missed_sign_outs_are_written_when_the_cache_is_back(
    ory: Ory, local_ory: LocalOry, cached: None, web: DualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, other = ory.person().app_session(), ory.person().app_session()
    assert web.is_signed_in(session.headers)

    def down(*_: object, **__: object) -> None:
        raise ConnectionError

    with local_ory.failing(500), monkeypatch.context() as broken:
        broken.setattr(LocMemCache, "set_many", down)
        web.post("/auth/logout", headers=session.headers)
    assert web.is_signed_in(other.headers)
    reset_services()  # as another process that shares the cache
    assert exists_at_ory(session)
    assert not web.is_signed_in(session.headers)


@pytest.mark.promise("A lookup that checked before the sign-out does not bring the session back")
def test_a_sign_out_leaves_no_entry_for_even_a_moment(
    ory: Ory, cached: None, web: DualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fill that has looked for a sign-out already, and keeps its answer after it."""
    session = ory.person().app_session()
    signed_out: list[Response] = []
    set_entry = LocMemCache.set

    def set_after_the_sign_out(cache: LocMemCache, key: str, value: object, *given: Any, **named: Any) -> None:
        if key.startswith("ory_auth:s:") and not signed_out:
            signed_out.append(web.post("/auth/logout", headers=session.bearer))
        set_entry(cache, key, value, *given, **named)

    assert web.is_signed_in(session.bearer)  # so that the session is known, under its other form
    monkeypatch.setattr(LocMemCache, "set", set_after_the_sign_out)
    assert not web.is_signed_in(session.headers)
    assert signed_out
    reset_services()
    assert not web.is_signed_in(session.headers)


# --- who signed out ---------------------------------------------------------------------------------------------------


@pytest.fixture
def signed_out() -> Iterator[list[Any]]:
    """The users of all ``user_logged_out`` so far."""
    users: list[Any] = []

    def receive(user: Any, **_: object) -> None:
        users.append(user and user.pk)

    user_logged_out.connect(receive)
    yield users
    user_logged_out.disconnect(receive)


SIGN_OUTS = ["/auth/logout", "/django-logout", "/django-alogout"]


@pytest.mark.parametrize("path", SIGN_OUTS)
@pytest.mark.parametrize("kind", ["token", "cookie"])
@pytest.mark.usefixtures("local_ory")
def test_receivers_get_the_user_who_signed_out_and_ory_is_asked_once(
    ory: Ory, web: DualClient, signed_out: list[Any], ory_auth: ChangeSettings, kind: str, path: str
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().session(kind)
    web.post(path, headers=session.headers)
    assert len(ory.requests_to()) == 1
    assert signed_out == [get_user_model().objects.get().pk]


def test_receivers_get_the_user_who_signed_out_without_django_sessions(
    ory: Ory, web: DualClient, signed_out: list[Any], settings: Settings
) -> None:
    with_sessions = ("sessions", "messages", "contrib.auth.middleware")
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not any(part in name for part in with_sessions)]
    session = ory.person().browser_session()
    assert web.post("/auth/logout", headers=session.headers).status_code == 302
    assert signed_out == [get_user_model().objects.get().pk]
    assert not exists_at_ory(session)


def test_receivers_get_the_user_of_a_django_sign_in_who_signed_out(
    ory: Ory, web: DualClient, signed_out: list[Any]
) -> None:
    root = get_user_model().objects.create_superuser("root")
    web.client.force_login(root)
    web.post("/auth/logout")
    assert signed_out == [root.pk]


@pytest.mark.parametrize("path", SIGN_OUTS)
def test_receivers_are_called_for_a_sign_out_during_an_outage(
    ory: Ory, web: DualClient, local_ory: LocalOry, signed_out: list[Any], ory_auth: ChangeSettings, path: str
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().app_session()
    with local_ory.failing(503):
        web.post(path, headers=session.headers)
    assert signed_out == [None]


def test_receivers_get_no_user_if_the_database_is_down(ory: Ory, web: DualClient, signed_out: list[Any]) -> None:
    session = ory.person().browser_session()
    connection.cursor().execute("ALTER TABLE ory_auth_oryidentity RENAME TO gone")
    assert web.post("/auth/logout", headers=session.headers).status_code == 302
    assert signed_out == [None]
