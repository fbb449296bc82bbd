"""Copies of this project, in which its code may be spoiled."""

from __future__ import annotations

import shutil
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
NOT_COPIED = shutil.ignore_patterns(
    ".*", "__pycache__", "*.egg-info", "*.sqlite3*", "_build", "dist", "build", "mutants"
)


def copy_project(root: Path) -> None:
    """The sources and tests as they are in the work tree; ``root`` must not exist yet."""
    shutil.copytree(PROJECT, root, ignore=NOT_COPIED)
