"""Where browsers are sent: never off the site, never round in circles, always to a page that says what is missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.core.cache import caches
from django.test import Client
from django.urls import re_path
from pytest_django import Settings

from ory_auth.local import LocalOry
from tests.project import urls, views
from tests.support.browser import resolve_like_browser
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.logs import event_ids
from tests.support.ory import Ory
from tests.support.types import ChangeSettings, Response, User

pytestmark = pytest.mark.django_db

SITE = ("http", "testserver")
EVIL = "evil.example"

urlpatterns = [re_path("^/", views.aal2), *urls.urlpatterns]  # a catch-all, as single-page apps have one

HOSTILE = [
    f"http://{EVIL}/",
    f"https://{EVIL}",
    f"HTTP://{EVIL}/",
    f"hTTps://{EVIL}/",
    f"//{EVIL}",
    f"///{EVIL}",
    f"////{EVIL}",
    f"/////{EVIL}/",
    f"\\\\{EVIL}",
    f"/\\{EVIL}",
    f"\\/{EVIL}",
    f"/\\/{EVIL}",
    f"\\\\\\{EVIL}",
    f"\\{EVIL}",
    f"http:{EVIL}",
    f"https:{EVIL}",
    f"http:/{EVIL}",
    f"https:/{EVIL}",
    f"http:///{EVIL}",
    f"https:///{EVIL}",
    f"https:\\\\{EVIL}",
    f"https:\\{EVIL}",
    f"http:\\/\\/{EVIL}",
    f" http://{EVIL}",
    f"\thttp://{EVIL}",
    f"\nhttps://{EVIL}",
    f"\r\n//{EVIL}",
    f"\x00//{EVIL}",
    f"\x01https://{EVIL}",
    f"\x1f//{EVIL}",
    f"\x0b//{EVIL}",
    f"\x0c//{EVIL}",
    f"ht\ntps://{EVIL}",
    f"ht\ttp://{EVIL}",
    f"htt\rps://{EVIL}",
    f"/\t/{EVIL}",
    f"/\n/{EVIL}",
    f"/\r/{EVIL}",
    f"/\r\n/{EVIL}",
    f"\t//{EVIL}",
    f"/\t\\{EVIL}",
    f"\\\t\\{EVIL}",
    f"/\x00/{EVIL}",
    f"//\t{EVIL}",
    f"http:\n//{EVIL}",
    f"https://testserver@{EVIL}/",
    f"http://testserver:80@{EVIL}/",
    f"//testserver@{EVIL}",
    f"http://testserver%40{EVIL}@{EVIL}",
    f"http://{EVIL}\\@testserver/",
    f"//{EVIL}\\@testserver",
    f"http://{EVIL}#@testserver/",
    f"http://{EVIL}?@testserver/",
    f"http://{EVIL}/@testserver/",
    f"http://testserver.{EVIL}/",
    f"http://testserver\\.{EVIL}/",
    f"http://testserver:@{EVIL}/",
    f"http://testserver:x@{EVIL}",
    "http://testserverevil.example/",
    "http://testserver:8080/",
    "http://[::1]/",
    "http://[evil",
    "http://evil.example:99999999/",
    "//%65vil.example",
    "http://%65vil.example",
    "//\u2044evil.example",
    "http://\uff45\uff56\uff49\uff4c.example/",
    "//\u3002evil.example",
    f"\u00a0//{EVIL}",
    f"\u2028//{EVIL}",
    f"\ufeff//{EVIL}",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "java\tscript:alert(1)",
    "\x01javascript:alert(1)",
    "javascript://testserver/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "ftp://testserver/",
    "mailto:a@evil.example",
    "about:blank",
    f"blob:http://{EVIL}/x",
    f"ws://{EVIL}/",
    f"feed:http://{EVIL}/",
    f"view-source:http://{EVIL}/",
    f"/login\r\nLocation: http://{EVIL}/",
    f"/login\r\n\r\n<script>//{EVIL}",
    f".//{EVIL}/..//{EVIL}",
    f"//{EVIL}/%2f..",
    "http://" + "a" * 70_000,
    "//" + "\u00e4" * 300,
]


def test_the_judge_itself_sees_what_is_hostile() -> None:
    """A judge that finds everything harmless would prove nothing."""
    off_site = [value for value in HOSTILE if resolve_like_browser("http://testserver/auth/login", value) != SITE]
    assert len(HOSTILE) >= 60
    assert len(off_site) >= 60


@pytest.fixture
def signed_in(ory: Ory, web: DualClient) -> None:
    sign_in(web, ory.person().browser_session())


@pytest.fixture
def staff(web: DualClient, signed_in: None) -> None:
    web.get("/who")
    User.objects.update(is_staff=True, is_superuser=True)


@pytest.fixture
def one_of_two_factors(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    person.browser_session().set_up_totp()
    sign_in(web, person.browser_session())


@pytest.fixture
def root(ory: Ory) -> User:
    return User.objects.create_superuser("root", "root@example.org", "Sleipnir-8-legs")


Ask = Callable[[DualClient, str], Response]  # visits with a value as the target


def query(path: str, name: str = "next") -> Ask:
    return lambda web, value: web.get(f"{path}?{urlencode({name: value})}")


def local_form(web: DualClient, value: str) -> Response:
    web.cookies.clear()
    return web.post("/admin/login/", {"username": "root", "password": "Sleipnir-8-legs", "next": value})


PLACES: dict[str, tuple[str, Ask]] = {
    "login, signed in": ("signed_in", query("/auth/login")),
    "login, signed in, return_to": ("signed_in", query("/auth/login", "return_to")),
    "login": ("ory", query("/auth/login")),
    "login, return_to": ("ory", query("/auth/login", "return_to")),
    "login, second factor missing": ("one_of_two_factors", query("/auth/login")),
    "registration": ("ory", query("/auth/registration")),
    "settings": ("ory", query("/auth/settings", "return_to")),
    "recovery": ("ory", query("/auth/recovery")),
    "verification": ("ory", query("/auth/verification")),
    "logout": ("ory", lambda web, value: web.post("/auth/logout", {"next": value})),
    "logout, return_to of the query": (
        "ory",
        lambda web, value: web.post("/auth/logout?" + urlencode({"return_to": value})),
    ),
    "admin": ("ory", query("/admin/login/")),
    "admin, signed in": ("staff", query("/admin/login/")),
    "admin, Django's own form": ("root", local_form),
    "a page before the form": ("ory", lambda web, value: web.post("/guarded", headers={"Referer": value})),
    "step-up after a form": (
        "signed_in",
        lambda web, value: web.post("/aal2", headers={"Referer": value}),
    ),
}


def _can_be_sent(place: str, value: str) -> bool:
    """A header holds no line breaks and no other alphabets; the test client would refuse to send them."""
    return (
        "form" not in place
        or place.startswith("admin")
        or (value.isascii() and value.isprintable() and len(value) < 9999)
    )


@pytest.mark.promise("A browser is redirected only to this site or to LOGIN_REDIRECT_HOSTS")
@pytest.mark.parametrize("web", ["wsgi"], indirect=True)
@pytest.mark.parametrize("place", PLACES)
def test_no_value_leads_off_the_site(ory: Ory, web: DualClient, place: str, request: pytest.FixtureRequest) -> None:
    given, ask = PLACES[place]
    request.getfixturevalue(given)
    astray = []
    for value in HOSTILE:
        if not _can_be_sent(place, value):
            continue
        answer = ask(web, value)
        assert answer.status_code == 302, ascii(value)[:80]
        target = answer["Location"]
        if target.startswith(ory.public_url + "/self-service/"):
            target = parse_qs(urlsplit(target).query)["return_to"][0]
            assert target.startswith("http://testserver/"), ascii(value)[:80]
        elif target.startswith("/auth/login?"):
            target = parse_qs(urlsplit(target).query)["next"][0]
        if resolve_like_browser("http://testserver/auth/login", target) != SITE:
            astray.append((ascii(value)[:80], target))
    assert astray == []


def target_of(answer: Response) -> str:
    """Where the browser is in the end, by way of Ory or not."""
    query = parse_qs(urlsplit(answer["Location"]).query)
    return query.get("return_to", [answer["Location"]])[0]


@pytest.mark.promise("A browser is redirected only to this site or to LOGIN_REDIRECT_HOSTS")
@pytest.mark.parametrize("given", ["ory", "signed_in"])
@pytest.mark.parametrize("value", [f"//{EVIL}", "javascript:alert(1)", "", None])
def test_a_forbidden_target_becomes_the_default_target(
    ory: Ory, web: DualClient, settings: Settings, given: str, value: str | None, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(given)
    settings.LOGIN_REDIRECT_URL = "/silent"
    path = "/auth/login" if value is None else "/auth/login?" + urlencode({"next": value})
    assert target_of(web.get(path)) == "http://testserver/silent"


@pytest.mark.parametrize("given", ["ory", "signed_in"])
@pytest.mark.parametrize(
    ("value", "target"),
    [
        ("/who?a=1&b=%2F#c", "http://testserver/who?a=1&b=%2F#c"),
        ("http://testserver/who", "http://testserver/who"),
        ("?x=1", "http://testserver/auth/login?x=1"),
        ("/w\u00e4r", "http://testserver/w%C3%A4r"),
    ],
)
def test_a_page_of_this_site_is_where_it_leads(
    ory: Ory, web: DualClient, given: str, value: str, target: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(given)
    found = target_of(web.get("/auth/login?" + urlencode({"next": value})))
    assert found.replace("\u00e4", "%C3%A4") == target


OTHER_HOSTS = {
    "http://app.example.test/x": True,
    "https://app.example.test/x": True,
    "//app.example.test/x": True,
    "http://app.example.test:8000/x": False,
    "http://sub.app.example.test/": False,
    "http://app.example.test.evil.example/": False,
    "http://app.example.test@evil.example/": False,
    "ftp://app.example.test/": False,
    "javascript://app.example.test/%0aalert(1)": False,
}


@pytest.mark.parametrize("given", ["ory", "signed_in"])
@pytest.mark.parametrize(("value", "allowed"), OTHER_HOSTS.items())
def test_other_hosts_have_to_be_named(
    ory: Ory,
    ory_auth: ChangeSettings,
    web: DualClient,
    given: str,
    value: str,
    allowed: bool,
    request: pytest.FixtureRequest,
) -> None:
    request.getfixturevalue(given)
    ory_auth(LOGIN_REDIRECT_HOSTS=["app.example.test"])
    target = target_of(web.get("/auth/login?" + urlencode({"next": value})))
    assert (urlsplit(target).netloc == "app.example.test") is allowed


BUECHER = "xn--bcher-kva.example"
HOSTS_AS_PEOPLE_WRITE_THEM = ["B\u00fccher.example", "shop.example.test:8443", "APP.example.test."]


@pytest.mark.parametrize("given", ["ory", "signed_in"])
@pytest.mark.parametrize(
    ("value", "target"),
    [
        # as browsers send it, and as people write it by hand
        (f"https://{BUECHER}/x?a=1#b", f"https://{BUECHER}/x?a=1#b"),
        ("https://b\u00fccher.example/x", f"https://{BUECHER}/x"),
        ("https://B\u00dcCHER.example/x", f"https://{BUECHER}/x"),
        ("https://bu\u0308cher.example/x", f"https://{BUECHER}/x"),
        ("https://b%C3%BCcher.example/x", f"https://{BUECHER}/x"),
        ("//b\u00fccher.example/x", f"http://{BUECHER}/x"),
        (f"https://{BUECHER.upper()}:443/x", f"https://{BUECHER}/x"),
        (f"https://{BUECHER}./x", f"https://{BUECHER}/x"),
        ("https://app.example.test/x", "https://app.example.test/x"),
        ("http://app.example.test:80/x", "http://app.example.test/x"),
        ("https://shop.example.test:8443/x", "https://shop.example.test:8443/x"),
        ("http://TESTSERVER/x", "http://testserver/x"),
        ("http://testserver:80/x", "http://testserver/x"),
        # other hosts and ports
        ("https://bucher.example/x", None),
        ("https://xn--bcher-kva.example.evil.example/x", None),
        (f"https://{BUECHER}:8443/x", None),
        ("https://shop.example.test/x", None),
        ("http://app.example.test:443/x", None),
        ("https://b\u00fccher.example@evil.example/x", None),
        ("https://b%C3%BCcher.example%40evil.example/x", None),
        ("https://b%C3%BCcher.example%2f@evil.example/x", None),
        ("https://b\u00fccher.example\\@evil.example/x", None),
        ("https://b\u00fccher.example\u2024evil.example/x", None),
        ("https://b%FCcher.example/x", None),  # no UTF-8
        ("https://\uff42\u00fccher.example/x", None),  # browsers would take it for the same, and we need not
        ("https://b\u00fccher\u3002example/x", None),
        ("https://b\u200d\u00fccher.example/x", None),
        ("ftp://b\u00fccher.example/x", None),
        ("javascript://b\u00fccher.example/%0aalert(1)", None),
    ],
)
def test_hosts_are_compared_as_browsers_send_them(
    ory: Ory,
    ory_auth: ChangeSettings,
    web: DualClient,
    given: str,
    value: str,
    target: str,
    request: pytest.FixtureRequest,
) -> None:
    request.getfixturevalue(given)
    ory_auth(LOGIN_REDIRECT_HOSTS=HOSTS_AS_PEOPLE_WRITE_THEM)
    found = target_of(web.get("/auth/login?" + urlencode({"next": value})))
    assert found == (target or "http://testserver/")


@pytest.mark.parametrize("given", ["ory", "signed_in"])
def test_a_name_that_not_all_browsers_read_alike_is_not_taken_for_another(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, given: str, request: pytest.FixtureRequest
) -> None:
    """To Python's codec ``stra\u00dfe`` is ``strasse``, which is another domain than browsers go to."""
    request.getfixturevalue(given)
    ory_auth(LOGIN_REDIRECT_HOSTS=["stra\u00dfe.example", "fass.example"])
    for host in ("strasse.example", "xn--strae-oqa.example", "fa\u00df.example", "xn--fa-hia.example"):
        assert target_of(web.get("/auth/login?" + urlencode({"next": f"https://{host}/"}))) == "http://testserver/"


@pytest.mark.parametrize("web", ["wsgi"], indirect=True)
@pytest.mark.parametrize("place", ["login", "login, signed in", "logout", "admin, signed in"])
def test_with_other_hosts_too_no_value_leads_off_the_site(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, place: str, request: pytest.FixtureRequest
) -> None:
    ory_auth(LOGIN_REDIRECT_HOSTS=HOSTS_AS_PEOPLE_WRITE_THEM)
    test_no_value_leads_off_the_site(ory, web, place, request)


def test_the_other_hosts_are_not_allowed_by_themselves(ory: Ory, web: DualClient) -> None:
    assert target_of(web.get("/auth/login?next=http://app.example.test/x")) == "http://testserver/"


@pytest.mark.promise("A page under https does not redirect to http")
def test_a_secure_site_never_redirects_to_an_insecure_page(ory: Ory, web: DualClient) -> None:
    answer = web.get("/auth/login?next=http://testserver/who", secure=True)
    assert target_of(answer) == "https://testserver/"


def test_a_refused_target_is_logged_without_the_target(
    ory: Ory, web: DualClient, caplog: pytest.LogCaptureFixture
) -> None:
    web.get(f"/auth/login?next=//{EVIL}")
    assert event_ids(caplog) == ["bad_return_to"]
    assert EVIL not in caplog.text


# --- to Ory, by the address that browsers use -------------------------------------------------------------------------

BY_BROWSER = {
    "https://login.example.org": "https://login.example.org/self-service/",
    "https://example.org/ory/kratos/": "https://example.org/ory/kratos/self-service/",
}


@pytest.mark.parametrize("flow", ["login", "registration", "settings", "recovery", "verification"])
@pytest.mark.parametrize(("browser_url", "start"), BY_BROWSER.items())
def test_flows_start_where_the_browser_reaches_ory(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, flow: str, browser_url: str, start: str
) -> None:
    ory_auth(BROWSER_URL=browser_url)
    answer = web.get(f"/auth/{flow}?next=/who")
    assert answer["Location"] == f"{start}{flow}/browser?return_to=http%3A%2F%2Ftestserver%2Fwho"


def test_settings_without_a_target_stay_on_their_page(ory: Ory, web: DualClient) -> None:
    assert web.get("/auth/settings")["Location"] == f"{ory.public_url}/self-service/settings/browser"


def test_the_way_that_a_403_of_ory_names_is_not_followed(
    ory: Ory, local_ory: LocalOry, web: DualClient, signed_in: None
) -> None:
    body = {"error": {"id": "session_aal2_required", "code": 403}, "redirect_browser_to": f"http://{EVIL}/"}
    with local_ory.failing(403, body=json.dumps(body).encode(), path="/sessions/whoami"):
        assert web.get("/guarded")["Location"].startswith(ory.public_url + "/self-service/login/browser?aal=aal2&")


def test_the_logout_url_that_ory_names_is_not_followed(
    ory: Ory, local_ory: LocalOry, web: DualClient, signed_in: None
) -> None:
    body = json.dumps({"logout_url": f"http://{EVIL}/x?token=t", "logout_token": "t"}).encode()
    with (
        local_ory.failing(200, body=body, path="/self-service/logout/browser"),
    ):
        answer = web.post("/auth/logout")
    assert EVIL not in answer.get("Location", "")
    assert ory.requests_to("/self-service/logout")


def test_forms_go_to_browser_url_whatever_the_flow_says(ory: Ory, local_ory: LocalOry, web: DualClient) -> None:
    flow = ory.public("GET", "/self-service/login/browser").json
    flow["ui"]["action"] = f"http://{EVIL}/"
    with local_ory.failing(200, body=json.dumps(flow).encode(), path="/self-service/login/flows"):
        page = web.get(f"/auth/login?flow={flow['id']}").content.decode()
    assert EVIL not in page
    assert f'action="{ory.public_url}/self-service/login?flow={flow["id"]}"' in page


def test_login_steps_up_if_only_a_second_factor_is_missing(ory: Ory, web: DualClient, one_of_two_factors: None) -> None:
    answer = web.get("/auth/login?next=/who")
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert (query["aal"], query["return_to"]) == (["aal2"], ["http://testserver/who"])


@pytest.mark.parametrize("path", ["/auth/login", "/auth/login?next=/who", "/admin/login/"])
def test_login_while_ory_is_down_is_503(
    ory: Ory, local_ory: LocalOry, web: DualClient, signed_in: None, path: str
) -> None:
    caches["default"].clear()
    with local_ory.failing(500):
        assert web.get(path).status_code == 503


def test_starting_a_flow_anonymously_makes_no_call_to_ory(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(SDK_URL="http://127.0.0.1:1", BROWSER_URL=ory.public_url)
    assert web.get("/auth/login").status_code == 302


@pytest.mark.promise("A path with two leading slashes is not taken for another host")
@pytest.mark.urls(__name__)
def test_a_path_that_looks_like_another_host_is_a_path_of_this_one(ory: Ory, client: Client) -> None:
    session = ory.person().browser_session()
    answer = client.get("/", PATH_INFO=f"//{EVIL}/x", headers=session.headers)
    [back] = parse_qs(urlsplit(answer["Location"]).query)["return_to"]
    assert urlsplit(back).netloc == "testserver"
