"""Support in Django's admin, in a browser: under a strict policy, with and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.ory import Ory, Person

from .conftest import NewVisitor
from .visitor import Visitor


@pytest.fixture
def bob(ory: Ory, new_visitor: NewVisitor) -> Person:
    person = ory.person(verified=True)
    browser = new_visitor()
    browser.sign_in(person)
    browser.is_at("/private/")
    return person


def sign_in_as_superuser(visitor: Visitor, ory: Ory) -> None:
    person = ory.person()
    rights = {"is_staff": True, "is_superuser": True}
    patch = [{"op": "add", "path": "/metadata_public", "value": rights}]
    assert ory.admin("PATCH", f"/admin/identities/{person.id}", body=patch).status == 200
    visitor.sign_in(person)
    visitor.is_at("/private/")


def test_support_opens_the_panel_and_signs_a_person_out(
    visitor: Visitor, ory: Ory, bob: Person, request: pytest.FixtureRequest
) -> None:
    sign_in_as_superuser(visitor, ory)
    page = visitor.open(f"/admin/ory_auth/oryidentity/{bob.id}/change/")
    expect(page.get_by_text("Last sign-ins")).to_have_count(0)
    page.get_by_text("Sessions, credentials and actions").click()
    if request.node.callspec.params["visitor"] == "no script":
        page.get_by_role("link", name="Show what Ory says about this person").click()
    expect(page.get_by_text("Signed in now: 1 session")).to_be_visible()
    page.get_by_role("link", name="Sign out everywhere").click()
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_text("1 person was signed out everywhere.")).to_be_visible()
    reply = ory.admin("GET", f"/admin/identities/{bob.id}/sessions?active=true")
    assert reply.json == []


def test_support_ends_one_session_of_a_person(visitor: Visitor, ory: Ory, bob: Person, new_visitor: NewVisitor) -> None:
    second = new_visitor()
    second.sign_in(bob)
    second.is_at("/private/")
    sign_in_as_superuser(visitor, ory)
    page = visitor.open(f"/admin/ory_auth/oryidentity/{bob.id}/at-ory/")
    expect(page.get_by_text("Signed in now: 2 sessions")).to_be_visible()
    page.get_by_role("link", name="End session").first.click()  # the newest
    expect(page.get_by_text("The session ends at once.")).to_be_visible()
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_text("The session was ended.")).to_be_visible()
    assert len(ory.admin("GET", f"/admin/identities/{bob.id}/sessions?active=true").json) == 1
    second.open("/private/")
    second.is_at("/auth/login")


def test_a_panel_that_fails_to_load_leads_to_its_page_and_can_be_tried_again(
    scripted: Visitor, ory: Ory, bob: Person
) -> None:
    sign_in_as_superuser(scripted, ory)
    page = scripted.open(f"/admin/ory_auth/oryidentity/{bob.id}/change/")
    summary = page.get_by_text("Sessions, credentials and actions")
    page.route("**/at-ory/?fragment", lambda route: route.fulfill(status=500))
    summary.click()
    expect(page.get_by_text("This could not be loaded.")).to_be_visible()
    expect(page.get_by_role("link", name="Show what Ory says about this person")).to_be_visible()
    page.unroute_all()
    summary.click()
    summary.click()
    expect(page.get_by_text("Signed in now: 1 session")).to_be_visible()
