"""While Ory is ory_down: 503 wherever somebody asks who it is, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMessage
from django.db import OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from pytest_django import DjangoAssertNumQueries, Settings

from ory_auth.decorators import ory_optional, ory_required
from ory_auth.exceptions import OryUnavailable
from ory_auth.local import LocalOry
from ory_auth.types import OryHttpRequest
from tests.support.client import DualClient
from tests.support.ory import Ory

from .project import urls as project

SOMEBODY = {"Cookie": "ory_kratos_session=x"}
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"

pytestmark = pytest.mark.urls(__name__)


# --- a project's own views, handlers and middleware


def asks_often(request: OryHttpRequest) -> HttpResponse:
    for _ in range(2):
        str(request.user)
        str(request.ory_session)
    return render(request, "greeting.html")


async def asks_often_async(request: OryHttpRequest) -> HttpResponse:
    await request.auser()
    await request.aory_session()
    return render(request, "greeting.html")


def gives_up_and_asks_again(request: HttpRequest) -> HttpResponse:
    failures = 0
    for _ in range(3):
        try:
            str(request.user)
        except Exception:
            failures += 1
    return HttpResponse(f"{failures} failures")


def names_the_trouble(request: HttpRequest) -> HttpResponse:
    try:
        return HttpResponse(f"hello {request.user}")
    except OryUnavailable as error:
        return HttpResponse(error.event, status=409)


@login_not_required
def greets_in_public(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"hello {request.user}")


@ory_required(fresh=True)
@ory_required(fresh=True)
def twice_fresh(request: HttpRequest) -> HttpResponse:
    return HttpResponse("let in")


def template_response(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(request, "greeting.html")


def forbidden(request: HttpRequest) -> NoReturn:
    raise PermissionDenied


def asks_while_it_handles_a_404(request: HttpRequest) -> HttpResponse:
    try:
        raise Http404
    except Http404:
        return HttpResponse(f"hello {request.user}")


async def asks_while_it_handles_a_404_async(request: HttpRequest) -> HttpResponse:
    try:
        raise Http404
    except Http404:
        return HttpResponse(f"hello {await request.auser()}")


def redirects(request: HttpRequest) -> HttpResponse:
    try:
        return HttpResponse(f"hello {request.user}")
    except Exception:
        return HttpResponse(status=302, headers={"Location": "/elsewhere"})


@ory_optional
@ory_required
def optional_and_guarded(request: HttpRequest) -> HttpResponse:
    return HttpResponse("let in")


@method_decorator(ory_optional, name="dispatch")
class OptionalClass(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "greeting.html")


def greets(request: HttpRequest, status: int) -> HttpResponse:
    return HttpResponse(f"trouble, {request.user}", status=status)


def handler403(request: HttpRequest, exception: Exception) -> HttpResponse:
    return greets(request, 403)


def handler500(request: HttpRequest) -> HttpResponse:
    return greets(request, 500)


def csrf_failure(request: HttpRequest, reason: str) -> HttpResponse:
    return greets(request, 403)


GetResponse = Callable[[HttpRequest], HttpResponse]


def asks_in_a_middleware(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        str(request.user)
        return get_response(request)

    return middleware


def asks_in_a_context_processor(request: HttpRequest) -> dict[str, str]:
    return {"greeting": f"hello {request.user}"}


urlpatterns = [
    path("asks-often", asks_often),
    path("asks-often-async", asks_often_async),
    path("gives-up", gives_up_and_asks_again),
    path("names-trouble", names_the_trouble),
    path("greets-in-public", greets_in_public),
    path("twice-fresh", twice_fresh),
    path("template-response", template_response),
    path("forbidden", forbidden),
    path("handles-404", asks_while_it_handles_a_404),
    path("handles-404-async", asks_while_it_handles_a_404_async),
    path("redirects", redirects),
    path("optional-and-guarded", optional_and_guarded),
    path("optional-class", OptionalClass.as_view()),
    *project.urlpatterns,
]


# --- where it is asked


ASKING = [
    "/",
    "/who",
    "/awho",
    "/session",
    "/asession",
    "/template",
    "/template-response",
    "/swallowing",
    "/django-guarded",
    "/staff-only",
    "/guarded",
    "/aguarded",
    "/aal2",
    "/aaal2",
    "/recent",
    "/fresh",
    "/mixin",
    "/amixin",
    "/hides-trouble",
    "/cached",
    "/admin/",
    "/admin/login/",
    "/api/me",
    "/api/open",
    "/api/aal2",
    "/auth/login",
    "/asks-often",
    "/asks-often-async",
    "/handles-404",
    "/handles-404-async",
]


@pytest.mark.promise("A page that ignored an outage becomes a 503")
@pytest.mark.parametrize("path", ASKING)
def test_a_view_that_reads_the_user_gets_503(web: DualClient, ory_down: None, path: str) -> None:
    response = web.get(path, headers=SOMEBODY)
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "private" in response["Cache-Control"] or path.startswith("/api/")


def test_a_context_processor_that_reads_the_user_gets_503(web: DualClient, ory_down: None, settings: Settings) -> None:
    [engine] = settings.TEMPLATES
    options = {**engine["OPTIONS"], "context_processors": [f"{__name__}.asks_in_a_context_processor"]}
    settings.TEMPLATES = [{**engine, "OPTIONS": options}]
    assert web.get("/template", headers=SOMEBODY).status_code == 503


def test_inner_middleware_that_reads_the_user_gets_503(
    no_raise: DualClient, ory_down: None, settings: Settings
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.asks_in_a_middleware"]
    assert no_raise.get("/silent", headers=SOMEBODY).status_code == 503


@pytest.mark.parametrize("path", ["/who", "/awho", "/guarded", "/aguarded", "/api/me", "/admin/"])
def test_login_required_middleware_gets_503(web: DualClient, ory_down: None, settings: Settings, path: str) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
    assert web.get(path, headers=SOMEBODY).status_code == 503


def test_a_public_view_behind_login_required_middleware_keeps_working(
    web: DualClient, ory_down: None, settings: Settings
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
    assert web.get("/silent", headers=SOMEBODY).content == b"nobody asked"


def test_a_public_view_behind_login_required_middleware_that_greets_gets_503(
    web: DualClient, ory_down: None, settings: Settings
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
    assert web.get("/greets-in-public", headers=SOMEBODY).status_code == 503


def test_a_program_gets_the_503_as_json(web: DualClient, ory_down: None) -> None:
    response = web.get("/who", headers={"X-Session-Token": "ory_st_x"})
    assert (response.status_code, response.json()["code"]) == (503, "ory_unavailable")


def test_the_503_is_not_cacheable(web: DualClient, ory_down: None) -> None:
    response = web.get("/who", headers=SOMEBODY)
    assert {"no-store", "private"} <= set(response["Cache-Control"].split(", "))
    assert "Cookie" in response["Vary"]


@pytest.mark.parametrize("path", ["/who", "/hides-trouble"])
def test_a_custom_503_page_may_read_the_user(
    ory: Ory, web: DualClient, ory_down: None, settings: Settings, path: str
) -> None:
    page = {"ory_auth/unavailable.html": "sorry, {{ user }}, {{ request.ory_session }}"}
    [engine] = settings.TEMPLATES
    options = {**engine["OPTIONS"], "loaders": [("django.template.loaders.locmem.Loader", page)]}
    settings.TEMPLATES = [{**engine, "APP_DIRS": False, "OPTIONS": options}]
    response = web.get(path, headers=SOMEBODY)
    assert (response.status_code, response.content) == (503, b"sorry, AnonymousUser, None")
    assert len(ory.requests_to()) == 1


def test_an_outage_does_not_turn_a_redirect_into_a_503(web: DualClient, ory_down: None) -> None:
    assert web.get("/redirects", headers=SOMEBODY).status_code == 302


def test_the_outage_ends_when_ory_is_back(ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
    session = ory.person().app_session()
    with local_ory.stopped():
        assert web.get("/session", headers=session.headers).status_code == 503
    assert web.session_id(session.headers) == session.id


# --- where it is not asked


def test_a_view_that_does_not_read_the_user_works_without_a_call(
    web: DualClient, local_ory: LocalOry, ory_down: None
) -> None:
    response = web.get("/silent", headers=SOMEBODY)
    assert response.content == b"nobody asked"
    assert "Cache-Control" not in response
    assert not local_ory.requests


@pytest.mark.django_db
@pytest.mark.usefixtures("local_ory")
def test_a_view_that_does_not_read_the_user_costs_no_query(
    ory: Ory, web: DualClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        web.get("/silent", headers={"Cookie": f"sessionid=x; {ory.person().browser_session().cookie}"})
    assert not ory.requests_to()


@pytest.mark.parametrize("path", ["/", "/who", "/awho", "/session", "/template", "/swallowing"])
def test_a_request_without_a_credential_is_not_affected(web: DualClient, ory_down: None, path: str) -> None:
    assert web.get(path).status_code == 200


# --- one outcome for a request


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/asks-often", "/asks-often-async"])
def test_a_request_that_reads_the_user_often_asks_ory_once(
    ory: Ory, web: DualClient, local_ory: LocalOry, path: str
) -> None:
    local_ory.configure(cacheable_sessions=False)
    person = ory.person()
    response = web.get(path, headers=person.app_session().headers)
    assert response.content.decode().strip() == f"hello {person.id}"
    assert len(ory.requests_to()) == 1


def test_a_request_sees_the_same_outage_each_time(ory: Ory, web: DualClient, ory_down: None) -> None:
    assert web.get("/gives-up", headers=SOMEBODY).status_code == 503
    assert len(ory.requests_to()) == 1


@pytest.mark.django_db
@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize(("revoked", "status"), [(False, 200), (True, 401)])
def test_two_fresh_guards_ask_ory_once(ory: Ory, web: DualClient, revoked: bool, status: int) -> None:
    session = ory.person().app_session()
    if revoked:
        session.revoke()
    before = len(ory.requests_to())
    assert web.get("/twice-fresh", headers=session.headers).status_code == status
    assert len(ory.requests_to()) - before == 1


def test_an_outage_is_logged_once(web: DualClient, ory_down: None, caplog: pytest.LogCaptureFixture) -> None:
    web.get("/gives-up", headers=SOMEBODY)
    assert len([record for record in caplog.records if record.name == "ory_auth"]) == 1


# --- views that only greet


@pytest.mark.parametrize("path", ["/greeting", "/agreeting"])
def test_an_optional_view_sees_an_anonymous_user_and_the_reason(web: DualClient, ory_down: None, path: str) -> None:
    assert web.get(path, headers=SOMEBODY).json() == {"user": "", "unavailable": True}


def test_an_optional_view_may_be_a_class(web: DualClient, ory_down: None) -> None:
    assert b"hello AnonymousUser" in web.get("/optional-class", headers=SOMEBODY).content


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/greeting", "/agreeting"])
def test_an_optional_view_sees_users_while_ory_is_up(ory: Ory, web: DualClient, path: str) -> None:
    person = ory.person()
    assert web.get(path, headers=person.app_session().headers).json() == {"user": person.id, "unavailable": False}


def test_a_guard_inside_an_optional_view_still_guards(web: DualClient, ory_down: None) -> None:
    assert web.get("/optional-and-guarded", headers=SOMEBODY).status_code == 503


def test_the_next_request_after_an_optional_one_gets_503(web: DualClient, ory_down: None) -> None:
    web.get("/greeting", headers=SOMEBODY)
    assert web.get("/who", headers=SOMEBODY).status_code == 503


# --- error pages that greet


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/no-such-thing", 404, "not found, AnonymousUser"),
        ("/nowhere", 404, "not found, AnonymousUser"),
        ("/forbidden", 403, "trouble, AnonymousUser"),
        ("/broken", 500, "trouble, AnonymousUser"),
    ],
)
def test_an_error_page_that_reads_the_user_is_anonymous_and_keeps_its_status(
    no_raise: DualClient, ory_down: None, path: str, status: int, text: str
) -> None:
    response = no_raise.get(path, headers=SOMEBODY)
    assert (response.status_code, response.content.decode().strip()) == (status, text)


@pytest.mark.django_db(transaction=True)  # under ASGI Django makes error pages in a thread of its own
@pytest.mark.parametrize("path", ["/no-such-thing", "/nowhere", "/forbidden", "/broken"])
def test_an_error_page_sees_users_while_ory_is_up(ory: Ory, no_raise: DualClient, path: str) -> None:
    person = ory.person()
    assert person.id in no_raise.get(path, headers=person.app_session().headers).content.decode()


def test_a_csrf_failure_page_that_reads_the_user_is_a_503(
    no_raise: DualClient, ory_down: None, settings: Settings
) -> None:
    settings.CSRF_FAILURE_VIEW = f"{__name__}.csrf_failure"
    no_raise.client.handler.enforce_csrf_checks = True
    assert no_raise.post("/remember?cart=1", headers=SOMEBODY).status_code in {403, 503}


@pytest.mark.parametrize(("path", "status", "mails"), [("/broken", 500, 1), ("/who", 503, 0)])
def test_only_an_error_of_the_view_sends_an_error_mail(
    ory: Ory, no_raise: DualClient, ory_down: None, error_mails: list[EmailMessage], path: str, status: int, mails: int
) -> None:
    response = no_raise.get(path, headers=SOMEBODY)
    assert response.status_code == status
    assert [mail.to for mail in error_mails] == [["ops@example.org"]] * mails
    assert len(ory.requests_to()) == 1


# --- the project's own database


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/who", "/awho", "/guarded", "/aguarded", "/api/me", "/django-guarded"])
def test_a_database_outage_is_a_503(ory: Ory, web: DualClient, caplog: pytest.LogCaptureFixture, path: str) -> None:
    session = ory.person().app_session()
    with connection.execute_wrapper(_no_database):
        assert web.get(path, headers=session.headers).status_code == 503
    assert "db_unavailable" in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("also_ory", [False, True], ids=["alone", "beside a token"])
def test_a_view_can_tell_a_database_outage(ory: Ory, web: DualClient, also_ory: bool) -> None:
    headers = ory.person().app_session().headers if also_ory else {}
    web.client.force_login(get_user_model().objects.create_superuser("root"))
    with connection.execute_wrapper(_no_database):
        response = web.get("/names-trouble", headers=headers)
    assert (response.status_code, response.content) == (409, b"db_unavailable")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_known_users_sign_in_on_a_read_only_database(ory: Ory, web: DualClient, path: str) -> None:
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    later = person.app_session()
    with connection.execute_wrapper(_read_only):
        assert web.get(path, headers=later.headers).json()["user"] == person.id


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_new_users_get_503_on_a_read_only_database(ory: Ory, web: DualClient, path: str) -> None:
    session = ory.person().app_session()
    with connection.execute_wrapper(_read_only):
        assert web.get(path, headers=session.headers).status_code == 503
    assert web.get(path, headers=session.headers).status_code == 200


def _no_database(*_: object) -> NoReturn:
    raise OperationalError("the database does not answer")


def _read_only(execute: Callable[..., object], sql: str, *rest: object) -> object:
    if sql.startswith(("INSERT", "UPDATE", "DELETE")):
        raise OperationalError("attempt to write a readonly database")
    return execute(sql, *rest)
