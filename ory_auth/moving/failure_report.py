"""The CSV file of people who did not move, or not completely: primary keys, reason, fix, identity, and no more."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from .notices import Notice

COLUMNS = ("user", "code", "reason", "fix", "identity", "other_users", "moved")


class FailureReport:
    """Rows are on the disk after each batch, so that a run that is killed leaves them. ``path=None`` writes nothing.

    Raises ``OSError`` if the file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("w", encoding="utf-8", newline="")
        self._rows = None if self._file is None else csv.writer(self._file)
        self.is_empty = True
        if self._rows:
            self._rows.writerow(COLUMNS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def add(
        self,
        notice: Notice,
        *,
        user: str = "",
        identity_id: UUID | None = None,
        other_users: Sequence[str] = (),
        moved: bool = False,
    ) -> None:
        self.is_empty = False
        if self._rows:
            self._rows.writerow(
                (
                    _protect(user),
                    notice.code,
                    notice.text,
                    notice.fix,
                    identity_id or "",
                    _protect(" ".join(other_users)),
                    "yes" if moved else "no",
                )
            )

    def flush(self) -> None:
        if self._file:
            self._file.flush()


def _protect(primary_key: str) -> str:
    """A primary key that people may have chosen, such as a username, must not be a formula for a spreadsheet."""
    is_formula = primary_key.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) and not primary_key[1:].isdecimal()
    return f"'{primary_key}" if is_formula else primary_key
