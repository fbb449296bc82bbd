"""What the commands that move users share: their reports, errors and line lengths."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import Error

from ory_auth.exceptions import OryAuthError
from ory_auth.moving.failure_report import FailureReport
from ory_auth.moving.pace import Stopped
from ory_auth.moving.sending import RunFailed

AGAIN = "Run the same command again to continue."
MAX_WIDTH = 110  # columns


def text_width(stream: Any) -> int:
    """Columns for texts: those of the terminal, as long as lines stay readable."""
    return min(shutil.get_terminal_size().columns, MAX_WIDTH) if stream.isatty() else MAX_WIDTH


def count(number: int, noun: str, plural: str = "") -> str:
    """Such as "1 user" or "1,200 users"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


@contextmanager
def open_report(path: Path | None) -> Iterator[FailureReport]:
    try:
        report = FailureReport(path)
    except OSError as error:
        raise CommandError(f"--report: {path} cannot be written ({error.strerror}). Nothing was changed.") from None
    with report:
        yield report


@contextmanager
def explain_errors() -> Iterator[None]:
    """Errors of Ory and of the database, without their frames: these hold hashes and addresses."""
    failure = ""
    try:
        yield
    except (OryAuthError, RunFailed) as error:
        failure = str(error)
    except Stopped:  # by a signal, while a call waited
        pass
    except Error as error:
        failure = f"The database failed ({type(error).__name__})."
    if failure:
        raise CommandError(f"{failure} {AGAIN}") from None
