"""``manage.py ory_check`` with the gateway: a login flow through this project's own URLs and middleware."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from ory_auth.local import LocalOry
from tests.support.ory import Ory
from tests.support.types import ChangeSettings
from tests.test_ory_check import check

pytestmark = pytest.mark.django_db
SITE = "http://localhost:8000"
GATEWAY = f"{SITE}/.ory"


@pytest.fixture(autouse=True)
def _gateway(local_ory: LocalOry, settings: Settings, ory_auth: ChangeSettings) -> None:
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.ROOT_URLCONF = "tests.support.gateway"
    ory_auth(BROWSER_URL="/.ory")
    local_ory.configure(base_url=f"{GATEWAY}/", ui_base=f"{SITE}/auth", allowed_return_urls=(SITE,))


def test_a_correct_gateway_has_no_problems(ory: Ory) -> None:
    checked = check("--strict", "--json")
    assert (checked.status, [f["id"] for f in checked.report["findings"] if f["id"]]) == (0, [])
    assert checked.found("gateway") == [f"a login flow starts at {GATEWAY}"]
    assert checked.found("base-url") == [f"{GATEWAY}, the gateway"]
    assert checked.found("cookies") == ["Ory's cookies are for the host localhost: browsers send them to " + SITE]
    assert checked.report["browser_url"] == "/.ory"


def test_another_base_url_of_kratos_is_named(local_ory: LocalOry) -> None:
    local_ory.configure(base_url="http://localhost:4433/")
    checked = check()
    assert checked.ids == {"base-url-differs"}
    assert "Kratos' base URL is http://localhost:4433" in checked.line("base-url-differs")
    assert f"Set serve.public.base_url to {GATEWAY}/ in Kratos' configuration." in checked.line("base-url-differs")


def test_the_base_url_may_be_that_of_another_host_of_this_site(local_ory: LocalOry, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "app.localhost"]
    local_ory.configure(base_url="http://app.localhost:8000/.ory/")
    assert "base-url-differs" not in check().ids


def test_middleware_that_refuses_the_call_is_found(settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.test_ory_check_gateway.refuse"]
    line = check().line("gateway-fails")
    assert f"No login flow starts at {GATEWAY} (418)." in line


def test_middleware_that_fails_is_found(settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.test_ory_check_gateway.fail"]
    assert "(500)" in check().line("gateway-fails")


def test_a_gateway_that_is_not_included_is_not_tested(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.project.urls"
    checked = check("--json")
    assert checked.found("gateway") == ["not tested: see ory_auth.E018"]
    assert "ory_auth.E018" in {finding["id"] for finding in checked.report["findings"]}


def test_orys_own_login_page_is_not_one_of_this_site(local_ory: LocalOry, settings: Settings) -> None:
    """Although ``ALLOWED_HOSTS`` has its host. The gateway replaces it by the page of this site."""
    settings.ALLOWED_HOSTS = []
    local_ory.configure(base_url=None, edge=True, ui_base=f"{local_ory.public_url}/ui")
    checked = check("--site", SITE, "--json")
    assert {finding["id"] for finding in checked.report["findings"] if finding["id"]} == {"base-url-differs"}
    assert checked.found("login-page") == [f"the gateway replaces Ory's login page by {SITE}/auth/login"]


def test_the_host_of_orys_own_login_page_is_not_taken_for_this_site(local_ory: LocalOry, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = []
    local_ory.configure(base_url=None, edge=True, ui_base=f"{local_ory.public_url}/ui")
    assert check("--json").found("gateway") == ["a login flow starts at http://127.0.0.1:8000/.ory"]


def test_ory_network_needs_a_token_for_mails(local_ory: LocalOry, ory_auth: ChangeSettings) -> None:
    ory_auth(GATEWAY_TOKEN="t0ken")
    local_ory.configure(base_url=None, edge=True, edge_token="t0ken")
    checked = check("--json")
    assert checked.found("base-url") == ["Ory Network gets the address of this site with each call (GATEWAY_TOKEN)"]
    assert "t0ken" not in checked.text


def refuse(get_response: object) -> object:
    from django.http import HttpResponse

    return lambda request: HttpResponse(status=418)


def fail(get_response: object) -> object:
    def middleware(request: object) -> None:
        raise ValueError("canary")

    return middleware
