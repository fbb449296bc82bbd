"""Pages of a project: a flow in a dialog, and the user menu."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from ory_auth.local import LocalOry
from tests.support.ory import PASSWORD, Ory

from .mail import new_address
from .site import Site
from .test_second_factors import set_up_totp
from .visitor import Keys, Visitor

PAGE = "/own/tags/?x=1"


def open_dialog(visitor: Visitor) -> None:
    visitor.open(PAGE)
    visitor.button("Sign in here").click()
    visitor.page.locator("[name=password]").wait_for()


def test_a_flow_in_a_dialog_costs_nothing_until_it_opens(scripted: Visitor, local_ory: LocalOry) -> None:
    before = len(local_ory.requests)
    scripted.open(PAGE)
    scripted.page.wait_for_timeout(300)
    assert len(local_ory.requests) == before
    scripted.button("Sign in here").click()
    scripted.page.locator("[name=password]").wait_for()
    paths = [request.path for request in local_ory.requests][before:]
    assert paths == ["/self-service/login/browser"]
    expect(scripted.page.locator("[name=identifier]")).to_be_focused()


def test_signing_in_in_a_dialog_comes_back_to_the_page(scripted: Visitor, ory: Ory, site: Site) -> None:
    person = ory.person()
    open_dialog(scripted)
    scripted.fill("identifier", person.email)
    scripted.fill("password", PASSWORD)
    scripted.submit("method", "password")
    scripted.is_signed_in_as(person.email)
    assert scripted.page.url == site.url + PAGE


@pytest.mark.gateway
def test_a_wrong_password_is_explained_and_nothing_typed_is_lost(scripted: Visitor, ory: Ory, site: Site) -> None:
    """On the page of the flow; through the gateway, in the dialog."""
    person = ory.person()
    open_dialog(scripted)
    scripted.fill("identifier", person.email)
    scripted.fill("password", "wrong")
    scripted.submit("method", "password")
    expect(scripted.page.get_by_role("alert").first).to_be_visible()
    assert scripted.path == ("/own/tags/" if site.through_gateway else "/auth/login")
    expect(scripted.page.locator("[name=identifier]:not([type=hidden])")).to_have_value(person.email)
    scripted.fill("password", PASSWORD)
    scripted.submit("method", "password")
    scripted.is_signed_in_as(person.email)
    assert scripted.page.url == site.url + PAGE


@pytest.mark.gateway
def test_a_second_factor_is_the_next_step(scripted: Visitor, ory: Ory, site: Site) -> None:
    person = ory.person()
    scripted.sign_in(person)
    scripted.is_at("/private/")
    totp = set_up_totp(scripted)
    scripted.context.clear_cookies()
    open_dialog(scripted)
    scripted.fill("identifier", person.email)
    scripted.fill("password", PASSWORD)
    scripted.submit("method", "password")
    scripted.page.locator("[name=totp_code]").wait_for()
    assert scripted.path == ("/own/tags/" if site.through_gateway else "/auth/login")
    scripted.fill("totp_code", totp.now())
    scripted.submit("method", "totp")
    scripted.is_signed_in_as(person.email)
    assert scripted.page.url == site.url + PAGE


def test_a_passkey_works_in_a_dialog(scripted: Visitor, keys: Keys, every_method: None, site: Site) -> None:
    """The autofill of this browser offers the passkey, and the virtual device takes it."""
    email = new_address()
    scripted.open("/auth/registration")
    scripted.fill("traits.email", email)
    scripted.submit("method", "profile")
    scripted.page.locator("[data-ory-click=oryPasskeyRegistration]").click()
    scripted.is_signed_in_as(email)
    scripted.button("Sign out").click()
    scripted.is_signed_in_as("nobody")
    scripted.open(PAGE)
    scripted.button("Sign in here").click()
    scripted.is_signed_in_as(email)
    assert scripted.page.url == site.url + PAGE


def test_the_link_stays_in_an_outage(scripted: Visitor, local_ory: LocalOry) -> None:
    scripted.open(PAGE)
    with local_ory.stopped():
        with scripted.page.expect_response(lambda response: "format=fragment" in response.url):
            scripted.button("Sign in here").click()
        link = scripted.page.locator("#sign-in").get_by_role("link", name="Sign in")
        expect(link).to_be_visible()


def test_the_link_works_without_a_script(visitor: Visitor, ory: Ory, site: Site) -> None:
    person = ory.person()
    visitor.open(PAGE)
    visitor.open(visitor.page.locator(".ory-menu-links a").first.get_attribute("href") or "")
    visitor.fill("identifier", person.email)
    visitor.fill("password", PASSWORD)
    visitor.submit("method", "password")
    visitor.is_signed_in_as(person.email)
    assert visitor.page.url == site.url + PAGE


@pytest.mark.parametrize("width", [1000, 320])
def test_the_user_menu_works_with_the_keyboard(visitor: Visitor, ory: Ory, width: int) -> None:
    person = ory.person()
    visitor.page.set_viewport_size({"width": width, "height": 600})
    visitor.sign_in(person, "/private/")
    visitor.is_at("/private/")
    visitor.open(PAGE)
    visitor.page.keyboard.press("Tab")
    summary = visitor.page.locator(".ory-menu-summary")
    expect(summary).to_be_focused()
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("link", name="Account settings")).to_be_visible()
    box = visitor.page.locator(".ory-menu-list").bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    visitor.button("Sign out").focus()
    visitor.page.keyboard.press("Enter")
    visitor.is_at("/")
    visitor.open(PAGE)
    visitor.is_signed_in_as("nobody")
