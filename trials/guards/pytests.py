"""pytest in a process of its own in which the libraries are loaded already: that is most of what a start costs."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

LIBRARIES = [
    "django.db.models",
    "jsonschema",
    "ory_client",
    "pytest",
    "starlette.applications",
    "trials.guards",
    "uvicorn",
]
QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # of plugins that are loaded already
_fresh = multiprocessing.get_context("forkserver")
_fresh.set_forkserver_preload(LIBRARIES)


def run_pytest(root: Path, arguments: Sequence[str], limit: float) -> tuple[int | None, str]:
    """Its exit status, ``None`` where it did not end within ``limit`` seconds, and what it printed."""
    printed = root / "pytest.txt"
    process = _fresh.Process(target=_run, args=(root, arguments, printed))
    process.start()
    process.join(limit)
    status = process.exitcode
    if status is None:
        process.kill()
        process.join()
    return status, printed.read_text(errors="replace") if printed.exists() else ""


def _run(root: Path, arguments: Sequence[str], printed: Path) -> None:
    os.chdir(root)
    sys.path[:] = [str(root), *(entry for entry in sys.path if Path(entry).resolve() != Path(__file__).parents[2])]
    # Two edits within one second would leave bytecode that goes by their times in use.
    sys.dont_write_bytecode = True
    with printed.open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.exit(int(pytest.main([*QUIET, *arguments])))
