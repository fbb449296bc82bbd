"""The demo, started as its readers start it, and walked through as by a browser without scripts."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
import urllib3

pytest.importorskip("environ", reason="the demo needs django-environ")

from demo_project.people import Person, people
from tests.support.ports import free_ports

ROOT = Path(__file__).parent.parent
ADA, BOB, GRACE = people()
HTTP = urllib3.PoolManager(retries=False)


def start(**ports: int) -> subprocess.Popen[str]:
    dropped = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL")
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    environment |= {"ORY_SDK_URL": "", "NO_COLOR": "1", **{name: str(port) for name, port in ports.items()}}
    command = [sys.executable, "manage.py", "demo"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of a demo that is running."""
    names = ("DEMO_PORT", "ORY_PUBLIC_PORT", "ORY_ADMIN_PORT")
    ports = dict(zip(names, free_ports(3), strict=True))
    demo = start(**ports)
    assert demo.stdout
    said = ""
    for line in demo.stdout:
        said += line
        if "Ctrl-C" in line:
            break
    try:
        assert demo.poll() is None, said
        for person in people():
            assert re.search(rf"{re.escape(person.email)} +{re.escape(person.password)} ", said)
        yield f"http://localhost:{ports['DEMO_PORT']}"
    finally:
        demo.send_signal(signal.SIGTERM)
        rest, _ = demo.communicate(timeout=20)
    assert "The demo has ended." in rest
    for port in ports.values():
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), timeout=1)


class Forms(HTMLParser):
    """The forms of a page: for each of its buttons the address, and the fields that would be sent."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.by_button: dict[str, tuple[str, list[tuple[str, str]]]] = {}
        self._action = ""
        self._fields: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._action, self._fields = found.get("action", ""), []
        elif tag == "input" and (found.get("type") != "checkbox" or "checked" in found):
            self._fields.append((found["name"], found.get("value", "")))
        elif tag == "button" and "disabled" not in found:
            own = [(found["name"], found.get("value", ""))] if "name" in found else []
            self.by_button[found.get("value", "")] = (self._action, [*self._fields, *own])


@dataclass
class Page:
    url: str
    status: int
    text: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    @property
    def heading(self) -> str:
        found = re.search(r"<h1>(.*?)</h1>", self.text, re.DOTALL)
        return " ".join(found[1].split()) if found else ""


@dataclass
class Browser:
    """Follows redirects and keeps cookies: by host, whatever the port, as browsers do."""

    site: str
    cookies: dict[str, str] = field(default_factory=dict)
    page: Page = field(default_factory=lambda: Page("", 0, ""))

    def open(self, path: str) -> Page:
        return self._go("GET", urljoin(self.site, path))

    def press(self, button: str, **values: str) -> Page:
        action, fields = Forms(self.page.text).by_button[button]
        unknown = values.keys() - {name for name, _ in fields}
        assert not unknown, f"no such fields: {unknown}"
        filled = [(name, values.get(name, value)) for name, value in fields]
        return self._go("POST", urljoin(self.page.url, action), urlencode(filled))

    def sign_in(self, person: Person, path: str) -> Page:
        self.open(path)
        return self.press("password", identifier=person.email, password=person.password)

    def _go(self, method: str, url: str, body: str | None = None) -> Page:
        for _ in range(10):
            headers = {"Accept": "text/html", "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
            if body is not None:
                headers |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": self.page.url}
            response = HTTP.request(method, url, headers=headers, body=body, redirect=False, timeout=10)
            self._keep(response.headers.getlist("Set-Cookie"))
            if not 300 <= response.status < 400:
                self.page = Page(url, response.status, response.data.decode())
                return self.page
            method, body, url = "GET", None, urljoin(url, response.headers["Location"])
        raise AssertionError(f"goes round in circles at {url}")

    def _keep(self, lines: list[str]) -> None:
        for line in lines:
            name, _, value = line.partition(";")[0].partition("=")
            if value.strip('"') and "max-age=0" not in line.lower():
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)


@pytest.fixture
def browser(site: str) -> Browser:
    return Browser(site)


def test_the_public_page_greets_those_who_are_signed_in(browser: Browser) -> None:
    assert browser.open("/").heading == "A Django site that signs people in with Ory."
    browser.sign_in(BOB, "/auth/login")
    assert browser.page.path == "/"
    assert browser.page.heading == "Welcome, Bob."


def test_signing_in_leads_back_to_the_requested_page(browser: Browser) -> None:
    page = browser.sign_in(BOB, "/account/?tab=2")
    assert page.url == f"{browser.site}/account/?tab=2"
    assert BOB.email in page.text


def test_a_wrong_password_shows_an_error_and_keeps_the_name(browser: Browser) -> None:
    browser.open("/account/")
    page = browser.press("password", identifier=BOB.email, password="not it")
    assert 'role="alert"' in page.text
    assert f'value="{BOB.email}"' in page.text
    assert browser.press("password", password=BOB.password).path == "/account/"


def test_a_forgotten_password_is_replaced_with_the_code_from_the_mailbox(browser: Browser) -> None:
    mailbox = re.search(r'href="(http://localhost:\d+/mailbox)"', browser.open("/").text)
    assert mailbox
    browser.open("/auth/recovery")
    browser.press("code", email=BOB.email)
    code = re.search(r"\b\d{6}\b", HTTP.request("GET", mailbox[1]).data.decode())
    assert code
    assert browser.press("code", code=code[0]).path == "/auth/settings"


def test_social_sign_in_works_with_the_pretended_provider(browser: Browser) -> None:
    browser.open("/account/")
    browser.press("google")
    assert "pretend" in browser.page.text
    browser.press("allow", email="carol@example.org", given_name="Carol")
    assert browser.page.path == "/account/"
    assert "Carol" in browser.page.text


def test_the_vault_asks_for_a_second_factor(browser: Browser) -> None:
    browser.sign_in(GRACE, "/vault/")
    assert browser.page.heading == "Second step"
    assert browser.press("totp", totp_code=GRACE.totp_code).heading == "The vault is open."


def test_a_backup_code_opens_the_vault(browser: Browser) -> None:
    assert GRACE.lookup_codes
    browser.sign_in(GRACE, "/vault/")
    assert 'role="alert"' in browser.press("lookup_secret", lookup_secret="wrong").text
    assert browser.press("lookup_secret", lookup_secret=GRACE.lookup_codes[-1]).heading == "The vault is open."


def test_a_user_without_a_second_factor_gets_an_explanation(browser: Browser) -> None:
    page = browser.sign_in(BOB, "/account/")
    page = browser.open("/vault/")
    assert page.heading == "A second step is needed"
    assert "/auth/settings" in page.text


def test_the_codes_of_the_demo_are_shown(browser: Browser) -> None:
    codes = {GRACE.totp_code}
    page = browser.open("/demo/codes/")
    codes.add(GRACE.totp_code)  # the half minute may have ended between
    assert any(code in page.text for code in codes)


def test_the_admin_lets_staff_in_and_tells_others_why_not(browser: Browser, site: str) -> None:
    assert browser.sign_in(ADA, "/admin/").path == "/admin/"
    assert browser.page.heading == "Site administration"
    other = Browser(site)
    other.sign_in(BOB, "/account/")
    assert (other.open("/admin/").status, other.page.heading) == (403, "Not allowed")


@pytest.mark.parametrize(("path", "says"), [("/async/", "an async view"), ("/sensitive/", "You proved who you are")])
def test_other_guarded_pages_open_after_signing_in(browser: Browser, path: str, says: str) -> None:
    assert says in browser.sign_in(ADA, path).heading


def test_settings_changed_at_ory_reach_django(browser: Browser) -> None:
    browser.sign_in(ADA, "/account/")
    browser.open("/auth/settings?return_to=/account/")
    browser.press("profile", **{"traits.name.last": "King"})
    deadline = time.monotonic() + 30
    while "Ada King" not in browser.open("/account/").text and time.monotonic() < deadline:
        time.sleep(0.2)
    assert "Ada King" in browser.page.text


def test_signing_out_ends_the_session(browser: Browser) -> None:
    browser.sign_in(BOB, "/account/")
    old = dict(browser.cookies)
    assert browser.press("").path == "/"
    browser.cookies |= old
    assert browser.open("/account/").path == "/auth/login"


def test_the_api_knows_a_token_and_never_redirects(site: str, browser: Browser) -> None:
    ory = re.search(r"http://127\.0\.0\.1:\d+(?=/self-service/login/api)", browser.open("/api/").text)
    assert ory
    flow = HTTP.request("GET", f"{ory[0]}/self-service/login/api").json()["id"]
    proof = {"method": "password", "identifier": BOB.email, "password": BOB.password}
    token = HTTP.request("POST", f"{ory[0]}/self-service/login?flow={flow}", json=proof).json()["session_token"]
    for headers in ({"X-Session-Token": token}, {"Authorization": f"Bearer {token}"}):
        response = HTTP.request("GET", f"{site}/api/me", headers=headers)
        assert (response.status, response.json()["email"]) == (200, BOB.email)
    response = HTTP.request("GET", f"{site}/api/me", redirect=False)
    assert (response.status, response.headers["Content-Type"]) == (401, "application/json")


def test_an_occupied_port_is_reported_with_a_fix() -> None:
    public, admin = free_ports(2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = start(DEMO_PORT=port, ORY_PUBLIC_PORT=public, ORY_ADMIN_PORT=admin)
        said, _ = demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert f"Port {port} cannot be used" in said
    assert f"DEMO_PORT={port + 10} python manage.py demo" in said


def test_the_demo_speaks_the_language_of_the_browser(site: str) -> None:
    page = HTTP.request("GET", site, headers={"Accept-Language": "de-DE,de;q=0.9,en;q=0.5"}).data.decode()
    assert '<html lang="de">' in page
    assert "Eine Django-Website, bei der man sich mit Ory anmeldet." in page
