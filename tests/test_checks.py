"""``manage.py check`` says what is wrong with a project's settings, with an id and a hint."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.contrib.auth.middleware import AuthenticationMiddleware, RemoteUserMiddleware
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import AsyncClient, Client, override_settings
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from pytest_django import Settings

from ory_auth import checks as our_checks
from ory_auth.backends import OryBackend
from ory_auth.conf import KEYS
from ory_auth.middleware import OryMiddleware
from tests.support.checks import GOOD, REDIS, check_ids, check_messages, documented_messages, only_message

OURS = "ory_auth.middleware.OryMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"


@pytest.fixture(autouse=True)
def _good(settings: Settings) -> None:
    settings.ORY_AUTH = GOOD


def test_correct_settings_have_no_messages() -> None:
    assert check_messages() == []


# --- ORY_AUTH ---------------------------------------------------------------------------------------------------------

WRONG: dict[str, list[object]] = {
    "SDK_URL": [
        "127.0.0.1:4433",
        "ftp://x",
        "http://",
        "http://u:p@x",
        "http://x?a=1",
        "http://x:99999",
        5,
        "",
        "http://[x",
    ],
    "BROWSER_URL": [
        "/",
        "//ory",
        "/a b",
        "/.",
        "/../x",
        "/a//b",
        "/a?b",
        "/a\n",
        "/%2e",
        b"http://x",
        "http://x\n",
        "http://x y",
        "http://@x",
        "http://\u00e4.example.org",
    ],
    "ADMIN_URL": ["kratos:4434"],
    "API_KEY": ["", 5, "ory_pat_x\n", "Bearer ory_pat_x", "\u00e4"],
    "GATEWAY_TOKEN": ["", 5, "ory_pat_x\n", "Bearer ory_pat_x", "\u00e4"],
    "SESSION_COOKIE_NAME": ["", "a b", "a=b", "a;b", "\u00e4", ["ory_session"]],
    "SESSION_CACHE": ["", 5],
    "SESSION_CACHE_SECONDS": [-1, "60", True, float("inf"), float("nan")],
    "LOCAL_CACHE_SECONDS": [-1, "1"],
    "STALE_IF_ERROR_SECONDS": [-1, "1"],
    "TIMEOUT": [0, -1, "3", True],
    "MAX_CONNECTIONS": [0, 1.5, "10", True],
    "USER_FIELDS": [["email"], {"email": 5}, {5: "traits.email"}, "traits.email"],
    "USER_HANDLER": ["", 5],
    "LINK_BY_VERIFIED_EMAIL": ["yes", 1],
    "REGISTRATION": ["no", 0],
    "RECOVERY": ["no", 0],
    "RECORDING_MIDDLEWARE": ["project.middleware.Audit", [5], ["Audit"], [""], ["a b.c"]],
    "LOGIN_REDIRECT_HOSTS": ["app.example.org", [5], [""], ["*"], [".example.org"], ["https://x"], ["x/y"]],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG.items() for value in values])
def test_an_invalid_value_is_an_error(settings: Settings, key: str, value: object) -> None:
    settings.ORY_AUTH = {**GOOD, key: value}
    assert f"ORY_AUTH['{key}']" in only_message("E001").msg


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG.items() for value in values])
def test_the_site_does_not_start_with_an_invalid_value(settings: Settings, key: str, value: object) -> None:
    settings.ORY_AUTH = {**GOOD, key: value}
    with pytest.raises(ImproperlyConfigured, match=key):
        Client().get("/silent")


@pytest.mark.parametrize(
    "keys",
    [
        {"SDK_URL": "http://user:hunter2@127.0.0.1:4433", "API_KEY": {"key": "hunter2"}},
        {"SDK_URL": "http://user:hunter2"},
        {"SDK_URL": "http://[hunter2]/"},
        {"BROWSER_URL": "http://user:hunter2@"},
        {"ADMIN_URL": "http://user:hunter2@kratos:4433", "API_KEY": "hunter2\n"},
        {"SDK_URL": "http://auth.example.org", "API_KEY": "ory_pat_hunter2", "ADMIN_URL": "http://x.oryapis.com"},
    ],
)
def test_a_secret_in_the_wrong_key_is_not_shown(settings: Settings, keys: dict[str, object]) -> None:
    settings.ORY_AUTH = {**GOOD, **keys}
    found = check_messages(deploy=True)
    assert any((message.id or "") < "ory_auth.W1" for message in found)
    assert "hunter2" not in str(found)
    settings.ORY_AUTH = {**GOOD, **keys, "TIMEOUT": 0}
    with pytest.raises(ImproperlyConfigured) as error:
        Client().get("/silent")
    assert "hunter2" not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize("value", [{}, {"SDK_URL": None}])
def test_a_missing_sdk_url_is_an_error(settings: Settings, value: dict[str, object] | dict[str, None]) -> None:
    settings.ORY_AUTH = value
    assert "ORY_AUTH['SDK_URL'] is missing" in only_message("E001").msg


def test_without_any_settings_it_says_what_to_set(settings: Settings) -> None:
    del settings.ORY_AUTH
    assert "ORY_AUTH['SDK_URL'] is missing" in only_message("E001").msg


@pytest.mark.parametrize("value", ["http://127.0.0.1:4433", 5, [("SDK_URL", "http://x")]])
def test_settings_are_a_dict(settings: Settings, value: object) -> None:
    settings.ORY_AUTH = value
    assert only_message("E001").msg == "ORY_AUTH must be a dict."


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("SDK_ULR", "SDK_URL"),
        ("TIME_OUT", "TIMEOUT"),
        ("user_fields", "USER_FIELDS"),
        ("COOKIE_NAME", "SESSION_COOKIE_NAME"),
    ],
)
def test_an_unknown_key_names_the_nearest_one(settings: Settings, key: str, near: str) -> None:
    settings.ORY_AUTH = {**GOOD, key: 1}
    message = only_message("E002")
    assert message.msg == f"ORY_AUTH has no key {key!r}."
    assert (message.hint or "").startswith(f"Did you mean {near!r}?")


def test_a_misspelt_sdk_url_is_one_error_and_the_site_raises_the_same(settings: Settings) -> None:
    settings.ORY_AUTH = {"SKD_URL": "http://127.0.0.1:4433"}
    message = only_message("E002", "Did you mean 'SDK_URL'?")
    assert message.msg == "ORY_AUTH has no key 'SKD_URL', and SDK_URL is missing."
    with pytest.raises(ImproperlyConfigured, match=r"no key 'SKD_URL', .* Did you mean 'SDK_URL'"):
        Client().get("/silent")


def test_another_misspelt_key_does_not_hide_a_missing_sdk_url(settings: Settings) -> None:
    settings.ORY_AUTH = {"TIME_OUT": 1}
    assert check_ids() == ["E001", "E002"]


def test_if_no_key_is_similar_the_hint_lists_all(settings: Settings) -> None:
    settings.ORY_AUTH = {**GOOD, "XYZ": 1}
    assert "SDK_URL, BROWSER_URL, ADMIN_URL" in (only_message("E002").hint or "")


def test_an_unknown_key_does_not_keep_the_site_from_starting(settings: Settings) -> None:
    settings.ORY_AUTH = {**GOOD, "XYZ": 1}
    assert Client().get("/silent").status_code == 200


NETWORK = [
    ({"SDK_URL": "https://brave-shaw-1.projects.oryapis.com", "BROWSER_URL": "https://auth.example.org"}, True),
    ({"SDK_URL": "https://auth.example.org", "ADMIN_URL": "https://brave-shaw-1.projects.oryapis.com"}, True),
    ({"SDK_URL": "https://auth.example.org", "API_KEY": "ory_pat_x"}, False),
    ({"SDK_URL": "https://auth.example.org", "API_KEY": "ory_pat_x", "SESSION_COOKIE_NAME": "ory_session_x"}, True),
    ({"SDK_URL": "https://brave-shaw-1.eu.oryapis.com", "BROWSER_URL": "https://auth.example.org"}, False),
    ({"SDK_URL": "https://kratos.example.org"}, True),
]


@pytest.mark.parametrize(("value", "good"), NETWORK)
def test_a_cookie_name_that_cannot_be_derived_is_an_error(
    settings: Settings, value: dict[str, str], good: bool
) -> None:
    settings.ORY_AUTH, settings.ALLOWED_HOSTS = value, ["app.example.org"]
    assert check_ids() == ([] if good else ["E003"])
    assert good or only_message("E003", "ory_session_")


@pytest.mark.parametrize("name", ["SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME"])
def test_the_name_of_a_django_cookie_is_an_error(settings: Settings, name: str) -> None:
    settings.ORY_AUTH = {**GOOD, "SESSION_COOKIE_NAME": getattr(settings, name)}
    assert name in only_message("E009", "ory_kratos_session").msg


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"LOCAL_CACHE_SECONDS": 61}, "LOCAL_CACHE_SECONDS"),
        ({"LOCAL_CACHE_SECONDS": 6, "SESSION_CACHE_SECONDS": 5}, "LOCAL_CACHE_SECONDS"),
        ({"STALE_IF_ERROR_SECONDS": 6, "SESSION_CACHE_SECONDS": 0}, "STALE_IF_ERROR_SECONDS"),
    ],
)
def test_a_duration_without_effect_is_a_warning(settings: Settings, keys: dict[str, float], key: str) -> None:
    settings.ORY_AUTH = {**GOOD, **keys}
    assert key in only_message("W016", "SESSION_CACHE_SECONDS").msg


@pytest.mark.parametrize("path", ["nowhere.Audit", "tests.test_checks.Audit", "tests.test_checks.OURS"])
def test_recording_middleware_that_cannot_be_imported_is_a_warning(settings: Settings, path: str) -> None:
    settings.ORY_AUTH = {**GOOD, "RECORDING_MIDDLEWARE": [OURS, path]}
    assert path in only_message("W031").msg


@pytest.mark.parametrize(
    "keys",
    [
        {"LOCAL_CACHE_SECONDS": 60},
        {"LOCAL_CACHE_SECONDS": 5, "SESSION_CACHE_SECONDS": 5},
        {"STALE_IF_ERROR_SECONDS": 6, "SESSION_CACHE_SECONDS": 1},
        {"STALE_IF_ERROR_SECONDS": 600},
    ],
)
def test_durations_with_an_effect_are_fine(settings: Settings, keys: dict[str, float]) -> None:
    settings.ORY_AUTH = {**GOOD, **keys}
    assert check_messages() == []


# --- the middleware and the backend -----------------------------------------------------------------------------------

MISPLACED = [
    ([SESSIONS, OURS, AUTH], AUTH),
    ([OURS, SESSIONS], SESSIONS),
    ([SESSIONS, AUTH, LOGIN_REQUIRED, OURS], LOGIN_REQUIRED),
]


@pytest.mark.parametrize(("middleware", "other"), MISPLACED)
def test_the_middleware_in_the_wrong_place_is_an_error(settings: Settings, middleware: list[str], other: str) -> None:
    settings.MIDDLEWARE = middleware
    errors = {message.id: message for message in check_messages()}
    assert errors.keys() == {"ory_auth.E004"}
    assert other in errors["ory_auth.E004"].msg


@pytest.mark.promise("The middleware does not start in the wrong place")
@pytest.mark.parametrize("client", [Client, AsyncClient])
@pytest.mark.parametrize(("middleware", "other"), MISPLACED)
def test_the_middleware_in_the_wrong_place_is_not_built(
    settings: Settings, middleware: list[str], other: str, client: type[Client | AsyncClient]
) -> None:
    settings.MIDDLEWARE = middleware
    with pytest.raises(ImproperlyConfigured, match=other):
        client().handler.load_middleware(is_async=client is AsyncClient)


@pytest.mark.parametrize(
    "middleware", [[OURS], [SESSIONS, AUTH, OURS], [SESSIONS, AUTH, OURS, LOGIN_REQUIRED], [SESSIONS, OURS]]
)
def test_the_middleware_in_the_right_place_is_built(settings: Settings, middleware: list[str]) -> None:
    settings.MIDDLEWARE = middleware
    assert check_messages() == []
    assert Client().get("/silent").status_code == 200


def test_missing_middleware_is_a_warning(settings: Settings) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != OURS]
    assert OURS in only_message("W001").msg


def test_a_view_that_needs_missing_middleware_raises_an_error(settings: Settings) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != OURS]
    with pytest.raises(ImproperlyConfigured, match=OURS):
        Client().get("/guarded")


class ProjectsMiddleware(OryMiddleware):
    """A project's own version."""


class ProjectsBackend(OryBackend):
    """A project's own version."""


def test_subclasses_of_the_middleware_and_the_backend_are_fine(settings: Settings) -> None:
    own = f"{__name__}.ProjectsMiddleware"
    settings.MIDDLEWARE = [own if name == OURS else name for name in settings.MIDDLEWARE]
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.ProjectsBackend"]
    assert check_messages() == []


@pytest.mark.parametrize("backends", [["django.contrib.auth.backends.ModelBackend"], [], ["no.such.Backend"]])
def test_a_missing_backend_is_a_warning(settings: Settings, backends: list[str]) -> None:
    settings.AUTHENTICATION_BACKENDS = backends
    assert "ory_auth.backends.OryBackend" in (only_message("W002").hint or "")


@pytest.mark.parametrize("times", [2, 3])
def test_duplicate_middleware_is_an_error(settings: Settings, times: int) -> None:
    settings.MIDDLEWARE = [SESSIONS, AUTH, *[OURS] * times]
    assert str(times) in only_message("E010", "MIDDLEWARE").msg


RULES = "rules.permissions.ObjectPermissionBackend"


@pytest.mark.parametrize(
    ("backends", "named"),
    [
        (["ory_auth.backends.OryBackend"], True),
        (["ory_auth.backends.OryBackend", RULES], False),
        (["ory_auth.backends.OryBackend", "project_with_rules.OwnRules"], False),
    ],
)
def test_a_missing_permission_backend_is_a_warning(tmp_path: Path, backends: list[str], named: bool) -> None:
    """In a separate process: Django registers an app's checks again when ``INSTALLED_APPS`` changes."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "__init__.py").touch()
    (tmp_path / "rules" / "permissions.py").write_text("class ObjectPermissionBackend: ...")
    (tmp_path / "project_with_rules.py").write_text(
        f"""
from rules.permissions import ObjectPermissionBackend
from tests.project.settings import *

INSTALLED_APPS = [*INSTALLED_APPS, "rules"]
AUTHENTICATION_BACKENDS = {backends!r}
class OwnRules(ObjectPermissionBackend): ...
"""
    )
    command = [sys.executable, "-m", "django", "check", "--tag=ory_auth", "--settings=project_with_rules"]
    places = os.pathsep.join([str(tmp_path), str(Path(__file__).resolve().parent.parent)])
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": places})
    assert done.returncode == 0
    assert ("ory_auth.W027" in done.stderr, f"Add {RULES!r} to" in done.stderr) == (named, named)


def test_messages_are_not_repeated_after_installed_apps_changed(settings: Settings) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.humanize"]
    settings.MIDDLEWARE = [SESSIONS, AUTH]
    found = [message.id for message in checks.run_checks(tags=["ory_auth"])]
    assert found.count("ory_auth.W001") == 1


SITE_CACHE = "django.middleware.cache.UpdateCacheMiddleware"
OTP = "django_otp.middleware.OTPMiddleware"


def test_a_site_cache_after_our_middleware_is_a_warning(settings: Settings) -> None:
    settings.MIDDLEWARE = [SESSIONS, AUTH, OURS, SITE_CACHE]
    only_message("W013", SITE_CACHE, "MIDDLEWARE")


class ReadsUser:
    """Middleware of a project, which no check knows by name."""


OWN = f"{__name__}.ReadsUser"
REMOTE_USER = "django.contrib.auth.middleware.RemoteUserMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"
HTMX = "django_htmx.middleware.HtmxMiddleware"


@pytest.mark.parametrize("early", [OTP, OWN, "not_installed.middleware.Other"])
def test_middleware_that_may_read_the_user_before_ours_is_a_warning(settings: Settings, early: str) -> None:
    settings.MIDDLEWARE = [SESSIONS, AUTH, MESSAGES, HTMX, early, OURS]
    message = only_message("W014", "MIDDLEWARE", f"directly after {AUTH!r}")
    assert f"after {early!r} in" in message.msg
    assert MESSAGES not in message.msg + (message.hint or "")


def test_all_middleware_that_may_read_the_user_early_is_in_one_warning(settings: Settings) -> None:
    settings.MIDDLEWARE = [SESSIONS, AUTH, OTP, MESSAGES, OWN, OURS]
    assert f"after {OTP!r}, {OWN!r} in" in only_message("W014").msg


@pytest.mark.parametrize(
    "middleware",
    [
        [OWN, SESSIONS, AUTH, OURS],  # there is no request.user yet when a request comes in
        [SESSIONS, AUTH, OURS, OWN, OTP],
        [SESSIONS, AUTH, MESSAGES, HTMX, OURS, OWN],
        [SESSIONS, f"{__name__}.ProjectsAuthentication", OURS],
        [SESSIONS, AUTH, REMOTE_USER, OURS],
        [SESSIONS, AUTH, f"{__name__}.ProjectsRemoteUser", OURS],
        [SESSIONS, OWN, OURS],  # without AuthenticationMiddleware nobody sets request.user before ours
    ],
)
def test_middleware_that_cannot_read_the_user_too_early_is_fine(settings: Settings, middleware: list[str]) -> None:
    settings.MIDDLEWARE = middleware
    assert check_messages() == []


class ProjectsAuthentication(AuthenticationMiddleware):
    """A project's own version."""


class ProjectsRemoteUser(RemoteUserMiddleware):
    """A project's own version, as Django's documents tell to set the header."""

    header = "HTTP_AUTHUSER"


@pytest.mark.parametrize("late", [REMOTE_USER, f"{__name__}.ProjectsRemoteUser"])
def test_remote_user_middleware_after_ours_is_a_warning(settings: Settings, late: str) -> None:
    settings.MIDDLEWARE = [SESSIONS, AUTH, OURS, late]
    assert f"{late!r} comes after" in only_message("W032", "MIDDLEWARE", f"between {AUTH!r} and {OURS!r}").msg


def test_the_hint_for_a_missing_backend_keeps_the_others(settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = ("rules.permissions.ObjectPermissionBackend",)
    only_message("W002", "['ory_auth.backends.OryBackend', 'rules.permissions.ObjectPermissionBackend']")


def test_passwords_of_django_beside_ory_are_fine(settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = ["ory_auth.backends.OryBackend", "django.contrib.auth.backends.ModelBackend"]
    assert [name for name in check_ids(deploy=True) if name not in {"W101", "W103"}] == []


def test_both_are_fine_in_their_places(settings: Settings) -> None:
    settings.MIDDLEWARE = [SITE_CACHE, SESSIONS, AUTH, OURS, OTP, "django.middleware.cache.FetchFromCacheMiddleware"]
    assert check_messages() == []


OWN_API = "ory_auth.rest_framework.OrySessionAuthentication"
DJANGO_API = "rest_framework.authentication.SessionAuthentication"


@pytest.mark.parametrize(
    ("classes", "good"),
    [([DJANGO_API, OWN_API], False), ([OWN_API, DJANGO_API], True), ([OWN_API], True), ([DJANGO_API], True)],
)
def test_session_authentication_before_our_class_is_a_warning(
    settings: Settings, classes: list[str], good: bool
) -> None:
    settings.REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": classes}
    assert check_ids() == ([] if good else ["W022"])
    assert good or only_message("W022", "REST_FRAMEWORK", OWN_API)


# --- as commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("--tag", "ory_auth")])
def test_the_check_command_runs_them(settings: Settings, options: tuple[str, ...]) -> None:
    settings.ORY_AUTH = {**GOOD, "SDK_ULR": "x", "USER_FIELDS": {"is_staff": "traits.x"}}
    settings.MIDDLEWARE = [OURS, SESSIONS]
    with pytest.raises(SystemCheckError) as error:
        call_command("check", *options)
    for wanted in ("E002", "E004", "E005"):
        assert f"ory_auth.{wanted}" in str(error.value)


def test_checks_for_production_run_only_with_deploy(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check")
    assert "ory_auth.W101" not in capsys.readouterr().err
    call_command("check", "--deploy")
    assert "ory_auth.W101" in capsys.readouterr().err


@pytest.mark.parametrize("project", ["tests.project", "tests.uuid_project", "demo_project"])
@pytest.mark.parametrize("debug", [True, False])
def test_a_correct_project_has_no_messages(settings: Settings, project: str, debug: bool) -> None:
    _as(settings, project)
    settings.DEBUG = debug
    assert check_messages() == []


@pytest.mark.parametrize("project", ["tests.project", "tests.uuid_project", "demo_project"])
def test_a_correct_public_project_has_no_messages(settings: Settings, project: str) -> None:
    _as(settings, project)
    if settings.ORY_AUTH.get("BROWSER_URL") == "/.ory":  # its URLs include the gateway
        settings.ORY_AUTH = {"SDK_URL": "https://auth.example.org", "BROWSER_URL": "/.ory"}
    else:
        settings.ORY_AUTH = {"SDK_URL": "http://kratos.internal:4433", "BROWSER_URL": "https://auth.example.org"}
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT, settings.DEBUG = ["app.example.org"], True, False
    settings.CACHES = {"default": {**REDIS, "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}}}
    assert check_messages(deploy=True) == []


def _as(settings: Settings, project: str) -> None:
    given = vars(import_module(f"{project}.settings"))
    for name in ("ORY_AUTH", "AUTHENTICATION_BACKENDS", "LOGIN_URL", "ALLOWED_HOSTS", "ROOT_URLCONF", "MIDDLEWARE"):
        setattr(settings, name, given[name])
    for name in ("TEMPLATES", "CACHES", "REST_FRAMEWORK"):
        if name in given:
            setattr(settings, name, given[name])


def test_the_snippet_of_the_readme_is_right(settings: Settings) -> None:
    text = (Path(__file__).resolve().parent.parent / "README.md").read_text()
    given: dict[str, Any] = {"INSTALLED_APPS": [], "MIDDLEWARE": [SESSIONS, AUTH]}
    exec(re.findall(r"```python\n# settings.py\n(.*?)```", text, re.DOTALL)[0], given)
    for name in ("MIDDLEWARE", "AUTHENTICATION_BACKENDS", "LOGIN_URL", "ORY_AUTH"):
        setattr(settings, name, given[name])
    settings.DEBUG, settings.ALLOWED_HOSTS = True, []
    assert check_messages() == []


# --- whatever the settings hold ---------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
URLS = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["http://", "https://", "", "//"]),
    st.sampled_from(["", "u:hunter2@", "@", "[::1]:", "[hunter2"]),
    st.sampled_from(
        ["kratos", "localhost", "127.0.0.1", "auth.example.org", "x.projects.oryapis.com", "10.0.0.1", "\u00e4"]
    ),
    st.sampled_from(["", ":4433", ":4434", ":hunter2", "/ui", "/sessions/whoami", "/admin", "?a=hunter2", "#", " "]),
)
MAPPING = st.dictionaries(
    st.sampled_from(["email", "username", "is_staff", "groups", "id", "pk", "ory_identity", "", "x"]),
    st.sampled_from(["traits.email", "traits", "email", "metadata_public.x", "identity.id", "", ".", "..", "trait.x"]),
)
LIKELY: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(KEYS[1:], JSON) | {
    "BROWSER_URL": URLS | st.sampled_from(["/.ory", "//hunter2"]),
    "ADMIN_URL": URLS,
    "GATEWAY_TOKEN": st.sampled_from(["ory_pat_hunter2", "hunter2\n", {"key": "hunter2"}]),
    "API_KEY": st.sampled_from(["ory_pat_hunter2", "hunter2\n", {"key": "hunter2"}, ["hunter2"]]),
    "USER_FIELDS": MAPPING | JSON,
    "SESSION_CACHE": st.sampled_from(["default", "defualt", "x"]) | JSON,
}


@hypothesis.settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.text() | st.sampled_from(KEYS), JSON, max_size=5)
    | st.fixed_dictionaries({"SDK_URL": URLS | st.just(GOOD["SDK_URL"])}, optional=LIKELY)
    | JSON
)
def test_invalid_settings_lead_to_messages_and_no_exception(settings: Settings, value: Any) -> None:
    settings.ORY_AUTH = value
    found = check_messages(deploy=True)
    assert "ory_auth.W021" not in {message.id for message in found}
    if "hunter2" not in str(list(value) if isinstance(value, dict) else value):
        assert "hunter2" not in str(found)


ODD: dict[str, list[Any]] = {
    "MIDDLEWARE": [None, 5, [5]],
    "AUTHENTICATION_BACKENDS": [None, [5]],
    "CACHES": [{"default": None}],
    "TEMPLATES": [None, [5]],
    "ALLOWED_HOSTS": [5],
    "REST_FRAMEWORK": [[], 5],
    "CONTENT_SECURITY_POLICY": [5],
    "ROOT_URLCONF": ["no.such.module", "tests.project.settings"],
    "LOGIN_URL": [5],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in ODD.items() for value in values])
def test_an_invalid_django_setting_does_not_hide_other_messages(settings: Settings, name: str, value: Any) -> None:
    settings.ORY_AUTH = {**GOOD, "SDK_ULR": "x"}
    with override_settings(**{name: value}):
        found = check_ids(deploy=True)
    assert "E002" in found
    assert "W021" in found


def test_a_check_that_raises_is_a_warning(settings: Settings) -> None:
    settings.REST_FRAMEWORK = 5
    assert "check_drf_authentication_classes" in only_message("W021", "check again").msg


def test_the_documents_have_exactly_the_ids_of_the_checks() -> None:
    sources = "".join(path.read_text() for path in Path(inspect.getfile(our_checks)).parent.glob("*.py"))
    assert sorted(set(re.findall(r'"([EW]\d{3})"', sources))) == sorted(documented_messages())


COMMAND = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
loaded = {"ory_client", "ory_auth.pages.views"} & set(sys.modules)
sys.exit(f"{loaded} were imported" if loaded else 0)
"""


def test_a_command_without_checks_loads_only_what_registers_something() -> None:
    """What finds out who somebody is takes some 60 ms to import, and most commands do not need it."""
    command = COMMAND.replace('{"ory_client", "ory_auth.pages.views"}', '{"ory_auth.conf", "ory_auth.users.handler"}')
    command = command.replace('["manage.py", *sys.argv[1:]]', '["manage.py", "diffsettings"]')
    run = [sys.executable, "-c", command, "--settings=demo_project.settings"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "demo_project.settings"}
    done = subprocess.run(run, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [["check"], ["migrate", "-v0"], ["makemigrations", "--check", "-v0"]])
def test_commands_load_neither_the_sdk_nor_our_views(command: list[str]) -> None:
    """The SDK takes a second and 45 MB, the views and all that they need some 40 ms."""
    command = [sys.executable, "-c", COMMAND, *command, "--settings=tests.project.settings"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
