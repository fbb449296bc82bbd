"""A person deletes their account: at Ory and here, in a fixed order, and nothing is left half done without a word."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.db import DatabaseError, connection
from django.test import Client
from pytest_django import Settings

from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity
from tests.project.handlers import TellsOthers
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.ory import Ory, Person, Session
from tests.support.servers import running
from tests.support.types import ChangeSettings, Response

pytestmark = pytest.mark.django_db

PAGE = "/auth/security/delete"
YES = {"confirmation": "delete"}


def text_of(response: Response) -> str:
    """What people read, with single spaces."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", response.content.decode())).split())


def exists_at_ory(person: Person) -> bool:
    return person.ory.admin("GET", f"/admin/identities/{person.id}").status == 200


def user_of(person: Person) -> Any:
    return OryIdentity.objects.get(pk=person.id).user


@pytest.fixture
def switched_on(ory_auth: ChangeSettings) -> None:
    ory_auth(ACCOUNT_DELETION=True, SESSION_CACHE_SECONDS=60)


@pytest.fixture
def session(ory: Ory, switched_on: None, web: DualClient) -> Session:
    """A person who has just signed in, and has been on the page."""
    session = ory.person(verified=True, name={"first": "Ada", "last": "Lovelace"}).browser_session()
    assert web.get(PAGE, headers=session.headers).status_code == 200
    return session


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.promise("People can delete their accounts only if ACCOUNT_DELETION is on")
@pytest.mark.parametrize("method", ["get", "post"])
def test_it_is_off_by_default(ory: Ory, method: str) -> None:
    web = DualClient(
        "wsgi"
    )  # under ASGI, the 404 page reads the user in another thread, outside the test's transaction
    session = ory.person().browser_session()
    response = getattr(web, method)(PAGE, *([YES] if method == "post" else []), headers=session.headers)
    assert response.status_code == 404
    assert exists_at_ory(session.person)
    assert PAGE not in web.get("/auth/security", headers=session.headers).content.decode()


def test_the_security_page_links_to_it(web: DualClient, session: Session) -> None:
    assert f'href="{PAGE}"' in web.get("/auth/security", headers=session.headers).content.decode()


@pytest.mark.promise("An account is deleted only by a person who has just signed in")
def test_an_older_sign_in_has_to_be_renewed(local_ory: LocalOry, web: DualClient, session: Session) -> None:
    local_ory.clock.move(11 * 60)
    for response in (web.get(PAGE, headers=session.headers), web.post(PAGE, YES, headers=session.headers)):
        assert response.status_code == 302
        assert "refresh=true" in response["Location"]
    assert exists_at_ory(session.person)


def test_a_session_without_its_second_step_has_to_step_up(
    local_ory: LocalOry, ory: Ory, switched_on: None, web: DualClient
) -> None:
    person = ory.person()
    person.browser_session().set_up_totp()
    local_ory.state.config = replace(local_ory.state.config, whoami_required_aal="aal1")
    session = person.browser_session()
    assert web.is_signed_in(session.headers)
    for response in (web.get(PAGE, headers=session.headers), web.post(PAGE, YES, headers=session.headers)):
        assert response.status_code == 302
        assert "aal=aal2" in response["Location"]
    assert exists_at_ory(person)


@pytest.mark.parametrize("typed", ["", "no", "delete me", "DELETE\0", "x" * 10_000])
def test_the_word_has_to_be_typed(web: DualClient, session: Session, typed: str) -> None:
    response = web.post(PAGE, {"confirmation": typed}, headers=session.headers)
    assert response.status_code == 400
    assert "Please type “delete” to confirm." in text_of(response)
    assert exists_at_ory(session.person)
    assert user_of(session.person).is_active


@pytest.mark.promise("Another site cannot delete an account")
def test_it_needs_the_csrf_token(session: Session) -> None:
    client = Client(enforce_csrf_checks=True)
    sign_in(client, session)
    assert client.post(PAGE, YES).status_code == 403
    assert exists_at_ory(session.person)
    token = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', client.get(PAGE).content.decode())
    assert token
    assert client.post(PAGE, {**YES, "csrfmiddlewaretoken": token[1]}).status_code == 200
    assert not exists_at_ory(session.person)


def test_the_project_may_refuse_with_a_text(ory_auth: ChangeSettings, web: DualClient, session: Session) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.NeedsAnOwner")
    assert "You are the only owner of <b>Acme</b>." in unescape(web.get(PAGE, headers=session.headers).content.decode())
    response = web.post(PAGE, YES, headers=session.headers)
    assert response.status_code == 403
    assert "<b>Acme" not in response.content.decode()
    assert exists_at_ory(session.person)


# --- what it does -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["delete", " Delete ", "DELETE"])
def test_the_identity_is_deleted_and_the_user_emptied(web: DualClient, session: Session, typed: str) -> None:
    user = user_of(session.person)
    assert (user.email, user.first_name) == (session.person.email, "Ada")
    response = web.post(PAGE, {"confirmation": typed}, headers=session.headers)
    assert response.status_code == 200
    assert "Your account has been deleted" in text_of(response)
    assert not exists_at_ory(session.person)
    user.refresh_from_db()
    assert (user.is_active, user.email, user.first_name, user.last_name) == (False, "", "", "")
    assert not user.has_usable_password()


@pytest.mark.promise("A deleted account is signed out everywhere at once")
def test_all_sessions_end_at_once(ory: Ory, web: DualClient, session: Session) -> None:
    others = [session.person.app_session(), session.person.browser_session()]
    for other in others:
        assert web.is_signed_in(other.headers)
    web.post(PAGE, YES, headers=session.headers)
    assert not any(web.is_signed_in(each.headers) for each in (session, *others))


def test_the_data_of_the_django_session_is_gone(session: Session) -> None:
    client = Client()
    sign_in(client, session)
    client.get("/remember?cart=apples")
    assert client.session.items()
    client.post(PAGE, YES)
    assert not client.session.items()


def test_a_program_gets_204(ory: Ory, switched_on: None, web: DualClient) -> None:
    session = ory.person().app_session()
    assert web.post(PAGE, YES, headers=session.headers).status_code == 204
    assert not exists_at_ory(session.person)


def test_the_project_may_delete_the_row(ory_auth: ChangeSettings, web: DualClient, session: Session) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.DeletesRows")
    assert web.post(PAGE, YES, headers=session.headers).status_code == 200
    assert not get_user_model().objects.exists()
    assert not exists_at_ory(session.person)


def test_the_address_is_free_for_a_new_account(ory: Ory, web: DualClient, session: Session) -> None:
    web.post(PAGE, YES, headers=session.headers)
    again = ory.person(session.person.email).browser_session()
    assert web.get("/who", headers=again.headers).json()["user"] == again.person.id
    assert user_of(again.person).email == session.person.email
    assert get_user_model().objects.count() == 2


def test_a_success_is_logged_with_the_identity_alone(
    web: DualClient, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ory_auth")
    web.post(PAGE, YES, headers=session.headers)
    lines = [line for line in caplog.messages if line.startswith("account_deleted")]
    assert lines == [f"account_deleted identity={session.person.id}"]
    assert session.person.email not in caplog.text


# --- failures, and trying again ---------------------------------------------------------------------------------------


def assert_untouched(person: Person) -> None:
    user = user_of(person)
    assert (user.is_active, user.email, user.first_name) == (True, person.email, "Ada")
    assert exists_at_ory(person)


@pytest.mark.promise("If Ory does not delete the identity, nothing is deleted here")
@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
def test_if_ory_refuses_nothing_changes_here(
    local_ory: LocalOry, web: DualClient, session: Session, status: int
) -> None:
    with local_ory.failing(status, path="/admin"):
        response = web.post(PAGE, YES, headers=session.headers)
    assert response.status_code == 503
    assert "we have deleted nothing here" in text_of(response)
    assert_untouched(session.person)
    assert web.is_signed_in(session.headers)
    assert web.post(PAGE, YES, headers=session.headers).status_code == 200  # trying again works


def test_an_admin_api_that_cannot_be_reached_changes_nothing(
    ory_auth: ChangeSettings, web: DualClient, session: Session
) -> None:
    ory_auth(ADMIN_URL="http://127.0.0.1:1")
    assert web.post(PAGE, YES, headers=session.headers).status_code == 503
    assert_untouched(session.person)


def test_if_the_list_of_sessions_is_missing_nothing_changes(
    local_ory: LocalOry, web: DualClient, session: Session
) -> None:
    with local_ory.failing(500, path="/sessions"):
        assert web.post(PAGE, YES, headers=session.headers).status_code == 503
    assert_untouched(session.person)


@contextmanager
def admin_api_that_loses_answers(ory: Ory, status: int) -> Iterator[str]:
    """A proxy before the admin API: it passes a deletion on, and answers with this status; 0: not at all."""

    class Handler(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            assert ory.admin("DELETE", self.path).status == 204
            if status:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        yield f"http://{address}"


@pytest.mark.parametrize("status", [0, 404, 500, 502])
def test_if_the_answer_of_ory_is_lost_the_deletion_is_completed(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, session: Session, status: int
) -> None:
    with admin_api_that_loses_answers(ory, status) as url:
        ory_auth(ADMIN_URL=url)
        assert web.post(PAGE, YES, headers=session.headers).status_code == 200
    assert not user_of(session.person).is_active
    assert not exists_at_ory(session.person)
    assert not web.is_signed_in(session.headers)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_sign_out_at_the_same_time_does_not_look_like_a_deletion(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, session: Session, status: int
) -> None:
    """The session has ended, but the admin API still has the identity."""

    class Handler(BaseHTTPRequestHandler):
        def do_DELETE(self) -> None:
            session.revoke()
            self.answer(status, b"{}")

        def do_GET(self) -> None:
            answer = ory.admin("GET", self.path)
            self.answer(answer.status, answer.body)

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        ory_auth(ADMIN_URL=f"http://{address}")
        assert web.post(PAGE, YES, headers=session.headers).status_code == 503
    assert_untouched(session.person)


def test_an_error_in_the_projects_handler_deletes_nothing(
    ory_auth: ChangeSettings, web: DualClient, session: Session
) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.FailsToDelete")
    with pytest.raises(RuntimeError):
        web.post(PAGE, YES, headers=session.headers)
    assert_untouched(session.person)


@pytest.mark.promise("A deletion that only Ory has completed is logged, and the person is told")
@pytest.mark.django_db(transaction=True)
def test_if_the_database_fails_last_the_page_and_the_log_say_so(
    ory: Ory,
    switched_on: None,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    web = DualClient("wsgi")
    session = ory.person().browser_session()
    other = session.person.browser_session()
    assert web.is_signed_in(other.headers)
    assert web.get(PAGE, headers=session.headers).status_code == 200

    def lose_connection(self: Any) -> None:
        raise DatabaseError("secret value")

    with monkeypatch.context() as broken:
        broken.setattr("django.db.backends.base.base.BaseDatabaseWrapper.commit", lose_connection)
        response = web.post(PAGE, YES, headers=session.headers)
    assert response.status_code == 500
    assert "some of your data on this site could not be deleted" in text_of(response)
    assert f"deletion_incomplete identity={session.person.id} error=DatabaseError" in caplog.messages
    assert "secret value" not in caplog.text
    assert not exists_at_ory(session.person)
    assert not web.is_signed_in(session.headers)
    assert not web.is_signed_in(other.headers)


@pytest.mark.django_db(transaction=True)
def test_with_atomic_requests_the_page_commits_before_it_responds(
    ory: Ory, switched_on: None, settings: Settings
) -> None:
    web = DualClient("wsgi")
    session = ory.person().browser_session()
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        assert web.get(PAGE, headers=session.headers).status_code == 200
        assert web.post(PAGE, YES, headers=session.headers).status_code == 200
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False
    assert not user_of(session.person).is_active


# --- the settings -----------------------------------------------------------------------------------------------------


@pytest.fixture
def messages(ory: Ory) -> Callable[[], list[str]]:
    def find() -> list[str]:
        return [str(message.id) for message in run_checks() if str(message.id) == "ory_auth.E020"]

    return find


def test_without_the_admin_api_it_is_an_error_of_the_check(
    ory: Ory, ory_auth: ChangeSettings, messages: Callable[[], list[str]]
) -> None:
    ory_auth(ACCOUNT_DELETION=True)
    assert messages() == []
    ory_auth(ADMIN_URL=None)
    assert messages() == ["ory_auth.E020"]
    ory_auth(API_KEY="ory_pat_x")
    assert messages() == []
    ory_auth(API_KEY=None, ACCOUNT_DELETION=False)
    assert messages() == []


@pytest.mark.django_db(transaction=True)
def test_what_the_project_does_on_commit_happens_only_after_success(
    local_ory: LocalOry, ory: Ory, switched_on: None, ory_auth: ChangeSettings
) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.TellsOthers")
    TellsOthers.told.clear()
    web, session = DualClient("wsgi"), ory.person().browser_session()
    with local_ory.failing(503, path="/admin"):
        assert web.post(PAGE, YES, headers=session.headers).status_code == 503
    assert TellsOthers.told == []
    assert web.post(PAGE, YES, headers=session.headers).status_code == 200
    assert TellsOthers.told == [session.person.id]
