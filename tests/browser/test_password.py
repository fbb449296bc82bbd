"""Sign-in, registration, settings and sign-out with a password."""

from __future__ import annotations

import pytest

from tests.support.ory import PASSWORD, Ory

from .visitor import Visitor


@pytest.mark.gateway
def test_signs_in_and_out(visitor: Visitor, ory: Ory) -> None:
    person = ory.person()
    visitor.open("/private/")
    visitor.sees("Sign in")
    visitor.fill("identifier", person.email)
    visitor.fill("password", "a wrong one")
    visitor.submit("method", "password")
    visitor.sees("Sign in")
    assert visitor.page.locator("[name=identifier]").input_value() == person.email
    visitor.fill("password", PASSWORD)
    visitor.submit("method", "password")
    visitor.is_at("/private/")
    visitor.is_signed_in_as(person.email)
    visitor.button("Sign out").click()
    visitor.is_at("/")
    visitor.is_signed_in_as("nobody")
