"""Credentials that were never good: they have a budget of their own, and known people do not notice."""

from __future__ import annotations

import logging
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import caches

from ory_auth import budget, flights
from ory_auth.local import LocalOry
from tests.conftest import Web
from tests.kinds import ChangeSettings
from tests.ories import Ory
from tests.seen import events

pytestmark = pytest.mark.switches


@pytest.fixture(autouse=True)
def small(ory: Ory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets that a test can use up; nothing comes back while it runs."""
    monkeypatch.setattr(budget, "REFUSALS", (0.0, 20.0))
    monkeypatch.setattr(budget, "REFUSALS_BY_ADDRESS", (0.0, 5.0))


def made_up() -> dict[str, str]:
    return {"X-Session-Token": f"ory_st_{uuid.uuid4().hex}"}


def status(web: Web, headers: dict[str, str], address: str = "192.0.2.1") -> int:
    """What a page that asks answers: 200 also where nobody is signed in."""
    return web.get("/session", headers=headers, REMOTE_ADDR=address).status_code


def session_seen(web: Web, headers: dict[str, str], address: str = "192.0.2.1") -> str | None:
    """Whose session the page shows, asked from the address that the flood comes from."""
    seen: str | None = web.get("/session", headers=headers, REMOTE_ADDR=address).json()["session"]
    return seen


def flood(web: Web, number: int, address: str = "192.0.2.1") -> list[int]:
    return [status(web, made_up(), address) for _ in range(number)]


@pytest.fixture
def web() -> Web:
    """Addresses can be chosen under WSGI; who waits for whom is the same under ASGI."""
    return Web("wsgi")


def test_after_some_refusals_one_address_gets_503(ory: Ory, web: Web, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ory_auth")
    assert flood(web, 8) == [200] * 5 + [503] * 3
    assert len(ory.asked()) == 5
    assert events(caplog)[-3:] == ["flood"] * 3


def test_another_address_is_not_disturbed(web: Web) -> None:
    flood(web, 8, "192.0.2.1")
    assert flood(web, 5, "192.0.2.2") == [200] * 5


def test_all_addresses_together_have_a_budget(ory: Ory, web: Web) -> None:
    answers = [status(web, made_up(), f"192.0.2.{number}") for number in range(30)]
    assert (answers.count(200), answers.count(503)) == (20, 10)
    assert len(ory.asked()) == 20


def test_a_client_has_one_budget_for_its_whole_ipv6_network(web: Web) -> None:
    answers = [status(web, made_up(), f"2001:db8:0:1::{number:x}") for number in range(1, 9)]
    assert answers == [200] * 5 + [503] * 3
    assert status(web, made_up(), "2001:db8:0:2::1") == 200


def test_people_who_sign_in_use_nothing_up(ory: Ory, web: Web) -> None:
    sessions = [ory.person().token() for _ in range(8)]
    assert [status(web, session.headers) for session in sessions] == [200] * 8
    assert flood(web, 6) == [200] * 5 + [503]


def test_an_outage_uses_nothing_up(web: Web, switches: LocalOry) -> None:
    with switches.failing(500):
        assert flood(web, 8) == [503] * 8
    assert flood(web, 5) == [200] * 5


def test_who_was_good_before_is_looked_up_in_a_flood(
    ory: Ory, web: Web, switches: LocalOry, ory_auth: ChangeSettings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().token()
    status(web, session.headers)
    flood(web, 8)
    assert session_seen(web, session.headers) == session.id


def test_who_was_good_in_another_process_is_looked_up_in_a_flood(ory: Ory, web: Web, ory_auth: ChangeSettings) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().token()
    status(web, session.headers)
    flights.forget()
    flood(web, 8)
    assert session_seen(web, session.headers) == session.id


def test_whom_a_process_knows_from_the_cache_is_looked_up_in_a_flood(
    ory: Ory, web: Web, ory_auth: ChangeSettings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    session = ory.person().token()
    status(web, session.headers)
    flights.forget()
    status(web, session.headers)
    caches["default"].clear()
    flood(web, 8)
    assert session_seen(web, session.headers) == session.id


def test_whoever_is_refused_is_known_no_more(ory: Ory, web: Web, ory_auth: ChangeSettings) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().token()
    status(web, session.headers)
    session.revoke()
    status(web, session.headers)
    flood(web, 8)
    assert status(web, session.headers) == 503


@pytest.mark.django_db
def test_in_a_flood_everybody_may_sign_out(ory: Ory, web: Web) -> None:
    session = ory.person().token()
    flood(web, 8)
    assert web.post("/auth/logout", headers=session.headers, REMOTE_ADDR="192.0.2.1").status_code == 204
    assert ory.public("GET", "/sessions/whoami", headers=session.headers).status == 401


@pytest.mark.django_db
def test_in_a_flood_a_sign_out_ends_the_session_under_every_form_of_its_credential(
    ory: Ory, web: Web, ory_auth: ChangeSettings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    session = ory.person().token()
    bearer = {"Authorization": f"Bearer {session.token}"}
    assert session_seen(web, bearer) == session.id
    flood(web, 8)
    web.post("/auth/logout", headers=session.headers, REMOTE_ADDR="192.0.2.1")
    assert session_seen(web, bearer) is None


def test_the_budget_shrinks_as_orys_rate_is_used_up(ory: Ory, web: Web, switches: LocalOry) -> None:
    half = {"x-ratelimit-limit": "100, 100;w=60", "x-ratelimit-remaining": "50", "x-ratelimit-reset": "60"}
    with switches.failing(401, half, b"{}", "/sessions/whoami"):
        assert flood(web, 3) == [200, 503, 503]


def test_what_is_left_of_orys_rate_counts_until_it_is_reset(ory: Ory, web: Web, switches: LocalOry) -> None:
    used_up = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "0"}
    with switches.failing(401, used_up, b"{}", "/sessions/whoami"):
        assert flood(web, 2) == [200, 503]
    time.sleep(1.1)
    assert flood(web, 1) == [200]


@pytest.mark.parametrize("value", ["", "soon", "-1", "1e9"])
def test_a_rate_that_is_no_number_changes_nothing(web: Web, switches: LocalOry, value: str) -> None:
    headers = {"x-ratelimit-limit": value, "x-ratelimit-remaining": value}
    with switches.failing(401, headers, b"{}", "/sessions/whoami"):
        assert flood(web, 5) == [200] * 5


def test_strangers_leave_connections_to_people_who_are_known(
    ory: Ory, switches: LocalOry, ory_auth: ChangeSettings
) -> None:
    ory_auth(MAX_CONNECTIONS=4, SESSION_CACHE_SECONDS=0, TIMEOUT=2)
    session = ory.person().token()
    Web("wsgi").get("/session", headers=session.headers)
    with switches.slow(1.0, "/sessions/whoami"), ThreadPoolExecutor(5) as threads:
        strangers = [threads.submit(flood, Web("wsgi"), 1) for _ in range(4)]
        time.sleep(0.4)  # three strangers have a connection each, and one waits
        known = threads.submit(status, Web("wsgi"), session.headers)
        assert known.result(1.9) == 200
        assert sum(stranger.done() for stranger in strangers) < 4


def test_the_address_is_in_no_log(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    flood(web, 8, "192.0.2.77")
    assert "192.0.2.77" not in "".join(record.getMessage() for record in caplog.records if record.name == "ory_auth")


def test_made_up_credentials_make_no_users(ory: Ory, web: Web, db: None) -> None:
    flood(web, 8)
    assert not get_user_model().objects.exists()
