"""Devices, the security overview, "this wasn't me", the data download and account deletion."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.support.ory import Ory

from .conftest import NewVisitor
from .states import FIREFOX, IPHONE, sign_in_elsewhere
from .visitor import Visitor

NEW_PASSWORD = "Nidhogg-7-roots-deep"


@pytest.mark.gateway
def test_signs_out_one_device(visitor: Visitor, new_visitor: NewVisitor, ory: Ory) -> None:
    person, other = ory.person(), new_visitor(user_agent=IPHONE)
    other.sign_in(person)
    other.is_signed_in_as(person.email)
    sign_in_elsewhere(person, FIREFOX, "203.0.113.9", "Berlin")
    visitor.sign_in(person, "/auth/sessions")
    visitor.sees("Your devices")
    row = visitor.page.get_by_role("listitem").filter(has_text="Safari on iPhone")
    row.get_by_text("Sign out", exact=True).click()
    row.get_by_role("button", name="Sign out this device").click()
    expect(visitor.page.get_by_role("status")).to_have_text("That device has been signed out.")
    expect(row).to_have_count(0)
    expect(visitor.page.get_by_text("Firefox on Windows")).to_be_visible()
    other.open("/private/")
    other.is_at("/auth/login")


def test_signs_out_all_other_devices(visitor: Visitor, new_visitor: NewVisitor, ory: Ory) -> None:
    person, others = ory.person(), [new_visitor(), new_visitor(user_agent=IPHONE)]
    for other in others:
        other.sign_in(person)
        other.is_signed_in_as(person.email)
    visitor.sign_in(person, "/auth/sessions")
    visitor.page.get_by_text("Sign out all other devices").click()
    visitor.button("Yes, sign them out").click()
    expect(visitor.page.get_by_text("You aren't signed in anywhere else.")).to_be_visible()
    for other in others:
        other.open("/private/")
        other.is_at("/auth/login")
    visitor.open("/private/")
    visitor.is_signed_in_as(person.email)


@pytest.mark.gateway
def test_this_was_not_me(visitor: Visitor, ory: Ory) -> None:
    person = ory.person()
    sign_in_elsewhere(person, IPHONE, "203.0.113.9", "Berlin")
    visitor.sign_in(person, "/auth/security")
    visitor.page.get_by_role("link", name="This wasn't me").click()
    visitor.sees("Secure your account")
    visitor.page.get_by_text("Sign out all other devices", exact=True).click()
    visitor.button("Yes, sign them out").click()
    expect(visitor.page.get_by_role("status")).to_have_text("All other devices have been signed out.")
    visitor.page.get_by_role("link", name="Choose a new password").click()
    visitor.sees("Account settings")
    visitor.fill("password", NEW_PASSWORD)
    visitor.submit("method", "password")
    visitor.sees("Secure your account")
    assert visitor.page.url.endswith("#ory-check")
    visitor.context.clear_cookies()
    visitor.sign_in(person, password=NEW_PASSWORD)
    visitor.is_signed_in_as(person.email)


def test_the_overview_leads_to_the_section_of_the_settings(visitor: Visitor, ory: Ory) -> None:
    visitor.sign_in(ory.person(), "/auth/security")
    visitor.page.get_by_role("link", name="Change your password").click()
    visitor.sees("Account settings")
    assert visitor.page.url.endswith("#ory-password")
    expect(visitor.page.locator("#ory-password")).to_be_in_viewport()


def test_password_managers_find_the_settings(scripted: Visitor, ory: Ory) -> None:
    scripted.sign_in(ory.person())
    scripted.is_at("/private/")
    scripted.open("/.well-known/change-password")
    scripted.sees("Account settings")
    assert scripted.page.url.endswith("#ory-password")


def test_downloads_the_data(scripted: Visitor, ory: Ory) -> None:
    person = ory.person()
    scripted.sign_in(person, "/auth/security")
    with scripted.page.expect_download() as download:
        scripted.page.get_by_role("link", name="Download your data").click()
    assert download.value.suggested_filename == "account-data.json"
    content = json.loads(download.value.path().read_text())
    assert content["identity"]["traits"]["email"] == person.email
    assert len(content["sessions"]) == 1


@pytest.mark.gateway
def test_deletes_the_account(visitor: Visitor, new_visitor: NewVisitor, ory: Ory) -> None:
    person, other = ory.person(), new_visitor()
    other.sign_in(person)
    other.is_signed_in_as(person.email)
    visitor.sign_in(person, "/auth/security")
    visitor.page.get_by_role("link", name="Delete your account").click()
    visitor.sees("Delete your account")
    visitor.fill("confirmation", "Delete")
    visitor.button("Delete my account").click()
    visitor.sees("Account deleted")
    assert ory.admin("GET", f"/admin/identities/{person.id}").status == 404
    for each in (visitor, other):
        each.open("/private/")
        each.is_at("/auth/login")
    visitor.sign_in(person)
    expect(visitor.page.get_by_role("alert").first).to_be_visible()


def test_an_unconfirmed_deletion_explains_what_to_type(visitor: Visitor, ory: Ory) -> None:
    person = ory.person()
    visitor.sign_in(person, "/auth/security/delete")
    visitor.fill("confirmation", "no")
    visitor.button("Delete my account").click()
    expect(visitor.page.get_by_role("alert")).to_have_text("Please type “delete” to confirm.")
    field = visitor.page.get_by_label(re.compile("to confirm"))
    expect(field).to_be_focused()
    assert ory.admin("GET", f"/admin/identities/{person.id}").status == 200
