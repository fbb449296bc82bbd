"""System checks of addresses, cookies, content security, URLs and templates."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns, is_language_prefix_patterns_used
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path, set_script_prefix
from django.views import View
from pytest_django import Settings

from tests.support.checks import GOOD, check_ids, check_messages, only_message


@pytest.fixture(autouse=True)
def _good(settings: Settings) -> None:
    settings.ORY_AUTH = GOOD
    # Django caches it by the name of a URLconf, and here one name has many layouts.
    is_language_prefix_patterns_used.cache_clear()  # type: ignore[attr-defined]


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["SDK_URL", "ADMIN_URL"])
def test_ory_network_over_http_is_an_error(settings: Settings, key: str) -> None:
    settings.ORY_AUTH = {**GOOD, "BROWSER_URL": GOOD["SDK_URL"], key: "http://x.projects.oryapis.com"}
    only_message("E008", f"ORY_AUTH['{key}'] = 'https://x.projects.oryapis.com'")


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"SDK_URL": "http://127.0.0.1:4434"}, "SDK_URL"),
        ({"SDK_URL": "http://127.0.0.1:8080/admin"}, "SDK_URL"),
        ({"BROWSER_URL": "http://127.0.0.1:4434"}, "BROWSER_URL"),
        ({"ADMIN_URL": "http://127.0.0.1:4433"}, "ADMIN_URL"),
    ],
)
def test_the_admin_api_as_public_api_is_a_warning_and_vice_versa(
    settings: Settings, keys: dict[str, str], key: str
) -> None:
    settings.ORY_AUTH = {**GOOD, **keys}
    assert f"ORY_AUTH['{key}']" in only_message("W008", "443").msg


@pytest.mark.parametrize("key", ["SDK_URL", "BROWSER_URL", "ADMIN_URL"])
@pytest.mark.parametrize("below", ["/self-service", "/sessions/whoami", "/ui/login", "/health/ready/"])
def test_a_path_of_a_request_in_a_url_is_a_warning(settings: Settings, key: str, below: str) -> None:
    settings.ORY_AUTH = {**GOOD, key: f"http://127.0.0.1:80/.ory{below}"}
    only_message("W009", f"ORY_AUTH['{key}'] = 'http://127.0.0.1:80/.ory'")


def test_an_api_with_a_base_path_is_fine(settings: Settings) -> None:
    settings.ORY_AUTH = {"SDK_URL": "http://127.0.0.1/.ory/kratos/public"}
    assert check_messages() == []


# --- what browsers reach, and where cookies go ------------------------------------------------------------------------


def test_an_internal_name_for_browsers_is_a_warning(settings: Settings) -> None:
    settings.ORY_AUTH = {"SDK_URL": "http://kratos:4433"}
    assert "'SDK_URL'" in only_message("W006", "BROWSER_URL").msg
    settings.ALLOWED_HOSTS = ["*"]
    only_message("W006", "BROWSER_URL")
    settings.ORY_AUTH = {**GOOD, "BROWSER_URL": "http://kratos.ory.svc.cluster.local"}
    assert "'BROWSER_URL'" in only_message("W006", "SDK_URL").msg


COOKIES = [
    # Ory, this site's hosts, whether a cookie of the one can come to the other
    ("https://auth.example.org", ["app.example.org"], True),
    ("https://auth.example.org", ["10.0.0.1", ".example.org"], True),
    ("https://example.org", ["app.example.org"], True),
    ("https://app.example.org:4433", ["app.example.org"], True),
    ("https://auth.example.org", ["app.example.com"], False),
    ("https://auth.example.org", ["10.0.0.1", "localhost"], False),
    ("https://auth.example.org", ["*"], True),
    ("http://127.0.0.1:4433", ["127.0.0.1"], True),
    ("http://127.0.0.1:4433", ["localhost"], False),
    ("http://localhost:4433", ["127.0.0.1"], False),
    ("http://localhost:4433", [".localhost"], True),
    ("http://ory.localhost:4433", [".localhost"], True),
    ("http://[::1]:4433", ["[::1]"], True),
    ("http://[::1]:4433", ["127.0.0.1"], False),
    ("http://intranet", ["intranet"], True),
    ("https://x.projects.oryapis.com", ["*"], False),
    ("https://x.projects.oryapis.com", ["app.example.org"], False),
]


@pytest.mark.parametrize(("url", "hosts", "good"), COOKIES)
def test_cookies_that_cannot_reach_this_site_are_a_warning(
    settings: Settings, url: str, hosts: list[str], good: bool
) -> None:
    settings.ORY_AUTH, settings.ALLOWED_HOSTS, settings.DEBUG = {**GOOD, "BROWSER_URL": url}, hosts, True
    assert check_ids() == ([] if good else ["W007"])
    assert good or only_message("W007", "ORY_AUTH['BROWSER_URL']")


def test_the_message_names_both_loopback_names(settings: Settings) -> None:
    settings.ORY_AUTH, settings.ALLOWED_HOSTS = {"SDK_URL": "http://localhost:4433"}, ["127.0.0.1"]
    message = only_message(
        "W007", "Write '127.0.0.1' instead of 'localhost' in ORY_AUTH['SDK_URL']", "--host 127.0.0.1"
    )
    assert "BROWSER_URL" not in (message.hint or "")


def test_a_loopback_address_beside_public_hosts_is_a_warning(settings: Settings) -> None:
    settings.ORY_AUTH, settings.ALLOWED_HOSTS = {"SDK_URL": "http://localhost:4433"}, ["app.example.org"]
    only_message("W007", "under the domain of this site")


def test_ory_network_without_a_custom_domain_is_a_warning(settings: Settings) -> None:
    settings.ORY_AUTH = {"SDK_URL": "https://x.projects.oryapis.com"}
    only_message("W007", "custom domain", "ory_auth.gateway.urls")


def test_the_hosts_of_development_are_known(settings: Settings) -> None:
    settings.DEBUG, settings.ALLOWED_HOSTS = True, []
    for host in ("localhost", "127.0.0.1", "[::1]"):
        settings.ORY_AUTH = {"SDK_URL": f"http://{host}:4433"}
        assert check_messages() == []
    settings.ORY_AUTH = {"SDK_URL": "https://auth.example.org"}
    only_message("W007", "BROWSER_URL")


# --- http and https ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"DEBUG": False},
        {"SESSION_COOKIE_SECURE": True},
        {"SECURE_SSL_REDIRECT": True},
        {"CSRF_TRUSTED_ORIGINS": ["https://app.example.org"]},
    ],
)
def test_http_in_production_is_a_warning(settings: Settings, change: dict[str, object]) -> None:
    settings.ALLOWED_HOSTS, settings.DEBUG = ["app.example.org"], True
    settings.ORY_AUTH = {**GOOD, "BROWSER_URL": "http://auth.example.org"}
    assert check_messages() == []
    for name, value in change.items():
        setattr(settings, name, value)
    only_message("W005", "ORY_AUTH['BROWSER_URL']")


def test_http_and_https_at_the_same_host_is_a_warning(settings: Settings) -> None:
    settings.ALLOWED_HOSTS, settings.DEBUG = ["app.example.org"], True
    settings.ORY_AUTH = {"SDK_URL": "https://auth.example.org", "BROWSER_URL": "http://auth.example.org"}
    only_message("W005", "ORY_AUTH['BROWSER_URL']")


@pytest.mark.parametrize(
    ("origins", "found"),
    [
        (["http://app.example.org"], ["W019"]),
        (["http://app.example.org", "https://app.example.org"], []),
        (["http://[not-an-address"], ["W019"]),
        (["http://localhost:8000"], []),
        ([], []),
    ],
)
def test_an_http_site_with_an_https_ory_is_a_warning(settings: Settings, origins: list[str], found: list[str]) -> None:
    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = ["app.example.org"], origins
    settings.ORY_AUTH = {"SDK_URL": "https://auth.example.org"}
    assert check_ids() == found
    assert not found or only_message("W019", "CSRF_TRUSTED_ORIGINS")


# --- content security -------------------------------------------------------------------------------------------------

SOURCES = [
    (["'self'"], False),
    (["'none'"], False),
    ([], False),
    (["'self'", "https://other.example.org"], False),
    (["https://auth.example.org:8443"], False),
    (["https://auth.example.org"], True),
    (["http://auth.example.org/path"], True),
    (["auth.example.org:443"], True),
    (["auth.example.org:*"], True),
    (["*.example.org"], True),
    (["*.example.com"], False),
    (["https:"], True),
    (["*"], True),
]


@pytest.mark.parametrize(("sources", "good"), SOURCES)
def test_a_policy_that_blocks_forms_is_a_warning(settings: Settings, sources: list[str], good: bool) -> None:
    settings.ALLOWED_HOSTS, settings.ORY_AUTH = ["app.example.org"], {"SDK_URL": "https://auth.example.org"}
    settings.SECURE_CSP = {"form-action": sources, "default-src": ["'self'"]}
    assert check_ids() == ([] if good else ["W020"])
    assert good or only_message("W020", "'https://auth.example.org'", "form-action", "SECURE_CSP")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CONTENT_SECURITY_POLICY", {"DIRECTIVES": {"form-action": ["'self'"]}}),
        ("CSP_FORM_ACTION", ("'self'",)),
        ("CSP_FORM_ACTION", "'self'"),
    ],
)
def test_a_policy_of_django_csp_is_checked(settings: Settings, name: str, value: Any) -> None:
    setattr(settings, name, value)
    only_message("W020", name, "'http://127.0.0.1:4433'")


@pytest.mark.parametrize("policy", [{}, {"default-src": ["'self'"]}, None])
def test_a_policy_without_form_action_is_fine(settings: Settings, policy: Any) -> None:
    settings.SECURE_CSP = policy
    assert check_messages() == []


def test_self_allows_ory_at_the_host_of_this_site(settings: Settings) -> None:
    settings.ALLOWED_HOSTS, settings.ORY_AUTH = ["app.example.org"], {"SDK_URL": "https://app.example.org/.ory"}
    settings.SECURE_CSP = {"form-action": ["'self'"]}
    assert check_messages() == []


# --- URLs -------------------------------------------------------------------------------------------------------------


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class Spa(View):
    """The one page of a single-page app."""


OURS = path("auth/", include("ory_auth.urls"))
urlpatterns: list[Any] = [OURS]
LAYOUTS: dict[str, list[Any]] = {
    "ours": [OURS],
    "none": [],
    "own page": [path("sign-in/", page, name="sign-in")],
    "djangos form": [path("accounts/login/", LoginView.as_view(), name="login")],
    "both": [OURS, path("accounts/login/", LoginView.as_view(), name="login"), path("sign-in/", page, name="sign-in")],
    "everything": [OURS, path("<path:rest>", page)],
    "catch-all first": [re_path("^.*$", page), OURS],
    "some of ours": [path("auth/<slug:page>", Spa.as_view()), OURS],
    "own login page": [path("auth/login", page), OURS],
    "a namespace with some of ours": [path("auth/", include(([path("login", page, name="login")], "ory_auth")))],
    "translated": i18n_patterns(OURS),
    "translated, catch-all first": i18n_patterns(path("<path:rest>", page), OURS),
    "profile": [OURS, path("accounts/profile/", page)],
    "parameter": [path("<slug:tenant>/auth/", include("ory_auth.urls"))],
    "namespace": [path("auth/", include("ory_auth.urls", namespace="people"))],
}

LEADS = [
    ("ours", "ory_auth:login", []),
    ("ours", "/auth/login", []),
    ("ours", "/accounts/login/", ["W011"]),
    ("ours", "no-such-name", ["W011"]),
    ("ours", "https://sso.example.org/", []),
    ("both", "login", ["W011"]),
    ("both", "/accounts/login", ["W011"]),
    ("both", "sign-in", []),
    ("everything", "/accounts/login/", []),
    ("namespace", "ory_auth:login", []),
    ("none", "/accounts/login/", ["W010"]),
    ("none", "ory_auth:login", ["W010"]),
    ("djangos form", "login", ["W010"]),
    ("own page", "sign-in", []),
    ("parameter", "ory_auth:login", ["W010"]),
    ("parameter", "/acme/auth/login", ["W010"]),
]


@pytest.mark.parametrize(("layout", "login_url", "found"), LEADS)
@pytest.mark.urls(__name__)
def test_a_login_url_without_a_sign_in_page_is_a_warning(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, layout: str, login_url: str, found: list[str]
) -> None:
    monkeypatch.setattr(f"{__name__}.urlpatterns", LAYOUTS[layout])
    settings.ROOT_URLCONF, settings.LOGIN_URL = __name__, login_url  # made again of these patterns
    assert check_ids() == found
    if found == ["W010"]:
        only_message("W010", "ROOT_URLCONF" if layout == "parameter" else "LOGIN_URL", 'include("ory_auth.urls")')
    elif found:
        only_message("W011", "LOGIN_URL = 'ory_auth:login'")


PAGES = ["login", "registration", "settings", "recovery", "verification", "logout", "error", "ready"]


@pytest.mark.parametrize(
    ("layout", "view", "hidden"),
    [
        ("ours", "", []),
        ("everything", "", []),
        ("translated", "", []),
        ("namespace", "", []),
        ("a namespace with some of ours", "", []),
        ("catch-all first", "page", PAGES),
        ("some of ours", "Spa", PAGES),
        ("own login page", "page", ["login"]),
        ("translated, catch-all first", "page", PAGES),
    ],
)
@pytest.mark.parametrize("script_name", ["/", "/shop/"])
@pytest.mark.urls(__name__)
def test_a_view_that_hides_our_pages_is_a_warning(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, layout: str, view: str, hidden: list[str], script_name: str
) -> None:
    monkeypatch.setattr(f"{__name__}.urlpatterns", LAYOUTS[layout])
    settings.ROOT_URLCONF, settings.LOGIN_URL = __name__, "ory_auth:login"
    set_script_prefix(script_name)
    try:
        assert check_ids() == (["W028"] if hidden else [])
        if hidden:
            text = only_message("W028", 'path("auth/", include("ory_auth.urls"))').msg
            assert f"{__name__}.{view} answers" in text
            assert [name for name in PAGES if f"/auth/{name}'" in text] == hidden
    finally:
        set_script_prefix("/")


@pytest.mark.parametrize(
    ("layout", "target", "good"),
    [
        ("ours", "/accounts/profile/", False),
        ("profile", "/accounts/profile/", True),
        ("everything", "/accounts/profile/", True),
        ("translated", "/accounts/profile/", True),  # below which language is known with the request
        ("ours", "no-such-name", False),
        ("ours", "ory_auth:settings", True),
        ("ours", "/served-by-something-else", True),
        ("ours", "https://app.example.org/", True),
        ("none", "/accounts/profile/", True),
    ],
)
@pytest.mark.urls(__name__)
def test_a_login_redirect_url_without_a_page_is_a_warning(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, layout: str, target: str, good: bool
) -> None:
    monkeypatch.setattr(f"{__name__}.urlpatterns", LAYOUTS[layout])
    settings.ROOT_URLCONF, settings.LOGIN_REDIRECT_URL = __name__, target
    settings.LOGIN_URL = "ory_auth:login" if layout != "none" else "https://sso.example.org/"
    assert check_ids() == ([] if good else ["W030"])
    assert good or target in only_message("W030", "LOGIN_REDIRECT_URL").msg


def test_a_project_without_urls_has_no_messages(settings: Settings) -> None:
    settings.ROOT_URLCONF = None
    assert check_messages(deploy=True)[0].id == "ory_auth.W103"


def test_browser_url_is_not_checked_without_our_urls(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.urlpatterns", LAYOUTS["own page"])
    settings.ROOT_URLCONF, settings.LOGIN_URL = __name__, "sign-in"
    settings.ORY_AUTH = {"SDK_URL": "https://x.projects.oryapis.com"}
    assert check_messages() == []


# --- templates --------------------------------------------------------------------------------------------------------

DJANGO, JINJA = "django.template.backends.django.DjangoTemplates", "django.template.backends.jinja2.Jinja2"


@pytest.mark.parametrize(
    ("engine", "good"),
    [
        ({"BACKEND": DJANGO, "APP_DIRS": True}, True),
        ({"BACKEND": DJANGO, "OPTIONS": {"loaders": ["django.template.loaders.app_directories.Loader"]}}, True),
        ({"BACKEND": DJANGO, "DIRS": ["ory_auth/templates"]}, True),
        ({"BACKEND": DJANGO, "DIRS": ["tests/project/templates"]}, False),
        ({"BACKEND": JINJA, "APP_DIRS": True}, False),
    ],
)
def test_templates_that_no_engine_finds_are_a_warning(settings: Settings, engine: dict[str, Any], good: bool) -> None:
    settings.TEMPLATES = [engine]
    assert check_ids() == ([] if good else ["W012"])
    assert good or only_message("W012", "TEMPLATES", "APP_DIRS")
