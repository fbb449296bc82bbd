"""Recovery and verification in the variants that a configuration can choose, and the mailbox of the local Ory."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import expect

from ory_auth.local import LocalOry
from tests.local.page_variants import PAGE_VARIANTS
from tests.support.ory import Ory

from .visitor import Visitor

NEW_PASSWORD = "Sleipnir-8-legs"


def test_recovers_an_account_with_a_link(visitor: Visitor, ory: Ory, local_ory: LocalOry) -> None:
    local_ory.configure(recovery_use="link")
    person = ory.person()
    visitor.open("/auth/recovery")
    visitor.fill("email", person.email)
    visitor.submit("method", "link")
    visitor.page.get_by_role("status").first.wait_for()
    visitor.page.goto(local_ory.mailbox.latest(person.email).url)
    visitor.is_at("/auth/settings")
    visitor.fill("password", NEW_PASSWORD)
    visitor.submit("method", "password")
    visitor.is_at("/")
    visitor.open("/private/")
    visitor.is_signed_in_as(person.email)


def test_a_used_link_says_so(scripted: Visitor, ory: Ory, local_ory: LocalOry) -> None:
    local_ory.configure(recovery_use="link")
    person = ory.person()
    scripted.open("/auth/recovery")
    scripted.fill("email", person.email)
    scripted.submit("method", "link")
    scripted.page.get_by_role("status").first.wait_for()
    link = local_ory.mailbox.latest(person.email).url
    scripted.page.goto(link)
    scripted.is_at("/auth/settings")
    scripted.context.clear_cookies()
    scripted.page.goto(link)
    scripted.is_at("/auth/recovery")
    expect(scripted.page.get_by_role("alert").first).to_be_visible()


def test_chooses_the_address_to_which_the_code_goes(scripted: Visitor, local_ory: LocalOry) -> None:
    local_ory.configure(choose_recovery_address=True, schema=PAGE_VARIANTS["pages_recovery2"]["schema"])
    traits = {"backup": "spare@example.org", "phone": "+4915112345678"}
    local_ory.create_identity(email="ada@example.org", password=NEW_PASSWORD, traits=traits)
    scripted.open("/auth/recovery")
    scripted.fill("recovery_address", "ada@example.org")
    scripted.submit("method", "code")
    scripted.button("sp****@example.org").click()
    scripted.fill("recovery_confirm_address", "spare@example.org")
    scripted.submit("method", "code")
    scripted.fill("code", local_ory.mailbox.latest("spare@example.org").code)
    scripted.submit("method", "code")
    scripted.is_at("/auth/settings")


def test_too_many_wrong_codes_start_again(scripted: Visitor, ory: Ory, local_ory: LocalOry) -> None:
    local_ory.configure(code_max_submissions=1)
    person = ory.person()
    scripted.open("/auth/recovery")
    scripted.fill("email", person.email)
    scripted.submit("method", "code")
    for _ in range(2):
        scripted.fill("code", "000000")
        scripted.submit("method", "code")
        scripted.page.get_by_role("alert").first.wait_for()
    expect(scripted.page.locator("[name=email]:not([type=hidden])")).to_be_visible()


def test_verifies_the_address_after_registration(visitor: Visitor, local_ory: LocalOry) -> None:
    local_ory.configure(registration_show_verification_ui=True)
    visitor.open("/auth/registration?next=/private/")
    visitor.fill("traits.email", "ada@example.org")
    visitor.submit("method", "profile")
    visitor.fill("password", NEW_PASSWORD)
    visitor.submit("method", "password")
    visitor.is_at("/auth/verification")
    visitor.fill("code", local_ory.mailbox.latest("ada@example.org").code)
    visitor.submit("method", "code")
    visitor.page.locator("a#continue, main a", has_text="Continue").first.click()
    visitor.is_at("/private/")
    identity = local_ory.find_identity("ada@example.org")
    assert identity
    assert identity["verifiable_addresses"][0]["verified"]


def test_the_mailbox_shows_new_messages_without_a_reload(scripted: Visitor, local_ory: LocalOry) -> None:
    scripted.page.goto(f"http://localhost:{urlsplit(local_ory.public_url).port}/mailbox")
    expect(scripted.page.get_by_text("There are no messages yet.")).to_be_visible()
    local_ory.mailbox.send("verification_code_valid", "ada@example.org", code="123456", url="http://localhost/verify")
    expect(scripted.page.get_by_role("article")).to_contain_text("ada@example.org")
    scripted.context.grant_permissions(["clipboard-read", "clipboard-write"])
    scripted.button("Copy").click()
    expect(scripted.button("Copied")).to_be_visible()
    assert scripted.page.evaluate("navigator.clipboard.readText()") == "123456"
