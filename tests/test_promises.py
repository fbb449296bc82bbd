"""Each promise in `tests.promises` is held by a test, and each test names promises from that list."""

from __future__ import annotations

from tests.promises import PROMISES, marked_tests

ALL = {promise for promises in PROMISES.values() for promise in promises}


def test_each_promise_has_a_test() -> None:
    assert ALL - marked_tests().keys() == set()


def test_no_test_names_an_unknown_promise() -> None:
    assert marked_tests().keys() - ALL == set()


def test_no_promise_is_listed_twice() -> None:
    assert len(ALL) == sum(map(len, PROMISES.values()))
