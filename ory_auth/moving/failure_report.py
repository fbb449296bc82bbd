"""The CSV file of people who were not imported: primary key, reason, fix. It contains nothing else of a person."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import Self

from .results import NotImported

COLUMNS = ("user", "code", "reason", "fix", "identity")


class FailureReport:
    """Rows are on the disk after each batch, so that a run that is killed leaves them. ``path=None`` writes nothing.

    Raises ``OSError`` if the file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else path.open("w", encoding="utf-8", newline="")
        self._rows = None if self._file is None else csv.writer(self._file)
        if self._rows:
            self._rows.writerow(COLUMNS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def add(self, result: NotImported) -> None:
        if self._rows:
            notice, identity = result.notice, result.identity_id or ""
            self._rows.writerow((result.person.external_id, notice.code, notice.text, notice.fix, identity))

    def flush(self) -> None:
        if self._file:
            self._file.flush()
