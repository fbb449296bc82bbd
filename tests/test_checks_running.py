"""System checks of caches and databases, and of what matters once a site is public."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from pytest_django import Settings

from tests.support.checks import GOOD, REDIS, check_ids, check_messages, only_message
from tests.support.faulty_caches import JsonSerializer

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def _good(settings: Settings) -> None:
    settings.ORY_AUTH = GOOD


# --- caches -----------------------------------------------------------------------------------------------------------

MEMCACHED = {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": "127.0.0.1:1"}
DUMMY = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
FILES = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "/nowhere"}
LOCAL = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}


def test_an_unknown_cache_alias_is_an_error(settings: Settings) -> None:
    settings.ORY_AUTH = {**GOOD, "SESSION_CACHE": "defualt"}
    only_message("E011", "'default'", "SESSION_CACHE", "CACHES")
    settings.ORY_AUTH = {**GOOD, "SESSION_CACHE": "defualt", "SESSION_CACHE_SECONDS": 0}
    assert check_messages() == []


@pytest.mark.parametrize(("cache", "option"), [(REDIS, "socket_timeout"), (MEMCACHED, "timeout")])
def test_a_cache_without_a_time_limit_is_a_warning(cache: dict[str, str], option: str) -> None:
    with override_settings(CACHES={"default": cache}):
        only_message("W004", f"'{option}'", "CACHES['default']['OPTIONS']")


@pytest.mark.parametrize(
    "cache",
    [
        {**REDIS, "OPTIONS": {"socket_timeout": 0.5}},
        {**REDIS, "OPTIONS": {"SOCKET_TIMEOUT": 1}},
        {**REDIS, "LOCATION": "redis://127.0.0.1:1/0?socket_timeout=0.5"},
        {**MEMCACHED, "OPTIONS": {"timeout": 1}},
        FILES,
    ],
)
def test_a_cache_with_a_time_limit_is_fine(cache: dict[str, Any]) -> None:
    with override_settings(CACHES={"default": cache}):
        assert check_messages() == []


DJANGO_REDIS = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1?socket_timeout=1"}


@pytest.mark.parametrize(
    ("cache", "option"),
    [
        ({**DJANGO_REDIS, "OPTIONS": {"IGNORE_EXCEPTIONS": True}}, "IGNORE_EXCEPTIONS"),
        ({**MEMCACHED, "OPTIONS": {"timeout": 1, "ignore_exc": True}}, "ignore_exc"),
    ],
)
def test_a_cache_that_hides_its_errors_is_a_warning(cache: dict[str, Any], option: str) -> None:
    with override_settings(CACHES={"default": cache}):
        assert option in only_message("W026", "SESSION_CACHE").msg


def test_the_setting_of_django_redis_that_hides_errors_is_a_warning(settings: Settings) -> None:
    settings.DJANGO_REDIS_IGNORE_EXCEPTIONS = True
    with override_settings(CACHES={"default": DJANGO_REDIS}):
        assert "DJANGO_REDIS_IGNORE_EXCEPTIONS" in only_message("W026").msg
    with override_settings(CACHES={"default": {**DJANGO_REDIS, "OPTIONS": {"IGNORE_EXCEPTIONS": False}}}):
        assert check_messages() == []


@pytest.mark.parametrize("cache", [DJANGO_REDIS, {**MEMCACHED, "OPTIONS": {"timeout": 1}}, FILES])
def test_a_cache_that_raises_its_errors_is_fine(cache: dict[str, Any]) -> None:
    with override_settings(CACHES={"default": cache}):
        assert check_messages() == []


@pytest.mark.parametrize("cache", [REDIS, DUMMY])
def test_the_cache_is_not_checked_if_sessions_are_not_cached(settings: Settings, cache: dict[str, str]) -> None:
    settings.ORY_AUTH = {**GOOD, "SESSION_CACHE_SECONDS": 0}
    with override_settings(CACHES={"default": cache}):
        assert check_messages() == []


@pytest.mark.parametrize(("debug", "found"), [(False, ["W015"]), (True, [])])
def test_a_cache_that_stores_nothing_is_a_warning_in_production(
    settings: Settings, debug: bool, found: list[str]
) -> None:
    settings.DEBUG = debug
    with override_settings(CACHES={"default": DUMMY}):
        assert check_ids() == found
        assert debug or only_message("W015", "SESSION_CACHE")


# --- databases --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_missing_table_is_a_warning() -> None:
    connection.cursor().execute("ALTER TABLE ory_auth_oryidentity RENAME TO gone")
    (message,) = check_messages(["default"])
    assert message.id == "ory_auth.W003"
    assert "manage.py migrate" in (message.hint or "")


@pytest.mark.django_db
def test_an_existing_table_is_fine() -> None:
    assert check_messages(["default"]) == []


@pytest.mark.parametrize(
    ("database", "found"),
    [
        ({"ATOMIC_REQUESTS": True}, ["W023"]),
        ({"ATOMIC_REQUESTS": True, "OPTIONS": {"transaction_mode": "DEFERRED"}}, ["W023"]),
        ({"ATOMIC_REQUESTS": True, "OPTIONS": {"transaction_mode": "immediate"}}, []),
        ({"ATOMIC_REQUESTS": True, "ENGINE": "django.db.backends.postgresql"}, []),
        ({"ATOMIC_REQUESTS": True, "NAME": ":memory:"}, []),
        ({}, []),
    ],
)
def test_sqlite_with_atomic_requests_is_a_warning(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, database: dict[str, Any], found: list[str]
) -> None:
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}
    monkeypatch.setitem(settings.DATABASES, "default", {**sqlite, **database})
    assert check_ids() == found
    assert not found or only_message("W023", "DATABASES['default']['OPTIONS']['transaction_mode']")
    settings.DEBUG = True
    assert check_messages() == []


# --- with --deploy ----------------------------------------------------------------------------------------------------


@pytest.fixture
def public(settings: Settings) -> Iterator[Settings]:
    """A site that is fit for the public, to be made worse."""
    settings.ORY_AUTH = {"SDK_URL": "http://kratos:4433", "BROWSER_URL": "https://auth.example.org"}
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["app.example.org"], True
    settings.CACHES = {"default": {**FILES, "OPTIONS": {"MAX_ENTRIES": 100_000}}}
    yield settings
    settings.CACHES = {"default": LOCAL}


def change(public: Settings, **keys: object) -> None:
    public.ORY_AUTH = {**public.ORY_AUTH, **keys}
    assert check_messages() == []  # without --deploy


def test_a_correct_public_site_has_no_messages(public: Settings) -> None:
    assert check_messages(deploy=True) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "ory.localhost"])
def test_a_loopback_address_is_a_warning_in_production(public: Settings, host: str) -> None:
    public.ALLOWED_HOSTS = ["app.example.org", "*"]
    change(public, BROWSER_URL=f"http://{host}:4433")
    only_message("W101", "BROWSER_URL", deploy=True)


@pytest.mark.parametrize("key", ["SDK_URL", "ADMIN_URL"])
@pytest.mark.parametrize("host", ["kratos.example.org", "8.8.8.8"])
def test_http_over_the_internet_is_a_warning(public: Settings, key: str, host: str) -> None:
    change(public, **{key: f"http://{host}"})
    only_message("W102", f"ORY_AUTH['{key}']", deploy=True)


@pytest.mark.parametrize(
    "host", ["kratos", "10.1.2.3", "127.0.0.1", "kratos.ory.svc.cluster.local", "kratos.ory", "[fd00::1]"]
)
def test_http_in_an_internal_network_is_fine(public: Settings, host: str) -> None:
    change(public, SDK_URL=f"http://{host}:4433", ADMIN_URL=f"http://{host}:4434")
    assert check_messages(deploy=True) == []


def test_a_cache_in_each_process_is_a_warning(public: Settings) -> None:
    public.CACHES = {"default": LOCAL}
    only_message("W103", "SESSION_CACHE", deploy=True)


class Serde:
    """As a serializer of pymemcache."""

    def __init__(self, *, takes_bytes: bool) -> None:
        self.takes_bytes = takes_bytes

    def serialize(self, key: str, value: Any) -> tuple[Any, int]:
        return (value, 0) if self.takes_bytes else (str(value), 1)

    def deserialize(self, key: str, value: Any, flags: int) -> Any:
        return value


TIMES = {"socket_timeout": 1, "timeout": 1}
OWN = "ory_auth.cache_serializer.BytesSerializer"
PICKLE = "django.core.cache.backends.redis.RedisSerializer"


@pytest.mark.parametrize(
    ("cache", "option", "value", "problem"),
    [
        (DJANGO_REDIS, "SERIALIZER", "tests.support.faulty_caches.JsonSerializer", "raises TypeError"),
        (DJANGO_REDIS, "SERIALIZER", "no.such.Serializer", "raises ModuleNotFoundError"),
        (DJANGO_REDIS, "SERIALIZER", OWN, ""),
        (REDIS, "serializer", JsonSerializer, "raises TypeError"),
        (REDIS, "serializer", OWN, ""),
        (REDIS, "serializer", PICKLE, ""),
        (MEMCACHED, "serde", Serde(takes_bytes=False), "returns str"),
        (MEMCACHED, "serde", Serde(takes_bytes=True), ""),
    ],
)
def test_a_serializer_that_cannot_store_bytes_is_a_warning(
    public: Settings, cache: dict[str, Any], option: str, value: Any, problem: str
) -> None:
    with override_settings(CACHES={"default": {**cache, "OPTIONS": {**TIMES, option: value}}}):
        if problem:
            message = only_message("W110", "SESSION_CACHE", OWN, deploy=True)
            assert f"CACHES['default'] cannot store bytes ({option!r} {problem})" in message.msg
        else:
            assert check_messages(deploy=True) == []


@pytest.mark.parametrize(
    ("cache", "number"),
    [(FILES, 300), ({**FILES, "OPTIONS": {"MAX_ENTRIES": 999}}, 999), ({**FILES, "MAX_ENTRIES": 5}, 5)],
)
def test_a_cache_with_few_entries_is_a_warning(public: Settings, cache: dict[str, Any], number: int) -> None:
    public.CACHES = {"default": cache}
    assert f" {number} " in only_message("W104", "CACHES['default']['OPTIONS']['MAX_ENTRIES']", deploy=True).msg


def test_the_size_of_the_cache_is_not_checked_if_sessions_are_not_cached(public: Settings) -> None:
    public.CACHES = {"default": LOCAL}
    change(public, SESSION_CACHE_SECONDS=0)
    assert check_messages(deploy=True) == []


def test_a_timeout_above_that_of_workers_is_a_warning(public: Settings) -> None:
    change(public, TIMEOUT=14.9)
    assert check_messages(deploy=True) == []
    change(public, TIMEOUT=15)
    only_message("W105", "ORY_AUTH['TIMEOUT']", deploy=True)


def test_https_that_django_does_not_know_of_is_a_warning(public: Settings) -> None:
    public.SECURE_SSL_REDIRECT = False
    only_message("W106", "SECURE_PROXY_SSL_HEADER", "SECURE_SSL_REDIRECT", deploy=True)
    public.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert check_messages(deploy=True) == []


def test_linking_beside_another_backend_is_a_warning(public: Settings) -> None:
    change(public, LINK_BY_VERIFIED_EMAIL=True)
    assert MODEL_BACKEND in only_message("W107", "LINK_BY_VERIFIED_EMAIL", deploy=True).msg
    public.AUTHENTICATION_BACKENDS = ["ory_auth.backends.OryBackend"]
    assert check_messages(deploy=True) == []


def test_a_long_cache_time_is_a_warning(public: Settings) -> None:
    change(public, SESSION_CACHE_SECONDS=3600)
    assert check_messages(deploy=True) == []
    change(public, SESSION_CACHE_SECONDS=3601)
    only_message("W108", "SESSION_CACHE_SECONDS", deploy=True)


@pytest.mark.parametrize("host", ["kratos", "kratos.ory.svc", "ory.internal"])
@pytest.mark.parametrize(
    "cache",
    [
        {**REDIS, "OPTIONS": {"socket_timeout": 1}},
        DJANGO_REDIS,
        {**MEMCACHED, "OPTIONS": {"timeout": 1}},
        {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "OPTIONS": {"MAX_ENTRIES": 100_000}},
    ],
    ids=["redis", "django-redis", "memcached", "database"],
)
def test_an_internal_name_without_a_cache_namespace_is_a_warning(
    public: Settings, cache: dict[str, Any], host: str
) -> None:
    public.CACHES = {"default": cache}
    public.ORY_AUTH = {"SDK_URL": f"http://{host}:4433"}
    message = next(found for found in check_messages(deploy=True) if found.id == "ory_auth.W109")
    assert host in message.msg
    assert "CACHE_NAMESPACE" in (message.hint or "")


@pytest.mark.parametrize(
    ("cache", "keys"),
    [
        (DJANGO_REDIS, {"SDK_URL": "http://kratos:4433", "CACHE_NAMESPACE": "production"}),
        (DJANGO_REDIS, {"SDK_URL": "http://kratos:4433", "BROWSER_URL": "https://auth.example.org"}),
        (DJANGO_REDIS, {"SDK_URL": "https://auth.example.org"}),
        (DJANGO_REDIS, {"SDK_URL": "http://kratos:4433", "SESSION_CACHE_SECONDS": 0}),
        (FILES, {"SDK_URL": "http://kratos:4433"}),
    ],
)
def test_deployments_with_different_names_are_fine(
    public: Settings, cache: dict[str, Any], keys: dict[str, object]
) -> None:
    public.CACHES, public.ORY_AUTH = {"default": cache}, keys
    assert "W109" not in check_ids(deploy=True)
