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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
from ory_auth.ory_check.facts.sites import sites
from ory_auth.ory_check.rules.browser_view import Met
from ory_auth.ory_check.rules.cookies import judge_cookies
from ory_auth.ory_check.rules.findings import Level, Problem
from ory_auth.types import OrySession
from ory_auth.users import UserHandler
from tests.project import urls
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


def test_a_project_that_fits_its_ory_has_nothing_to_mend(ory: Ory) -> None:
    checked = check("--strict")
    assert (checked.status, checked.ids) == (0, set())
    assert re.search(r"^This project can work with this Ory; \d not known\.$", checked.text, re.MULTILINE)


def test_each_thing_that_was_looked_at_has_a_line(ory: Ory) -> None:
    looked_at = {finding["check"] for finding in check("--json").report["findings"]}
    assert {"settings", "database", "cache", "name", "connection", "proxy", "ory", "ready", "version"} <= looked_at
    assert {"answer-time", "caching", "clock", "browser-url", "base-url", "schemes", "cookies"} <= looked_at
    assert {"login-page", "return-to", "cors", "admin", "admin-in-public", "cookie-name", "cache-time"} <= looked_at


def test_of_addresses_neither_query_nor_password_is_told(ory: Ory) -> None:
    assert "/auth/login" in check().text
    assert "flow=" not in check().text + check("--json").text  # which is in the redirect to the login page
    given = check("--site", "http://ada:canary@127.0.0.1:8000/?key=canary", "--json")
    assert given.report["sites"] == ["http://127.0.0.1:8000"]
    assert "canary" not in given.text


def test_the_answer_times_are_a_table(ory: Ory) -> None:
    head, times = [line for line in check().text.splitlines() if "median" in line or line.count(" ms ") > 2][-2:]
    assert head.split()[:4] == ["first", "fastest", "median", "slowest"]
    assert times.count(" ms") == 4


def test_what_cannot_be_seen_without_signing_in_is_not_known(ory: Ory) -> None:
    report = check("--json").report
    unknown = {finding["check"] for finding in report["findings"] if finding["level"] == "unknown"}
    assert {"cookie-name", "cache-time"} <= unknown
    assert all("not known" in f["found"] for f in report["findings"] if f["level"] == "unknown")


def test_it_writes_nothing_but_a_key_that_it_removes(ory: Ory, person: Person) -> None:
    check("--token", person.app_session().token)
    assert not OryIdentity.objects.exists()
    assert not User.objects.exists()
    assert vars(caches["default"])["_cache"] == {}


# --- mistakes ---------------------------------------------------------------------------------------------------------


def test_a_wrong_port_where_nobody_listens_is_named(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SDK_URL=servers.closed_url())
    checked = check()
    assert checked.status == 2
    assert checked.ids == {"ory-unreachable"}
    assert "Start Ory (in development: manage.py ory_local), or" in checked.line("ory-unreachable")
    assert "set ORY_AUTH['SDK_URL'] to the host and port" in checked.line("ory-unreachable")


def test_in_production_nobody_is_told_of_the_local_ory(ory: Ory, ory_auth: Change, settings: Settings) -> None:
    ory_auth(SDK_URL=servers.closed_url())
    settings.DEBUG = False
    assert "Start Ory, or set" in check().line("ory-unreachable")


def test_a_wrong_port_where_something_else_answers_is_named(ory: Ory, ory_auth: Change) -> None:
    with servers.http_server(servers.other_site) as url:
        ory_auth(SDK_URL=url)
        assert "Set ORY_AUTH['SDK_URL'] to the host, port and path" in check().line("not-ory")


def test_the_admin_url_as_sdk_url_is_named(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SDK_URL=ory.admin_url)
    line = check().line("admin-as-sdk-url")
    assert "is Ory's admin API. Set ORY_AUTH['SDK_URL'] to Ory's public API" in line
    assert "ADMIN_URL" not in line  # which is right already


def test_the_admin_url_that_is_only_the_sdk_url_is_to_be_set_as_what_it_is(ory: Ory, settings: Settings) -> None:
    settings.ORY_AUTH = {"SDK_URL": ory.admin_url}
    assert "and ORY_AUTH['ADMIN_URL'] to this one" in check().line("admin-as-sdk-url")


def test_https_where_plain_http_is_spoken_is_named(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SDK_URL=ory.public_url.replace("http:", "https:"))
    assert "Write http:// in ORY_AUTH['SDK_URL']" in check().line("https-to-http")


def test_http_where_tls_is_spoken_is_named(ory: Ory, ory_auth: Change, tls_url: str) -> None:
    ory_auth(SDK_URL=tls_url.replace("https:", "http:"))
    assert "Write https:// in ORY_AUTH['SDK_URL']" in check().line("http-to-https")


def test_an_https_site_with_an_http_ory_is_named(ory: Ory, settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://127.0.0.1"]
    assert "set ORY_AUTH['BROWSER_URL'] to https://127.0.0.1" in check().line("schemes-mixed")


@pytest.mark.usefixtures("local_ory")
def test_an_http_site_with_an_https_ory_is_named(ory: Ory, ory_auth: Change, trusted: None, tls_url: str) -> None:
    assert ory.local
    ory_auth(SDK_URL=tls_url)
    ory.local.configure(base_url=tls_url)
    checked = check()
    assert checked.ids == {"schemes-mixed"}
    assert "ui_url in Kratos' configuration to https" in checked.line("schemes-mixed")


@pytest.mark.usefixtures("local_ory")
def test_cookies_for_another_domain_are_named(ory: Ory) -> None:
    assert ory.local
    ory.local.configure(cookie_domain="example.com")
    line = check().line("cookie-domain-refused")
    assert "Domain example.com does not cover 127.0.0.1" in line
    assert "Remove cookies.domain from Kratos' configuration" in line


def test_an_ory_on_another_domain_is_named(ory: Ory, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["app.example.org"]
    settings.DEBUG = False
    line = check().line("cookie-other-domain")
    assert "Give Ory a host under example.org, set cookies.domain to example.org" in line


def test_a_browser_url_that_only_this_machine_reaches_is_named(ory: Ory, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["app.example.org"]
    assert "Set ORY_AUTH['BROWSER_URL'] to the address" in check().line("browser-url-internal")


def test_a_browser_url_of_a_container_network_is_named(ory: Ory, ory_auth: Change) -> None:
    ory_auth(BROWSER_URL="http://kratos:4433")
    line = check().line("browser-url-internal")
    assert "Set ORY_AUTH['BROWSER_URL'] to the address at which browsers reach Ory's public API" in line


@pytest.mark.parametrize(("key", "others"), [("SDK_URL", {}), ("BROWSER_URL", {"SDK_URL": "public"})])
def test_localhost_against_127_0_0_1_is_one_finding_whose_fix_mends_it(
    ory: Ory, ory_auth: Change, key: str, others: dict[str, str]
) -> None:
    ory_auth(**{key: ory.public_url.replace("127.0.0.1", "localhost")}, **dict.fromkeys(others, ory.public_url))
    checked = check()
    assert (checked.status, checked.ids) == (2, {"cookie-other-loopback"})
    line = checked.line("cookie-other-loopback")
    assert "127.0.0.1 and localhost are two hosts to a browser" in line
    assert f"Set ORY_AUTH['{key}'] to {ory.public_url}. [" in line
    ory_auth(**{key: ory.public_url})
    assert check("--strict").status == 0


@pytest.mark.usefixtures("local_ory")
def test_a_kratos_that_calls_itself_localhost_is_to_have_the_name_of_its_login_page(ory: Ory, ory_auth: Change) -> None:
    assert ory.local
    localhost = ory.public_url.replace("127.0.0.1", "localhost")
    ory_auth(SDK_URL=localhost)
    ory.local.configure(base_url=localhost)
    checked = check()
    local = "(a local Ory: manage.py ory_local --host 127.0.0.1)"
    fix = f"Set ORY_AUTH['SDK_URL'] and Kratos' serve.public.base_url to {ory.public_url} {local}. ["
    assert checked.ids == {"cookie-other-loopback"}
    assert fix in checked.line("cookie-other-loopback")
    ory_auth(SDK_URL=ory.public_url)
    ory.local.configure(base_url=ory.public_url)
    assert check("--strict").status == 0


@pytest.mark.usefixtures("local_ory")
def test_an_ory_that_is_at_localhost_altogether_wants_this_site_there(
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


@pytest.mark.usefixtures("local_ory")
def test_an_ory_that_believes_to_be_at_another_name_of_this_machine_is_named(ory: Ory) -> None:
    assert ory.local
    ory.local.configure(base_url=ory.public_url.replace("127.0.0.1", "localhost"))
    checked = check()
    assert checked.ids == {"base-url-differs"}
    local = "(a local Ory: manage.py ory_local --host 127.0.0.1)"
    fix = f"Set serve.public.base_url to {ory.public_url} in Kratos' configuration {local}. ["
    assert fix in checked.line("base-url-differs")


@pytest.mark.usefixtures("local_ory")
def test_a_key_that_is_not_set_is_not_named_where_ory_is_elsewhere(ory: Ory) -> None:
    assert ory.local
    ory.local.configure(base_url="http://127.0.0.1:1")
    line = check().line("base-url-differs")
    assert f"and SDK_URL is {ory.public_url}" in line
    assert "or ORY_AUTH['SDK_URL'] to http://127.0.0.1:1." in line


def test_a_second_name_of_this_machine_that_cookies_do_not_reach_is_a_warning(ory: Ory, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    checked = check()
    assert checked.line("cookie-other-loopback").startswith("WARNING")
    assert "Open this site at http://127.0.0.1:8000. [" in checked.line("cookie-other-loopback")
    assert checked.ids == {"cookie-other-loopback"}
    assert checked.status == 0


@pytest.mark.usefixtures("local_ory")
def test_a_return_to_that_ory_refuses_is_named(ory: Ory) -> None:
    assert ory.local
    ory.local.configure(allowed_return_urls=("https://elsewhere.example.org",))
    line = check().line("return-to-refused")
    assert f"Add {PAGE}/ to selfservice.allowed_return_urls in Kratos' configuration" in line
    assert line.startswith("FAILURE")


def test_a_site_that_is_given_is_the_one_that_is_looked_at(ory: Ory) -> None:
    checked = check("--site", "https://app.example.org/some/page", "--json")
    assert checked.report["sites"] == ["https://app.example.org"]
    assert {"return-to-refused", "cookie-other-domain", "schemes-mixed"} <= set(_ids(checked))


@pytest.mark.parametrize("url", ["ftp://ada:canary@example.org", "http://canary:99999", "canary.example.org"])
def test_a_site_that_is_no_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(CommandError, match="--site needs an http or https URL") as caught:
        call_command("ory_check", "--site", url)
    assert "canary" not in str(caught.value)


@pytest.mark.usefixtures("local_ory")
def test_an_expired_api_key_is_named_and_was_shown_to_the_admin_api_alone(ory: Ory, ory_auth: Change) -> None:
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
def test_a_missing_api_key_is_named(ory: Ory) -> None:
    assert ory.local
    with ory.local.failing(401, {}, b"{}", path="/admin/identities"):
        assert "ORY_AUTH['API_KEY']" in check().line("api-key-missing")


@pytest.mark.usefixtures("local_ory")
def test_a_kratos_without_caching_is_named_with_what_it_costs(ory: Ory) -> None:
    assert ory.local
    ory.local.configure(cacheable_sessions=False)
    line = check().line("caching-off")
    assert " ms  Each request that asks who it is costs a call to Ory" in line
    assert "Set feature_flags.cacheable_sessions to true in Kratos' configuration" in line


def test_caching_that_the_project_itself_has_switched_off_is_named(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    assert "Remove ORY_AUTH['SESSION_CACHE_SECONDS']" in check().line("caching-off-here")


def test_what_system_checks_find_is_in_it(ory: Ory, ory_auth: Change, settings: Settings) -> None:
    ory_auth(BROWSER_ULR="http://127.0.0.1:4433")
    settings.MIDDLEWARE = [settings.MIDDLEWARE[4], *settings.MIDDLEWARE[:4]]
    checked = check()
    assert "Did you mean 'BROWSER_URL'?" in checked.line("ory_auth.E002")
    assert "must come after" in checked.line("ory_auth.E004")
    assert checked.status == 2


def test_the_required_key_misspelt_is_one_finding(ory: Ory, settings: Settings) -> None:
    settings.ORY_AUTH = {"SKD_URL": ory.public_url}
    checked = check()
    assert (checked.status, checked.ids) == (2, {"ory_auth.E002"})
    assert "Did you mean 'SDK_URL'?" in checked.line("ory_auth.E002")


def test_a_silenced_system_check_is_silent_here_too(ory: Ory, ory_auth: Change, settings: Settings) -> None:
    ory_auth(BROWSER_ULR="http://127.0.0.1:4433")
    settings.SILENCED_SYSTEM_CHECKS = ["ory_auth.E002"]
    assert check().ids == set()


# --- reaching Ory -----------------------------------------------------------------------------------------------------


def test_a_certificate_that_nobody_here_trusts_is_named(ory: Ory, ory_auth: Change, tls_url: str) -> None:
    ory_auth(SDK_URL=tls_url)
    assert "SSL_CERT_FILE" in check().line("certificate-refused")


def test_a_certificate_for_another_name_is_named(ory: Ory, ory_auth: Change, trusted: None, tls_url: str) -> None:
    ory_auth(SDK_URL=tls_url.replace("127.0.0.1", "localhost"))
    assert "Use the name in the certificate" in check().line("certificate-refused")


def test_a_certificate_that_ends_soon_is_named(
    ory: Ory, ory_auth: Change, authority: trustme.CA, trusted: None
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=3)).configure_cert(context)
    with servers.tls_proxy(ory.public_url, context) as url:
        ory_auth(SDK_URL=url)
        assert "Renew it where Ory's TLS ends" in check().line("certificate-ends-soon")


def test_a_host_name_that_there_is_not_is_named(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SDK_URL=f"http://{'a' * 64}.example.org")  # too long for a label: nobody has to be asked
    assert "Correct ORY_AUTH['SDK_URL']" in check().line("name-unknown")


def test_an_ory_that_says_nothing_does_not_hold_the_command(ory: Ory, ory_auth: Change) -> None:
    with servers.silent_server() as url:
        ory_auth(SDK_URL=url, TIMEOUT=0.2)
        assert "no answer within 0.2 seconds" in check().line("ory-unreachable")


@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_is_not_ory_s_is_not_taken_for_it(ory: Ory, status: int) -> None:
    assert ory.local
    with ory.local.failing(status, {"Content-Type": "application/json"}, b'["odd"]', path="/sessions/whoami"):
        assert f"{status} to whoami" in check().line("not-ory")


@pytest.mark.parametrize(("scheme", "problem"), [("http:", "ory-unreachable"), ("https:", "certificate-refused")])
def test_a_port_of_something_that_is_not_http_at_all_is_named(
    ory: Ory, ory_auth: Change, scheme: str, problem: str
) -> None:
    with servers.mail_server() as url:
        ory_auth(SDK_URL=url.replace("http:", scheme), TIMEOUT=1.0)
        line = check().line(problem)
    assert "ORY_AUTH['SDK_URL']" in line
    assert "mail.example.org" not in line


def test_tls_that_is_never_spoken_does_not_hold_the_command(ory: Ory, ory_auth: Change) -> None:
    with servers.silent_server() as url:
        ory_auth(SDK_URL=url.replace("http:", "https:"), TIMEOUT=0.2)
        assert "nothing within 0.2 seconds" in check().line("ory-unreachable")


@pytest.mark.usefixtures("local_ory")
def test_an_answer_that_is_too_big_is_told(ory: Ory) -> None:
    assert ory.local
    with ory.local.failing(200, {}, b" " * 2**21, path="/sessions/whoami"):
        assert "larger than 1 MiB" in check().line("ory-unreachable")


@pytest.mark.usefixtures("local_ory")
def test_an_ory_without_a_readiness_path_is_told(ory: Ory) -> None:
    assert ory.local
    with ory.local.failing(404, path="/health/ready"):
        checked = check("--wait", "5", "--json")
    assert checked.found("ready") == ["not known: there is no /health/ready, so that every 401 is believed"]
    assert (checked.status, checked.errors) == (0, "")


@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b'{"version": "v1.0.4"}', r"WARNING Version .* Kratos v1.0.4, older .* \[version-old\]"),
        (b'{"version": "v26.2.0"}', r"ok      Version .* Kratos v26.2.0"),
        (b'{"version": "<canary>"}', r"\?       Version .* not known"),
    ],
)
def test_the_version_is_told(ory: Ory, body: bytes, line: str) -> None:
    assert ory.local
    with ory.local.failing(200, {}, body, path="/admin/version"):
        checked = check()
    assert re.search(f"^{line}", checked.text, re.MULTILINE)
    assert "canary" not in checked.text


@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"API_KEY": "canary"}, "ADMIN_URL, where Kratos tells it, refused the API key (401)"),
        ({}, "ADMIN_URL, where Kratos tells it, asks for an API key (401)"),
    ],
)
def test_of_an_unknown_version_it_is_told_why(ory: Ory, ory_auth: Change, keys: dict[str, str], why: str) -> None:
    assert ory.local
    ory_auth(**keys)
    with ory.local.failing(401, {}, b"{}", path="/admin"):
        assert check("--json").found("version") == [f"not known: {why}"]


def test_where_nobody_answers_at_the_admin_url_there_is_no_version(ory: Ory, ory_auth: Change) -> None:
    ory_auth(ADMIN_URL=servers.closed_url())
    assert check("--json").found("version") == ["not known: nobody answers at ADMIN_URL, where Kratos tells it"]


def test_without_an_admin_url_there_is_no_version(ory: Ory, settings: Settings) -> None:
    settings.ORY_AUTH = {"SDK_URL": ory.public_url}
    assert check("--json").found("version") == ["not known: Kratos tells it at ADMIN_URL only"]


@pytest.mark.usefixtures("local_ory")
def test_an_ory_that_is_not_ready_is_named(ory: Ory) -> None:
    assert ory.local
    with ory.local.database_down():
        assert "Kratos: dsn" in check().line("ory-not-ready")


@pytest.mark.usefixtures("local_ory")
def test_an_ory_that_limits_the_rate_is_in_trouble_and_still_ory(ory: Ory) -> None:
    assert ory.local
    with ory.local.failing(429, {"Retry-After": "60"}, b"slow down", path="/sessions/whoami"):
        assert "says 429 instead of 401" in check().line("ory-not-ready")


@pytest.mark.usefixtures("local_ory")
def test_clocks_that_are_apart_are_named(ory: Ory) -> None:
    assert ory.local
    ory.local.clock.move(90)
    line = check().line("clocks-apart")
    assert re.search(r"Ory's clock is (89|90|91) seconds ahead of this server's", line)


@pytest.mark.usefixtures("local_ory")
def test_answers_that_take_long_are_named(ory: Ory, ory_auth: Change) -> None:
    assert ory.local
    ory_auth(TIMEOUT=0.5)
    with ory.local.slow(0.3, path="/sessions/whoami"):
        assert "raise ORY_AUTH['TIMEOUT']" in check().line("ory-slow")


@pytest.mark.parametrize("reachable", [True, False])
def test_a_proxy_of_the_environment_is_told_and_its_address_is_not(
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
def test_an_internal_address_that_ory_puts_into_redirects_is_named(ory: Ory) -> None:
    assert ory.local
    ory.local.configure(base_url="http://kratos:4433")
    line = check().line("base-url-differs")
    assert "an internal address in its redirects" in line
    assert f"Set serve.public.base_url to {ory.public_url} in Kratos' configuration. [" in line


@pytest.mark.usefixtures("local_ory")
def test_another_ory_at_the_browser_url_is_named(ory: Ory, ory_auth: Change) -> None:
    with LocalOry(Config(public_port=0, admin_port=0)) as other:
        ory_auth(BROWSER_URL=other.public_url)
        assert "to two addresses of one Ory" in check().line("browser-url-other-ory")


def test_the_same_ory_by_another_address_is_told(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SDK_URL=ory.public_url.replace("127.0.0.1", "localhost"), BROWSER_URL=ory.public_url)
    checked = check("--json")
    assert checked.found("browser-url") == [f"{ory.public_url} is the same Ory"]
    assert checked.status == 0


def test_a_browser_url_on_this_machine_where_nobody_answers_is_not_known(ory: Ory, ory_auth: Change) -> None:
    ory_auth(BROWSER_URL=servers.closed_url())
    assert check("--json").found("browser-url")[0].startswith("not known: nobody answers at")


def test_something_else_at_the_browser_url_is_named(ory: Ory, ory_auth: Change) -> None:
    with servers.http_server(servers.other_site) as url:
        ory_auth(BROWSER_URL=url)
        assert "Set ORY_AUTH['BROWSER_URL'] to the host" in check().line("browser-url-not-ory")


def test_a_browser_url_without_an_address_here_is_a_warning(ory: Ory, ory_auth: Change) -> None:
    ory_auth(BROWSER_URL=f"http://{'a' * 64}.example.org")
    assert check().line("browser-url-unreachable").startswith("WARNING")


def test_hosts_that_the_settings_leave_open_are_not_known(ory: Ory, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.ORY_AUTH = {"SDK_URL": ory.public_url, "BROWSER_URL": ory.public_url}
    with_page = check("--json").report["sites"]
    assert all(site.startswith("http://127.0.0.1:") for site in with_page)  # where Ory sends browsers


@pytest.mark.usefixtures("local_ory")
def test_without_any_host_and_login_page_it_asks_for_one(ory: Ory, settings: Settings) -> None:
    assert ory.local
    settings.ALLOWED_HOSTS = ["*"]
    with ory.local.failing(500, path="/self-service/login/browser"):
        checked = check("--json")
    for what in ("cookies", "return-to"):
        assert checked.found(what) == [
            "not known: ALLOWED_HOSTS names no host: give --site URL with the address that people open"
        ]
    assert checked.found("base-url") == ["not known: Ory began no login flow (500)"]


@pytest.mark.usefixtures("local_ory")
def test_login_flows_that_do_not_begin_are_not_known(ory: Ory) -> None:
    assert ory.local
    with ory.local.failing(500, path="/self-service/login/browser"):
        checked = check("--json")
    assert checked.found("return-to") == ["not known: Ory began no login flow (500)"]
    assert checked.found("login-page") == ["not known: Ory sends browsers nowhere for it (500)"]
    assert checked.found("cookies") == ["not known: Ory set no CSRF cookie with its login flow"]


def test_urls_that_are_not_included_are_told_with_the_login_page(ory: Ory, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.support.no_urls"
    assert 'include("ory_auth.urls")' in check().line("login-page-missing")


def test_a_broken_urlconf_does_not_end_the_command(ory: Ory, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.no_such_module"
    assert "Ory's public API is at" in check().text


@pytest.mark.usefixtures("local_ory")
def test_secure_cookies_over_http_are_named(ory: Ory) -> None:
    assert ory.local
    ory.local.configure(dev=False)
    assert "start Kratos with --dev" in check().line("cookie-secure")


@pytest.mark.usefixtures("local_ory")
def test_cookies_that_do_not_come_with_a_link_from_elsewhere_are_named(ory: Ory) -> None:
    assert ory.local
    ory.local.configure(dev=False, cookie_same_site="Strict")
    assert "Set cookies.same_site to Lax" in check().line("cookie-samesite")


@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("http://127.0.0.1:8000/no-page-at-all", "login-page-missing"),
        ("https://accounts.example.org/auth", "login-page-elsewhere"),
    ],
)
def test_a_login_page_that_is_not_here_is_named(ory: Ory, page: str, problem: str) -> None:
    assert ory.local
    ory.local.configure(ui_base=page)
    assert "Set selfservice.flows.login.ui_url to http://127.0.0.1:8000/auth/login" in check().line(problem)


@pytest.mark.usefixtures("local_ory")
def test_a_login_page_of_the_project_s_own_is_fine(ory: Ory, settings: Settings) -> None:
    assert ory.local
    ory.local.configure(ui_base="http://127.0.0.1:8000/admin")
    assert check().ids == set()


urlpatterns = [re_path("^auth/.*$", lambda request: HttpResponse("the one page")), *urls.urlpatterns]


@pytest.mark.usefixtures("local_ory")
def test_a_view_that_answers_before_our_login_page_is_named(ory: Ory, settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    checked = check()
    assert (checked.status, checked.ids) == (2, {"ory_auth.W028"})
    assert "'/auth/login'" in checked.line("ory_auth.W028")
    assert "which is ory_auth:login" not in checked.text
    assert re.search(r"^- .*where another view answers: see ory_auth\.W028$", checked.text, re.MULTILINE)
    settings.SILENCED_SYSTEM_CHECKS = ["ory_auth.W028"]
    checked = check("--strict")
    assert (checked.status, checked.ids) == (0, set())
    assert "/auth/login, a page of this project" in checked.text


@pytest.mark.usefixtures("local_ory")
def test_cors_is_looked_at_for_pages_that_are_named(ory: Ory, settings: Settings) -> None:
    assert ory.local
    settings.CSRF_TRUSTED_ORIGINS = ["https://spa.example.org", "https://other.example.org"]
    ory.local.configure(cors_allowed_origins=("https://spa.example.org",))
    checked = check()
    assert "pages of https://spa.example.org may ask Ory with cookies" in checked.text
    assert "Add https://other.example.org to serve.public.cors.allowed_origins" in checked.line("cors-refused")


def test_cors_is_not_asked_for_otherwise(ory: Ory) -> None:
    assert check("--json").found("cors")[0].startswith("not asked for")


def test_return_to_is_tried_for_other_hosts_that_next_may_name(ory: Ory, ory_auth: Change) -> None:
    ory_auth(LOGIN_REDIRECT_HOSTS=["shop.example.org"])
    line = check().line("return-to-refused")
    assert "http://shop.example.org" in line
    assert line.startswith("WARNING")


def judged(site: str, ory: str, cookie: str) -> tuple[list[str], str]:
    """What is wrong with a cookie of Ory's at this site, and how to mend it."""
    where, there = Origin.of(site), Origin.of(ory)
    assert where
    assert there
    met = Met(there, "BROWSER_URL", there, where, read_set_cookie(f"csrf_token_1=x; Path=/; {cookie}"))
    found = list(judge_cookies([where], met))
    return [finding.id for finding in found if finding.level is not Level.OK], " ".join(f.fix for f in found)


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
def test_cookies_are_judged_as_browsers_do(site: str, ory: str, cookie: str, problems: list[str]) -> None:
    assert judged(site, ory, cookie)[0] == problems


@pytest.mark.parametrize(
    ("site", "ory", "fix"),
    [
        ("https://app.example.co.uk", "https://auth.example.co.uk", "Set cookies.domain to example.co.uk in"),
        ("https://app.example.org", "https://auth.example.com", "Give Ory a host under example.org"),
        ("https://app.example.org", "https://x.projects.oryapis.com", "a custom domain under example.org"),
        ("https://one.github.io", "https://two.github.io", "Give Ory a host under one.github.io"),
        ("http://127.0.0.1:8000", "https://x.projects.oryapis.com", "Run 'ory tunnel http://127.0.0.1:8000'"),
        ("http://127.0.0.1:8000", "http://kratos:4433", "Set ORY_AUTH['BROWSER_URL'] to Ory's address on 127.0.0.1"),
    ],
)
def test_the_way_that_brings_cookies_here_fits_the_hosts(site: str, ory: str, fix: str) -> None:
    assert fix in judged(site, ory, "")[1]


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
def test_where_people_open_the_project_is_read_from_its_settings(hosts: Hosts, expected: list[str]) -> None:
    ory = "http://127.0.0.1:4433" if hosts.debug else "https://auth.example.org"
    assert [str(site) for site in sites(hosts, ory, "")] == expected


# --- the admin API ----------------------------------------------------------------------------------------------------


def test_the_admin_api_at_the_public_port_is_named(ory: Ory, ory_auth: Change) -> None:
    ory_auth(ADMIN_URL=ory.public_url)
    assert "Set ORY_AUTH['ADMIN_URL'] to Ory's admin API" in check().line("admin-url-is-public")


def test_an_admin_api_that_is_not_there_is_named(ory: Ory, ory_auth: Change) -> None:
    ory_auth(ADMIN_URL=servers.closed_url())
    assert "Set ORY_AUTH['ADMIN_URL']" in check().line("admin-unreachable")


def test_something_else_at_the_admin_url_is_named(ory: Ory, ory_auth: Change) -> None:
    with servers.http_server(servers.other_site) as url:
        ory_auth(ADMIN_URL=url)
        assert "is not Ory's admin API (404)" in check().line("admin-not-ory")


def test_the_admin_api_is_not_asked_where_nothing_names_it(ory: Ory, settings: Settings) -> None:
    settings.ORY_AUTH = {"SDK_URL": ory.public_url}
    assert check("--json").found("admin")[0].startswith("not asked for")


def test_an_admin_api_that_everybody_reaches_is_named(ory: Ory, ory_auth: Change) -> None:
    with servers.http_server(servers.one_address_for_both(ory.public_url, ory.admin_url)) as url:
        ory_auth(SDK_URL=url, BROWSER_URL=ory.public_url.replace("127.0.0.1", "localhost"))
        ory_auth(SDK_URL=url, BROWSER_URL=url)
        assert "anyone who gets there may do everything" in check().line("admin-open")


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


def test_whose_session_was_given_is_told(given: Checked, person: Person) -> None:
    (found,) = given.found("session")
    assert re.fullmatch(rf"identity {person.id}, aal1, until \d\d\d\d-\d\d-\d\d \d\d:\d\d UTC", found)
    assert given.found("user") == [
        "none is linked yet; one is made, or linked where that is asked for, at the first request"
    ]
    assert person.email not in given.text
    assert "Ada" not in given.text
    assert given.status == 0


def test_how_long_its_answer_may_be_kept_is_told(ory: Ory, person: Person) -> None:
    assert check("--token", person.app_session().token, "--json").found("cache-time") == [
        "Ory allows 60 seconds, and 60 are used"
    ]


def test_a_cache_time_of_the_project_s_own_is_told(ory: Ory, ory_auth: Change, person: Person) -> None:
    ory_auth(SESSION_CACHE_SECONDS=30)
    checked = check("--token", person.app_session().token, "--json")
    assert checked.found("cache-time") == ["30 seconds, as SESSION_CACHE_SECONDS says; Ory allows 60 seconds"]


def test_a_handler_that_raises_does_not_end_the_command(ory: Ory, ory_auth: Change, person: Person) -> None:
    ory_auth(USER_HANDLER="tests.test_ory_check.Raises")
    found = check("--token", person.app_session().token, "--json").found("user")
    assert found == ["not known: looking for the user failed (LookupError)"]


@pytest.mark.usefixtures("local_ory")
def test_a_session_that_ory_does_not_answer_for_is_named(ory: Ory, ory_auth: Change, person: Person) -> None:
    assert ory.local
    token = person.app_session().token
    with ory.local.hang_up(path="/sessions/whoami"):
        assert check("--token", token).ids == {"ory-unreachable"}


def test_the_session_cookie_s_name_is_known_then(ory: Ory, person: Person) -> None:
    assert check("--cookie", person.browser_session().cookie, "--json").found("cookie-name") == [
        "'ory_kratos_session', as expected"
    ]


def test_a_cookie_of_another_name_than_is_looked_for_is_named(ory: Ory, person: Person) -> None:
    value = person.browser_session().cookie.partition("=")[2]
    checked = check("--cookie", f"ory_session_abc={value}")
    assert "Set ORY_AUTH['SESSION_COOKIE_NAME'] to 'ory_session_abc'" in checked.line("cookie-name-differs")
    assert value not in checked.text


def test_padding_of_a_cookie_is_not_taken_for_the_end_of_a_name(ory: Ory) -> None:
    checked = check("--cookie", "MTc5NTQyMjgwOXxqUERUV1RrM2RIVHdEcVZSVnpERUIx==")
    assert checked.ids == {"session-refused"}
    assert "MTc5" not in checked.text


@pytest.mark.parametrize(
    ("flags", "told", "guards"),
    [
        ({}, "active", "let in by: ory_required, max_age of 15 minutes; not by: aal='aal2', the admin"),
        ({"is_staff": True, "is_superuser": True}, "active, staff, superuser", "the admin; not by: aal='aal2'"),
    ],
)
def test_what_its_user_would_be_allowed_is_told(
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


def test_a_user_who_is_not_admitted_is_named(ory: Ory, person: Person) -> None:
    user = User.objects.create(username="ada", is_active=False)
    OryIdentity.objects.create(
        id=person.id, user=user, updated_at="2001-01-01T00:00Z", authenticated_at="2001-01-01T00:00Z"
    )
    assert "is inactive here: 403 on guarded pages" in check("--token", person.app_session().token).line("not-admitted")


def test_an_aal2_session_is_let_in_where_that_is_asked_for(ory: Ory, person: Person) -> None:
    browser = person.browser_session()
    browser.set_up_totp()
    checked = check("--cookie", browser.cookie, "--json")
    assert ", aal2, " in checked.found("session")[0]
    assert "aal='aal2'" in checked.found("guards")[0].partition("not by")[0]


def test_a_session_without_the_second_factor_that_ory_wants_is_named(ory: Ory, person: Person) -> None:
    person.browser_session().set_up_totp()
    assert "required_aal" in check("--token", person.app_session().token).line("second-factor-missing")


@pytest.mark.parametrize(
    ("value", "problem"), [("ory_st_nobody", "session-refused"), ("a\x07b", "credential-malformed")]
)
def test_a_session_that_is_none_is_named(ory: Ory, value: str, problem: str) -> None:
    checked = check("--token", value)
    assert checked.line(problem)
    assert checked.status == 2
    assert value not in checked.text


@pytest.mark.usefixtures("local_ory")
def test_a_session_that_may_not_be_kept_is_named(ory: Ory, person: Person) -> None:
    assert ory.local
    ory.local.configure(cacheable_sessions=False)
    assert "feature_flags.cacheable_sessions" in check("--token", person.app_session().token).line("cache-time-none")


@pytest.mark.usefixtures("local_ory")
def test_trouble_at_ory_is_not_taken_for_nobody_s_session(ory: Ory, person: Person) -> None:
    assert ory.local
    token = person.app_session().token
    with ory.local.failing(403, {}, b'{"error": {"code": 403, "id": "canary"}}', path="/sessions/whoami"):
        checked = check("--token", token)
    assert "a request with it would be a 503" in checked.line("session-unavailable")
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


def test_a_system_check_that_cannot_be_carried_out_does_not_end_the_command(ory: Ory, settings: Settings) -> None:
    settings.MIDDLEWARE = [7]
    checked = check()
    assert "(check_order) could not be carried out" in checked.text
    assert "Ory's public API is at" in checked.text


@pytest.mark.parametrize(
    "key", ["TIMEOUT", "BROWSER_URL", "ADMIN_URL", "SESSION_CACHE_SECONDS", "USER_FIELDS", "API_KEY"]
)
def test_a_key_of_the_wrong_type_is_named_and_the_rest_is_looked_at(ory: Ory, ory_auth: Change, key: str) -> None:
    ory_auth(**{key: object()})
    checked = check()
    assert f"ORY_AUTH['{key}']" in checked.line("ory_auth.E001")
    assert "Ory's public API is at" in checked.text


def test_urls_with_a_password_are_named_without_it(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SDK_URL="http://ada:canary@127.0.0.1:4433", ADMIN_URL="http://127.0.0.1:4434?key=canary")
    checked = check()
    assert checked.status == 2
    assert "canary" not in checked.text


def test_a_missing_url_is_named_even_where_the_system_check_is_silenced(settings: Settings) -> None:
    settings.ORY_AUTH = {}
    settings.SILENCED_SYSTEM_CHECKS = ["ory_auth.E001"]
    assert check().ids == {"sdk-url-missing"}


class ToNowhere:
    """A router of databases, to one that is not configured."""

    def db_for_write(self, model: type, **hints: object) -> str:
        return "nowhere"


def test_a_database_that_does_not_answer_is_named(ory: Ory, settings: Settings) -> None:
    settings.DATABASE_ROUTERS = ["tests.test_ory_check.ToNowhere"]
    assert "Correct DATABASES['nowhere']" in check().line("database-unavailable")


def test_a_cache_alias_that_there_is_not_is_named(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SESSION_CACHE="nowhere")
    assert "ORY_AUTH['SESSION_CACHE']" in check().line("cache-unavailable")


def test_a_cache_in_the_database_without_its_table_says_how_to_make_it(ory: Ory, settings: Settings) -> None:
    backend = "django.core.cache.backends.db.DatabaseCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "no_such_table"}}
    line = check().line("cache-unavailable")
    assert "its table 'no_such_table' is missing" in line
    assert "Run 'manage.py createcachetable'." in line


@pytest.mark.parametrize(
    ("backend", "debug", "problem"),
    [("dummy.DummyCache", True, "cache-forgets"), ("locmem.LocMemCache", False, "cache-per-process")],
)
def test_a_cache_that_does_not_serve_is_named(
    ory: Ory, settings: Settings, backend: str, debug: bool, problem: str
) -> None:
    settings.DEBUG = debug
    settings.CACHES = {"default": {"BACKEND": f"django.core.cache.backends.{backend}"}}
    assert "Give CACHES['default'] a backend" in check().line(problem)


@pytest.mark.parametrize(
    ("backend", "found"),
    [
        ("OfJson", "cannot store bytes (TypeError): no session is cached, and every request asks Ory."),
        ("OfBase64", "cannot store bytes (it returns str): no session"),
        ("OfLists", "cannot store bytes (it returns list): no session"),
        ("Dropping", "cannot store bytes (it stores nothing): no session"),
        ("AlwaysAdding", "cannot add a key only once (add() says otherwise): sign-outs may get lost."),
        ("Untouchable", "cannot extend the lifetime of a key (touch() refuses)"),
        ("OneAtATime", "cannot write and read several keys at once (get_many() returns something else)"),
        ("Keeping", "cannot delete several keys at once (they are still there)"),
    ],
)
def test_a_cache_that_cannot_store_what_requests_store_is_named(
    ory: Ory, settings: Settings, backend: str, found: str
) -> None:
    settings.CACHES = {"default": {"BACKEND": f"tests.support.faulty_caches.{backend}", "LOCATION": backend}}
    checked = check()
    assert (checked.status, checked.ids) == (2, {"cache-unfit"})
    line = checked.line("cache-unfit")
    assert f"The cache 'default' {found}" in line
    assert "ORY_AUTH['SESSION_CACHE']" in line
    assert vars(caches["default"])["_cache"] == {}


def test_what_the_settings_show_of_a_cache_is_said_once(ory: Ory, settings: Settings) -> None:
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


def test_the_backends_are_listed_with_what_they_do(ory: Ory, settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = [
        "ory_auth.backends.OryBackend", "django.contrib.auth.backends.ModelBackend", "rules.permissions.Own"
    ]  # fmt: skip
    assert check("--json").found("backends") == [
        "in this order: ory_auth.backends.OryBackend (permissions, never passwords), "
        "django.contrib.auth.backends.ModelBackend (permissions, and passwords of Django's own), rules.permissions.Own"
    ]


def test_a_cache_that_hangs_does_not_hold_the_command(ory: Ory, ory_auth: Change, settings: Settings) -> None:
    ory_auth(TIMEOUT=0.5)
    with servers.silent_server() as url:
        backend = "django.core.cache.backends.redis.RedisCache"
        settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": url.replace("http:", "redis:")}}
        assert "(TimeoutError)" in check().line("cache-unavailable")


def test_the_last_line_says_whether_it_can_work(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    where, last = check().text.splitlines()[-2:]
    assert where == "What each id means is in django-ory's docs/ory_check.md."
    assert re.fullmatch(r"This project can work with this Ory; 1 warning, \d not known\.", last)
    ory_auth(ADMIN_URL=servers.closed_url())
    last = check().text.splitlines()[-1]
    assert re.fullmatch(r"This project cannot work with this Ory yet; 1 failure, 1 warning, \d not known\.", last)


def test_with_warnings_it_ends_with_1_only_under_strict(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    assert (check().status, check("--strict").status) == (0, 1)


# --- waiting ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("local_ory")
def test_it_waits_for_an_ory_that_starts_meanwhile(ory: Ory) -> None:
    assert ory.local
    with ory.local.stopped():
        later = threading.Timer(0.4, ory.local.start)
        later.start()
        try:
            checked = check("--wait", "20")
        finally:
            later.join()
    assert (checked.status, checked.errors) == (0, "")


def test_it_does_not_wait_for_longer_than_it_was_told(ory: Ory, ory_auth: Change) -> None:
    ory_auth(SDK_URL=servers.closed_url())
    checked = check("--wait", "0.3", "--json")
    assert checked.status == 2
    assert "was not ready within 0.3 seconds" in checked.errors
    assert checked.report["exit_status"] == 2


# --- the two forms ----------------------------------------------------------------------------------------------------


def _ids(checked: Checked) -> list[str]:
    return [finding["id"] for finding in checked.report["findings"] if finding["id"]]


def test_json_is_as_its_schema_says(ory: Ory, ory_auth: Change, settings: Settings, person: Person) -> None:
    jsonschema.validate(check("--json").report, SCHEMA)
    jsonschema.validate(check("--json", "--cookie", person.browser_session().cookie).report, SCHEMA)
    ory_auth(SDK_URL=servers.closed_url())
    bad = check("--json").report
    jsonschema.validate(bad, SCHEMA)
    assert (bad["exit_status"], bad["counts"]["failure"]) == (2, 1)
    settings.ORY_AUTH = None
    jsonschema.validate(check("--json").report, SCHEMA)


def test_every_id_is_in_the_documents_and_every_one_there_is_in_the_code() -> None:
    documented = [
        found[1] for row in rows("ory_check.md") if (found := re.fullmatch(r"\|? ?`([a-z][a-z0-9-]+)`", row[0]))
    ]
    assert documented == [problem.value for problem in Problem]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: with the settings of the tests there is no Ory."""
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


def test_elsewhere_than_on_a_terminal_it_is_plain_text() -> None:
    done = run()
    assert done.returncode == 2
    assert "\x1b" not in done.stdout
    assert done.stdout.isascii()
    assert re.search(r"^FAILURE Connection .* \[ory-unreachable\]$", done.stdout, re.MULTILINE)


def test_on_a_terminal_there_are_symbols_and_colours_and_no_line_is_too_long() -> None:
    written = on_a_terminal(PYTHONIOENCODING="utf-8")
    assert "✗" in written
    assert "\x1b[" in written
    assert max(len(line) for line in re.sub(r"\x1b\[[\d;]*m", "", written).splitlines()) <= 100


@pytest.mark.parametrize("wish", [{"arguments": ("--no-color",)}, {"environment": {"NO_COLOR": "1"}}])
def test_colours_can_be_refused(wish: dict[str, Any]) -> None:
    written = on_a_terminal(*wish.get("arguments", ()), PYTHONIOENCODING="utf-8", **wish.get("environment", {}))
    assert "✗" in written
    assert "\x1b" not in written


def test_a_terminal_that_cannot_show_symbols_gets_words() -> None:
    written = on_a_terminal(PYTHONIOENCODING="ascii")
    assert "FAILURE" in written
    assert written.isascii()


def test_a_database_that_is_not_migrated_is_named() -> None:
    assert "manage.py migrate ory_auth" in run().stdout


def test_neither_ory_s_sdk_nor_the_list_of_suffixes_is_loaded_for_it_or_for_other_commands() -> None:
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
