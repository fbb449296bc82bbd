"""Through the gateway to a stand-in for Ory Network, whose cookies, URLs and pages are those of another host."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Request, expect

from ory_auth.local import Config, LocalOry
from tests.support.ory import PASSWORD, Ory
from tests.support.ports import free_ports

from .mail import new_address
from .site import Site, run_site_for
from .test_social_sign_in import consent
from .visitor import Keys, Visitor

TOKEN = "ory_pat_edge"


@pytest.fixture(scope="module")
def _running_site() -> Iterator[Site]:
    """A site at ``localhost``, and the edge at ``127.0.0.1``."""
    public_port, admin_port = free_ports(2)
    edge = f"http://127.0.0.1:{public_port}"
    ory = Ory(edge, f"http://127.0.0.1:{admin_port}")
    with run_site_for(ory, GATEWAY_TOKEN=TOKEN) as site:
        config = Config(
            public_port=public_port,
            admin_port=admin_port,
            edge=True,
            edge_token=TOKEN,
            ui_base=f"{edge}/ui",  # pages that a new project has, and this site replaces
            default_return_url=f"{edge}/ui/welcome",
            allowed_return_urls=(site.url,),
            rp_id="localhost",
            rp_origins=(site.url,),
            passkey_enabled=True,
            oidc_providers={"google": "Google"},
        )
        with LocalOry(config) as local:
            yield replace(site, ory=Ory(local.public_url, local.admin_url, local))


@pytest.fixture(autouse=True)
def _stays_on_this_site(request: pytest.FixtureRequest, site: Site) -> Iterator[None]:
    """The browser never sends a request to another host, and has cookies of this one only."""
    name = "visitor" if "visitor" in request.fixturenames else "scripted"
    visitor: Visitor = request.getfixturevalue(name)
    hosts = set()
    visitor.context.on("request", lambda sent: hosts.add(_host_of(sent)))
    yield
    if "provider" in request.node.name:
        return  # which is on the other host
    assert hosts == {urlsplit(site.url).netloc}
    cookies = visitor.context.cookies()
    assert {cookie["domain"] for cookie in cookies} == {"localhost"}
    assert "__cf_bm" not in {cookie["name"] for cookie in cookies}


def _host_of(request: Request) -> str:
    return urlsplit(request.url).netloc


def test_people_sign_in_and_out(visitor: Visitor, ory: Ory) -> None:
    person = ory.person()
    visitor.sign_in(person, password="a wrong one")
    visitor.sees("Sign in")
    visitor.fill("password", PASSWORD)
    visitor.submit("method", "password")
    visitor.is_at("/private/")
    visitor.is_signed_in_as(person.email)
    visitor.button("Sign out").click()
    visitor.is_at("/")
    visitor.is_signed_in_as("nobody")


def test_people_create_an_account(visitor: Visitor) -> None:
    visitor.open("/auth/registration")
    visitor.fill("traits.email", "new@example.org")
    visitor.submit("method", "profile")
    visitor.fill("password", PASSWORD)
    visitor.submit("method", "password")
    visitor.is_at("/")
    visitor.is_signed_in_as("new@example.org")


def test_a_new_project_leads_people_to_the_pages_of_this_site(visitor: Visitor, ory: Ory) -> None:
    """Not to those that Ory hosts, without a setting at Ory."""
    visitor.open("/.ory/self-service/recovery/browser")
    visitor.is_at("/auth/recovery")
    visitor.sign_in(ory.person(), "/.ory/self-service/login/browser")
    visitor.is_at("/")  # and not /ui/welcome


def test_people_sign_in_with_a_provider(scripted: Visitor, site: Site) -> None:
    """With GATEWAY_TOKEN, the provider sends them back through the gateway."""
    email = new_address()
    scripted.open("/private/")
    scripted.submit("provider", "google")
    consent(scripted, email)
    scripted.is_at("/private/")
    scripted.is_signed_in_as(email)


def test_a_passkey_is_created_and_used(scripted: Visitor, keys: Keys, ory: Ory) -> None:
    person = ory.person()
    scripted.sign_in(person)
    scripted.is_signed_in_as(person.email)
    scripted.open("/auth/settings")
    scripted.page.locator('[name="passkey_register_trigger"]').click()
    expect(scripted.page.locator('[name="passkey_remove"]')).to_have_count(1)
    assert [key["rpId"] for key in keys.credentials] == ["localhost"]
    scripted.open("/")
    scripted.button("Sign out").click()
    scripted.is_signed_in_as("nobody")
    scripted.open("/private/")  # the passkey signs in by itself
    scripted.is_at("/private/")
    scripted.is_signed_in_as(person.email)


def test_nothing_typed_is_lost_if_ory_fails(scripted: Visitor, ory: Ory, local_ory: LocalOry) -> None:
    person = ory.person()
    scripted.open("/private/")
    scripted.fill("identifier", person.email)
    scripted.fill("password", PASSWORD)
    with local_ory.failing(503, path="/self-service/login"):
        scripted.submit("method", "password")
        scripted.sees("One moment, please")
    scripted.button("Go back").click()
    scripted.sees("Sign in")
    expect(scripted.page.locator("[name=identifier]:not([type=hidden])")).to_have_value(person.email)
    scripted.fill("password", PASSWORD)
    with local_ory.failing(503, path="/self-service/login"):
        scripted.submit("method", "password")
        scripted.sees("One moment, please")
    scripted.button("Try again").click()
    scripted.is_at("/private/")
    scripted.is_signed_in_as(person.email)
