"""Ory's clock: real time, moved at will."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta

SECOND = 1_000_000_000
"""One second in nanoseconds, the unit of every time in here: Go writes times to the nanosecond."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

NEVER = -62_135_596_800 * SECOND
"""Go's zero time, which Kratos shows for times that are not set."""


class Clock:
    """Tells the time in nanoseconds since 1970; it can be moved against real time and stopped, for tests of expiry.

    What a change gives back may be used in a `with` statement: at its end the change is undone.
    """

    def __init__(self) -> None:
        self._offset = 0
        self._stopped_at: int | None = None  # real time

    def now(self) -> int:
        return (time.time_ns() if self._stopped_at is None else self._stopped_at) + self._offset

    def time(self) -> datetime:
        """The time as an aware `datetime`, to the microsecond."""
        return EPOCH + timedelta(microseconds=self.now() // 1000)

    def move(
        self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0
    ) -> AbstractContextManager[object]:
        """Move Ory's clock by that much, back where it is negative. Moves add up; a stopped clock moves, too."""
        nanoseconds = int(timedelta(days, seconds, minutes=minutes, hours=hours).total_seconds() * SECOND)
        self._offset += nanoseconds
        undo = ExitStack()
        undo.callback(self._shift, -nanoseconds)
        return undo

    def freeze(self, at: datetime | None = None) -> AbstractContextManager[object]:
        """Stop Ory's clock: now, or at a moment (aware). Once that is undone it goes on as if it had never stopped."""
        undo, before, now = ExitStack(), self._stopped_at, self.now()
        undo.callback(setattr, self, "_stopped_at", before)
        self._stopped_at = now - self._offset
        if at is not None:
            nanoseconds = (at - EPOCH) // timedelta(microseconds=1) * 1000 - now
            self._offset += nanoseconds
            undo.callback(self._shift, -nanoseconds)
        return undo

    def _shift(self, nanoseconds: int) -> None:
        self._offset += nanoseconds


def rfc3339(moment: int) -> str:
    """The time as Go's JSON writes it: UTC, up to nine decimals, without trailing zeros."""
    if moment == NEVER:
        return "0001-01-01T00:00:00Z"
    seconds, nanoseconds = divmod(moment, SECOND)
    fraction = f".{nanoseconds:09d}".rstrip("0").rstrip(".")
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def microseconds(moment: int) -> int:
    """The time as a database column keeps it."""
    return moment // 1000 * 1000
