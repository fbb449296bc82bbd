"""Codes by mail: to sign in, to create an account, to recover one and to verify an address."""

from __future__ import annotations

import uuid

import pytest

from tests.support.ory import Ory

from .mail import code_for, letters_to, link_for
from .visitor import Visitor

NEW_PASSWORD = "Ygdrasil-7-roots"
pytestmark = pytest.mark.usefixtures("every_method")


def new_address() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.org"


class TestSignIn:
    def test_with_a_code(self, visitor: Visitor, ory: Ory) -> None:
        person = ory.person(verified=True)
        visitor.open("/private/")
        visitor.fill("identifier", person.email)
        visitor.submit("method", "code")
        visitor.fill("code", "000000")
        visitor.submit("method", "code")
        visitor.page.get_by_role("alert").first.wait_for()
        visitor.fill("code", code_for(ory, person.email))
        visitor.submit("method", "code")
        visitor.is_at("/private/")
        visitor.is_signed_in_as(person.email)

    def test_with_the_second_code(self, visitor: Visitor, ory: Ory) -> None:
        person = ory.person(verified=True)
        visitor.open("/private/")
        visitor.fill("identifier", person.email)
        visitor.submit("method", "code")
        code_for(ory, person.email)
        visitor.page.locator("[name=code]").wait_for()
        visitor.page.locator("button[name=resend]:enabled").click(timeout=40_000)
        visitor.fill("code", code_for(ory, person.email, number=2))
        visitor.submit("method", "code")
        visitor.is_at("/private/")


class TestRegistration:
    def test_with_a_password(self, visitor: Visitor) -> None:
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

    def test_with_a_code(self, visitor: Visitor, ory: Ory) -> None:
        email = new_address()
        visitor.open("/auth/registration?next=/private/")
        visitor.fill("traits.email", email)
        visitor.submit("method", "profile")
        visitor.submit("method", "code")
        visitor.fill("code", code_for(ory, email))
        visitor.submit("method", "code")
        visitor.is_at("/private/")
        visitor.is_signed_in_as(email)

    def test_goes_back_without_losing_what_was_typed(self, visitor: Visitor) -> None:
        email = new_address()
        visitor.open("/auth/registration")
        visitor.fill("traits.email", email)
        visitor.fill("traits.name.first", "Ada")
        visitor.submit("method", "profile")
        visitor.submit("screen", "previous")
        field = visitor.page.locator('[name="traits.name.first"]:not([type=hidden])')
        field.wait_for()
        assert field.input_value() == "Ada"
        assert visitor.page.locator('[name="traits.email"]:not([type=hidden])').input_value() == email


class TestRecovery:
    def test_with_a_code(self, visitor: Visitor, ory: Ory) -> None:
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

    def test_of_an_unknown_address_looks_the_same(self, visitor: Visitor, ory: Ory) -> None:
        email = new_address()
        visitor.open("/auth/recovery")
        visitor.fill("email", email)
        visitor.submit("method", "code")
        visitor.page.locator("[name=code]").wait_for()


class TestVerification:
    def test_with_a_code(self, visitor: Visitor, ory: Ory) -> None:
        person = ory.person()
        visitor.open("/auth/verification")
        visitor.fill("email", person.email)
        visitor.submit("method", "code")
        visitor.fill("code", code_for(ory, person.email))
        visitor.submit("method", "code")
        visitor.page.get_by_role("link", name="Continue").click()
        visitor.is_at("/")

    def test_with_the_link_in_the_mail(self, visitor: Visitor, ory: Ory) -> None:
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
