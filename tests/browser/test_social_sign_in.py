"""Social sign-in with a pretend provider."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.ory import PASSWORD, Ory

from .mail import new_address
from .visitor import Visitor

pytestmark = pytest.mark.usefixtures("every_method")


def consent(visitor: Visitor, email: str, first_name: str = "Ada") -> None:
    """Fill in who the person is at the provider, and go back."""
    visitor.sees("Sign in with Google")
    visitor.fill("email", email)
    visitor.fill("given_name", first_name)
    visitor.button("Continue").click()


@pytest.mark.gateway
def test_a_new_person_signs_up_and_signs_in_again(visitor: Visitor) -> None:
    email = new_address()
    visitor.open("/private/")
    visitor.submit("provider", "google")
    consent(visitor, email)
    visitor.is_at("/private/")
    visitor.is_signed_in_as(email)
    visitor.button("Sign out").click()
    visitor.open("/private/")
    visitor.submit("provider", "google")
    visitor.button(email).click()
    visitor.is_at("/private/")
    visitor.is_signed_in_as(email)


def test_a_person_who_refuses_can_choose_another_way(visitor: Visitor, ory: Ory) -> None:
    person = ory.person()
    visitor.open("/private/")
    visitor.submit("provider", "google")
    visitor.button("Refuse").click()
    visitor.sees("Sign in")
    visitor.fill("identifier", person.email)
    visitor.fill("password", PASSWORD)
    visitor.submit("method", "password")
    visitor.is_signed_in_as(person.email)


def test_a_missing_trait_is_asked_for(visitor: Visitor) -> None:
    email = new_address()
    first_name = email.partition("@")[0]  # by which the provider's page finds the account again
    visitor.open("/private/")
    visitor.submit("provider", "google")
    consent(visitor, "", first_name)
    visitor.is_at("/auth/registration")
    visitor.sees("Almost done")
    assert visitor.page.locator('[name="traits.name.first"]').input_value() == first_name
    visitor.fill("traits.email", email)
    visitor.submit("provider", "google")
    visitor.button(first_name).click()
    visitor.is_at("/private/")
    visitor.is_signed_in_as(email)


@pytest.mark.gateway
def test_an_account_with_the_same_address_is_linked(visitor: Visitor, ory: Ory) -> None:
    person = ory.person()
    visitor.open("/private/")
    visitor.submit("provider", "google")
    consent(visitor, person.email)
    visitor.is_at("/auth/login")
    visitor.fill("password", PASSWORD)
    visitor.submit("method", "password")
    visitor.is_at("/private/")
    visitor.button("Sign out").click()
    visitor.open("/private/")
    visitor.submit("provider", "google")
    visitor.button(person.email).click()
    visitor.is_signed_in_as(person.email)


@pytest.mark.gateway
def test_links_and_unlinks_in_the_settings(visitor: Visitor, ory: Ory) -> None:
    person = ory.person()
    visitor.sign_in(person)
    visitor.is_at("/private/")
    visitor.open("/auth/settings")
    visitor.submit("link", "google")
    consent(visitor, new_address())
    visitor.is_at("/auth/settings")
    expect(visitor.page.locator('button[name="unlink"][value="google"]')).to_have_count(1)
    expect(visitor.page.locator('button[name="link"][value="github"]')).to_have_count(1)
    visitor.submit("unlink", "google")
    expect(visitor.page.locator('button[name="link"][value="google"]')).to_have_count(1)
