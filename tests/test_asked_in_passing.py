"""Middleware that asks who it is before any view does: what it is told in an outage, and what that costs operators."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import wraps
from types import FunctionType
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.core.mail import EmailMessage
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.decorators import method_decorator
from django.utils.deprecation import MiddlewareMixin
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from pytest_django import Settings

from ory_auth.decorators import ory_optional, ory_required
from ory_auth.exceptions import OryUnavailable
from ory_auth.types import OryHttpRequest
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.types import ChangeSettings

from .project import urls as project

pytestmark = pytest.mark.urls(__name__)

SOMEBODY = {"Cookie": "ory_kratos_session=x"}
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"

GetResponse = Callable[[HttpRequest], Any]
seen: list[str] = []  # whom each middleware saw


def name_of(user: Any) -> str:
    return str(user.pk) if user.is_authenticated else "nobody"


# --- middleware that asks in each way that there is


class Plain:
    """As django-auditlog: sync only, and asks in a static method."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    @staticmethod
    def look(request: HttpRequest) -> None:
        seen.append(name_of(request.user))

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.look(request)
        response: HttpResponse = self.get_response(request)
        return response


class Inherited(Plain):
    """A project's own subclass of a listed class."""

    @staticmethod
    def look(request: HttpRequest) -> None:
        seen.append(name_of(request.user))


class AfterTheView(Plain):
    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        self.look(request)
        return response


class BothWorlds:
    """As django-structlog: async where the project is, and asks in a thread."""

    sync_capable = async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def look(self, request: HttpRequest) -> None:
        seen.append(name_of(request.user))

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self.__acall__(request)
        self.look(request)
        return self.get_response(request)

    async def __acall__(self, request: HttpRequest) -> Any:
        await sync_to_async(self.look)(request)
        return await self.get_response(request)


class Awaiting(BothWorlds):
    """Asks with ``await`` where it can."""

    async def __acall__(self, request: HttpRequest) -> Any:
        seen.append(name_of(await request.auser()))
        return await self.get_response(request)


class WithHooks(MiddlewareMixin):
    def process_request(self, request: HttpRequest) -> None:
        seen.append(name_of(request.user))


class BeforeTheView(Plain):
    def __call__(self, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = self.get_response(request)
        return response

    def process_view(self, request: HttpRequest, *_: object) -> None:
        self.look(request)


def function(get_response: GetResponse) -> GetResponse:
    def middleware(request: HttpRequest) -> HttpResponse:
        seen.append(name_of(request.user))
        response: HttpResponse = get_response(request)
        return response

    return middleware


MIDDLEWARE = ["Plain", "AfterTheView", "BothWorlds", "Awaiting", "WithHooks", "BeforeTheView", "function"]


class HoldsTheUser(Plain):
    """Takes the lazy user, and looks at it only after the view."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        response: HttpResponse = self.get_response(request)
        seen.append(name_of(user))
        return response


class SwapsTheClass(Plain):
    """As django-pghistory."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        base = type(request).__mro__[2]
        request.__class__ = type(base.__name__, (base,), {})
        response: HttpResponse = self.get_response(request)
        return response


class Redirects(Plain):
    """As pretalx: an unknown visitor is redirected to the project's own login page."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            self.look(request)
        except Exception:
            return HttpResponseRedirect("/organisers/login")
        response: HttpResponse = self.get_response(request)
        return response


class Refuses(Redirects):
    status = 403

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            self.look(request)
        except Http404:
            return HttpResponse("not for you", status=404)
        except OryUnavailable:
            return HttpResponse("not for you", status=self.status)
        response: HttpResponse = self.get_response(request)
        return response


class Closes(Refuses):
    status = 504


class HandlesNotFound(Plain):
    """Decides while it handles its own error."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            raise Http404("no such tenant")
        except Http404:
            self.look(request)
        response: HttpResponse = self.get_response(request)
        return response


class ChoosesOtherUrls(Plain):
    """As django-hosts: a later part of the project has other views at the same addresses."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.urlconf = (path("greets", silent),)  # type: ignore[assignment]  # Django takes patterns too
        response: HttpResponse = self.get_response(request)
        return response


def as_middleware(function: Callable[[HttpRequest], None]) -> Callable[[GetResponse], GetResponse]:
    @wraps(function)
    def factory(get_response: GetResponse) -> GetResponse:
        def middleware(request: HttpRequest) -> HttpResponse:
            function(request)
            response: HttpResponse = get_response(request)
            return response

        return middleware

    return factory


@as_middleware
def audit(request: HttpRequest) -> None:
    seen.append(name_of(request.user))


@as_middleware
def gate(request: HttpRequest) -> None:
    seen.append(name_of(request.user))


def make_middleware(names: list[str]) -> Callable[[GetResponse], GetResponse]:
    def factory(get_response: GetResponse) -> GetResponse:
        def middleware(request: HttpRequest) -> HttpResponse:
            names.append(name_of(request.user))
            response: HttpResponse = get_response(request)
            return response

        return middleware

    return factory


made_audit, made_gate = make_middleware(seen), make_middleware([])


# --- views


@ory_optional
def greeting(request: OryHttpRequest) -> HttpResponse:
    return HttpResponse(f"{name_of(request.user)}, {request.ory_unavailable}")


@ory_optional
async def agreeting(request: OryHttpRequest) -> HttpResponse:
    return HttpResponse(f"{name_of(await request.auser())}, {request.ory_unavailable}")


@method_decorator(ory_optional, name="dispatch")
class Greeting(View):
    def get(self, request: OryHttpRequest) -> HttpResponse:
        return HttpResponse(f"{name_of(request.user)}, {request.ory_unavailable}")


@login_required
@ory_optional
def requires_and_greets(request: HttpRequest) -> HttpResponse:
    return HttpResponse("let in")


def silent(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nobody asked")


def is_project_503(request: HttpRequest) -> HttpResponse:
    return HttpResponse("closed for the night", status=503)


def logs(request: HttpRequest) -> HttpResponse:
    logging.getLogger("project").error("something")
    return HttpResponse("logged")


def logs_the_user(request: HttpRequest) -> HttpResponse:
    user = request.user
    logging.getLogger("project").error("here comes %s", user)
    return HttpResponse("let in" if user.is_authenticated else "signed out")


def compares_the_user(request: HttpRequest) -> HttpResponse:
    user = request.user
    logging.getLogger("project").error("here comes %s", user)
    return HttpResponse("let in" if user == AnonymousUser() or str(user) == "AnonymousUser" else "signed out")


def to_login(request: HttpRequest) -> HttpResponse:
    try:
        return HttpResponse(f"hello {request.user}")
    except Exception:
        return HttpResponseRedirect("/auth/login?next=/elsewhere")


def unauthorised(request: HttpRequest) -> HttpResponse:
    try:
        return HttpResponse(f"hello {request.user}")
    except Exception:
        return HttpResponse("who are you?", status=401)


urlpatterns = [
    path("greets", greeting),
    path("agreets", agreeting),
    path("greets-exempt", csrf_exempt(greeting)),
    path("greets-class", Greeting.as_view()),
    path("requires-and-greets", requires_and_greets),
    path("optional-and-guarded", ory_optional(ory_required(silent))),
    path("nothing", silent),
    path("closed", is_project_503),
    path("logs", logs),
    path("logs-the-user", logs_the_user),
    path("compares-the-user", compares_the_user),
    path("to-login", to_login),
    path("unauthorised", unauthorised),
    *project.urlpatterns,
]


@pytest.fixture(autouse=True)
def _nobody_was_seen() -> None:
    seen.clear()


@pytest.fixture
def add(settings: Settings) -> Callable[..., None]:
    """Add middleware of this module, and take the client's after that."""

    def add(*names: str) -> None:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, *(f"{__name__}.{name}" for name in names)]

    return add


@pytest.fixture
def failures() -> Iterator[list[object]]:
    """What error collectors are told of."""
    found: list[object] = []

    def receive(**facts: object) -> None:
        found.append(facts)

    got_request_exception.connect(receive)
    yield found
    got_request_exception.disconnect(receive)


# --- middleware that decides, or that nobody knows


@pytest.mark.parametrize("path", ["/nothing", "/who", "/awho", "/unknown-address"])
@pytest.mark.parametrize("name", MIDDLEWARE)
def test_middleware_that_is_not_listed_gets_503(
    web: DualClient, ory_down: None, add: Callable[..., None], name: str, path: str
) -> None:
    add(name)
    answer = web.get(path, headers=SOMEBODY)
    is_never_called = path == "/unknown-address" and name == "BeforeTheView"
    assert answer.status_code == (404 if is_never_called else 503)
    assert not seen


@pytest.mark.promise("An outage sends no error mail and no exception to error collectors")
@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("path", ["/nothing", "/who", "/awho", "/guarded", "/api/me", "/no-such-thing", "/unknown"])
@pytest.mark.parametrize("name", [*MIDDLEWARE, None])
def test_an_outage_causes_no_error_mail_no_traceback_and_no_collected_exception(
    web: DualClient,
    ory_down: None,
    add: Callable[..., None],
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    error_mails: list[EmailMessage],
    failures: list[object],
    name: str | None,
    path: str,
    debug: bool,
) -> None:
    settings.DEBUG = debug
    if name:
        add(name)
    answers = [web.get(path, headers=SOMEBODY) for _ in range(3)]
    assert {answer.status_code for answer in answers} <= {503, 404, 200}
    assert not error_mails
    assert not failures
    by_django = [r for r in caplog.records if r.name.startswith("django") and r.levelno >= logging.ERROR]
    assert not by_django
    if any(answer.status_code == 503 for answer in answers):
        events = [vars(record)["ory_event"] for record in caplog.records if record.name == "ory_auth"]
        assert events == ["unavailable"] * 3


def test_a_503_of_the_project_is_still_logged(
    web: DualClient, ory_down: None, caplog: pytest.LogCaptureFixture, error_mails: list[EmailMessage]
) -> None:
    assert web.get("/closed", headers=SOMEBODY).status_code == 503
    assert "Service Unavailable: /closed" in caplog.text
    assert len(error_mails) == 1


@pytest.mark.promise("A page that ignored an outage becomes a 503")
@pytest.mark.parametrize("name", ["Redirects", "Refuses"])
@pytest.mark.parametrize("path", ["/nothing", "/who"])
def test_a_response_of_middleware_after_an_outage_never_looks_signed_out(
    web: DualClient, ory_down: None, add: Callable[..., None], name: str, path: str
) -> None:
    add(name)
    assert web.get(path, headers=SOMEBODY).status_code == 503


def test_middleware_may_replace_the_503_with_its_own_server_error(
    web: DualClient, ory_down: None, add: Callable[..., None]
) -> None:
    add("Closes")
    assert web.get("/nothing", headers=SOMEBODY).status_code in {503, 504}


@pytest.mark.parametrize("path", ["/to-login", "/unauthorised"])
def test_a_view_that_treats_an_outage_as_signed_out_gets_503(web: DualClient, ory_down: None, path: str) -> None:
    assert web.get(path, headers=SOMEBODY).status_code == 503


def test_middleware_that_reads_the_user_while_handling_an_error_gets_503(
    web: DualClient, ory_down: None, add: Callable[..., None]
) -> None:
    add("HandlesNotFound")
    assert web.get("/nothing", headers=SOMEBODY).status_code == 503
    assert not seen


# --- middleware that records


@pytest.mark.parametrize(
    ("path", "status", "content"),
    [("/nothing", 200, b"nobody asked"), ("/who", 503, None), ("/awho", 503, None), ("/guarded", 503, None)],
)
@pytest.mark.parametrize("name", MIDDLEWARE)
def test_listed_middleware_sees_an_anonymous_user_and_the_view_gets_503(
    web: DualClient,
    ory_down: None,
    add: Callable[..., None],
    ory_auth: ChangeSettings,
    name: str,
    path: str,
    status: int,
    content: bytes | None,
) -> None:
    add(name)
    ory_auth(RECORDING_MIDDLEWARE=[f"{__name__}.{name}"])
    answer = web.get(path, headers=SOMEBODY)
    assert (answer.status_code, seen) == (status, ["nobody"])
    if content:
        assert answer.content == content


def test_a_subclass_of_listed_middleware_counts_as_listed(
    web: DualClient, ory_down: None, add: Callable[..., None], ory_auth: ChangeSettings
) -> None:
    add("Inherited")
    ory_auth(RECORDING_MIDDLEWARE=[f"{__name__}.Plain"])
    assert web.get("/nothing", headers=SOMEBODY).status_code == 200


@pytest.mark.promise("Middleware that decides gets the outage, even if other middleware only records")
@pytest.mark.parametrize("decider", ["Plain", "BothWorlds", "Awaiting", "AfterTheView", "BeforeTheView", "function"])
@pytest.mark.parametrize("recorder", ["Inherited", "WithHooks"])
def test_listing_one_middleware_does_not_cover_the_middleware_inside_it(
    web: DualClient, ory_down: None, add: Callable[..., None], ory_auth: ChangeSettings, recorder: str, decider: str
) -> None:
    """The one that records is on the stack of everything further in, as that is what it calls."""
    add(recorder, decider)
    ory_auth(RECORDING_MIDDLEWARE=[f"{__name__}.{recorder}"])
    assert web.get("/nothing", headers=SOMEBODY).status_code == 503


@pytest.mark.parametrize(("recorder", "other"), [("audit", "gate"), ("made_audit", "made_gate")])
def test_functions_from_one_decorator_are_listed_one_by_one(
    web: DualClient, ory_down: None, add: Callable[..., None], ory_auth: ChangeSettings, recorder: str, other: str
) -> None:
    """They run the same code."""
    ory_auth(RECORDING_MIDDLEWARE=[f"{__name__}.{recorder}"])
    add(recorder)
    assert web.get("/nothing", headers=SOMEBODY).status_code == 200
    assert seen == ["nobody"]
    add(other)
    assert DualClient(web.kind).get("/nothing", headers=SOMEBODY).status_code == 503


@pytest.mark.django_db
@pytest.mark.parametrize("name", MIDDLEWARE)
def test_listed_middleware_sees_the_user_while_ory_is_up(
    ory: Ory, web: DualClient, add: Callable[..., None], ory_auth: ChangeSettings, name: str
) -> None:
    person = ory.person()
    add(name)
    ory_auth(RECORDING_MIDDLEWARE=[f"{__name__}.{name}"])
    assert web.get("/who", headers=person.app_session().headers).json()["user"] == person.id
    assert seen != ["nobody"]


def test_a_log_handler_sees_an_anonymous_user_and_the_page_is_served(
    web: DualClient, ory_down: None, monkeypatch: pytest.MonkeyPatch, add: Callable[..., None]
) -> None:
    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(name_of(current[0].user))

    current: list[HttpRequest] = []

    def remember(request: HttpRequest) -> HttpResponse:
        current.append(request)
        return logs(request)

    monkeypatch.setattr("tests.test_asked_in_passing.urlpatterns", [path("logs", remember)])
    logger, handler = logging.getLogger("project"), Handler()
    logger.addHandler(handler)
    try:
        answer = web.get("/logs", headers=SOMEBODY)
    finally:
        logger.removeHandler(handler)
    assert (answer.status_code, answer.content, seen) == (200, b"logged", ["nobody"])


@pytest.mark.parametrize("path", ["/logs-the-user", "/compares-the-user"])
def test_a_view_that_logs_before_it_reads_the_user_still_gets_503(
    web: DualClient, ory_down: None, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    assert web.get(path, headers=SOMEBODY).status_code == 503
    assert "here comes AnonymousUser" in caplog.text


@pytest.mark.parametrize("recorder", ["Inherited", "BothWorlds", "WithHooks", "BeforeTheView", "function"])
def test_middleware_that_holds_the_lazy_user_while_others_log_it_still_gets_503(
    web: DualClient, ory_down: None, add: Callable[..., None], ory_auth: ChangeSettings, recorder: str
) -> None:
    add("HoldsTheUser", recorder)
    ory_auth(RECORDING_MIDDLEWARE=[f"{__name__}.{recorder}"])
    assert web.get("/nothing", headers=SOMEBODY).status_code == 503
    assert seen == ["nobody"]


# --- views that only greet


@pytest.mark.parametrize("path", ["/greets", "/agreets", "/greets-exempt", "/greets-class"])
@pytest.mark.parametrize("name", MIDDLEWARE)
def test_an_optional_view_is_served_whatever_middleware_read_before(
    web: DualClient, ory_down: None, add: Callable[..., None], name: str, path: str
) -> None:
    add(name)
    answer = web.get(path, headers=SOMEBODY)
    assert (answer.status_code, answer.content) == (200, b"nobody, True")
    assert seen == ["nobody"]


def test_a_view_that_is_not_optional_is_not_called(web: DualClient, ory_down: None, add: Callable[..., None]) -> None:
    add("Plain", "ChoosesOtherUrls")
    assert web.get("/greets", headers=SOMEBODY).status_code == 503


@pytest.mark.parametrize("path", ["/requires-and-greets", "/optional-and-guarded"])
@pytest.mark.parametrize("name", ["Plain", None])
def test_a_guard_around_or_in_an_optional_view_still_gets_503(
    web: DualClient, ory_down: None, add: Callable[..., None], name: str | None, path: str
) -> None:
    if name:
        add(name)
    assert web.get(path, headers=SOMEBODY).status_code == 503


def test_an_optional_view_guarded_by_login_required_middleware_gets_503(
    web: DualClient, ory_down: None, settings: Settings, add: Callable[..., None]
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
    assert web.get("/greets", headers=SOMEBODY).status_code == 503


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/greets", "/agreets"])
def test_an_optional_view_sees_the_user_that_middleware_has_read(
    ory: Ory, web: DualClient, add: Callable[..., None], path: str
) -> None:
    add("Plain")
    answer = web.get(path, headers=ory.person().app_session().headers)
    assert answer.content.decode() == f"{seen[0]}, False"
    assert seen != ["nobody"]


# --- middleware that gives the request another class


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/session", "/asession"])
def test_a_request_with_a_changed_class_still_has_its_session(
    ory: Ory, web: DualClient, add: Callable[..., None], path: str
) -> None:
    add("SwapsTheClass")
    session = ory.person().app_session()
    assert web.get(path, headers=session.headers).json()["session"] == session.id


def test_an_error_collector_sees_an_anonymous_user_and_the_page_is_served(
    web: DualClient, ory_down: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sentry's SDK reads the user when a view reports something, and swallows what that raises."""
    read_user = FunctionType(name_of.__code__, {"__name__": "sentry_sdk.integrations.django", "str": str})

    def reports(request: HttpRequest) -> HttpResponse:
        return HttpResponse(f"reported {read_user(request.user)}")

    monkeypatch.setattr("tests.test_asked_in_passing.urlpatterns", [path("reports", reports)])
    answer = web.get("/reports", headers=SOMEBODY)
    assert (answer.status_code, answer.content) == (200, b"reported nobody")
