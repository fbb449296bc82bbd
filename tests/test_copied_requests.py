"""Views that are called with a copy of the request, as batches and previews do."""

from __future__ import annotations

import copy

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ory_auth.decorators import ory_required
from ory_auth.local import LocalOry
from ory_auth.rest_framework import OrySessionAuthentication
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.types import User

pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


class Api(APIView):
    authentication_classes = [OrySessionAuthentication]
    permission_classes = [AllowAny]

    def get(self, request: Request) -> Response:
        return Response({"pk": request.user.pk})


def page(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"pk": request.user.pk})


@ory_required
def guarded(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"pk": request.user.pk})


def calls_page(request: HttpRequest) -> HttpResponse:
    return page(copy.copy(request))


def calls_guarded(request: HttpRequest) -> HttpResponse:
    return guarded(copy.copy(request))


def calls_api(request: HttpRequest) -> HttpResponseBase:
    return Api.as_view()(copy.copy(request))


def calls_guarded_as_somebody_else(request: HttpRequest) -> HttpResponse:
    assert request.user.is_authenticated
    copied = copy.copy(request)
    copied.user = User.objects.create(username="somebody else")
    return guarded(copied)


urlpatterns = [
    path("page", calls_page),
    path("guarded", calls_guarded),
    path("api", calls_api),
    path("somebody-else", calls_guarded_as_somebody_else),
]
every_view = pytest.mark.parametrize("path", ["/page", "/guarded", "/api"])


@pytest.mark.promise("A response that used a copy of the request is private")
@every_view
def test_no_cache_serves_the_response_to_another_user(ory: Ory, web: DualClient, path: str) -> None:
    session = ory.person().app_session()
    response = web.get(path, headers=session.headers)
    assert response.json()["pk"] is not None
    assert {"Cookie", "Authorization", "X-Session-Token"} <= {name.strip() for name in response["Vary"].split(",")}
    assert "private" in response["Cache-Control"]


@every_view
def test_an_outage_is_a_503(ory: Ory, web: DualClient, local_ory: LocalOry, path: str) -> None:
    with local_ory.failing(503):
        response = web.get(path, headers={"Cookie": "ory_kratos_session=x"})
    assert (response.status_code, response["Retry-After"]) == (503, "5")


@pytest.mark.promise("A copy of a request does not open a guard for another user")
def test_a_guard_does_not_serve_another_user_of_the_copy(ory: Ory, web: DualClient) -> None:
    assert web.get("/somebody-else", headers=ory.person().app_session().headers).status_code == 403
