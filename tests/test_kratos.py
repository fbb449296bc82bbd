"""The demo with a real Kratos, set up by ``contrib/kratos``: only where ``ORY_TEST_KRATOS`` names its binary."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import jwt
import pyotp
import pytest
import urllib3

from contrib.kratos.make_keys import PUBLIC, make_keys
from tests.support.browser import Browser, Page
from tests.support.ory import HTTP
from tests.support.ports import free_ports

KRATOS = os.environ.get("ORY_TEST_KRATOS", "")
pytestmark = pytest.mark.skipif(not KRATOS, reason="ORY_TEST_KRATOS names no Kratos binary")

ROOT = Path(__file__).resolve().parent.parent
FLOWS = ("error", "login", "registration", "settings", "recovery", "verification")
EMAIL, PASSWORD, NEW_PASSWORD = "ada@example.org", "engine 1843 notes", "notes 1843 engine"
PATIENCE = 60  # seconds


@dataclass(frozen=True)
class Stack:
    """Kratos and the demo in front of it."""

    public_url: str
    admin_url: str
    site: str  # host and port
    public_keys: Path

    def browser(self) -> Browser:
        return Browser(self.site)

    @property
    def code_by_mail(self) -> str:
        """The code in the last mail that Kratos has to send to Ada."""
        mails = HTTP.request("GET", f"{self.admin_url}/admin/courier/messages?recipient={EMAIL}").json()
        found = re.search(r"^(\d{6})\s*$", mails[0]["body"], re.MULTILINE)
        assert found, mails[0]["subject"]
        return found[1]

    @property
    def identity(self) -> dict[str, Any]:
        """Ada as Kratos knows her."""
        found: dict[str, Any]
        [found] = HTTP.request("GET", f"{self.admin_url}/admin/identities?credentials_identifier={EMAIL}").json()
        return found

    def whoami(self, browser: Browser, query: str = "") -> urllib3.BaseHTTPResponse:
        """What Kratos says to the browser's cookies."""
        cookie = "; ".join(f"{name}={value}" for (_, name), value in browser.jar.items())
        return HTTP.request("GET", f"{self.public_url}/sessions/whoami{query}", headers={"Cookie": cookie})


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("kratos")
    public, admin, site = free_ports(3)
    make_keys(directory / "keys")
    ours = directory / "ours.json"
    ours.write_text(json.dumps(on_ports(public, admin, site, directory / "keys")))
    stack = Stack(
        f"http://127.0.0.1:{public}", f"http://127.0.0.1:{admin}", f"127.0.0.1:{site}", directory / "keys" / PUBLIC
    )
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"} | {
        "DSN": "memory",
        "ORY_SDK_URL": stack.public_url,
        "ORY_BROWSER_URL": "",
        "ORY_ADMIN_URL": stack.admin_url,
        "DEMO_PORT": str(site),
        "REDIS_URL": "",
        "DATABASE_URL": f"sqlite:///{directory}/demo.sqlite3",
    }
    serve = [KRATOS, "serve", "-c", "contrib/kratos/kratos.yaml", "-c", str(ours), "--dev", "--sqa-opt-out"]
    with ExitStack() as running:
        running.enter_context(process(serve, f"{stack.public_url}/health/ready", directory / "kratos.log", environment))
        demo = [sys.executable, "manage.py", "demo"]
        running.enter_context(process(demo, f"http://{stack.site}/auth/ready", directory / "demo.log", environment))
        yield stack


def on_ports(public: int, admin: int, site: int, keys: Path) -> dict[str, Any]:
    """What differs from ``contrib/kratos/kratos.yaml`` where its ports may be taken."""
    url = f"http://127.0.0.1:{site}"
    return {
        "serve": {
            "public": {"base_url": f"http://127.0.0.1:{public}/", "port": public},
            "admin": {"base_url": f"http://127.0.0.1:{admin}/", "port": admin},
        },
        "selfservice": {
            "default_browser_return_url": f"{url}/",
            "allowed_return_urls": [url],
            "flows": {flow: {"ui_url": f"{url}/auth/{flow}"} for flow in FLOWS},
        },
        "session": {"whoami": {"tokenizer": {"templates": {"django": {"jwks_url": f"file://{keys}/jwks.json"}}}}},
    }


@contextmanager
def process(command: list[str], ready_url: str, log: Path, environment: dict[str, str]) -> Iterator[None]:
    """A server that runs, and answers 200 at its readiness URL, until the block ends."""
    with log.open("w+") as out:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            wait_for(server, ready_url, out)
            yield
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=PATIENCE)


def wait_for(server: subprocess.Popen[bytes], ready_url: str, out: IO[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if HTTP.request("GET", ready_url, timeout=2).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.1)
    out.seek(0)
    raise AssertionError(f"{ready_url} is not ready:\n{out.read()}")


# ---- the demo's whole way; each step is a page that somebody sees


def register(stack: Stack) -> Browser:
    """Ada makes herself an account, and shows that the address is hers."""
    browser = stack.browser()
    page = browser.open("/auth/registration?return_to=/account/?tab=2")
    page = browser.submit(
        page, page.form_with("traits.email"), "profile", traits__email=EMAIL, traits__name__first="Ada"
    )
    page = browser.submit(page, page.form_with("password"), "password", password=PASSWORD)
    assert page.path == "/auth/verification"
    page = browser.submit(page, page.form_with("code"), "code", code=stack.code_by_mail)
    assert f'href="http://{stack.site}/account/?tab=2"' in page.text
    assert [address["verified"] for address in stack.identity["verifiable_addresses"]] == [True]
    assert EMAIL in browser.open("/account/").text
    return browser


def set_up_second_factors(browser: Browser) -> tuple[pyotp.TOTP, str]:
    """An authenticator app, and one of the backup codes."""
    page = browser.open("/auth/settings?return_to=/account/")
    secret = re.search(r"<code[^>]*>\s*([A-Z2-7]{32})\s*<", page.text)
    assert secret
    totp = pyotp.TOTP(secret[1])
    assert browser.submit(page, page.form_with("totp_code"), "totp", totp_code=totp.now()).path == "/account/"
    page = browser.open("/auth/settings")
    page = browser.submit(page, page.form_with("lookup_secret_regenerate"), "true")
    code = re.search(r"<code>([a-z0-9]{8})</code>", page.text)
    assert code
    page = browser.submit(page, page.form_with("lookup_secret_confirm"), "true")
    assert "lookup_secret_reveal" in page.text
    return totp, code[1]


def sign_out(browser: Browser, page: Page) -> None:
    form = next(form for form in page.forms if form.action == "/auth/logout")
    assert browser.submit(page, form).path == "/"
    assert browser.open("/account/").path == "/auth/login"


def sign_in(browser: Browser, path: str, password: str) -> Page:
    page = browser.open(path)
    return browser.submit(page, page.form_with("password"), "password", identifier=EMAIL, password=password)


def recover(stack: Stack, totp: pyotp.TOTP) -> Browser:
    """Ada has lost her password: a code by mail, and then, for she has one, the second factor."""
    browser = stack.browser()
    page = browser.open("/auth/recovery?return_to=/account/")
    page = browser.submit(page, page.form_with("email"), "code", email=EMAIL)
    page = browser.submit(page, page.form_with("code"), "code", code=stack.code_by_mail)
    assert page.path == "/auth/login"
    page = browser.submit(page, page.form_with("totp_code"), "totp", totp_code=totp.now())
    assert page.path == "/auth/settings"
    assert browser.submit(page, page.form_with("password"), "password", password=NEW_PASSWORD).path == "/account/"
    return browser


def test_the_whole_demo_works_with_a_real_kratos(stack: Stack) -> None:
    browser = register(stack)
    totp, backup_code = set_up_second_factors(browser)
    sign_out(browser, browser.open("/account/"))

    page = sign_in(browser, "/vault/?from=here", "not it")
    assert (page.path, 'role="alert"' in page.text) == ("/auth/login", True)
    page = browser.submit(page, page.form_with("password"), "password", password=PASSWORD)
    assert "totp_code" in page.fields
    page = browser.submit(page, page.form_with("totp_code"), "totp", totp_code=totp.now())
    assert page.url == f"http://{stack.site}/vault/?from=here"
    sign_out(browser, page)

    recover(stack, totp)
    browser = stack.browser()
    assert "password" in sign_in(browser, "/account/", PASSWORD).fields
    page = sign_in(browser, "/account/", NEW_PASSWORD)
    page = browser.submit(page, page.form_with("lookup_secret"), "lookup_secret", lookup_secret=backup_code)
    assert page.path == "/account/"

    assert stack.whoami(browser).headers["Ory-Session-Cache-For"] == "60"
    token = stack.whoami(browser, "?tokenize_as=django").json()["tokenized"]
    [key] = jwt.PyJWKSet.from_json(stack.public_keys.read_text()).keys
    claims = jwt.decode(token, key, algorithms=["ES256"], audience="django", issuer=f"{stack.public_url}/")
    assert (claims["sub"], claims["aal"]) == (stack.identity["id"], "aal2")


def test_its_cookies_work_over_http_and_belong_to_one_host(stack: Stack) -> None:
    response = HTTP.request("GET", f"{stack.public_url}/self-service/login/browser", redirect=False)
    [line] = response.headers.getlist("Set-Cookie")
    attributes = {attribute.strip().lower() for attribute in line.split(";")[1:]}
    assert "samesite=lax" in attributes
    assert not {attribute for attribute in attributes if attribute.startswith(("secure", "domain"))}


def test_a_return_to_another_site_is_refused(stack: Stack) -> None:
    browser = stack.browser()
    page = browser.open(f"{stack.public_url}/self-service/login/browser?return_to=https://elsewhere.example.org/")
    assert (page.path, page.status) == ("/auth/error", 400)
