"""The errors of the DRF classes: one stable code each, for whatever handles exceptions in the project."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, cast

import pytest
from django.core.mail import EmailMessage
from django.urls import path
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.types import ErrorResponse
from pytest_django import Settings
from rest_framework.exceptions import APIException
from rest_framework.permissions import IsAdminUser
from rest_framework.response import Response
from rest_framework.views import exception_handler

from ory_auth.local import LocalOry
from ory_auth.rest_framework import AAL2Required
from tests.project import urls
from tests.project.views import ApiMe
from tests.support.client import DualClient
from tests.support.ory import Ory, Session
from tests.support.types import User

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

SEEN: list[APIException] = []


def wrapping(exc: Exception, context: Any) -> Response | None:
    """A handler as many projects have it, around DRF's own."""
    response = exception_handler(exc, context)
    if response is not None and isinstance(response.data, dict):
        response.data = {"status": response.status_code, "error": response.data}
    return response


def noting(exc: Exception, context: Any) -> Response | None:
    if isinstance(exc, APIException):
        SEEN.append(exc)
    return exception_handler(exc, context)


class WithExtra(ExceptionFormatter):
    """The recipe of the documentation."""

    def format_error_response(self, error_response: ErrorResponse) -> Any:
        return {**super().format_error_response(error_response), **getattr(self.exc, "extra", {})}


urlpatterns = [
    path("api/strict", ApiMe.as_view(permission_classes=[AAL2Required])),
    path("api/composed", ApiMe.as_view(permission_classes=[IsAdminUser | AAL2Required])),
    *urls.urlpatterns,
]


@pytest.fixture
def use(settings: Settings) -> Any:
    """Let the project handle exceptions in another way."""
    SEEN.clear()
    before = settings.__dict__.get("REST_FRAMEWORK", {})
    return lambda handler: setattr(settings, "REST_FRAMEWORK", {**before, "EXCEPTION_HANDLER": handler})


Refusal = tuple[str, dict[str, str], str]


@pytest.fixture(params=["missing second factor", "not admitted", "outage", "nobody"])
def refused(request: pytest.FixtureRequest, ory: Ory, web: DualClient) -> Iterator[Refusal]:
    """A path, the headers of a request that is refused there, and the code of that."""
    session = ory.person().app_session()
    match request.param:
        case "missing second factor":
            yield "/api/strict", session.headers, "session_aal2_required"
        case "not admitted":
            web.get("/api/me", headers=session.headers)
            User.objects.update(is_active=False)
            yield "/api/me", session.headers, "not_admitted"
        case "outage":
            if ory.local is None:
                pytest.skip("needs the local Ory")
            with ory.local.failing(500):
                yield "/api/me", session.headers, "ory_unavailable"
        case "nobody":
            yield "/api/me", {}, "not_authenticated"


def test_an_exception_has_one_code(web: DualClient, use: Any, refused: Refusal) -> None:
    path, headers, code = refused
    use(f"{__name__}.noting")
    web.get(path, headers=headers)
    [exception] = SEEN
    assert exception.get_codes() == code
    details = cast(Any, exception.get_full_details())
    assert details["code"] == code
    assert len(details["message"]) > 20


def test_drf_standardized_errors_shows_one_error(web: DualClient, use: Any, refused: Refusal) -> None:
    path, headers, code = refused
    use("drf_standardized_errors.handler.exception_handler")
    web.client.raise_request_exception = False  # that package reports every 5xx as an unhandled exception
    answer = web.get(path, headers=headers)
    [error] = answer.json()["errors"]
    assert (error["code"], error["attr"]) == (code, None)
    assert "session_aal2_required" not in error["detail"]
    expected = {
        "not_authenticated": ("WWW-Authenticate", 'Bearer realm="ory"'),
        "ory_unavailable": ("Retry-After", "5"),
    }
    if code in expected:
        name, value = expected[code]
        assert answer[name] == value


def test_drf_standardized_errors_can_show_the_way_to_the_second_factor(
    ory: Ory, web: DualClient, use: Any, settings: Settings
) -> None:
    settings.DRF_STANDARDIZED_ERRORS = {"EXCEPTION_FORMATTER_CLASS": f"{__name__}.WithExtra"}
    use("drf_standardized_errors.handler.exception_handler")
    body = web.get("/api/strict", headers=ory.person().app_session().headers).json()
    assert body["redirect_browser_to"].startswith(f"{ory.public_url}/self-service/login/browser?aal=aal2&")


@pytest.mark.parametrize("path", ["/api/strict", "/api/composed"])
def test_the_body_of_the_default_handler_is_unchanged(ory: Ory, web: DualClient, path: str) -> None:
    body = web.get(path, headers=ory.person().app_session().headers).json()
    url = body.pop("redirect_browser_to")
    assert body == {"code": "session_aal2_required", "detail": "A second factor is required."}
    assert url.startswith(f"{ory.public_url}/self-service/login/browser?aal=aal2&")


def test_a_wrapper_of_the_default_handler_gets_the_whole_body(ory: Ory, web: DualClient, use: Any) -> None:
    use(f"{__name__}.wrapping")
    body = web.get("/api/strict", headers=ory.person().app_session().headers).json()
    assert body["status"] == 403
    assert body["error"].keys() == {"code", "detail", "redirect_browser_to"}


@pytest.mark.parametrize("path", ["/api/me", "/api/open", "/api/strict"])
def test_an_outage_sends_no_mail(
    ory: Ory,
    local_ory: LocalOry,
    web: DualClient,
    path: str,
    error_mails: list[EmailMessage],
    caplog: pytest.LogCaptureFixture,
) -> None:
    session = ory.person().app_session()
    with local_ory.failing(500):
        for _ in range(3):
            assert web.get(path, headers=session.headers).status_code == 503
    assert error_mails == []
    assert [record for record in caplog.records if record.name == "django.request"] == []


def test_with_debug_the_outage_says_why(ory: Ory, local_ory: LocalOry, web: DualClient, settings: Settings) -> None:
    session = ory.person().app_session()
    settings.DEBUG = True
    with local_ory.failing(500):
        body = web.get("/api/me", headers=session.headers).json()
    assert body["code"] == "ory_unavailable"
    assert "SDK_URL" in body["debug"]["setting"]


def test_an_error_shows_no_credential_and_no_trait(ory: Ory, web: DualClient, use: Any) -> None:
    session: Session = ory.person().app_session()
    use(f"{__name__}.noting")
    logging.getLogger("ory_auth").setLevel("DEBUG")
    web.get("/api/strict", headers=session.headers)
    [exception] = SEEN
    shown = repr(exception) + str(exception) + repr(vars(exception))
    assert session.token not in shown
    assert session.person.email not in shown
