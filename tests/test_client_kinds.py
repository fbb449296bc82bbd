"""Each client that may not go on gets an answer that it can use: a redirect, JSON, or the header that it follows."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_required, permission_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client, RequestFactory
from django.urls import path as route
from django.views import View
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis.strategies import text
from pytest_django import Settings

from ory_auth.decorators import ory_optional, ory_required
from ory_auth.local import LocalOry
from ory_auth.responses.client_kind import kind_from_headers
from ory_auth.types import OryHttpRequest
from tests.project import urls
from tests.support.browser import resolve_like_browser
from tests.support.client import DualClient
from tests.support.cookies import delete_ory_cookie, sign_in
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, Response, User
from tests.test_redirects import EVIL, HOSTILE, SITE

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
PAGE = "http://testserver/orders?page=2#last"  # the page that sends the requests of a script
HTMX = {"HX-Request": "true", "HX-Current-URL": PAGE}
INERTIA = {"X-Inertia": "true", "X-Requested-With": "XMLHttpRequest", "Accept": "text/html, application/xhtml+xml"}
FETCH = {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Referer": PAGE}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
NAVIGATION = {"Accept": BROWSER, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
KINDS = {"htmx": HTMX, "fetch": FETCH, "inertia": INERTIA, "navigation": NAVIGATION}


@login_required
async def async_login_required(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


class Mixin(LoginRequiredMixin, View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("in")


@permission_required("auth.change_user")
def permission(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


@login_required(redirect_field_name="back")
def other_field(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


@ory_optional
@login_required
def greeting_guarded(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


@staff_member_required
def staff_member(request: HttpRequest) -> HttpResponse:
    return HttpResponse("in")


def messages_and_redirects(request: HttpRequest) -> HttpResponseBase:
    messages.info(request, "Sign in first.")
    return login_required(Mixin.as_view())(request)


def redirects_elsewhere(request: HttpRequest) -> HttpResponse:
    """Redirects of the view's own: to a page, and to the login page to come back to another page."""
    str(request.user.pk)
    return HttpResponse(status=302, headers={"Location": request.GET["to"]})


async def async_redirects_elsewhere(request: OryHttpRequest) -> HttpResponse:
    await request.auser()
    return HttpResponse(status=302, headers={"Location": request.GET["to"]})


def redirects_unasked(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/auth/login?next=/unasked")


@ory_required
def guarded_stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"a"]))


urlpatterns = [
    route("async-login-required", async_login_required),
    route("login-required-mixin", Mixin.as_view()),
    route("permission", permission),
    route("other-field", other_field),
    route("greeting-guarded", greeting_guarded),
    route("staff-member", staff_member),
    route("messages", messages_and_redirects),
    route("elsewhere", redirects_elsewhere),
    route("aelsewhere", async_redirects_elsewhere),
    route("unasked", redirects_unasked),
    route("guarded-stream", guarded_stream),
    *urls.urlpatterns,
]

OURS = ["/guarded", "/aguarded", "/mixin", "/amixin", "/guarded-stream"]
DJANGOS = ["/django-guarded", "/async-login-required", "/login-required-mixin", "/permission", "/staff-only"]
ADMIN = ["/admin/", "/second-admin/"]
STEP_UP = ["/aal2", "/aaal2", "/raises-aal", "/araises-aal"]


def next_of(url: str, field: str = "next") -> str:
    """The page to come back to that a login page, or Ory's, is given."""
    [page] = parse_qs(urlsplit(url).query)[field]
    return page


def vary_of(response: Response) -> set[str]:
    return set(response["Vary"].split(", "))


def assert_nothing_stores(response: Response) -> None:
    assert {"no-store", "private"} <= set(response["Cache-Control"].split(", "))


# --- which kind -------------------------------------------------------------------------------------------------------

HEADERS: list[tuple[dict[str, str], str]] = [
    # page loads
    (NAVIGATION, "page"),
    ({"Accept": BROWSER}, "page"),
    ({"Sec-Fetch-Mode": "navigate"}, "page"),
    ({"Sec-Fetch-Dest": "iframe"}, "page"),
    ({**NAVIGATION, "Sec-Fetch-Dest": "frame"}, "page"),
    ({**NAVIGATION, "Sec-Fetch-Dest": "embed"}, "page"),
    ({**NAVIGATION, "Sec-Fetch-Dest": "empty"}, "page"),  # a download; a service worker that passes a navigation on
    ({**NAVIGATION, "Service-Worker-Navigation-Preload": "true"}, "page"),
    ({**NAVIGATION, "Sec-Purpose": "prefetch"}, "page"),
    ({**NAVIGATION, "X-Requested-With": "com.example.app"}, "page"),  # what Android's WebView sends
    # clients that say nothing about themselves
    ({}, "page"),
    ({"Accept": ""}, "page"),
    ({"Accept": "*/*"}, "page"),
    ({"Accept": "nonsense"}, "page"),
    ({"Accept": "image/png"}, "page"),
    ({"Accept": "*/*", "HX-Request": "false"}, "page"),
    ({"Accept": "*/*", "HX-Current-URL": PAGE}, "page"),
    # JSON
    ({"Accept": "application/json"}, "script"),
    ({"Accept": "application/json, text/plain, */*"}, "script"),  # axios
    ({"Accept": "APPLICATION/JSON"}, "script"),
    ({"Accept": "application/vnd.api+json"}, "script"),
    ({"Accept": 'application/vnd.api+json; ext="https://jsonapi.org/ext/atomic"'}, "script"),
    ({"Accept": "application/problem+json"}, "script"),
    ({"Accept": "application/ld+json, */*;q=0.1"}, "script"),
    ({"Accept": "application/*+json"}, "script"),
    ({"Accept": "text/html;q=0.5, application/hal+json"}, "script"),
    ({"Accept": "application/json, text/html"}, "script"),
    ({"Accept": "text/html, application/json"}, "page"),
    ({"Accept": "text/html, application/json;q=0.9"}, "page"),
    ({"Accept": "application/json;q=0.8, */*"}, "page"),
    ({"Accept": "application/json;q=0, */*"}, "page"),
    ({"Accept": "application/xhtml+xml, application/json"}, "page"),
    ({"Accept": "application/jsonp"}, "page"),
    # scripts
    (FETCH, "script"),
    ({"Accept": "*/*", "Sec-Fetch-Dest": "empty"}, "script"),
    ({"Accept": "*/*", "Sec-Fetch-Mode": "cors"}, "script"),
    ({"Accept": "*/*", "Sec-Fetch-Mode": "same-origin"}, "script"),
    ({"Accept": "*/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty"}, "script"),  # <link rel="prefetch">
    ({"Accept": "*/*", "X-Requested-With": "XMLHttpRequest"}, "script"),
    ({"Accept": "text/event-stream"}, "script"),
    ({"Accept": "text/event-stream", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"}, "script"),
    ({"Accept": "text/html, application/xhtml+xml", "Turbo-Frame": "cart"}, "script"),
    ({"Accept": "text/html, application/xhtml+xml", "X-Turbo-Request-Id": "1"}, "script"),
    ({"Accept": "text/html", "X-Up-Version": "3.14.3"}, "script"),
    ({"Accept": BROWSER, "Sec-Fetch-Dest": "empty"}, "script"),
    # parts of a page
    ({"Accept": "image/avif,*/*", "Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"}, "script"),
    ({"Accept": "text/css,*/*;q=0.1", "Sec-Fetch-Dest": "style", "Sec-Fetch-Mode": "no-cors"}, "script"),
    ({"Accept": "*/*", "Sec-Fetch-Dest": "script", "Sec-Fetch-Mode": "no-cors"}, "script"),
    ({"Accept": "*/*", "Sec-Fetch-Dest": "serviceworker", "Sec-Fetch-Mode": "same-origin"}, "script"),
    # frameworks with a way of their own
    (HTMX, "htmx"),
    ({**HTMX, "HX-Boosted": "true", "Accept": BROWSER}, "htmx"),
    ({**HTMX, "Accept": "text/html", "Sec-Fetch-Mode": "same-origin", "Sec-Fetch-Dest": "empty"}, "htmx"),
    ({**HTMX, "Accept": "application/json"}, "htmx"),
    (INERTIA, "inertia"),
]


def kind_seen(response: Response) -> str:
    if "HX-Redirect" in response:
        return "htmx"
    if "X-Inertia-Location" in response:
        return "inertia"
    return "page" if "Location" in response else "script"


@pytest.mark.parametrize("path", ["/guarded", "/django-guarded"])
@pytest.mark.parametrize(("headers", "kind"), HEADERS)
def test_the_headers_choose_the_kind_of_refusal(
    ory: Ory, client: Client, path: str, headers: dict[str, str], kind: str
) -> None:
    response = client.get(path, headers=headers)
    assert kind_seen(response) == kind
    assert response.status_code == {"page": 302, "script": 401, "htmx": 401, "inertia": 409}[kind]


@pytest.mark.parametrize(("headers", "kind"), HEADERS)
def test_a_credential_in_a_header_means_a_program(ory: Ory, client: Client, headers: dict[str, str], kind: str) -> None:
    response = client.get("/guarded", headers={**headers, "X-Session-Token": "ory_st_no"})
    assert (response.status_code, kind_seen(response)) == (401, "script")


@pytest.mark.parametrize("value", [*(f"application/json;q=0.{n}," for n in range(1, 4)), "a/json,", "text/html,", ";"])
def test_an_endless_accept_header_is_not_read(ory: Ory, client: Client, value: str) -> None:
    assert client.get("/guarded", headers={"Accept": value * 20_000}).status_code == 302


@pytest.mark.parametrize(
    "value",
    ["text/html; a*=bogus''%41", "a/b; a*=idna''%ff", "a/b; a*=rot13''%41", "a/b; a*='", ";;;", "a/b; q=nan", ",", "/"],
)
def test_an_invalid_accept_header_is_ignored(ory: Ory, client: Client, value: str) -> None:
    assert client.get("/guarded", headers={"Accept": value}).status_code == 302
    assert client.get("/guarded", headers={"Accept": value, "Sec-Fetch-Dest": "empty"}).status_code == 401


@hypothesis_settings(max_examples=300)
@given(accept=text(alphabet="ab/*;,=q.'\"% 1+json\x00\xff\\", max_size=40))
def test_no_accept_header_raises(accept: str) -> None:
    kind_from_headers(RequestFactory().get("/", headers={"Accept": accept}))


# --- not signed in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [*OURS, *DJANGOS])
def test_fetch_gets_401_and_the_url_to_open(ory: Ory, web: DualClient, path: str) -> None:
    response = web.get(path, headers=FETCH)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, 'Bearer realm="ory"')
    assert response["Content-Type"] == "application/json"
    assert "Location" not in response
    body = response.json()
    assert (set(body), body["code"]) == ({"code", "detail", "redirect_browser_to"}, "not_authenticated")
    assert body["redirect_browser_to"].startswith("http://testserver/auth/login?next=")
    assert next_of(body["redirect_browser_to"]) == PAGE
    assert_nothing_stores(response)


@pytest.mark.parametrize("path", [*OURS, *DJANGOS])
def test_htmx_gets_a_redirect_header_to_login_and_back_to_the_page(ory: Ory, web: DualClient, path: str) -> None:
    response = web.get(path, headers=HTMX)
    assert (response.status_code, response.content) == (401, b"")
    assert "Location" not in response
    assert response["HX-Redirect"].startswith("/auth/login?next=")
    assert next_of(response["HX-Redirect"]) == PAGE
    assert_nothing_stores(response)


@pytest.mark.parametrize("path", [*OURS, *DJANGOS])
def test_inertia_gets_409_and_returns_to_the_requested_page(ory: Ory, web: DualClient, path: str) -> None:
    response = web.get(f"{path}?page=3", headers=INERTIA)
    assert response.status_code == 409
    assert response["X-Inertia-Location"].startswith("/auth/login?next=")
    assert next_of(response["X-Inertia-Location"]) == f"{path}?page=3"


@pytest.mark.parametrize("path", [*OURS, *DJANGOS])
def test_a_page_load_gets_a_normal_redirect(ory: Ory, web: DualClient, path: str) -> None:
    response = web.get(f"{path}?page=3", headers=NAVIGATION)
    assert (response.status_code, response["Location"]) == (302, f"/auth/login?next={path}%3Fpage%3D3")


@pytest.mark.parametrize("path", ADMIN)
def test_admin_scripts_get_the_admin_login_page(ory: Ory, web: DualClient, path: str) -> None:
    assert web.get(path, headers=NAVIGATION)["Location"] == f"{path}login/?next={path}"
    assert web.get(path, headers=HTMX)["HX-Redirect"].startswith(f"{path}login/?next=http")
    url = web.get(path, headers=FETCH).json()["redirect_browser_to"]
    assert (url.partition("?")[0], next_of(url)) == (f"http://testserver{path}login/", PAGE)


def test_scripts_of_staff_views_get_the_admin_login_page(ory: Ory, web: DualClient) -> None:
    assert web.get("/staff-member", headers=NAVIGATION)["Location"] == "/admin/login/?next=/staff-member"
    assert web.get("/staff-member", headers=HTMX)["HX-Redirect"].startswith("/admin/login/?next=http")


@pytest.mark.parametrize("kind", KINDS)
def test_login_required_middleware_responds_the_same_way(
    ory: Ory, web: DualClient, settings: Settings, kind: str
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOGIN_REQUIRED]
    responses = [web.get(path, headers=KINDS[kind]) for path in ("/who", "/awho", "/guarded")]
    assert {kind_seen(response) for response in responses} == {
        {"fetch": "script", "navigation": "page"}.get(kind, kind)
    }
    assert web.get("/silent", headers=KINDS[kind]).status_code == 200


def test_a_boosted_link_returns_to_its_page(ory: Ory, web: DualClient) -> None:
    response = web.get("/guarded?page=3", headers={**HTMX, "HX-Boosted": "true"})
    assert next_of(response["HX-Redirect"]) == "/guarded?page=3"
    response = web.post("/guarded", headers={**HTMX, "HX-Boosted": "true"})
    assert next_of(response["HX-Redirect"]) == PAGE


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/guarded", "/django-guarded"])
def test_unsafe_methods_are_refused_in_the_same_way(ory: Ory, client: Client, path: str, method: str) -> None:
    assert next_of(getattr(client, method)(path, headers=HTMX)["HX-Redirect"]) == PAGE
    assert next_of(getattr(client, method)(path, headers=FETCH).json()["redirect_browser_to"]) == PAGE
    inertia = getattr(client, method)(path, headers={**INERTIA, "Referer": PAGE})
    assert next_of(inertia["X-Inertia-Location"]) == PAGE


def test_a_custom_redirect_field_name_is_kept(ory: Ory, web: DualClient) -> None:
    assert web.get("/other-field", headers=NAVIGATION)["Location"] == "/auth/login?back=/other-field"
    assert next_of(web.get("/other-field", headers=HTMX)["HX-Redirect"], "back") == PAGE


def test_a_custom_login_page_is_used(ory: Ory, web: DualClient, settings: Settings) -> None:
    settings.LOGIN_URL = "/welcome/?from=site"
    response = web.get("/django-guarded", headers=HTMX)
    assert response["HX-Redirect"].startswith("/welcome/?from=site&next=http")
    settings.LOGIN_URL = "https://accounts.example.org/login"
    response = web.get("/django-guarded", headers=FETCH)
    assert response.json()["redirect_browser_to"].startswith("https://accounts.example.org/login?next=http")


def test_headers_and_cookies_of_the_redirect_are_kept(ory: Ory, web: DualClient) -> None:
    response = web.get("/messages", headers=FETCH)
    assert response.status_code == 401
    assert "messages" in response.cookies
    assert "X-Frame-Options" not in response  # a header of the project would be here


def test_problem_json_for_clients_that_prefer_it(ory: Ory, web: DualClient) -> None:
    response = web.get("/guarded", headers={"Accept": "application/problem+json"})
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["type"], body["title"], body["status"]) == ("about:blank", "Unauthorized", 401)
    assert body["code"] == "not_authenticated"


# --- redirects that are not a guard's ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", ["/elsewhere", "/aelsewhere"])
@pytest.mark.parametrize(
    "to",
    [
        "/who",
        "/who?next=/elsewhere",
        "https://other.example/login?next=/elsewhere",
        "/auth/login",
        "/auth/login?next=/welcome-back",
        "/auth/registration?next=/elsewhere",
        "?x",
        "http://[a-host-that-is-no-address]/",
    ],
)
def test_other_redirects_of_a_view_are_unchanged(ory: Ory, web: DualClient, path: str, to: str, kind: str) -> None:
    response = web.get(f"{path}?{urlencode({'to': to})}", headers=KINDS[kind])
    assert (response.status_code, response["Location"]) == (302, to)


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_that_does_not_read_the_user_is_unchanged(ory: Ory, web: DualClient, kind: str) -> None:
    response = web.get("/unasked", headers=KINDS[kind])
    assert (response.status_code, response["Location"]) == (302, "/auth/login?next=/unasked")
    assert "Vary" not in response


def test_a_login_url_that_does_not_exist_breaks_no_redirect(ory: Ory, web: DualClient, settings: Settings) -> None:
    settings.LOGIN_URL = "no-such-name"
    assert web.get("/elsewhere?to=/who", headers=HTMX)["Location"] == "/who"


# --- signed in, but not enough ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/permission", "/staff-only", "/admin/"])
@pytest.mark.parametrize("kind", ["ory", "django"])
def test_a_script_gets_the_code_of_a_missing_permission(ory: Ory, web: DualClient, path: str, kind: str) -> None:
    """A page load is led to the login page, which says so; a script would be led round in circles."""
    if kind == "ory":
        sign_in(web, ory.person().browser_session())
    else:
        User.objects.create_user("bob", "bob@example.org", "Sleipnir-8-legs")
        web.get("/django-login?name=bob&password=Sleipnir-8-legs")
    assert web.get(path, headers=NAVIGATION).status_code == 302
    response = web.get(path, headers=FETCH)
    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    response = web.get(path, headers=HTMX)
    assert (response.status_code, "HX-Redirect" in response) == (403, False)
    assert response.content.startswith(b'<p role="alert">You are signed in')
    response = web.get(path, headers=INERTIA)
    assert response.status_code == 403
    assert b"<h1>Not allowed</h1>" in response.content


@pytest.fixture
def one_of_two_factors(ory: Ory, web: DualClient) -> Session:
    person = ory.person()
    person.browser_session().set_up_totp()
    session = person.browser_session()
    sign_in(web, session)
    return session


@pytest.mark.parametrize("path", [*OURS, *STEP_UP, *DJANGOS])
def test_a_step_up_leads_to_ory_and_back_to_the_page(
    ory: Ory, web: DualClient, one_of_two_factors: Session, path: str
) -> None:
    fetch, htmx = web.get(path, headers=FETCH), web.get(path, headers=HTMX)
    assert (fetch.status_code, fetch.json()["code"]) == (403, "session_aal2_required")
    assert htmx.status_code == 403
    for url in (fetch.json()["redirect_browser_to"], htmx["HX-Redirect"]):
        assert url.startswith(f"{ory.public_url}/self-service/login/browser?aal=aal2&return_to=")
        assert next_of(url, "return_to") == PAGE
    assert_nothing_stores(fetch)
    assert_nothing_stores(htmx)


def test_inertia_steps_up_with_409(ory: Ory, web: DualClient, one_of_two_factors: Session) -> None:
    response = web.get("/aal2", headers=INERTIA)
    assert response.status_code == 409
    assert next_of(response["X-Inertia-Location"], "return_to") == "http://testserver/aal2"


def test_reauthentication_is_requested_in_the_same_way(ory: Ory, web: DualClient) -> None:
    sign_in(web, ory.person().browser_session())
    response = web.get("/raises-refresh", headers=HTMX)
    assert parse_qs(urlsplit(response["HX-Redirect"]).query) == {"refresh": ["true"], "return_to": [PAGE]}
    assert web.get("/raises-refresh", headers=FETCH).json()["code"] == "session_refresh_required"


@pytest.mark.parametrize("path", ["/guarded", "/aguarded", "/raises-not-admitted", "/django-guarded"])
def test_a_person_who_is_not_admitted_gets_the_reason(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, path: str
) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.NoGuests")
    sign_in(web, ory.person().browser_session())
    fetch, htmx = web.get(path, headers=FETCH), web.get(path, headers=HTMX)
    assert (fetch.status_code, fetch.json()["code"]) == (403, "not_admitted")
    assert (htmx.status_code, "HX-Redirect" in htmx) == (403, False)
    assert htmx.content == b'<p role="alert">You are signed in, but this account is not admitted here.</p>'
    assert_nothing_stores(htmx)


@pytest.mark.parametrize("path", ["/guarded", "/aguarded", "/who", "/django-guarded", "/async-login-required"])
def test_an_outage_is_a_503_for_every_kind_of_client(ory: Ory, local_ory: LocalOry, web: DualClient, path: str) -> None:
    sign_in(web, ory.person().browser_session())
    with local_ory.failing(500):
        responses = {kind: web.get(path, headers=headers) for kind, headers in KINDS.items()}
    assert {response.status_code for response in responses.values()} == {503}
    assert responses["fetch"].json()["code"] == "ory_unavailable"
    assert responses["htmx"].content.startswith(b'<p role="alert">The sign-in service does not answer')
    assert b"One moment, please" in responses["navigation"].content
    for response in responses.values():
        assert "Retry-After" in response
        assert not {"Location", "HX-Redirect", "X-Inertia-Location"} & set(response.headers)
        assert_nothing_stores(response)


def test_with_debug_scripts_and_htmx_get_the_cause(
    ory: Ory, local_ory: LocalOry, web: DualClient, settings: Settings
) -> None:
    settings.DEBUG = True
    sign_in(web, ory.person().browser_session())
    with local_ory.failing(500):
        fetch, htmx = web.get("/guarded", headers=FETCH), web.get("/guarded", headers=HTMX)
    assert fetch.json()["debug"]["title"] in htmx.content.decode()


def test_an_outage_does_not_look_like_a_sign_out_to_the_scripts_of_an_optional_page(
    ory: Ory, local_ory: LocalOry, web: DualClient
) -> None:
    """The user is anonymous there while Ory is down, so Django's guard redirects."""
    sign_in(web, ory.person().browser_session())
    with local_ory.failing(500):
        assert web.get("/greeting-guarded", headers=NAVIGATION).status_code == 302
        assert web.get("/greeting-guarded", headers=HTMX).status_code == 503
        assert web.get("/greeting-guarded", headers=FETCH).json()["code"] == "ory_unavailable"


# --- where it leads back to -------------------------------------------------------------------------------------------

PLACES = {
    "htmx": ("/guarded", "HX-Current-URL", HTMX),
    "htmx, Django's guard": ("/django-guarded", "HX-Current-URL", HTMX),
    "htmx, step-up": ("/aal2", "HX-Current-URL", HTMX),
    "fetch": ("/guarded", "Referer", FETCH),
    "fetch, Django's guard": ("/django-guarded", "Referer", FETCH),
    "fetch, step-up": ("/aal2", "Referer", FETCH),
}


@pytest.mark.promise("A header that names the current page does not lead to another site")
@pytest.mark.parametrize("place", PLACES)
def test_no_page_header_leads_off_the_site(ory: Ory, client: Client, place: str) -> None:
    path, name, headers = PLACES[place]
    if path == "/aal2":
        sign_in(client, ory.person().browser_session())
    values = [
        *HOSTILE,
        "http://testserver@evil.example/",
        "http://user:secret@testserver/",
        "/" * 10_000,
        "http:" + "/" * 99,
    ]
    for value in values:
        sent = value.encode("utf-8").decode("latin-1")  # as a server reads it
        response = client.get(path, headers={**headers, name: sent})
        url = response["HX-Redirect"] if name == "HX-Current-URL" else response.json()["redirect_browser_to"]
        assert "\r" not in url, ascii(value)[:80]
        assert "\n" not in url, ascii(value)[:80]
        assert len(url) < 8000
        back = next_of(url, "return_to" if path == "/aal2" else "next")
        assert back in {"/", "http://testserver/"}, ascii(value)[:80]
        assert resolve_like_browser("http://testserver/auth/login", back) == SITE
        assert EVIL not in url


def test_without_a_page_the_default_target_is_used(ory: Ory, web: DualClient, settings: Settings) -> None:
    settings.LOGIN_REDIRECT_URL = "/silent"
    headers = {"HX-Request": "true"}
    assert web.get("/guarded", headers=headers)["HX-Redirect"] == "/auth/login?next=/silent"
    assert web.get("/django-guarded", headers=headers)["HX-Redirect"] == "/auth/login?next=/silent"
    fetch = {name: value for name, value in FETCH.items() if name != "Referer"}
    url = web.get("/guarded", headers=fetch).json()["redirect_browser_to"]
    assert url == "http://testserver/auth/login?next=/silent"


def test_a_program_outside_a_browser_returns_to_its_own_url(ory: Ory, web: DualClient) -> None:
    url = web.get("/guarded?a=1", headers={"Accept": "application/json"}).json()["redirect_browser_to"]
    assert url == "http://testserver/auth/login?next=/guarded%3Fa%3D1"


@pytest.mark.parametrize(("headers", "name"), [(HTMX, "HX-Current-URL"), (FETCH, "Referer")])
def test_a_page_on_an_allowed_host_is_used(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, headers: dict[str, str], name: str
) -> None:
    ory_auth(LOGIN_REDIRECT_HOSTS=["app.example.test"])
    response = web.get("/guarded", headers={**headers, name: "https://app.example.test/orders"})
    url = response["HX-Redirect"] if name == "HX-Current-URL" else response.json()["redirect_browser_to"]
    assert next_of(url) == "https://app.example.test/orders"


def test_a_secure_site_does_not_return_to_an_insecure_page(ory: Ory, web: DualClient) -> None:
    assert next_of(web.get("/guarded", headers=HTMX, secure=True)["HX-Redirect"]) == "/"
    url = web.get("/guarded", headers=FETCH, secure=True).json()["redirect_browser_to"]
    assert (url, next_of(url)) == ("https://testserver/auth/login?next=/", "/")


# --- the pages of this package ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("flow", ["login", "registration", "recovery", "verification", "settings"])
def test_a_flow_that_a_script_starts_says_where_the_browser_goes(ory: Ory, web: DualClient, flow: str) -> None:
    start = f"{ory.public_url}/self-service/{flow}/browser?return_to=http%3A%2F%2Ftestserver%2Fwho"
    htmx, fetch = (web.get(f"/auth/{flow}?next=/who", headers=headers) for headers in (HTMX, FETCH))
    status, code = (401, "not_authenticated") if flow == "login" else (422, "browser_location_change_required")
    assert (htmx.status_code, htmx["HX-Redirect"]) == (status, start)
    assert (fetch.status_code, fetch.json()["code"], fetch.json()["redirect_browser_to"]) == (status, code, start)
    assert web.get(f"/auth/{flow}?next=/who", headers=NAVIGATION)["Location"] == start


@pytest.mark.parametrize("path", ["/auth/login?next=/who", "/admin/login/?next=/who"])
def test_login_from_a_script_while_signed_in(ory: Ory, web: DualClient, path: str) -> None:
    sign_in(web, ory.person().browser_session())
    web.get("/who")
    User.objects.update(is_staff=True)
    assert web.get(path, headers=HTMX)["HX-Redirect"] == "http://testserver/who"
    assert web.get(path, headers=FETCH).json()["redirect_browser_to"] == "http://testserver/who"


def test_login_from_a_script_steps_up(ory: Ory, web: DualClient, one_of_two_factors: Session) -> None:
    response = web.get("/auth/login?next=/who", headers=HTMX)
    assert next_of(response["HX-Redirect"], "return_to") == "http://testserver/who"
    response = web.get("/auth/login?next=/who", headers=FETCH)
    assert (response.status_code, response.json()["code"]) == (403, "session_aal2_required")


def test_signing_out_from_a_script(ory: Ory, web: DualClient) -> None:
    sign_in(web, ory.person().browser_session())
    assert web.post("/auth/logout", headers=HTMX)["HX-Redirect"] == "http://testserver/bye"
    sign_in(web, ory.person().browser_session())
    response = web.post("/auth/logout", headers=FETCH)
    assert (response.status_code, response.content) == (204, b"")
    sign_in(web, ory.person().browser_session())
    assert web.post("/auth/logout", headers=NAVIGATION)["Location"] == "http://testserver/bye"


# --- round in circles -------------------------------------------------------------------------------------------------


SCRIPTS = [{**HTMX, "HX-Current-URL": "http://testserver/silent"}, {**FETCH, "Referer": "http://testserver/silent"}]


def come_back_from_ory(web: DualClient, page: str) -> None:
    """Start to sign in for this page, and open it again as Ory makes the browser do."""
    assert web.get(f"/auth/login?next={page}", headers=NAVIGATION).status_code == 302
    assert web.get(page, headers=NAVIGATION).status_code == 200


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("guard", ["/guarded", "/django-guarded"])
def test_refused_scripts_after_a_sign_in_cause_no_redirect_loop(
    ory: Ory, web: DualClient, guard: str, script: dict[str, str]
) -> None:
    """Ory's cookie does not reach this site. The page is public, and its script is refused whenever it is shown."""
    come_back_from_ory(web, "/silent")
    assert web.get(guard, headers=script).status_code == 401
    response = web.get("/auth/login?next=http://testserver/silent", headers=NAVIGATION)
    assert response.status_code == 403
    assert b"ory_kratos_session" in response.content


def test_a_second_manual_attempt_is_not_a_redirect_loop(ory: Ory, web: DualClient) -> None:
    come_back_from_ory(web, "/silent")
    assert web.get("/auth/login?next=/silent", headers=NAVIGATION).status_code == 302


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("known_by", ["/guarded", "/awho"])
def test_a_browser_that_was_signed_in_in_between_is_not_in_a_redirect_loop(
    ory: Ory, web: DualClient, known_by: str, script: dict[str, str]
) -> None:
    assert web.get("/auth/login?next=/silent", headers=NAVIGATION).status_code == 302
    sign_in(web, ory.person().browser_session())
    assert web.get("/silent", headers=NAVIGATION).status_code == 200
    assert web.get(known_by, headers=script).status_code == 200
    delete_ory_cookie(web)
    assert web.get("/guarded", headers=script).status_code == 401
    assert web.get("/auth/login?next=/silent", headers=NAVIGATION).status_code == 302


# --- caches -----------------------------------------------------------------------------------------------------------

LOOKED_AT = {
    "Accept", "HX-Request", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Turbo-Frame", "X-Inertia", "X-Requested-With",
    "X-Turbo-Request-Id", "X-Up-Version", "X-Session-Token", "Cookie", "Authorization",
}  # fmt: skip


@pytest.mark.parametrize("path", ["/guarded", "/aguarded", "/django-guarded", "/async-login-required", "/aal2"])
def test_a_refusal_varies_on_every_header_that_chose_it(ory: Ory, web: DualClient, path: str) -> None:
    assert vary_of(web.get(path, headers=NAVIGATION)) == LOOKED_AT
    for headers in (HTMX, FETCH):
        assert vary_of(web.get(path, headers=headers)) == LOOKED_AT | {"HX-Boosted", "HX-Current-URL", "Referer"}


@pytest.mark.parametrize("path", ["/who", "/silent", "/guarded", "/django-guarded"])
def test_a_response_that_no_header_chose_does_not_vary_on_them(ory: Ory, web: DualClient, path: str) -> None:
    sign_in(web, ory.person().browser_session())
    response = web.get(path, headers=HTMX)
    assert response.status_code == 200
    assert "HX-Request" not in response.get("Vary", "")


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("path", ["/guarded", "/django-guarded"])
def test_the_site_cache_keeps_the_kinds_of_response_apart(
    ory: Ory, web: DualClient, settings: Settings, path: str, first: str
) -> None:
    settings.MIDDLEWARE = [
        "django.middleware.cache.UpdateCacheMiddleware",
        *settings.MIDDLEWARE,
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    web.get(path, headers=KINDS[first])
    seen = {kind: kind_seen(web.get(path, headers=headers)) for kind, headers in KINDS.items()}
    assert seen == {"htmx": "htmx", "fetch": "script", "inertia": "inertia", "navigation": "page"}


# --- what these headers never do --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_these_headers_do_not_decide_whether_a_credential_counts(ory: Ory, web: DualClient, kind: str) -> None:
    session = ory.person().browser_session()
    assert web.get("/guarded", headers={**KINDS[kind], **session.headers}).status_code == 200
    assert web.get("/guarded", headers={**KINDS[kind], "Cookie": "ory_kratos_session=no"}).status_code != 200


def test_csrf_is_still_checked(ory: Ory) -> None:
    client = Client(enforce_csrf_checks=True)
    sign_in(client, ory.person().browser_session())
    for headers in KINDS.values():
        assert client.post("/auth/logout", headers=headers).status_code == 403
        assert client.post("/guarded", headers=headers).status_code == 403
