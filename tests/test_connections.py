"""How much of a process' calls goes to Ory at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client

from ory_auth.local import LocalOry
from tests.kinds import ChangeSettings
from tests.ories import Ory, Session

pytestmark = pytest.mark.switches


def status(session: Session) -> int:
    return Client().get("/session", headers=session.headers).status_code


def test_known_people_have_no_more_calls_at_once_than_the_setting_says(
    ory: Ory, switches: LocalOry, ory_auth: ChangeSettings
) -> None:
    ory_auth(MAX_CONNECTIONS=2, SESSION_CACHE_SECONDS=0, TIMEOUT=5)
    sessions = [ory.person().token() for _ in range(4)]
    assert [status(session) for session in sessions] == [200] * 4
    before = len(ory.asked())
    with switches.slow(0.8, "/sessions/whoami"), ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(status, session) for session in sessions]
        time.sleep(0.4)  # two have a call each, and two wait
        assert len(ory.asked()) - before == 2
        assert [answer.result() for answer in answers] == [200] * 4
