"""The local Ory answers as Kratos 26.2.0 did."""

from __future__ import annotations

import pytest

from ory_auth.local import LocalOry

from .replay import CONTRACT, Walk
from .scenarios import SCENARIOS


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_answers_have_the_shape_of_the_recorded_ones(local_ory: LocalOry, scenario: str) -> None:
    walk = Walk(local_ory, scenario)
    SCENARIOS[scenario](walk)
    walk.finish()


def test_every_recorded_scenario_is_walked() -> None:
    assert {path.stem for path in CONTRACT.glob("*.json")} == set(SCENARIOS)


class TestTheComparison:
    """It would be worth nothing if it could not fail."""

    def test_sees_another_status_a_missing_header_and_another_body(self, local_ory: LocalOry) -> None:
        walk = Walk(local_ory, "whoami_caching_off")
        with local_ory.failing(status=500, headers={"Content-Type": "application/json"}, body=b'{"id": "x"}'):
            walk("cookie")
        seen = "\n".join(walk.differences)
        assert "cookie: status 500, recorded 200" in seen
        assert "cookie: headers.vary is '(absent)', recorded 'Cookie'" in seen
        assert "cookie: body.identity is '(absent)'" in seen

    def test_sees_another_setting(self, local_ory: LocalOry) -> None:
        walk = Walk(local_ory, "whoami_caching_off")
        local_ory.configure(cacheable_sessions=True)
        SCENARIOS["whoami_caching_off"](walk)
        with pytest.raises(AssertionError, match=r"headers.ory-session-cache-for is '<text>', recorded '\(absent\)'"):
            walk.finish()

    def test_sees_an_exchange_that_was_not_walked(self, local_ory: LocalOry) -> None:
        walk = Walk(local_ory, "whoami_huge_header")
        with pytest.raises(AssertionError, match=r"not walked: .*2 MiB"):
            walk.finish()

    def test_sees_an_exchange_out_of_order(self, local_ory: LocalOry) -> None:
        walk = Walk(local_ory, "whoami_caching_off")
        with pytest.raises(AssertionError, match="next in the recording is 'cookie', not 'token'"):
            walk("token")
