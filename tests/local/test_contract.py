"""The local Ory responds like Kratos 26.2.0."""

from __future__ import annotations

import pytest

from ory_auth.local import LocalOry

from .application import Application
from .page_replay import PageReplay
from .replay import CONTRACT, is_server_recording
from .scenarios import SCENARIOS
from .server_replay import ServerReplay


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_responses_have_the_shape_of_the_recorded_ones(
    local_ory: LocalOry, application: Application, scenario: str
) -> None:
    if is_server_recording(scenario):
        replay: PageReplay = ServerReplay(local_ory, scenario, application)
    else:
        replay = PageReplay(local_ory, scenario)
    SCENARIOS[scenario](replay)
    replay.finish()


def test_every_recorded_scenario_is_replayed() -> None:
    assert {path.stem for path in CONTRACT.glob("*.json")} == set(SCENARIOS)


class TestTheComparison:
    """The comparison itself finds differences."""

    def test_finds_a_different_status_header_and_body(self, local_ory: LocalOry) -> None:
        replay = PageReplay(local_ory, "whoami_caching_off")
        with local_ory.failing(status=500, headers={"Content-Type": "application/json"}, body=b'{"id": "x"}'):
            replay("cookie")
        seen = "\n".join(replay.differences)
        assert "cookie: status 500, recorded 200" in seen
        assert "cookie: headers.vary is '(absent)', recorded 'Cookie'" in seen
        assert "cookie: body.identity is '(absent)'" in seen

    def test_finds_a_different_configuration(self, local_ory: LocalOry) -> None:
        replay = PageReplay(local_ory, "whoami_caching_off")
        local_ory.configure(cacheable_sessions=True)
        SCENARIOS["whoami_caching_off"](replay)
        with pytest.raises(AssertionError, match=r"headers.ory-session-cache-for is '<text>', recorded '\(absent\)'"):
            replay.finish()

    def test_finds_an_exchange_that_was_not_replayed(self, local_ory: LocalOry) -> None:
        replay = PageReplay(local_ory, "whoami_huge_header")
        with pytest.raises(AssertionError, match=r"not replayed: .*2 MiB"):
            replay.finish()

    def test_finds_an_exchange_out_of_order(self, local_ory: LocalOry) -> None:
        replay = PageReplay(local_ory, "whoami_caching_off")
        with pytest.raises(AssertionError, match="next in the recording is 'cookie', not 'token'"):
            replay("token")
