"""A cache back end that swallows errors, as pymemcache does: it finds nothing, writes nothing and raises nothing.

Its server takes a while to fail, and then each call waits for that.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache
from pytest_django import Settings

from tests.conftest import Web
from tests.kinds import ChangeSettings
from tests.ories import Ory

pytestmark = pytest.mark.django_db

SECONDS = 0.02  # that each call takes while the server is away


class QuietCache(LocMemCache):
    """Its server is away."""

    calls = 0

    @classmethod
    def fail(cls) -> None:
        time.sleep(SECONDS)
        cls.calls += 1

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        self.fail()
        return default

    def add(self, *args: Any, **options: Any) -> bool:
        self.fail()
        return False

    def set(self, *args: Any, **options: Any) -> None:
        self.fail()

    def touch(self, *args: Any, **options: Any) -> bool:
        self.fail()
        return False

    def delete(self, *args: Any, **options: Any) -> bool:
        self.fail()
        return False

    def get_many(self, *args: Any, **options: Any) -> dict[Any, Any]:
        self.fail()
        return {}

    def set_many(self, data: Any, *args: Any, **options: Any) -> list[Any]:
        self.fail()
        return list(data)

    def delete_many(self, *args: Any, **options: Any) -> None:
        self.fail()


@pytest.fixture(autouse=True)
def quiet(settings: Settings, ory_auth: ChangeSettings) -> None:
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.QuietCache"}}
    ory_auth(SESSION_CACHE_SECONDS=60)
    QuietCache.calls = 0


def test_a_lookup_waits_for_few_calls_that_fail(ory: Ory, web: Web) -> None:
    session = ory.person().token()
    assert web.get("/session", headers=session.headers).json()["session"] == session.id
    assert QuietCache.calls <= 6


def test_a_sign_out_waits_for_few_calls_that_fail(ory: Ory, web: Web) -> None:
    session = ory.person().token()
    assert web.post("/auth/logout", headers={**session.headers, "Accept": "application/json"}).status_code == 204
    assert QuietCache.calls <= 12
    assert web.get("/session", headers=session.headers).json()["session"] is None
