"""What the pages' scripts add, and that the pages work without them."""

from __future__ import annotations

import re
from typing import Any

import pyotp
import pytest
from playwright.sync_api import expect

from ory_auth.local import LocalOry
from tests.support.ory import PASSWORD, Ory

from .conftest import NewVisitor
from .site import EVERY_METHOD
from .test_second_factors import set_up_totp
from .visitor import Visitor

LIMIT = 30_000  # bytes of a first view: HTML, styles and scripts, uncompressed


def test_a_first_view_is_small(scripted: Visitor, local_ory: LocalOry) -> None:
    local_ory.configure(**EVERY_METHOD)
    sizes = {}

    def add(response: Any) -> None:
        if response.ok and "text/" in (response.headers.get("content-type") or ""):
            sizes[response.url] = len(response.body())

    scripted.page.on("response", add)
    scripted.open("/auth/login")
    scripted.page.wait_for_load_state("networkidle")
    assert any("passkeys.js" in url for url in sizes)
    assert sum(sizes.values()) < LIMIT, sizes


def test_a_password_can_be_shown(scripted: Visitor, ory: Ory) -> None:
    person = ory.person()
    scripted.open("/private/")
    scripted.fill("identifier", person.email)
    scripted.fill("password", PASSWORD)
    field = scripted.page.locator("[name=password]")
    scripted.button("Show password").click()
    expect(field).to_have_attribute("type", "text")
    expect(scripted.button("Hide password")).to_be_visible()
    scripted.submit("method", "password")
    scripted.is_at("/private/")


def test_a_form_is_sent_once(scripted: Visitor, ory: Ory) -> None:
    scripted.open("/private/")
    scripted.fill("identifier", ory.person().email)
    scripted.fill("password", PASSWORD)
    posts = []
    scripted.page.on("request", lambda request: posts.append(request) if request.method == "POST" else None)
    scripted.page.locator("button[value=password]").dblclick()
    scripted.is_at("/private/")
    assert len(posts) == 1


def test_going_back_leads_to_a_form_that_can_be_sent(scripted: Visitor, ory: Ory) -> None:
    person = ory.person()
    scripted.sign_in(person, password="a wrong one")
    scripted.page.get_by_role("alert").wait_for()
    scripted.page.go_back()
    scripted.fill("identifier", person.email)
    scripted.fill("password", PASSWORD)
    scripted.submit("method", "password")
    scripted.is_signed_in_as(person.email)


def test_a_new_code_can_be_asked_for_after_a_while(scripted: Visitor, ory: Ory) -> None:
    person = ory.person()
    scripted.page.clock.install()
    scripted.open("/auth/recovery")
    scripted.fill("email", person.email)
    scripted.submit("method", "code")
    resend = scripted.page.locator("[data-ory-resend]")
    expect(resend).to_be_disabled()
    expect(resend).to_contain_text(re.compile(r"0:(30|2\d)"))
    scripted.page.reload()
    expect(resend).to_be_disabled()
    scripted.page.clock.fast_forward(31_000)
    expect(resend).to_be_enabled()
    resend.click()
    expect(resend).to_be_disabled()


def test_a_person_sets_up_a_second_step_and_keeps_the_codes(
    visitor: Visitor, ory: Ory, request: pytest.FixtureRequest
) -> None:
    has_script = "no script" not in request.node.name
    visitor.sign_in(ory.person())
    visitor.is_at("/private/")
    visitor.open("/auth/settings")
    visitor.page.locator("#ory-totp summary").click()
    secret = visitor.page.locator("#ory-secret").inner_text()
    visitor.fill("totp_code", pyotp.TOTP(secret).now())
    visitor.submit("method", "totp")
    expect(visitor.page.locator("#ory-totp")).to_contain_text("On")
    visitor.page.locator("[name=lookup_secret_regenerate]").click()
    codes = visitor.page.locator("#ory-codes code").all_inner_texts()
    assert len(codes) == 12
    expect(visitor.button("Copy")).to_be_visible(visible=has_script)
    if has_script:
        visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
        visitor.button("Copy").click()
        expect(visitor.page.get_by_text("Copied.")).to_be_visible()
        assert visitor.page.evaluate("navigator.clipboard.readText()").split() == codes
        with visitor.page.expect_download() as download:
            visitor.button("Download").click()
        assert download.value.suggested_filename == "backup-codes.txt"
        assert download.value.path().read_text().split() == codes
    visitor.page.locator("[name=lookup_secret_confirm]").click()
    expect(visitor.page.locator("#ory-lookup_secret")).to_contain_text("On")


def test_a_question_is_asked_before_something_is_taken_away(visitor: Visitor, ory: Ory) -> None:
    visitor.sign_in(ory.person())
    visitor.is_at("/private/")
    set_up_totp(visitor)
    remove = visitor.page.locator("[name=totp_unlink]")
    expect(remove).to_be_hidden()
    visitor.page.locator("#ory-totp summary").click()
    remove.click()
    expect(visitor.page.locator("#ory-totp summary")).to_have_text("Set up")


def test_the_index_of_the_settings_leads_to_the_sections(visitor: Visitor, ory: Ory) -> None:
    visitor.sign_in(ory.person())
    visitor.is_at("/private/")
    visitor.open("/auth/settings#ory-password")
    index = visitor.page.get_by_role("navigation", name="Sections")
    for link in index.get_by_role("link").all():
        link.click()
        assert visitor.page.locator(f"section{visitor.page.evaluate('location.hash')}").count() == 1


def test_a_theme_can_be_forced(scripted: Visitor) -> None:
    scripted.page.emulate_media(color_scheme="light")
    scripted.open("/auth/login")
    background = "getComputedStyle(document.body).backgroundColor"
    light = scripted.page.evaluate(background)
    scripted.page.evaluate("document.documentElement.dataset.oryTheme = 'dark'")
    assert scripted.page.evaluate(background) != light


def test_a_person_signs_in_with_the_keyboard_alone(scripted: Visitor, ory: Ory) -> None:
    person = ory.person()
    scripted.open("/private/")
    keyboard = scripted.page.keyboard
    keyboard.type(person.email)  # the first field has the focus
    keyboard.press("Tab")
    keyboard.type("a wrong one")
    keyboard.press("Enter")
    scripted.page.get_by_role("alert").wait_for()
    keyboard.type(PASSWORD)  # the password has the focus now, and the address is still there
    keyboard.press("Enter")
    scripted.is_at("/private/")


def test_texts_without_spaces_wrap(new_visitor: NewVisitor, ory: Ory) -> None:
    visitor = new_visitor(viewport={"width": 320, "height": 640})
    person = ory.person(name={"first": "A" * 2000, "last": "\u202eevil"})
    visitor.sign_in(person)
    visitor.is_at("/private/")
    visitor.open("/auth/settings")
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 320
