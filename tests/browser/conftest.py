"""Fixtures for tests in Chromium.

``visitor`` is a person with a browser; ``local_ory`` can be configured for one test. By default browsers call a local
Ory directly. ``ORY_TEST_GATEWAY=1`` lets them call it through the site's gateway, ``ORY_TEST_KRATOS=/path/to/kratos``
starts a real Ory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from ory_auth.local import LocalOry
from tests.support.ory import Ory

from .site import EVERY_METHOD, Site, run_site
from .visitor import Keys, Visitor, find_chromium

USER_FIELDS = {
    "email": "traits.email",
    "first_name": "traits.name.first",
    "last_name": "traits.name.last",
    "is_staff": "metadata_public.is_staff",
    "is_superuser": "metadata_public.is_superuser",
}
NewVisitor = Callable[..., Visitor]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium, so that nothing has to be downloaded."""
    return {**browser_type_launch_args, "executable_path": find_chromium(), "args": ["--no-sandbox", "--disable-gpu"]}


@pytest.fixture(autouse=True)
def _new_process() -> None:
    """The site has its own process, so there is nothing to forget here."""


@pytest.fixture(scope="session")
def _running_site() -> Iterator[Site]:
    with run_site(through_gateway=bool(os.environ.get("ORY_TEST_GATEWAY")), USER_FIELDS=USER_FIELDS) as site:
        yield site


@pytest.fixture
def site(_running_site: Site) -> Iterator[Site]:
    yield _running_site
    if _running_site.local:
        _running_site.local.reset()


@pytest.fixture
def ory(site: Site) -> Ory:
    return site.ory


@pytest.fixture
def local_ory(site: Site) -> LocalOry:
    """The local Ory. Skips the test if Ory is a real one."""
    if site.local is None:
        pytest.skip("needs the local Ory")
    return site.local


@pytest.fixture
def every_method(site: Site) -> None:
    """The local Ory offers every method. A real one does so by its own configuration."""
    if site.local:
        site.local.configure(**EVERY_METHOD)


@pytest.fixture
def new_visitor(browser: Browser, site: Site) -> Iterator[NewVisitor]:
    """Creates visitors, each with a new browser: ``new_visitor(java_script_enabled=False)``.

    At the end of the test, no browser may have complained in its console: no script failed, and the policy stopped
    nothing.
    """
    visitors: list[Visitor] = []

    def create(**options: Any) -> Visitor:
        visitors.append(Visitor(browser.new_context(locale=options.pop("locale", "en-GB"), **options), site))
        return visitors[-1]

    yield create
    complaints = [complaint for visitor in visitors for complaint in visitor.complaints]
    for visitor in visitors:
        visitor.context.close()
    assert complaints == []


@pytest.fixture(params=["script", "no script"])
def visitor(new_visitor: NewVisitor, request: pytest.FixtureRequest) -> Visitor:
    """A visitor with JavaScript, and another run without."""
    return new_visitor(java_script_enabled=request.param == "script")


@pytest.fixture
def scripted(new_visitor: NewVisitor) -> Visitor:
    """A visitor with JavaScript."""
    return new_visitor()


@pytest.fixture
def keys(scripted: Visitor) -> Keys:
    """The passkeys of the visitor's own device."""
    return Keys(scripted)
