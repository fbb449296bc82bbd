"""The fixtures of the plugin, instead of those that other tests use."""

from __future__ import annotations

from pathlib import Path

import pytest

from ory_auth.pytest_plugin import ory, ory_login

from .sample import Sample

__all__ = ["ory", "ory_login"]


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    """A small Django project with its own tests."""
    return Sample(tmp_path)
