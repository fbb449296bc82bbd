"""docs/performance.md shows the tables of the run whose values are in the repository."""

from __future__ import annotations

from typing import Any

import pytest


def test_the_tables_on_the_page_are_those_of_the_last_full_run() -> None:
    results: Any = pytest.importorskip("benchmarks.results")  # not in the source distribution
    assert results.report(*results.read(results.JSON)) in results.PAGE.read_text()
