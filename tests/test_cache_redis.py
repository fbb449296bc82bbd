"""Sessions in a real Redis: with pickles, as Django comes, and with a serializer that never unpickles."""

from __future__ import annotations

import pickle
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import redis
from django.core.cache import caches
from django.core.management import call_command
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from ory_auth.cache_serializer import BytesSerializer
from ory_auth.local import LocalOry
from ory_auth.sessions.services import reset_services
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.ports import free_ports
from tests.support.types import ChangeSettings

BYTES = {"serializer": "ory_auth.cache_serializer.BytesSerializer"}
needs_redis = pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed")


# --- the serializer ---------------------------------------------------------------------------------------------------


@given(st.one_of(st.binary(), st.text(), st.integers()))
def test_written_values_are_read_back(value: bytes | str | int) -> None:
    serializer = BytesSerializer()
    written = serializer.dumps(value)
    assert serializer.loads(str(written).encode() if isinstance(written, int) else written) == value


@given(st.binary())
def test_any_stored_bytes_read_as_a_plain_value(found: bytes) -> None:
    assert isinstance(BytesSerializer().loads(found), bytes | str | int | None)


@pytest.mark.parametrize("value", [["a"], {"a": 1}, True, None, 1.5])
def test_values_that_need_pickle_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="CACHES"):
        BytesSerializer().dumps(value)


# --- a real Redis -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A separate Redis."""
    [port], folder = free_ports(1), tmp_path_factory.mktemp("redis")
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        url = f"redis://127.0.0.1:{port}"
        client = redis.Redis.from_url(url)
        for _ in range(100):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        client.close()
        yield url
        server.terminate()


@pytest.fixture(params=[{}, BYTES], ids=["pickle", "bytes"])
def server(
    redis_url: str, request: pytest.FixtureRequest, ory: Ory, ory_auth: ChangeSettings, settings: Settings
) -> Iterator[redis.Redis]:
    """The Redis that the project keeps its sessions in, empty."""
    options = {"socket_timeout": 2, "socket_connect_timeout": 2, **request.param}
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": redis_url, "OPTIONS": options}}
    ory_auth(SESSION_CACHE_SECONDS=60, STALE_IF_ERROR_SECONDS=60)
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client
        client.config_set("maxmemory", 0)
    for cache in caches.all(initialized_only=True):
        cache.close()


only_bytes = pytest.mark.parametrize("server", [BYTES], indirect=True, ids=["bytes"])


@needs_redis
@pytest.mark.django_db
def test_a_session_is_cached_and_signed_out_for_all_processes(
    ory: Ory, local_ory: LocalOry, web: DualClient, server: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    session = ory.person().browser_session()
    twice = {"Cookie": f"{session.cookie}; {session.cookie}"}
    for headers in (session.headers, twice):
        assert web.is_signed_in(headers)
    asked = len(ory.requests_to())
    for headers in (session.headers, twice):
        assert web.is_signed_in(headers)
    assert len(ory.requests_to()) == asked
    with local_ory.failing(500, path="/self-service/logout"):
        assert web.post("/auth/logout", headers=session.headers).status_code == 503
    reset_services()  # as another process that shares the cache
    assert [web.is_signed_in(headers) for headers in (session.headers, twice)] == [False, False]
    assert "cache_" not in caplog.text


@needs_redis
@pytest.mark.django_db
def test_a_refused_session_is_not_served_while_ory_is_down(
    ory: Ory, local_ory: LocalOry, web: DualClient, server: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    kept = {key: server.dump(key) or b"" for key in server.keys("*ory_auth:o:*")}
    assert kept
    session.revoke()
    reset_services()
    web.get("/fresh", headers={**session.headers, "Accept": "application/json"})
    for key, value in kept.items():
        server.restore(key, 0, value, replace=True)
    reset_services()
    with local_ory.failing(500):
        assert web.get("/session", headers=session.headers).status_code == 503
    assert "cache_" not in caplog.text


@needs_redis
def test_a_hit_is_one_round_trip_to_redis(ory: Ory, web: DualClient, server: redis.Redis) -> None:
    session = ory.person().app_session()
    for _ in range(2):
        assert web.is_signed_in(session.headers)
    server.config_resetstat()
    assert web.is_signed_in(session.headers)
    asked = {name: stats["calls"] for name, stats in server.info("commandstats").items()}
    own = {"cmdstat_config|resetstat", "cmdstat_info"}
    assert {name: calls for name, calls in asked.items() if name not in own} == {"cmdstat_mget": 1}


class RunsCode:
    """A pickle of it writes a file when it is read."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._file,)


@needs_redis
@only_bytes
def test_the_serializer_never_unpickles(
    ory: Ory, web: DualClient, server: redis.Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    for key in server.keys("*ory_auth:*"):
        server.set(key, pickle.dumps(RunsCode(tmp_path / "ran")))
    reset_services()
    assert web.is_signed_in(session.headers)
    assert not (tmp_path / "ran").exists()


# --- a Redis that throws entries away ---------------------------------------------------------------------------------


@needs_redis
@only_bytes
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("maxmemory", "policy", "named"),
    [
        ("100mb", "allkeys-lru", True),
        ("100mb", "volatile-ttl", True),  # all that is kept of sessions has an end
        ("100mb", "noeviction", False),
        ("0", "allkeys-lru", False),
    ],
)
def test_ory_check_reports_a_redis_that_evicts_revocations(
    server: redis.Redis, maxmemory: str, policy: str, named: bool
) -> None:
    server.config_set("maxmemory", maxmemory)
    server.config_set("maxmemory-policy", policy)
    output = StringIO()
    with suppress(SystemExit):
        call_command("ory_check", "--json", stdout=output)
    caches["default"].close()
    assert ("cache-evicts" in output.getvalue()) is named
    assert (policy in output.getvalue()) is named
    assert "cache-unavailable" not in output.getvalue()
