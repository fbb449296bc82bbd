"""The page about other packages and servers has a row for each that ``make compatibility`` tries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "compatibility.md"


def rows() -> dict[str, tuple[str, str]]:
    """The verdict and the note of each row."""
    lines = [line.strip("|").split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return {name.strip(): (verdict.strip(), note.strip()) for name, _, verdict, note in lines}


@pytest.mark.parametrize(("module", "names"), [("catalogue", "PACKAGES"), ("servers", "SERVERS")])
def test_the_page_has_each_neighbour_with_its_verdict_and_what_to_know(module: str, names: str) -> None:
    catalogue: Any = pytest.importorskip(f"compatibility.{module}")  # not in the source distribution
    for package in getattr(catalogue, names):
        assert rows().get(package.name) == (package.verdict, package.note), package.name


def test_what_does_not_work_has_an_alternative() -> None:
    for name, (verdict, note) in rows().items():
        assert "works" in verdict or "Use " in note or name in {"package", "server"}, name
