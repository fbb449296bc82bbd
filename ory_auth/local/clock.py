"""Ory's clock: real time, moved at will."""

from __future__ import annotations

import time
from datetime import UTC, datetime

SECOND = 1_000_000_000
"""One second in nanoseconds, the unit of every time in here: Go writes times to the nanosecond."""

NEVER = -62_135_596_800 * SECOND
"""Go's zero time, which Kratos shows for times that are not set."""


class Clock:
    """Tells the time in nanoseconds since 1970; `move` shifts it against real time, for tests of expiry."""

    def __init__(self) -> None:
        self._offset = 0

    def now(self) -> int:
        return time.time_ns() + self._offset

    def move(self, seconds: float) -> None:
        """Move Ory's clock by that many seconds; negative ones move it back. Moves add up."""
        self._offset += int(seconds * SECOND)


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
