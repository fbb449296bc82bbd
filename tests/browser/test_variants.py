"""Pages of other configurations of Ory, and what may happen between two steps."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from ory_auth.local import LocalOry
from tests.support.ory import PASSWORD, Ory

from .conftest import NewVisitor
from .mail import code_for, letters_to
from .visitor import Visitor


def flow_id(visitor: Visitor) -> str:
    return parse_qs(urlsplit(visitor.page.url).query)["flow"][0]


class TestIdentifierFirst:
    @pytest.fixture(autouse=True)
    def _configured(self, local_ory: LocalOry) -> None:
        local_ory.configure(login_style="identifier_first")

    def test_signs_in(self, visitor: Visitor, ory: Ory) -> None:
        person = ory.person()
        visitor.open("/private/")
        visitor.fill("identifier", person.email)
        visitor.submit("method", "identifier_first")
        expect(visitor.page.get_by_text(person.email)).to_be_visible()
        visitor.fill("password", "a wrong one")
        visitor.submit("method", "password")
        visitor.page.get_by_role("alert").first.wait_for()
        expect(visitor.page.get_by_text(person.email)).to_be_visible()
        visitor.fill("password", PASSWORD)
        visitor.submit("method", "password")
        visitor.is_at("/private/")

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
