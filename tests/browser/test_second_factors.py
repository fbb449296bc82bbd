"""Second factors: an authenticator app and backup codes, from setting them up to signing in with them."""

from __future__ import annotations

import pyotp
import pytest

from tests.support.ory import Ory, Person

from .conftest import NewVisitor
from .visitor import Visitor


def set_up_totp(visitor: Visitor) -> pyotp.TOTP:
    """Set up an authenticator app in the settings."""
    visitor.open("/auth/settings")
    secret = visitor.page.locator(".ory-secret").text_content() or ""
    totp = pyotp.TOTP(secret.strip())
    visitor.fill("totp_code", totp.now())
    visitor.submit("method", "totp")
    visitor.page.locator("button[name=totp_unlink]").wait_for(state="attached")
    return totp


def signed_in(visitor: Visitor, ory: Ory) -> Person:
    person = ory.person()
    visitor.sign_in(person)
    visitor.is_at("/private/")
    return person


@pytest.mark.gateway
def test_an_app_is_set_up_and_used(visitor: Visitor, ory: Ory, new_visitor: NewVisitor) -> None:
    person = signed_in(visitor, ory)
    totp = set_up_totp(visitor)
    other = new_visitor()
    other.sign_in(person, "/vault/")
    other.fill("totp_code", "000000")
    other.submit("method", "totp")
    other.page.get_by_role("alert").first.wait_for()
    other.fill("totp_code", totp.now())
    other.submit("method", "totp")
    other.is_at("/vault/")
    other.is_signed_in_as(person.email)


def test_backup_codes_are_shown_confirmed_and_used(visitor: Visitor, ory: Ory, new_visitor: NewVisitor) -> None:
    person = signed_in(visitor, ory)
    visitor.open("/auth/settings")
    visitor.submit("lookup_secret_regenerate", "true")
    codes = visitor.page.locator(".ory-codes code")
    codes.first.wait_for()
    code = codes.first.inner_text().strip()
    visitor.submit("lookup_secret_confirm", "true")
    visitor.page.get_by_role("status").first.wait_for()
    other = new_visitor()
    other.sign_in(person, "/vault/")
    other.fill("lookup_secret", code)
    other.submit("method", "lookup_secret")
    other.is_at("/vault/")


def test_without_a_second_factor_the_vault_says_what_to_do(visitor: Visitor, ory: Ory) -> None:
    signed_in(visitor, ory)
    visitor.open("/vault/")
    visitor.page.get_by_role("link", name="Set up").click()
    visitor.is_at("/auth/settings")
