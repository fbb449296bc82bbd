"""Pages of other configurations of Ory, the mailbox of the local Ory, and what may happen between two steps."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from ory_auth.local import LocalOry
from tests.local.page_variants import PAGE_VARIANTS
from tests.support.ory import PASSWORD, Ory

from .conftest import NewVisitor
from .mail import code_for, letters_to
from .visitor import Visitor


def flow_id(visitor: Visitor) -> str:
    return parse_qs(urlsplit(visitor.page.url).query)["flow"][0]


ADA = "ada@example.org"
PHONE = "+4915112345678"
NEW_PASSWORD = "Sleipnir-8-legs"


class TestIdentifierFirst:
    @pytest.fixture(autouse=True)
    def _configured(self, local_ory: LocalOry) -> None:
        local_ory.configure(login_style="identifier_first", code_passwordless_enabled=True)

    @pytest.mark.gateway
    def test_signs_in(self, visitor: Visitor, ory: Ory) -> None:
        person = ory.person()
        visitor.open("/private/")
        visitor.fill("identifier", "nobody@example.org")
        visitor.submit("method", "identifier_first")
        visitor.page.get_by_text("account").first.wait_for()
        visitor.fill("identifier", person.email)
        visitor.submit("method", "identifier_first")
        expect(visitor.page.get_by_text(person.email)).to_be_visible()
        visitor.fill("password", "a wrong one")
        visitor.submit("method", "password")
        visitor.page.get_by_role("alert").first.wait_for()
        expect(visitor.page.get_by_text(person.email)).to_be_visible()
        visitor.fill("password", PASSWORD)
        visitor.page.keyboard.press("Enter")
        visitor.is_at("/private/")
        visitor.is_signed_in_as(person.email)

    def test_another_account_can_be_chosen(self, visitor: Visitor, ory: Ory) -> None:
        visitor.open("/private/")
        visitor.fill("identifier", ory.person().email)
        visitor.submit("method", "identifier_first")
        visitor.page.get_by_role("link", name="Change").click()
        person = ory.person()
        visitor.fill("identifier", person.email)
        visitor.submit("method", "identifier_first")
        visitor.fill("password", PASSWORD)
        visitor.submit("method", "password")
        visitor.is_at("/private/")
        visitor.is_signed_in_as(person.email)


class TestCodesAsSecondFactor:
    @pytest.fixture(autouse=True)
    def _configured(self, local_ory: LocalOry) -> None:
        local_ory.configure(code_mfa_enabled=True, code_passwordless_enabled=False)

    @pytest.mark.gateway
    def test_opening_the_page_twice_sends_one_code(self, visitor: Visitor, ory: Ory) -> None:
        person = ory.person(verified=True)
        visitor.sign_in(person, "/vault/")
        visitor.page.locator("[name=code]:not([type=hidden])").wait_for()
        visitor.open("/vault/")
        visitor.open("/auth/login?next=/vault/")
        assert len(letters_to(ory, person.email)) == 1
        visitor.fill("code", code_for(ory, person.email))
        visitor.submit("method", "code")
        visitor.is_at("/vault/")


class TestBetweenTwoSteps:
    def test_two_tabs_sign_in_one_after_the_other(self, visitor: Visitor, ory: Ory) -> None:
        person = ory.person()
        visitor.open("/private/")
        other = visitor.new_tab()
        other.goto(visitor.site.url + "/vault/")
        visitor.fill("identifier", person.email)
        visitor.fill("password", PASSWORD)
        visitor.submit("method", "password")
        visitor.is_at("/private/")
        other.locator("[name=identifier]").fill(person.email)
        other.locator("[name=password]").fill(PASSWORD)
        other.locator("button[name=method][value=password]").click()
        other.wait_for_url(lambda url: not urlsplit(url).path.endswith("/self-service/login"))
        visitor.open("/private/")
        visitor.is_signed_in_as(person.email)

    def test_back_and_again(self, visitor: Visitor, ory: Ory) -> None:
        person = ory.person()
        visitor.sign_in(person, password="a wrong one")
        visitor.page.get_by_role("alert").first.wait_for()
        visitor.page.go_back()
        visitor.fill("identifier", person.email)
        visitor.fill("password", PASSWORD)
        visitor.submit("method", "password")
        visitor.is_at("/private/")

    @pytest.mark.gateway
    def test_an_expired_form_starts_again_and_still_arrives(
        self, visitor: Visitor, ory: Ory, local_ory: LocalOry
    ) -> None:
        person = ory.person()
        visitor.open("/private/")
        first = flow_id(visitor)
        local_ory.clock.move(3600)
        visitor.fill("identifier", person.email)
        visitor.fill("password", PASSWORD)
        visitor.submit("method", "password")
        visitor.page.wait_for_url(lambda url: first not in url)
        visitor.fill("identifier", person.email)
        visitor.fill("password", PASSWORD)
        visitor.submit("method", "password")
        visitor.is_at("/private/")


@pytest.mark.parametrize(
    "path",
    [
        "/auth/login?flow=../../etc/passwd",
        "/auth/login?flow=%00%0d%0a",
        "/auth/settings?flow=7d3f0c1e-93f3-4c2a-8f63-c2a4b74b9e11",
        "/auth/registration?flow=" + "x" * 3000,
    ],
)
def test_a_strange_flow_is_explained(visitor: Visitor, path: str) -> None:
    visitor.open(path)
    expect(visitor.page.get_by_role("heading", level=1)).to_be_visible()
    assert visitor.page.locator("form").count() or visitor.page.get_by_role("link").count()


def test_a_flow_of_another_browser_is_explained(visitor: Visitor, new_visitor: NewVisitor, ory: Ory) -> None:
    visitor.open("/private/")
    other = new_visitor()
    other.page.goto(visitor.page.url)
    other.page.get_by_role("link", name="Start again").click()
    person = ory.person()
    other.fill("identifier", person.email)
    other.fill("password", PASSWORD)
    other.submit("method", "password")
    other.is_at("/")


def test_signs_up_on_one_screen(visitor: Visitor, local_ory: LocalOry) -> None:
    local_ory.configure(registration_style="unified")
    visitor.open("/auth/registration")
    visitor.fill("traits.email", ADA)
    visitor.fill("password", PASSWORD)
    visitor.submit("method", "password")
    visitor.is_at("/")
    visitor.is_signed_in_as(ADA)


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


@pytest.mark.gateway
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
