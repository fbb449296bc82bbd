"""How many calls of a process go to Ory at once, and how long others wait for one."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache.backends.locmem import LocMemCache
from django.test import Client
from starlette.types import ASGIApp, Receive, Scope, Send

from ory_auth.local import LocalOry
from ory_auth.local.http.faults import Fault
from tests.support.client import DualClient
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings

pytestmark = pytest.mark.usefixtures("local_ory")


def status(session: Session) -> int:
    return Client().get("/session", headers=session.headers).status_code


@pytest.mark.promise("A process makes at most MAX_CONNECTIONS calls at the same time")
def test_concurrent_calls_for_known_credentials_are_limited_by_the_setting(
    ory: Ory, local_ory: LocalOry, ory_auth: ChangeSettings
) -> None:
    ory_auth(MAX_CONNECTIONS=2, SESSION_CACHE_SECONDS=0, TIMEOUT=5)
    sessions = [ory.person().app_session() for _ in range(4)]
    assert [status(session) for session in sessions] == [200] * 4
    before = len(ory.requests_to())
    with local_ory.slow(0.8, "/sessions/whoami"), ThreadPoolExecutor(4) as threads:
        responses = [threads.submit(status, session) for session in sessions]
        time.sleep(0.4)  # two have a call each, and two wait
        assert len(ory.requests_to()) - before == 2
        assert [response.result() for response in responses] == [200] * 4


@pytest.mark.promise("A coroutine that waits for another request's lookup has a time limit")
@pytest.mark.promise("A thread that waits for another request's lookup has a time limit")
def test_a_request_that_waits_for_another_call_has_its_own_time_limit(
    ory: Ory, web: DualClient, ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ory has answered in time, and the cache does not take the answer."""
    ory_auth(SESSION_CACHE_SECONDS=60, TIMEOUT=0.5)
    session = ory.person().app_session()
    keeping, back, add = threading.Event(), threading.Event(), LocMemCache.add

    def hang(cache: LocMemCache, key: str, *given: object, **named: object) -> bool:
        if key.startswith("ory_auth:"):
            keeping.set()
            back.wait(30)
        return add(cache, key, *given, **named)  # type: ignore[arg-type]

    def ask() -> int:
        path = "/session" if web.kind == "wsgi" else "/asession"
        return DualClient(web.kind).get(path, headers=session.headers).status_code

    monkeypatch.setattr(LocMemCache, "add", hang)
    with ThreadPoolExecutor(2) as threads:
        try:
            first = threads.submit(ask)
            assert keeping.wait(10)
            assert threads.submit(ask).result(10) == 503
        finally:
            back.set()
        first.result()
    assert ask() == 200


@pytest.mark.promise("A forked process shares no socket with its parent")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_shares_neither_connection_nor_thread_with_its_parent(
    ory: Ory, local_ory: LocalOry, web: DualClient
) -> None:
    path = "/session" if web.kind == "wsgi" else "/asession"
    before, own, after = (ory.person().app_session() for _ in range(3))
    connections: list[object] = []

    async def note(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        connections.append(scope["client"])
        await app(scope, receive, send)

    local_ory.faults.append(Fault("/sessions/whoami", note))
    assert web.get(path, headers=before.headers).status_code == 200
    child = os.fork()
    if not child:
        try:
            os._exit(web.get(path, headers=own.headers).json()["session"] != own.id)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert web.get(path, headers=after.headers).json()["session"] == after.id
    parents, childs, parents_again = connections
    assert parents == parents_again != childs
