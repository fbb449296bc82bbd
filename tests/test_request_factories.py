"""Requests that have not passed through the middleware, such as those of a ``RequestFactory``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from django.contrib import admin
from django.contrib.auth import SESSION_KEY, login, logout
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import AsyncRequestFactory, Client, RequestFactory
from django.views import View
from drf_spectacular.plumbing import build_mock_request
from pytest_django import Settings
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.test import APIRequestFactory, force_authenticate

from ory_auth.decorators import ory_optional, ory_required
from ory_auth.mixins import OryRequiredMixin
from ory_auth.request.state import state_of
from ory_auth.rest_framework import AAL2Required, OrySessionAuthentication
from tests.project.views import ApiMe
from tests.support.ory import Ory
from tests.support.types import User

pytestmark = pytest.mark.django_db

HELPER = r"has not passed through 'ory_auth\.middleware\.OryMiddleware'.*ory_auth\.testing\.prepare_request\(request\)"


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page")


async def apage(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page")


class Page(OryRequiredMixin, View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("page")


class AsyncPage(OryRequiredMixin, View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("page")


def middleware_above_ours(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    def middleware(request: HttpRequest) -> HttpResponse:
        state_of(request)
        return get_response(request)

    return middleware


mock_request: Any = build_mock_request


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob")


# --- Django's views ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "view", [ory_required(page), ory_required(aal="aal2")(page), ory_optional(page), Page.as_view(), admin.site.login]
)
def test_the_error_names_the_function_to_call(rf: RequestFactory, view: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=HELPER):
        view(rf.get("/"))


@pytest.mark.parametrize("view", [ory_required(apage), ory_optional(apage), AsyncPage.as_view()])
def test_the_error_of_async_views_names_the_function_to_call(async_rf: AsyncRequestFactory, view: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=HELPER):
        async_to_sync(view)(async_rf.get("/"))


def test_without_the_middleware_in_the_settings_the_error_says_that(rf: RequestFactory, settings: Settings) -> None:
    settings.MIDDLEWARE = []
    with pytest.raises(ImproperlyConfigured, match=r"'ory_auth\.middleware\.OryMiddleware' is missing from MIDDLEWARE"):
        ory_required(page)(rf.get("/"))


def test_the_error_for_early_middleware_names_the_right_order(client: Client, settings: Settings) -> None:
    settings.MIDDLEWARE = [f"{__name__}.middleware_above_ours", *settings.MIDDLEWARE]
    with pytest.raises(ImproperlyConfigured, match=r"move that middleware below OryMiddleware in MIDDLEWARE"):
        client.get("/silent")


def test_djangos_login_and_logout_accept_such_a_request(client: Client, rf: RequestFactory, bob: User) -> None:
    request = rf.get("/")
    request.session = client.session
    login(request, bob, backend="django.contrib.auth.backends.ModelBackend")
    assert request.session[SESSION_KEY] == str(bob.pk)
    logout(request)
    assert SESSION_KEY not in request.session


# --- Django REST framework --------------------------------------------------------------------------------------------


def call(request: Any, *permissions: Any) -> Any:
    return ApiMe.as_view(permission_classes=permissions or [IsAuthenticated])(request)


@pytest.fixture
def arf() -> APIRequestFactory:
    return APIRequestFactory()


def test_a_visitor_gets_401(arf: APIRequestFactory) -> None:
    response = call(arf.get("/"))
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="ory"')
    assert response.data["detail"].code == "not_authenticated"


def test_a_credential_without_the_middleware_counts_for_nothing(ory: Ory, arf: APIRequestFactory) -> None:
    assert call(arf.get("/", headers=ory.person().app_session().headers)).status_code == 401


def test_without_the_middleware_in_the_settings_an_api_says_that_too(
    arf: APIRequestFactory, settings: Settings
) -> None:
    settings.MIDDLEWARE = []
    with pytest.raises(ImproperlyConfigured, match=r"'ory_auth\.middleware\.OryMiddleware' is missing from MIDDLEWARE"):
        call(arf.get("/"))


def test_a_user_that_a_test_assigns_is_accepted(arf: APIRequestFactory, bob: User) -> None:
    request = arf.get("/")
    request.user = bob
    assert call(request).data == {"user": "bob", "session": None}


def test_an_inactive_user_that_a_test_assigns_is_refused(arf: APIRequestFactory, bob: User) -> None:
    request = arf.get("/")
    request.user = bob
    bob.is_active = False
    assert call(request).status_code == 401


@pytest.mark.promise("An assigned user needs a CSRF token")
def test_an_assigned_user_needs_the_csrf_token(bob: User) -> None:
    request = APIRequestFactory(enforce_csrf_checks=True).post("/")
    request.user = bob
    assert call(request).status_code == 403


def test_an_assigned_user_has_no_second_factor(arf: APIRequestFactory, bob: User) -> None:
    request = arf.get("/")
    request.user = bob
    assert call(request, AAL2Required).status_code == 403


def test_force_authenticate_works(arf: APIRequestFactory, bob: User) -> None:
    request = arf.get("/")
    force_authenticate(request, bob)
    assert call(request).data["user"] == "bob"


def test_requests_that_drf_spectacular_makes_have_the_user_who_asked_for_the_schema(
    arf: APIRequestFactory, bob: User
) -> None:
    view = cast(Any, ApiMe.as_view(permission_classes=[AllowAny])).cls()
    original = arf.get("/schema")
    original.user, original.auth = bob, None
    request = mock_request("GET", "/", view, original)
    assert isinstance(request.successful_authenticator, OrySessionAuthentication)
    assert request.user == bob
    assert not mock_request("GET", "/", view, None).user.is_authenticated
