"""DRF's browsable API: its links for logging in and out."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import include, path, reverse
from pytest_django import Settings
from rest_framework.permissions import AllowAny

from tests.project import urls
from tests.project.views import ApiMe
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.ory import Ory

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

urlpatterns = [
    *urls.urlpatterns,
    path("api-auth/", include("ory_auth.urls", namespace="rest_framework")),
    path("api/browse", ApiMe.as_view(permission_classes=[AllowAny])),
]

HTML = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def browsable(settings: Settings) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "rest_framework"]


def test_the_link_for_logging_in_leads_to_ory_and_back(ory: Ory, web: DualClient) -> None:
    found = re.search(r"href='([^']+)'>Log in", web.get("/api/browse", headers=HTML).content.decode())
    assert found is not None
    response = web.get(found[1], headers=HTML)
    assert response["Location"].startswith(f"{ory.public_url}/self-service/login/browser?return_to=")
    assert response["Location"].endswith("%2Fapi%2Fbrowse")


def test_logging_out_ends_the_session_at_ory(ory: Ory, client: Client) -> None:
    session = ory.person().browser_session()
    sign_in(client, session)
    client.handler.enforce_csrf_checks = True
    page = client.get("/api/browse", headers=HTML).content.decode()
    form = re.search(r'action="([^"]+)".*?name="csrfmiddlewaretoken" value="([^"]+)"', page, re.DOTALL)
    assert form is not None
    assert client.post(form[1].replace("&amp;", "&"), {"csrfmiddlewaretoken": form[2]}).status_code == 302
    assert ory.public("GET", "/sessions/whoami", headers=session.headers).status == 401


def test_our_own_pages_are_unchanged() -> None:
    assert reverse("ory_auth:login") == "/auth/login"
