"""What a guard is, as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class Stale(Exception):
    """The source text of a guard is not there exactly once: the list has to follow the code."""


@dataclass(frozen=True, slots=True)
class Guard:
    """One line of defence, and the smallest edit that takes it out.

    ``holds`` is what is true with it; ``file`` is relative to ``ory_auth/``; ``source`` stands there exactly once and
    is replaced by ``without``; ``tests`` are arguments for pytest, those first that are likely to notice, and
    ``campaign`` is one of `trials.chaos`, for what only shows under load.
    """

    name: str
    holds: str
    file: str
    source: str
    without: str
    tests: tuple[str, ...]
    campaign: str = ""

    def take_out(self, root: Path) -> str:
        """Edit the copy of the package under ``root``; gives the code as it was, raises :class:`Stale`."""
        path = root / "ory_auth" / self.file
        code = path.read_text() if path.exists() else ""
        if (times := code.count(self.source)) != 1:
            raise Stale(f"its source text is {times} times in ory_auth/{self.file}, not once")
        path.write_text(code.replace(self.source, self.without))
        return code
