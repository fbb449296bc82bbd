"""Django REST framework: ``OrySessionAuthentication`` and ``AAL2Required``."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.db import connection

from ory_auth.local import LocalOry
from tests.support.caches import cache_contents
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, User

pytestmark = pytest.mark.django_db


def forms(session: Session) -> list[dict[str, str]]:
    return [{"X-Session-Token": session.token}, session.bearer]


# --- who it is --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [0, 1], ids=["X-Session-Token", "Bearer"])
@pytest.mark.parametrize("path", ["/api/me", "/api/open"])
def test_a_token_signs_in_with_either_header(ory: Ory, web: DualClient, path: str, form: int) -> None:
    session = ory.person().app_session()
    response = web.get(path, headers=forms(session)[form])
    assert response.json() == {"user": session.person.id, "session": session.id}


def test_the_cookie_signs_in(ory: Ory, web: DualClient) -> None:
    session = ory.person().browser_session()
    assert web.get("/api/me", headers=session.headers).json()["user"] == session.person.id


def test_a_request_without_a_credential_is_anonymous(ory: Ory, web: DualClient) -> None:
    assert web.get("/api/open").json() == {"user": "", "session": None}


def test_a_django_session_is_not_a_credential(ory: Ory, web: DualClient) -> None:
    web.client.force_login(User.objects.create_superuser("root"))
    assert web.get("/api/open").json() == {"user": "", "session": None}
    assert web.get("/api/me").status_code == 401


@pytest.mark.parametrize("header", ["Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer x", "Basic cm9vdDpyb290", "Token 1"])
def test_credentials_of_other_authenticators_are_ignored(ory: Ory, web: DualClient, header: str) -> None:
    assert web.get("/api/open", headers={"Authorization": header}).json()["user"] == ""


def test_a_local_sign_in_that_outranks_the_credential_is_not_a_credential(ory: Ory, web: DualClient) -> None:
    User.objects.create_superuser("root", "root@example.org", "Sleipnir-8-legs")
    sign_in(web, ory.person().browser_session())
    web.get("/django-login?name=root&password=Sleipnir-8-legs")
    assert web.get("/api/open").json() == {"user": "", "session": None}


# --- 401 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/me", "/api/aal2"])
@pytest.mark.parametrize("headers", [{}, {"X-Session-Token": "ory_st_dead"}, {"Cookie": "ory_kratos_session=dead"}])
def test_a_visitor_gets_401_with_the_scheme(
    ory: Ory, web: DualClient, path: str, headers: dict[str, object] | dict[str, str]
) -> None:
    if "Cookie" in headers:
        session = ory.person().browser_session()
        session.revoke()
        headers = session.headers
    response = web.get(path, headers=headers)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="ory"')


# --- CSRF -------------------------------------------------------------------------------------------------------------


@pytest.mark.promise("A Django REST framework view needs a CSRF token with the session cookie")
@pytest.mark.parametrize("path", ["/api/me", "/api/open"])
def test_the_cookie_alone_cannot_write(ory: Ory, csrf_web: DualClient, path: str) -> None:
    sign_in(csrf_web, ory.person().browser_session())
    response = csrf_web.post(path)
    assert response.status_code == 403
    assert "CSRF" in response.json()["detail"]


def test_the_cookie_with_the_csrf_token_can_write(ory: Ory, csrf_web: DualClient) -> None:
    sign_in(csrf_web, ory.person().browser_session())
    csrf_web.get("/admin/login/?local=1")
    response = csrf_web.post("/api/me", headers={"X-CSRFToken": csrf_web.cookies["csrftoken"].value})
    assert response.status_code == 200


def test_the_cookie_alone_can_read(ory: Ory, csrf_web: DualClient) -> None:
    sign_in(csrf_web, ory.person().browser_session())
    assert csrf_web.get("/api/me").status_code == 200


@pytest.mark.parametrize("form", [0, 1], ids=["X-Session-Token", "Bearer"])
def test_a_token_needs_no_csrf_token(ory: Ory, csrf_web: DualClient, form: int) -> None:
    assert csrf_web.post("/api/me", headers=forms(ory.person().app_session())[form]).status_code == 200


def test_a_django_session_alone_cannot_write(ory: Ory, csrf_web: DualClient) -> None:
    csrf_web.client.force_login(User.objects.create_superuser("root"))
    assert csrf_web.post("/api/me").status_code == 401


# --- 403 --------------------------------------------------------------------------------------------------------------


def test_a_person_who_is_not_admitted_gets_403_with_the_code(ory: Ory, web: DualClient) -> None:
    session = ory.person().app_session()
    web.get("/api/me", headers=session.headers)
    User.objects.update(is_active=False)
    response = web.get("/api/open", headers=session.headers)
    assert (response.status_code, response.json()["code"], response.json()["reason"]) == (
        403,
        "not_admitted",
        "not_admitted",
    )


@pytest.mark.parametrize("path", ["/api/me", "/api/open", "/api/aal2"])
def test_an_unused_second_factor_is_a_403_with_the_url(
    ory: Ory, web: DualClient, aal1_session: Session, path: str
) -> None:
    response = web.get(path, headers=aal1_session.headers)
    assert (response.status_code, response.json()["code"]) == (403, "session_aal2_required")
    assert response.json()["redirect_browser_to"].startswith(f"{ory.public_url}/self-service/login/browser?aal=aal2&")


@pytest.mark.parametrize("kind", ["token", "cookie"])
def test_a_view_that_requires_aal2_refuses_aal1(ory: Ory, web: DualClient, kind: str) -> None:
    response = web.get("/api/aal2", headers=ory.person().session(kind).headers)
    assert (response.status_code, response.json()["code"]) == (403, "session_aal2_required")


def test_a_view_that_requires_aal2_accepts_aal2(ory: Ory, web: DualClient, aal1_session: Session) -> None:
    aal1_session.step_up()
    assert web.get("/api/aal2", headers=aal1_session.headers).status_code == 200


def test_ory_is_asked_again_before_a_cached_aal_refuses_anyone(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    session = ory.person().browser_session()
    asked_with = session.headers
    web.get("/api/me", headers=asked_with)
    session.set_up_totp()
    assert web.get("/api/aal2", headers=asked_with).status_code == 200


@pytest.mark.promise("A stale session has no second factor")
def test_a_stale_session_does_not_satisfy_aal2(
    ory: Ory, ory_auth: ChangeSettings, local_ory: LocalOry, web: DualClient, aal1_session: Session
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60, STALE_IF_ERROR_SECONDS=600)
    aal1_session.step_up()
    web.get("/api/aal2", headers=aal1_session.headers)
    memory = cache_contents()
    for fresh in [key for key in memory if ":ory_auth:s:" in key]:
        del memory[fresh]
    with local_ory.failing(500):
        assert web.get("/api/me", headers=aal1_session.headers).status_code == 200
        assert web.get("/api/aal2", headers=aal1_session.headers).status_code == 503


# --- 503 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/me", "/api/open", "/api/aal2"])
def test_an_outage_is_a_503_with_the_code(ory: Ory, local_ory: LocalOry, web: DualClient, path: str) -> None:
    session = ory.person().app_session()
    with local_ory.failing(500):
        response = web.get(path, headers=session.headers)
    assert (response.status_code, response["Retry-After"], response.json()["code"]) == (503, "5", "ory_unavailable")
    assert "no-store" in response["Cache-Control"]


def test_orys_retry_after_is_passed_on(ory: Ory, local_ory: LocalOry, web: DualClient) -> None:
    session = ory.person().app_session()
    with local_ory.failing(429, {"Retry-After": "42"}):
        response = web.get("/api/me", headers=session.headers)
    assert (response.status_code, int(response["Retry-After"]) in range(40, 50)) == (503, True)


def test_requests_without_a_credential_work_while_ory_is_down(ory: Ory, local_ory: LocalOry, web: DualClient) -> None:
    with local_ory.failing(500):
        assert web.get("/api/open").status_code == 200
        assert web.get("/api/me").status_code == 401


def test_a_missing_table_is_a_503(ory: Ory, web: DualClient) -> None:
    connection.cursor().execute("ALTER TABLE ory_auth_oryidentity RENAME TO gone")
    response = web.get("/api/open", headers=ory.person().app_session().headers)
    assert (response.status_code, response["Retry-After"]) == (503, "300")


# --- optional ---------------------------------------------------------------------------------------------------------

ALONE = """
import importlib, pathlib, sys
sys.modules["rest_framework"] = None  # importing it fails
import django
from django.conf import settings
settings.configure(
    SECRET_KEY="x",
    INSTALLED_APPS=["ory_auth", "django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes",
                    "django.contrib.sessions", "django.contrib.messages"],
    ORY_AUTH={"SDK_URL": "http://127.0.0.1:1"},
)
django.setup()
package = pathlib.Path(importlib.import_module("ory_auth").__file__).parent
for path in package.rglob("*.py"):
    name = ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
    if name not in {"ory_auth.rest_framework", "ory_auth.drf_spectacular"} and "migrations" not in name:
        importlib.import_module(name)
"""


def test_the_rest_of_the_package_does_not_import_rest_framework() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
