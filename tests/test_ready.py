"""The readiness view says which part of signing in does not answer, and nothing else."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connections
from pytest_django import Settings

from ory_auth.local import LocalOry
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.types import Fault

pytestmark = pytest.mark.django_db
FINE = {"ory": "ok", "cache": "ok", "database": "ok"}


def test_it_is_200_if_everything_responds(ory: Ory, web: DualClient) -> None:
    response = web.get("/auth/ready")
    assert (response.status_code, response.json()) == (200, FINE)
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("fault", [lambda o: o.stopped(), lambda o: o.failing(503), lambda o: o.database_down()])
def test_an_unresponsive_ory_is_reported(web: DualClient, local_ory: LocalOry, fault: Fault) -> None:
    with fault(local_ory):
        response = web.get("/auth/ready")
    assert (response.status_code, response.json()) == (503, FINE | {"ory": "unavailable"})


def test_an_unresponsive_cache_is_reported(ory: Ory, web: DualClient, settings: Settings) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    response = web.get("/auth/ready")
    assert (response.status_code, response.json()) == (503, FINE | {"cache": "unavailable"})


def test_an_unresponsive_database_is_reported(ory: Ory, web: DualClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(connections["default"], "create_cursor", broken)
    response = web.get("/auth/ready")
    assert (response.status_code, response.json()) == (503, FINE | {"database": "unavailable"})


def test_it_needs_no_credential(ory: Ory, web: DualClient) -> None:
    assert web.get("/auth/ready", headers={"X-Session-Token": "made up"}).status_code == 200
    assert web.post("/auth/ready").status_code == 405
