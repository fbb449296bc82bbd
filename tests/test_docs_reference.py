"""The reference says what the code says: commands and their options, events and their levels, names, URLs."""

from __future__ import annotations

import logging
import re
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import URLPattern

from ory_auth import events, types, urls
from ory_auth.local import Config

DOCS = Path(__file__).resolve().parent.parent / "docs"
REFERENCE = DOCS / "reference"
COMMANDS = sorted(name for name, app in get_commands().items() if app == "ory_auth")
DJANGOS_OWN = set(BaseCommand().create_parser("", "")._option_string_actions)


def section(page: str, title: str) -> str:
    """What stands under a heading of a page of the reference."""
    text = (REFERENCE / page).read_text()
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"{page} has no section {title!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, without their heads."""
    lines = [line.strip().strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in cells] for cells in lines]


def names(text: str) -> list[str]:
    """The first word of code in each row."""
    return [found[1] for row in rows(text) if (found := re.match(r"`([\w-]+)", row[0]))]


def documented(command: str) -> str:
    own_page = DOCS / f"{command}.md"
    return own_page.read_text() if own_page.exists() else section("commands.md", command)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_documented(command: str) -> None:
    parser = load_command_class("ory_auth", command).create_parser("manage.py", command)
    options = {name for name in parser._option_string_actions if name.startswith("--")} - DJANGOS_OWN
    assert set(re.findall(r"`(--[a-z-]+)", documented(command))) >= options


@pytest.mark.parametrize("command", ["ory_link", "ory_local", "ory_templates"])
def test_no_option_is_documented_that_is_not_there(command: str) -> None:
    parser = load_command_class("ory_auth", command).create_parser("manage.py", command)
    table = names(documented(command))
    assert set(table) <= set(parser._option_string_actions)
    for option, default, *_ in (row for row in rows(documented(command)) if len(row) == 3):
        actual = parser._option_string_actions[option.strip("`").split()[0]].default
        assert default.strip("`") == (str(actual).removesuffix(".0") if actual else "")


def test_every_field_of_the_local_orys_configuration_is_documented() -> None:
    """Except for those that have their own option."""
    cells = " ".join(row[0] for row in rows(section("commands.md", "Configuration of the local Ory")))
    options = {"host", "public_port", "admin_port", "ui_base", "default_return_url", "allowed_return_urls"}
    assert set(re.findall(r"`(\w+)", cells)) == {field.name for field in fields(Config)} - options


def test_the_sampled_events_are_documented() -> None:
    sentence = re.search(r"^Sampled are (.*?); also", section("events.md", "Sampled events"), re.DOTALL | re.MULTILINE)
    assert sentence
    assert set(re.findall(r"`(\w+)`", sentence[1])) == {event.value for event in events.SAMPLED}


def test_every_event_is_documented_with_its_level() -> None:
    table = rows((REFERENCE / "events.md").read_text())
    levels = {
        event.value: logging.getLevelName(events._LEVELS.get(event, logging.WARNING)).lower() for event in events.Event
    }
    assert {row[0].strip("`"): row[1] for row in table} == levels
    assert [row[0].strip("`") for row in table] == list(levels)


@pytest.mark.parametrize("name", types.__all__)
def test_every_attribute_of_a_value_is_documented(name: str) -> None:
    if name == "AAL":
        assert all(f"AAL.{level.name}" in section("session.md", name) for level in types.AAL)
        return
    value = getattr(types, name)
    public = {attribute for attribute in {**vars(value), **value.__annotations__} if not attribute.startswith("_")}
    private = {"capped_at", "from_cache", "from_json", "summary"}  # between the modules of this package
    assert set(names(section("session.md", name))) == public - private


@pytest.mark.parametrize(
    ("page", "module"),
    [
        ("guards.md", "ory_auth.decorators"),
        ("guards.md", "ory_auth.mixins"),
        ("users.md", "ory_auth.users"),
        ("users.md", "ory_auth.models"),
        ("users.md", "ory_auth.signals"),
        ("rest-framework.md", "ory_auth.rest_framework"),
        ("django-ninja.md", "ory_auth.ninja"),
        ("channels.md", "ory_auth.channels"),
        ("errors.md", "ory_auth.exceptions"),
        ("identities.md", "ory_auth.identities"),
        ("installing.md", "ory_auth.middleware"),
        ("installing.md", "ory_auth.backends"),
        ("admin.md", "ory_auth.admin"),
        ("session.md", "ory_auth.types"),
        ("own-layout.md", "ory_auth.forms"),
        ("own-layout.md", "ory_auth.views"),
    ],
)
def test_every_public_name_is_on_its_page(page: str, module: str) -> None:
    text = (REFERENCE / page).read_text()
    assert [name for name in import_module(module).__all__ if not re.search(rf"\b{name}\b", text)] == []


def test_every_url_is_documented() -> None:
    text = (REFERENCE / "urls.md").read_text()
    table = {row[0].strip("`"): row[1].strip("`") for row in rows(text)}
    routes = {route.name: f"auth/{route.pattern}" for route in urls.urlpatterns if isinstance(route, URLPattern)}
    assert table == routes


def test_every_page_of_the_site_is_reached_by_a_link() -> None:
    pages = [page for page in DOCS.rglob("*.md") if "_build" not in page.parts]
    linked = {DOCS / "index.md"}
    for page in pages:
        text = page.read_text()
        listed = re.findall(r"```\{toctree\}\n(.*?)```", text, re.DOTALL)
        entries = (entry for block in listed for entry in block.split() if not entry.startswith(":"))
        linked |= {found.resolve() for entry in entries for found in page.parent.glob(f"{entry}.md")}
    assert sorted(page.name for page in pages if page not in linked) == []
