"""Who may come in, and what those get who may not: a page and its redirect, or JSON and its code."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.urls import path as address
from django.urls import reverse
from pytest_django import Settings

from ory_auth.decorators import ory_required
from ory_auth.local import LocalOry
from ory_auth.ory.flows import FlowKind
from tests.project import views
from tests.support.caches import cache_contents, cache_expiry
from tests.support.client import DualClient
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, Response

pytestmark = pytest.mark.django_db

BARE = ["/guarded", "/aguarded", "/mixin", "/amixin"]
AAL2 = ["/aal2", "/aaal2", "/decorated"]
JSON = {"Accept": "application/json"}
TARGET = "http://testserver"


def challenge(response: Response) -> dict[str, str]:
    """The parameters of the way to Ory's login that an answer shows."""
    url = urlsplit(response["Location"])
    assert url.path == "/self-service/login/browser"
    return {name: values[0] for name, values in parse_qs(url.query).items()}


# --- the bare guard ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", BARE)
def test_a_browser_that_is_not_signed_in_goes_to_login_and_back(ory: Ory, web: DualClient, path: str) -> None:
    response = web.get(f"{path}?page=2&q=%C3%A4")
    assert response.status_code == 302
    assert response["Location"].startswith("/auth/login?")
    assert parse_qs(urlsplit(response["Location"]).query)["next"] == [f"{path}?page=2&q=%C3%A4"]


urlpatterns = [address("guarded", views.guarded)]  # of a project that has not included our pages


@pytest.mark.urls(__name__)
def test_the_projects_login_url_is_used_without_our_pages(ory: Ory, web: DualClient, settings: Settings) -> None:
    settings.LOGIN_URL = "/sign-in"
    assert web.get("/guarded")["Location"] == "/sign-in?next=/guarded"


@pytest.mark.parametrize("path", BARE)
def test_a_program_that_is_not_signed_in_gets_401(ory: Ory, web: DualClient, path: str) -> None:
    response = web.get(path, headers=JSON)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="ory"')
    assert response.json()["code"] == "not_authenticated"


@pytest.mark.parametrize("path", BARE + AAL2)
@pytest.mark.parametrize("headers", [{"X-Session-Token": "ory_st_no"}, {"Authorization": "Bearer ory_st_no"}])
def test_a_client_with_an_invalid_token_gets_401_and_no_redirect(
    ory: Ory, web: DualClient, path: str, headers: dict[str, str]
) -> None:
    assert web.get(path, headers=headers).status_code == 401


ACCEPTS = [
    ("application/json", 401),
    ("application/json, text/html;q=0.9", 401),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 302),
    ("text/html, application/json;q=0.9", 302),
    ("*/*", 302),
    ("image/png", 302),
    ("", 302),
    ("nonsense", 302),
]


@pytest.mark.parametrize(("accept", "status"), ACCEPTS)
def test_a_client_that_prefers_json_gets_no_redirect(ory: Ory, web: DualClient, accept: str, status: int) -> None:
    assert web.get("/guarded", headers={"Accept": accept}).status_code == status


@pytest.mark.parametrize(
    ("referer", "target"),
    [
        ("http://testserver/form?x=1", "http://testserver/form?x=1"),
        ("http://evil.example/form", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_a_submitted_form_leads_back_to_the_page_with_the_form(
    ory: Ory, web: DualClient, referer: str, target: str
) -> None:
    response = web.post("/guarded", headers={"Referer": referer})
    assert parse_qs(urlsplit(response["Location"]).query)["next"] == [target]


GONE = {
    "revoked": lambda session: session.revoke(),
    "inactive": lambda session: session.person.deactivate(),
    "deleted": lambda session: session.person.delete(),
}


@pytest.mark.parametrize("why", GONE)
@pytest.mark.parametrize("kind", ["token", "cookie"])
def test_a_person_without_a_session_at_ory_is_signed_out_here(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, kind: str, why: str
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().session(kind)
    assert web.get("/guarded", headers=session.headers).status_code == 200
    GONE[why](session)
    assert web.get("/who", headers=session.headers).json()["user"] == ""
    assert web.get("/guarded", headers={**session.headers, **JSON}).status_code == 401


@pytest.mark.parametrize("apart", [0, 300, -300])
def test_a_session_ends_by_orys_clock(
    ory: Ory, ory_auth: ChangeSettings, local_ory: LocalOry, web: DualClient, apart: int
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    local_ory.configure(session_lifespan=100)
    local_ory.clock.move(apart)
    session = ory.person().app_session()
    assert web.get("/guarded", headers=session.headers).status_code == 200
    local_ory.clock.move(101)
    assert web.get("/guarded", headers=session.headers).status_code == 401


@pytest.mark.parametrize("apart", [300, -300])
def test_clock_differences_do_not_extend_a_cached_session(
    ory: Ory, ory_auth: ChangeSettings, local_ory: LocalOry, web: DualClient, apart: int
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=3600)
    local_ory.configure(session_lifespan=100)
    local_ory.clock.move(apart)
    session = ory.person().app_session()
    web.get("/guarded", headers=session.headers)
    (ends,) = (end for key, end in cache_expiry().items() if ":ory_auth:s:" in key)
    assert time.time() + 90 < ends <= time.time() + 100


# --- a second factor --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", AAL2)
def test_a_session_with_a_second_factor_passes(web: DualClient, aal2_session: Session, path: str) -> None:
    assert web.get(path, headers=aal2_session.headers).status_code == 200


@pytest.mark.promise("A view that requires a second factor refuses a session without one")
@pytest.mark.parametrize("path", AAL2)
def test_a_browser_without_a_second_factor_goes_to_the_setup_and_back(ory: Ory, web: DualClient, path: str) -> None:
    response = web.get(f"{path}?page=2", headers=ory.person().browser_session().headers)
    assert challenge(response) == {"aal": "aal2", "return_to": f"{TARGET}{path}?page=2"}


@pytest.mark.parametrize("path", AAL2)
@pytest.mark.parametrize("kind", ["token", "cookie"])
def test_a_program_without_a_second_factor_gets_the_code_and_the_url(
    ory: Ory, web: DualClient, path: str, kind: str
) -> None:
    session = ory.person().session(kind)
    response = web.get(path, headers={**session.headers, **JSON})
    assert (response.status_code, response.json()["code"]) == (403, "session_aal2_required")
    assert response.json()["redirect_browser_to"].startswith(ory.public_url + "/self-service/login/browser?aal=aal2&")


@pytest.mark.parametrize("path", BARE + AAL2)
def test_a_browser_with_an_unused_second_factor_steps_up_at_every_guard(
    web: DualClient, aal1_session: Session, path: str
) -> None:
    response = web.get(path, headers=aal1_session.headers)
    assert challenge(response) == {"aal": "aal2", "return_to": TARGET + path}


@pytest.mark.parametrize("path", BARE)
def test_a_program_that_has_to_step_up_gets_the_code_at_every_guard(
    web: DualClient, aal1_session: Session, path: str
) -> None:
    response = web.get(path, headers={**aal1_session.headers, **JSON})
    assert (response.status_code, response.json()["code"]) == (403, "session_aal2_required")


@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_person_who_has_to_step_up_is_anonymous_on_public_pages(
    web: DualClient, aal1_session: Session, path: str
) -> None:
    assert web.get(path, headers=aal1_session.headers).json()["user"] == ""


def test_a_step_up_counts_at_once(web: DualClient, cached: None, aal1_session: Session) -> None:
    assert web.get("/aal2", headers=aal1_session.headers).status_code == 302
    aal1_session.step_up()
    assert web.get("/aal2", headers=aal1_session.headers).status_code == 200


@pytest.mark.promise("Ory is asked again before a cached AAL refuses anyone")
@pytest.mark.parametrize("path", AAL2)
def test_ory_is_asked_again_before_a_cached_aal_refuses_anyone(
    ory: Ory, web: DualClient, cached: None, path: str
) -> None:
    session = ory.person().browser_session()
    asked_with = session.headers
    web.get("/who", headers=asked_with)
    session.set_up_totp()
    assert web.get(path, headers=asked_with).status_code == 200


def test_a_guard_that_the_cache_satisfies_does_not_ask_ory(ory: Ory, web: DualClient, cached: None) -> None:
    session = ory.person().app_session()
    web.get("/who", headers=session.headers)
    session.revoke()
    assert web.get("/guarded", headers=session.headers).status_code == 200


def test_an_invalid_aal_raises_when_the_view_is_created() -> None:
    with pytest.raises(ValueError, match="aal9"):
        ory_required(aal="aal9")


# --- signed in lately -------------------------------------------------------------------------------------------------


def test_a_recent_sign_in_passes(ory: Ory, web: DualClient) -> None:
    assert web.get("/recent", headers=ory.person().app_session().headers).status_code == 200


@pytest.fixture
def long_ago(ory: Ory, local_ory: LocalOry) -> Session:
    """A browser that signed in sixteen minutes ago, as Ory's clock has it."""
    session = ory.person().browser_session()
    local_ory.clock.move(16 * 60)
    return session


@pytest.mark.promise("A view with max_age refuses an older sign-in")
def test_an_old_sign_in_leads_to_reauthentication_and_back(web: DualClient, long_ago: Session) -> None:
    response = web.get("/recent", headers=long_ago.headers)
    assert challenge(response) == {"refresh": "true", "return_to": TARGET + "/recent"}


def test_a_program_that_signed_in_long_ago_gets_the_code(ory: Ory, web: DualClient, long_ago: Session) -> None:
    response = web.get("/recent", headers={**long_ago.headers, **JSON})
    assert (response.status_code, response.json()["code"]) == (403, "session_refresh_required")
    assert "refresh=true" in response.json()["redirect_browser_to"]


def test_fourteen_minutes_are_less_than_fifteen(ory: Ory, local_ory: LocalOry, web: DualClient) -> None:
    session = ory.person().app_session()
    local_ory.clock.move(14 * 60)
    assert web.get("/recent", headers=session.headers).status_code == 200


def _sign_in_again(session: Session) -> None:
    flow = session.get("/self-service/login/browser?refresh=true").json
    person = session.person
    values = {"method": "password", "identifier": person.email, "password": person.password}
    assert session.submit("login", flow, values).status == 200


def test_ory_is_asked_again_before_a_cached_sign_in_time_refuses_anyone(
    web: DualClient, cached: None, long_ago: Session
) -> None:
    asked_with = long_ago.headers
    assert web.get("/recent", headers=asked_with).status_code == 302
    _sign_in_again(long_ago)
    assert web.get("/recent", headers=asked_with).status_code == 200


@pytest.mark.parametrize("apart", [300, -300])
def test_clock_differences_do_not_refuse_a_recent_sign_in(
    ory: Ory, local_ory: LocalOry, web: DualClient, apart: int
) -> None:
    local_ory.clock.move(apart)
    assert web.get("/just-now", headers=ory.person().app_session().headers).status_code == 200


@pytest.mark.parametrize("apart", [300, -300])
def test_clock_differences_do_not_extend_max_age(ory: Ory, local_ory: LocalOry, web: DualClient, apart: int) -> None:
    local_ory.clock.move(apart)
    session = ory.person().app_session()
    local_ory.clock.move(65)
    assert web.get("/just-now", headers=session.headers).status_code == 403


@pytest.mark.parametrize("path", ["/recent-aal2", "/strict-mixin", "/astrict-mixin"])
def test_max_age_with_aal2_counts_from_the_second_factor(
    local_ory: LocalOry, web: DualClient, aal2_session: Session, path: str
) -> None:
    assert web.get(path, headers=aal2_session.headers).status_code == 200
    local_ory.clock.move(16 * 60)
    _sign_in_again(aal2_session)
    response = web.get(path, headers=aal2_session.headers)
    assert challenge(response) == {"aal": "aal2", "refresh": "true", "return_to": TARGET + path}


def test_a_recent_second_factor_is_enough_after_an_old_password(
    local_ory: LocalOry, web: DualClient, aal2_session: Session
) -> None:
    local_ory.clock.move(-16 * 60)
    session = aal2_session.person.browser_session()
    local_ory.clock.move(16 * 60)
    session.step_up()
    assert web.get("/recent-aal2", headers=session.headers).status_code == 200


@pytest.mark.parametrize("path", ["/strict-mixin", "/astrict-mixin"])
def test_a_mixin_requires_what_its_attributes_say(ory: Ory, web: DualClient, path: str) -> None:
    assert challenge(web.get(path, headers=ory.person().browser_session().headers))["aal"] == "aal2"


# --- past the cache ---------------------------------------------------------------------------------------------------


@pytest.mark.promise("A view with fresh=True does not use the cache")
@pytest.mark.parametrize("path", ["/fresh", "/fresh-mixin", "/afresh", "/afresh-mixin"])
def test_fresh_ignores_the_cache(ory: Ory, web: DualClient, cached: None, path: str) -> None:
    session = ory.person().app_session()
    assert web.get("/guarded", headers=session.headers).status_code == 200
    session.revoke()
    assert web.get(path, headers=session.headers).status_code == 401


def test_fresh_bypasses_orys_edge_cache(ory: Ory, local_ory: LocalOry, web: DualClient) -> None:
    web.get("/fresh", headers=ory.person().app_session().headers)
    (asked,) = ory.requests_to()
    assert dict(asked.headers)["cache-control"] == "max-age=0"


# --- while Ory is down ------------------------------------------------------------------------------------------------


@pytest.fixture
def stale(ory_auth: ChangeSettings, local_ory: LocalOry, web: DualClient, aal2_session: Session) -> Iterator[Session]:
    """A session that Ory vouched for a while ago; now Ory is down."""
    ory_auth(SESSION_CACHE_SECONDS=60, STALE_IF_ERROR_SECONDS=600)
    assert web.get("/aal2", headers=aal2_session.headers).status_code == 200
    memory = cache_contents()
    for fresh in [key for key in memory if ":ory_auth:s:" in key]:
        del memory[fresh]
    with local_ory.failing(500):
        yield aal2_session


@pytest.mark.parametrize("path", ["/who", *BARE])
def test_a_stale_session_counts_if_the_setting_allows_it(web: DualClient, stale: Session, path: str) -> None:
    assert web.get(path, headers=stale.headers).status_code == 200


@pytest.mark.promise("A stale session does not pass a guard that requires more than a session")
@pytest.mark.parametrize("path", [*AAL2, "/recent", "/recent-aal2", "/strict-mixin", "/fresh"])
def test_a_stale_session_satisfies_no_strict_guard(web: DualClient, stale: Session, path: str) -> None:
    assert web.get(path, headers=stale.headers).status_code == 503


@pytest.mark.parametrize("path", BARE + AAL2)
def test_a_guard_responds_503_while_ory_is_down(ory: Ory, local_ory: LocalOry, web: DualClient, path: str) -> None:
    session = ory.person().browser_session()
    with local_ory.failing(500):
        response = web.get(path, headers=session.headers)
    assert (response.status_code, response["Retry-After"], response["Cache-Control"]) == (503, "5", "no-store, private")


def test_a_program_gets_json_while_ory_is_down(ory: Ory, local_ory: LocalOry, web: DualClient) -> None:
    session = ory.person().app_session()
    with local_ory.failing(500):
        response = web.get("/guarded", headers=session.headers)
    assert (response.status_code, response.json()["code"]) == (503, "ory_unavailable")


def test_a_cached_aal_does_not_refuse_while_ory_is_down(
    ory: Ory, local_ory: LocalOry, web: DualClient, cached: None
) -> None:
    session = ory.person().browser_session()
    web.get("/who", headers=session.headers)
    with local_ory.failing(500):
        assert web.get("/aal2", headers=session.headers).status_code == 503


# --- not admitted, and what views raise -------------------------------------------------------------------------------


@pytest.mark.promise("A person who is not admitted does not pass a guard")
@pytest.mark.parametrize("path", BARE + AAL2)
def test_a_person_who_is_not_admitted_gets_a_page_and_no_redirect(ory: Ory, web: DualClient, path: str) -> None:
    session = ory.person().browser_session()
    web.get("/who", headers=session.headers)
    get_user_model().objects.update(is_active=False)
    response = web.get(path, headers=session.headers)
    assert (response.status_code, response["Cache-Control"]) == (403, "no-store, private")


@pytest.mark.parametrize("path", BARE)
def test_a_program_that_is_not_admitted_gets_the_code(ory: Ory, web: DualClient, path: str) -> None:
    session = ory.person().app_session()
    web.get("/who", headers=session.headers)
    get_user_model().objects.update(is_active=False)
    response = web.get(path, headers=session.headers)
    assert (response.status_code, response.json()["code"], response.json()["reason"]) == (
        403,
        "not_admitted",
        "not_admitted",
    )


RAISED = [
    ("/raises-aal", {"aal": "aal2"}, "session_aal2_required"),
    ("/araises-aal", {"aal": "aal2"}, "session_aal2_required"),
    ("/raises-refresh", {"refresh": "true"}, "session_refresh_required"),
]


@pytest.mark.parametrize(("path", "asks", "code"), RAISED)
def test_a_view_may_raise_aal_and_reauthentication_errors(
    ory: Ory, web: DualClient, path: str, asks: dict[str, str], code: str
) -> None:
    session = ory.person().browser_session()
    assert challenge(web.get(path, headers=session.headers)) == {**asks, "return_to": TARGET + path}
    response = web.get(path, headers={**session.headers, **JSON})
    assert (response.status_code, response.json()["code"]) == (403, code)


def test_a_view_may_raise_not_admitted(ory: Ory, web: DualClient) -> None:
    session = ory.person().browser_session()
    assert web.get("/raises-not-admitted", headers=session.headers).status_code == 403
    response = web.get("/raises-not-admitted", headers={**session.headers, **JSON})
    assert (response.status_code, response.json()["code"]) == (403, "not_admitted")


# --- our own pages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*(kind.value for kind in FlowKind), "logout", "error", "ready"])
def test_our_own_pages_are_open_behind_login_required_middleware(
    web: DualClient, settings: Settings, name: str
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    page = reverse(f"ory_auth:{name}")
    response = web.post(page) if name == "logout" else web.get(page)
    assert "next=" not in response.headers.get("Location", "")
