"""All kinds of clients: Django's, DRF's, sessions of HTTP libraries, and browsers."""

from __future__ import annotations

import json
import shutil
from http.cookiejar import Cookie, CookieJar
from typing import Any, ClassVar
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from ory_auth.testing import Ory, OryLogin
from tests.support.browser import Browser


def test_rest_frameworks_client(ory_login: OryLogin) -> None:
    client = APIClient()
    signed_in = ory_login(client)
    assert client.get("/api/me").json()["user"] == str(signed_in.identity_id)


def test_a_token_for_rest_framework(ory: Ory, db: None) -> None:
    signed_in = ory.person().sign_in()
    assert APIClient().get("/api/me", headers=signed_in.headers).json()["session"] == str(signed_in.session_id)


# --- a live server


def browser_at(url: str) -> Browser:
    return Browser(urlsplit(url).netloc)


def test_a_browser_signs_in_with_the_form_and_returns(ory: Ory, live_server: Any) -> None:
    ory.pages_at(live_server.url)
    person, browser = ory.person("ada@example.org", password="Sleipnir-8-legs"), browser_at(live_server.url)
    page = browser.open("/guarded")
    assert page.path == "/auth/login"
    form = page.form_with("password")
    page = browser.submit(page, form, "password", identifier="ada@example.org", password="Sleipnir-8-legs")
    assert (page.path, str(person.identity_id) in page.text) == ("/guarded", True)


def test_a_signed_in_browser_steps_up_with_the_form(ory: Ory, ory_login: OryLogin, live_server: Any) -> None:
    browser = browser_at(live_server.url)
    context = Context()
    signed_in = ory_login(context, live_server.url)
    signed_in.add_second_factor()
    (cookie,) = context.cookies
    browser.jar[urlsplit(cookie["url"]).hostname or "", cookie["name"]] = cookie["value"]
    page = browser.open("/aal2")
    page = browser.submit(page, page.form_with("totp_code"), "totp", totp_code=signed_in.totp_code())
    assert (page.path, str(signed_in.identity_id) in page.text) == ("/aal2", True)


class Context:
    """Accepts cookies like a context of Playwright: each has a URL, or a domain and a path."""

    def __init__(self) -> None:
        self.cookies: list[dict[str, Any]] = []

    def add_cookies(self, cookies: list[dict[str, Any]]) -> None:
        self.cookies += cookies


class Page:
    """Has a context like a page of Playwright."""

    def __init__(self) -> None:
        self.context = Context()


class Session:
    """Has one of Python's cookie jars, like a session of requests or httpx."""

    class Jar(CookieJar):
        def set(self, name: str, value: str, domain: str = "") -> None:
            rest: dict[str, str] = {}
            self.set_cookie(
                Cookie(0, name, value, None, False, domain, True, False, "/", True, False, None, True, None, None, rest)
            )

    def __init__(self) -> None:
        self.cookies = self.Jar()


def test_a_page_of_playwright_gets_the_cookie_for_the_site(ory_login: OryLogin) -> None:
    page = Page()
    signed_in = ory_login(page, "http://localhost:8000")
    (cookie,) = page.context.cookies
    assert f"{cookie['name']}={cookie['value']}" == signed_in.cookie
    assert (cookie["url"], cookie["httpOnly"]) == ("http://localhost:8000", True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_session_of_an_http_library(ory_login: OryLogin, live_server: Any, host: str) -> None:
    url = live_server.url.replace("localhost", host)
    session = Session()
    signed_in = ory_login(session, url)
    with build_opener(HTTPCookieProcessor(session.cookies)).open(f"{url}/who", timeout=10) as answer:
        assert str(signed_in.identity_id) in answer.read().decode()


def test_a_project_with_the_gateway_keeps_it(
    settings: Settings, live_server: Any, request: pytest.FixtureRequest
) -> None:
    settings.ROOT_URLCONF = "tests.support.gateway"
    settings.ORY_AUTH = {"SDK_URL": "http://127.0.0.1:1", "BROWSER_URL": "/.ory"}
    ory: Ory = request.getfixturevalue("ory")
    ory.pages_at(live_server.url)
    url = f"{live_server.url}/.ory/self-service/login/browser"
    with build_opener().open(Request(url, headers={"Accept": "application/json"}), timeout=10) as answer:
        action = json.load(answer)["ui"]["action"]
    assert action.startswith(f"{live_server.url}/.ory/self-service/login?flow=")


def test_a_browser_needs_the_url_of_the_site(ory_login: OryLogin) -> None:
    with pytest.raises(TypeError, match=r"live_server\.url"):
        ory_login(Page())


def test_an_unknown_client_is_an_error(ory_login: OryLogin) -> None:
    class Thing:
        cookies: ClassVar[dict[str, str]] = {}

    with pytest.raises(TypeError, match="Thing is not a supported client"):
        ory_login(Thing())


def test_an_async_page_of_playwright_is_an_error(ory_login: OryLogin) -> None:
    class AsyncContext:
        async def add_cookies(self, cookies: list[dict[str, Any]]) -> None:
            raise AssertionError("this is never awaited")

    with pytest.raises(TypeError, match="async"):
        ory_login(AsyncContext(), "http://localhost:8000")


@pytest.mark.skipif(not (shutil.which("chromedriver") and shutil.which("chromium")), reason="Chromium is not installed")
def test_a_real_browser(ory_login: OryLogin, live_server: Any) -> None:
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    for argument in ("--headless", "--no-sandbox"):
        options.add_argument(argument)
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver"))) as driver:
        for email in ("ada@example.org", "eve@example.org"):
            signed_in = ory_login(driver, live_server.url, email=email)
            driver.get(f"{live_server.url}/guarded")
            assert str(signed_in.identity_id) in driver.page_source
