"""Whom a DRF view serves if somebody else was assigned to ``request.user``, and with other authenticators beside."""

from __future__ import annotations

import base64

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject
from pytest_django import Settings
from rest_framework.authentication import BasicAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ory_auth.rest_framework import AAL2Required, OrySessionAuthentication
from ory_auth.types import OrySession
from tests.project import urls
from tests.support.client import DualClient
from tests.support.ory import Ory, Session
from tests.support.types import User

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

PASSWORD = "Sleipnir-8-legs"


class Impersonate(MiddlewareMixin):
    """As django-impersonate: ``?as=bob`` shows Bob's pages to staff. It reads ``request.user`` first."""

    def process_request(self, request: HttpRequest) -> None:
        name = request.GET.get("as")
        if name in {"nobody", "none"}:
            request.user = AnonymousUser() if name == "nobody" else None  # type: ignore[assignment]
        elif name and request.user.is_authenticated:
            request.user = User.objects.get(username=name)


class ImpersonateLazily(MiddlewareMixin):
    """The same without asking who it is."""

    def process_request(self, request: HttpRequest) -> None:
        if name := request.GET.get("as"):
            request.user = SimpleLazyObject(lambda: User.objects.get(username=name))  # type: ignore[assignment]


class Me(APIView):
    authentication_classes = [OrySessionAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> Response:
        session = request.auth.identity.id if isinstance(request.auth, OrySession) else None
        return Response({"user": request.user.get_username(), "page": request._request.user.username, "auth": session})

    post = get


class Public(APIView):
    """A view that needs no sign-in, and hands the request on to another."""

    authentication_classes = []
    permission_classes = []
    inner = Me.as_view()

    def get(self, request: Request) -> HttpResponse:
        return type(self).inner(request._request)


class ByPassword(Public):
    authentication_classes = [BasicAuthentication]
    permission_classes = [IsAuthenticated]


class Twice(Public):
    authentication_classes = [OrySessionAuthentication]


urlpatterns = [
    path("me", Me.as_view()),
    path("strict", Me.as_view(permission_classes=[AAL2Required])),
    path("public", Public.as_view()),
    path("by-password", ByPassword.as_view()),
    path("twice", Twice.as_view()),
    *urls.urlpatterns,
]


@pytest.fixture(params=[Impersonate, ImpersonateLazily])
def impersonating(request: pytest.FixtureRequest, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.{request.param.__name__}"]


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.org", PASSWORD)


@pytest.fixture
def boss(ory: Ory) -> Session:
    session = ory.person().browser_session()
    session.set_up_totp()
    return session


def test_the_api_serves_the_same_user_as_the_pages(
    web: DualClient, bob: User, boss: Session, impersonating: None
) -> None:
    response = web.get("/me?as=bob", headers=boss.headers).json()
    assert response == {"user": "bob", "page": "bob", "auth": boss.person.id}
    assert web.get("/me", headers=boss.headers).json()["user"] == boss.person.id


@pytest.mark.promise("The second factor of one person does not open an API for another")
def test_the_second_factor_must_belong_to_the_session(
    web: DualClient, bob: User, boss: Session, impersonating: None
) -> None:
    assert web.get("/strict", headers=boss.headers).status_code == 200
    response = web.get("/strict?as=bob", headers=boss.headers)
    assert (response.status_code, response.json().keys()) == (403, {"detail"})


def test_an_inactive_user_cannot_use_the_api(web: DualClient, bob: User, boss: Session, impersonating: None) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert web.get("/me?as=bob", headers=boss.headers).status_code == 401


@pytest.mark.parametrize("name", ["nobody", "none"])
def test_an_assigned_anonymous_user_is_anonymous(web: DualClient, boss: Session, settings: Settings, name: str) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.Impersonate"]
    assert web.get(f"/me?as={name}", headers=boss.headers).status_code == 401


def test_an_assigned_user_alone_is_not_a_credential(ory: Ory, web: DualClient, bob: User, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.ImpersonateLazily"]
    assert web.get("/me?as=bob").status_code == 401


def test_a_write_as_another_user_needs_the_csrf_token(
    web: DualClient, bob: User, boss: Session, impersonating: None
) -> None:
    web.client.handler.enforce_csrf_checks = True
    response = web.post("/me?as=bob", headers=boss.headers)
    assert (response.status_code, "CSRF" in response.json()["detail"]) == (403, True)


def test_authentication_by_another_view_does_not_count(web: DualClient, bob: User, boss: Session) -> None:
    assert web.get("/public", headers=boss.headers).json()["user"] == boss.person.id
    basic = "Basic " + base64.b64encode(f"bob:{PASSWORD}".encode()).decode()
    response = web.get("/by-password", headers={**boss.headers, "Authorization": basic})
    assert response.json()["user"] == boss.person.id


def test_a_nested_view_serves_the_same_user(web: DualClient, bob: User, boss: Session, impersonating: None) -> None:
    assert web.get("/twice?as=bob", headers=boss.headers).json()["user"] == "bob"
    assert web.get("/twice", headers=boss.headers).json()["user"] == boss.person.id
