"""``manage.py ory_check`` and ``form-action`` of the Content-Security-Policy, which social sign-in needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.http import HttpRequest, HttpResponse
from pytest_django import Settings

from ory_auth.local import LocalOry
from ory_auth.ory.source_lists import allows, read_directive
from ory_auth.ory_check.facts.http_result import HttpResult
from ory_auth.ory_check.probes.collect import collect_facts
from ory_auth.ory_check.probes.project import probe_project
from ory_auth.ory_check.rules.form_action import evaluate_form_action
from tests.support.ory import Ory
from tests.support.types import ChangeSettings
from tests.test_ory_check import check

pytestmark = pytest.mark.django_db
SITE = "http://localhost:8000"


def send_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware of a project that writes the header itself."""
    from django.conf import settings

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if policy := getattr(settings, "TEST_POLICY", ""):
            response["Content-Security-Policy"] = policy
        return response

    return middleware


@pytest.fixture(autouse=True)
def _site(local_ory: LocalOry, settings: Settings) -> None:
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    settings.MIDDLEWARE = ["tests.test_ory_check_form_action.send_policy", *settings.MIDDLEWARE]
    settings.TEST_POLICY = ""
    local_ory.configure(oidc_providers={"github": "GitHub", "google": "Google"})


@pytest.fixture
def provider(local_ory: LocalOry, settings: Settings, ory_auth: ChangeSettings) -> str:
    """The origin of the pretend providers, which differs from Ory's if browsers use the gateway."""
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.ROOT_URLCONF = "tests.support.gateway"
    ory_auth(BROWSER_URL="/.ory")
    local_ory.configure(base_url=f"{SITE}/.ory/", ui_base=f"{SITE}/auth", allowed_return_urls=(SITE,))
    return local_ory.state.provider_url


def test_the_origin_of_a_provider_that_is_missing_is_named(settings: Settings, provider: str) -> None:
    settings.TEST_POLICY = "default-src 'none'; form-action 'self'"
    line = check().line("form-action-blocks")
    assert f"stops forms that lead to {provider} ('github', 'google')." in line
    assert f"Add {provider} to form-action." in line


def test_a_policy_that_names_all_is_right(settings: Settings, provider: str) -> None:
    settings.TEST_POLICY = f"form-action 'self' {provider}"
    assert check("--json").found("form-action") == ["forms may lead to 'github', 'google'"]


def test_every_policy_counts(ory: Ory, settings: Settings) -> None:
    settings.TEST_POLICY = f"form-action {ory.public_url}, default-src 'none'; form-action 'self'"
    assert f"lead to {ory.public_url} (Ory, 'github', 'google')." in check().line("form-action-blocks")


@pytest.mark.parametrize("policy", ["", "default-src 'none'"])
def test_a_policy_without_form_action_stops_nothing(settings: Settings, local_ory: LocalOry, policy: str) -> None:
    settings.TEST_POLICY = policy
    assert check("--json").found("form-action") == []
    assert not [request for request in local_ory.requests if request.method == "POST"]


def test_a_provider_that_ory_cannot_reach_is_unknown(ory: Ory, settings: Settings) -> None:
    settings.TEST_POLICY = f"form-action {ory.public_url}"
    facts = replace(collect_facts(probe_project()), providers=(("google", HttpResult(problem="no connection")),))
    found = [finding.found for finding in evaluate_form_action(facts)]
    assert found == ["forms may lead to Ory", "unknown: Ory did not say where the provider 'google' is"]


@pytest.mark.parametrize(
    ("source", "url", "allowed"),
    [
        ("https://accounts.example", "https://accounts.example", True),
        ("https://accounts.example/path", "https://accounts.example", True),
        ("http://accounts.example", "https://accounts.example", True),
        ("https://accounts.example", "http://accounts.example", False),
        ("accounts.example", "https://accounts.example:444", False),
        ("accounts.example:*", "https://accounts.example:444", True),
        ("*.example", "https://accounts.example", True),
        ("*.example", "https://example", False),
        ("https:", "https://accounts.example", True),
        ("*", "https://accounts.example", True),
        ("'none'", "https://accounts.example", False),
        ("", "https://accounts.example", False),
    ],
)
def test_a_source_allows_what_browsers_allow(source: str, url: str, *, allowed: bool) -> None:
    assert allows(source, url) is allowed


def test_a_header_may_have_several_policies() -> None:
    header = "default-src 'none'; FORM-ACTION 'self' https://a.example, script-src 'self', form-action"
    assert read_directive(header, "form-action") == [("'self'", "https://a.example"), ()]
