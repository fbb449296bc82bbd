"""Two people in one request: a guard judges the credential that authenticated the user whom the view serves."""

from __future__ import annotations

import base64

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import path
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject
from pytest_django import Settings
from rest_framework.authentication import BaseAuthentication, BasicAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.views import APIView

from ory_auth.models import OryIdentity
from ory_auth.rest_framework import AAL2Required, OrySessionAuthentication
from tests.project import urls, views
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.logs import event_ids
from tests.support.ory import Ory, Session
from tests.support.types import User

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

PASSWORD = "Sleipnir-8-legs"
JSON = {"Accept": "application/json"}
GUARDED = {
    "bare": "/guarded",
    "bare async": "/aguarded",
    "mixin": "/mixin",
    "async mixin": "/amixin",
    "aal": "/aal2",
    "async aal": "/aaal2",
    "class": "/decorated",
    "max_age": "/recent",
    "both": "/recent-aal2",
    "both by mixin": "/strict-mixin",
    "both by async mixin": "/astrict-mixin",
    "fresh": "/fresh",
    "async fresh": "/afresh",
    "fresh by mixin": "/fresh-mixin",
}
guards = pytest.mark.parametrize("guarded", GUARDED.values(), ids=GUARDED)


class TokensOfTheProject(MiddlewareMixin):
    """A project's own API tokens: it assigns the user that the header names."""

    def process_request(self, request: HttpRequest) -> None:
        name = request.headers.get("X-Api-User")
        if name == "nobody":
            request.user = AnonymousUser()
        elif name:
            request.user = User.objects.get(username=name)


class LazyTokensOfTheProject(MiddlewareMixin):
    """The same, as a lazy object, which queries the database when somebody looks."""

    def process_request(self, request: HttpRequest) -> None:
        name = request.headers.get("X-Api-User")
        if name:
            request.user = SimpleLazyObject(lambda: User.objects.get(username=name))  # type: ignore[assignment]


class AsyncTokensOfTheProject(MiddlewareMixin):
    """The same for async views alone."""

    def process_request(self, request: HttpRequest) -> None:
        name = request.headers.get("X-Api-User")
        if name:

            async def auser() -> User:
                return await User.objects.aget(username=name)

            request.auser = auser


class Payments(APIView):
    authentication_classes: list[type[BaseAuthentication]] = [BasicAuthentication, OrySessionAuthentication]
    permission_classes = [IsAuthenticated, AAL2Required]

    get = views.ApiMe.get


class Reassigning(OrySessionAuthentication):
    """A project that puts somebody else into the request after it has authenticated."""


class Impersonating(Payments):
    authentication_classes = [OrySessionAuthentication]

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        request.user = User.objects.get(username="victim")


urlpatterns = [
    path("api/payments", Payments.as_view()),
    path("api/payments-of-the-subclass", Payments.as_view(authentication_classes=[Reassigning])),
    path("api/payments-by-impersonation", Impersonating.as_view()),
    *urls.urlpatterns,
]


@pytest.fixture
def victim() -> User:
    return User.objects.create_user("victim", "victim@example.org", PASSWORD)


@pytest.fixture
def attacker(ory: Ory) -> Session:
    """Somebody who has used a second factor just now, for their own account."""
    session = ory.person().browser_session()
    session.set_up_totp()
    return session


@pytest.fixture(params=[TokensOfTheProject, LazyTokensOfTheProject])
def project_with_tokens(request: pytest.FixtureRequest, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.{request.param.__name__}"]


def basic(name: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()}


# --- views of Django --------------------------------------------------------------------------------------------------


@pytest.mark.promise("An Ory session does not open a guard for another user who was assigned to the request")
@guards
def test_the_attackers_session_opens_no_guard_for_the_victim(
    web: DualClient, victim: User, attacker: Session, project_with_tokens: None, guarded: str
) -> None:
    assert web.get(guarded, headers=attacker.headers).status_code == 200
    response = web.get(guarded, headers={**attacker.headers, **JSON, "X-Api-User": "victim"})
    assert response.status_code == 403
    assert (response.json()["code"], response.json()["reason"]) == ("not_admitted", "user_mismatch")


@guards
def test_a_browser_gets_a_page_and_no_redirect(
    web: DualClient, victim: User, attacker: Session, project_with_tokens: None, guarded: str
) -> None:
    response = web.get(guarded, headers={**attacker.headers, "X-Api-User": "victim"})
    assert (response.status_code, "Location" in response.headers) == (403, False)
    assert response["Content-Type"].startswith("text/html")
    assert b"victim" not in response.content


@guards
def test_the_same_users_row_is_not_another_principal(
    web: DualClient, attacker: Session, project_with_tokens: None, guarded: str
) -> None:
    web.get("/who", headers=attacker.headers)
    own = attacker.person.id
    response = web.get(guarded, headers={**attacker.headers, "X-Api-User": own})
    assert (response.status_code, response.json()["user"]) == (200, own)


@pytest.mark.parametrize("guarded", ["/aguarded", "/amixin", "/aaal2", "/afresh"])
def test_a_user_assigned_only_for_async_views_is_checked_too(
    web: DualClient, victim: User, attacker: Session, settings: Settings, guarded: str
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.AsyncTokensOfTheProject"]
    own = attacker.person.id
    assert web.get(guarded, headers=attacker.headers).json()["user"] == own
    assert web.get(guarded, headers={**attacker.headers, "X-Api-User": own}).json()["user"] == own
    assert web.get(guarded, headers={**attacker.headers, "X-Api-User": "victim"}).status_code == 403


def test_an_assigned_anonymous_user_does_not_pass(web: DualClient, attacker: Session, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.TokensOfTheProject"]
    assert web.get("/guarded", headers={**attacker.headers, "X-Api-User": "nobody"}).status_code == 403


@guards
def test_an_assigned_user_without_an_ory_session_goes_to_sign_in(
    ory: Ory, web: DualClient, victim: User, project_with_tokens: None, guarded: str
) -> None:
    response = web.get(guarded, headers={"X-Api-User": "victim"})
    assert response["Location"].startswith("/auth/login?")


@guards
def test_a_local_sign_in_that_outranks_the_session_goes_to_sign_in(
    web: DualClient, victim: User, attacker: Session, guarded: str
) -> None:
    sign_in(web, attacker)
    web.get(f"/django-login?name=victim&password={PASSWORD}")
    response = web.get(guarded)
    assert response["Location"].startswith("/auth/login?")


def test_the_log_names_the_owner_of_the_session(
    web: DualClient, victim: User, attacker: Session, project_with_tokens: None, caplog: pytest.LogCaptureFixture
) -> None:
    web.get("/who", headers=attacker.headers)
    caplog.clear()
    web.get("/guarded", headers={**attacker.headers, "X-Api-User": "victim"})
    [record] = [record for record in caplog.records if record.name == "ory_auth"]
    assert vars(record)["ory_facts"] == {"identity": attacker.person.id}
    assert event_ids(caplog) == ["user_mismatch"]


# --- Django REST framework --------------------------------------------------------------------------------------------


@pytest.mark.promise("The second factor of one person does not open an API for another")
def test_the_attackers_second_factor_opens_no_api_for_the_victim(
    web: DualClient, victim: User, attacker: Session
) -> None:
    assert web.get("/api/payments", headers=basic("victim")).status_code == 403
    sign_in(web, attacker)
    assert web.get("/api/payments", headers=basic("victim")).status_code == 403
    assert web.get("/api/payments").json()["user"] == attacker.person.id


def test_a_subclass_of_the_authenticator_works(web: DualClient, attacker: Session) -> None:
    response = web.get("/api/payments-of-the-subclass", headers=attacker.headers)
    assert response.json()["user"] == attacker.person.id


def test_a_user_who_was_assigned_after_authentication_is_refused(
    web: DualClient, victim: User, attacker: Session
) -> None:
    assert web.get("/api/payments-by-impersonation", headers=attacker.headers).status_code == 403


def test_the_attackers_session_counts_for_the_attacker_beside_the_victims_local_sign_in(
    web: DualClient, victim: User, attacker: Session
) -> None:
    web.client.force_login(victim)
    response = web.get("/api/payments", headers=attacker.headers)
    assert response.json()["user"] == attacker.person.id
    assert OryIdentity.objects.get().user.username == attacker.person.id
