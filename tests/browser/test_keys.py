"""Passkeys and security keys, by this package's own script: under the strict policy, without any script of Ory."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from ory_auth.local import LocalOry
from tests.support.ory import Ory

from .conftest import NewVisitor
from .mail import new_address
from .visitor import Keys, Visitor

pytestmark = pytest.mark.usefixtures("every_method")
ADD_PASSKEY = "oryPasskeySettingsRegistration"
ADD_KEY = "oryWebAuthnRegistration"
SIGN_IN = "oryPasskeyLogin"
SIGN_IN_WITH_KEY = "oryWebAuthnLogin"


def trigger(visitor: Visitor, name: str) -> Locator:
    """The button that starts this function."""
    return visitor.page.locator(f"[data-ory-click={name}]")


def register(visitor: Visitor) -> str:
    """Create an account that has only a passkey. Returns its address."""
    email = new_address()
    visitor.open("/auth/registration?next=/private/")
    visitor.fill("traits.email", email)
    if not trigger(visitor, "oryPasskeyRegistration").count():
        visitor.submit("method", "profile")
    trigger(visitor, "oryPasskeyRegistration").click()
    visitor.is_at("/private/")
    visitor.is_signed_in_as(email)
    return email


def sign_out(visitor: Visitor) -> None:
    visitor.button("Sign out").click()
    visitor.is_signed_in_as("nobody")


def says(visitor: Visitor, text: str) -> None:
    expect(visitor.page.get_by_role("alert").filter(has_text=text)).to_be_visible()


class TestPasskey:
    @pytest.mark.gateway
    def test_registers_and_signs_in_by_autofill(self, scripted: Visitor, keys: Keys) -> None:
        """The virtual authenticator accepts the browser's offer at once."""
        email = register(scripted)
        [credential] = keys.credentials
        assert credential["userName"] == credential["userDisplayName"] == email
        sign_out(scripted)
        scripted.open("/private/")
        scripted.is_at("/private/")
        scripted.is_signed_in_as(email)

    def test_signs_in_by_button_after_cancelling(self, scripted: Visitor, keys: Keys) -> None:
        register(scripted)
        sign_out(scripted)
        keys.set_present(False)
        scripted.open("/private/")  # autofill waits; the button takes over
        button = trigger(scripted, SIGN_IN)
        button.click()
        expect(button).to_have_attribute("aria-busy", "true")
        button.click()  # does not ask again
        expect(scripted.button("Cancel")).to_have_count(1)
        scripted.button("Cancel").click()
        expect(scripted.button("Cancel")).to_have_count(0)
        expect(button).to_be_focused()
        expect(scripted.page.get_by_role("alert")).to_have_count(0)
        keys.set_present(True)
        button.click()
        scripted.is_at("/private/")

    def test_confirms_who_it_is(self, scripted: Visitor, keys: Keys) -> None:
        register(scripted)
        scripted.open("/auth/login?refresh=true&next=/private/")
        trigger(scripted, SIGN_IN).click()
        scripted.is_at("/private/")

    def test_the_last_one_stays(self, scripted: Visitor, keys: Keys, local_ory: LocalOry) -> None:
        local_ory.configure(code_passwordless_enabled=False)
        register(scripted)
        scripted.open("/auth/settings")
        expect(scripted.page.locator("button[name=passkey_remove]").first).to_be_disabled()

    def test_settings_add_one_for_each_device_and_remove_it(self, scripted: Visitor, keys: Keys, ory: Ory) -> None:
        scripted.sign_in(ory.person())
        scripted.is_at("/private/")
        scripted.open("/auth/settings")
        expect(scripted.page.get_by_text("No passkeys yet.")).to_be_visible()
        trigger(scripted, ADD_PASSKEY).click()
        section = scripted.page.locator("#ory-passkey")
        expect(section.get_by_role("listitem")).to_have_count(1)
        expect(section.get_by_role("status")).to_be_visible()
        trigger(scripted, ADD_PASSKEY).click()
        says(scripted, "already registered")
        section.locator("summary").click()
        section.locator("button[name=passkey_remove]").click()
        expect(scripted.page.get_by_text("No passkeys yet.")).to_be_visible()

    def test_a_device_without_one_is_explained(self, scripted: Visitor, keys: Keys) -> None:
        scripted.open("/auth/login")
        trigger(scripted, SIGN_IN).click()
        says(scripted, "this device has no passkey")
        expect(scripted.button("Cancel")).to_have_count(0)

    def test_a_browser_that_supports_none_shows_no_button(self, scripted: Visitor) -> None:
        scripted.page.add_init_script("delete window.PublicKeyCredential")
        scripted.open("/auth/login")
        expect(scripted.page.get_by_text("This browser doesn't support passkeys")).to_be_visible()
        expect(trigger(scripted, SIGN_IN)).to_be_hidden()
        expect(scripted.page.locator("[name=password]")).to_be_visible()

    def test_without_a_script_the_page_says_what_it_needs(self, new_visitor: NewVisitor) -> None:
        visitor = new_visitor(java_script_enabled=False)
        visitor.open("/auth/login")
        note = visitor.page.locator("noscript p")
        expect(note).to_be_visible()
        expect(note).to_have_text("Turn on JavaScript to use a passkey or a security key.")
        expect(trigger(visitor, SIGN_IN)).to_be_hidden()

    def test_the_host_of_another_site_is_explained(self, scripted: Visitor, keys: Keys, local_ory: LocalOry) -> None:
        local_ory.configure(rp_id="other.example")
        scripted.open("/auth/login")
        trigger(scripted, SIGN_IN).click()
        says(scripted, "don't work at this web address")

    def test_registers_on_one_screen_once_the_form_is_complete(
        self, scripted: Visitor, keys: Keys, local_ory: LocalOry
    ) -> None:
        local_ory.configure(registration_style="unified")
        scripted.open("/auth/registration")
        trigger(scripted, "oryPasskeyRegistration").click()
        expect(scripted.page.locator("[name='traits.email']")).to_be_focused()
        assert keys.credentials == []
        register(scripted)
        assert len(keys.credentials) == 1


class TestSecurityKey:
    @pytest.mark.gateway
    def test_is_a_second_step(self, scripted: Visitor, ory: Ory) -> None:
        key = Keys(scripted, "usb", resident=False)
        person = ory.person()
        scripted.sign_in(person)
        scripted.is_at("/private/")
        scripted.open("/auth/settings")
        trigger(scripted, ADD_KEY).click()
        expect(scripted.page.locator("[name=webauthn_register_displayname]")).to_be_focused()
        assert key.credentials == [], "a key without a name would be refused"
        scripted.fill("webauthn_register_displayname", "Blue key")
        trigger(scripted, ADD_KEY).click()
        expect(scripted.page.locator("#ory-webauthn").get_by_role("listitem")).to_contain_text("Blue key")
        assert len(key.credentials) == 1
        scripted.open("/")
        sign_out(scripted)
        scripted.sign_in(person, "/vault/")
        trigger(scripted, SIGN_IN_WITH_KEY).click()
        scripted.is_at("/vault/")
        scripted.is_signed_in_as(person.email)

    def test_replaces_the_password(self, scripted: Visitor, local_ory: LocalOry) -> None:
        local_ory.configure(passkey_enabled=False, webauthn_passwordless=True)
        Keys(scripted, "usb")
        email = new_address()
        scripted.open("/auth/registration")
        scripted.fill("traits.email", email)
        scripted.submit("method", "profile")
        scripted.fill("webauthn_register_displayname", "Blue key")
        trigger(scripted, ADD_KEY).click()
        scripted.is_signed_in_as(email)
        sign_out(scripted)
        scripted.open("/private/")
        scripted.fill("identifier", email)
        scripted.submit("method", "webauthn")
        trigger(scripted, SIGN_IN_WITH_KEY).click()
        scripted.is_at("/private/")
        scripted.is_signed_in_as(email)
