"""The picture of the packages in docs/how-it-works.md shows the imports that the code has."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"


@pytest.fixture
def rooms() -> ModuleType:
    pytest.importorskip("grimp")
    spec = importlib.util.spec_from_file_location("rooms", PICTURES / "rooms.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_up_to_date(rooms: ModuleType) -> None:
    assert (PICTURES / "rooms.svg").read_text() == rooms.svg(), "run: python docs/pictures/rooms.py"
