"""Codes by mail: to sign in, to create an account, to recover one and to verify an address."""

from __future__ import annotations

import pytest

from tests.support.ory import Ory

from .mail import code_for, letters_to, link_for, new_address
from .visitor import Visitor

NEW_PASSWORD = "Ygdrasil-7-roots"
pytestmark = pytest.mark.usefixtures("every_method")


@pytest.mark.gateway
def test_signs_in_with_the_second_code(visitor: Visitor, ory: Ory) -> None:
    person = ory.person(verified=True)
    visitor.page.clock.install()
    visitor.open("/private/")
    visitor.fill("identifier", person.email)
    visitor.submit("method", "code")
    visitor.fill("code", "000000")
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_role("alert").first.wait_for()
    visitor.page.clock.fast_forward(60_000)  # the button waits before it can be used again
    visitor.submit("resend", "code")
    visitor.page.get_by_role("status").first.wait_for()
    visitor.fill("code", code_for(ory, person.email, number=2))
    visitor.page.keyboard.press("Enter")
    visitor.is_at("/private/")
    visitor.is_signed_in_as(person.email)
    assert len(letters_to(ory, person.email)) == 2


def test_signs_up_with_a_password(visitor: Visitor) -> None:
    email = new_address()
    visitor.open("/auth/registration?next=/private/")
    visitor.fill("traits.email", email)
    visitor.submit("method", "profile")
    visitor.fill("password", "short")
    visitor.submit("method", "password")
    visitor.page.get_by_role("alert").first.wait_for()
    visitor.fill("password", NEW_PASSWORD)
    visitor.submit("method", "password")
    visitor.is_at("/private/")
    visitor.is_signed_in_as(email)


def test_signs_up_with_a_code_after_going_back_twice(visitor: Visitor, ory: Ory) -> None:
    email = new_address()
    visitor.open("/auth/registration?next=/private/")
    visitor.fill("traits.email", new_address())
    visitor.fill("traits.name.first", "Ada")
    visitor.submit("method", "profile")
    visitor.submit("method", "code")
    visitor.page.locator("[name=code]").wait_for()
    visitor.submit("screen", "credential-selection")
    visitor.submit("screen", "previous")
    visitor.fill("traits.email", email)
    assert visitor.page.locator('[name="traits.name.first"]:not([type=hidden])').input_value() == "Ada"
    visitor.submit("method", "profile")
    visitor.submit("method", "code")
    visitor.page.locator("[name=code]").wait_for()
    visitor.fill("code", code_for(ory, email))
    visitor.page.keyboard.press("Enter")
    visitor.is_at("/private/")
    visitor.is_signed_in_as(email)


def test_recovers_an_account(visitor: Visitor, ory: Ory) -> None:
    person = ory.person(verified=True)
    visitor.open("/auth/recovery?next=/private/")
    visitor.fill("email", person.email)
    visitor.submit("method", "code")
    visitor.fill("code", code_for(ory, person.email))
    visitor.submit("method", "code")
    visitor.is_at("/auth/settings")
    visitor.fill("password", NEW_PASSWORD)
    visitor.submit("method", "password")
    visitor.is_at("/private/")
    visitor.is_signed_in_as(person.email)


def test_recovery_of_an_unknown_address_looks_the_same(visitor: Visitor) -> None:
    visitor.open("/auth/recovery")
    visitor.fill("email", new_address())
    visitor.submit("method", "code")
    visitor.page.locator("[name=code]").wait_for()


def test_verifies_an_address_with_the_code(visitor: Visitor, ory: Ory) -> None:
    person = ory.person()
    visitor.open("/auth/verification")
    visitor.fill("email", person.email)
    visitor.submit("method", "code")
    visitor.fill("code", code_for(ory, person.email))
    visitor.submit("method", "code")
    visitor.page.get_by_role("link", name="Continue").click()
    visitor.is_at("/")


@pytest.mark.gateway
def test_verifies_an_address_with_the_link_in_the_mail(visitor: Visitor, ory: Ory) -> None:
    person = ory.person()
    visitor.open("/auth/verification")
    visitor.fill("email", person.email)
    visitor.submit("method", "code")
    visitor.page.locator("[name=code]").wait_for()
    visitor.page.goto(link_for(ory, person.email))
    assert visitor.page.locator("[name=code]:not([type=hidden])").input_value() == code_for(ory, person.email)
    visitor.submit("method", "code")
    visitor.page.get_by_role("link", name="Continue").wait_for()
    assert len(letters_to(ory, person.email)) == 1
