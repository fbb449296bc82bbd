"""Nobody can fill the log: what one visitor can cause at will is sampled; what an operator or auditor needs is not."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ory_auth import events
from ory_auth.events import Event, log
from ory_auth.local import LocalOry
from tests.support.client import DualClient
from tests.support.ory import Ory

pytestmark = pytest.mark.django_db

MANY = 25
Records = Callable[[str], list[Any]]


@pytest.fixture(autouse=True)
def _few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_LINES", 10)


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Records:
    """What was logged of one event so far."""
    caplog.set_level(logging.INFO, "ory_auth")
    return lambda event: [r for r in caplog.records if vars(r).get("ory_event") == event]


def malformed(web: DualClient, number: int) -> None:
    web.get("/who", headers={"X-Session-Token": f"{number}\x00"})


def multi_credential(web: DualClient, number: int) -> None:
    web.get("/who", headers={"X-Session-Token": f"{number}\x00", "Authorization": f"Bearer ory_st_{number}"})


def bad_return_to(web: DualClient, number: int) -> None:
    web.get(f"/auth/login?next=https://evil.example/{number}")


def session_gone(web: DualClient, number: int) -> None:
    web.get("/who", headers={"X-Session-Token": f"ory_st_{number}"})


CAUSES = [malformed, multi_credential, bad_return_to, session_gone]


@pytest.mark.promise("A visitor cannot fill the log")
@pytest.mark.parametrize("cause", CAUSES)
def test_visitors_cannot_fill_the_log(
    ory: Ory,
    web: DualClient,
    records: Records,
    monkeypatch: pytest.MonkeyPatch,
    cause: Callable[[DualClient, int], None],
) -> None:
    event = cause.__name__
    for number in range(MANY):
        cause(web, number)
    assert len(records(event)) == events.MAX_LINES
    monkeypatch.setattr(events, "WINDOW_SECONDS", 0.0)  # over; each line begins another one
    cause(web, MANY)
    cause(web, MANY + 1)
    *_, late, last = records(event)
    assert late.ory_facts["suppressed"] == MANY - events.MAX_LINES
    assert late.getMessage().endswith(f" suppressed={MANY - events.MAX_LINES}")
    assert "suppressed" not in last.ory_facts


def test_each_event_is_sampled_separately(ory: Ory, web: DualClient, records: Records) -> None:
    for number in range(MANY):
        malformed(web, number)
    bad_return_to(web, 0)
    assert len(records("bad_return_to")) == 1


def test_every_sign_out_of_a_user_is_logged(ory: Ory, web: DualClient, records: Records) -> None:
    person = ory.person()
    for _ in range(events.MAX_LINES + 2):
        web.post("/auth/logout", headers=person.app_session().headers)
    assert len(records("logout")) == events.MAX_LINES + 2


def test_sign_outs_of_unknown_credentials_are_sampled(
    ory: Ory, local_ory: LocalOry, web: DualClient, records: Records
) -> None:
    with local_ory.failing(500):
        for number in range(MANY):
            web.post("/auth/logout", headers={"X-Session-Token": f"ory_st_{number}"})
    assert 0 < len(records("logout")) <= events.MAX_LINES


def test_every_503_is_logged(ory: Ory, local_ory: LocalOry, web: DualClient, caplog: pytest.LogCaptureFixture) -> None:
    token = ory.person().app_session().headers
    with local_ory.failing(500):
        for _ in range(events.MAX_LINES + 5):
            assert web.get("/who", headers=token).status_code == 503
    errors = Counter(r.levelname for r in caplog.records if r.name == "ory_auth")
    assert errors["ERROR"] >= events.MAX_LINES + 5


def test_threads_share_the_count(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: log(Event.MALFORMED, kind="token"), range(400)))
    assert len(records("malformed")) == events.MAX_LINES
    monkeypatch.setattr(events, "WINDOW_SECONDS", 0.0)
    log(Event.MALFORMED, kind="token")
    assert records("malformed")[-1].ory_facts["suppressed"] == 400 - events.MAX_LINES


# --- what error collectors group by


def test_each_event_has_its_own_template(records: Records) -> None:
    templates = {}
    for event in Event:
        log(event)
        log(event, status=500, error="OSError")
        templates[event] = {record.msg for record in records(event)}
    assert all(len(found) == 1 for found in templates.values())
    assert len({template for (template,) in templates.values()}) == len(Event)


def test_the_fields_are_in_the_message_and_in_extra(web: DualClient, ory: Ory, records: Records) -> None:
    session_gone(web, 1)
    [record] = records("session_gone")
    assert record.msg.startswith("session_gone")
    assert record.ory_facts.keys() >= {"kind", "credential", "ms"}
    for name, value in record.ory_facts.items():
        assert f" {name}={value}" in record.getMessage()


def test_a_handler_that_logs_an_event_itself_does_not_hang(ory: Ory, web: DualClient, records: Records) -> None:
    """No lock of the sampling is held while a line is written."""

    class Asks(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() != "malformed nested=1":
                log(Event.MALFORMED, nested=1)

    handler = Asks()
    logging.getLogger("ory_auth").addHandler(handler)
    try:
        malformed(web, 0)
    finally:
        logging.getLogger("ory_auth").removeHandler(handler)
    assert len(records("malformed")) == 2
