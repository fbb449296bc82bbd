"""The table of rooms in the documents names every module of the package, each in its room."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ory_auth

PACKAGE = Path(ory_auth.__file__).parent
DOCUMENT = Path(__file__).parent.parent / "docs" / "how-it-works.md"
ROOMS = (
    "admin",
    "pages",
    "webhooks",
    "moving",
    "impersonation",
    "identities",
    "request",
    "responses",
    "users",
    "sessions",
    "ory",
    "process",
    "local",
    "synchronization",
    "webhooks",
    "moving",
    "identities",
)


def documented() -> dict[str, set[str]]:
    """Room → the modules that the table names."""
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]*) \|$", DOCUMENT.read_text(), re.MULTILINE)
    return {room: set(re.findall(r"`(\w+)`", modules)) for room, modules in rows}


def in_folder(folder: Path) -> set[str]:
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    return {path.stem for path in folder.glob("*.py")} - {"__init__"} | packages


@pytest.mark.parametrize("room", ROOMS)
def test_the_table_names_each_module_of_a_room(room: str) -> None:
    assert documented()[room] == in_folder(PACKAGE / room)


def test_the_table_names_the_top_level_modules() -> None:
    assert documented()["ory_auth"] == {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
