"""The looks in which each state is photographed and checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, ViewportSize

DESKTOP: ViewportSize = {"width": 1100, "height": 760}
PHONE: ViewportSize = {"width": 360, "height": 740}


@dataclass(frozen=True)
class Look:
    """A state is reached once, then the page changes its look. ``reload`` asks the site for it again."""

    name: str
    apply: Callable[[Page], None]


def _light(page: Page) -> None:
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")


def _dark(page: Page) -> None:
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="dark")


def _phone(page: Page) -> None:
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="light")


def _right_to_left(page: Page) -> None:
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    page.evaluate("document.documentElement.dir = 'rtl'")


def _german(page: Page) -> None:
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    # The cookie of Django's language switch; without it the browser's language counts.
    page.context.add_cookies([{"name": "django_language", "value": "de", "url": page.url}])
    page.reload()


LOOKS = (
    Look("light", _light),
    Look("dark", _dark),
    Look("phone", _phone),
    Look("right to left", _right_to_left),
    Look("German", _german),
)
