"""``AAL2Required`` in expressions of several permissions, and what the refusal says."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import path
from rest_framework.authentication import BasicAuthentication
from rest_framework.exceptions import NotFound
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from ory_auth.local import LocalOry
from ory_auth.rest_framework import AAL2Required, OrySessionAuthentication
from tests.project import urls
from tests.support.client import DualClient
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, User
from tests.support.types import Response as ClientResponse

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class Yes(BasePermission):
    """Anybody."""


class No(BasePermission):
    """Nobody, and it does not say why."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return False


class NoWithReason(No):
    message = "The shop is closed."
    code = "closed"


class IsReading(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return request.method == "GET"


class IsOwner(BasePermission):
    """Allows the people whom ``?owner=1`` makes the owner."""

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        return bool(request.query_params.get("owner"))


class Delegating(BasePermission):
    """A project's own class, which asks ours."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(AAL2Required().has_permission(request, view))


class Things(GenericAPIView[Any]):
    authentication_classes = [BasicAuthentication, OrySessionAuthentication]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username()})

    post = get


class Thing(Things):
    def get(self, request: Request) -> Response:
        self.check_object_permissions(request, object())
        return super().get(request)


class Hidden(Things):
    permission_classes = [AAL2Required]

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> Any:
        raise NotFound


class ByHand(Things):
    """Refuses by itself, long after all permissions have passed."""

    permission_classes = [AAL2Required | IsAuthenticated]

    def get(self, request: Request) -> Response:
        self.check_object_permissions(request, object())
        self.permission_denied(request, "Not on Sundays.")


AAL2 = AAL2Required
# name → permissions, status without and with a second factor, code of the refusal without one
TABLE: dict[str, tuple[list[Any], int, int, str]] = {
    "alone": ([AAL2], 403, 200, "session_aal2_required"),
    "or-passes": ([AAL2 | IsAuthenticated], 200, 200, ""),
    "or-passes-reflected": ([IsAuthenticated | AAL2], 200, 200, ""),
    "or-fails": ([AAL2 | IsAdminUser], 403, 200, "session_aal2_required"),
    "or-fails-reflected": ([IsAdminUser | AAL2], 403, 200, "session_aal2_required"),
    "and": ([AAL2 & IsAuthenticated], 403, 200, "session_aal2_required"),
    "and-reflected": ([IsAuthenticated & AAL2], 403, 200, "session_aal2_required"),
    "and-fails-for-both": ([AAL2 & No], 403, 403, "session_aal2_required"),
    "and-fails-before": ([No & AAL2], 403, 403, ""),
    "not": ([~AAL2], 200, 403, ""),
    "not-of-or": ([~(AAL2 | IsAuthenticated)], 403, 403, ""),
    "not-of-and": ([~(AAL2 & IsAdminUser)], 200, 200, ""),
    "nested": ([IsAuthenticated & (IsAdminUser | AAL2)], 403, 200, "session_aal2_required"),
    "nested-on-the-left": ([((Yes | No) & AAL2) | IsAdminUser], 403, 200, "session_aal2_required"),
    "nested-and-passes": ([((Yes | No) & AAL2) | IsAuthenticated], 200, 200, ""),
    "in-a-list": ([IsAuthenticated, AAL2, IsAdminUser], 403, 403, "session_aal2_required"),
    "another-fails": ([AAL2 | IsAuthenticated, No], 403, 403, ""),
    "another-fails-with-reason": ([AAL2 | IsAuthenticated, NoWithReason], 403, 403, "closed"),
    "another-fails-before": ([No, AAL2], 403, 403, ""),
    "not-and-another": ([~AAL2 & No], 403, 403, ""),
    "delegating": ([Delegating], 403, 200, "session_aal2_required"),
    "delegating-in-or": ([Delegating | IsAdminUser], 403, 200, "session_aal2_required"),
    "writes": ([IsReading | AAL2], 200, 200, ""),
}
OBJECTS: dict[str, tuple[list[Any], int, int, str]] = {
    "alone": ([AAL2], 403, 200, "session_aal2_required"),
    "or-owner": ([AAL2 | IsOwner], 403, 200, "session_aal2_required"),
    "owner-or": ([IsOwner | AAL2], 403, 200, "session_aal2_required"),
    "and-owner": ([AAL2 & IsOwner], 403, 403, "session_aal2_required"),
    "not": ([~AAL2], 200, 403, ""),
    "another-fails": ([AAL2 | IsAuthenticated, IsOwner], 403, 403, ""),
    "another-fails-reflected": ([AAL2 | IsReading, IsOwner], 403, 403, ""),
    "list": ([AAL2 | IsAuthenticated, AAL2 | IsOwner], 403, 200, "session_aal2_required"),
}
by_name = pytest.mark.parametrize("name", TABLE)
of_objects = pytest.mark.parametrize("name", OBJECTS)

urlpatterns = [
    *(path(f"things/{name}", Things.as_view(permission_classes=row[0])) for name, row in TABLE.items()),
    *(path(f"thing/{name}", Thing.as_view(permission_classes=row[0])) for name, row in OBJECTS.items()),
    path("hidden", Hidden.as_view()),
    path("by-hand", ByHand.as_view()),
    *urls.urlpatterns,
]


@pytest.fixture
def one_factor(ory: Ory) -> Session:
    return ory.person().browser_session()


def code_of(response: ClientResponse) -> str:
    return str(response.json().get("code", ""))


def without_own_code(expected: str) -> str:
    return "" if expected == "closed" else expected  # DRF's handler leaves out the code of other permissions


@by_name
def test_permission_expressions_work(web: DualClient, one_factor: Session, aal2_session: Session, name: str) -> None:
    _, without, with_one, code = TABLE[name]
    response = web.get(f"/things/{name}", headers=one_factor.headers)
    assert (response.status_code, code_of(response)) == (without, without_own_code(code))
    assert ("redirect_browser_to" in response.json()) is (code == "session_aal2_required")
    response = web.get(f"/things/{name}", headers=aal2_session.headers)
    assert (response.status_code, code_of(response)) == (with_one, "")


@of_objects
def test_permission_expressions_work_for_objects(
    web: DualClient, one_factor: Session, aal2_session: Session, name: str
) -> None:
    _, without, with_one, code = OBJECTS[name]
    response = web.get(f"/thing/{name}", headers=one_factor.headers)
    assert (response.status_code, code_of(response)) == (without, code)
    assert web.get(f"/thing/{name}", headers=aal2_session.headers).status_code == with_one


@pytest.mark.parametrize("name", ["or-owner", "owner-or", "list"])
def test_the_owner_of_an_object_needs_no_second_factor_if_either_is_enough(
    web: DualClient, one_factor: Session, name: str
) -> None:
    assert web.get(f"/thing/{name}?owner=1", headers=one_factor.headers).status_code == 200


def test_reading_with_one_factor_and_writing_with_two(ory: Ory, web: DualClient) -> None:
    token = ory.person().app_session().headers
    assert web.get("/things/writes", headers=token).status_code == 200
    response = web.post("/things/writes", headers=token)
    assert (response.status_code, code_of(response)) == (403, "session_aal2_required")


def test_the_refusal_leads_to_the_second_factor_and_back(ory: Ory, web: DualClient, one_factor: Session) -> None:
    response = web.get("/things/or-fails", headers=one_factor.headers).json()
    assert response["redirect_browser_to"].startswith(
        f"{ory.public_url}/self-service/login/browser?aal=aal2&return_to="
    )
    assert response.keys() == {"code", "detail", "redirect_browser_to"}


@by_name
def test_the_expression_decides_about_visitors(ory: Ory, web: DualClient, name: str) -> None:
    passes = {"not", "not-of-or", "not-of-and", "writes"}
    assert web.get(f"/things/{name}").status_code == (200 if name in passes else 401)


def test_a_user_of_another_authenticator_is_not_sent_to_ory(web: DualClient, aal2_session: Session) -> None:
    User.objects.create_user("carl", password="Sleipnir-8-legs")
    basic = {"Authorization": "Basic Y2FybDpTbGVpcG5pci04LWxlZ3M=", **aal2_session.headers}
    assert web.get("/things/or-passes", headers=basic).json() == {"user": "carl"}
    response = web.get("/things/or-fails", headers=basic)
    assert (response.status_code, response.json().keys()) == (403, {"detail"})


def test_a_view_that_refuses_in_its_own_way_still_does(web: DualClient, one_factor: Session) -> None:
    assert web.get("/hidden", headers=one_factor.headers).status_code == 404


def test_a_view_that_refuses_by_itself_gives_its_own_reason(web: DualClient, one_factor: Session) -> None:
    response = web.get("/by-hand", headers=one_factor.headers)
    assert (response.status_code, response.json()) == (403, {"detail": "Not on Sundays."})


def test_without_a_view_it_returns_true_or_false(web: DualClient, one_factor: Session) -> None:
    request = web.get("/things/or-passes", headers=one_factor.headers).renderer_context["request"]  # type: ignore[attr-defined]
    assert AAL2Required().has_permission(request, None) is False


@pytest.mark.parametrize("path", ["/things/or-passes", "/things/not", "/things/nested", "/thing/or-owner?owner=1"])
def test_an_outage_is_a_503_in_every_aal2_check(
    ory: Ory, ory_auth: ChangeSettings, local_ory: LocalOry, web: DualClient, one_factor: Session, path: str
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    assert web.get("/api/me", headers=one_factor.headers).status_code == 200
    with local_ory.failing(500):
        response = web.get(path, headers=one_factor.headers)
    assert (response.status_code, code_of(response), response["Retry-After"]) == (503, "ory_unavailable", "5")
