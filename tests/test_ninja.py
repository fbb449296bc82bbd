"""django-ninja: ``OryAuth`` on sync and async operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.security import APIKeyHeader
from pytest_django import Settings

from ory_auth.exceptions import AALRequired
from ory_auth.local import LocalOry
from ory_auth.ninja import OryAuth
from ory_auth.types import OrySession
from tests.project import urls
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, Json, User

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class ApiKey(APIKeyHeader):
    """A project's own keys, each with its own user."""

    param_name = "X-Api-Key"

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return User.objects.filter(username=key).first() if key else None


def anonymous(request: HttpRequest) -> AnonymousUser:
    return AnonymousUser()


def seen(request: Any) -> Json:
    session = request.auth if isinstance(request.auth, OrySession) else None
    return {"user": request.user.get_username(), "session": session and str(session.id), "auth": str(request.auth)}


api = NinjaAPI(auth=OryAuth())
own_answers = NinjaAPI(auth=OryAuth(aal="aal2"), urls_namespace="own_answers")


@own_answers.exception_handler(AALRequired)
def refuse(request: HttpRequest, error: AALRequired) -> Any:
    return own_answers.create_response(request, {"mine": error.code}, status=418)


@own_answers.get("me")
def own_me(request: HttpRequest) -> Json:
    return seen(request)


def operation(name: str, **options: Any) -> None:
    """The same operation twice: ``name``, and ``a`` + ``name`` as a coroutine."""

    def sync(request: HttpRequest) -> Json:
        return seen(request)

    async def coroutine(request: HttpRequest) -> Json:
        await request.auser()  # fills request.user
        return seen(request)

    methods = ["GET", "POST", "PUT"]
    api.api_operation(methods, name, operation_id=name, **options)(sync)
    api.api_operation(methods, f"a{name}", operation_id=f"a{name}", **options)(coroutine)


operation("me")
operation("aal2", auth=OryAuth(aal="aal2"))
operation("just-now", auth=OryAuth(max_age=60))
operation("fresh", auth=OryAuth(fresh=True))
operation("open", auth=[*OryAuth(), anonymous])
operation("both", auth=[ApiKey(), *OryAuth(aal="aal2")])


@api.post("exempt")
@csrf_exempt
def exempt(request: HttpRequest) -> Json:
    return seen(request)


@api.get("late", auth=None)
def late(request: HttpRequest) -> Json:
    """Asks without ``OryAuth``."""
    return {"user": request.user.get_username()}


urlpatterns = [path("ninja/", api.urls), path("own/", own_answers.urls), *urls.urlpatterns]

twice = pytest.mark.parametrize("a", ["", "a"], ids=["sync", "async"])


# --- who it is --------------------------------------------------------------------------------------------------------


def by_token(session: Session) -> dict[str, str]:
    return {"X-Session-Token": session.token}


def by_bearer(session: Session) -> dict[str, str]:
    return {"Authorization": f"Bearer {session.token}"}


@twice
@pytest.mark.parametrize("form", [by_token, by_bearer])
@pytest.mark.parametrize("name", ["me", "open"])
def test_a_token_signs_in_with_either_header(
    ory: Ory, web: DualClient, a: str, name: str, form: Callable[[Session], dict[str, str]]
) -> None:
    session = ory.person().app_session()
    response = web.get(f"/ninja/{a}{name}", headers=form(session))
    assert (response.status_code, response.json()["user"]) == (200, session.person.id)
    assert response.json()["session"] == session.id
    assert "private" in response["Cache-Control"]


@twice
def test_the_cookie_signs_in(ory: Ory, web: DualClient, a: str) -> None:
    session = ory.person().browser_session()
    assert web.get(f"/ninja/{a}me", headers=session.headers).json()["user"] == session.person.id


@twice
def test_only_the_first_credential_counts(ory: Ory, web: DualClient, a: str) -> None:
    token, cookie = ory.person().app_session(), ory.person().browser_session()
    response = web.get(f"/ninja/{a}me", headers={**token.headers, **cookie.headers})
    assert response.json()["user"] == token.person.id
    dead = {"X-Session-Token": "ory_st_dead", **cookie.headers}
    assert web.get(f"/ninja/{a}me", headers=dead).status_code == 401


@twice
def test_an_open_operation_without_a_credential_sees_an_anonymous_user(ory: Ory, web: DualClient, a: str) -> None:
    response = web.get(f"/ninja/{a}open")
    assert (response.status_code, response.json()["auth"]) == (200, "AnonymousUser")
    assert "X-Session-Token" in response["Vary"]
    assert "Cache-Control" not in response


@twice
def test_an_ended_session_is_anonymous_in_an_open_operation(ory: Ory, web: DualClient, a: str) -> None:
    session = ory.person().browser_session()
    session.revoke()
    assert web.get(f"/ninja/{a}open", headers=session.headers).json()["auth"] == "AnonymousUser"


# --- 401 --------------------------------------------------------------------------------------------------------------


@twice
@pytest.mark.parametrize("headers", [{}, {"X-Session-Token": "ory_st_dead"}, {"Authorization": "Bearer x"}])
def test_a_visitor_gets_401_with_the_scheme(ory: Ory, web: DualClient, a: str, headers: dict[str, str]) -> None:
    response = web.get(f"/ninja/{a}me", headers=headers)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="ory"')
    assert response["Content-Type"].startswith("application/json")
    assert "Cookie" in response["Vary"]


@twice
def test_a_django_session_is_not_a_credential(ory: Ory, web: DualClient, a: str) -> None:
    web.client.force_login(User.objects.create_superuser("root"))
    assert web.get(f"/ninja/{a}me").status_code == 401
    assert web.get(f"/ninja/{a}open").json()["auth"] == "AnonymousUser"


# --- CSRF -------------------------------------------------------------------------------------------------------------


@pytest.mark.promise("A django-ninja operation needs a CSRF token with the session cookie")
@twice
@pytest.mark.parametrize("name", ["me", "open", "both"])
def test_the_cookie_alone_cannot_write(ory: Ory, csrf_web: DualClient, a: str, name: str) -> None:
    sign_in(csrf_web, ory.person().browser_session())
    response = csrf_web.post(f"/ninja/{a}{name}")
    assert response.status_code == 403
    assert "CSRF" in response.json()["detail"]


@twice
@pytest.mark.parametrize("in_sessions", [False, True], ids=["cookie", "session"])
def test_the_cookie_with_the_csrf_token_can_write(
    ory: Ory, csrf_web: DualClient, settings: Settings, a: str, in_sessions: bool
) -> None:
    settings.CSRF_USE_SESSIONS = in_sessions
    session = ory.person().browser_session()
    sign_in(csrf_web, session)
    page = csrf_web.get("/admin/login/?local=1").content.decode()  # a page with a form
    token = page.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
    response = csrf_web.post(f"/ninja/{a}me", headers={"X-CSRFToken": token})
    assert (response.status_code, response.json()["user"]) == (200, session.person.id)


@twice
def test_the_cookie_alone_can_read(ory: Ory, csrf_web: DualClient, a: str) -> None:
    sign_in(csrf_web, ory.person().browser_session())
    assert csrf_web.get(f"/ninja/{a}me").status_code == 200


@twice
@pytest.mark.parametrize("form", [by_token, by_bearer])
def test_a_token_needs_no_csrf_token(
    ory: Ory, csrf_web: DualClient, a: str, form: Callable[[Session], dict[str, str]]
) -> None:
    assert csrf_web.post(f"/ninja/{a}me", headers=form(ory.person().app_session())).status_code == 200


def test_an_unusable_token_header_does_not_replace_the_csrf_token(ory: Ory, csrf_web: DualClient) -> None:
    sign_in(csrf_web, ory.person().browser_session())
    for header in ({"X-Session-Token": " "}, {"Authorization": "Bearer x"}, {"X-Api-Key": ""}):
        assert csrf_web.post("/ninja/me", headers=header).status_code == 403


def test_an_operation_that_the_project_exempts_needs_no_csrf_token(ory: Ory, csrf_web: DualClient) -> None:
    sign_in(csrf_web, ory.person().browser_session())
    assert csrf_web.post("/ninja/exempt").status_code == 200


# --- 403 --------------------------------------------------------------------------------------------------------------


@twice
@pytest.mark.parametrize("debug", [False, True], ids=["live", "debug"])
@pytest.mark.parametrize("name", ["me", "open", "aal2"])
def test_an_unused_second_factor_is_a_403_with_the_url(
    ory: Ory, web: DualClient, settings: Settings, aal1_session: Session, a: str, name: str, debug: bool
) -> None:
    settings.DEBUG = debug
    response = web.get(f"/ninja/{a}{name}", headers=aal1_session.headers)
    assert (response.status_code, response.json()["code"]) == (403, "session_aal2_required")
    assert response.json()["redirect_browser_to"].startswith(f"{ory.public_url}/self-service/login/browser?aal=aal2&")


@twice
@pytest.mark.parametrize("kind", ["token", "cookie"])
def test_an_operation_that_requires_aal2_refuses_aal1(ory: Ory, web: DualClient, a: str, kind: str) -> None:
    session = ory.person().session(kind)
    response = web.get(f"/ninja/{a}aal2", headers=session.headers)
    assert (response.status_code, response.json()["code"]) == (403, "session_aal2_required")


@twice
def test_an_operation_that_requires_aal2_accepts_aal2(ory: Ory, web: DualClient, aal1_session: Session, a: str) -> None:
    aal1_session.step_up()
    assert web.get(f"/ninja/{a}aal2", headers=aal1_session.headers).status_code == 200


@twice
def test_an_old_sign_in_requires_reauthentication(ory: Ory, local_ory: LocalOry, web: DualClient, a: str) -> None:
    old, new = ory.person().browser_session(), ory.person()
    local_ory.clock.move(2 * 60)
    assert web.get(f"/ninja/{a}just-now", headers=new.browser_session().headers).status_code == 200
    response = web.get(f"/ninja/{a}just-now", headers=old.headers)
    assert (response.status_code, response.json()["code"]) == (403, "session_refresh_required")


@twice
def test_fresh_asks_ory_past_the_cache(ory: Ory, ory_auth: ChangeSettings, web: DualClient, a: str) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    session = ory.person().app_session()
    assert web.get(f"/ninja/{a}fresh", headers=session.headers).status_code == 200
    session.revoke()
    assert web.get(f"/ninja/{a}me", headers=session.headers).status_code == 200
    assert web.get(f"/ninja/{a}fresh", headers=session.headers).status_code == 401


@twice
@pytest.mark.parametrize("debug", [False, True], ids=["live", "debug"])
def test_a_person_who_is_not_admitted_gets_403_with_the_code(
    ory: Ory, web: DualClient, settings: Settings, a: str, debug: bool
) -> None:
    settings.DEBUG = debug
    session = ory.person().app_session()
    web.get(f"/ninja/{a}me", headers=session.headers)
    User.objects.update(is_active=False)
    response = web.get(f"/ninja/{a}open", headers=session.headers)
    assert (response.status_code, response.json()["code"], response.json()["reason"]) == (
        403,
        "not_admitted",
        "not_admitted",
    )


def test_a_custom_exception_handler_comes_first(ory: Ory, web: DualClient) -> None:
    response = web.get("/own/me", headers=ory.person().app_session().headers)
    assert (response.status_code, response.json()) == (418, {"mine": "session_aal2_required"})


# --- two principals ---------------------------------------------------------------------------------------------------


@twice
def test_a_second_factor_counts_only_for_the_credential_that_authenticated(
    ory: Ory, web: DualClient, aal1_session: Session, a: str
) -> None:
    aal1_session.step_up()
    User.objects.create_user("victim")
    with_key = {**aal1_session.headers, "X-Api-Key": "victim"}
    assert web.get(f"/ninja/{a}both", headers=with_key).json()["session"] is None  # the key authenticated
    without = web.get(f"/ninja/{a}both", headers=aal1_session.headers)
    assert without.json()["user"] == aal1_session.person.id


@twice
def test_an_assigned_user_is_not_served_to_another_session(
    ory: Ory, web: DualClient, settings: Settings, a: str
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.test_two_principals.TokensOfTheProject"]
    User.objects.create_user("victim")
    headers = {**ory.person().app_session().headers, "X-Api-User": "victim"}
    response = web.get(f"/ninja/{a}me", headers=headers)
    assert (response.status_code, response.json()["reason"]) == (403, "user_mismatch")


# --- 503 --------------------------------------------------------------------------------------------------------------


@twice
@pytest.mark.parametrize("debug", [False, True], ids=["live", "debug"])
@pytest.mark.parametrize("name", ["me", "open", "aal2", "both"])
def test_an_outage_is_a_503_with_the_code(
    ory: Ory, local_ory: LocalOry, web: DualClient, settings: Settings, a: str, name: str, debug: bool
) -> None:
    settings.DEBUG = debug
    session = ory.person().browser_session()
    with local_ory.failing(500):
        response = web.get(f"/ninja/{a}{name}", headers=session.headers)
    assert (response.status_code, response["Retry-After"], response.json()["code"]) == (503, "5", "ory_unavailable")
    assert "no-store" in response["Cache-Control"]


@twice
def test_requests_without_a_credential_work_while_ory_is_down(
    ory: Ory, local_ory: LocalOry, web: DualClient, a: str
) -> None:
    with local_ory.failing(500):
        assert web.get(f"/ninja/{a}open").status_code == 200
        assert web.get(f"/ninja/{a}me").status_code == 401


# --- OpenAPI ----------------------------------------------------------------------------------------------------------


def test_the_schema_describes_all_three_credentials(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(SESSION_COOKIE_NAME="ory_session_x")
    schema = web.get("/ninja/openapi.json").json()
    schemes = {name: {**scheme, "description": ""} for name, scheme in schema["components"]["securitySchemes"].items()}
    assert schemes == {
        "ApiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": ""},
        "OrySessionToken": {"type": "apiKey", "in": "header", "name": "X-Session-Token", "description": ""},
        "OryCookie": {"type": "apiKey", "in": "cookie", "name": "ory_session_x", "description": ""},
        "OryBearer": {"type": "http", "scheme": "bearer", "description": ""},
    }
    of_ory: list[Json] = [{"OryBearer": []}, {"OryCookie": []}, {"OrySessionToken": []}]
    assert schema["paths"]["/ninja/me"]["get"]["security"] == of_ory
    assert schema["paths"]["/ninja/both"]["get"]["security"] == [{"ApiKey": []}, *of_ory]


@twice
def test_an_impersonated_user_counts_except_for_strict_guards(ory: Ory, web: DualClient, a: str) -> None:
    session = ory.person().browser_session()
    session.set_up_totp()
    sign_in(web, session)
    web.get("/who")
    User.objects.update(is_superuser=True)
    ada = User.objects.create_user("ada")
    web.post("/auth/impersonate", {"user": str(ada.pk), "reason": "Request 4711"})
    assert web.get(f"/ninja/{a}me").json()["user"] == "ada"
    for name in ("aal2", "just-now", "fresh"):
        response = web.get(f"/ninja/{a}{name}")
        assert (response.status_code, response.json()["code"]) == (403, "impersonating")
