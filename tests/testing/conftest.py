"""The plugin's own fixtures instead of those of the rest of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from ory_auth.pytest_plugin import ory, ory_login

from .sample import Sample

__all__ = ["ory", "ory_login"]


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """A small project of somebody's own."""
    return Sample(tmp_path)
