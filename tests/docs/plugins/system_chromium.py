"""A pytest plugin for the examples that open a browser: they use the system's Chromium, so nothing is downloaded."""

from __future__ import annotations

import shutil
from typing import Any

import pytest


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("Chromium is not installed")
    return {"executable_path": path, "args": ["--no-sandbox", "--disable-gpu"]}
