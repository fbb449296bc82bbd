"""A staff member sees the site as another user, in a browser."""

from __future__ import annotations

from playwright.sync_api import expect

from ory_auth.local import LocalOry
from tests.support.ory import Ory

from .visitor import Visitor


def test_a_staff_member_sees_the_page_of_a_customer_and_opens_no_step_up_page(
    visitor: Visitor, ory: Ory, local_ory: LocalOry
) -> None:
    sue = ory.person("sue@example.org", name={"first": "Sue", "last": "Port"})
    visitor.sign_in(sue)
    visitor.is_at("/private/")
    visitor.open("/own/become-staff/")
    visitor.fill("reason", "Request 4711")
    visitor.button("Start").click()
    visitor.is_at("/own/tags/")
    visitor.is_signed_in_as("bob@example.org")
    banner = visitor.page.get_by_role("complementary", name="Impersonation")
    expect(banner).to_contain_text("You see this site as Bob Builder. You are signed in as Sue Port.")
    visitor.open("/vault/")
    visitor.sees("Not while you impersonate another user")
    visitor.open("/auth/settings")
    visitor.sees("Not while you impersonate another user")
    visitor.open("/own/tags/")
    visitor.button("Stop impersonating").click()
    visitor.is_at("/")
    visitor.is_signed_in_as("sue@example.org")
