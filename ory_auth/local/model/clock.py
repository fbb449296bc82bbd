"""The clock of the local Ory: real time, which tests can move and stop."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000_000
"""One second in nanoseconds. All times of the local Ory are in nanoseconds, because Go writes times that exactly."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NEVER = -62_135_596_800 * SECOND
"""Go's zero time, which Kratos sends for times that are not set."""


class Clock:
    """Tells the time in nanoseconds since 1970. Tests of expiry can move and stop it.

    `move` and `freeze` return a context manager, which undoes the change at the end of a `with` block.
    """

    def __init__(self) -> None:
        self._offset = 0
        self._stopped_at: int | None = None  # real time

    def now(self) -> int:
        real_time = time.time_ns() if self._stopped_at is None else self._stopped_at
        return real_time + self._offset

    def time(self) -> datetime:
        """The time as an aware `datetime`, to the microsecond."""
        return EPOCH + timedelta(microseconds=self.now() // 1000)

    def move(
        self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0
    ) -> AbstractContextManager[object]:
        """Move Ory's clock forward, or back if the time is negative. Moves add up. A stopped clock also moves."""
        nanoseconds = int(timedelta(days, seconds, minutes=minutes, hours=hours).total_seconds() * SECOND)
        self._offset += nanoseconds
        undo = ExitStack()
        undo.callback(self._add_to_offset, -nanoseconds)
        return undo

    def freeze(self, at: datetime | None = None) -> AbstractContextManager[object]:
        """Stop Ory's clock at the current time or at `at` (aware). After the undo it shows real time again."""
        undo, stopped_before, now = ExitStack(), self._stopped_at, self.now()
        undo.callback(setattr, self, "_stopped_at", stopped_before)
        self._stopped_at = now - self._offset
        if at is not None:
            nanoseconds = (at - EPOCH) // timedelta(microseconds=1) * 1000 - now
            self._offset += nanoseconds
            undo.callback(self._add_to_offset, -nanoseconds)
        return undo

    def _add_to_offset(self, nanoseconds: int) -> None:
        self._offset += nanoseconds


def rfc3339(moment: int) -> str:
    """The time as Go's JSON writes it: UTC, with up to nine decimals and without trailing zeros."""
    if moment == NEVER:
        return "0001-01-01T00:00:00Z"
    seconds, nanoseconds = divmod(moment, SECOND)
    fraction = f".{nanoseconds:09d}".rstrip("0").rstrip(".")
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def parse_rfc3339(text: str) -> int:
    """The time in nanoseconds. Raises `ValueError`."""
    moment = datetime.fromisoformat(text)
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000


def truncate_to_microseconds(moment: int) -> int:
    """The time as Kratos' database stores it."""
    return moment // 1000 * 1000
