"""While Ory is down for everybody, nobody waits for it; one credential alone cannot bring that about."""

from __future__ import annotations

import time

import pytest

from ory_auth.local import LocalOry
from ory_auth.sessions import circuit_breaker
from tests.support.client import DualClient
from tests.support.logs import event_ids
from tests.support.ory import Ory, Session, unknown_token
from tests.support.types import ChangeSettings

pytestmark = pytest.mark.usefixtures("local_ory")


@pytest.fixture
def ada(ory: Ory, web: DualClient, ory_auth: ChangeSettings) -> Session:
    """Somebody who was good a moment ago, and is asked about every time."""
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().app_session()
    assert web.get("/session", headers=session.headers).status_code == 200
    return session


def ask(web: DualClient, session: Session, times: int) -> list[int]:
    return [web.get("/session", headers=session.headers).status_code for _ in range(times)]


@pytest.mark.promise("While the circuit breaker is open, no request waits for Ory")
def test_requests_fail_at_once_after_repeated_failures(
    ory: Ory,
    web: DualClient,
    ada: Session,
    ory_auth: ChangeSettings,
    local_ory: LocalOry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0, TIMEOUT=0.3)
    ask(web, ada, 1)
    with local_ory.slow(5):
        ask(web, ada, circuit_breaker.MAX_FAILURES)
        asked = len(ory.requests_to())
        assert ask(web, ada, 3) == [503] * 3
        assert len(ory.requests_to()) == asked
    assert "breaker_open" in event_ids(caplog)


@pytest.mark.promise("While the circuit breaker is open, no request waits for Ory")
def test_a_503_of_the_breaker_has_retry_after(web: DualClient, ada: Session, local_ory: LocalOry) -> None:
    with local_ory.failing(500):
        ask(web, ada, circuit_breaker.MAX_FAILURES)
        responses = [
            web.get("/session", headers=ada.headers) for _ in range(3)
        ]  # one of them a second is not sent away
        assert "1" in [response["Retry-After"] for response in responses]


def test_an_outage_is_logged_for_every_request(
    web: DualClient, ada: Session, local_ory: LocalOry, caplog: pytest.LogCaptureFixture
) -> None:
    with local_ory.failing(500):
        ask(web, ada, circuit_breaker.MAX_FAILURES + 2)
    assert [event for event in event_ids(caplog) if event in {"unavailable", "not_ready"}] == (
        ["unavailable"] * circuit_breaker.MAX_FAILURES + ["not_ready", "unavailable"]
    )


def test_users_are_back_soon_after_ory_is(
    ory: Ory, web: DualClient, ada: Session, local_ory: LocalOry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "ory_auth")
    with local_ory.stopped():
        ask(web, ada, circuit_breaker.MAX_FAILURES + 1)
    time.sleep(circuit_breaker.PROBE_INTERVAL)
    assert ask(web, ada, 2) == [200, 200]
    assert event_ids(caplog)[-1] == "breaker_closed"


def test_it_stays_open_while_ory_is_not_ready(ory: Ory, web: DualClient, ada: Session, local_ory: LocalOry) -> None:
    with local_ory.failing(500):
        ask(web, ada, circuit_breaker.MAX_FAILURES)
    with local_ory.failing(503, path="/health"):
        time.sleep(circuit_breaker.PROBE_INTERVAL)
        assert ask(web, ada, 2) == [503, 503]
    time.sleep(circuit_breaker.PROBE_INTERVAL)
    assert ask(web, ada, 1) == [200]


@pytest.mark.promise("No credential can open the circuit breaker")
def test_unknown_credentials_cannot_open_it(web: DualClient, ada: Session, local_ory: LocalOry) -> None:
    with local_ory.failing(500, path="/sessions/whoami"):
        for _ in range(circuit_breaker.MAX_FAILURES + 3):
            web.get("/session", headers=unknown_token())
    assert ask(web, ada, 1) == [200]


def test_a_response_resets_the_count(web: DualClient, ada: Session, local_ory: LocalOry) -> None:
    for _ in range(3):
        with local_ory.failing(500):
            ask(web, ada, circuit_breaker.MAX_FAILURES - 1)
        assert ask(web, ada, 1) == [200]


def test_a_429_does_not_open_it(
    web: DualClient, ada: Session, local_ory: LocalOry, caplog: pytest.LogCaptureFixture
) -> None:
    with local_ory.failing(429, {"Retry-After": "1"}):
        ask(web, ada, circuit_breaker.MAX_FAILURES + 2)
    assert "breaker_open" not in event_ids(caplog)


def test_refused_connections_of_unknown_credentials_open_it_too(
    web: DualClient, ory: Ory, ory_auth: ChangeSettings, local_ory: LocalOry, caplog: pytest.LogCaptureFixture
) -> None:
    with local_ory.stopped():
        for _ in range(circuit_breaker.MAX_FAILURES):
            web.get("/session", headers=unknown_token())
    assert "breaker_open" in event_ids(caplog)


def test_cached_sessions_count_while_it_is_open(
    ory: Ory, web: DualClient, ada: Session, local_ory: LocalOry, ory_auth: ChangeSettings
) -> None:
    with local_ory.failing(500):
        ask(web, ada, circuit_breaker.MAX_FAILURES)
    time.sleep(circuit_breaker.PROBE_INTERVAL)
    ory_auth(SESSION_CACHE_SECONDS=60)
    assert ask(web, ada, 1) == [200]
    with local_ory.stopped():
        assert ask(web, ada, 3) == [200] * 3


def test_views_that_do_not_read_the_user_are_unaffected(web: DualClient, ada: Session, local_ory: LocalOry) -> None:
    with local_ory.failing(500):
        ask(web, ada, circuit_breaker.MAX_FAILURES)
        assert web.get("/silent", headers=ada.headers).status_code == 200
