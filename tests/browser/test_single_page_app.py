"""The single-page app of the documentation, which shows the flows itself. Forms are sent by a script.

It needs the gateway, because Ory does not let scripts of other origins call it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, expect

from ory_auth.local import LocalOry
from tests.support.ory import PASSWORD, Ory

from .conftest import NewVisitor
from .mail import new_address
from .site import Site, run_site
from .visitor import Visitor


@pytest.fixture(scope="module")
def _running_site(_running_site: Site) -> Iterator[Site]:
    if _running_site.through_gateway:
        yield _running_site
        return
    with run_site(through_gateway=True) as site:
        yield site


@pytest.fixture
def app(browser: Browser, site: Site, new_visitor: NewVisitor) -> Visitor:
    visitor = new_visitor()
    visitor.open("/app/")
    visitor.sees("Sign in")
    return visitor


def sign_in(app: Visitor, email: str, password: str = PASSWORD) -> None:
    app.fill("identifier", email)
    app.fill("password", password)
    app.submit("method", "password")


def test_creates_an_account_signs_out_and_in_again(app: Visitor, site: Site) -> None:
    email = new_address()
    app.button("Create account").click()
    app.sees("Create account")
    app.fill("traits.email", email)
    app.submit("method", "profile")
    app.fill("password", PASSWORD)
    app.submit("method", "password")
    app.sees(f"Hello, {email}")
    app.button("Sign out").click()
    app.sees("Sign in")
    sign_in(app, email, "wrong")
    expect(app.page.get_by_role("alert")).to_be_visible()
    expect(app.page.locator("[name=identifier]")).to_have_value(email)
    sign_in(app, email)
    app.sees(f"Hello, {email}")
    assert app.page.url == f"{site.url}/app/"


def test_sets_up_a_second_factor_and_uses_it(app: Visitor, site: Site) -> None:
    person = site.ory.person()
    sign_in(app, person.email)
    app.sees(f"Hello, {person.email}")
    app.button("Account settings").click()
    secret = app.page.locator("code").filter(has_text=re.compile("^[A-Z2-7]{32}$")).inner_text()
    totp = pyotp.TOTP(secret)
    app.fill("totp_code", totp.now())
    app.submit("method", "totp")
    expect(app.page.get_by_role("status").first).to_be_visible()
    app.button("Home").click()
    app.button("Open the vault").click()
    app.sees("12 pieces of gold")
    app.button("Home").click()
    app.button("Sign out").click()
    sign_in(app, person.email)
    app.sees("Second step")
    app.fill("totp_code", totp.now())
    app.submit("method", "totp")
    app.sees(f"Hello, {person.email}")


def test_a_flow_that_has_expired_starts_again(app: Visitor, ory: Ory, local_ory: LocalOry) -> None:
    person = ory.person()
    local_ory.clock.move(hours=2)
    sign_in(app, person.email)
    app.page.wait_for_timeout(500)
    sign_in(app, person.email)
    app.sees(f"Hello, {person.email}")


def test_an_outage_is_explained_and_can_be_tried_again(app: Visitor, local_ory: LocalOry) -> None:
    with local_ory.failing(503):
        app.button("Create account").click()
        app.sees("Something went wrong")
    app.page.wait_for_timeout(1000)
    app.button("Try again").click()
    app.sees("Create account")
