"""Ory's clock, faults and strict mode."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client

from ory_auth.testing import Ory, OryLogin
from tests.support.ory import send

MakeFault = Callable[[Ory], AbstractContextManager[None]]

# --- the clock


def test_a_session_expires(ory: Ory, client: Client, ory_login: OryLogin) -> None:
    ory_login(client)
    ory.clock.move(hours=23)
    assert client.get("/guarded").status_code == 200
    ory.clock.move(hours=2)
    assert client.get("/guarded").status_code == 302


def test_a_sign_in_becomes_too_old_for_max_age(ory: Ory, client: Client, ory_login: OryLogin) -> None:
    ory_login(client)
    assert client.get("/recent").status_code == 200
    with ory.clock.move(minutes=16):
        assert client.get("/recent").status_code == 302
    assert client.get("/recent").status_code == 200


def test_a_frozen_clock_always_shows_the_same_time(ory: Ory) -> None:
    moment = datetime(2031, 5, 7, tzinfo=UTC)
    with ory.clock.freeze(moment):
        assert ory.clock.time() == ory.clock.time() == moment
        ory.clock.move(1.5)
        assert ory.clock.time() == moment + timedelta(seconds=1.5)
    assert timedelta(seconds=1) < ory.clock.time() - datetime.now(UTC) < timedelta(minutes=1)


def authenticated_at(client: Client) -> datetime:
    request: Any = client.get("/who").wsgi_request
    at: datetime = request.ory_session.authenticated_at
    return at


def test_sessions_do_not_age_while_the_clock_is_frozen(ory: Ory, client: Client, ory_login: OryLogin) -> None:
    ory.clock.freeze()
    signed_in = ory_login(client)
    assert authenticated_at(client) == ory.clock.time()
    signed_in.sign_in_again()
    assert authenticated_at(client) == ory.clock.time()


def test_each_test_begins_with_the_real_time(ory: Ory) -> None:
    """The previous tests have moved and frozen the clock."""
    assert abs(ory.clock.time() - datetime.now(UTC)) < timedelta(minutes=1)
    before = ory.clock.now()
    time.sleep(0.001)
    assert ory.clock.now() > before


# --- faults

FAULTS: list[MakeFault] = [
    Ory.failing,
    lambda ory: ory.failing(500),
    lambda ory: ory.failing(429),
    Ory.stopped,
    lambda ory: ory.slow(0.3),
]


@pytest.mark.parametrize("make_fault", FAULTS, ids=["503", "500", "429", "stopped", "slow"])
def test_an_outage_is_503_and_leaves_nothing_behind(
    ory: Ory, client: Client, ory_login: OryLogin, settings: Any, make_fault: MakeFault
) -> None:
    settings.ORY_AUTH = {**settings.ORY_AUTH, "TIMEOUT": 0.1}
    ory_login(client)
    with make_fault(ory):
        statuses = [client.get("/guarded").status_code for _ in range(7)]  # enough to open the circuit breaker
    settings.ORY_AUTH = {**settings.ORY_AUTH, "TIMEOUT": 3}
    assert statuses == [503] * 7
    assert client.get("/guarded").status_code == 200


def test_a_fault_can_affect_a_single_path(ory: Ory, client: Client, ory_login: OryLogin) -> None:
    ory_login(client)
    with ory.failing(path="/self-service"):
        assert client.get("/guarded").status_code == 200


def test_a_page_that_does_not_use_the_user_works_in_an_outage(ory: Ory, client: Client, ory_login: OryLogin) -> None:
    ory_login(client)
    with ory.stopped():
        assert client.get("/silent").status_code == 200
    assert ory.calls == []


# --- strict mode


def admin_headers() -> dict[str, str]:
    return {"Authorization": f"Bearer {django_settings.ORY_AUTH['API_KEY']}"}


def test_strict_mode_accepts_the_requests_of_this_package(ory: Ory, client: Client, ory_login: OryLogin) -> None:
    with ory.strict():
        signed_in = ory_login(client)
        client.cookies["sessionid"] = "x"
        assert client.get("/guarded").status_code == 200
        assert client.get("/who", headers=signed_in.headers).status_code == 200
        assert client.post("/auth/logout").status_code == 302
        assert send("GET", f"{ory.admin_url}/admin/identities", headers=admin_headers()).status == 200
        assert send("GET", f"{ory.public_url}/health/ready").status == 200
    assert "DELETE /sessions" not in ory.calls


VIOLATIONS = [
    ("admin_url", "/admin/identities", {}, 401, "API key"),
    ("admin_url", "/sessions/whoami", {}, 404, "admin port"),
    ("public_url", "/admin/identities", {}, 404, "public port"),
    (
        "public_url",
        "/sessions/whoami",
        {"Cookie": "ory_kratos_session=a", "X-Session-Token": "b"},
        400,
        "more than one",
    ),
    ("public_url", "/sessions/whoami", {"Cookie": "ory_kratos_session=a; sessionid=b"}, 400, "sessionid"),
]


@pytest.mark.parametrize(("base", "path", "headers", "status", "why"), VIOLATIONS, ids=[row[-1] for row in VIOLATIONS])
def test_strict_mode_refuses_and_reports_wrong_requests(
    ory: Ory, base: str, path: str, headers: dict[str, str], status: int, why: str
) -> None:
    with pytest.raises(AssertionError, match=f"GET {path}: .*{why}"), ory.strict():
        assert send("GET", getattr(ory, base) + path, headers=headers).status == status
    assert send("GET", getattr(ory, base) + path, headers=headers).status != status or status == 401


def test_a_browser_may_send_the_cookies_of_its_host(ory: Ory) -> None:
    with ory.strict():
        headers = {"Accept": "text/html", "Cookie": "sessionid=b"}
        assert send("GET", f"{ory.public_url}/self-service/login/browser", headers=headers).status == 303


def test_a_failure_of_the_test_itself_comes_first(ory: Ory) -> None:
    def failing_test() -> None:
        with ory.strict():
            send("GET", f"{ory.admin_url}/admin/identities")
            raise KeyError("what the test is about")

    with pytest.raises(KeyError):
        failing_test()
