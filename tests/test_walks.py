"""A browser walks the site and Ory: whatever its state, a few redirects lead to a page that says what is missing."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp
import pytest
from django.core.cache import caches
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test.testcases import LiveServerThread
from pytest_django import Settings

from ory_auth.local import LocalOry
from tests.support.browser import Browser, Page, Reply, client_transport
from tests.support.client import DualClient
from tests.support.ory import HTTP, PASSWORD, Ory, Person, Session
from tests.support.types import ChangeSettings, User

pytestmark = pytest.mark.django_db

HOST = "127.0.0.1:18000"  # where a real Ory that these tests use has its ui_urls
GUARDS = {
    "login_required": "/django-guarded",
    "ory_required": "/guarded",
    "aal2": "/aal2",
    "max_age": "/recent",
    "user_passes_test": "/staff-only",
    "admin": "/admin/",
    "LoginRequiredMiddleware": "/who",
}


@pytest.fixture
def pages_at(ory: Ory) -> Callable[[str], None]:
    """Lets the local Ory's flows point at a host of the site; a real one has to be configured so."""

    def point(host: str) -> None:
        if ory.local:
            site = f"http://{host}"
            ory.local.configure(
                ui_base=f"{site}/auth", default_return_url=f"{site}/", allowed_return_urls=(f"{site}/",)
            )

    return point


@pytest.fixture
def browser(web: DualClient, pages_at: Callable[[str], None]) -> Browser:
    pages_at(HOST)
    return Browser(HOST, client_transport(web, HOST))


def carry(browser: Browser, session: Session, host: str = "127.0.0.1") -> None:
    """Let the browser have the cookies of a sign-in at Ory."""
    browser.jar.update({(host, name): value for name, value in session.jar.items()})


# --- where every state ends at every guard ----------------------------------------------------------------------------


def anonymous(ory: Ory, browser: Browser, **_: object) -> None:
    pass


def signed_in(ory: Ory, browser: Browser, **_: object) -> None:
    carry(browser, ory.person().browser_session())


def inactive(ory: Ory, browser: Browser, **_: object) -> None:
    signed_in(ory, browser)
    browser.open("/silent")
    browser.open("/template")
    User.objects.update(is_active=False)


def staff(ory: Ory, browser: Browser, **_: object) -> None:
    signed_in(ory, browser)
    browser.open("/template")
    User.objects.update(is_staff=True, is_superuser=True)


def second_factor_not_used(ory: Ory, browser: Browser, **_: object) -> None:
    person = ory.person()
    person.browser_session().set_up_totp()
    carry(browser, person.browser_session())


def second_factor_used(ory: Ory, browser: Browser, **_: object) -> None:
    session = ory.person().browser_session()
    session.set_up_totp()
    carry(browser, session)


def cookie_never_arrives(ory: Ory, browser: Browser, ory_auth: ChangeSettings) -> None:
    """The browser signs in at Ory under another host name than the site's."""
    ory_auth(BROWSER_URL=ory.public_url.replace("127.0.0.1", "localhost"))
    carry(browser, ory.person().browser_session(), "localhost")


def other_ory(ory: Ory, browser: Browser, ory_auth: ChangeSettings) -> None:
    """The cookie arrives, and the Ory that this site asks knows nothing of it."""
    signed_in(ory, browser)
    ory_auth(SESSION_COOKIE_NAME="another_session")


def revoked(ory: Ory, browser: Browser, **_: object) -> None:
    session = ory.person().browser_session()
    carry(browser, session)
    session.revoke()


def deleted_person(ory: Ory, browser: Browser, **_: object) -> None:
    session = ory.person().browser_session()
    carry(browser, session)
    session.person.delete()


def signed_in_with_django_since(ory: Ory, browser: Browser, **_: object) -> None:
    User.objects.create_superuser("root", "root@example.org", "Sleipnir-8-legs")
    signed_in(ory, browser)
    browser.open("/django-login?name=root&password=Sleipnir-8-legs")


def clock_ahead(ory: Ory, browser: Browser, **_: object) -> None:
    assert ory.local
    ory.local.clock.move(300)
    signed_in(ory, browser)


def clock_behind(ory: Ory, browser: Browser, **_: object) -> None:
    assert ory.local
    ory.local.clock.move(-300)
    signed_in(ory, browser)


def signed_in_long_ago(ory: Ory, browser: Browser, **_: object) -> None:
    signed_in(ory, browser)
    assert ory.local
    ory.local.clock.move(16 * 60)


def signed_out_while_ory_was_down(ory: Ory, browser: Browser, ory_auth: ChangeSettings) -> None:
    signed_in(ory, browser)
    assert ory.local
    assert browser.site
    with ory.local.failing(500):
        browser.site("POST", f"http://{HOST}/auth/logout", _form(browser), b"")


def _form(browser: Browser) -> dict[str, str]:
    cookie = "; ".join(f"{name}={value}" for (_, name), value in browser.jar.items())
    return {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}


def what(page: Page) -> str:
    """What a page is, by what is on it."""
    said = {
        "No access": "not admitted",
        "Not allowed": "refused",
        "Sign-in didn't complete": "the causes",
        "A second step is needed": "set one up",
        "Second step": "second factor",
        "Confirm that it's you": "sign in again",
        "This form is no longer valid": "flow gone",
    }
    heading = re.search("<h1>(.*?)</h1>", page.text)
    if heading and heading[1] in said:
        return said[heading[1]]
    if "password" in page.fields and page.path == "/auth/login":
        return "sign in"
    return "the page" if page.status == 200 else str(page.status)


State = Callable[..., None]
IN = dict.fromkeys(GUARDS, "the page")
NOT_STAFF = {"user_passes_test": "refused", "admin": "refused"}
SIGN_IN = dict.fromkeys(GUARDS, "sign in")
ENDS: dict[State, dict[str, str]] = {
    anonymous: SIGN_IN,
    signed_in: {**IN, **NOT_STAFF, "aal2": "set one up"},
    inactive: dict.fromkeys(GUARDS, "not admitted"),
    staff: {**IN, "aal2": "set one up"},
    second_factor_not_used: dict.fromkeys(GUARDS, "second factor"),
    second_factor_used: {**IN, **NOT_STAFF},
    cookie_never_arrives: dict.fromkeys(GUARDS, "the causes"),
    other_ory: dict.fromkeys(GUARDS, "the causes"),
    revoked: SIGN_IN,
    deleted_person: SIGN_IN,
    signed_in_with_django_since: {**IN, **dict.fromkeys(["ory_required", "aal2", "max_age"], "sign in again")},
}
LOCAL_ENDS: dict[State, dict[str, str]] = {
    clock_ahead: {**IN, **NOT_STAFF, "aal2": "set one up"},
    clock_behind: {**IN, **NOT_STAFF, "aal2": "set one up"},
    signed_in_long_ago: {**IN, **NOT_STAFF, "aal2": "set one up", "max_age": "sign in again"},
    signed_out_while_ory_was_down: SIGN_IN,
}
ALL_ENDS = {**ENDS, **LOCAL_ENDS}
WALKS = [pytest.param(state, guard, id=f"{state.__name__}-{guard}") for state in ALL_ENDS for guard in GUARDS]


@pytest.mark.promise("A redirect loop ends at a page that explains it")
@pytest.mark.parametrize(("state", "guard"), WALKS)
def test_a_few_redirects_lead_to_the_right_page(
    ory: Ory, ory_auth: ChangeSettings, browser: Browser, settings: Settings, state: State, guard: str
) -> None:
    if state in LOCAL_ENDS and ory.local is None:
        pytest.skip("needs the local Ory")
    if guard == "LoginRequiredMiddleware":
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    state(ory=ory, browser=browser, ory_auth=ory_auth)
    page = browser.open(GUARDS[guard])
    assert what(page) == ALL_ENDS[state][guard]
    assert page.hops <= 5


@pytest.mark.parametrize("guard", ["ory_required", "user_passes_test", "admin"])
def test_the_redirect_loop_page_comes_every_time(
    ory: Ory, ory_auth: ChangeSettings, browser: Browser, guard: str
) -> None:
    cookie_never_arrives(ory, browser, ory_auth)
    for _ in range(3):
        page = browser.open(GUARDS[guard])
        assert (what(page), page.hops <= 5) == ("the causes", True)


def test_the_redirect_loop_page_names_the_cookie_and_both_hosts(
    ory: Ory, ory_auth: ChangeSettings, browser: Browser
) -> None:
    cookie_never_arrives(ory, browser, ory_auth)
    page = browser.open("/guarded")
    assert page.status == 403
    for named in ("ory_kratos_session", HOST, ory.public_url.replace("127.0.0.1", "localhost")):
        assert named in page.text


def test_a_form_without_orys_cookie_shows_the_redirect_loop_page(
    ory: Ory, ory_auth: ChangeSettings, browser: Browser
) -> None:
    ory_auth(BROWSER_URL=ory.public_url.replace("127.0.0.1", "localhost"))
    page = browser.open("/guarded")
    assert what(page) == "the causes"
    assert page.hops <= 5


ODD = ["?q=%C3%A4", "?a=1&a=2&b=a+b%20c", "?next=/who", "?x=[1]&y=%2F%3F%23", "?", "?\u00e4=%26"]


@pytest.mark.parametrize("query", ODD)
@pytest.mark.parametrize(
    ("state", "path", "end"), [(cookie_never_arrives, "/guarded", "the causes"), (signed_in, "/staff-only", "refused")]
)
def test_a_redirect_loop_is_detected_with_any_query_string(
    ory: Ory, ory_auth: ChangeSettings, browser: Browser, state: State, path: str, end: str, query: str
) -> None:
    state(ory=ory, browser=browser, ory_auth=ory_auth)
    page = browser.open(path + query)
    assert (what(page), page.hops <= 5) == (end, True)


def test_a_user_who_is_refused_on_one_page_can_open_others(ory: Ory, browser: Browser) -> None:
    signed_in(ory, browser)
    assert what(browser.open("/staff-only")) == "refused"
    assert what(browser.open("/guarded")) == "the page"
    assert what(browser.open("/staff-only")) == "refused"


def test_several_guarded_pages_before_the_sign_in_are_not_a_redirect_loop(ory: Ory, browser: Browser) -> None:
    for path in ("/guarded", "/guarded", "/django-guarded", "/staff-only", "/guarded"):
        assert what(browser.open(path)) == "sign in"


@pytest.mark.parametrize("guard", GUARDS)
def test_the_next_page_after_a_sign_out_asks_to_sign_in(
    ory: Ory, ory_auth: ChangeSettings, browser: Browser, guard: str
) -> None:
    """After a sign-out the next page asks for the password, and nobody comes back by themselves."""
    signed_in(ory, browser)
    browser.open("/guarded")
    browser._walk("POST", f"http://{HOST}/auth/logout", b"")
    if guard != "LoginRequiredMiddleware":
        assert what(browser.open(GUARDS[guard])) == "sign in"


# --- flows, by their forms --------------------------------------------------------------------------------------------


def log_in(browser: Browser, person: Person, path: str = "/guarded") -> Page:
    page = browser.open(path)
    return browser.submit(
        page, page.form_with("password"), "password", identifier=person.email, password=person.password
    )


def test_a_person_signs_in_with_the_form_and_gets_the_requested_page(ory: Ory, browser: Browser) -> None:
    person = ory.person()
    page = log_in(browser, person, "/guarded?x=1")
    assert (page.status, page.url) == (200, f"http://{HOST}/guarded?x=1")
    assert person.id in page.text


def test_a_wrong_password_shows_the_form_again_with_an_error(ory: Ory, browser: Browser) -> None:
    person = ory.person()
    page = browser.open("/guarded")
    page = browser.submit(page, page.form_with("password"), "password", identifier=person.email, password="wrong-1234")
    assert what(page) == "sign in"
    assert "ory-message-error" in page.text
    page = browser.submit(
        page, page.form_with("password"), "password", identifier=person.email, password=person.password
    )
    assert page.path == "/guarded"


def test_a_new_person_registers_with_the_form_and_is_signed_in(ory: Ory, browser: Browser) -> None:
    page = browser.open("/auth/registration?next=/guarded")
    email = f"{pyotp.random_base32().lower()}@example.org"
    page = browser.submit(page, page.form_with("traits.email"), "profile", traits__email=email)
    page = browser.submit(page, page.form_with("password"), "password", password=PASSWORD)
    if page.path == "/auth/verification":  # a real Ory may show the form for the code from its mail first
        page = browser.open("/guarded")
    assert (page.path, page.status) == ("/guarded", 200)
    assert User.objects.get().email == email


def test_a_person_sets_up_a_second_factor_and_uses_it(ory: Ory, browser: Browser, web: DualClient) -> None:
    person = ory.person()
    log_in(browser, person)
    assert what(browser.open("/aal2")) == "set one up"
    page = browser.open("/auth/settings?next=/aal2")
    [secret] = re.findall(r"\b[A-Z2-7]{32}\b", page.text)
    totp = pyotp.TOTP(secret)
    page = browser.submit(page, page.form_with("totp_code"), "totp", totp_code=totp.now())
    assert (page.path, page.status) == ("/aal2", 200)
    other = Browser(HOST, client_transport(web, HOST))
    page = log_in(other, person, "/aal2")
    assert what(page) == "second factor"
    page = other.submit(page, page.form_with("totp_code"), "totp", totp_code=totp.now())
    assert (page.path, page.status) == ("/aal2", 200)


def test_a_person_changes_their_name_and_stays_on_the_page(ory: Ory, browser: Browser) -> None:
    person = ory.person(name={"first": "Ada"})
    log_in(browser, person)
    page = browser.open("/auth/settings")
    page = browser.submit(page, page.form_with("traits.name.first"), "profile", traits__name__first="Augusta")
    assert (page.path, page.status) == ("/auth/settings", 200)
    caches["default"].clear()
    browser.open("/guarded")
    assert User.objects.get().first_name == "Augusta"


def test_a_person_who_is_not_admitted_can_sign_out_and_sign_in_as_another(ory: Ory, browser: Browser) -> None:
    inactive(ory, browser)
    page = browser.open("/guarded")
    (form,) = page.forms
    page = browser.submit(page, form)
    assert page.path == "/bye"
    person = ory.person()
    assert person.id in log_in(browser, person).text


@pytest.mark.parametrize("flow", ["login", "registration", "recovery", "verification"])
def test_the_pages_of_flows_show_their_forms(ory: Ory, browser: Browser, flow: str) -> None:
    page = browser.open(f"/auth/{flow}")
    if flow in {"recovery", "verification"} and page.path == "/auth/error":
        pytest.skip("not switched on at this Ory")
    assert (page.status, page.path) == (200, f"/auth/{flow}")
    assert page.forms


def test_settings_without_a_session_lead_to_login(ory: Ory, browser: Browser) -> None:
    assert what(browser.open("/auth/settings")) == "sign in"


def test_settings_need_the_second_factor_first(ory: Ory, browser: Browser) -> None:
    second_factor_not_used(ory, browser)
    assert what(browser.open("/auth/settings")) == "second factor"


def test_open_settings_lead_to_login_after_the_session_ended(ory: Ory, browser: Browser) -> None:
    session = ory.person().browser_session()
    carry(browser, session)
    settings_page = browser.open("/auth/settings")
    session.revoke()
    assert what(browser.open(settings_page.url)) == "sign in"


def test_open_settings_lead_to_a_second_factor_that_was_set_up_elsewhere(ory: Ory, browser: Browser) -> None:
    person = ory.person()
    carry(browser, person.browser_session())
    settings_page = browser.open("/auth/settings")
    person.browser_session().set_up_totp()
    assert what(browser.open(settings_page.url)) == "second factor"


# --- flows that are not there any more --------------------------------------------------------------------------------


def test_a_flow_of_another_browser_is_not_shown(ory: Ory, browser: Browser, web: DualClient) -> None:
    address = browser.open("/guarded").url
    page = Browser(HOST, client_transport(web, HOST)).open(address)
    assert page.status == 403
    assert "no longer valid" in page.text


@pytest.mark.parametrize(
    "flow_id", ["a3b8f3d4-0000-4000-8000-000000000000", "nonsense", "", "../../x", "%00", "x" * 3000]
)
@pytest.mark.parametrize("flow", ["login", "settings"])
def test_a_flow_that_does_not_exist_says_how_to_start_again(
    ory: Ory, browser: Browser, flow: str, flow_id: str
) -> None:
    page = browser.open(f"/auth/{flow}?flow={flow_id}")
    assert 400 <= page.status < 500 or page.hops
    assert f"/auth/{flow}" in page.text or what(page) == "sign in"


def test_an_expired_flow_says_how_to_start_again(ory: Ory, local_ory: LocalOry, browser: Browser) -> None:
    address = browser.open("/guarded").url
    local_ory.clock.move(3600)
    page = browser.open(address)
    assert page.status == 410
    (again,) = re.findall(r'href="(/auth/login[^"]*)"', page.text)
    assert parse_qs(urlsplit(again).query)["return_to"][0].endswith("/guarded")


def test_a_submitted_expired_form_becomes_a_new_one(ory: Ory, local_ory: LocalOry, browser: Browser) -> None:
    person = ory.person()
    page = browser.open("/guarded")
    local_ory.clock.move(3600)
    values = {"identifier": person.email, "password": person.password}
    page = browser.submit(page, page.form_with("password"), "password", **values)
    assert what(page) == "sign in"
    page = browser.submit(page, page.form_with("password"), "password", **values)
    assert page.status == 200


def test_a_replaced_flow_leads_to_its_replacement(ory: Ory, local_ory: LocalOry, browser: Browser) -> None:
    old, new = browser.open("/auth/login").url, browser.open("/auth/login").url
    body = b'{"error": {"id": "self_service_flow_expired"}, "use_flow_id": "%s"}' % new.partition("=")[2].encode()
    original = old.partition("=")[2]
    site = browser.site
    assert site

    def once(method: str, url: str, headers: dict[str, str], sent: bytes | None) -> Reply:
        if original in url:
            with local_ory.failing(410, body=body, path="/self-service/login/flows"):
                return site(method, url, headers, sent)
        return site(method, url, headers, sent)

    browser.site = once
    page = browser.open(old)
    assert (page.url, what(page)) == (new, "sign in")


@pytest.mark.parametrize("flow", ["login", "registration", "settings"])
def test_a_flow_while_ory_is_down_is_503(ory: Ory, local_ory: LocalOry, browser: Browser, flow: str) -> None:
    with local_ory.failing(500):
        assert browser.open(f"/auth/{flow}?flow=a3b8f3d4-0000-4000-8000-000000000000").status == 503


# --- Ory's errors -----------------------------------------------------------------------------------------------------


FORGED = "https://evil.example/ YOUR ACCOUNT IS LOCKED. Call +1-555-0100"
PIECES = ("LOCKED", "555-0100", "evil.example")
FLOWS = ["login", "registration", "settings"]  # those of the local Ory


@pytest.mark.promise("Text that an attacker put into a link is not shown on the error page")
@pytest.mark.parametrize("flow", FLOWS)
def test_a_forged_return_to_puts_no_text_on_the_error_page(ory: Ory, browser: Browser, flow: str) -> None:
    carry(browser, ory.person().browser_session())
    page = browser.open(f"{ory.public_url}/self-service/{flow}/browser?{urlencode({'return_to': FORGED})}")
    assert (page.path, page.status) == ("/auth/error", 400)
    assert "send you back to the page that you came from." in page.text
    assert "self_service_flow_return_to_forbidden" in page.text
    assert [piece for piece in PIECES if piece in page.text] == []


@pytest.mark.parametrize("name", ["return_to", "next"])
@pytest.mark.parametrize("flow", FLOWS)
def test_a_forged_return_to_puts_no_text_on_a_form(ory: Ory, browser: Browser, flow: str, name: str) -> None:
    if flow == "settings":
        carry(browser, ory.person().browser_session())
    page = browser.open(f"/auth/{flow}?{urlencode({name: FORGED})}")
    assert page.forms
    assert [piece for piece in PIECES if piece in page.text] == []


@pytest.mark.promise("A flow of an app is not shown as a page")
@pytest.mark.parametrize("flow", ["login", "registration", "recovery", "verification"])
def test_an_api_flow_has_no_page(ory: Ory, browser: Browser, flow: str) -> None:
    """Anybody can start one, fill it in and send its link: it belongs to no browser."""
    begun = ory.public("GET", f"/self-service/{flow}/api").json
    if "ui" not in begun:
        pytest.skip("not switched on at this Ory")
    entered = {
        "login": {"method": "password", "identifier": FORGED, "password": "x"},
        "registration": {"method": "password", "traits": {"email": "x", "name": {"first": FORGED}}, "password": "x"},
        "recovery": {"method": "code", "email": FORGED},
        "verification": {"method": "code", "email": FORGED},
    }
    filled = ory.public("POST", f"/self-service/{flow}?flow={begun['id']}", body=entered[flow])
    assert "LOCKED" in filled.body.decode()
    page = browser.open(f"/auth/{flow}?flow={begun['id']}")
    assert (page.status, what(page)) == (404, "flow gone")
    assert f'href="/auth/{flow}"' in page.text
    assert [piece for piece in PIECES if piece in page.text] == []


@pytest.mark.parametrize("query", ["", "?id=", "?id=nonsense", "?id=<script>alert(1)</script>", "?id=stub:500"])
def test_an_unknown_error_has_an_error_page(ory: Ory, browser: Browser, query: str) -> None:
    page = browser.open(f"/auth/error{query}")
    assert page.status in {400, 404, 500}
    assert "Something went wrong" in page.text
    assert "<script>alert" not in page.text


def test_markup_in_an_error_of_ory_is_not_on_the_page(ory: Ory, local_ory: LocalOry, browser: Browser) -> None:
    body = b'{"id": "1", "error": {"code": 404, "reason": "<script>alert(1)</script>", "message": {"a": 1}}}'
    with local_ory.failing(200, body=body, path="/self-service/errors"):
        page = browser.open("/auth/error?id=a3b8f3d4-0000-4000-8000-000000000000")
    assert page.status == 404
    assert "alert(1)" not in page.text


def test_an_error_page_while_ory_is_down_is_503(ory: Ory, local_ory: LocalOry, browser: Browser) -> None:
    with local_ory.failing(500):
        assert browser.open("/auth/error?id=a3b8f3d4-0000-4000-8000-000000000000").status == 503


# --- over real sockets ------------------------------------------------------------------------------------------------


@pytest.fixture
def live(ory: Ory, pages_at: Callable[[str], None], transactional_db: None) -> Iterator[Browser]:
    """The site over HTTP, in its own thread."""
    shared = connections["default"]
    shared.inc_thread_sharing()  # the database in memory is this thread's
    port = 18000 if os.environ.get("ORY_TEST_PUBLIC_URL") else 0
    thread = LiveServerThread("127.0.0.1", _no_static_files, {"default": shared}, port)  # type: ignore[arg-type]
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    assert thread.error is None, thread.error
    host = f"127.0.0.1:{thread.port}"
    pages_at(host)
    yield Browser(host)
    HTTP.clear()  # its connections that are kept keep threads of the site alive
    thread.terminate()
    for request in threading.enumerate():
        if "process_request_thread" in request.name:
            request.join()
    shared.dec_thread_sharing()


def _no_static_files(application: WSGIHandler) -> WSGIHandler:
    return application


def test_the_whole_way_over_http(ory: Ory, live: Browser) -> None:
    person = ory.person(name={"first": "Ada"})
    page = log_in(live, person, "/guarded?x=1")
    assert person.id in page.text
    page = live.open("/auth/settings")
    page = live.submit(page, page.form_with("traits.name.first"), "profile", traits__name__first="Augusta")
    assert page.path == "/auth/settings"
    User.objects.update(is_active=False)
    page = live.open("/guarded")
    assert what(page) == "not admitted"
    page = live.submit(page, page.forms[0])
    assert page.path == "/bye"
    assert what(live.open("/guarded")) == "sign in"


# --- the Back button, after a flow was completed ----------------------------------------------------------------------


def test_back_to_the_sign_in_page_leads_on_when_signed_in(ory: Ory, browser: Browser) -> None:
    person = ory.person()
    page = browser.open("/guarded")
    submitted = browser.submit(
        page, page.form_with("password"), button="password", identifier=person.email, password=person.password
    )
    assert submitted.path == "/guarded"
    assert browser.open(page.url).path in {"/", "/guarded"}


def test_back_to_a_used_flow_says_how_to_start_again_when_signed_out(
    ory: Ory, local_ory: LocalOry, browser: Browser
) -> None:
    local_ory.configure(recovery_use="code")
    person = ory.person()
    page = browser.open("/auth/recovery?next=/guarded")
    page = browser.submit(page, page.form_with("email"), button="code", email=person.email)
    code = local_ory.mailbox.latest(person.email).code
    settings_page = browser.submit(page, page.form_with("code"), button="code", code=code)
    assert settings_page.path == "/auth/settings"
    assert browser.open(page.url).path == "/auth/settings", "the next step is a new password"
    browser.jar = {key: value for key, value in browser.jar.items() if "session" not in key[1]}
    gone = browser.open(page.url)
    assert gone.status in {403, 410}
    assert "/auth/recovery" in gone.text
