"""The gateway: browsers reach Ory on this site's own origin.

The tests of hostile requests and responses are in ``test_gateway_hostile.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.checks import CheckMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.views.debug import SafeExceptionReporterFilter, get_exception_reporter_filter
from pytest_django import Settings

from ory_auth.local import LocalOry
from tests.support.checks import check_messages, only_message
from tests.support.client import DualClient
from tests.support.gateway import ScriptedOry, scripted_ory
from tests.support.ory import Ory, Person
from tests.support.types import ChangeSettings, Response

HTML, JSON = {"Accept": "text/html"}, {"Accept": "application/json"}
SITE = "http://testserver"
SESSION = "ory_kratos_session"


@pytest.fixture(autouse=True)
def _gateway(ory: Ory, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.support.gateway"
    settings.ORY_AUTH = {**settings.ORY_AUTH, "BROWSER_URL": "/.ory"}
    if ory.local:
        ory.local.configure(
            ui_base=f"{SITE}/auth",
            default_return_url=f"{SITE}/",
            allowed_return_urls=(SITE,),
            cookie_domain="127.0.0.1",
        )


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def token_in(page: Response) -> str:
    return page.content.decode().split('name="csrf_token" value="')[1].split('"')[0]


def start(web: DualClient, kind: str = "login") -> Response:
    """Start a flow as a browser does, and show its page."""
    answer = web.get(f"/auth/{kind}", headers=HTML)
    assert answer["Location"].startswith("/.ory/self-service/")
    answer = web.get(answer["Location"], headers=HTML)
    assert answer.status_code in {302, 303}, answer.content
    return web.get(path_of(answer["Location"]), headers=HTML)


def submit(web: DualClient, page: Response, values: dict[str, str], kind: str = "login", **headers: str) -> Response:
    """Send the form of the page."""
    action = page.content.decode().split('action="')[1].split('"')[0]
    assert action.startswith(f"/.ory/self-service/{kind}?flow=")
    return web.post(
        action,
        urlencode({"csrf_token": token_in(page), **values}),
        content_type="application/x-www-form-urlencoded",
        headers={**HTML, "Sec-Fetch-Site": "same-origin", **headers},
    )


def sign_in(web: DualClient, person: Person) -> Response:
    return submit(web, start(web), person.password_form())


@pytest.mark.django_db
def test_people_sign_in_and_out(web: DualClient, ory: Ory) -> None:
    person = ory.person()
    page = start(web)
    assert b'action="/.ory/self-service/login?flow=' in page.content
    wrong = submit(web, page, {**person.password_form(), "password": "wrong"})
    page = web.get(path_of(wrong["Location"]), headers=HTML)
    answer = submit(web, page, person.password_form())
    assert (answer.status_code, answer["Location"]) == (303, f"{SITE}/")
    assert web.get("/who").json()["user"]

    logout = web.get("/.ory/self-service/logout/browser", headers=JSON).json()
    assert logout["logout_url"].startswith(f"{SITE}/.ory/self-service/logout?token=")
    answer = web.get(path_of(logout["logout_url"]), headers=HTML)
    assert answer.status_code in {302, 303}
    assert web.cookies[SESSION].value == "" or web.cookies[SESSION]["max-age"] == "0"
    assert not web.get("/who").json()["user"]


def test_cookies_are_for_this_host_alone(web: DualClient) -> None:
    answer = web.get("/.ory/self-service/login/browser", headers=HTML)
    (cookie,) = (morsel for name, morsel in answer.cookies.items() if name.startswith("csrf_token_"))
    assert (cookie["domain"], cookie["path"], cookie["httponly"], cookie["samesite"]) == ("", "/", True, "Lax")
    assert cookie["max-age"] == "31536000"


COOKIES = {
    "http": (False, "x=1; Path=/; Secure; SameSite=None", True, "None"),
    "http with DEBUG": (True, "x=1; Path=/; Secure; SameSite=None", "", "Lax"),
    "http, not secure": (False, "x=1; Path=/; SameSite=None", "", "Lax"),
    "strict": (False, "x=1; Path=/; SameSite=Strict", "", "Strict"),
}


@pytest.fixture
def scripted(ory_auth: ChangeSettings) -> Iterator[ScriptedOry]:
    """A server in Ory's place, for responses that a real one gives only at times."""
    with scripted_ory() as scripted:
        ory_auth(SDK_URL=scripted.url)
        yield scripted


def answer_with(*headers: str, status: str = "200 OK", body: bytes = b"{}") -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize(("debug", "cookie", "secure", "same_site"), COOKIES.values(), ids=COOKIES.keys())
def test_a_cookie_is_secure_where_browsers_keep_it(
    web: DualClient, scripted: ScriptedOry, settings: Settings, debug: bool, cookie: str, secure: Any, same_site: str
) -> None:
    settings.DEBUG = debug
    scripted.reply = answer_with(f"Set-Cookie: ory_{cookie}")
    sent = web.get("/.ory/self-service/login/browser").cookies["ory_x"]
    assert (sent["secure"], sent["samesite"]) == (secure, same_site)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_cookie_is_not_secure_over_http_on_this_machine(web: DualClient, scripted: ScriptedOry, host: str) -> None:
    scripted.reply = answer_with("Set-Cookie: ory_x=1; Path=/; Secure")
    assert not web.get("/.ory/self-service/login/browser", headers={"Host": host}).cookies["ory_x"]["secure"]


def test_a_cookie_is_secure_over_https(web: DualClient, scripted: ScriptedOry) -> None:
    scripted.reply = answer_with("Set-Cookie: ory_x=1; Path=/")
    assert web.get("/.ory/self-service/login/browser", secure=True).cookies["ory_x"]["secure"]


DOMAINS = {
    "slug.projects.oryapis.com": "",
    "app.example.test": "app.example.test",
    "example.test": "example.test",
    ".example.test": ".example.test",
    "other.test": "",
    "p.example.test": "",
    "test": "",
}


@pytest.mark.parametrize(("domain", "kept"), DOMAINS.items())
def test_a_cookie_keeps_a_domain_of_this_host(web: DualClient, scripted: ScriptedOry, domain: str, kept: str) -> None:
    scripted.reply = answer_with(f"Set-Cookie: ory_x=1; Path=/; Domain={domain}")
    answer = web.get("/.ory/self-service/login/browser", headers={"Host": "app.example.test"})
    assert answer.cookies["ory_x"]["domain"] == kept


def test_a_date_in_a_cookie_is_no_second_cookie(web: DualClient, scripted: ScriptedOry) -> None:
    expires = "Thu, 01 Jan 1970 00:00:01 GMT"
    scripted.reply = answer_with(
        f"Set-Cookie: ory_x=; Path=/; Expires={expires}; Max-Age=0; HttpOnly", "Set-Cookie: csrf_token_a=2; Path=/"
    )
    cookies: SimpleCookie = web.get("/.ory/self-service/login/browser").cookies
    assert cookies["ory_x"]["expires"] == expires
    assert set(cookies) == {"ory_x", "csrf_token_a"}


# --- URLs


def test_orys_own_urls_become_those_of_this_site(web: DualClient, scripted: ScriptedOry) -> None:
    flow = {
        "ui": {"action": f"{scripted.url}/self-service/login?flow=1", "nodes": [{"attributes": {"src": "{0}/x.js"}}]},
        "continue_with": [{"action": "show_verification_ui", "flow": {"url": f"{scripted.url}/self-service/x?a=1#b"}}],
        "logout_url": f"{scripted.url}/self-service/logout?token=1",
        "redirect_browser_to": "https://accounts.example/?redirect_uri=" + scripted.url,
        "request_url": f"{scripted.url}/self-service/login/browser",
        "oauth": {"href": f"{scripted.url}/oauth2/auth"},
        "session": {"identity": {"traits": {"url": f"{scripted.url}/self-service/mine"}}, "n": 12345678901234567890},
        "traits": {"src": f"{scripted.url}/self-service/mine"},
    }
    scripted.reply = answer_with(body=json.dumps(flow).encode())
    seen = web.get("/.ory/self-service/login/flows?id=1", headers=JSON).json()
    own = f"{SITE}/.ory/self-service"
    assert seen.pop("ui")["action"] == f"{own}/login?flow=1"
    assert seen.pop("continue_with")[0]["flow"]["url"] == f"{own}/x?a=1#b"
    assert seen.pop("logout_url") == f"{own}/logout?token=1"
    assert seen == {name: flow[name] for name in seen}


def test_a_script_is_not_changed(web: DualClient, scripted: ScriptedOry) -> None:
    """Its hash is in the pages."""
    script = f'"{scripted.url}/self-service"'.encode()
    scripted.reply = answer_with(body=script).replace(b"application/json", b"text/javascript")
    assert web.get("/.ory/.well-known/ory/webauthn.js").content == script


LOCATIONS = {
    "{ory}/self-service/login?flow=1": SITE + "/.ory/self-service/login?flow=1",
    "/self-service/login?flow=1": SITE + "/.ory/self-service/login?flow=1",
    "login?flow=1": SITE + "/.ory/self-service/login/login?flow=1",
    "{ory}/ui/login?flow=1": SITE + "/auth/login?flow=1",
    "{ory}/ui/settings": SITE + "/auth/settings",
    "{ory}/ui/error?id=1": SITE + "/auth/error?id=1",
    "{ory}/ui/welcome": SITE + "/",
    SITE + "/.ory/ui/login?flow=1": SITE + "/auth/login?flow=1",
    SITE + "/.ory/self-service/login?flow=1": SITE + "/.ory/self-service/login?flow=1",
    "{ory}/oauth2/auth?login_verifier=1": "{ory}/oauth2/auth?login_verifier=1",
    "https://accounts.example/o?redirect_uri={ory}/x": "https://accounts.example/o?redirect_uri={ory}/x",
    SITE + "/auth/login?flow=1": SITE + "/auth/login?flow=1",
}


@pytest.mark.parametrize(("location", "expected"), LOCATIONS.items())
def test_redirects_lead_to_this_site_or_away(
    web: DualClient, scripted: ScriptedOry, location: str, expected: str
) -> None:
    scripted.reply = answer_with(f"Location: {location.format(ory=scripted.url)}", status="303 See Other")
    answer = web.get("/.ory/self-service/login/browser", headers=HTML)
    assert answer["Location"] == expected.format(ory=scripted.url)
    assert answer.content == b""


def test_the_hosted_pages_lead_to_those_of_this_site(web: DualClient, scripted: ScriptedOry) -> None:
    answer = web.get("/.ory/ui/login?flow=1", headers=HTML)
    assert (answer.status_code, answer["Location"]) == (302, f"{SITE}/auth/login?flow=1")
    assert scripted.requests == []


@pytest.mark.parametrize("path", ["/kratos", "/a/b"])
def test_orys_url_may_have_a_path(web: DualClient, scripted: ScriptedOry, ory_auth: ChangeSettings, path: str) -> None:
    ory_auth(SDK_URL=scripted.url + path)
    scripted.reply = answer_with(f"Location: {scripted.url}{path}/self-service/x", status="303 See Other")
    assert web.get("/.ory/self-service/login/browser")["Location"] == f"{SITE}/.ory/self-service/x"
    assert scripted.requests[0].startswith(f"GET {path}/self-service/login/browser".encode())
    scripted.reply = answer_with(f"Location: {scripted.url}{path}x/self-service/x", status="303 See Other")
    assert "/.ory" not in web.get("/.ory/self-service/login/browser")["Location"]


# --- headers


def test_ory_learns_who_asks_and_where(web: DualClient, scripted: ScriptedOry, ory_auth: ChangeSettings) -> None:
    ory_auth(TRUSTED_PROXIES=1)
    headers = {
        **JSON,
        "X-Forwarded-For": "6.6.6.6, 203.0.113.9",
        "User-Agent": "Firefox",
        "Referer": f"{SITE}/reset?token=secret",
    }
    web.get("/.ory/self-service/login/browser?aal=aal2&return_to=%2F", headers=headers)
    lines = scripted.requests[0].decode().split("\r\n")
    assert lines[0] == "GET /self-service/login/browser?aal=aal2&return_to=%2F HTTP/1.1"
    assert set(lines[1:]) == {
        f"Host: {urlsplit(scripted.url).netloc}", "Accept: application/json", "User-Agent: Firefox",
        f"Referer: {SITE}/", "Accept-Encoding: identity", "Via: 1.1 django-ory", "X-Forwarded-Host: testserver",
        "X-Forwarded-Proto: http", "X-Forwarded-For: 203.0.113.9", "Connection: close", "",
    }  # fmt: skip


@pytest.mark.promise("The API key never goes along with a browser's call")
def test_ory_network_learns_the_address_of_this_site(
    web: DualClient, scripted: ScriptedOry, ory_auth: ChangeSettings
) -> None:
    ory_auth(GATEWAY_TOKEN="ory_pat_gateway", API_KEY="ory_pat_admin")
    web.get("/.ory/self-service/login/browser")
    request = scripted.requests[0]
    assert b"\r\nOry-Base-URL-Rewrite: http://testserver/.ory\r\n" in request
    assert b"\r\nOry-Base-URL-Rewrite-Token: ory_pat_gateway\r\n" in request
    assert b"\r\nOry-No-Custom-Domain-Redirect: true\r\n" in request
    assert b"ory_pat_admin" not in request


def test_pages_of_ory_are_never_stored(web: DualClient, scripted: ScriptedOry) -> None:
    scripted.reply = answer_with("Cache-Control: public, max-age=3600", "Vary: Cookie", "X-Total-Count: 3")
    answer = web.get("/.ory/sessions", headers=JSON)
    assert {"private", "no-store"} <= set(answer["Cache-Control"].split(", "))
    assert "public" not in answer["Cache-Control"]
    assert (answer["Vary"], answer["X-Total-Count"]) == ("Cookie", "3")


# --- the cached session


@pytest.mark.promise("A sign-out through the gateway takes effect at once")
@pytest.mark.django_db
def test_a_sign_out_counts_at_once(web: DualClient, ory: Ory, cached: None) -> None:
    person = ory.person()
    sign_in(web, person)
    old = {"Cookie": f"{SESSION}={web.cookies[SESSION].value}"}
    assert web.is_signed_in(old)
    logout = web.get("/.ory/self-service/logout/browser", headers=JSON).json()
    web.get(path_of(logout["logout_url"]), headers=HTML)
    web.cookies.clear()
    count = len(ory.requests_to()) if ory.local else 0
    assert not web.is_signed_in(old)
    assert not ory.local or len(ory.requests_to()) == count  # refused here, without a call


@pytest.mark.django_db
def test_a_link_of_another_site_signs_nobody_out(web: DualClient, ory: Ory, cached: None) -> None:
    sign_in(web, ory.person())
    assert web.get("/who").json()["user"]
    assert web.get("/.ory/self-service/logout?token=made-up", headers=HTML).status_code in {302, 303, 400, 403}
    assert web.get("/who").json()["user"]


def test_a_response_with_a_session_cookie_drops_the_cached_session(
    web: DualClient, ory: Ory, local_ory: LocalOry, cached: None, ory_auth: ChangeSettings
) -> None:
    session = ory.person().browser_session()
    assert web.is_signed_in(session.headers)
    calls = len(ory.requests_to())
    assert web.is_signed_in(session.headers)
    assert len(ory.requests_to()) == calls  # cached
    local_ory.configure(session_lifespan=1000)
    page_id = session.get("/self-service/login/browser?refresh=true").json["id"]
    flow = session.get(f"/self-service/login/flows?id={page_id}").json
    csrf = next(n["attributes"]["value"] for n in flow["ui"]["nodes"] if n["attributes"]["name"] == "csrf_token")
    web.post(
        f"/.ory/self-service/login?flow={page_id}",
        urlencode({"csrf_token": csrf, **session.person.password_form()}),
        content_type="application/x-www-form-urlencoded",
        headers={**HTML, "Cookie": "; ".join(f"{name}={value}" for name, value in session.jar.items())},
    )
    assert web.is_signed_in(session.headers)
    assert len(ory.requests_to()) == calls + 1


# --- outages


def test_an_outage_is_a_503(web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(SDK_URL="http://127.0.0.1:1")
    page = web.get("/.ory/self-service/login/browser", headers=HTML)
    assert (page.status_code, page["Retry-After"]) == (503, "5")
    assert b"One moment, please" in page.content
    answer = web.get("/.ory/sessions/whoami", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (503, "ory_unavailable")


def test_nothing_typed_is_lost_in_an_outage(web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(SDK_URL="http://127.0.0.1:1")
    page = web.post(
        "/.ory/self-service/login?flow=1", "password=secret-of-mine",
        content_type="application/x-www-form-urlencoded", headers=HTML,
    )  # fmt: skip
    assert page.status_code == 503
    assert b"data-ory-go-back" in page.content
    assert b"secret-of-mine" not in page.content


def test_nobody_waits_while_ory_is_down(
    web: DualClient, ory_auth: ChangeSettings, ory: Ory, caplog: pytest.LogCaptureFixture
) -> None:
    ory_auth(SDK_URL="http://127.0.0.1:1")
    for number in range(8):
        web.get("/session", headers={"X-Session-Token": f"ory_st_{number}"})
    statuses = {web.get("/.ory/self-service/login/browser", headers=HTML).status_code for _ in range(2)}
    assert statuses == {503}
    assert "error=breaker_open at=gateway" in caplog.text


def test_a_flood_of_one_client_is_limited(web: DualClient, scripted: ScriptedOry) -> None:
    statuses = {web.get("/.ory/schemas", headers=JSON, REMOTE_ADDR="203.0.113.7").status_code for _ in range(70)}
    assert statuses == ({200, 503} if web.kind == "wsgi" else {200})  # the async test client has no address
    assert web.get("/.ory/schemas", headers=JSON).status_code == 200


# --- the project around it


def test_no_error_report_shows_what_was_sent(web: DualClient, scripted: ScriptedOry) -> None:
    form = "application/x-www-form-urlencoded"
    answer = web.post("/.ory/self-service/login?flow=1", "password=secret", content_type=form)
    request = getattr(answer, f"{web.kind}_request")
    shown: Any = get_exception_reporter_filter(request).get_post_parameters(request)
    assert shown.dict() == {"password": SafeExceptionReporterFilter.cleansed_substitute}


@pytest.mark.django_db
def test_the_gateway_uses_no_database(web: DualClient, scripted: ScriptedOry, atomic_requests: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        for _ in range(2):
            web.get("/.ory/self-service/login/browser", headers={"Cookie": f"sessionid=x; {SESSION}=y"})
    assert len(queries) == 0
    assert User.objects.count() == 0


def test_the_gateway_needs_no_login(web: DualClient, scripted: ScriptedOry, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert web.get("/.ory/self-service/login/browser").status_code == 200


def test_ory_checks_its_own_csrf_token(csrf_web: DualClient, scripted: ScriptedOry) -> None:
    answer = csrf_web.post("/.ory/self-service/login?flow=1", "a=b", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200


def test_a_provider_may_post_from_its_own_site(web: DualClient, scripted: ScriptedOry) -> None:
    """Apple does."""
    answer = web.post(
        "/.ory/self-service/methods/oidc/callback/apple", "code=1&state=2",
        content_type="application/x-www-form-urlencoded",
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://appleid.apple.com"},
    )  # fmt: skip
    assert answer.status_code == 200
    assert scripted.requests[0].endswith(b"\r\n\r\ncode=1&state=2")


def test_the_gateway_does_not_call_itself(web: DualClient, scripted: ScriptedOry) -> None:
    answer = web.get("/.ory/self-service/login/browser", headers={"Via": "1.1 django-ory"})
    assert answer.status_code == 508
    assert scripted.requests == []


# --- checks


def message(name: str, *, deploy: bool = False) -> CheckMessage:
    (found,) = (found for found in check_messages(deploy=deploy) if found.id == f"ory_auth.{name}")
    return found


def test_a_good_gateway_has_no_messages() -> None:
    assert [message.id for message in check_messages() if message.id in {"ory_auth.E018", "ory_auth.W033"}] == []


def test_the_path_is_compared_with_the_urls(ory_auth: ChangeSettings, settings: Settings) -> None:
    ory_auth(BROWSER_URL="/ory")
    assert "included at '/.ory'" in only_message("E018", "BROWSER_URL").msg
    settings.ROOT_URLCONF = "tests.project.urls"
    assert "does not include the gateway" in only_message("E018", 'path("ory/", include(').msg


def test_an_unused_gateway_is_reported(ory: Ory, settings: Settings) -> None:
    settings.ORY_AUTH = {"SDK_URL": ory.public_url}
    only_message("W033", "'/.ory'")


def test_a_pattern_before_the_gateway_is_reported(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.support.hidden_gateway_urls"
    assert "comes first" in message("E018").msg


def test_a_loop_is_reported(ory_auth: ChangeSettings) -> None:
    ory_auth(SDK_URL="http://localhost:8000/.ory")
    only_message("E019", "SDK_URL")


@pytest.mark.parametrize(
    "keys", [{"BROWSER_URL": "https://auth.example.org"}, {"SDK_URL": "http://kratos.example.org"}]
)
def test_a_token_without_effect_is_reported(ory_auth: ChangeSettings, keys: dict[str, str]) -> None:
    ory_auth(GATEWAY_TOKEN="ory_pat_x", **keys)
    assert "GATEWAY_TOKEN" in message("W034").msg


def test_any_host_is_reported_for_ory_network(ory_auth: ChangeSettings, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    ory_auth(SDK_URL="https://slug.projects.oryapis.com")
    assert "ALLOWED_HOSTS" in (message("W111", deploy=True).hint or "")


def test_form_action_self_is_enough(settings: Settings) -> None:
    settings.SECURE_CSP = {"form-action": ["https://accounts.example"]}
    only_message("W020", "'self'")
    settings.SECURE_CSP = {"form-action": ["'self'"]}
    assert "ory_auth.W020" not in {message.id for message in check_messages()}
