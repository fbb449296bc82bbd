"""The sessions page: where a person is signed in, and ending it from there, at once and on every worker."""

from __future__ import annotations

import json
import re
import uuid
from html import unescape
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from ory_auth.local import LocalOry
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.ory import WHOAMI, Ory, Session
from tests.support.types import Response
from tests.support.worker import another_process

pytestmark = pytest.mark.django_db

PAGE = "/auth/sessions"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


def exists_at_ory(session: Session) -> bool:
    return session.ory.public("GET", "/sessions/whoami", headers=session.headers).status == 200


def end(web: DualClient, session: Session, what: str, **options: object) -> Response:
    return web.post(PAGE, {"end": what}, headers=session.headers, **options)


def text_of(response: Response) -> str:
    """What people read, with single spaces."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", response.content.decode())).split())


# --- what it shows ----------------------------------------------------------------------------------------------------


def test_it_lists_this_session_and_the_others(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    here, there = person.browser_session(), person.app_session()
    ory.person().browser_session()
    page = web.get(PAGE, headers=here.headers)
    assert page.status_code == 200
    assert f'value="{there.id}"' in page.content.decode()
    assert page.content.decode().count('name="end"') == 2  # the other one, and all others
    assert f'value="{here.id}"' not in page.content.decode()


def test_without_other_sessions_it_says_so(ory: Ory, web: DualClient) -> None:
    page = web.get(PAGE, headers=ory.person().browser_session().headers)
    assert "You aren't signed in anywhere else." in text_of(page)
    assert 'name="end"' not in page.content.decode()


def test_a_visitor_is_sent_to_sign_in_and_comes_back(ory: Ory, web: DualClient) -> None:
    response = web.get(PAGE)
    assert response.status_code == 302
    assert response["Location"] == "/auth/login?next=/auth/sessions"


def test_a_session_without_its_second_factor_is_sent_to_step_up(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    person.browser_session().set_up_totp()
    session = person.browser_session()
    response = web.get(PAGE, headers=session.headers)
    assert response.status_code == 302
    assert "aal=aal2" in response["Location"]


def test_the_page_is_never_cached(ory: Ory, web: DualClient) -> None:
    page = web.get(PAGE, headers=ory.person().browser_session().headers)
    assert "no-store" in page["Cache-Control"]
    assert "private" in page["Cache-Control"]


# --- ending sessions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["token", "cookie"])
def test_ending_one_session_leaves_the_rest(ory: Ory, cached: None, web: DualClient, kind: str) -> None:
    person = ory.person()
    here, there, third = person.browser_session(), person.session(kind), person.browser_session()
    for session in (here, there, third):
        assert web.is_signed_in(session.headers)
    response = end(web, here, there.id)
    assert response.status_code == 303
    assert not web.is_signed_in(there.headers)
    assert not exists_at_ory(there)
    assert web.is_signed_in(third.headers)
    assert web.is_signed_in(here.headers)


def test_all_others_end_and_this_one_stays(ory: Ory, cached: None, web: DualClient) -> None:
    person, stranger = ory.person(), ory.person().browser_session()
    here, others = person.browser_session(), [person.browser_session(), person.app_session()]
    for session in (here, stranger, *others):
        assert web.is_signed_in(session.headers)
    assert end(web, here, "others").status_code == 303
    assert not any(web.is_signed_in(other.headers) or exists_at_ory(other) for other in others)
    assert web.is_signed_in(here.headers)
    assert web.is_signed_in(stranger.headers)


@pytest.mark.promise("A session that its owner ends from another device is refused at once")
def test_no_late_answer_of_ory_brings_an_ended_session_back(
    local_ory: LocalOry, ory: Ory, cached: None, web: DualClient
) -> None:
    person = ory.person()
    here, there = person.browser_session(), person.browser_session()
    assert web.is_signed_in(there.headers)
    there_body = json.dumps(there.whoami()).encode()
    end(web, here, there.id)
    with local_ory.failing(200, {"Content-Type": "application/json"}, there_body, WHOAMI):
        assert not web.is_signed_in(there.headers)  # even if Ory's answer is an old one


@pytest.mark.parametrize("what", ["one", "others"])
def test_another_process_refuses_the_session_at_once(
    local_ory: LocalOry, ory: Ory, settings: Settings, tmp_path: Path, what: str
) -> None:
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path)}}
    settings.ORY_AUTH = {**settings.ORY_AUTH, "SESSION_CACHE_SECONDS": 60, "CACHE_NAMESPACE": "test"}
    person, web = ory.person(), DualClient("wsgi")
    here, there = person.browser_session(), person.browser_session()
    late_answer = json.dumps(there.whoami()).encode()
    with another_process(CACHES=settings.CACHES, ORY_AUTH=settings.ORY_AUTH) as session_of:
        assert session_of(there.headers) == there.id
        assert end(web, here, there.id if what == "one" else "others").status_code == 303
        with local_ory.failing(200, {"Content-Type": "application/json"}, late_answer, WHOAMI):
            assert session_of(there.headers) is None


def test_another_persons_session_is_left_alone(ory: Ory, cached: None, web: DualClient) -> None:
    here, foreign = ory.person().browser_session(), ory.person().browser_session()
    assert web.is_signed_in(foreign.headers)
    known, unknown = end(web, here, foreign.id), end(web, here, str(uuid.uuid4()))
    assert (known.status_code, unknown.status_code) == (303, 303)
    said = {text_of(web.get(response["Location"], headers=here.headers)) for response in (known, unknown)}
    assert len(said) == 1
    assert "There was nothing left to sign out." in said.pop()
    assert web.is_signed_in(foreign.headers)
    assert exists_at_ory(foreign)


@pytest.mark.parametrize("what", ["", "x", "all", "../whoami", "00000000-0000-0000-0000-000000000000"])
def test_nonsense_ends_nothing(ory: Ory, web: DualClient, what: str) -> None:
    person = ory.person()
    here, there = person.browser_session(), person.browser_session()
    assert end(web, here, what).status_code == 303
    assert exists_at_ory(there)


def test_the_current_session_cannot_be_ended_here(ory: Ory, web: DualClient) -> None:
    session = ory.person().browser_session()
    assert end(web, session, session.id).status_code == 303
    assert exists_at_ory(session)


def test_a_program_gets_204(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    here, there = person.app_session(), person.browser_session()
    assert end(web, here, there.id).status_code == 204
    assert not exists_at_ory(there)


@pytest.mark.promise("Another site cannot end a person's sessions")
def test_ending_needs_the_csrf_token(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    here, there = person.browser_session(), person.browser_session()
    client = Client(enforce_csrf_checks=True)
    sign_in(client, here)
    assert client.post(PAGE, {"end": "others"}).status_code == 403
    assert exists_at_ory(there)
    token = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', client.get(PAGE).content.decode())
    assert token
    assert client.post(PAGE, {"end": "others", "csrfmiddlewaretoken": token[1]}).status_code == 303
    assert not exists_at_ory(there)


def test_the_csrf_check_does_not_depend_on_the_projects_middleware(ory: Ory, settings: Settings) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    client = Client(enforce_csrf_checks=True)
    sign_in(client, ory.person().browser_session())
    assert client.post(PAGE, {"end": "others"}).status_code == 403


# --- what it says -----------------------------------------------------------------------------------------------------


def test_the_result_is_shown_once_to_the_person_who_caused_it(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    here = person.browser_session()
    person.browser_session()
    url = end(web, here, "others")["Location"]
    assert "All other devices have been signed out." in text_of(web.get(url, headers=here.headers))
    other = ory.person().browser_session()
    assert "All other devices have been signed out." not in text_of(web.get(url, headers=other.headers))


@pytest.mark.parametrize("query", ["all", "one", "WyJ4IiwiYWxsIl0:x:y"])
def test_a_link_cannot_claim_that_sessions_were_ended(ory: Ory, web: DualClient, query: str) -> None:
    page = web.get(f"{PAGE}?ended={query}", headers=ory.person().browser_session().headers)
    assert "signed out." not in text_of(page)


# --- outages ----------------------------------------------------------------------------------------------------------


def test_if_ory_does_not_list_the_sessions_the_page_is_503(
    local_ory: LocalOry, ory: Ory, cached: None, web: DualClient
) -> None:
    session = ory.person().browser_session()
    assert web.is_signed_in(session.headers)
    with local_ory.failing(503, path="/sessions"):
        response = web.get(PAGE, headers=session.headers)
    assert response.status_code == 503
    assert response["Retry-After"]


def test_if_ory_fails_before_the_list_nothing_ends(
    local_ory: LocalOry, ory: Ory, cached: None, web: DualClient
) -> None:
    person = ory.person()
    here, there = person.browser_session(), person.browser_session()
    assert web.is_signed_in(here.headers)
    assert web.is_signed_in(there.headers)
    with local_ory.failing(503, path="/sessions"):
        assert end(web, here, "others").status_code == 503
    assert web.is_signed_in(there.headers)


@pytest.mark.parametrize("status", [500, 503, 418, 403])
def test_if_ory_fails_midway_the_page_says_what_has_happened(
    local_ory: LocalOry, ory: Ory, cached: None, web: DualClient, status: int
) -> None:
    person = ory.person()
    here, there = person.browser_session(), person.browser_session()
    assert web.is_signed_in(there.headers)
    with local_ory.failing(status, path=f"/sessions/{there.id}"):
        response = end(web, here, there.id)
    assert response.status_code == 503
    assert "hasn't confirmed" in text_of(response)
    assert not web.is_signed_in(there.headers)  # this site refuses it
    assert exists_at_ory(there)
    assert end(web, here, there.id).status_code == 303  # trying again ends it
    assert not exists_at_ory(there)


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"[{}]", b"null", b"\xff", b"[" * 100_000])
def test_a_response_that_is_no_list_of_sessions_is_an_outage(
    local_ory: LocalOry, ory: Ory, cached: None, web: DualClient, body: bytes
) -> None:
    session = ory.person().browser_session()
    assert web.is_signed_in(session.headers)
    with local_ory.failing(200, {"Content-Type": "application/json"}, body, "/sessions"):
        assert web.get(PAGE, headers=session.headers).status_code == 503


def test_a_list_with_another_persons_session_is_an_outage(
    local_ory: LocalOry, ory: Ory, cached: None, web: DualClient
) -> None:
    session, stranger = ory.person().browser_session(), ory.person().browser_session()
    assert web.is_signed_in(session.headers)
    foreign = ory.public("GET", "/sessions/whoami", headers=stranger.headers).body
    with local_ory.failing(200, {"Content-Type": "application/json"}, b"[" + foreign + b"]", "/sessions"):
        page = web.get(PAGE, headers=session.headers)
    assert page.status_code == 503
    assert stranger.id not in page.content.decode()
