"""Passkeys and security keys, with Chromium's virtual authenticator."""

from __future__ import annotations

import uuid

import pytest
from playwright.sync_api import expect

from tests.support.ory import Ory

from .conftest import NewVisitor
from .visitor import Keys, Visitor

pytestmark = pytest.mark.usefixtures("every_method")


@pytest.fixture
def passkey_person(scripted: Visitor, keys: Keys) -> str:
    """The address of a person who has created an account with a passkey, and has signed out."""
    email = f"{uuid.uuid4().hex[:12]}@example.org"
    scripted.open("/auth/registration?next=/private/")
    scripted.fill("traits.email", email)
    scripted.submit("method", "profile")
    scripted.page.locator("button[name=passkey_register_trigger]").click()
    scripted.is_at("/private/")
    scripted.is_signed_in_as(email)
    scripted.button("Sign out").click()
    scripted.is_at("/")
    return email


def test_a_passkey_is_offered_in_the_field(scripted: Visitor, passkey_person: str) -> None:
    """The virtual authenticator accepts the browser's offer at once."""
    scripted.open("/private/")
    scripted.is_at("/private/")
    scripted.is_signed_in_as(passkey_person)


def test_a_passkey_signs_in_by_button(scripted: Visitor, keys: Keys, passkey_person: str) -> None:
    keys.set_present(False)  # so that the field's offer is not accepted
    scripted.open("/private/")
    scripted.page.wait_for_timeout(300)
    keys.set_present(True)
    scripted.page.locator("button[name=passkey_login_trigger]").click()
    scripted.is_at("/private/")
    scripted.is_signed_in_as(passkey_person)


def test_without_a_passkey_the_page_says_so(scripted: Visitor, keys: Keys) -> None:
    scripted.open("/auth/login")
    scripted.page.locator("button[name=passkey_login_trigger]").click()
    alert = scripted.page.get_by_role("alert")
    expect(alert).to_be_visible()
    expect(alert).to_contain_text("passkey")


def test_a_passkey_is_added_and_removed_in_the_settings(scripted: Visitor, keys: Keys, ory: Ory) -> None:
    scripted.sign_in(ory.person())
    scripted.is_at("/private/")
    scripted.open("/auth/settings")
    scripted.page.locator("button[name=passkey_register_trigger]").click()
    remove = scripted.page.locator("button[name=passkey_remove]")
    remove.wait_for(state="attached")
    assert len(keys.credentials) == 1
    scripted.uncover(remove).click()
    expect(remove).to_have_count(0)


def test_a_security_key_is_a_second_factor(scripted: Visitor, ory: Ory, new_visitor: NewVisitor) -> None:
    key = Keys(scripted, "usb", resident=False)
    person = ory.person()
    scripted.sign_in(person)
    scripted.is_at("/private/")
    scripted.open("/auth/settings")
    scripted.fill("webauthn_register_displayname", "blue key")
    scripted.page.locator("button[name=webauthn_register_trigger]").click()
    scripted.page.locator("button[name=webauthn_remove]").wait_for(state="attached")
    assert len(key.credentials) == 1
    scripted.open("/")
    scripted.button("Sign out").click()
    scripted.is_at("/")
    scripted.sign_in(person, "/vault/")
    scripted.page.locator("button[name=webauthn_login_trigger]").click()
    scripted.is_at("/vault/")
    scripted.is_signed_in_as(person.email)


def test_without_javascript_keys_are_not_offered(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(java_script_enabled=False)
    visitor.open("/auth/login")
    expect(visitor.page.locator("button[name=passkey_login_trigger]")).not_to_be_visible()
