"""What one person, program or visitor does to Ory, or makes Ory do, is no trouble for anybody else."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import anyio
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from ory_auth.local import LocalOry
from ory_auth.local.http.faults import Fault
from ory_auth.sessions import circuit_breaker, fetch, rate_limit
from ory_auth.sessions.rate_limit import Rate
from ory_auth.sessions.services import reset_services
from tests.support.client import DualClient
from tests.support.logs import event_ids
from tests.support.ory import WHOAMI, Ory, Session
from tests.support.types import ChangeSettings

pytestmark = pytest.mark.usefixtures("local_ory")
MANY = circuit_breaker.MAX_FAILURES + 3


@pytest.fixture(autouse=True)
def ask_every_time(ory: Ory, ory_auth: ChangeSettings) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)


@pytest.fixture
def ada(ory: Ory, web: DualClient) -> Session:
    return signed_in(ory, web)


@pytest.fixture
def mallory(ory: Ory, web: DualClient) -> Session:
    """Somebody with an ordinary account."""
    return signed_in(ory, web)


def signed_in(ory: Ory, web: DualClient) -> Session:
    session = ory.person().app_session()
    assert status(web, session) == 200
    return session


def status(web: DualClient, session: Session, path: str = "/session") -> int:
    return web.get(path, headers=session.headers).status_code


@pytest.fixture
def answering(local_ory: LocalOry) -> Iterator[Any]:
    """Make Ory answer so, but for one token only."""

    def response(
        token: str, code: int, body: bytes = b"{}", headers: dict[str, str] | None = None, wait: float = 0
    ) -> None:
        async def respond(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
            if dict(scope["headers"]).get(b"x-session-token", b"").decode() != token:
                await app(scope, receive, send)
                return
            if wait:
                await anyio.sleep(wait)
            headers = [(b"content-length", str(len(body)).encode())]
            await send({"type": "http.response.start", "status": code, "headers": headers})
            await send({"type": "http.response.body", "body": body})

        local_ory.faults.append(Fault(WHOAMI, respond))

    yield response
    local_ory.faults.clear()


TROUBLE = {
    "500": (500, b"{}"),
    "502 of a gateway": (502, b"<html>"),
    "a redirect": (302, b""),
    "too big": (200, b'{"id":"' + b"x" * 1_200_000 + b'"}'),
    "nested arrays": (200, b"[" * 3000 + b"]" * 3000),
    "a number of 5,000 digits": (200, b'{"id":' + b"9" * 5000 + b"}"),
    "no session": (200, b"{}"),
    "half a response": (200, b'{"id":'),
    "400": (400, b"{}"),
    "431": (431, b"{}"),
}


@pytest.mark.promise("No credential can open the circuit breaker")
@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_an_error_response_for_one_person_affects_only_them(
    web: DualClient,
    ada: Session,
    mallory: Session,
    answering: Any,
    caplog: pytest.LogCaptureFixture,
    trouble: tuple[int, bytes],
) -> None:
    answering(mallory.token, *trouble)
    assert [status(web, mallory) for _ in range(MANY)] == [503] * MANY
    assert status(web, ada) == 200
    assert "breaker_open" not in event_ids(caplog)


def test_a_slow_response_for_one_person_affects_only_them(
    web: DualClient,
    ada: Session,
    mallory: Session,
    answering: Any,
    ory_auth: ChangeSettings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0, TIMEOUT=0.2)
    signed = [status(web, ada), status(web, mallory)]
    assert signed == [200, 200]
    answering(mallory.token, 200, wait=5)
    assert [status(web, mallory) for _ in range(MANY)] == [503] * MANY
    assert status(web, ada) == 200
    assert "breaker_open" not in event_ids(caplog)


def test_an_unreadable_trait_affects_only_its_owner(ory: Ory, web: DualClient, ada: Session) -> None:
    """Saved through Ory's own settings, as anybody can whose schema has a string without a limit."""
    mallory = signed_in(ory, web)
    mallory.person.patch("/traits/email", "x" * 1_100_000 + "@example.org")
    assert [status(web, mallory) for _ in range(MANY)] == [503] * MANY
    assert status(web, ada) == 200


def test_the_fresh_views_of_one_person_take_two_connections_at_most(
    ory: Ory, web: DualClient, ada: Session, mallory: Session, ory_auth: ChangeSettings, answering: Any
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0, MAX_CONNECTIONS=3, TIMEOUT=2)
    assert [status(web, ada), status(web, mallory)] == [200, 200]
    answering(mallory.token, 500, wait=0.5)
    with ThreadPoolExecutor(12) as threads:
        busy = [threads.submit(status, DualClient(web.kind), mallory, "/fresh") for _ in range(10)]
        time.sleep(0.2)
        started = time.monotonic()
        assert status(web, ada) == 200
        assert time.monotonic() - started < 0.4
        assert {future.result() for future in busy} == {503}
    assert len([request for request in ory.requests_to() if mallory.token in str(request.headers)]) <= 6


@pytest.mark.django_db(transaction=True)
def test_a_fresh_view_is_answered_by_a_call_that_began_after_its_request(
    ory: Ory, web: DualClient, local_ory: LocalOry
) -> None:
    """Requests that wait for the running call share the next one."""
    session = ory.person().app_session()
    path = "/fresh" if web.kind == "wsgi" else "/afresh"
    assert status(web, session, path) == 200
    before = len(ory.requests_to())
    with local_ory.slow(0.3, WHOAMI), ThreadPoolExecutor(8) as threads:
        first = threads.submit(status, DualClient(web.kind), session, path)
        time.sleep(0.1)
        others = [threads.submit(status, DualClient(web.kind), session, path) for _ in range(6)]
        assert {future.result() for future in [first, *others]} == {200}
    assert len(ory.requests_to()) - before == 2


@pytest.mark.django_db(transaction=True)
def test_fresh_views_that_share_a_call_log_its_outcome_once(
    ory: Ory, web: DualClient, local_ory: LocalOry, caplog: pytest.LogCaptureFixture
) -> None:
    session = ory.person().app_session()
    path = "/fresh" if web.kind == "wsgi" else "/afresh"
    assert status(web, session, path) == 200
    session.revoke()
    caplog.set_level("INFO", "ory_auth")
    caplog.clear()
    with local_ory.slow(0.3, WHOAMI), ThreadPoolExecutor(8) as threads:
        first = threads.submit(status, DualClient(web.kind), session, path)
        time.sleep(0.1)
        others = [threads.submit(status, DualClient(web.kind), session, path) for _ in range(6)]
        assert {future.result() for future in [first, *others]} == {401}
    assert event_ids(caplog) == ["session_gone", "session_gone"]  # of the running call, and of the next one


@pytest.mark.promise("A large response is not cached")
def test_a_large_response_is_not_cached(ory: Ory, web: DualClient, ory_auth: ChangeSettings) -> None:
    """Otherwise each session of somebody with a megabyte of traits takes a megabyte of the shared cache."""
    ory_auth(SESSION_CACHE_SECONDS=60)
    small, large = ory.person().app_session(), ory.person().app_session()
    large.person.patch("/traits/email", "x" * fetch.MAX_CACHED_BODY + "@example.org")
    for session, calls in ((small, 1), (large, 2)):
        before = len(ory.requests_to())
        assert [status(web, session) for _ in range(2)] == [200, 200]
        assert len(ory.requests_to()) - before == calls


def test_callers_that_waited_too_long_for_a_connection_do_not_open_the_breaker(
    ory: Ory, web: DualClient, ory_auth: ChangeSettings, local_ory: LocalOry, caplog: pytest.LogCaptureFixture
) -> None:
    """A crowd of strangers at a slow Ory: those who get a connection late have no time left for its answer."""
    ory_auth(SESSION_CACHE_SECONDS=0, MAX_CONNECTIONS=2, TIMEOUT=2)
    ada = signed_in(ory, web)
    with local_ory.slow(0.8, WHOAMI), ThreadPoolExecutor(24) as threads:
        crowd = [threads.submit(web_status, web.kind, f"ory_st_{uuid.uuid4().hex}") for _ in range(24)]
        for _ in range(4):
            assert status(web, ada) == 200
        for future in crowd:
            future.result()
    assert "breaker_open" not in event_ids(caplog)
    assert "pool_full" in event_ids(caplog)


def web_status(kind: str, token: str) -> int:
    return DualClient(kind).get("/session", headers={"X-Session-Token": token}).status_code


# --- 429


ENDPOINTS = {
    "errors": ("/self-service/errors", lambda web: web.get(f"/auth/error?id={uuid.uuid4()}")),
    "flows": ("/self-service/login/flows", lambda web: web.get(f"/auth/login?flow={uuid.uuid4()}")),
    "logout": ("/self-service/logout", lambda web: web.post("/auth/logout", headers=web.mallory.headers)),
}


@pytest.mark.promise("A 429 for another endpoint does not stop lookups")
@pytest.mark.django_db
@pytest.mark.parametrize(("path", "visit"), ENDPOINTS.values(), ids=ENDPOINTS)
def test_a_429_for_other_calls_does_not_stop_lookups(
    web: DualClient, ada: Session, mallory: Session, local_ory: LocalOry, path: str, visit: Any
) -> None:
    web.mallory = mallory  # type: ignore[attr-defined]
    with local_ory.failing(429, {"Retry-After": "600"}, path=path):
        assert visit(web).status_code == 503
        assert status(web, ada) == 200
    assert int(visit(web).get("Retry-After", 600)) > 60


@pytest.mark.promise("A pause of lookups ends within a minute, whatever Ory says")
def test_a_pause_of_lookups_ends_within_a_minute_whatever_ory_says(
    web: DualClient, ada: Session, local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local_ory.failing(429, {"Retry-After": "100000"}, path=WHOAMI):
        assert status(web, ada) == 503
    monotonic = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + 70)
    assert status(web, ada) == 200


# --- pages that anybody may open


@pytest.mark.promise("Pages of flows are limited")
def test_the_pages_of_flows_have_a_limit_of_their_own(
    ory: Ory, web: DualClient, ada: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "PAGES", Rate(0.0, 8.0))
    reset_services()
    responses = Counter(web.get(f"/auth/error?id={uuid.uuid4()}").status_code for _ in range(12))
    assert responses[503] == 4
    assert len(ory.requests_to("/self-service/errors")) == 8
    assert status(web, ada) == 200


def test_a_browser_that_this_site_sent_to_ory_still_sees_its_flow(
    ory: Ory, web: DualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "PAGES", Rate(0.0, 1.0))
    reset_services()
    assert [web.get(f"/auth/login?flow={uuid.uuid4()}").status_code for _ in range(2)] == [404, 503]
    web.get("/auth/login")
    assert web.get(f"/auth/login?flow={uuid.uuid4()}").status_code == 404


def test_an_id_that_ory_cannot_have_created_uses_no_limit(
    ory: Ory, web: DualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "PAGES", Rate(0.0, 1.0))
    monkeypatch.setattr(rate_limit, "MARKED_PAGES", Rate(0.0, 1.0))
    reset_services()
    web.get("/auth/login")
    for _ in range(10):
        assert web.get("/auth/error?id=!").status_code == 400
    assert web.get(f"/auth/login?flow={uuid.uuid4()}").status_code == 404
    assert len(ory.requests_to("/self-service/login/flows")) == 1


def test_a_marker_never_makes_the_limit_stricter(ory: Ory, web: DualClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MARKED_PAGES", Rate(0.0, 0.0))
    reset_services()
    web.get("/auth/login")
    assert web.get(f"/auth/login?flow={uuid.uuid4()}").status_code == 404


@pytest.mark.promise("An id that Ory never makes is not sent to Ory")
@pytest.mark.parametrize("bad", ["../../admin/identities", "x" * 65, "a b", "a%0d%0aHost: evil", "é", ""])
def test_an_id_that_ory_cannot_have_created_is_not_sent(ory: Ory, web: DualClient, bad: str) -> None:
    assert web.get(f"/auth/login?{urlencode({'flow': bad})}").status_code == 404
    web.get(f"/auth/error?{urlencode({'id': bad})}")
    assert not ory.requests_to("/self-service/login/flows")
    assert not ory.requests_to("/self-service/errors")


def test_a_missing_flow_is_requested_rarely(ory: Ory, web: DualClient) -> None:
    flow = uuid.uuid4()
    assert [web.get(f"/auth/login?flow={flow}").status_code for _ in range(5)] == [404] * 5
    assert len(ory.requests_to("/self-service/login/flows")) == 1


@pytest.mark.django_db
def test_the_readiness_view_asks_ory_once_a_second(ory: Ory, web: DualClient) -> None:
    started = time.monotonic()
    assert {web.get("/auth/ready").status_code for _ in range(20)} == {200}
    assert len(ory.requests_to("/health/ready")) <= 2 + time.monotonic() - started


@pytest.mark.django_db
def test_pages_and_sign_outs_do_not_wait_while_ory_is_down(
    ory: Ory, web: DualClient, ada: Session, ory_auth: ChangeSettings, local_ory: LocalOry
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0, TIMEOUT=0.4)
    assert status(web, ada) == 200
    with local_ory.slow(5):
        for _ in range(circuit_breaker.MAX_FAILURES + 1):
            status(web, ada)
        started = time.monotonic()
        for path in (f"/auth/login?flow={uuid.uuid4()}", f"/auth/error?id={uuid.uuid4()}", "/auth/ready"):
            assert web.get(path).status_code == 503
        assert web.post("/auth/logout", headers=ada.headers).status_code == 503
        assert time.monotonic() - started < 1.5  # one of them may be the one that asks readiness


# --- stale sessions


@pytest.fixture
def stale(ory: Ory, ory_auth: ChangeSettings) -> None:
    ory_auth(SESSION_CACHE_SECONDS=1, STALE_IF_ERROR_SECONDS=600, REFUSED_CACHE_SECONDS=0)


def refused_by_ory(session: Session, how: str) -> None:
    match how:
        case "revoked":
            session.revoke()
        case "inactive":
            session.person.deactivate()


@pytest.mark.promise("A session that Ory refused is not used again in an outage")
@pytest.mark.parametrize("how", ["revoked", "inactive"])
def test_a_session_that_ory_refused_is_not_back_in_an_outage(
    ory: Ory, web: DualClient, stale: None, local_ory: LocalOry, how: str
) -> None:
    session = signed_in(ory, web)
    refused_by_ory(session, how)
    time.sleep(1.1)
    assert web.session_id(session.headers) is None
    with local_ory.failing(500):
        assert status(web, session) == 503
    reset_services()  # as another process that shares the cache
    with local_ory.failing(500):
        assert status(web, session) == 503


LIMITS = {
    "a limit of ours": (401, {}, b"{}"),
    "a limit of Ory's": (429, {"Retry-After": "1"}, b""),
    "a response that cannot be read": (200, {}, b"{}"),
    "a redirect": (302, {"Location": "/"}, b""),
    "a 4xx": (418, {}, b""),
}


@pytest.mark.promise("A stale session counts only while Ory is down")
@pytest.mark.parametrize("response", LIMITS.values(), ids=LIMITS)
def test_a_stale_session_counts_only_while_ory_is_down(
    ory: Ory, web: DualClient, stale: None, local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch, response: Any
) -> None:
    """Not because of a limit, nor of a response that one credential may cause: the holder of a stolen one would."""
    session = signed_in(ory, web)
    time.sleep(1.1)
    code, headers, body = response
    if code == 401:
        monkeypatch.setattr(rate_limit, "KNOWN_CREDENTIAL", Rate(0.0, 0.0))
        headers = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"}
        with local_ory.failing(401, headers, b"{}", WHOAMI):
            web.get("/session", headers={"X-Session-Token": "made up"})
        assert status(web, session) == 503
        return
    with local_ory.failing(code, headers, body, WHOAMI):
        assert status(web, session) == 503


def test_a_stale_session_counts_while_ory_is_down(ory: Ory, web: DualClient, stale: None, local_ory: LocalOry) -> None:
    session = signed_in(ory, web)
    time.sleep(1.1)
    with local_ory.failing(500):
        assert web.session_id(session.headers) == session.id
