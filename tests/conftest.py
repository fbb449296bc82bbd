"""The fixtures that all tests share: an Ory, settings that point to it, and a test client."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import django
import pytest
from _pytest.runner import runtestprotocol
from django.core.cache import caches
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db import connection, connections
from pytest_django import DjangoDbBlocker, Settings

from ory_auth import events
from ory_auth.local import LocalOry
from ory_auth.ory import admin_api
from ory_auth.sessions.services import reset_services
from ory_auth.users import groups, row_cache
from tests.support.client import DualClient
from tests.support.databases import SQLITE, replaced_database, temporary_database
from tests.support.ory import WHOAMI, Ory, Session, start_ory
from tests.support.types import ChangeSettings


def pytest_sessionstart() -> None:
    connections.all()  # shared by the contexts of all tests


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run each test in its own context.

    A test that changes ``ROOT_URLCONF`` makes Django create new resolvers, each with a context variable. They would
    stay in the one context of the process, and asgiref walks through all of them whenever sync code calls async code:
    tests got slower and slower.
    """
    place = {"nodeid": item.nodeid, "location": item.location}
    item.ihook.pytest_runtest_logstart(**place)
    copy_context().run(runtestprotocol, item, nextitem=nextitem)
    item.ihook.pytest_runtest_logfinish(**place)
    return True


@pytest.fixture(scope="session")
def _running_ory() -> Iterator[Ory]:
    ory = start_ory()
    yield ory
    if ory.local:
        ory.local.stop()


@pytest.fixture
def ory(_running_ory: Ory, settings: Settings) -> Iterator[Ory]:
    """An Ory for this test. ``ORY_AUTH`` points to it."""
    settings.ORY_AUTH = {"SDK_URL": _running_ory.public_url, "ADMIN_URL": _running_ory.admin_url}
    yield _running_ory
    if _running_ory.local:
        _running_ory.local.reset()


@pytest.fixture
def local_ory(ory: Ory) -> LocalOry:
    """The local Ory, which can fail, be slow, and move its clock. Skips the test if Ory is a real one."""
    if ory.local is None:
        pytest.skip("needs the local Ory")
    return ory.local


@pytest.fixture
def ory_auth(ory: Ory, settings: Settings) -> ChangeSettings:
    """Change some keys of ``ORY_AUTH``: ``ory_auth(TIMEOUT=0.5)``."""

    def change(**keys: object) -> None:
        settings.ORY_AUTH = {**settings.ORY_AUTH, **keys}

    return change


@pytest.fixture
def error_mails(settings: Settings, mailoutbox: list[EmailMessage]) -> list[EmailMessage]:
    """The e-mails that Django sends to ``ADMINS`` about errors."""
    settings.ADMINS = ["ops@example.org"] if django.VERSION >= (6,) else [("Ops", "ops@example.org")]
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    return mailoutbox


@pytest.fixture(autouse=True)
def _new_process() -> Iterator[None]:
    """Forget what the process has remembered: sessions, rate limits, pauses, whether Ory is ready."""
    caches["default"].clear()
    events.reset()
    reset_services()
    row_cache.reset()
    groups.reset()
    admin_api.reset()
    yield
    caches["default"].clear()


@pytest.fixture(params=["wsgi", "asgi"])
def web(request: pytest.FixtureRequest) -> DualClient:
    """A test client. Every test that uses it runs twice: under WSGI and under ASGI."""
    return DualClient(request.param)


@pytest.fixture
def no_raise(web: DualClient) -> DualClient:
    """A client that shows the 500 page instead of raising the exception."""
    web.client.raise_request_exception = False
    return web


@pytest.fixture(params=["wsgi", "asgi"])
def csrf_web(request: pytest.FixtureRequest) -> DualClient:
    """A test client whose requests are checked for CSRF, as those of browsers are."""
    return DualClient(request.param, enforce_csrf_checks=True)


@pytest.fixture
def aal2_session(ory: Ory) -> Session:
    """The session of a browser in which the person has used their second factor."""
    session = ory.person().browser_session()
    session.set_up_totp()
    return session


@pytest.fixture
def aal1_session(aal2_session: Session) -> Session:
    """The session of another browser of that person, in which the second factor was not used."""
    return aal2_session.person.browser_session()


@pytest.fixture
def cached(ory_auth: ChangeSettings) -> None:
    """Cache sessions for a minute."""
    ory_auth(SESSION_CACHE_SECONDS=60)


@pytest.fixture
def ory_down(local_ory: LocalOry) -> Iterator[None]:
    """Ory answers every lookup with 503."""
    with local_ory.failing(503, path=WHOAMI):
        yield


@pytest.fixture
def atomic_requests() -> Iterator[None]:
    """Run each request in a transaction."""
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    yield
    connection.settings_dict["ATOMIC_REQUESTS"] = False


@pytest.fixture(scope="session")
def migrated_file(django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to copy: migrations take a second."""
    path = tmp_path_factory.mktemp("migrated") / "db.sqlite"
    with django_db_blocker.unblock(), temporary_database("default", NAME=str(path), **SQLITE):
        return path


@pytest.fixture
def file_database(django_db_blocker: DjangoDbBlocker, migrated_file: Path, tmp_path: Path) -> Iterator[Path]:
    """The default database is a file."""
    path = tmp_path / "db.sqlite"
    shutil.copyfile(migrated_file, path)
    with django_db_blocker.unblock(), replaced_database("default", NAME=str(path), **SQLITE):
        yield path


@pytest.fixture
def postgresql(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The PostgreSQL of ORY_TEST_POSTGRESQL (``host=… port=… dbname=… user=…``), whose tables are emptied."""
    given = os.environ.get("ORY_TEST_POSTGRESQL")
    if not given:
        pytest.skip("ORY_TEST_POSTGRESQL names no database")
    facts = dict(fact.split("=", 1) for fact in given.split())
    values = {"NAME": facts.pop("dbname"), **{name.upper(): value for name, value in facts.items()}}
    with (
        django_db_blocker.unblock(),
        temporary_database("default", ENGINE="django.db.backends.postgresql", OPTIONS={}, **values),
    ):
        call_command("flush", interactive=False, verbosity=0)
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database(request: pytest.FixtureRequest) -> None:
    """A database that threads can share. Mark the test with ``django_db(databases=[])``."""
    request.getfixturevalue({"sqlite": "file_database"}.get(request.param, request.param))
