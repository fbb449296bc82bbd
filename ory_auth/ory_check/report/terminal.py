"""The findings as lines: with symbols and colours, and wrapped, on a terminal; one line for each elsewhere."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ...conf import DOCS
from ..facts.http_result import Reply
from ..facts.model import Facts
from ..rules.findings import Check, Finding, Level

SYMBOLS = {Level.OK: "✓", Level.UNKNOWN: "?", Level.SKIPPED: "–", Level.WARNING: "!", Level.FAILURE: "✗"}
WORDS = {Level.OK: "ok", Level.UNKNOWN: "?", Level.SKIPPED: "-", Level.WARNING: "WARNING", Level.FAILURE: "FAILURE"}
SUBJECT, TIME = 18, 9  # columns


def plain(text: str) -> str:
    return text


@dataclass(frozen=True)
class Look:
    """How lines look: ``width`` of a terminal in columns (0: no wrapping), and what paints a level's text."""

    width: int = 0
    symbols: bool = False
    paint: Mapping[Level, Callable[[str], str]] | None = None
    heading: Callable[[str], str] = plain

    def mark(self, level: Level) -> str:
        word = SYMBOLS[level] if self.symbols else WORDS[level].ljust(max(map(len, WORDS.values())))
        return self.painted(level, word)

    def painted(self, level: Level, text: str) -> str:
        return self.paint[level](text) if self.paint and level in self.paint else text

    @property
    def margin(self) -> int:
        return 1 if self.symbols else max(map(len, WORDS.values()))


def lines(facts: Facts, findings: Sequence[Finding], look: Look) -> Iterator[str]:
    """The report, line by line, with the sum of it at the end."""
    for part, group in groupby(findings, key=lambda finding: finding.check.part):
        yield look.heading(part.value)
        for finding in group:
            yield from _line(finding, look)
            if finding.check is Check.ANSWER_TIME and facts.sdk:
                yield from _table(facts.sdk.whoami, look)
        yield ""
    if any(finding.id for finding in findings):
        yield f"What each id means is in {DOCS}/ory_check.md."
    yield _sum(findings, look)


def _line(finding: Finding, look: Look) -> Iterator[str]:
    time = "" if finding.seconds is None else shown_time(finding.seconds)
    start = f"{finding.check.subject:<{SUBJECT}} {time:>{TIME}}  "
    text = f"{finding.found} {finding.fix}".rstrip() + (f" [{finding.id}]" if finding.id else "")
    text = " ".join(text.split())
    indent = look.margin + 1 + len(start)
    rows = [text]
    if look.width and look.width - indent >= 30:
        rows = textwrap.wrap(text, look.width - indent, break_long_words=False, break_on_hyphens=False)
    bad = finding.level in {Level.WARNING, Level.FAILURE}
    painted = [look.painted(finding.level, row) if bad else row for row in rows]
    yield f"{look.mark(finding.level)} {start}{painted[0]}"
    for row in painted[1:]:
        yield " " * indent + row


def _table(replies: Sequence[Reply], look: Look) -> Iterator[str]:
    """How long whoami took: the first answer had to connect, the others show what a request costs."""
    rest = [reply.seconds for reply in replies[1:]] or [replies[0].seconds]
    columns = {
        "first": replies[0].seconds,
        "fastest": min(rest),
        "median": statistics.median(rest),
        "slowest": max(rest),
    }
    indent = " " * (look.margin + 1 + SUBJECT + 1 + TIME + 2)
    yield indent + " ".join(f"{name:>9}" for name in columns) + f"   of {len(replies)} answers of whoami"
    yield indent + " ".join(f"{shown_time(seconds):>9}" for seconds in columns.values())


def _sum(findings: Sequence[Finding], look: Look) -> str:
    """Whether it can work, and how many lines say otherwise or do not know."""
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    worst = next((level for level in (Level.FAILURE, Level.WARNING) if counts[level]), Level.OK)
    verdict = "cannot work with this Ory yet" if worst is Level.FAILURE else "can work with this Ory"
    told = [
        look.painted(level, f"{count} {level.value}{'s' if count > 1 and level is not Level.UNKNOWN else ''}")
        for level in (Level.FAILURE, Level.WARNING, Level.UNKNOWN)
        if (count := counts[level])
    ]
    return look.painted(worst, f"This project {verdict}") + (f"; {', '.join(told)}." if told else ".")


def shown_time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
