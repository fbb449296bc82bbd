"""What docs/how-to/existing-project.md says about a project that had a sign-in, middleware and tests before.

The ``ory`` fixture is left out where a test needs no Ory: nothing listens at ``SDK_URL`` then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.urls import path
from pytest_django import Settings
from rest_framework.authentication import SessionAuthentication
from rest_framework.test import APIClient

from ory_auth.rest_framework import OrySessionAuthentication
from tests.project import urls
from tests.project.views import ApiMe
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.types import User

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["README.md", "docs/tutorial.md", "docs/reference/installing.md", "docs/how-to/existing-project.md"]
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
OWN = "ory_auth.middleware.OryMiddleware"
MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
OWN_BACKEND = "ory_auth.backends.OryBackend"
PASSWORD = "Ratatosk-9-tree"

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class TeamMiddleware:
    """As many projects have it: it decides by ``request.user`` when the request comes in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        seen = request.user.get_username()
        response = self.get_response(request)
        response["X-Seen"] = seen
        return response


class PermissionBackend(BaseBackend):
    """As django-rules and django-guardian have one: it answers for permissions only."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return bool(user_obj.is_authenticated and perm == "shop.see_event")


@permission_required("shop.see_event", raise_exception=True)
def event(request: HttpRequest) -> HttpResponse:
    return HttpResponse("The event.")


urlpatterns = [
    *urls.urlpatterns,
    path("event", event),
    path("api/both", ApiMe.as_view(authentication_classes=[OrySessionAuthentication, SessionAuthentication])),
    path("api/wrong-order", ApiMe.as_view(authentication_classes=[SessionAuthentication, OrySessionAuthentication])),
]


@pytest.fixture
def user() -> User:
    return User.objects.create_user("grace", password=PASSWORD)


# --- the project's tests


@pytest.mark.parametrize("path", ["/django-guarded", "/who"])
def test_force_login_needs_neither_ory_nor_a_backend_that_checks_passwords(
    user: User, settings: Settings, web: DualClient, path: str
) -> None:
    settings.AUTHENTICATION_BACKENDS = [OWN_BACKEND]
    web.client.force_login(user)
    assert web.get(path).status_code == 200


@pytest.mark.parametrize("backends", [[MODEL_BACKEND, OWN_BACKEND], [OWN_BACKEND, MODEL_BACKEND]])
def test_client_login_works_beside_a_backend_that_checks_passwords(
    user: User, settings: Settings, web: DualClient, backends: list[str]
) -> None:
    settings.AUTHENTICATION_BACKENDS = backends
    assert web.client.login(username="grace", password=PASSWORD)
    assert web.get("/django-guarded").status_code == 200


def test_client_login_fails_without_a_backend_that_checks_passwords(
    user: User, settings: Settings, web: DualClient
) -> None:
    settings.AUTHENTICATION_BACKENDS = [OWN_BACKEND]
    assert not web.client.login(username="grace", password=PASSWORD)


@pytest.mark.parametrize("path", ["/guarded", "/aguarded"])
def test_a_guard_sends_a_user_of_force_login_to_ory(user: User, web: DualClient, path: str) -> None:
    web.client.force_login(user)
    response = web.get(path)
    assert (response.status_code, response["Location"]) == (302, f"/auth/login?next={path}")


def test_a_script_gets_a_401_with_the_projects_own_sign_in_page(settings: Settings, web: DualClient) -> None:
    settings.LOGIN_URL = "/own-sign-in"
    assert web.get("/django-guarded")["Location"] == "/own-sign-in?next=/django-guarded"
    response = web.get("/django-guarded", headers={"X-Requested-With": "XMLHttpRequest"})
    assert response.status_code == 401
    assert response.json()["redirect_browser_to"].startswith("http://testserver/own-sign-in?next=")


def test_force_authenticate_works_in_an_api(user: User) -> None:
    client = APIClient()
    client.force_authenticate(user)
    assert client.get("/api/me").json()["user"] == "grace"


def test_an_api_for_ory_sessions_ignores_force_login(user: User) -> None:
    client = APIClient()
    client.force_login(user)
    assert client.get("/api/me").status_code == 401


def test_an_api_for_django_sessions_too_accepts_force_login(user: User) -> None:
    client = APIClient()
    client.force_login(user)
    assert client.get("/api/both").json()["user"] == "grace"


def test_an_api_for_django_sessions_too_accepts_tokens(ory: Ory) -> None:
    session = ory.person().app_session()
    client = APIClient(enforce_csrf_checks=True)
    answer = client.post("/api/both", headers=session.bearer)
    assert answer.json()["session"] == session.id


def test_djangos_sessions_before_orys_refuse_tokens(ory: Ory) -> None:
    headers = ory.person().app_session().bearer
    assert APIClient(enforce_csrf_checks=True).post("/api/wrong-order", headers=headers).status_code == 403


# --- middleware and backends


def test_middleware_after_ours_sees_the_user(ory: Ory, settings: Settings, web: DualClient) -> None:
    at = settings.MIDDLEWARE.index(OWN) + 1
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:at], f"{__name__}.TeamMiddleware", *settings.MIDDLEWARE[at:]]
    session = ory.person().browser_session()
    assert web.get("/silent", headers=session.headers)["X-Seen"] == session.person.id


def test_a_permission_backend_works_for_ory_users(ory: Ory, settings: Settings, web: DualClient) -> None:
    headers = ory.person().browser_session().headers
    assert web.get("/event", headers=headers).status_code == 403
    settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, f"{__name__}.PermissionBackend"]
    assert web.get("/event", headers=headers).status_code == 200


def recipes(page: str) -> Iterator[str]:
    """The code of this page that changes ``MIDDLEWARE`` or ``INSTALLED_APPS``."""
    for code in re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL):
        if OWN in code:
            yield code


@pytest.mark.parametrize("kind", [list, tuple])
@pytest.mark.parametrize("page", PAGES)
def test_the_documented_recipe_puts_the_middleware_directly_after_djangos(page: str, kind: type) -> None:
    [code] = recipes(page)
    names: dict[str, Any] = {
        "INSTALLED_APPS": kind(["django.contrib.auth"]),
        "MIDDLEWARE": kind(["a.Before", AUTHENTICATION, "a.TeamMiddleware"]),
    }
    exec(code, names)
    assert names["MIDDLEWARE"] == ["a.Before", AUTHENTICATION, OWN, "a.TeamMiddleware"]
    assert names["INSTALLED_APPS"][:2] == ["django.contrib.auth", "ory_auth"]
