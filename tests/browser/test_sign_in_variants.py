"""Ways to sign in and to sign up that a configuration of Ory chooses: one-time codes, identifier first, one screen."""

from __future__ import annotations

from ory_auth.local import LocalOry
from tests.local.page_variants import PAGE_VARIANTS
from tests.support.ory import PASSWORD, Ory

from .visitor import Visitor

ADA = "ada@example.org"
PHONE = "+4915112345678"


def test_signs_in_with_a_code(visitor: Visitor, ory: Ory, local_ory: LocalOry) -> None:
    local_ory.configure(code_passwordless_enabled=True)
    person = ory.person()
    visitor.page.clock.install()
    visitor.open("/private/")
    visitor.fill("identifier", person.email)
    visitor.submit("method", "code")
    visitor.fill("code", "000000" if local_ory.mailbox.latest(person.email).code != "000000" else "000001")
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_role("alert").first.wait_for()
    visitor.page.clock.fast_forward(60_000)  # the button waits before it can be used again
    visitor.submit("resend", "code")
    visitor.page.get_by_role("status").first.wait_for()
    assert len(local_ory.mailbox.messages(person.email)) == 2
    visitor.fill("code", local_ory.mailbox.latest(person.email).code)
    visitor.page.keyboard.press("Enter")
    visitor.is_at("/private/")
    visitor.is_signed_in_as(person.email)


def test_signs_up_with_a_code_after_going_back_twice(visitor: Visitor, local_ory: LocalOry) -> None:
    local_ory.configure(code_passwordless_enabled=True)
    visitor.open("/auth/registration")
    visitor.fill("traits.email", "typing-error@example.org")
    visitor.submit("method", "profile")
    visitor.submit("method", "code")
    visitor.page.locator("[name=code]").wait_for()
    visitor.submit("screen", "credential-selection")
    visitor.submit("screen", "previous")
    visitor.fill("traits.email", ADA)
    visitor.submit("method", "profile")
    visitor.submit("method", "code")
    visitor.page.locator("[name=code]").wait_for()
    visitor.fill("code", local_ory.mailbox.latest(ADA).code)
    visitor.page.keyboard.press("Enter")
    visitor.is_at("/")
    visitor.is_signed_in_as(ADA)


def test_signs_up_on_one_screen(visitor: Visitor, local_ory: LocalOry) -> None:
    local_ory.configure(registration_style="unified")
    visitor.open("/auth/registration")
    visitor.fill("traits.email", ADA)
    visitor.fill("password", PASSWORD)
    visitor.submit("method", "password")
    visitor.is_at("/")
    visitor.is_signed_in_as(ADA)


def test_enters_the_identifier_first(visitor: Visitor, ory: Ory, local_ory: LocalOry) -> None:
    local_ory.configure(login_style="identifier_first", code_passwordless_enabled=True)
    person = ory.person()
    visitor.open("/private/")
    visitor.fill("identifier", "nobody@example.org")
    visitor.submit("method", "identifier_first")
    visitor.page.get_by_text("account").first.wait_for()
    visitor.fill("identifier", person.email)
    visitor.submit("method", "identifier_first")
    visitor.fill("password", PASSWORD)
    visitor.page.keyboard.press("Enter")
    visitor.is_at("/private/")
    visitor.is_signed_in_as(person.email)


def test_the_second_step_offers_each_address(visitor: Visitor, local_ory: LocalOry) -> None:
    schema = PAGE_VARIANTS["pages_code_mfa_two"]["schema"]
    local_ory.configure(code_mfa_enabled=True, schema=schema)
    local_ory.create_identity(email=ADA, password=PASSWORD, traits={"phone": PHONE})
    visitor.open("/private/")
    visitor.fill("identifier", ADA)
    visitor.fill("password", PASSWORD)
    visitor.submit("method", "password")
    visitor.submit("address", PHONE)
    visitor.page.locator("[name=code]").wait_for()
    visitor.fill("code", local_ory.mailbox.latest(PHONE).code)
    visitor.page.keyboard.press("Enter")
    visitor.is_at("/private/")
    visitor.is_signed_in_as(ADA)


def test_a_login_for_an_application_ends_there(visitor: Visitor, ory: Ory, local_ory: LocalOry) -> None:
    local_ory.configure(oauth2_provider=True)
    person = ory.person()
    visitor.open("/auth/login?login_challenge=abc")
    visitor.fill("identifier", person.email)
    visitor.fill("password", PASSWORD)
    visitor.submit("method", "password")
    visitor.sees("Back at the pretended application")
