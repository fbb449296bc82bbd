"""A cache back end that swallows errors, as pymemcache does: it finds nothing, writes nothing and raises nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache
from pytest_django import Settings

from ory_auth.sessions.cache import cache_backend
from ory_auth.sessions.services import reset_services
from tests.support.client import DualClient
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings

pytestmark = pytest.mark.django_db


class QuietCache(LocMemCache):
    """A cache whose server can be away."""

    away = False
    failed = 0

    def __getattribute__(self, name: str) -> Any:
        return _FAILURES.get(name) if QuietCache.away and name in _FAILURES else super().__getattribute__(name)


def _failing(result: Callable[..., Any]) -> Callable[..., Any]:
    def fail(*args: Any, **options: Any) -> Any:
        QuietCache.failed += 1
        return result(*args)

    return fail


_FAILURES = {
    "get": _failing(lambda key, default=None: default),
    "get_many": _failing(lambda keys: {}),
    "set_many": _failing(lambda data, timeout: list(data)),
    **dict.fromkeys(("add", "touch", "delete"), _failing(lambda *args: False)),
    **dict.fromkeys(("set", "delete_many"), _failing(lambda *args: None)),
}


@pytest.fixture(autouse=True)
def quiet(settings: Settings, ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.QuietCache", "LOCATION": "quiet"}}
    ory_auth(SESSION_CACHE_SECONDS=60)
    monkeypatch.setattr(QuietCache, "away", False)
    monkeypatch.setattr(QuietCache, "failed", 0)


def sign_out(web: DualClient, session: Session) -> None:
    assert web.post("/auth/logout", headers={**session.headers, "Accept": "application/json"}).status_code == 204


def test_a_lookup_waits_for_few_failing_calls(ory: Ory, web: DualClient) -> None:
    session = ory.person().app_session()
    QuietCache.away = True
    assert web.session_id(session.headers) == session.id
    assert 0 < QuietCache.failed <= 6


def test_a_sign_out_waits_for_few_failing_calls(ory: Ory, web: DualClient) -> None:
    session = ory.person().app_session()
    QuietCache.away = True
    sign_out(web, session)
    assert 0 < QuietCache.failed <= 12
    assert web.session_id(session.headers) is None


@pytest.mark.promise("A sign-out is written again even if its process gets no more requests")
def test_a_sign_out_is_written_even_without_further_requests(
    ory: Ory, web: DualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_backend, "PAUSE_SECONDS", 0.1)
    session = ory.person().app_session()
    assert web.session_id(session.headers) == session.id
    QuietCache.away = True
    sign_out(web, session)
    time.sleep(0.25)
    QuietCache.away = False
    time.sleep(0.25)
    reset_services()  # as another process that shares the cache
    assert web.session_id(session.headers) is None


def test_nothing_is_retried_after_everything_was_written(
    ory: Ory, web: DualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_backend, "PAUSE_SECONDS", 0.05)
    session = ory.person().app_session()
    QuietCache.away = True
    sign_out(web, session)
    QuietCache.away = False
    time.sleep(0.2)
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_the_next_request_of_the_same_browser_writes_it_at_once(ory: Ory, web: DualClient) -> None:
    session = ory.person().app_session()
    assert web.session_id(session.headers) == session.id
    QuietCache.away = True
    sign_out(web, session)
    QuietCache.away = False
    assert web.session_id(session.headers) is None
    reset_services()  # as another process, which has the entry in the cache that both share
    assert web.session_id(session.headers) is None
