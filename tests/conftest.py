"""What every test has: an Ory, settings that point at it, and clients that sign in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextvars import copy_context
from http.cookies import SimpleCookie
from typing import Any

import django
import pytest
from _pytest.runner import runtestprotocol
from asgiref.sync import async_to_sync
from django.core.cache import caches
from django.core.mail import EmailMessage
from django.db import connections
from django.test import AsyncClient, Client
from pytest_django import Settings

from ory_auth import events
from ory_auth.local import LocalOry
from ory_auth.ory import admin_api
from ory_auth.sessions import single_flight
from ory_auth.users import row_cache
from tests import ories
from tests.kinds import Answer, ChangeSettings


def pytest_sessionstart() -> None:
    connections.all()  # shared by the contexts of all tests


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run each test in a context of its own.

    A test that changes ``ROOT_URLCONF`` makes Django create new resolvers, each with a context variable. They would
    stay in the one context of the process, and asgiref walks through all of them whenever sync code calls async code:
    tests got slower and slower.
    """
    place = {"nodeid": item.nodeid, "location": item.location}
    item.ihook.pytest_runtest_logstart(**place)
    copy_context().run(runtestprotocol, item, nextitem=nextitem)
    item.ihook.pytest_runtest_logfinish(**place)
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("ORY_TEST_PUBLIC_URL"):
        reason = pytest.mark.skip(reason="a real Ory has no switches")
        for item in items:
            if "switches" in item.keywords:
                item.add_marker(reason)


@pytest.fixture(scope="session")
def _one_ory() -> Iterator[ories.Ory]:
    ory = ories.begin()
    yield ory
    if ory.switches:
        ory.switches.stop()


@pytest.fixture
def ory(_one_ory: ories.Ory, settings: Settings) -> Iterator[ories.Ory]:
    """An Ory for this test, and ``ORY_AUTH`` that points at it."""
    settings.ORY_AUTH = {"SDK_URL": _one_ory.public_url, "ADMIN_URL": _one_ory.admin_url}
    yield _one_ory
    if _one_ory.switches:
        _one_ory.switches.reset()


@pytest.fixture
def switches(ory: ories.Ory) -> LocalOry:
    """The switches of the local Ory; tests that use it are marked ``switches``."""
    assert ory.switches is not None
    return ory.switches


@pytest.fixture
def ory_auth(ory: ories.Ory, settings: Settings) -> ChangeSettings:
    """Change some keys of ``ORY_AUTH``: ``ory_auth(TIMEOUT=0.5)``."""

    def change(**keys: object) -> None:
        settings.ORY_AUTH = {**settings.ORY_AUTH, **keys}

    return change


@pytest.fixture
def error_mails(settings: Settings, mailoutbox: list[EmailMessage]) -> list[EmailMessage]:
    """The mails that Django sends to the operators about errors."""
    settings.ADMINS = ["ops@example.org"] if django.VERSION >= (6,) else [("Ops", "ops@example.org")]
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    return mailoutbox


@pytest.fixture(autouse=True)
def _new_process() -> Iterator[None]:
    """Nothing is remembered of the test before: no kept session, no pause, no "not ready"."""
    caches["default"].clear()
    events.forget()
    single_flight.forget()
    row_cache.forget()
    admin_api.forget()
    yield
    caches["default"].clear()


class _AsyncClient(AsyncClient):
    """Django's sends its own ``Host`` and the ``Cookie`` of its jar, even an empty one, beside those of a test."""

    def _base_scope(self, **request: object) -> dict[str, Any]:
        scope: dict[str, Any] = super()._base_scope(**request)  # type: ignore[misc]  # unknown to django-stubs
        of = {name: [h for h in scope["headers"] if h[0] == name and h[1]] for name in (b"host", b"cookie")}
        rest = [header for header in scope["headers"] if header[0] not in of]
        scope["headers"] = [*rest, *of[b"host"][-1:], *of[b"cookie"][:1]]
        return scope


class Web:
    """A client of the project under WSGI or ASGI; both are called the same way, so one test is its own twin."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.client: Client | AsyncClient = Client() if kind == "wsgi" else _AsyncClient()

    def get(self, path: str, **options: object) -> Answer:
        return self._call(self.client.get, path, options)

    def post(self, path: str, *args: object, **options: object) -> Answer:
        return self._call(self.client.post, path, options, *args)

    @property
    def cookies(self) -> SimpleCookie:
        return self.client.cookies

    def _call(self, method: Callable[..., Any], path: str, options: dict[str, object], *args: object) -> Answer:
        call = async_to_sync(method) if self.kind == "asgi" else method
        answer: Answer = call(path, *args, **options)
        return answer


@pytest.fixture(params=["wsgi", "asgi"])
def web(request: pytest.FixtureRequest) -> Web:
    """A client; every test that uses it runs under WSGI and under ASGI."""
    return Web(request.param)


@pytest.fixture
def quiet(web: Web) -> Web:
    """A client that shows the 500 page instead of raising what caused it."""
    web.client.raise_request_exception = False
    return web
