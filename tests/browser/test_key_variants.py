"""Passkeys and security keys in the variants that a configuration can choose."""

from __future__ import annotations

from playwright.sync_api import expect

from ory_auth.local import LocalOry
from tests.support.ory import Ory

from .visitor import Keys, Visitor

EMAIL = "ada@example.org"


def test_signs_up_with_a_passkey_on_one_screen(scripted: Visitor, keys: Keys, local_ory: LocalOry) -> None:
    local_ory.configure(passkey_enabled=True, registration_style="unified")
    scripted.open("/auth/registration?next=/private/")
    scripted.fill("traits.email", EMAIL)
    scripted.page.locator("button[name=passkey_register_trigger]").click()
    scripted.is_at("/private/")
    scripted.is_signed_in_as(EMAIL)
    assert len(keys.credentials) == 1


def test_signs_in_with_a_security_key_instead_of_a_password(scripted: Visitor, keys: Keys, local_ory: LocalOry) -> None:
    local_ory.configure(webauthn_enabled=True, webauthn_passwordless=True)
    scripted.open("/auth/registration?next=/private/")
    scripted.fill("traits.email", EMAIL)
    scripted.submit("method", "profile")
    scripted.page.locator("button[name=webauthn_register_trigger]").click()
    scripted.is_at("/private/")
    scripted.button("Sign out").click()
    scripted.is_at("/")
    scripted.open("/private/")
    scripted.fill("identifier", EMAIL)
    scripted.submit("method", "webauthn")
    scripted.page.locator("button[name=webauthn_login_trigger]").click()
    scripted.is_at("/private/")
    scripted.is_signed_in_as(EMAIL)


def test_signs_in_again_with_a_passkey(scripted: Visitor, keys: Keys, local_ory: LocalOry) -> None:
    local_ory.configure(passkey_enabled=True)
    scripted.open("/auth/registration?next=/private/")
    scripted.fill("traits.email", EMAIL)
    scripted.submit("method", "profile")
    scripted.page.locator("button[name=passkey_register_trigger]").click()
    scripted.is_at("/private/")
    scripted.open("/auth/login?refresh=true&next=/private/")
    scripted.page.locator("button[name=passkey_login_trigger]").click()
    scripted.is_at("/private/")


def test_a_security_key_is_a_second_factor(scripted: Visitor, keys: Keys, ory: Ory, local_ory: LocalOry) -> None:
    local_ory.configure(webauthn_enabled=True)
    person = ory.person()
    scripted.sign_in(person)
    scripted.is_at("/private/")
    scripted.open("/auth/settings")
    scripted.fill("webauthn_register_displayname", "The blue key")
    scripted.page.locator("button[name=webauthn_register_trigger]").click()
    expect(scripted.page.get_by_text("The blue key").first).to_be_visible()
    scripted.open("/private/")
    scripted.button("Sign out").click()
    scripted.is_at("/")
    scripted.sign_in(person)
    scripted.page.locator("button[name=webauthn_login_trigger]").click()
    scripted.is_at("/private/")
    scripted.is_signed_in_as(person.email)


def test_the_last_passkey_stays(scripted: Visitor, keys: Keys, local_ory: LocalOry) -> None:
    local_ory.configure(passkey_enabled=True)
    scripted.open("/auth/registration?next=/private/")
    scripted.fill("traits.email", EMAIL)
    scripted.submit("method", "profile")
    scripted.page.locator("button[name=passkey_register_trigger]").click()
    scripted.is_at("/private/")
    scripted.open("/auth/settings")
    expect(scripted.page.locator("button[name=passkey_remove]").first).to_be_disabled()
