"""What operators read of a request: the event, how bad it is, and the facts beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.test import RequestFactory
from pytest_django import Settings

from ory_auth.decorators import ory_required
from ory_auth.local import LocalOry
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.ory import Ory, Session

pytestmark = pytest.mark.django_db

Told = Callable[[], list[tuple[str, str, dict[str, Any]]]]


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Told:
    """Level, event and facts of each line so far; how long it took is another number each time."""
    caplog.set_level(logging.INFO, "ory_auth")

    def lines() -> list[tuple[str, str, dict[str, Any]]]:
        records: list[Any] = [record for record in caplog.records if record.name == "ory_auth"]
        return [(r.levelname, r.ory_event, {k: v for k, v in r.ory_facts.items() if k != "ms"}) for r in records]

    return lines


@pytest.fixture(params=["token", "cookie"])
def session(ory: Ory, request: pytest.FixtureRequest) -> Session:
    made: Session = ory.person().session(request.param)
    return made


def kind(session: Session) -> str:
    return "token" if session.token else "cookie"


def no_database(*_: object) -> None:
    raise OperationalError("the database does not answer")


def test_a_sign_out_names_the_credential_by_its_fingerprint(web: DualClient, session: Session, told: Told) -> None:
    web.post("/auth/logout", headers=session.headers)
    [(level, event, facts)] = told()
    assert (level, event) == ("INFO", "logout")
    assert facts.keys() == {"kind", "credential"}
    assert (facts["kind"], len(facts["credential"])) == (kind(session), 8)


def test_a_sign_out_that_does_not_reach_ory_is_an_error(
    ory: Ory, local_ory: LocalOry, web: DualClient, session: Session, told: Told
) -> None:
    with (
        local_ory.failing(500, path="/self-service/logout/api"),
        local_ory.failing(500, path="/self-service/logout/browser"),
    ):
        web.post("/auth/logout", headers=session.headers)
    assert [(level, event) for level, event, _ in told()] == [("INFO", "logout"), ("ERROR", "unavailable")]
    assert told()[1][2] == {"status": 500, "at": "logout"}


@pytest.mark.parametrize("path", ["/who", "/awho", "/guarded"])
def test_a_person_who_is_not_admitted_is_named_by_identity_id(
    web: DualClient, session: Session, told: Told, path: str
) -> None:
    web.get("/who", headers=session.headers)
    get_user_model().objects.update(is_active=False)
    web.get(path, headers=session.headers)
    assert told() == [("WARNING", "not_admitted", {"identity": session.person.id})]


@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_database_outage_is_logged_with_the_type_of_its_error(
    web: DualClient, session: Session, told: Told, path: str
) -> None:
    with connection.execute_wrapper(no_database):
        assert web.get(path, headers=session.headers).status_code == 503
    assert told() == [("ERROR", "db_unavailable", {"error": "OperationalError"})]


@pytest.mark.parametrize("path", ["/who", "/awho", "/session"])
def test_a_database_outage_is_logged_if_a_django_session_came_too(
    web: DualClient, session: Session, told: Told, path: str
) -> None:
    web.client.force_login(get_user_model().objects.create_superuser("root"))
    if not session.token:
        sign_in(web, session)
    with connection.execute_wrapper(no_database):
        assert web.get(path, headers=session.headers if session.token else {}).status_code == 503
    assert told() == [("ERROR", "db_unavailable", {"error": "OperationalError"})]


TWO = "ory_kratos_session=one; ory_kratos_session=two"


@pytest.mark.parametrize(
    ("headers", "kinds"),
    [
        ({"Cookie": TWO}, "cookie+cookie"),
        ({"Cookie": f"{TWO}; a=b; ory_kratos_session=three"}, "cookie+cookie"),
        ({"Cookie": TWO, "X-Session-Token": "x"}, "token+cookie+cookie"),
        ({"Cookie": "ory_kratos_session=one", "X-Session-Token": "x"}, "token+cookie"),
    ],
)
def test_several_credentials_are_logged_by_their_kinds(
    ory: Ory, web: DualClient, told: Told, headers: dict[str, str], kinds: str
) -> None:
    """Of two session cookies one may be a sibling domain's, which would sign people in as somebody else."""
    web.get("/who", headers=headers)
    assert ("INFO", "multi_credential", {"kinds": kinds}) in told()


@pytest.mark.parametrize("cookie", ["ory_kratos_session=one", "ory_kratos_session=one; ory_kratos_session=one"])
def test_a_repeated_session_cookie_is_one_credential(ory: Ory, web: DualClient, told: Told, cookie: str) -> None:
    web.get("/who", headers={"Cookie": cookie})
    assert [event for _, event, _ in told()] == ["session_gone"]


@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_database_outage_is_logged_if_only_a_django_session_came(
    ory: Ory, web: DualClient, told: Told, path: str
) -> None:
    web.client.force_login(get_user_model().objects.create_superuser("root"))
    with connection.execute_wrapper(no_database):
        assert web.get(path).status_code == 503
    assert told() == [("ERROR", "db_unavailable", {"error": "OperationalError"})]


def test_a_guard_without_the_middleware_says_what_to_add(rf: RequestFactory, settings: Settings) -> None:
    @ory_required
    def view(request: HttpRequest) -> None:
        raise AssertionError

    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if path != "ory_auth.middleware.OryMiddleware"]
    with pytest.raises(ImproperlyConfigured) as error:
        view(rf.get("/"))
    assert str(error.value) == (
        "'ory_auth.middleware.OryMiddleware' is missing from MIDDLEWARE. "
        "Add it directly after 'django.contrib.auth.middleware.AuthenticationMiddleware'."
    )
