"""Opening the step-up page again shows the same flow, so that Ory sends one code."""

from __future__ import annotations

import pytest

from ory_auth.local import LocalOry
from ory_auth.responses.step_up_flow import COOKIE, MAX_FLOWS
from tests.support.browser import Browser, client_transport
from tests.support.client import DualClient
from tests.support.ory import Ory, Person

pytestmark = pytest.mark.django_db

HOST = "127.0.0.1:18000"


@pytest.fixture
def person(local_ory: LocalOry, ory: Ory) -> Person:
    """A person to whose address Ory sends codes as the second factor."""
    site = f"http://{HOST}"
    local_ory.configure(
        ui_base=f"{site}/auth",
        default_return_url=f"{site}/",
        allowed_return_urls=(f"{site}/",),
        code_mfa_enabled=True,
    )
    return ory.person(verified=True)


@pytest.fixture
def browser(web: DualClient, person: Person) -> Browser:
    browser = Browser(HOST, client_transport(web, HOST))
    sign_in(browser, person)
    return browser


def sign_in(browser: Browser, person: Person) -> None:
    browser.jar.update({("127.0.0.1", name): value for name, value in person.browser_session().jar.items()})


def codes_sent(local_ory: LocalOry) -> int:
    return len(local_ory.mailbox.messages())


@pytest.mark.parametrize("address", ["/aal2", "/auth/login?aal=aal2&next=/aal2"])
def test_opening_the_page_twice_sends_one_code(
    browser: Browser, local_ory: LocalOry, person: Person, address: str
) -> None:
    first = browser.open(address)
    assert "code" in first.fields
    again = browser.open(address)
    assert again.form_with("code").action == first.form_with("code").action
    assert codes_sent(local_ory) == 1
    code = local_ory.mailbox.latest(person.email).code
    assert browser.submit(again, again.form_with("code"), button="code", code=code).path == "/aal2"


def test_each_page_to_come_back_to_has_its_own_step_up(browser: Browser, local_ory: LocalOry) -> None:
    for _ in range(3):
        browser.open("/aal2")
        browser.open("/auth/login?aal=aal2&next=/guarded")
    assert codes_sent(local_ory) == 2


def test_only_some_step_ups_are_remembered(browser: Browser, local_ory: LocalOry) -> None:
    for number in range(MAX_FLOWS + 2):
        browser.open(f"/auth/login?aal=aal2&next=/guarded%3F{number}")
    assert len(browser.jar["127.0.0.1", COOKIE].split("~")) == MAX_FLOWS


def test_an_expired_step_up_is_replaced(browser: Browser, local_ory: LocalOry) -> None:
    browser.open("/aal2")
    local_ory.clock.move(700)
    page = browser.open("/aal2")
    assert "code" in page.fields
    assert codes_sent(local_ory) == 2
    browser.open("/aal2")
    assert codes_sent(local_ory) == 2, "the new one is remembered"


def test_a_step_up_of_another_session_is_not_used(browser: Browser, local_ory: LocalOry, person: Person) -> None:
    first = browser.open("/aal2")
    name = "ory_kratos_session"
    browser.jar["127.0.0.1", name] = person.browser_session().jar[name]
    again = browser.open("/aal2")
    assert again.form_with("code").action != first.form_with("code").action


@pytest.mark.parametrize("flow_id", ["0b1c4f9e-6a0e-4a6c-9d0e-0e8f6d7f3c11", "../admin", "%2e%2e", "x" * 200, ""])
def test_a_flow_that_does_not_exist_is_replaced(browser: Browser, local_ory: LocalOry, flow_id: str) -> None:
    browser.open("/aal2")
    _, _, purpose = browser.jar["127.0.0.1", COOKIE].partition(".")
    browser.jar["127.0.0.1", COOKIE] = f"{flow_id}.{purpose}"
    assert "code" in browser.open("/aal2").fields


def test_a_completed_step_up_is_not_shown_again(browser: Browser, local_ory: LocalOry, person: Person) -> None:
    page = browser.open("/aal2")
    code = local_ory.mailbox.latest(person.email).code
    assert browser.submit(page, page.form_with("code"), button="code", code=code).path == "/aal2"
    assert browser.open(page.url).path == "/aal2", "as after the Back button"


@pytest.mark.parametrize("junk", ["", "~", ".", "a.b.c~d", "\u00e4.1", "~" * 100])
def test_a_broken_cookie_does_no_harm(browser: Browser, junk: str) -> None:
    browser.jar["127.0.0.1", COOKIE] = junk
    assert "code" in browser.open("/aal2").fields


@pytest.mark.parametrize("representation", ["json", "fragment"])
def test_a_script_that_asks_twice_gets_the_same_flow(
    browser: Browser, local_ory: LocalOry, representation: str
) -> None:
    for _ in range(3):
        browser.open(f"/auth/login?format={representation}&next=/aal2")
        browser.open(f"/auth/login?format={representation}&aal=aal2&next=/aal2")
    assert codes_sent(local_ory) == 1
