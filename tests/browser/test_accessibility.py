"""No page and no state has a finding of axe-core, in any look, and none scrolls sideways on a phone.

And what people need who use a keyboard, forced colours, less motion, paper, or a language from right to left.
"""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from ory_auth.local import LocalOry
from tests.support.ory import Ory

from .conftest import NewVisitor
from .looks import LOOKS, Look
from .site import Site
from .states import STATES
from .visitor import Visitor

AXE = Axe()
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def findings_of(page: Page) -> list[str]:
    violations = AXE.run(page, options=RULES).response["violations"]
    return [
        f"{violation['id']}: {violation['help']}: {'; '.join(node['html'][:160] for node in violation['nodes'])}"
        for violation in violations
    ]


@pytest.mark.parametrize("name", STATES)
def test_has_no_findings_and_fits_a_narrow_phone(scripted: Visitor, site: Site, local_ory: LocalOry, name: str) -> None:
    STATES[name].show(scripted, site)
    findings = []
    for look in LOOKS:
        look.apply(scripted.page)
        findings += [f"{look.name}: {finding}" for finding in findings_of(scripted.page)]
    scripted.page.set_viewport_size({"width": 320, "height": 640})  # also a window of 1280 at a zoom of 400 %
    if scripted.page.evaluate("document.documentElement.scrollWidth") > 320:
        findings.append("a narrow phone: scrolls sideways")
    assert findings == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_a_user_menu_has_no_findings(scripted: Visitor, ory: Ory, look: Look) -> None:
    scripted.sign_in(ory.person())
    scripted.is_at("/private/")
    scripted.open("/own/tags/")
    look.apply(scripted.page)
    scripted.page.locator(".ory-menu summary").click()
    scripted.page.locator(".ory-menu-list").wait_for()
    assert findings_of(scripted.page) == []


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_a_flow_in_a_dialog_has_no_findings(scripted: Visitor, ory: Ory, every_method: None, look: Look) -> None:
    scripted.open("/own/tags/")
    look.apply(scripted.page)
    scripted.button("Sign in here").click()
    scripted.page.locator("[name=password]").wait_for()
    assert findings_of(scripted.page) == []


def test_a_flow_in_a_page_does_not_change_the_colours_of_the_page(new_visitor: NewVisitor, every_method: None) -> None:
    visitor = new_visitor(color_scheme="dark")
    visitor.open("/own/tags/")
    visitor.button("Sign in here").click()
    visitor.page.locator("[name=password]").wait_for()
    text, field = (
        visitor.page.evaluate(f"getComputedStyle(document.querySelector('{selector}')).color")
        for selector in ("h1", "[name=identifier]")
    )
    assert text == "rgb(0, 0, 0)"
    assert field == "rgb(27, 29, 33)"  # --ory-text of the light theme
    visitor.open("/auth/login")
    own = visitor.page.evaluate("getComputedStyle(document.querySelector('h1')).color")
    assert own == "rgb(236, 238, 241)"  # and of the dark one


@pytest.mark.parametrize(
    "name", ["login-wrong-password", "settings-bad-password", "sessions-confirm", "step-up-several-ways"]
)
def test_controls_have_borders_in_forced_colours(
    new_visitor: NewVisitor, site: Site, local_ory: LocalOry, name: str
) -> None:
    visitor = new_visitor(forced_colors="active")
    STATES[name].show(visitor, site)
    visitor.page.set_viewport_size({"width": 320, "height": 640})
    borderless = visitor.page.evaluate(
        """[...document.querySelectorAll(
          ".ory-button:not(.ory-button-quiet), .ory-field input, .ory-message.ory-message-error"
        )]
        .filter(element => element.checkVisibility() && element.type !== "checkbox" && element.type !== "hidden")
        .filter(element => parseFloat(getComputedStyle(element).borderTopWidth) < 1)
        .map(element => element.outerHTML.slice(0, 100))"""
    )
    assert borderless == []
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 320


def test_nothing_spins_fast_for_people_who_want_less_motion(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(reduced_motion="reduce")
    visitor.open("/auth/login")
    duration = visitor.page.evaluate(
        """() => {
          const button = document.querySelector(".ory-button-primary");
          button.setAttribute("aria-busy", "true");
          return getComputedStyle(button, "::before").animationDuration;
        }"""
    )
    assert duration == "4s"


def test_only_the_backup_codes_are_printed(scripted: Visitor, site: Site, local_ory: LocalOry) -> None:
    STATES["settings-backup-codes"].show(scripted, site)
    scripted.page.emulate_media(media="print")
    expect(scripted.page.locator(".ory-codes code").first).to_be_visible()
    for hidden in (".ory-index", ".ory-pages", "#ory-profile", ".ory-tools", "#ory-lookup_secret button"):
        for element in scripted.page.locator(hidden).all():
            expect(element).to_be_hidden()
    assert scripted.page.evaluate("document.documentElement.scrollHeight") < 1200  # one sheet of paper


def test_a_question_is_answered_with_the_keyboard(scripted: Visitor, site: Site, local_ory: LocalOry) -> None:
    STATES["settings-everything-set-up"].show(scripted, site)
    keyboard = scripted.page.keyboard
    summary = scripted.page.locator("#ory-totp summary")
    summary.focus()
    keyboard.press("Enter")
    expect(scripted.page.locator("[name=totp_unlink]")).to_be_visible()
    keyboard.press("Escape")
    expect(scripted.page.locator("[name=totp_unlink]")).to_be_hidden()
    expect(summary).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(scripted.page.locator("[name=totp_unlink]")).to_be_focused()
    keyboard.press("Enter")
    expect(scripted.page.locator("#ory-totp summary")).to_have_text("Set up")


def test_the_user_menu_works_with_the_keyboard(scripted: Visitor, ory: Ory) -> None:
    scripted.sign_in(ory.person())
    scripted.is_at("/private/")
    scripted.open("/own/tags/")
    keyboard = scripted.page.keyboard
    keyboard.press("Tab")
    expect(scripted.page.locator(".ory-menu summary")).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("Tab")
    expect(scripted.page.get_by_role("link", name="Account settings")).to_be_focused()
    for _ in range(3):
        keyboard.press("Tab")
    expect(scripted.button("Sign out")).to_be_focused()
    keyboard.press("Enter")
    expect(scripted.page.locator("#user")).to_have_text("nobody")


def test_a_right_to_left_page_keeps_addresses_in_order(new_visitor: NewVisitor, ory: Ory) -> None:
    visitor = new_visitor(locale="ar")
    person = ory.person(name={"first": "عائشة", "last": "القرطبية"})
    visitor.sign_in(person)
    visitor.is_at("/private/")
    visitor.open("/auth/settings")
    assert visitor.page.evaluate("document.documentElement.dir") == "rtl"
    directions = visitor.page.evaluate(
        """Object.fromEntries([...document.querySelectorAll("input[name^='traits.']:not([type=hidden])")]
        .map(input => [input.name, getComputedStyle(input).direction]))"""
    )
    assert directions["traits.email"] == "ltr"
    assert directions["traits.name.first"] == "rtl"
    assert findings_of(visitor.page) == []
