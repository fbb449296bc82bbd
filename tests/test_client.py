"""Ory's HTTP is bounded: in time, in size, in calls at once, and in what it can make this side do."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import socket
import threading
import time
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from email.utils import formatdate
from itertools import count

import pytest
from asgiref.sync import async_to_sync
from django.http import JsonResponse
from django.test import AsyncClient
from django.urls import path

from ory_auth.decorators import ory_required

from .project import urls as project

WHOAMI = "/sessions/whoami"
SOMEBODY = {"Cookie": "ory_kratos_session=x"}
MEBIBYTE = 1024 * 1024

pytestmark = pytest.mark.urls(__name__)


@ory_required(fresh=True)
async def afresh(request):
    return JsonResponse({"session": str((await request.aory_session()).id)})


urlpatterns = [path("afresh", afresh), *project.urlpatterns]


@pytest.fixture
def silent_port():
    """A port that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


@pytest.fixture
def serving(ory_auth):
    """Point ``SDK_URL`` at a server that hands each connection, and its number, to a function."""
    server = socket.create_server(("127.0.0.1", 0))

    def handle(function, connection, number) -> None:
        with closing(connection), suppress(OSError):  # whoever has enough hangs up
            function(connection, number)

    def serve(function) -> None:
        with suppress(OSError):  # until it is closed
            for number in count():
                threading.Thread(target=handle, args=(function, server.accept()[0], number), daemon=True).start()

    def start(function) -> None:
        threading.Thread(target=serve, args=(function,), daemon=True).start()
        ory_auth(SDK_URL=f"http://127.0.0.1:{server.getsockname()[1]}", TIMEOUT=0.5)

    yield start
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def http(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def content_of(session) -> dict:
    return session.ory.public("GET", WHOAMI, headers=session.headers).json


def assert_unavailable_in_time(web, headers=SOMEBODY) -> None:
    web.get("/silent")  # which imports the project
    started = time.monotonic()
    assert web.get("/session", headers=headers).status_code == 503
    assert time.monotonic() - started < 1.5


# --- time


@pytest.mark.switches
@pytest.mark.parametrize(
    "fault",
    [
        lambda ory: ory.slow(5),
        lambda ory: ory.dripping(0.05, headers=True),
        lambda ory: ory.dripping(0.05),
    ],
    ids=["nothing", "dripping headers", "dripping body"],
)
def test_an_answer_that_does_not_come_in_time_is_unavailable(ory, web, switches, ory_auth, caplog, fault) -> None:
    ory_auth(TIMEOUT=0.3)
    session = ory.person().token()
    with fault(switches):
        assert_unavailable_in_time(web, headers=session.headers)
    assert [record.ory_event for record in caplog.records if record.name == "ory_auth"] == ["timeout"]


@pytest.mark.switches
@pytest.mark.parametrize("part", ["headers", "body"])
def test_a_call_that_was_given_up_makes_room_for_the_next(ory, web, switches, ory_auth, part) -> None:
    ory_auth(TIMEOUT=0.9, MAX_CONNECTIONS=1)
    ada, bob = ory.person().token(), ory.person().token()
    with switches.dripping(0.05, headers=part == "headers"):
        assert_unavailable_in_time(web, headers=ada.headers)
    for session in (bob, ada):
        assert web.get("/session", headers=session.headers).json()["session"] == session.id


def test_a_tls_handshake_that_hangs_is_unavailable(web, ory, ory_auth, silent_port) -> None:
    ory_auth(SDK_URL=f"https://127.0.0.1:{silent_port}", TIMEOUT=0.3)
    assert_unavailable_in_time(web)


@pytest.fixture
def hanging_dns(monkeypatch):
    asked, go_on = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> None:
        asked.set()
        go_on.wait(10)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield asked
    go_on.set()


def test_a_name_server_that_hangs_is_unavailable(web, ory, ory_auth, hanging_dns) -> None:
    ory_auth(SDK_URL="http://ory.example.test", TIMEOUT=0.3)
    assert_unavailable_in_time(web)
    assert hanging_dns.is_set()


def test_a_call_that_hangs_beyond_its_limit_holds_up_no_later_request(web, ory, ory_auth, monkeypatch) -> None:
    ory_auth(SDK_URL=ory.public_url.replace("127.0.0.1", "localhost"), TIMEOUT=0.5)
    session, go_on, names = ory.person().token(), threading.Event(), socket.getaddrinfo

    def hang_once(*given: object, **named: object) -> object:
        monkeypatch.setattr(socket, "getaddrinfo", names)
        go_on.wait(2)
        return names(*given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", hang_once)
    assert_unavailable_in_time(web, session.headers)
    assert web.get("/session", headers=session.headers).json()["session"] == session.id
    go_on.set()


@pytest.mark.switches
def test_a_sign_out_that_hangs_is_unavailable(ory, web, switches, ory_auth) -> None:
    ory_auth(TIMEOUT=0.3)
    session = ory.person().token()
    with switches.slow(5, "/self-service/logout"):
        started = time.monotonic()
        assert web.post("/auth/logout", headers=session.headers).status_code == 503
        assert time.monotonic() - started < 1.5


# --- no answer


@pytest.mark.switches
@pytest.mark.parametrize("fault", [lambda ory: ory.stopped(), lambda ory: ory.hang_up()], ids=["refused", "hang up"])
def test_no_answer_is_unavailable(web, switches, caplog, fault) -> None:
    with fault(switches):
        assert_unavailable_in_time(web)
    assert [record.ory_event for record in caplog.records if record.name == "ory_auth"] == ["unavailable"]


def test_a_server_without_tls_at_an_https_address_is_unavailable(web, ory, ory_auth) -> None:
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
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    "a header of 100 KiB": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 102_400 + b"\r\n\r\n{}",
    "1000 headers": b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 1000 + b"\r\n{}",
    "a status of five digits": b"HTTP/1.1 20000 OK\r\n\r\n{}",
}


@pytest.mark.parametrize("answer", NO_HTTP.values(), ids=NO_HTTP)
def test_an_answer_that_is_not_http_is_unavailable(ory, web, serving, answer) -> None:
    def say(connection, number) -> None:
        connection.recv(65536)
        connection.sendall(answer)

    serving(say)
    assert_unavailable_in_time(web)


@pytest.mark.switches
def test_connections_that_ory_has_closed_meanwhile_disturb_nobody(ory, web, switches) -> None:
    session = ory.person().token()
    assert web.get("/session", headers=session.headers).status_code == 200
    with switches.stopped():
        pass
    assert web.get("/session", headers=ory.person().token().headers).status_code == 200


def test_a_connection_that_ory_closes_just_as_it_is_used_disturbs_nobody(ory, web, serving) -> None:
    body = json.dumps(content_of(ory.person().token())).encode()

    def answer_once(connection, number) -> None:
        connection.recv(65536)
        connection.sendall(http(body))
        connection.recv(65536)  # the next request, which gets no answer

    serving(answer_once)
    for _ in range(3):
        assert web.get("/session", headers=SOMEBODY).status_code == 200


def test_a_connection_that_was_given_up_is_not_used_again(ory, web, serving) -> None:
    body = json.dumps(content_of(ory.person().token())).encode()

    def stop_half_way_at_first(connection, number) -> None:
        while connection.recv(65536):
            connection.sendall(http(body)[: None if number else -10])

    serving(stop_half_way_at_first)
    assert_unavailable_in_time(web)
    assert web.get("/session", headers=SOMEBODY).status_code == 200


# --- size


@pytest.mark.switches
@pytest.mark.parametrize(("size", "status"), [(MEBIBYTE, 200), (MEBIBYTE + 1, 503)])
@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_has_at_most_one_mebibyte(ory, web, switches, size, status, packed) -> None:
    session = ory.person().token()
    body = json.dumps(content_of(session)).encode().ljust(size)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    with switches.failing(200, headers, gzip.compress(body) if packed else body, WHOAMI):
        assert web.get("/session", headers=session.headers).status_code == status


@pytest.mark.switches
@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("GZIP", gzip.compress)]
)
def test_an_answer_may_be_packed(ory, web, switches, encoding, pack) -> None:
    session = ory.person().token()
    body = pack(json.dumps(content_of(session)).encode())
    with switches.failing(200, {"Content-Encoding": encoding}, body, WHOAMI):
        assert web.get("/session", headers=session.headers).json()["session"] == session.id


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """64 MiB in 64 KiB."""
    packer = zlib.compressobj(wbits=31)
    return b"".join([packer.compress(bytes(MEBIBYTE)) for _ in range(64)] + [packer.flush()])


@pytest.mark.switches
def test_a_gzip_bomb_is_cut_off(web, switches, caplog, bomb) -> None:
    web.get("/session")
    with switches.failing(200, {"Content-Encoding": "gzip"}, bomb, WHOAMI):
        tracemalloc.start()
        try:
            assert web.get("/session", headers=SOMEBODY).status_code == 503
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 8 * MEBIBYTE
    assert "answer_too_big status=200" in caplog.text


@pytest.mark.switches
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
def test_an_answer_that_is_badly_packed_is_unavailable(ory, web, switches, spoil) -> None:
    packed = gzip.compress(json.dumps(content_of(ory.person().token())).encode())
    with switches.failing(200, {"Content-Encoding": "gzip"}, spoil(packed), WHOAMI):
        assert web.get("/session", headers=SOMEBODY).status_code == 503


# --- redirects


@pytest.mark.switches
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_orys_is_not_followed(ory, web, switches, status) -> None:
    with switches.failing(status, {"Location": f"{ory.public_url}/version"}, path=WHOAMI):
        assert web.get("/session", headers=ory.person().token().headers).status_code == 503
    assert not ory.asked("/version")


# --- 429


def pause_in(answer) -> int:
    assert answer.status_code == 503
    return int(answer["Retry-After"])


@pytest.mark.switches
class TestAfter429:
    def limited(self, web, switches, **headers: str):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with switches.failing(429, named, path=WHOAMI):
            return web.get("/session", headers={"X-Session-Token": "somebody"})

    @pytest.mark.parametrize("name", ["Retry-After", "X-RateLimit-Reset"])
    @pytest.mark.parametrize("form", ["seconds", "date"])
    def test_nobody_asks_until_ory_allows_it(self, ory, web, switches, name, form) -> None:
        session = ory.person().token()
        until = "30" if form == "seconds" else formatdate(time.time() + 30, usegmt=True)
        self.limited(web, switches, **{name: until})
        assert 25 <= pause_in(web.get("/session", headers=session.headers)) <= 35
        assert len(ory.asked()) == 1

    def test_the_clients_are_told_when_to_come_back(self, web, switches) -> None:
        assert 30 <= pause_in(self.limited(web, switches, Retry_After="30")) <= 32

    @pytest.mark.parametrize("value", ["", "soon", "-5", "0", "Thu, 01 Jan 1970 00:00:00 GMT"])
    def test_without_a_time_the_pause_is_a_moment(self, web, switches, value) -> None:
        assert pause_in(self.limited(web, switches, Retry_After=value)) <= 2

    @pytest.mark.parametrize("value", ["999999999", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
    def test_no_pause_is_longer_than_ten_minutes(self, web, switches, value) -> None:
        assert pause_in(self.limited(web, switches, Retry_After=value)) <= 601
        assert pause_in(web.get("/session", headers=SOMEBODY)) <= 661

    def test_ory_is_asked_again_after_the_pause(self, ory, web, switches, monkeypatch) -> None:
        session = ory.person().token()
        self.limited(web, switches, Retry_After="30")
        monotonic = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: monotonic() + 40)
        assert web.get("/session", headers=session.headers).json()["session"] == session.id

    def test_what_is_cached_still_serves(self, ory, web, switches) -> None:
        session = ory.person().token()
        web.get("/session", headers=session.headers)
        self.limited(web, switches, Retry_After="30")
        assert web.get("/session", headers=session.headers).json()["session"] == session.id


# --- calls at once


@pytest.mark.switches
def test_calls_that_wait_for_a_connection_wait_a_bounded_time(web, switches, ory_auth, caplog) -> None:
    ory_auth(MAX_CONNECTIONS=1, TIMEOUT=0.3)

    def ask(number: int) -> None:
        assert_unavailable_in_time(web, headers={"X-Session-Token": f"somebody-{number}"})

    with switches.slow(5), ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(ask, number) for number in range(4)]
        assert web.get("/silent", headers=SOMEBODY).status_code == 200
        for future in waiting:
            future.result()


@pytest.mark.switches
def test_a_call_that_got_no_connection_in_time_says_so(web, switches, ory_auth, caplog) -> None:
    ory_auth(MAX_CONNECTIONS=1, TIMEOUT=0.4)
    with switches.slow(5), ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: web.get("/session", headers={"X-Session-Token": f"somebody-{n}"}), range(4)))
    events = [record.ory_event for record in caplog.records if record.name == "ory_auth"]
    assert set(events) == {"timeout", "pool_full"}


def begun(path: str, session) -> asyncio.Future:
    """A request under ASGI that others can overtake."""
    return asyncio.ensure_future(AsyncClient().get(path, headers=session.headers))


async def until_asked(ory) -> None:
    while not ory.asked():  # noqa: ASYNC110  (the local Ory runs in another thread)
        await asyncio.sleep(0.01)


@pytest.mark.switches
def test_requests_with_one_credential_at_once_ask_ory_once(ory, switches) -> None:
    session = ory.person().token()

    async def ask():
        return await asyncio.gather(*(begun("/asession", session) for _ in range(8)))

    with switches.slow(0.1):
        assert {answer.json()["session"] for answer in async_to_sync(ask)()} == {session.id}
    assert len(ory.asked()) == 1


@pytest.mark.switches
def test_threads_with_one_credential_at_once_ask_ory_once(ory, web, switches) -> None:
    session = ory.person().token()
    with switches.slow(0.2), ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: web.get("/session", headers=session.headers), range(6)))
    assert {answer.json()["session"] for answer in answers} == {session.id}
    assert len(ory.asked()) == 1


@pytest.mark.switches
@pytest.mark.django_db
def test_a_view_that_wants_it_fresh_joins_no_call_that_is_under_way(ory, switches) -> None:
    session = ory.person().token()

    async def ask() -> None:
        before = begun("/asession", session)
        await until_asked(ory)
        await asyncio.gather(before, begun("/afresh", session), begun("/afresh", session))

    with switches.slow(0.2):
        async_to_sync(ask)()
    assert len(ory.asked()) == 3


@pytest.mark.switches
@pytest.mark.parametrize("waiting", [False, True], ids=["under way", "waiting for a connection"])
def test_a_request_that_is_cancelled_takes_nothing_from_the_others(ory, switches, ory_auth, waiting) -> None:
    ory_auth(MAX_CONNECTIONS=1)
    session, other = ory.person().token(), ory.person().token()

    async def ask():
        before = [begun("/asession", other)] if waiting else []
        first, second = begun("/asession", session), begun("/asession", session)
        await until_asked(ory)
        first.cancel()
        await asyncio.gather(*before)
        return await second

    with switches.slow(0.1):
        assert async_to_sync(ask)().json()["session"] == session.id
    assert len(ory.asked()) == 1 + waiting


# --- processes


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_process_that_was_forked_makes_its_own_calls(ory, web) -> None:
    before, own, after = (ory.person().token() for _ in range(3))
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
    assert web.get("/session", headers=after.headers).json()["session"] == after.id
