from __future__ import annotations

from collections.abc import Iterator

import pytest

from ory_auth.local import Config, LocalOry

from .application import Application
from .visits import Visits


@pytest.fixture(scope="session")
def running_ory() -> Iterator[LocalOry]:
    with LocalOry(Config(public_port=0, admin_port=0)) as ory:
        yield ory


@pytest.fixture
def local_ory(running_ory: LocalOry) -> LocalOry:
    """A local Ory, reset for this test."""
    running_ory.reset()
    return running_ory


@pytest.fixture(scope="session")
def listening_application() -> Iterator[Application]:
    with Application() as application:
        yield application


@pytest.fixture
def application(listening_application: Application) -> Application:
    """The application that web hooks call, reset for this test."""
    listening_application.reset()
    return listening_application


@pytest.fixture
def visits(local_ory: LocalOry) -> Visits:
    """Requests of visitors to that local Ory."""
    return Visits(local_ory)
