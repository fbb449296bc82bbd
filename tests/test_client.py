"""Ory's HTTP is bounded: in time, in size, in calls at once, and in what it can make this side do."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import os
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from email.utils import formatdate
from itertools import count
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponse, JsonResponse
from django.test import AsyncClient
from django.urls import path

from ory_auth.decorators import ory_required
from ory_auth.local import LocalOry
from ory_auth.types import OryHttpRequest
from tests.support.client import DualClient
from tests.support.logs import event_ids
from tests.support.ory import WHOAMI, Ory, Session
from tests.support.types import AsyncResponse, ChangeSettings, Fault, Response

from .project import urls as project

SOMEBODY = {"Cookie": "ory_kratos_session=x"}
MEBIBYTE = 1024 * 1024

pytestmark = pytest.mark.urls(__name__)


@ory_required(fresh=True)
async def afresh(request: OryHttpRequest) -> HttpResponse:
    session = await request.aory_session()
    return JsonResponse({"session": session and str(session.id)})


urlpatterns = [path("afresh", afresh), *project.urlpatterns]


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


Serve = Callable[[socket.socket, int], None]  # what to do with a connection, and which one it is
Serving = Callable[[Serve], None]


@pytest.fixture
def serving(ory_auth: ChangeSettings) -> Iterator[Serving]:
    """Point ``SDK_URL`` at a server that hands each connection, and its number, to a function."""
    server = socket.create_server(("127.0.0.1", 0))

    def handle(function: Serve, connection: socket.socket, number: int) -> None:
        with closing(connection), suppress(OSError):  # a client may hang up early
            function(connection, number)

    def serve(function: Serve) -> None:
        with suppress(OSError):  # until it is closed
            for number in count():
                threading.Thread(target=handle, args=(function, server.accept()[0], number), daemon=True).start()

    def start(function: Serve) -> None:
        threading.Thread(target=serve, args=(function,), daemon=True).start()
        ory_auth(SDK_URL=f"http://127.0.0.1:{server.getsockname()[1]}", TIMEOUT=0.5)

    yield start
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def http(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


IN_TIME = 5  # seconds: far beyond the limits that are set here, and what hangs hangs longer


def assert_unavailable_in_time(web: DualClient, headers: dict[str, str] = SOMEBODY) -> None:
    web.get("/silent")  # which imports the project
    started = time.monotonic()
    assert web.get("/session", headers=headers).status_code == 503
    assert time.monotonic() - started < IN_TIME


# --- time


@pytest.mark.promise("The time limit covers the whole response")
@pytest.mark.parametrize(
    "fault",
    [
        lambda ory: ory.slow(10),
        lambda ory: ory.dripping(0.05, headers=True),
        lambda ory: ory.dripping(0.05),
    ],
    ids=["nothing", "dripping headers", "dripping body"],
)
def test_a_late_response_is_an_outage(
    ory: Ory,
    web: DualClient,
    local_ory: LocalOry,
    ory_auth: ChangeSettings,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    ory_auth(TIMEOUT=0.3)
    session = ory.person().app_session()
    with fault(local_ory):
        assert_unavailable_in_time(web, headers=session.headers)
    assert event_ids(caplog) == ["timeout"]


@pytest.mark.parametrize("part", ["headers", "body"])
def test_an_abandoned_call_frees_its_slot(
    ory: Ory, web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings, part: str
) -> None:
    ory_auth(TIMEOUT=0.9, MAX_CONNECTIONS=1)
    ada, bob = ory.person().app_session(), ory.person().app_session()
    with local_ory.dripping(0.05, headers=part == "headers"):
        assert_unavailable_in_time(web, headers=ada.headers)
    for session in (bob, ada):
        assert web.session_id(session.headers) == session.id


def test_a_hanging_tls_handshake_is_an_outage(
    web: DualClient, ory: Ory, ory_auth: ChangeSettings, silent_port: int
) -> None:
    ory_auth(SDK_URL=f"https://127.0.0.1:{silent_port}", TIMEOUT=0.3)
    assert_unavailable_in_time(web)


@pytest.fixture
def hanging_dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    asked, go_on = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> None:
        asked.set()
        go_on.wait(10)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield asked
    go_on.set()


@pytest.mark.promise("A name server that hangs does not exceed the time limit")
def test_a_hanging_name_server_is_an_outage(
    web: DualClient, ory: Ory, ory_auth: ChangeSettings, hanging_dns: threading.Event
) -> None:
    ory_auth(SDK_URL="http://ory.example.test", TIMEOUT=0.3)
    assert_unavailable_in_time(web)
    assert hanging_dns.is_set()


def test_a_call_past_its_time_limit_does_not_block_later_requests(
    web: DualClient, ory: Ory, ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ory_auth(SDK_URL=ory.public_url.replace("127.0.0.1", "localhost"), TIMEOUT=0.5)
    session, go_on, names = ory.person().app_session(), threading.Event(), socket.getaddrinfo

    def hang_once(*given: Any, **named: Any) -> object:
        monkeypatch.setattr(socket, "getaddrinfo", names)
        go_on.wait(2)
        return names(*given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", hang_once)
    assert_unavailable_in_time(web, session.headers)
    assert web.session_id(session.headers) == session.id
    go_on.set()


@pytest.mark.django_db
def test_a_hanging_sign_out_is_an_outage(
    ory: Ory, web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings
) -> None:
    ory_auth(TIMEOUT=0.3)
    session = ory.person().app_session()
    with local_ory.slow(10, "/self-service/logout"):
        started = time.monotonic()
        assert web.post("/auth/logout", headers=session.headers).status_code == 503
        assert time.monotonic() - started < IN_TIME


# --- no answer


@pytest.mark.parametrize("fault", [lambda ory: ory.stopped(), lambda ory: ory.hang_up()], ids=["refused", "hang up"])
def test_no_response_is_an_outage(
    web: DualClient, local_ory: LocalOry, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    with fault(local_ory):
        assert_unavailable_in_time(web)
    assert event_ids(caplog) == ["unavailable"]


def test_a_server_without_tls_at_an_https_url_is_an_outage(web: DualClient, ory: Ory, ory_auth: ChangeSettings) -> None:
    ory_auth(SDK_URL=ory.public_url.replace("http:", "https:"))
    assert_unavailable_in_time(web)


NO_HTTP = {
    "nothing": b"",
    "another protocol": b"SSH-2.0-OpenSSH_9\r\n",
    "half a status line": b"HTTP/1.1 2",
    "half of the headers": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half of the body": b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{",
    "half of a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n500\r\n{",
    "no chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n{}",
    "an invalid length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    "a header of 100 KiB": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 102_400 + b"\r\n\r\n{}",
    "1000 headers": b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 1000 + b"\r\n{}",
    "a status of five digits": b"HTTP/1.1 20000 OK\r\n\r\n{}",
}


@pytest.mark.parametrize("response", NO_HTTP.values(), ids=NO_HTTP)
def test_a_response_that_is_not_http_is_an_outage(ory: Ory, web: DualClient, serving: Serving, response: bytes) -> None:
    def say(connection: socket.socket, number: int) -> None:
        connection.recv(65536)
        connection.sendall(response)

    serving(say)
    assert_unavailable_in_time(web)


def test_idle_connections_that_ory_closed_cause_no_error(ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
    session = ory.person().app_session()
    assert web.get("/session", headers=session.headers).status_code == 200
    with local_ory.stopped():
        pass
    assert web.get("/session", headers=ory.person().app_session().headers).status_code == 200


def test_a_connection_that_ory_closes_on_use_causes_no_error(ory: Ory, web: DualClient, serving: Serving) -> None:
    body = json.dumps(ory.person().app_session().whoami()).encode()

    def answer_once(connection: socket.socket, number: int) -> None:
        connection.recv(65536)
        connection.sendall(http(body))
        connection.recv(65536)  # the next request, which gets no answer

    serving(answer_once)
    for _ in range(3):
        assert web.get("/session", headers=SOMEBODY).status_code == 200


def test_an_abandoned_connection_is_not_reused(ory: Ory, web: DualClient, serving: Serving) -> None:
    body = json.dumps(ory.person().app_session().whoami()).encode()

    def stop_half_way_at_first(connection: socket.socket, number: int) -> None:
        while connection.recv(65536):
            connection.sendall(http(body)[: None if number else -10])

    serving(stop_half_way_at_first)
    assert_unavailable_in_time(web)
    assert web.get("/session", headers=SOMEBODY).status_code == 200


# --- size


@pytest.mark.promise("A response has at most 1 MiB after decompression")
@pytest.mark.parametrize(("size", "status"), [(MEBIBYTE, 200), (MEBIBYTE + 1, 503)])
@pytest.mark.parametrize("packed", [False, True])
def test_a_response_has_at_most_one_mebibyte(
    ory: Ory, web: DualClient, local_ory: LocalOry, size: int, status: int, packed: bool
) -> None:
    session = ory.person().app_session()
    body = json.dumps(session.whoami()).encode().ljust(size)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    with local_ory.failing(200, headers, gzip.compress(body) if packed else body, WHOAMI):
        assert web.get("/session", headers=session.headers).status_code == status


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("GZIP", gzip.compress)]
)
def test_a_response_may_be_compressed(
    ory: Ory, web: DualClient, local_ory: LocalOry, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    session = ory.person().app_session()
    body = pack(json.dumps(session.whoami()).encode())
    with local_ory.failing(200, {"Content-Encoding": encoding}, body, WHOAMI):
        assert web.session_id(session.headers) == session.id


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """64 MiB in 64 KiB."""
    packer = zlib.compressobj(wbits=31)
    return b"".join([packer.compress(bytes(MEBIBYTE)) for _ in range(64)] + [packer.flush()])


@pytest.mark.promise("A response has at most 1 MiB after decompression")
def test_a_gzip_bomb_is_cut_off(
    web: DualClient, local_ory: LocalOry, caplog: pytest.LogCaptureFixture, bomb: bytes
) -> None:
    web.get("/session")
    with local_ory.failing(200, {"Content-Encoding": "gzip"}, bomb, WHOAMI):
        tracemalloc.start()
        try:
            assert web.get("/session", headers=SOMEBODY).status_code == 503
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 8 * MEBIBYTE
    assert "answer_too_big status=200" in caplog.text


@pytest.mark.promise("A truncated compressed response does not count")
@pytest.mark.parametrize(
    "spoil",
    [
        lambda packed: b"{}",
        lambda packed: b"",
        lambda packed: packed[:100],
        lambda packed: packed[:-8],
        lambda packed: packed[:-8] + bytes(8),
    ],
    ids=["not packed", "empty", "half", "no checksum", "a wrong checksum"],
)
def test_a_corrupt_compressed_response_is_an_outage(
    ory: Ory, web: DualClient, local_ory: LocalOry, spoil: Callable[[bytes], bytes]
) -> None:
    packed = gzip.compress(json.dumps(ory.person().app_session().whoami()).encode())
    with local_ory.failing(200, {"Content-Encoding": "gzip"}, spoil(packed), WHOAMI):
        assert web.get("/session", headers=SOMEBODY).status_code == 503


# --- redirects


@pytest.mark.promise("A redirect of Ory is not followed")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_of_ory_are_not_followed(ory: Ory, web: DualClient, local_ory: LocalOry, status: int) -> None:
    with local_ory.failing(status, {"Location": f"{ory.public_url}/version"}, path=WHOAMI):
        assert web.get("/session", headers=ory.person().app_session().headers).status_code == 503
    assert not ory.requests_to("/version")


# --- 429


def pause_in(response: Response) -> int:
    assert response.status_code == 503
    return int(response["Retry-After"])


@pytest.mark.usefixtures("local_ory")
class TestAfter429:
    def limited(self, web: DualClient, local_ory: LocalOry, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with local_ory.failing(429, named, path=WHOAMI):
            return web.get("/session", headers={"X-Session-Token": "somebody"})

    @pytest.mark.promise("After a 429, Ory is not called until it allows it")
    @pytest.mark.parametrize("name", ["Retry-After", "X-RateLimit-Reset"])
    @pytest.mark.parametrize("form", ["seconds", "date"])
    def test_ory_is_not_called_during_the_pause(
        self, ory: Ory, web: DualClient, local_ory: LocalOry, name: str, form: str
    ) -> None:
        session = ory.person().app_session()
        until = "30" if form == "seconds" else formatdate(time.time() + 30, usegmt=True)
        self.limited(web, local_ory, **{name: until})
        assert 25 <= pause_in(web.get("/session", headers=session.headers)) <= 35
        assert len(ory.requests_to()) == 1

    def test_clients_get_retry_after(self, web: DualClient, local_ory: LocalOry) -> None:
        assert 30 <= pause_in(self.limited(web, local_ory, Retry_After="30")) <= 32

    @pytest.mark.parametrize("value", ["", "soon", "-5", "0", "Thu, 01 Jan 1970 00:00:00 GMT"])
    def test_the_pause_is_short_without_retry_after(self, web: DualClient, local_ory: LocalOry, value: str) -> None:
        assert pause_in(self.limited(web, local_ory, Retry_After=value)) <= 2

    @pytest.mark.parametrize("value", ["999999999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
    def test_no_pause_is_longer_than_ten_minutes(self, web: DualClient, local_ory: LocalOry, value: str) -> None:
        assert pause_in(self.limited(web, local_ory, Retry_After=value)) <= 601
        assert pause_in(web.get("/session", headers=SOMEBODY)) <= 661

    def test_ory_is_asked_again_after_the_pause(
        self, ory: Ory, web: DualClient, local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session = ory.person().app_session()
        self.limited(web, local_ory, Retry_After="30")
        monotonic = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: monotonic() + 40)
        assert web.session_id(session.headers) == session.id

    def test_cached_sessions_still_count(self, ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
        session = ory.person().app_session()
        web.get("/session", headers=session.headers)
        self.limited(web, local_ory, Retry_After="30")
        assert web.session_id(session.headers) == session.id


# --- calls at once


def test_calls_that_wait_for_a_connection_wait_a_bounded_time(
    web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    ory_auth(MAX_CONNECTIONS=1, TIMEOUT=0.3)

    def ask(number: int) -> None:
        assert_unavailable_in_time(web, headers={"X-Session-Token": f"somebody-{number}"})

    with local_ory.slow(5), ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(ask, number) for number in range(4)]
        assert web.get("/silent", headers=SOMEBODY).status_code == 200
        for future in waiting:
            future.result()


def test_a_call_without_a_connection_in_time_says_so(
    web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    ory_auth(MAX_CONNECTIONS=1, TIMEOUT=0.4)
    together = threading.Barrier(12)  # who comes a little later has a little time left when the first gives up

    def ask(number: int) -> None:
        together.wait()
        web.get("/session", headers={"X-Session-Token": f"somebody-{number}"})

    with local_ory.slow(5), ThreadPoolExecutor(12) as threads:
        list(threads.map(ask, range(12)))
    assert set(event_ids(caplog)) == {"timeout", "pool_full"}


def begun(path: str, session: Session) -> asyncio.Future[AsyncResponse]:
    """A request under ASGI that others can overtake."""
    return asyncio.ensure_future(AsyncClient().get(path, headers=session.headers))


async def until_asked(ory: Ory, times: int = 1) -> None:
    while len(ory.requests_to()) < times:  # noqa: ASYNC110  (the local Ory runs in another thread)
        await asyncio.sleep(0.01)


@pytest.mark.promise("Concurrent requests with one credential cause one lookup")
def test_concurrent_requests_with_one_credential_ask_ory_once(ory: Ory, local_ory: LocalOry) -> None:
    session = ory.person().app_session()

    async def ask() -> list[AsyncResponse]:
        return await asyncio.gather(*(begun("/asession", session) for _ in range(8)))

    with local_ory.slow(0.1):
        assert {response.json()["session"] for response in async_to_sync(ask)()} == {session.id}
    assert len(ory.requests_to()) == 1


def test_concurrent_threads_with_one_credential_ask_ory_once(ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
    session = ory.person().app_session()
    with local_ory.slow(0.2), ThreadPoolExecutor(6) as threads:
        responses = list(threads.map(lambda _: web.get("/session", headers=session.headers), range(6)))
    assert {response.json()["session"] for response in responses} == {session.id}
    assert len(ory.requests_to()) == 1


@pytest.mark.django_db
def test_a_fresh_view_does_not_join_a_lookup_in_progress(ory: Ory, local_ory: LocalOry) -> None:
    session = ory.person().app_session()

    async def ask() -> None:
        before = begun("/asession", session)
        await until_asked(ory)
        await asyncio.gather(before, begun("/afresh", session), begun("/afresh", session))

    with local_ory.slow(0.2):
        async_to_sync(ask)()
    assert len(ory.requests_to()) == 3


@pytest.mark.django_db
def test_each_lookup_of_a_fresh_view_is_logged_once(
    ory: Ory, local_ory: LocalOry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "ory_auth")
    session = ory.person().app_session()
    session.revoke()

    async def ask() -> None:
        running = begun("/afresh", session)
        await until_asked(ory)
        await asyncio.gather(running, begun("/afresh", session), begun("/afresh", session))

    with local_ory.slow(0.2):
        async_to_sync(ask)()
    assert len(ory.requests_to()) == 2
    assert event_ids(caplog) == ["session_gone", "session_gone"]


@pytest.mark.django_db
@pytest.mark.promise("A view with fresh=True does not use the cache")
def test_a_fresh_view_never_gets_the_outcome_of_an_earlier_lookup(ory: Ory, local_ory: LocalOry) -> None:
    """Neither the one that it waited for, nor the one that followed an earlier request."""
    session = ory.person().app_session()

    async def ask() -> list[int]:
        count = len(ory.requests_to())
        running = begun("/afresh", session)
        await until_asked(ory, count + 1)
        return [response.status_code for response in await asyncio.gather(running, begun("/afresh", session))]

    with local_ory.slow(0.2):
        assert async_to_sync(ask)() == [200, 200]
        session.revoke()
        assert async_to_sync(ask)() == [401, 401]


@pytest.mark.django_db
def test_fresh_views_share_the_lookup_that_follows_the_running_one(ory: Ory, local_ory: LocalOry) -> None:
    session = ory.person().app_session()

    async def ask() -> None:
        first = begun("/afresh", session)
        await until_asked(ory)
        second = begun("/afresh", session)
        await until_asked(ory, 2)
        await asyncio.gather(first, second, begun("/afresh", session), begun("/afresh", session))

    with local_ory.slow(0.3):
        async_to_sync(ask)()
    assert len(ory.requests_to()) == 3


@pytest.mark.promise("A cancelled request does not cancel the lookup for the others")
@pytest.mark.parametrize("waiting", [False, True], ids=["under way", "waiting for a connection"])
def test_a_cancelled_request_does_not_affect_others(
    ory: Ory, local_ory: LocalOry, ory_auth: ChangeSettings, waiting: bool
) -> None:
    ory_auth(MAX_CONNECTIONS=1)
    session, other = ory.person().app_session(), ory.person().app_session()

    async def ask() -> AsyncResponse:
        before = [begun("/asession", other)] if waiting else []
        first, second = begun("/asession", session), begun("/asession", session)
        await until_asked(ory)
        first.cancel()
        await asyncio.gather(*before)
        return await second

    with local_ory.slow(0.1):
        assert async_to_sync(ask)().json()["session"] == session.id
    assert len(ory.requests_to()) == 1 + waiting


@pytest.mark.parametrize("alone", [True, False])
def test_the_outcome_for_a_cancelled_request_is_logged_once(
    ory: Ory, local_ory: LocalOry, caplog: pytest.LogCaptureFixture, alone: bool
) -> None:
    session = ory.person().app_session()
    session.revoke()
    caplog.set_level(logging.INFO, "ory_auth")

    async def ask() -> None:
        first = begun("/asession", session)
        await until_asked(ory)
        others = [] if alone else [begun("/asession", session)]
        await asyncio.sleep(0.1)
        first.cancel()
        await asyncio.gather(*others)
        await asyncio.sleep(0.4)

    with local_ory.slow(0.3, WHOAMI):
        async_to_sync(ask)()
    assert event_ids(caplog) == ["session_gone"]


# --- processes


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_makes_its_own_calls(ory: Ory, web: DualClient) -> None:
    before, own, after = (ory.person().app_session() for _ in range(3))
    assert web.get("/session", headers=before.headers).status_code == 200
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(write, web.get("/session", headers=own.headers).content)
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        assert json.loads(pipe.read())["session"] == own.id
    os.waitpid(child, 0)
    assert web.session_id(after.headers) == after.id
