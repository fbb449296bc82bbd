"""One call at a time for each key: which requests share a call, and when the next one begins."""

from __future__ import annotations

import gc
import weakref

import pytest

from ory_auth.sessions import single_flight
from ory_auth.sessions.single_flight import Role, SingleFlight


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(single_flight, "time", clock)
    return clock


@pytest.fixture
def lookups(clock: Clock) -> SingleFlight[str]:
    return SingleFlight(5)


def test_requests_join_the_running_call(lookups: SingleFlight[str]) -> None:
    assert lookups.join("a", fresh=False) is None
    call, role = lookups.join_or_start("a", fresh=False)
    assert role is Role.MAKE
    assert lookups.join("a", fresh=False) is call
    assert lookups.join_or_start("a", fresh=False) == (call, Role.WAIT)
    assert lookups.join("b", fresh=False) is None
    lookups.finish("a", call, "result", fresh=False)
    assert call.future.result() == "result"
    assert lookups.join("a", fresh=False) is None


def test_a_fresh_request_never_joins_a_running_call(lookups: SingleFlight[str]) -> None:
    lookups.join_or_start("a", fresh=False)
    first, role = lookups.join_or_start("a", fresh=True)
    assert role is Role.MAKE
    assert lookups.join("a", fresh=True) is None
    following, role = lookups.join_or_start("a", fresh=True)
    assert role is Role.MAKE_NEXT
    assert following.previous is first
    assert lookups.join("a", fresh=True) is following
    assert lookups.join_or_start("a", fresh=True) == (following, Role.WAIT)


def test_the_next_call_begins_with_its_own_time_limit_and_is_then_the_running_one(
    lookups: SingleFlight[str], clock: Clock
) -> None:
    first, _ = lookups.join_or_start("a", fresh=True)
    second, _ = lookups.join_or_start("a", fresh=True)
    clock.now += 4
    lookups.finish("a", first, "first", fresh=True)
    lookups.start_next("a", second)
    clock.now += 4
    assert lookups.join("a", fresh=True) is None
    third, role = lookups.join_or_start("a", fresh=True)
    assert role is Role.MAKE_NEXT
    assert third.previous is second


def test_a_call_past_its_time_limit_is_not_joined_and_does_not_end_a_newer_one(
    lookups: SingleFlight[str], clock: Clock
) -> None:
    stuck, _ = lookups.join_or_start("a", fresh=False)
    clock.now += 5
    assert lookups.join("a", fresh=False) is None
    newer, role = lookups.join_or_start("a", fresh=False)
    assert role is Role.MAKE
    lookups.finish("a", stuck, "late", fresh=False)
    assert lookups.join("a", fresh=False) is newer


def test_a_chain_of_calls_does_not_keep_the_earlier_ones(lookups: SingleFlight[str]) -> None:
    call, _ = lookups.join_or_start("a", fresh=True)
    first = weakref.ref(call.future)
    gc.disable()
    try:
        for _ in range(3):
            following, _ = lookups.join_or_start("a", fresh=True)
            lookups.finish("a", call, "result", fresh=True)
            lookups.start_next("a", following)
            call = following
        assert first() is None
    finally:
        gc.enable()


def test_a_call_has_finished_recently_for_a_second(lookups: SingleFlight[str]) -> None:
    call, _ = lookups.join_or_start("a", fresh=False)
    assert not lookups.finished_recently("a")
    lookups.finish("a", call, "result", fresh=False)
    assert lookups.finished_recently("a")
    assert not lookups.finished_recently("b")
