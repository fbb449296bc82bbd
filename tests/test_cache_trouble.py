"""A cache that fails, that takes long to fail, and that comes back."""

from __future__ import annotations

import math
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from pytest_django import Settings
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ory_auth.conf import conf
from ory_auth.local import LocalOry
from ory_auth.local.http.faults import Fault
from ory_auth.ory.credentials import Credential, Kind
from ory_auth.pages import health
from ory_auth.sessions.cache import cache_backend
from ory_auth.sessions.services import reset_services, services_of
from tests.support.client import DualClient
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings

pytestmark = [pytest.mark.usefixtures("local_ory"), pytest.mark.django_db]

CALLS = ("get", "get_many", "add", "touch", "set", "set_many", "delete", "delete_many")


class FailingCache(LocMemCache):
    """Answers so many calls, fails at all later ones after so many seconds, and notes what it was asked to do."""

    asked: list[str] = []
    answers: float = math.inf
    after = 0.0

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        return self._counted(name, value) if name in CALLS else value

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*given: Any, **named: Any) -> Any:
            FailingCache.asked.append(name)
            FailingCache.answers -= 1
            if FailingCache.answers < 0:
                time.sleep(FailingCache.after)
                raise ConnectionError("no cache here")
            return call(*given, **named)

        return asked


@pytest.fixture(autouse=True)
def failing(
    ory: Ory, settings: Settings, ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch
) -> type[FailingCache]:
    """The cache of the project, which does not fail yet."""
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.FailingCache", "LOCATION": "failing"}}
    ory_auth(SESSION_CACHE_SECONDS=60)
    for name, value in {"asked": [], "answers": math.inf, "after": 0.0}.items():
        monkeypatch.setattr(FailingCache, name, value)
    monkeypatch.setattr(cache_backend, "SLOW_SECONDS", 60.0)  # a busy machine is not a slow cache
    caches["default"].clear()
    return FailingCache


def sign_out(web: DualClient, local_ory: LocalOry, session: Session) -> None:
    """Here only: Ory cannot be told."""
    with local_ory.failing(500, path="/self-service/logout"):
        web.post("/auth/logout", headers=session.headers)


def test_a_cache_that_fails_slowly_is_paused(
    ory: Ory, web: DualClient, failing: type[FailingCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_backend, "SLOW_SECONDS", 0.05)
    session = ory.person().app_session()
    failing.answers, failing.after = 0, 0.1
    for _ in range(3):
        assert web.session_id(session.headers) == session.id
    assert len(failing.asked) == 1
    time.sleep(cache_backend.PAUSE_SECONDS + 0.1)
    web.session_id(session.headers)
    assert len(failing.asked) == 2


def test_a_cache_that_fails_fast_is_not_paused(
    ory: Ory, web: DualClient, failing: type[FailingCache], caplog: pytest.LogCaptureFixture
) -> None:
    session = ory.person().app_session()
    failing.answers = 0
    web.session_id(session.headers)
    first = len(failing.asked)
    assert first > 1
    web.session_id(session.headers)
    assert len(failing.asked) > first
    assert "cache_down error=ConnectionError" in caplog.text


def test_cached_sessions_count_once_the_cache_is_back(ory: Ory, web: DualClient, failing: type[FailingCache]) -> None:
    session = ory.person().app_session()
    failing.answers = 0
    web.session_id(session.headers)
    failing.answers = math.inf
    for _ in range(3):
        assert web.session_id(session.headers) == session.id
    assert len(ory.requests_to()) == 2


def test_a_sign_out_is_written_to_a_paused_cache(
    ory: Ory, local_ory: LocalOry, web: DualClient, failing: type[FailingCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_backend, "SLOW_SECONDS", 0.05)
    session, other = ory.person().app_session(), ory.person().app_session()
    web.session_id(session.headers)
    failing.answers, failing.after = 0, 0.1
    web.session_id(other.headers)
    failing.answers = math.inf
    sign_out(web, local_ory, session)
    reset_services()  # as another process that shares the cache
    assert web.session_id(session.headers) is None


def test_the_readiness_view_checks_a_paused_cache(
    ory: Ory, web: DualClient, failing: type[FailingCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_backend, "SLOW_SECONDS", 0.05)
    monkeypatch.setattr(health, "RESULT_SECONDS", 0.0)
    failing.answers, failing.after = 0, 0.1
    assert web.get("/auth/ready").json()["cache"] == "unavailable"
    failing.answers = math.inf
    assert web.get("/auth/ready").json()["cache"] == "ok"


def test_an_unknown_credential_stays_refused_here_while_ory_and_the_cache_are_down(
    ory: Ory, local_ory: LocalOry, web: DualClient, failing: type[FailingCache]
) -> None:
    session = ory.person().app_session()
    failing.answers = 0
    with local_ory.failing(500):
        web.post("/auth/logout", headers=session.headers)
    assert web.session_id(session.headers) is None


@pytest.mark.parametrize("at_first", [math.inf, 4], ids=["at once", "in the middle of which it fails again"])
def test_sign_outs_that_a_cache_missed_are_written_completely_and_once(
    ory: Ory,
    local_ory: LocalOry,
    web: DualClient,
    failing: type[FailingCache],
    caplog: pytest.LogCaptureFixture,
    at_first: float,
) -> None:
    sessions = [ory.person().app_session() for _ in range(3)]
    other = ory.person().app_session()
    for session in sessions:
        web.session_id(session.headers)
    failing.answers = 0
    for session in sessions:
        sign_out(web, local_ory, session)
    failing.answers = at_first
    web.session_id(other.headers)
    failing.answers = math.inf
    caplog.clear()
    web.session_id(other.headers)
    told = failing.asked.count("delete_many")
    web.session_id(other.headers)
    assert failing.asked.count("delete_many") == told == 3
    assert "cache_down" not in caplog.text
    reset_services()  # as another process that shares the cache
    assert [web.session_id(session.headers) for session in sessions] == [None] * 3
    assert web.session_id(other.headers) == other.id


def test_a_written_sign_out_is_not_written_again(ory: Ory, web: DualClient, failing: type[FailingCache]) -> None:
    session, other = ory.person().app_session(), ory.person().app_session()
    web.post("/auth/logout", headers=session.headers)
    web.session_id(other.headers)
    assert failing.asked.count("delete_many") == 1


def test_a_short_failure_of_orys_database_signs_nobody_out_even_after_the_cache_was_cleared(
    ory: Ory, local_ory: LocalOry, web: DualClient
) -> None:
    session = ory.person().app_session()
    web.session_id(session.headers)
    caches["default"].clear()
    answers = iter([Response(b"{}", 401)])

    async def dip(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await next(answers, app)(scope, receive, send)

    local_ory.faults.append(Fault("/sessions/whoami", dip))
    assert web.session_id(session.headers) == session.id


def test_the_number_of_sign_outs_that_wait_for_a_cache_is_bounded(
    ory: Ory, local_ory: LocalOry, web: DualClient, failing: type[FailingCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_backend, "MAX_PENDING", 2)
    sessions = [ory.person().app_session() for _ in range(3)]
    failing.answers = 0
    for session in sessions:
        sign_out(web, local_ory, session)
    failing.answers = math.inf
    web.session_id(ory.person().app_session().headers)
    assert failing.asked.count("delete_many") == 2


def test_a_missing_cache_alias_means_a_call_to_ory(
    ory: Ory, web: DualClient, ory_auth: ChangeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    ory_auth(SESSION_CACHE="nowhere")
    session = ory.person().app_session()
    assert web.session_id(session.headers) == session.id
    assert "cache_down" in caplog.text


class OneThreadsCache(BaseCache):
    """Belongs to the thread that made it, as a client of memcached may."""

    users: set[tuple[str, str]] = set()

    def __init__(self, *_: object) -> None:
        super().__init__({})
        self._maker = threading.current_thread().name

    def get(self, key: str, default: Any = None, version: int | None = None) -> None:
        OneThreadsCache.users.add((self._maker, threading.current_thread().name))

    def add(self, *_: object, **__: object) -> bool:
        return True


def test_other_cache_backends_are_created_per_thread(
    ory: Ory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OneThreadsCache, "users", set())
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.OneThreadsCache"}}
    session = ory.person().app_session()
    for _ in range(2):
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(Client().get, "/session", headers=session.headers).result().status_code == 200
    assert len(OneThreadsCache.users) == 2
    assert all(maker == user for maker, user in OneThreadsCache.users)


# --- the connections that Redis' client has -------------------------------------------------------------------------


class NothingThere(socketserver.StreamRequestHandler):
    """A Redis in which nothing is ever found, and which takes its time to say so."""

    def handle(self) -> None:
        while count := self.rfile.readline()[1:]:
            words = [self.rfile.read(int(self.rfile.readline()[1:]) + 2)[:-2] for _ in range(int(count))]
            match words[0]:
                case b"MGET":
                    time.sleep(0.05)
                    answer = b"\r\n".join([b"*%d" % len(words[1:]), *[b"$-1"] * len(words[1:])])
                case _:
                    answer = b"+OK"
            self.wfile.write(answer + b"\r\n")


class RedisServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    connections = 0

    def process_request(self, *given: Any) -> None:
        self.connections += 1
        super().process_request(*given)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    """That Redis."""
    with RedisServer(("127.0.0.1", 0), NothingThere) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("options", [{"max_connections": 2}, {}], ids=["two", "no limit"])
def test_requests_wait_for_a_connection_of_the_redis_client(
    ory: Ory, settings: Settings, redis: RedisServer, options: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    address = f"redis://127.0.0.1:{redis.server_address[1]}"
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": address,
            "OPTIONS": {"protocol": 2, **options},
        }
    }
    session, first = ory.person().app_session(), ory.person().app_session()
    Client().get("/session", headers=first.headers)  # makes the client that all threads share
    with ThreadPoolExecutor(6) as threads:
        answers = threads.map(lambda _: Client().get("/session", headers=session.headers).json(), range(6))
        assert [answer["session"] for answer in answers] == [session.id] * 6
    assert "cache_down" not in caplog.text
    assert redis.connections <= options.get("max_connections", 6)


# --- a cache that fails without raising anything ----------------------------------------------------------------------


class SilentCache(LocMemCache):
    """As pymemcache with ``ignore_exc``, and django-redis with ``IGNORE_EXCEPTIONS``, while their server is away."""

    away = False
    takes: float = math.inf  # so many keys yet, then it is away
    writes = 0

    def set(self, key: str, value: Any, *given: Any, **named: Any) -> None:
        if not self._is_away(1):
            super().set(key, value, *given, **named)

    def set_many(self, data: dict[str, Any], *given: Any, **named: Any) -> list[str]:
        SilentCache.writes += 1
        return list(data) if self._is_away(len(data)) else super().set_many(data, *given, **named)

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return default if self._is_away() else super().get(key, default, version)

    def get_many(self, keys: Any, version: int | None = None) -> dict[str, Any]:
        return {} if self._is_away() else super().get_many(keys, version)

    def add(self, *given: Any, **named: Any) -> bool:
        return not self._is_away(1) and super().add(*given, **named)

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        if not self._is_away():
            super().delete_many(keys, version)

    def _is_away(self, keys: int = 0) -> bool:
        SilentCache.takes -= keys
        return SilentCache.away or SilentCache.takes < 0


@pytest.fixture
def silent(failing: object, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> type[SilentCache]:
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.SilentCache", "LOCATION": "silent"}}
    for name, value in {"away": False, "takes": math.inf, "writes": 0}.items():
        monkeypatch.setattr(SilentCache, name, value)
    caches["default"].clear()
    return SilentCache


@pytest.mark.promise("A sign-out that a cache lost without an error is written again")
@pytest.mark.parametrize("known", [True, False], ids=["seen before", "never seen"])
def test_a_sign_out_that_a_cache_lost_silently_is_written_later(
    ory: Ory,
    local_ory: LocalOry,
    web: DualClient,
    silent: type[SilentCache],
    caplog: pytest.LogCaptureFixture,
    known: bool,
) -> None:
    session, other = ory.person().app_session(), ory.person().app_session()
    if known:
        assert web.session_id(session.headers) == session.id
    silent.away = True
    with local_ory.failing(500):
        assert web.post("/auth/logout", headers=session.headers).status_code == 503
    assert "cache_down error=write_lost" in caplog.text
    silent.away = False
    web.session_id(other.headers)
    reset_services()  # as another process that shares the cache
    assert web.session_id(session.headers) is None


def test_a_partly_lost_sign_out_is_written_again_completely(
    ory: Ory, local_ory: LocalOry, web: DualClient, silent: type[SilentCache]
) -> None:
    session, other = ory.person().browser_session(), ory.person().app_session()
    twice = {"Cookie": f"{session.cookie}; {session.cookie}"}
    for headers in (session.headers, twice):
        assert web.session_id(headers) == session.id
    silent.takes = 2  # the marks of this form and of the session, and not that of the other form
    sign_out(web, local_ory, session)
    silent.takes = math.inf
    web.session_id(other.headers)
    reset_services()
    assert [web.session_id(headers) for headers in (session.headers, twice)] == [None] * 2


def test_a_silently_lost_slot_leaves_no_entry(
    ory: Ory, web: DualClient, silent: type[SilentCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it no sign-out under another form would find the entry."""
    monkeypatch.setattr(SilentCache, "add", lambda *_, **__: True)
    session = ory.person().app_session()
    for _ in range(2):
        assert web.session_id(session.headers) == session.id
    assert len(ory.requests_to()) == 2


def test_a_stale_entry_does_not_count_if_the_cache_cannot_be_asked_about_sign_outs(
    ory: Ory,
    local_ory: LocalOry,
    web: DualClient,
    ory_auth: ChangeSettings,
    silent: type[SilentCache],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=1, STALE_IF_ERROR_SECONDS=600)
    session = ory.person().app_session()
    assert web.session_id(session.headers) == session.id
    time.sleep(1.1)
    with local_ory.failing(500):
        assert web.session_id(session.headers) == session.id
        monkeypatch.setattr(SilentCache, "get_many", lambda *_, **__: {})
        assert web.get("/session", headers=session.headers).status_code == 503


def test_lost_writes_are_not_retried_by_every_request(
    ory: Ory, local_ory: LocalOry, web: DualClient, silent: type[SilentCache], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_backend, "SLOW_SECONDS", -1.0)  # any time is a long time
    monkeypatch.setattr(cache_backend, "PAUSE_SECONDS", 0.3)
    session, other = ory.person().app_session(), ory.person().app_session()
    silent.away = True
    sign_out(web, local_ory, session)
    assert silent.writes == 1
    for _ in range(2):
        web.session_id(other.headers)
    assert silent.writes == 2
    time.sleep(0.35)
    web.session_id(other.headers)
    assert silent.writes == 3


def test_a_dummy_cache_causes_no_retries(
    ory: Ory, local_ory: LocalOry, web: DualClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    session = ory.person().app_session()
    web.session_id(session.headers)
    sign_out(web, local_ory, session)
    assert web.session_id(session.headers) is None
    assert "cache_down" not in caplog.text


@pytest.mark.parametrize("local", [0, 30], ids=["shared cache", "and memory"])
def test_a_refused_session_does_not_count_in_this_process_even_if_the_cache_keeps_it(
    ory: Ory, local_ory: LocalOry, web: DualClient, ory_auth: ChangeSettings, failing: type[FailingCache], local: int
) -> None:
    ory_auth(STALE_IF_ERROR_SECONDS=600, LOCAL_CACHE_SECONDS=local, REFUSED_CACHE_SECONDS=0)
    session = ory.person().app_session()
    bearer = {"Authorization": f"Bearer {session.token}", "Accept": "application/json"}
    assert web.session_id(session.headers) == session.id
    assert web.get("/guarded", headers=bearer).status_code == 200
    failing.answers = 0
    session.revoke()
    assert web.get("/fresh", headers={**session.headers, "Accept": "application/json"}).status_code == 401
    failing.answers = math.inf
    assert web.session_id(session.headers) is None
    with local_ory.failing(500):
        assert web.get("/session", headers=session.headers).status_code == 503
        assert web.get("/guarded", headers=bearer).status_code == 503


# --- a cache in the database ------------------------------------------------------------------------------------------


@pytest.mark.promise("A sign-out survives the rollback of the request's transaction")
@pytest.mark.django_db(transaction=True)
def test_a_sign_out_survives_a_rolled_back_transaction(
    ory: Ory, local_ory: LocalOry, web: DualClient, settings: Settings
) -> None:
    """With ATOMIC_REQUESTS and a cache in the database, what a view that fails has written is gone."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "kept"}}
    call_command("createcachetable", verbosity=0)
    session, other = ory.person().app_session(), ory.person().app_session()
    assert web.session_id(session.headers) == session.id
    key = Credential(Kind.TOKEN, session.token).key(conf())
    with transaction.atomic():
        services_of(conf()).cache.sign_out(key, None)
        transaction.set_rollback(True)
    assert web.session_id(session.headers) is None  # this process remembers it
    web.session_id(other.headers)
    reset_services()  # as another process that shares the cache
    assert web.session_id(session.headers) is None
