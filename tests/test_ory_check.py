"""``manage.py ory_check``: what is wrong between this project and this Ory is named in one line, with its fix."""

from __future__ import annotations

import io
import json
import os
import re
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import trustme
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.urls import re_path
from pytest_django import Settings

from ory_auth.local import Config, LocalOry
from ory_auth.models import OryIdentity
from ory_auth.ory.addresses import Origin
from ory_auth.ory.cookies import read_set_cookie
from ory_auth.ory_check.facts.model import Hosts
from ory_auth.ory_check.facts.sites import find_sites
from ory_auth.ory_check.probes.http import HttpProbe
from ory_auth.ory_check.rules.browser_view import BrowserView
from ory_auth.ory_check.rules.cookies import evaluate_cookies
from ory_auth.ory_check.rules.findings import Level, Problem
from ory_auth.types import OrySession
from ory_auth.users import UserHandler
from tests.project import urls
from tests.project.settings import AUTHENTICATION_BACKENDS as BACKENDS
from tests.project.settings import MIDDLEWARE
from tests.support import servers
from tests.support.client import DualClient
from tests.support.ory import Ory, Person
from tests.test_docs import DOCS, ROOT, rows

pytestmark = pytest.mark.django_db

Change = Callable[..., None]
User = get_user_model()
SCHEMA = json.loads((DOCS / "ory_check.schema.json").read_text())
PAGE = "http://127.0.0.1:8000"  # where the local Ory sends browsers


class Raises(UserHandler):
    def admit(self, session: OrySession, user: Any) -> bool:
        raise LookupError("canary")


@dataclass
class Checked:
    """What the command wrote, and with which status it ended."""

    status: int
    text: str
    errors: str = ""

    def line(self, problem: str) -> str:
        """The one line about this."""
        (line,) = [line for line in self.text.splitlines() if line.endswith(f"[{problem}]")]
        return line

    @property
    def ids(self) -> set[str]:
        """What is wrong."""
        return set(re.findall(r"\[([\w.-]+)\]$", self.text, re.MULTILINE))

    @property
    def report(self) -> Any:
        return json.loads(self.text)

    def found(self, check: str) -> list[str]:
        return [finding["found"] for finding in self.report["findings"] if finding["check"] == check]


def check(*arguments: str, stdin: str = "") -> Checked:
    out, err, status = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            call_command("ory_check", *arguments, stdout=out, stderr=err)
        except SystemExit as end:
            status = int(end.code or 0)
    return Checked(status, out.getvalue(), err.getvalue())


@pytest.fixture(autouse=True)
def _development(settings: Settings) -> None:
    """A project as it stands on somebody's desk."""
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["127.0.0.1"]


@pytest.fixture
def person(ory: Ory) -> Person:
    return ory.person(name={"first": "Ada"})


# --- when all is well -------------------------------------------------------------------------------------------------


def test_a_correct_project_has_no_problems(ory: Ory) -> None:
    checked = check("--strict")
    assert (checked.status, checked.ids) == (0, set())
    assert re.search(r"^This project works with this Ory; \d checks could not be made\.$", checked.text, re.MULTILINE)


def test_each_check_has_a_line(ory: Ory) -> None:
    looked_at = {finding["check"] for finding in check("--json").report["findings"]}
    assert {"settings", "database", "cache", "name", "connection", "proxy", "ory", "ready", "version"} <= looked_at
    assert {"answer-time", "caching", "clock", "browser-url", "base-url", "schemes", "cookies"} <= looked_at
    assert {"login-page", "return-to", "cors", "admin", "admin-in-public", "cookie-name", "cache-time"} <= looked_at


def test_response_times_after_the_first_are_those_of_an_open_connection() -> None:
    clients = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            clients.append(self.client_address)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None: ...

    with servers.running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as address:
        http = HttpProbe(timeout=5)
        results = [http.get(f"http://{address}/", keep_connection=True) for _ in range(3)]
        http.get(f"http://{address}/")
    assert [result.status for result in results] == [200] * 3
    assert len(set(clients[:3])) == 1
    assert clients[3] not in clients[:3]


def test_urls_are_shown_without_query_and_password(ory: Ory) -> None:
    assert "/auth/login" in check().text
    assert "flow=" not in check().text + check("--json").text  # which is in the redirect to the login page
    given = check("--site", "http://ada:canary@127.0.0.1:8000/?key=canary", "--json")
    assert given.report["sites"] == ["http://127.0.0.1:8000"]
    assert "canary" not in given.text


def test_response_times_are_a_table(ory: Ory) -> None:
    head, times = [line for line in check().text.splitlines() if "median" in line or line.count(" ms ") > 2][-2:]
    assert head.split()[:4] == ["first", "fastest", "median", "slowest"]
    assert times.count(" ms") == 4


def test_what_needs_a_session_is_unknown_without_one(ory: Ory) -> None:
    report = check("--json").report
    unknown = {finding["check"] for finding in report["findings"] if finding["level"] == "unknown"}
    assert {"cookie-name", "cache-time"} <= unknown
    assert all("unknown" in f["found"] for f in report["findings"] if f["level"] == "unknown")


def test_it_leaves_nothing_in_the_database_and_the_cache(ory: Ory, person: Person) -> None:
    check("--token", person.app_session().token)
    assert not OryIdentity.objects.exists()
    assert not User.objects.exists()
    assert vars(caches["default"])["_cache"] == {}


# --- mistakes: settings → findings ------------------------------------------------------------------------------------


class Addresses(dict[str, str]):
    """The URLs that the tables below name. Servers start when they are first used."""

    def __init__(self, ory: Ory, servers_: ExitStack) -> None:
        localhost = ory.public_url.replace("127.0.0.1", "localhost")
        super().__init__(public=ory.public_url, admin=ory.admin_url, localhost=localhost, closed=servers.closed_url())
        self["public_https"] = ory.public_url.replace("http:", "https:")
        self["no_dns"] = f"http://{'a' * 64}.example.org"  # too long for a label, so that no name server is asked
        self._start = {
            "other_site": lambda: servers_.enter_context(servers.http_server(servers.other_site)),
            "silent": lambda: servers_.enter_context(servers.silent_server()),
            "mail": lambda: servers_.enter_context(servers.mail_server()),
            "both": lambda: servers_.enter_context(
                servers.http_server(servers.one_address_for_both(ory.public_url, ory.admin_url))
            ),
        }

    def __missing__(self, key: str) -> str:
        name, https = key.removesuffix("_https"), key.endswith("_https")
        self[name] = self._start[name]()
        return self[name].replace("http:", "https:") if https else self[name]

    def fill(self, value: Any) -> Any:
        """The value with the URLs in place of ``{name}``."""
        if isinstance(value, str):
            return value.format_map(self)
        if isinstance(value, dict):
            return {key: self.fill(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.fill(item) for item in value)
        return value


@dataclass(frozen=True)
class Mistake:
    """A mistake, all ids that it leads to, and what the line of the first one says."""

    ids: str
    says: str
    ory_auth: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    ory: dict[str, Any] = field(default_factory=dict)  # configuration of the local Ory
    failing: tuple[Any, ...] = ()  # path, status, headers, body of responses of the local Ory
    level: str = "FAILURE"
    replace: bool = False  # ORY_AUTH, instead of changing it


PRODUCTION = {"DEBUG": False, "ALLOWED_HOSTS": ["app.example.org"]}
JSON_TYPE = {"Content-Type": "application/json"}
UNAUTHORIZED = b'{"error": {"code": 401}}'
WHOAMI = "/sessions/whoami"
CACHE_BACKENDS = "django.core.cache.backends"
DB_CACHE = f"{CACHE_BACKENDS}.db.DatabaseCache"
LOCAL = "(local Ory: manage.py ory_local"
# fmt: off
MISTAKES = {
    # ORY_AUTH and system checks
    "a misspelt key": Mistake("ory_auth.E002", "Did you mean 'BROWSER_URL'?", {"BROWSER_ULR": "http://127.0.0.1:4433"}),
    "a misspelt required key": Mistake(
        "ory_auth.E002", "Did you mean 'SDK_URL'?", {"SKD_URL": "{public}"}, replace=True),
    "no SDK_URL and a silenced check": Mistake(
        "sdk-url-missing", "Set it to the URL of Ory's public API",
        settings={"SILENCED_SYSTEM_CHECKS": ["ory_auth.E001"]}, replace=True),
    "middleware in the wrong place": Mistake(
        "ory_auth.E004", "must come after", settings={"MIDDLEWARE": [MIDDLEWARE[4], *MIDDLEWARE[:4]]}),
    # reaching Ory
    "a closed port": Mistake(
        "ory-unreachable",
        "Start Ory (in development: manage.py ory_local --port ",
        {"SDK_URL": "{closed}"}),
    "a host without an address": Mistake(
        "name-unknown ory_auth.W007", "Correct ORY_AUTH['SDK_URL']", {"SDK_URL": "{no_dns}"}),
    "a server that is silent": Mistake(
        "ory-unreachable", "fails: no response within 0.2 seconds", {"SDK_URL": "{silent}", "TIMEOUT": 0.2}),
    "a server that is silent, with TLS": Mistake(
        "ory-unreachable", "(no response within 0.2 seconds)", {"SDK_URL": "{silent_https}", "TIMEOUT": 0.2}),
    "a mail server": Mistake("ory-unreachable", "ORY_AUTH['SDK_URL']", {"SDK_URL": "{mail}", "TIMEOUT": 1.0}),
    "a mail server, with TLS": Mistake(
        "certificate-refused", "Correct the port in ORY_AUTH['SDK_URL']", {"SDK_URL": "{mail_https}", "TIMEOUT": 1.0}),
    "https instead of http": Mistake(
        "https-to-http", "Write http:// in ORY_AUTH['SDK_URL']", {"SDK_URL": "{public_https}"}),
    "another server": Mistake(
        "not-ory", "Set ORY_AUTH['SDK_URL'] to the host, port and path", {"SDK_URL": "{other_site}"}),
    "another server's JSON": Mistake("not-ory", "(200)", failing=(WHOAMI, 200, JSON_TYPE, b'["odd"]')),
    "another server's error": Mistake("not-ory", "(500)", failing=(WHOAMI, 500, JSON_TYPE, b'["odd"]')),
    "a response that is too large": Mistake(
        "ory-unreachable", "larger than 1 MiB", failing=(WHOAMI, 200, {}, b" " * 2**21)),
    "a rate limit": Mistake(
        "ory-not-ready caching-off", "with 429 instead of 401",
        failing=(WHOAMI, 429, {"Retry-After": "60"}, b"slow down")),
    # the admin API
    "ADMIN_URL as SDK_URL": Mistake(
        "admin-as-sdk-url",
        "is Ory's admin API. Set ORY_AUTH['SDK_URL'] to Ory's public API (Kratos: serve.public.port, 4433 by default).",
        {"SDK_URL": "{admin}"}),
    "ADMIN_URL as SDK_URL, and no ADMIN_URL": Mistake(
        "admin-as-sdk-url", "and ORY_AUTH['ADMIN_URL'] to this URL", {"SDK_URL": "{admin}"}, replace=True),
    "SDK_URL as ADMIN_URL": Mistake(
        "admin-url-is-public", "Set ORY_AUTH['ADMIN_URL'] to Ory's admin API", {"ADMIN_URL": "{public}"}),
    "a closed port as ADMIN_URL": Mistake("admin-unreachable", "Set ORY_AUTH['ADMIN_URL']", {"ADMIN_URL": "{closed}"}),
    "another server as ADMIN_URL": Mistake(
        "admin-not-ory", "is not Ory's admin API (404)", {"ADMIN_URL": "{other_site}"}),
    "no API key": Mistake("api-key-missing", "set ORY_AUTH['API_KEY']", failing=("/admin/identities", 401, {}, b"{}")),
    "an admin API that is open to all": Mistake(
        "admin-open caching-off", "anyone can read, change and delete", {"SDK_URL": "{both}", "BROWSER_URL": "{both}"}),
    # BROWSER_URL
    "BROWSER_URL on this machine": Mistake(
        "browser-url-internal cookie-other-domain login-page-elsewhere return-to-refused ory_auth.W101 "
        "ory_auth.W103 cache-per-process", "Set ORY_AUTH['BROWSER_URL'] to the URL at which browsers reach",
        settings=PRODUCTION),
    "BROWSER_URL in a container network": Mistake(
        "browser-url-internal cookie-other-domain ory_auth.W006",
        "Set ORY_AUTH['BROWSER_URL'] to the URL at which browsers reach", {"BROWSER_URL": "http://kratos:4433"}),
    "BROWSER_URL without an address": Mistake(
        "browser-url-unreachable base-url-differs cookie-other-domain", "Correct ORY_AUTH['BROWSER_URL']",
        {"BROWSER_URL": "{no_dns}"}, level="WARNING"),
    "another server as BROWSER_URL": Mistake(
        "browser-url-not-ory base-url-differs", "Set ORY_AUTH['BROWSER_URL'] to the host",
        {"BROWSER_URL": "{other_site}"}),
    # Ory's base URL and cookies
    "an internal base URL": Mistake(
        "base-url-differs",
        "redirects lead to an internal address. Set serve.public.base_url to {public} in Kratos' configuration. [",
        ory={"base_url": "http://kratos:4433"}),
    "a base URL with another loopback name": Mistake(
        "base-url-differs",
        f"Set serve.public.base_url to {{public}} in Kratos' configuration {LOCAL} --host 127.0.0.1). [",
        ory={"base_url": "{localhost}"}),
    "a base URL with another port": Mistake(
        "base-url-differs",
        "but SDK_URL is {public}: Ory's redirects lead to another port. Set serve.public.base_url to "
        "{public} in Kratos' configuration, or ORY_AUTH['SDK_URL'] to http://127.0.0.1:1.",
        ory={"base_url": "http://127.0.0.1:1"}),
    "an https site and an http Ory": Mistake(
        "schemes-mixed return-to-refused", "set ORY_AUTH['BROWSER_URL'] to https://127.0.0.1",
        settings={"CSRF_TRUSTED_ORIGINS": ["https://127.0.0.1"]}),
    "Ory on another domain": Mistake(
        "cookie-other-domain login-page-elsewhere return-to-refused browser-url-internal ory_auth.W101 "
        "ory_auth.W103 cache-per-process", "Give Ory a host under example.org, set cookies.domain to example.org",
        settings=PRODUCTION),
    "cookies for another domain": Mistake(
        "cookie-domain-refused",
        "Domain example.com does not cover 127.0.0.1 in BROWSER_URL. Remove cookies.domain from Kratos' configuration",
        ory={"cookie_domain": "example.com"}),
    "a second loopback name of this site": Mistake(
        "cookie-other-loopback", "Open this site at http://127.0.0.1:8000. [",
        settings={"ALLOWED_HOSTS": ["127.0.0.1", "localhost"]}, level="WARNING"),
    "Secure cookies over http": Mistake(
        "cookie-secure", "start Kratos with --dev", ory={"dev": False}, level="WARNING"),
    "SameSite=Strict": Mistake(
        "cookie-samesite cookie-secure", "Set cookies.same_site to Lax",
        ory={"dev": False, "cookie_same_site": "Strict"}, level="WARNING"),
    # the login page and return_to
    "a login page that does not exist": Mistake(
        "login-page-missing", "Set selfservice.flows.login.ui_url to http://127.0.0.1:8000/auth/login",
        ory={"ui_base": "http://127.0.0.1:8000/no-page-at-all"}),
    "a login page on another host": Mistake(
        "login-page-elsewhere", "Set selfservice.flows.login.ui_url to http://127.0.0.1:8000/auth/login",
        ory={"ui_base": "https://accounts.example.org/auth"}, level="WARNING"),
    "no URLs of ory_auth": Mistake(
        "login-page-missing ory_auth.W010", 'include("ory_auth.urls")',
        settings={"ROOT_URLCONF": "tests.support.no_urls"}),
    "a return_to that Ory refuses": Mistake(
        "return-to-refused", "Add http://127.0.0.1:8000/ to selfservice.allowed_return_urls in Kratos' configuration",
        ory={"allowed_return_urls": ("https://elsewhere.example.org",)}),
    "a redirect host that Ory refuses": Mistake(
        "return-to-refused", "http://shop.example.org", {"LOGIN_REDIRECT_HOSTS": ["shop.example.org"]},
        level="WARNING"),
    # caching
    "Ory does not allow caching": Mistake(
        "caching-off", "Set feature_flags.cacheable_sessions to true in Kratos' configuration",
        ory={"cacheable_sessions": False}, level="WARNING"),
    "SESSION_CACHE_SECONDS is 0": Mistake(
        "caching-off-here", "Remove ORY_AUTH['SESSION_CACHE_SECONDS']", {"SESSION_CACHE_SECONDS": 0}, level="WARNING"),
    # the database and the cache
    "an unknown database": Mistake(
        "database-unavailable", "Correct DATABASES['nowhere']",
        settings={"DATABASE_ROUTERS": ["tests.test_ory_check.ToNowhere"]}),
    "an unknown cache": Mistake(
        "cache-unavailable ory_auth.E011", "ORY_AUTH['SESSION_CACHE']", {"SESSION_CACHE": "nowhere"}),
    "a cache without its table": Mistake(
        "cache-unavailable",
        "its table 'no_such_table' is missing: every request calls Ory. Run 'manage.py createcachetable'.",
        settings={"CACHES": {"default": {"BACKEND": DB_CACHE, "LOCATION": "no_such_table"}}}),
    "a cache that stores nothing": Mistake(
        "cache-forgets", "Use a backend that stores values in CACHES['default']",
        settings={"CACHES": {"default": {"BACKEND": f"{CACHE_BACKENDS}.dummy.DummyCache"}}}, level="WARNING"),
    "a cache in each process": Mistake(
        "cache-per-process ory_auth.W101 ory_auth.W103", "Use a backend that all processes share in CACHES['default']",
        settings={"DEBUG": False, "CACHES": {"default": {"BACKEND": f"{CACHE_BACKENDS}.locmem.LocMemCache"}}},
        level="WARNING"),
}
# fmt: on


@pytest.fixture
def addresses(ory: Ory) -> Iterator[Addresses]:
    with ExitStack() as running:
        yield Addresses(ory, running)


def set_up(ory: Ory, ory_auth: Change, settings: Settings, addresses: Addresses, case: Mistake | Line) -> None:
    """Change the settings, and the configuration of the local Ory."""
    configuration = case.ory if isinstance(case, Mistake) else {}
    if (configuration or case.failing) and ory.local is None:
        pytest.skip("needs the local Ory")
    if case.replace:
        settings.ORY_AUTH = {}
    ory_auth(**addresses.fill(case.ory_auth))
    for name, value in case.settings.items():
        setattr(settings, name, value)
    if ory.local and configuration:
        ory.local.configure(**addresses.fill(configuration))


@contextmanager
def failing(ory: Ory, case: Mistake | Line) -> Iterator[None]:
    """The local Ory responds to one path as the case says."""
    if not case.failing or ory.local is None:
        yield
        return
    path, status, headers, body = case.failing
    with ory.local.failing(status, headers, body, path=path):
        yield


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_each_mistake_has_its_findings(
    ory: Ory, ory_auth: Change, settings: Settings, addresses: Addresses, mistake: Mistake
) -> None:
    set_up(ory, ory_auth, settings, addresses, mistake)
    with failing(ory, mistake):
        checked = check()
    ids = mistake.ids.split()
    assert checked.ids == set(ids)
    line = checked.line(ids[0])
    assert addresses.fill(mistake.says) in line
    assert line.startswith(mistake.level)
    assert "mail.example.org" not in checked.text


@dataclass(frozen=True)
class Line:
    """A check, and its only line."""

    check: str
    found: str
    ory_auth: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    failing: tuple[Any, ...] = ()
    replace: bool = False


LOGIN = "/self-service/login/browser"
ANY_HOST = {"ALLOWED_HOSTS": ["*"]}
ONLY_SDK_URL = {"SDK_URL": "{public}"}
SEE_ADMIN_URL = "unknown: Kratos shows it only at ADMIN_URL, which"
NO_HOSTS = "unknown: ALLOWED_HOSTS names no host; run ory_check with --site URL, the URL that people open"
NO_FLOW: tuple[Any, ...] = (LOGIN, 500, {}, b"")
# fmt: off
LINES = {
    "readiness": Line(
        "ready", "unknown: Ory has no /health/ready, so every 401 counts as signed out",
        failing=("/health/ready", 404, {}, b"")),
    "the version": Line("version", "Kratos v26.2.0", failing=("/admin/version", 200, {}, b'{"version": "v26.2.0"}')),
    "an invalid version": Line(
        "version", "unknown: ADMIN_URL did not show it (200)",
        failing=("/admin/version", 200, {}, b'{"version": "<canary>"}')),
    "no version with a rejected API key": Line(
        "version", f"{SEE_ADMIN_URL} rejected the API key (401)", {"API_KEY": "x"}, failing=("/admin", 401, {}, b"{}")),
    "no version without an API key": Line(
        "version", f"{SEE_ADMIN_URL} requires an API key (401)", failing=("/admin", 401, {}, b"{}")),
    "no version without an admin API": Line("version", f"{SEE_ADMIN_URL} does not respond", {"ADMIN_URL": "{closed}"}),
    "no version without ADMIN_URL": Line("version", f"{SEE_ADMIN_URL} is not set", ONLY_SDK_URL, replace=True),
    "two URLs of one Ory": Line(
        "browser-url", "{public} is the same Ory", {"SDK_URL": "{localhost}", "BROWSER_URL": "{public}"}),
    "a closed BROWSER_URL": Line(
        "browser-url", "unknown: {closed} does not respond on this machine; in a container that is normal",
        {"BROWSER_URL": "{closed}"}),
    "no base URL": Line("base-url", "unknown: Ory did not start a login flow (500)", failing=NO_FLOW),
    "no login page": Line("login-page", "unknown: Ory did not redirect to a login page (500)", failing=NO_FLOW),
    "no cookie": Line("cookies", "unknown: Ory set no CSRF cookie with a login flow", failing=NO_FLOW),
    "no host for cookies": Line("cookies", NO_HOSTS, settings=ANY_HOST, failing=NO_FLOW),
    "no return_to": Line("return-to", "unknown: Ory did not start a login flow (500)", failing=NO_FLOW),
    "no host for return_to": Line("return-to", NO_HOSTS, settings=ANY_HOST, failing=NO_FLOW),
    "no other origin": Line("cors", "not tested: CSRF_TRUSTED_ORIGINS names no other origin"),
    "no ADMIN_URL": Line(
        "admin", "not tested: neither ADMIN_URL nor API_KEY is set, and sign-in needs neither", ONLY_SDK_URL,
        replace=True),
    "the backends": Line(
        "backends",
        "in this order: ory_auth.backends.OryBackend (permissions, never passwords), "
        "django.contrib.auth.backends.ModelBackend (permissions and Django passwords), rules.permissions.Own",
        settings={"AUTHENTICATION_BACKENDS": [*BACKENDS, "rules.permissions.Own"]}),
}
# fmt: on


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_each_line_says_what_was_found(
    ory: Ory, ory_auth: Change, settings: Settings, addresses: Addresses, line: Line
) -> None:
    set_up(ory, ory_auth, settings, addresses, line)
    with failing(ory, line):
        checked = check("--json")
    assert checked.found(line.check) == [addresses.fill(line.found)]
    assert "canary" not in checked.text


# --- other mistakes ---------------------------------------------------------------------------------------------------


def test_http_instead_of_https_is_a_failure(ory: Ory, ory_auth: Change, tls_url: str) -> None:
    ory_auth(SDK_URL=tls_url.replace("https:", "http:"))
    assert "Write https:// in ORY_AUTH['SDK_URL']" in check().line("http-to-https")


@pytest.mark.usefixtures("local_ory")
def test_an_http_site_with_an_https_ory_is_a_failure(ory: Ory, ory_auth: Change, trusted: None, tls_url: str) -> None:
    assert ory.local
    ory_auth(SDK_URL=tls_url)
    ory.local.configure(base_url=tls_url)
    checked = check()
    assert checked.ids == {"schemes-mixed"}
    assert "ui_url in Kratos' configuration to https" in checked.line("schemes-mixed")


@pytest.mark.parametrize(("key", "others"), [("SDK_URL", {}), ("BROWSER_URL", {"SDK_URL": "public"})])
def test_localhost_beside_127_0_0_1_is_one_finding_and_its_fix_works(
    ory: Ory, ory_auth: Change, key: str, others: dict[str, str]
) -> None:
    ory_auth(**{key: ory.public_url.replace("127.0.0.1", "localhost")}, **dict.fromkeys(others, ory.public_url))
    checked = check()
    assert (checked.status, checked.ids) == (2, {"cookie-other-loopback"})
    line = checked.line("cookie-other-loopback")
    assert "127.0.0.1 and localhost are different hosts" in line
    assert f"Set ORY_AUTH['{key}'] to {ory.public_url}. [" in line
    ory_auth(**{key: ory.public_url})
    assert check("--strict").status == 0


@pytest.mark.usefixtures("local_ory")
def test_a_kratos_with_localhost_as_base_url_should_use_the_name_of_its_login_page(ory: Ory, ory_auth: Change) -> None:
    assert ory.local
    localhost = ory.public_url.replace("127.0.0.1", "localhost")
    ory_auth(SDK_URL=localhost)
    ory.local.configure(base_url=localhost)
    checked = check()
    local = "(local Ory: manage.py ory_local --host 127.0.0.1)"
    fix = f"Set ORY_AUTH['SDK_URL'] and Kratos' serve.public.base_url to {ory.public_url} {local}. ["
    assert checked.ids == {"cookie-other-loopback"}
    assert fix in checked.line("cookie-other-loopback")
    ory_auth(SDK_URL=ory.public_url)
    ory.local.configure(base_url=ory.public_url)
    assert check("--strict").status == 0


@pytest.mark.usefixtures("local_ory")
def test_if_everything_of_ory_is_at_localhost_this_site_should_be_there(
    ory: Ory, ory_auth: Change, settings: Settings
) -> None:
    assert ory.local
    localhost = ory.public_url.replace("127.0.0.1", "localhost")
    ory_auth(SDK_URL=localhost)
    page = {"ui_base": "http://localhost:8000/auth", "allowed_return_urls": ("http://localhost:8000",)}
    ory.local.configure(base_url=localhost, **page)
    checked = check()
    assert checked.ids == {"cookie-other-loopback"}
    fix = "Open this site at http://localhost:8000, and add 'localhost' to ALLOWED_HOSTS. ["
    assert fix in checked.line("cookie-other-loopback")
    settings.ALLOWED_HOSTS = ["localhost"]
    assert check("--strict").status == 0


@pytest.mark.usefixtures("ory")
def test_a_host_that_debug_allows_need_not_be_added_to_allowed_hosts(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = []
    line = check("--site", "http://localhost:8000").line("cookie-other-loopback")
    assert "Open this site at http://127.0.0.1:8000. [" in line
    assert "ALLOWED_HOSTS" not in line


def test_the_site_option_replaces_the_hosts_of_the_settings(ory: Ory) -> None:
    checked = check("--site", "https://app.example.org/some/page", "--json")
    assert checked.report["sites"] == ["https://app.example.org"]
    assert {"return-to-refused", "cookie-other-domain", "schemes-mixed"} <= set(_ids(checked))


@pytest.mark.parametrize("url", ["ftp://ada:canary@example.org", "http://canary:99999", "canary.example.org"])
def test_an_invalid_site_option_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(CommandError, match="--site needs an http or https URL") as caught:
        call_command("ory_check", "--site", url)
    assert "canary" not in str(caught.value)


@pytest.mark.usefixtures("local_ory")
def test_a_rejected_api_key_is_a_failure_and_only_the_admin_api_got_it(ory: Ory, ory_auth: Change) -> None:
    assert ory.local
    ory_auth(API_KEY="canary-of-an-expired-key")
    refused = json.dumps({"error": {"code": 401, "message": "Unauthorized"}}).encode()
    with ory.local.failing(401, {"Content-Type": "application/json"}, refused, path="/admin/identities"):
        checked = check()
    assert "set ORY_AUTH['API_KEY'] to it" in checked.line("api-key-refused")
    assert "canary" not in checked.text
    shown = [r.port for r in ory.local.requests if "canary" in str(r.headers)]
    assert shown == ["admin"]


@pytest.mark.usefixtures("local_ory")
def test_the_line_about_caching_has_the_time_of_a_call(ory: Ory) -> None:
    assert ory.local
    ory.local.configure(cacheable_sessions=False)
    line = check().line("caching-off")
    assert " ms  Every request that needs the user calls Ory" in line
    assert "Set feature_flags.cacheable_sessions to true in Kratos' configuration" in line


def test_messages_of_system_checks_are_findings(ory: Ory, ory_auth: Change, settings: Settings) -> None:
    ory_auth(BROWSER_ULR="http://127.0.0.1:4433")
    settings.MIDDLEWARE = [settings.MIDDLEWARE[4], *settings.MIDDLEWARE[:4]]
    checked = check()
    assert "Did you mean 'BROWSER_URL'?" in checked.line("ory_auth.E002")
    assert "must come after" in checked.line("ory_auth.E004")
    assert checked.status == 2


def test_a_silenced_system_check_is_not_shown(ory: Ory, ory_auth: Change, settings: Settings) -> None:
    ory_auth(BROWSER_ULR="http://127.0.0.1:4433")
    settings.SILENCED_SYSTEM_CHECKS = ["ory_auth.E002"]
    assert check().ids == set()


# --- reaching Ory -----------------------------------------------------------------------------------------------------


def test_an_untrusted_certificate_is_a_failure(ory: Ory, ory_auth: Change, tls_url: str) -> None:
    ory_auth(SDK_URL=tls_url)
    assert "SSL_CERT_FILE" in check().line("certificate-refused")


def test_a_certificate_for_another_host_is_a_failure(ory: Ory, ory_auth: Change, trusted: None, tls_url: str) -> None:
    ory_auth(SDK_URL=tls_url.replace("127.0.0.1", "localhost"))
    assert "Use the host name of the certificate" in check().line("certificate-refused")


def test_a_certificate_that_expires_soon_is_a_warning(
    ory: Ory, ory_auth: Change, authority: trustme.CA, trusted: None
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=3)).configure_cert(context)
    with servers.tls_proxy(ory.public_url, context) as url:
        ory_auth(SDK_URL=url)
        assert "expires in 3 days. Renew it" in check().line("certificate-ends-soon")


@pytest.mark.usefixtures("local_ory")
def test_waiting_works_without_a_readiness_path(ory: Ory) -> None:
    assert ory.local
    with ory.local.failing(404, path="/health/ready"):
        checked = check("--wait", "5", "--json")
    assert checked.found("ready") == ["unknown: Ory has no /health/ready, so every 401 counts as signed out"]
    assert (checked.status, checked.errors) == (0, "")


@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b'{"version": "v1.0.4"}', r"WARNING Version .* Kratos v1.0.4 is older .* \[version-old\]"),
        (b'{"version": "v26.2.0"}', r"ok      Version .* Kratos v26.2.0"),
        (b'{"version": "<canary>"}', r"\?       Version .* unknown"),
    ],
)
def test_an_old_version_is_a_warning(ory: Ory, body: bytes, line: str) -> None:
    assert ory.local
    with ory.local.failing(200, {}, body, path="/admin/version"):
        checked = check()
    assert re.search(f"^{line}", checked.text, re.MULTILINE)
    assert "canary" not in checked.text


@pytest.mark.usefixtures("local_ory")
def test_an_ory_that_is_not_ready_is_a_failure(ory: Ory) -> None:
    assert ory.local
    with ory.local.database_down():
        assert "Kratos: dsn" in check().line("ory-not-ready")


@pytest.mark.usefixtures("local_ory")
def test_different_clocks_are_a_warning(ory: Ory) -> None:
    assert ory.local
    ory.local.clock.move(90)
    line = check().line("clocks-apart")
    assert re.search(r"Ory's clock is (89|90|91) seconds ahead of this server's", line)


@pytest.mark.usefixtures("local_ory")
def test_slow_responses_are_a_warning(ory: Ory, ory_auth: Change) -> None:
    assert ory.local
    ory_auth(TIMEOUT=0.5)
    with ory.local.slow(0.3, path="/sessions/whoami"):
        assert "raise ORY_AUTH['TIMEOUT']" in check().line("ory-slow")


@pytest.mark.parametrize("reachable", [True, False])
def test_a_proxy_in_the_environment_is_mentioned_without_its_address(
    ory: Ory, ory_auth: Change, monkeypatch: pytest.MonkeyPatch, reachable: bool
) -> None:
    monkeypatch.setenv("http_proxy", "http://ada:canary-of-a-proxy@127.0.0.1:3128")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    if not reachable:
        ory_auth(SDK_URL=servers.closed_url())
    checked = check()
    assert "HTTP_PROXY is set in the environment" in checked.text
    assert ("proxy-ignored" in checked.ids) is not reachable
    assert "canary" not in checked.text


# --- what a browser meets ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("local_ory")
def test_another_ory_at_browser_url_is_a_failure(ory: Ory, ory_auth: Change) -> None:
    with LocalOry(Config(public_port=0, admin_port=0)) as other:
        ory_auth(BROWSER_URL=other.public_url)
        assert "to two addresses of the same Ory" in check().line("browser-url-other-ory")


def test_if_any_host_is_allowed_the_login_page_tells_the_site(ory: Ory, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.ORY_AUTH = {"SDK_URL": ory.public_url, "BROWSER_URL": ory.public_url}
    with_page = check("--json").report["sites"]
    assert all(site.startswith("http://127.0.0.1:") for site in with_page)  # where Ory sends browsers


def test_a_broken_urlconf_does_not_end_the_command(ory: Ory, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.no_such_module"
    assert "Ory's public API is at" in check().text


@pytest.mark.usefixtures("local_ory")
def test_the_login_page_can_be_a_view_of_the_project(ory: Ory, settings: Settings) -> None:
    assert ory.local
    ory.local.configure(ui_base="http://127.0.0.1:8000/admin")
    assert check().ids == set()


urlpatterns = [re_path("^auth/.*$", lambda request: HttpResponse("the one page")), *urls.urlpatterns]


@pytest.mark.usefixtures("local_ory")
def test_a_view_that_hides_our_login_page_is_a_failure(ory: Ory, settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    checked = check()
    assert (checked.status, checked.ids) == (2, {"ory_auth.W028"})
    assert "'/auth/login'" in checked.line("ory_auth.W028")
    assert "which is ory_auth:login" not in checked.text
    assert re.search(r"^- .*but another view answers there: see ory_auth\.W028$", checked.text, re.MULTILINE)
    settings.SILENCED_SYSTEM_CHECKS = ["ory_auth.W028"]
    checked = check("--strict")
    assert (checked.status, checked.ids) == (0, set())
    assert "/auth/login, a page of this project" in checked.text


@pytest.mark.usefixtures("local_ory")
def test_cors_is_tested_for_trusted_origins(ory: Ory, settings: Settings) -> None:
    assert ory.local
    settings.CSRF_TRUSTED_ORIGINS = ["https://spa.example.org", "https://other.example.org"]
    ory.local.configure(cors_allowed_origins=("https://spa.example.org",))
    checked = check()
    assert "pages of https://spa.example.org can call Ory with cookies" in checked.text
    assert "add https://other.example.org to serve.public.cors.allowed_origins" in checked.line("cors-refused")


def cookie_findings(site_url: str, ory_url: str, cookie: str) -> tuple[list[str], str]:
    """The ids of the problems with a cookie of Ory at this site, and their fixes."""
    site, ory = Origin.of(site_url), Origin.of(ory_url)
    assert site
    assert ory
    csrf_cookie = read_set_cookie(f"csrf_token_1=x; Path=/; {cookie}")
    findings = list(evaluate_cookies(BrowserView(ory, "BROWSER_URL", (site,), ory, site, csrf_cookie), Hosts()))
    return [finding.id for finding in findings if finding.level is not Level.OK], " ".join(f.fix for f in findings)


@pytest.mark.parametrize(
    ("site", "ory", "cookie", "problems"),
    [
        ("https://app.example.org", "https://auth.example.org", "Domain=example.org; Secure; SameSite=Lax", []),
        ("https://app.example.org", "https://app.example.org", "Secure; SameSite=Lax", []),
        ("https://app.example.org:8443", "https://app.example.org", "Secure", []),
        ("https://app.example.org", "https://auth.example.org", "Secure", ["cookie-other-domain"]),
        ("https://example.org", "https://auth.example.org", "Domain=auth.example.org", ["cookie-other-domain"]),
        ("https://notexample.org", "https://auth.example.org", "Domain=example.org", ["cookie-other-domain"]),
        ("https://app.example.co.uk", "https://auth.example.co.uk", "Domain=co.uk", ["cookie-domain-refused"]),
        ("https://one.github.io", "https://two.github.io", "Domain=github.io", ["cookie-domain-refused"]),
        ("https://app.example.org", "https://auth.example.org", "Domain=example.com", ["cookie-domain-refused"]),
        ("http://127.0.0.1:8000", "http://localhost:4433", "", ["cookie-other-loopback"]),
        ("http://app.example.org", "http://app.example.org", "Secure", ["cookie-secure"]),
        ("https://app.example.org", "https://app.example.org", "SameSite=None", ["cookie-samesite"]),
    ],
)
def test_cookies_are_evaluated_as_browsers_do(site: str, ory: str, cookie: str, problems: list[str]) -> None:
    assert cookie_findings(site, ory, cookie)[0] == problems


@pytest.mark.parametrize(
    ("site", "ory", "fix"),
    [
        ("https://app.example.co.uk", "https://auth.example.co.uk", "Set cookies.domain to example.co.uk in"),
        ("https://app.example.org", "https://auth.example.com", "Give Ory a host under example.org"),
        ("https://app.example.org", "https://x.projects.oryapis.com", "a custom domain under example.org"),
        ("https://one.github.io", "https://two.github.io", "Give Ory a host under one.github.io"),
        ("http://127.0.0.1:8000", "https://x.projects.oryapis.com", "include ory_auth.gateway.urls"),
        (
            "http://127.0.0.1:8000",
            "http://kratos:4433",
            "serve.public.base_url to Ory's address on 127.0.0.1",
        ),
    ],
)
def test_the_fix_for_cookies_depends_on_the_hosts(site: str, ory: str, fix: str) -> None:
    assert fix in cookie_findings(site, ory, "")[1]


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (Hosts(debug=True), ["http://127.0.0.1:8000"]),
        (Hosts(("*",)), []),
        (Hosts((".example.org", "10.0.0.7", "web")), ["https://example.org"]),
        (Hosts(("app.example.org", "127.0.0.1")), ["https://app.example.org"]),
        (Hosts(("app.example.org", "127.0.0.1"), debug=True), ["http://127.0.0.1:8000"]),
        (Hosts(("app.example.org",), ("http://app.example.org:8080",)), ["http://app.example.org:8080"]),
        (Hosts(("*",), ("https://*.example.org",)), ["https://example.org"]),
        (Hosts(("[::1]",), debug=True), ["http://[::1]:8000"]),
    ],
)
def test_sites_are_derived_from_settings(hosts: Hosts, expected: list[str]) -> None:
    ory = "http://127.0.0.1:4433" if hosts.debug else "https://auth.example.org"
    assert [str(site) for site in find_sites(hosts, ory, "")] == expected


# --- the admin API ----------------------------------------------------------------------------------------------------


# --- a session --------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["token", "cookie", "named cookie", "cookie header", "standard input", "environment"])
def given(request: pytest.FixtureRequest, person: Person, monkeypatch: pytest.MonkeyPatch) -> Checked:
    """What is told of a session, by each way to give it."""
    secret = (
        person.app_session().token
        if request.param in {"token", "standard input", "environment"}
        else person.browser_session().cookie
    )
    value = secret.partition("=")[2] if "=" in secret and request.param == "cookie" else secret
    match request.param:
        case "token":
            checked = check("--token", value, "--json")
        case "standard input":
            checked = check("--token", "-", "--json", stdin=f"{value}\n")
        case "environment":
            monkeypatch.setenv("ORY_CHECK_TOKEN", value)
            checked = check("--json")
        case "cookie header":
            checked = check(
                "--cookie", f"sessionid=0123456789abcdef0123; {value}; csrftoken=0123456789abcdef", "--json"
            )
        case _:
            checked = check("--cookie", value, "--json")
    assert value not in checked.text + checked.errors
    return checked


def test_the_identity_of_a_session_is_shown(given: Checked, person: Person) -> None:
    (found,) = given.found("session")
    assert re.fullmatch(rf"identity {person.id}, aal1, until \d\d\d\d-\d\d-\d\d \d\d:\d\d UTC", found)
    assert given.found("user") == [
        "not linked yet; the first request creates a user, or links one if LINK_BY_VERIFIED_EMAIL allows it"
    ]
    assert person.email not in given.text
    assert "Ada" not in given.text
    assert given.status == 0


def test_the_cache_time_of_a_session_is_shown(ory: Ory, person: Person) -> None:
    assert check("--token", person.app_session().token, "--json").found("cache-time") == ["60 seconds; Ory allows 60"]


def test_a_cache_time_of_the_project_is_shown(ory: Ory, ory_auth: Change, person: Person) -> None:
    ory_auth(SESSION_CACHE_SECONDS=30)
    checked = check("--token", person.app_session().token, "--json")
    assert checked.found("cache-time") == ["30 seconds (SESSION_CACHE_SECONDS); Ory allows 60 seconds"]


def test_a_handler_that_raises_does_not_end_the_command(ory: Ory, ory_auth: Change, person: Person) -> None:
    ory_auth(USER_HANDLER="tests.test_ory_check.Raises")
    found = check("--token", person.app_session().token, "--json").found("user")
    assert found == ["unknown: looking for the user failed (LookupError)"]


@pytest.mark.usefixtures("local_ory")
def test_a_closed_connection_is_a_failure(ory: Ory, ory_auth: Change, person: Person) -> None:
    assert ory.local
    token = person.app_session().token
    with ory.local.hang_up(path="/sessions/whoami"):
        assert check("--token", token).ids == {"ory-unreachable"}


def test_the_name_of_the_session_cookie_is_tested_with_a_cookie(ory: Ory, person: Person) -> None:
    assert check("--cookie", person.browser_session().cookie, "--json").found("cookie-name") == [
        "'ory_kratos_session', as expected"
    ]


def test_a_cookie_with_another_name_is_a_failure(ory: Ory, person: Person) -> None:
    value = person.browser_session().cookie.partition("=")[2]
    checked = check("--cookie", f"ory_session_abc={value}")
    assert "Set ORY_AUTH['SESSION_COOKIE_NAME'] to 'ory_session_abc'" in checked.line("cookie-name-differs")
    assert value not in checked.text


def test_padding_of_a_cookie_is_not_mistaken_for_a_name(ory: Ory) -> None:
    checked = check("--cookie", "MTc5NTQyMjgwOXxqUERUV1RrM2RIVHdEcVZSVnpERUIx==")
    assert checked.ids == {"session-refused"}
    assert "MTc5" not in checked.text


@pytest.mark.parametrize(
    ("flags", "told", "guards"),
    [
        ({}, "active", "allowed by: ory_required, max_age of 15 minutes; denied by: aal='aal2', the admin"),
        ({"is_staff": True, "is_superuser": True}, "active, staff, superuser", "the admin; denied by: aal='aal2'"),
    ],
)
def test_the_rights_of_the_user_are_shown(
    ory: Ory, person: Person, flags: dict[str, bool], told: str, guards: str
) -> None:
    user = User.objects.create(username="ada", **flags)
    OryIdentity.objects.create(
        id=person.id, user=user, updated_at="2001-01-01T00:00Z", authenticated_at="2001-01-01T00:00Z"
    )
    checked = check("--token", person.app_session().token, "--json")
    assert checked.found("user") == [f"linked to user {user.pk}, {told}"]
    assert checked.found("guards")[0].endswith(guards)
    assert OryIdentity.objects.get().updated_at.year == 2001


def test_an_inactive_user_is_a_warning(ory: Ory, person: Person) -> None:
    user = User.objects.create(username="ada", is_active=False)
    OryIdentity.objects.create(
        id=person.id, user=user, updated_at="2001-01-01T00:00Z", authenticated_at="2001-01-01T00:00Z"
    )
    assert "is inactive in Django: guarded pages" in check("--token", person.app_session().token).line("not-admitted")


def test_guards_with_aal2_allow_an_aal2_session(ory: Ory, person: Person) -> None:
    browser = person.browser_session()
    browser.set_up_totp()
    checked = check("--cookie", browser.cookie, "--json")
    assert ", aal2, " in checked.found("session")[0]
    assert "aal='aal2'" in checked.found("guards")[0].partition("denied by")[0]


def test_a_missing_second_factor_is_a_warning(ory: Ory, person: Person) -> None:
    person.browser_session().set_up_totp()
    assert "required_aal" in check("--token", person.app_session().token).line("second-factor-missing")


@pytest.mark.parametrize(
    ("value", "problem"), [("ory_st_nobody", "session-refused"), ("a\x07b", "credential-malformed")]
)
def test_an_invalid_credential_is_a_failure(ory: Ory, value: str, problem: str) -> None:
    checked = check("--token", value)
    assert checked.line(problem)
    assert checked.status == 2
    assert value not in checked.text


@pytest.mark.usefixtures("local_ory")
def test_a_session_that_cannot_be_cached_is_a_warning(ory: Ory, person: Person) -> None:
    assert ory.local
    ory.local.configure(cacheable_sessions=False)
    assert "feature_flags.cacheable_sessions" in check("--token", person.app_session().token).line("cache-time-none")


@pytest.mark.usefixtures("local_ory")
def test_an_error_of_ory_does_not_count_as_signed_out(ory: Ory, person: Person) -> None:
    assert ory.local
    token = person.app_session().token
    with ory.local.failing(403, {}, b'{"error": {"code": 403, "id": "canary"}}', path="/sessions/whoami"):
        checked = check("--token", token)
    assert "a request with it gets a 503" in checked.line("session-unavailable")
    assert "canary" not in checked.text


# --- this side --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [None, [], {}, "http://127.0.0.1", {"SDK_URL": 7, "TIMEOUT": "soon", "SESSION_CACHE": 3, "USER_FIELDS": []}],
)
@pytest.mark.parametrize("arguments", [[], ["--json"], ["--token", "x", "--wait", "1"]])
def test_it_works_without_settings(settings: Settings, raw: object, arguments: list[str]) -> None:
    settings.ORY_AUTH = raw
    checked = check(*arguments)
    assert checked.status == 2
    assert "SDK_URL" in checked.text


def test_it_works_without_the_setting_at_all(settings: Settings) -> None:
    del settings.ORY_AUTH
    checked = check()
    assert checked.status == 2
    assert "ORY_AUTH" in checked.text


def test_a_system_check_that_raises_does_not_end_the_command(ory: Ory, settings: Settings) -> None:
    settings.MIDDLEWARE = [7]
    checked = check()
    assert "(check_presence) raised AttributeError" in checked.text
    assert "Ory's public API is at" in checked.text


@pytest.mark.parametrize(
    "key", ["TIMEOUT", "BROWSER_URL", "ADMIN_URL", "SESSION_CACHE_SECONDS", "USER_FIELDS", "API_KEY"]
)
def test_with_a_key_of_the_wrong_type_the_other_checks_run(ory: Ory, ory_auth: Change, key: str) -> None:
    ory_auth(**{key: object()})
    checked = check()
    assert f"ORY_AUTH['{key}']" in checked.line("ory_auth.E001")
    assert "Ory's public API is at" in checked.text


def test_passwords_in_urls_are_not_shown(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SDK_URL="http://ada:canary@127.0.0.1:4433", ADMIN_URL="http://127.0.0.1:4434?key=canary")
    checked = check()
    assert checked.status == 2
    assert "canary" not in checked.text


class ToNowhere:
    """A router of databases, to one that is not configured."""

    def db_for_write(self, model: type, **hints: object) -> str:
        return "nowhere"


@pytest.mark.parametrize(
    ("backend", "found"),
    [
        ("OfJson", "cannot store bytes (TypeError): no session is cached, and every request calls Ory."),
        ("OfBase64", "cannot store bytes (it returns str): no session"),
        ("OfLists", "cannot store bytes (it returns list): no session"),
        ("Dropping", "cannot store bytes (it stores nothing): no session"),
        ("AlwaysAdding", "cannot add a key only once (add() returns the wrong result): sign-outs may get lost."),
        ("Untouchable", "cannot extend the lifetime of a key (touch() returns False)"),
        ("OneAtATime", "cannot write and read several keys at once (get_many() returns other values)"),
        ("Keeping", "cannot delete several keys at once (they are still there)"),
    ],
)
def test_a_cache_that_cannot_store_what_requests_store_is_a_failure(
    ory: Ory, settings: Settings, backend: str, found: str
) -> None:
    settings.CACHES = {"default": {"BACKEND": f"tests.support.faulty_caches.{backend}", "LOCATION": backend}}
    checked = check()
    assert (checked.status, checked.ids) == (2, {"cache-unfit"})
    line = checked.line("cache-unfit")
    assert f"The cache 'default' {found}" in line
    assert "ORY_AUTH['SESSION_CACHE']" in line
    assert vars(caches["default"])["_cache"] == {}


def test_an_unfit_cache_is_one_finding(ory: Ory, settings: Settings) -> None:
    settings.DEBUG = False
    options = {"serializer": "tests.support.faulty_caches.JsonSerializer"}
    settings.CACHES = {"default": {"BACKEND": "tests.support.faulty_caches.WithOptions", "OPTIONS": options}}
    checked = check()
    assert "cache-unfit" in checked.ids
    assert "ory_auth.W110" not in checked.ids


@pytest.mark.parametrize("backend", ["OfJson", "OfBase64", "OfLists", "Dropping"])
def test_with_such_a_cache_every_request_asks_ory_and_nobody_is_signed_out(
    ory: Ory, web: DualClient, settings: Settings, backend: str
) -> None:
    """What the finding says is true."""
    settings.DEBUG, settings.ALLOWED_HOSTS = False, ["testserver"]
    settings.CACHES = {"default": {"BACKEND": f"tests.support.faulty_caches.{backend}", "LOCATION": backend}}
    headers = ory.person().app_session().headers
    assert [web.get("/session", headers=headers).status_code for _ in range(3)] == [200] * 3
    if ory.local:
        assert [call.path for call in ory.local.requests].count("/sessions/whoami") == 3


def test_a_cache_that_hangs_does_not_hold_the_command(ory: Ory, ory_auth: Change, settings: Settings) -> None:
    ory_auth(TIMEOUT=0.5)
    with servers.silent_server() as url:
        backend = "django.core.cache.backends.redis.RedisCache"
        settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": url.replace("http:", "redis:")}}
        assert "(TimeoutError)" in check().line("cache-unavailable")


def test_the_last_line_is_the_verdict(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    where, last = check().text.splitlines()[-2:]
    assert where == "The ids in brackets are explained in django-ory's docs/ory_check.md."
    assert re.fullmatch(r"This project works with this Ory; 1 warning; \d checks could not be made\.", last)
    ory_auth(ADMIN_URL=servers.closed_url())
    last = check().text.splitlines()[-1]
    verdict = "This project does not work with this Ory yet; 1 failure, 1 warning"
    assert re.fullmatch(rf"{verdict}; \d checks could not be made\.", last)


def test_warnings_count_only_with_strict(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    assert (check().status, check("--strict").status) == (0, 1)


# --- waiting ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("local_ory")
def test_it_waits_for_an_ory_that_starts(ory: Ory) -> None:
    assert ory.local
    with ory.local.stopped():
        later = threading.Timer(0.4, ory.local.start)
        later.start()
        try:
            checked = check("--wait", "20")
        finally:
            later.join()
    assert (checked.status, checked.errors) == (0, "")


def test_it_does_not_wait_longer_than_the_option_says(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SDK_URL=servers.closed_url())
    checked = check("--wait", "0.3", "--json")
    assert checked.status == 2
    assert "was not ready within 0.3 seconds" in checked.errors
    assert checked.report["exit_status"] == 2


# --- the two forms ----------------------------------------------------------------------------------------------------


def _ids(checked: Checked) -> list[str]:
    return [finding["id"] for finding in checked.report["findings"] if finding["id"]]


def test_json_matches_its_schema(ory: Ory, ory_auth: Change, settings: Settings, person: Person) -> None:
    jsonschema.validate(check("--json").report, SCHEMA)
    jsonschema.validate(check("--json", "--cookie", person.browser_session().cookie).report, SCHEMA)
    ory_auth(SDK_URL=servers.closed_url())
    bad = check("--json").report
    jsonschema.validate(bad, SCHEMA)
    assert (bad["exit_status"], bad["counts"]["failure"]) == (2, 1)
    settings.ORY_AUTH = None
    jsonschema.validate(check("--json").report, SCHEMA)


def test_the_documents_have_exactly_the_ids_of_the_code() -> None:
    documented = [
        found[1] for row in rows("ory_check.md") if (found := re.fullmatch(r"\|? ?`([a-z][a-z0-9-]+)`", row[0]))
    ]
    assert documented == [problem.value for problem in Problem]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a separate process: with the settings of the tests there is no Ory."""
    return subprocess.run(
        [sys.executable, "-m", "django", "ory_check", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=_environment(**environment),
    )


def _environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "ORY_CHECK_TOKEN"}}
    return {**kept, "DJANGO_SETTINGS_MODULE": "tests.project.settings", **more}


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What a terminal of 100 columns gets."""
    pty = pytest.importorskip("pty", reason="no pseudo-terminals here")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "django", "ory_check", *arguments]
    env = _environment(COLUMNS="100", TERM="xterm-256color", **environment)
    with subprocess.Popen(
        command, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, cwd=ROOT, env=env
    ) as process:
        os.close(theirs)
        written = b""
        try:
            while chunk := os.read(ours, 65536):
                written += chunk
        except OSError:  # Linux says so at the end
            pass
        finally:
            os.close(ours)
        assert process.wait(60) == 2
    return written.decode().replace("\r\n", "\n")


def test_without_a_terminal_it_is_plain_text() -> None:
    done = run()
    assert done.returncode == 2
    assert "\x1b" not in done.stdout
    assert done.stdout.isascii()
    assert re.search(r"^FAILURE Connection .* \[ory-unreachable\]$", done.stdout, re.MULTILINE)


def test_a_terminal_gets_symbols_colours_and_wrapped_lines() -> None:
    written = on_a_terminal(PYTHONIOENCODING="utf-8")
    assert "✗" in written
    assert "\x1b[" in written
    assert max(len(line) for line in re.sub(r"\x1b\[[\d;]*m", "", written).splitlines()) <= 100


@pytest.mark.parametrize("wish", [{"arguments": ("--no-color",)}, {"environment": {"NO_COLOR": "1"}}])
def test_colours_can_be_switched_off(wish: dict[str, Any]) -> None:
    written = on_a_terminal(*wish.get("arguments", ()), PYTHONIOENCODING="utf-8", **wish.get("environment", {}))
    assert "✗" in written
    assert "\x1b" not in written


def test_a_terminal_without_symbols_gets_words() -> None:
    written = on_a_terminal(PYTHONIOENCODING="ascii")
    assert "FAILURE" in written
    assert written.isascii()


def test_missing_migrations_are_a_failure() -> None:
    assert "manage.py migrate ory_auth" in run().stdout


def test_it_loads_neither_the_sdk_nor_the_public_suffix_list_in_development() -> None:
    code = (
        "import sys, django; django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('check')\n"
        "assert 'ory_auth.ory_check' not in sys.modules\n"
        "try: call_command('ory_check')\n"
        "except SystemExit: pass\n"
        "assert not {'ory_client', 'publicsuffixlist'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT, env=_environment()
    )
    assert done.returncode == 0, done.stderr


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_url(ory: Ory, authority: trustme.CA) -> Iterator[str]:
    """This Ory behind TLS, with a certificate for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with servers.tls_proxy(ory.public_url, context) as url:
        yield url


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts who signed that certificate."""
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
