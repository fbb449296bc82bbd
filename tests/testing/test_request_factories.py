"""``prepare_request`` and ``ory_login`` with Django's request factories."""

from __future__ import annotations

from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncRequestFactory, RequestFactory, TestCase
from pytest_django import Settings
from rest_framework.permissions import AllowAny
from rest_framework.test import APIRequestFactory

from ory_auth.decorators import ory_optional, ory_required
from ory_auth.rest_framework import AAL2Required
from ory_auth.testing import Ory, OryLogin, OryTestMixin, prepare_request
from ory_auth.types import OryHttpRequest
from tests.project.views import ApiMe

pytestmark = pytest.mark.django_db(transaction=True)


def email(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"email": getattr(request.user, "email", "")})


async def aemail(request: HttpRequest) -> JsonResponse:
    user = await request.auser()
    return JsonResponse({"email": getattr(user, "email", "")})


def test_a_view_gets_the_user(rf: RequestFactory, ory_login: OryLogin) -> None:
    ory_login(rf, email="ada@example.org")
    for guarded in (email, ory_required(email), ory_optional(email), login_required(email)):
        assert b"ada@example.org" in guarded(prepare_request(rf.get("/"))).content


def test_an_async_view_gets_the_user(async_rf: AsyncRequestFactory, ory_login: OryLogin) -> None:
    ory_login(async_rf, email="ada@example.org")
    response = async_to_sync(ory_required(aemail))(prepare_request(async_rf.get("/")))
    assert b"ada@example.org" in response.content


def test_a_token_works_like_a_cookie(rf: RequestFactory, ory: Ory) -> None:
    ada = ory.person("ada@example.org").sign_in()
    assert b"ada@example.org" in ory_required(email)(prepare_request(rf.get("/", headers=ada.headers))).content


def test_without_a_sign_in_the_user_is_anonymous(rf: RequestFactory, ory: Ory) -> None:
    request = prepare_request(rf.get("/orders"))
    assert not request.user.is_authenticated
    assert cast(OryHttpRequest, request).ory_session is None
    response = ory_required(email)(request)
    assert cast(HttpResponse, response).status_code == 302


def test_guards_ask_for_a_second_factor(rf: RequestFactory, ory_login: OryLogin) -> None:
    ada = ory_login(rf)
    guarded = ory_required(aal="aal2")(email)
    assert "aal=aal2" in guarded(prepare_request(rf.get("/")))["Location"]
    ada.step_up()
    assert guarded(prepare_request(rf.get("/"))).status_code == 200


def test_it_is_the_same_request_with_a_session(rf: RequestFactory, ory: Ory) -> None:
    request = rf.get("/")
    assert prepare_request(prepare_request(request)) is request
    request.session["cart"] = 1
    assert request.session["cart"] == 1


def test_it_works_without_djangos_own_middleware(rf: RequestFactory, ory_login: OryLogin, settings: Settings) -> None:
    settings.MIDDLEWARE = ["ory_auth.middleware.OryMiddleware"]
    ory_login(rf, email="ada@example.org")
    request = prepare_request(rf.get("/"))
    assert not hasattr(request, "session")
    assert b"ada@example.org" in ory_required(email)(request).content


def test_a_user_assigned_later_stays(rf: RequestFactory, ory: Ory, django_user_model: Any) -> None:
    request = prepare_request(rf.get("/"))
    request.user = django_user_model(username="bob", email="bob@example.org")
    assert b"bob@example.org" in email(request).content


def test_views_of_djangorestframework_get_the_session(ory_login: OryLogin) -> None:
    factory = APIRequestFactory()
    ada = ory_login(factory)
    view = ApiMe.as_view(permission_classes=[AllowAny])
    answer = cast(Any, view(prepare_request(factory.get("/"))))
    assert answer.data == {"user": str(ada.identity_id), "session": str(ada.session_id)}
    strict = ApiMe.as_view(permission_classes=[AAL2Required])
    answer = cast(Any, strict(prepare_request(factory.get("/"))))
    assert (answer.status_code, answer.data["code"]) == (403, "session_aal2_required")
    ada.step_up()
    assert strict(prepare_request(factory.get("/"))).status_code == 200


class WithUnittest(OryTestMixin, TestCase):
    def test_a_view_gets_the_user(self) -> None:
        factory = RequestFactory()
        self.ory_login(factory, email="ada@example.org")
        assert b"ada@example.org" in ory_required(email)(prepare_request(factory.get("/"))).content
