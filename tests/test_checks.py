"""``manage.py check`` says what is wrong with a project's settings, with an id and a hint."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.test import AsyncClient, Client
from pytest_django import Settings

from ory_auth.backends import OryBackend
from ory_auth.middleware import OryMiddleware

OURS = "ory_auth.middleware.OryMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
LOGIN_REQUIRED = "django.contrib.auth.middleware.LoginRequiredMiddleware"
SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
GOOD = {"SDK_URL": "http://127.0.0.1:4433"}


def told(databases: list[str] | None = None) -> list[checks.CheckMessage]:
    found = checks.run_checks(databases=databases, include_deployment_checks=False)
    return [message for message in found if (message.id or "").startswith("ory_auth.")]


@pytest.fixture(autouse=True)
def _good(settings: Settings) -> None:
    settings.ORY_AUTH = GOOD


def only_message(wanted: str) -> checks.CheckMessage:
    (message,) = told()
    assert (message.id, bool(message.hint)) == (wanted, True)
    return message


def test_about_good_settings_there_is_nothing_to_say() -> None:
    assert told() == []


# --- ORY_AUTH ---------------------------------------------------------------------------------------------------------

WRONG: dict[str, list[object]] = {
    "SDK_URL": ["127.0.0.1:4433", "ftp://x", "http://", "http://u:p@x", "http://x?a=1", "http://x:99999", 5, ""],
    "BROWSER_URL": ["/ory", b"http://x"],
    "ADMIN_URL": ["kratos:4434"],
    "API_KEY": ["", 5],
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
    "LOGIN_REDIRECT_HOSTS": ["app.example.org", [5], [""]],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG.items() for value in values])
def test_a_wrong_value_is_named_with_its_key(settings: Settings, key: str, value: object) -> None:
    settings.ORY_AUTH = {**GOOD, key: value}
    assert f"ORY_AUTH['{key}']" in only_message("ory_auth.E001").msg


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG.items() for value in values])
def test_with_a_wrong_value_the_site_does_not_start(settings: Settings, key: str, value: object) -> None:
    settings.ORY_AUTH = {**GOOD, key: value}
    with pytest.raises(ImproperlyConfigured, match=key):
        Client().get("/silent")


def test_a_secret_in_a_wrong_place_is_not_repeated(settings: Settings) -> None:
    settings.ORY_AUTH = {"SDK_URL": "http://user:hunter2@127.0.0.1:4433", "API_KEY": {"key": "hunter2"}}
    assert "hunter2" not in str(told())


@pytest.mark.parametrize("value", [{}, {"SDK_URL": None}])
def test_the_one_required_key_is_asked_for(settings: Settings, value: dict[str, object] | dict[str, None]) -> None:
    settings.ORY_AUTH = value
    assert "ORY_AUTH['SDK_URL'] is missing" in only_message("ory_auth.E001").msg


def test_without_any_settings_it_says_what_to_set(settings: Settings) -> None:
    del settings.ORY_AUTH
    assert "ORY_AUTH['SDK_URL'] is missing" in only_message("ory_auth.E001").msg


@pytest.mark.parametrize("value", ["http://127.0.0.1:4433", 5, [("SDK_URL", "http://x")]])
def test_settings_are_a_dict(settings: Settings, value: object) -> None:
    settings.ORY_AUTH = value
    assert only_message("ory_auth.E001").msg == "ORY_AUTH must be a dict."


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
    message = only_message("ory_auth.E002")
    assert (message.msg, message.hint) == (f"ORY_AUTH has no key {key!r}.", f"Did you mean {near!r}?")


def test_where_no_key_is_near_all_are_named(settings: Settings) -> None:
    settings.ORY_AUTH = {**GOOD, "XYZ": 1}
    assert "SDK_URL, BROWSER_URL, ADMIN_URL" in (only_message("ory_auth.E002").hint or "")


def test_an_unknown_key_does_not_keep_the_site_from_starting(settings: Settings) -> None:
    settings.ORY_AUTH = {**GOOD, "XYZ": 1}
    assert Client().get("/silent").status_code == 200


NETWORK = [
    ({"SDK_URL": "https://brave-shaw-1.projects.oryapis.com"}, True),
    ({"SDK_URL": "https://auth.example.org", "ADMIN_URL": "https://brave-shaw-1.projects.oryapis.com"}, True),
    ({"SDK_URL": "https://auth.example.org", "API_KEY": "ory_pat_x"}, False),
    ({"SDK_URL": "https://auth.example.org", "API_KEY": "ory_pat_x", "SESSION_COOKIE_NAME": "ory_session_x"}, True),
    ({"SDK_URL": "https://brave-shaw-1.eu.oryapis.com"}, False),
    ({"SDK_URL": "https://kratos.example.org"}, True),
]


@pytest.mark.parametrize(("value", "good"), NETWORK)
def test_a_cookie_name_that_cannot_be_derived_is_asked_for(
    settings: Settings, value: dict[str, str], good: bool
) -> None:
    settings.ORY_AUTH = value
    assert [message.id for message in told()] == ([] if good else ["ory_auth.E003"])


REDIS = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}


def test_a_redis_that_may_hang_for_ever_is_told(settings: Settings) -> None:
    settings.CACHES = {"default": REDIS}
    assert "socket_timeout" in (only_message("ory_auth.W004").hint or "")


@pytest.mark.parametrize(
    ("options", "seconds"), [({"socket_timeout": 0.5}, None), ({"SOCKET_TIMEOUT": 1}, None), ({}, 0)]
)
def test_a_redis_with_a_limit_or_without_sessions_is_fine(
    settings: Settings, options: dict[str, float] | dict[str, int] | dict[str, object], seconds: int | None
) -> None:
    settings.CACHES = {"default": {**REDIS, "OPTIONS": options}}
    settings.ORY_AUTH = {**GOOD, "SESSION_CACHE_SECONDS": seconds}
    assert told() == []


# --- the middleware and the backend -----------------------------------------------------------------------------------

MISPLACED = [
    ([SESSIONS, OURS, AUTH], AUTH),
    ([OURS, SESSIONS], SESSIONS),
    ([SESSIONS, AUTH, LOGIN_REQUIRED, OURS], LOGIN_REQUIRED),
]


@pytest.mark.parametrize(("middleware", "other"), MISPLACED)
def test_the_middleware_in_the_wrong_place_is_an_error(settings: Settings, middleware: list[str], other: str) -> None:
    settings.MIDDLEWARE = middleware
    errors = {message.id: message for message in told()}
    assert errors.keys() == {"ory_auth.E004"}
    assert other in errors["ory_auth.E004"].msg


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
    assert told() == []
    assert Client().get("/silent").status_code == 200


def test_a_missing_middleware_is_told(settings: Settings) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != OURS]
    assert OURS in only_message("ory_auth.W001").msg


def test_a_view_that_asks_without_the_middleware_says_so(settings: Settings) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != OURS]
    with pytest.raises(ImproperlyConfigured, match=OURS):
        Client().get("/guarded")


class ProjectsMiddleware(OryMiddleware):
    """A project's own version."""


class ProjectsBackend(OryBackend):
    """A project's own version."""


def test_a_projects_own_version_of_both_is_no_missing_one(settings: Settings) -> None:
    own = f"{__name__}.ProjectsMiddleware"
    settings.MIDDLEWARE = [own if name == OURS else name for name in settings.MIDDLEWARE]
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.ProjectsBackend"]
    assert told() == []


@pytest.mark.parametrize("backends", [["django.contrib.auth.backends.ModelBackend"], [], ["no.such.Backend"]])
def test_a_missing_backend_is_told(settings: Settings, backends: list[str]) -> None:
    settings.AUTHENTICATION_BACKENDS = backends
    assert "ory_auth.backends.OryBackend" in (only_message("ory_auth.W002").hint or "")


# --- users ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["is_staff", "is_superuser", "groups", "user_permissions"])
@pytest.mark.parametrize("path", ["traits.role", "traits", "schema_id"])
def test_rights_from_what_people_edit_themselves_are_an_error(settings: Settings, field: str, path: str) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {field: path}}
    message = only_message("ory_auth.E005")
    assert field in message.msg
    assert ("metadata_public" in (message.hint or "")) is field.startswith(
        "is_"
    )  # a relation can be mapped from nowhere


@pytest.mark.parametrize("field", ["groups", "user_permissions"])
def test_a_relation_cannot_be_mapped(settings: Settings, field: str) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {field: "metadata_public.role"}}
    assert field in only_message("ory_auth.E006").msg


@pytest.mark.parametrize("field", ["is_active", "password", "last_login", "id", "pk"])
def test_some_fields_are_no_identitys_business(settings: Settings, field: str) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {field: "metadata_public.x"}}
    assert field in only_message("ory_auth.E005").msg


@pytest.mark.parametrize("field", ["nick", "logentry", "ory"])
def test_a_field_that_the_user_does_not_have_is_an_error(settings: Settings, field: str) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {field: "traits.x"}}
    message = only_message("ory_auth.E006")
    assert field in message.msg
    assert "auth.User" in (message.hint or "")


@pytest.mark.parametrize("path", ["no.such.thing", "tests.project.handlers.Nobody", "tests.project.views.home", "os"])
def test_a_handler_that_is_none_is_an_error(settings: Settings, path: str) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_HANDLER": path}
    assert path in only_message("ory_auth.E007").msg


@pytest.mark.django_db
def test_a_missing_table_is_told() -> None:
    connection.cursor().execute("ALTER TABLE ory_auth_oryidentity RENAME TO gone")
    (message,) = told(["default"])
    assert (message.id, message.hint) == ("ory_auth.W003", "Run 'manage.py migrate'.")


@pytest.mark.django_db
def test_about_a_table_that_is_there_nothing_is_told() -> None:
    assert told(["default"]) == []


# --- as commands ------------------------------------------------------------------------------------------------------


def test_the_check_command_runs_them(settings: Settings) -> None:
    settings.ORY_AUTH = {**GOOD, "SDK_ULR": "x", "USER_FIELDS": {"is_staff": "traits.x"}}
    settings.MIDDLEWARE = [OURS, SESSIONS]
    with pytest.raises(SystemCheckError) as error:
        call_command("check")
    for wanted in ("E002", "E004", "E005"):
        assert f"ory_auth.{wanted}" in str(error.value)


COMMAND = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *sys.argv[1:]])
sys.exit("ory_client was imported" if "ory_client" in sys.modules else 0)
"""


@pytest.mark.parametrize("command", [["check"], ["migrate", "-v0"], ["makemigrations", "--check", "-v0"]])
def test_commands_do_not_load_orys_sdk(command: list[str]) -> None:
    """It takes a second and 45 MB."""
    command = [sys.executable, "-c", COMMAND, *command, "--settings=tests.project.settings"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
