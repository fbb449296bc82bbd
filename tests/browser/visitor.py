"""A person with a browser: what they do on the pages, and what the browser complained about."""

from __future__ import annotations

import re
import shutil
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, expect

from tests.support.ory import PASSWORD, Person

from .site import Site

# Chromium reports each response with an error status, also of the page itself.
STATUS = re.compile(r"Failed to load resource: the server responded with a status of (4|5)\d\d")


def find_chromium() -> str:
    """The path of the system's Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((path for name in names if (path := shutil.which(name))), None)
    assert path, "Chromium is needed: install it, or put it on PATH."
    return path


class Visitor:
    """One browser window on the site."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.context, self.site = context, site
        self.complaints: list[str] = []
        self.page: Page = self.new_tab()

    def new_tab(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not STATUS.match(message.text):
            self.complaints.append(f"{message.type}: {message.text}")

    # ---- moving

    def open(self, path: str) -> Page:
        self.page.goto(self.site.url + path)
        return self.page

    @property
    def path(self) -> str:
        return urlsplit(self.page.url).path

    def sees(self, heading: str | re.Pattern[str]) -> None:
        """Wait until the page with this main heading is shown."""
        expect(self.page.get_by_role("heading", level=1, name=heading)).to_be_visible()

    def is_at(self, path: str) -> None:
        """Wait until the browser has arrived at this path of the site."""
        self.page.wait_for_url(lambda url: urlsplit(url).path == path and url.startswith(self.site.url))

    def is_signed_in_as(self, email: str) -> None:
        expect(self.page.locator("#user")).to_have_text(email)

    # ---- filling in

    def button(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("button", name=name)

    def fill(self, name: str, value: str) -> None:
        """Fill in the field with this name (Ory's, such as "identifier")."""
        self.uncover(self.page.locator(f'[name="{name}"]:not([type=hidden])')).fill(value)

    def submit(self, name: str, value: str) -> None:
        """Press the button that sends this name and value, and confirm it if the page asks."""
        self.uncover(self.page.locator(f'button[name="{name}"][value="{value}"]')).click()

    def uncover(self, locator: Locator) -> Locator:
        """Open the ``<details>`` around an element, as a person does to set something up or to confirm."""
        locator.wait_for(state="attached")
        closed = locator.locator("xpath=ancestor::details[not(@open)]/summary")
        for summary in closed.all():
            summary.click()
        return locator

    def sign_in(self, person: Person, path: str = "/private/", password: str = PASSWORD) -> None:
        """Sign in with the password on the way to a page."""
        self.open(path)
        self.fill("identifier", person.email)
        self.fill("password", password)
        self.submit("method", "password")


class Keys:
    """A virtual authenticator of a page: a phone's or laptop's own (``internal``), or a USB key (``usb``)."""

    def __init__(self, visitor: Visitor, transport: str = "internal", *, resident: bool = True) -> None:
        self.cdp = visitor.context.new_cdp_session(visitor.page)
        self.cdp.send("WebAuthn.enable", {"enableUI": False})
        options = {
            "protocol": "ctap2",
            "transport": transport,
            "hasResidentKey": resident,
            "hasUserVerification": resident,
            "isUserVerified": resident,
            "automaticPresenceSimulation": True,
        }
        self.id: str = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    @property
    def credentials(self) -> list[dict[str, Any]]:
        stored: list[dict[str, Any]] = self.cdp.send("WebAuthn.getCredentials", {"authenticatorId": self.id})[
            "credentials"
        ]
        return stored

    def set_present(self, present: bool) -> None:
        """Whether somebody touches the key when it is asked for."""
        self.cdp.send("WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": self.id, "enabled": present})

    def remove(self) -> None:
        self.cdp.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.id})
