"""The captcha of Ory Network, with a stand-in for Cloudflare's script."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, Route, expect

from .conftest import NewVisitor
from .visitor import Visitor

CLOUDFLARE = "https://challenges.cloudflare.com"
FIELD = "[name='transient_payload.captcha_turnstile_response']"
# A widget that has a new token 100 ms after it appears, and after each reset.
SCRIPT = """
window.turnstile = {
  number: 0,
  render(box, options) {
    box.textContent = options.sitekey + " " + options.action;
    this.options = options;
    this.reset();
    return "widget";
  },
  reset() {
    this.number += 1;
    setTimeout(() => this.options.callback("token-" + this.number), 100);
  },
};
"""


def allow_cloudflare(page: Page, script: str | None = SCRIPT) -> None:
    """Serve the page with a policy that allows Cloudflare, as the documentation says, and answer for Cloudflare."""

    def widen(route: Route) -> None:
        response = route.fetch()
        policy = response.headers["content-security-policy"]
        policy = policy.replace("script-src 'self'", f"script-src 'self' {CLOUDFLARE}; frame-src {CLOUDFLARE}")
        route.fulfill(response=response, headers={**response.headers, "content-security-policy": policy})

    def answer(route: Route) -> None:
        if script is None:
            route.abort()
        else:
            route.fulfill(content_type="text/javascript", body=script)

    page.route("**/own/captcha/", lambda route: widen(route) if route.request.method == "GET" else route.continue_())
    page.route(f"{CLOUDFLARE}/**", answer)


def test_the_token_is_sent_with_the_form(scripted: Visitor) -> None:
    allow_cloudflare(scripted.page)
    scripted.open("/own/captcha/")
    expect(scripted.page.get_by_text("a-key login")).to_be_visible()
    scripted.fill("password", "a password")
    expect(scripted.page.locator(FIELD)).to_have_value("token-1")
    scripted.submit("method", "password")
    expect(scripted.page.locator("form")).to_have_count(0)
    sent = json.loads(scripted.page.inner_text("body"))
    assert sent["transient_payload.captcha_turnstile_response"] == "token-1"
    assert sent["method"] == "password"


def test_a_form_that_is_sent_too_early_waits_for_the_token(scripted: Visitor) -> None:
    allow_cloudflare(scripted.page, SCRIPT.replace("100", "1500"))
    scripted.open("/own/captcha/")
    scripted.fill("password", "a password")
    scripted.submit("method", "password")
    expect(scripted.page.locator("form")).to_have_count(0)
    sent = json.loads(scripted.page.inner_text("body"))
    assert sent["transient_payload.captcha_turnstile_response"] == "token-1"
    assert sent["method"] == "password"


def test_each_submit_gets_a_new_token(scripted: Visitor) -> None:
    allow_cloudflare(scripted.page)
    scripted.page.clock.install()
    scripted.open("/own/captcha/")
    scripted.page.clock.fast_forward(200)
    scripted.fill("password", "a password")
    expect(scripted.page.locator(FIELD)).to_have_value("token-1")
    scripted.page.unroute("**/own/captcha/")
    scripted.page.route("**/own/captcha/", lambda route: route.fulfill(status=204))  # no next page comes
    with scripted.page.expect_request("**/own/captcha/"):
        scripted.submit("method", "password")
    scripted.page.clock.fast_forward(10_000)
    scripted.page.clock.fast_forward(200)
    expect(scripted.page.locator(FIELD)).to_have_value("token-2")


def test_a_blocked_captcha_is_explained(new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    allow_cloudflare(visitor.page, None)
    visitor.open("/own/captcha/")
    expect(visitor.page.get_by_role("alert")).to_contain_text("human")
    assert all("ERR_FAILED" in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()


@pytest.mark.parametrize("has_script", [True, False])
def test_people_without_javascript_learn_that_they_need_it(new_visitor: NewVisitor, has_script: bool) -> None:
    visitor = new_visitor(java_script_enabled=has_script)
    allow_cloudflare(visitor.page)
    visitor.open("/own/captcha/")
    expect(visitor.page.locator(".ory-captcha noscript p")).to_be_visible(visible=not has_script)
