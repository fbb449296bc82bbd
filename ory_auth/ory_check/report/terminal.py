"""The findings as text: wrapped, with symbols and colors, on a terminal; otherwise plain, one line for each."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from ...conf import DOCS
from ..facts.http_result import HttpResult
from ..facts.model import Facts
from ..rules.findings import Check, Finding, Level

SYMBOLS = {Level.OK: "✓", Level.UNKNOWN: "?", Level.SKIPPED: "–", Level.WARNING: "!", Level.FAILURE: "✗"}
WORDS = {Level.OK: "ok", Level.UNKNOWN: "?", Level.SKIPPED: "-", Level.WARNING: "WARNING", Level.FAILURE: "FAILURE"}
WORD_WIDTH = max(map(len, WORDS.values()))
SUBJECT_WIDTH, TIME_WIDTH = 18, 9  # columns
MIN_TEXT_WIDTH = 30


def _plain(text: str) -> str:
    return text


@dataclass(frozen=True)
class Style:
    """How to format lines. ``width`` is that of the terminal in columns, or 0 for lines that are not wrapped."""

    width: int = 0
    symbols: bool = False
    colors: Mapping[Level, Callable[[str], str]] | None = None
    heading: Callable[[str], str] = _plain

    def format_level(self, level: Level) -> str:
        """The symbol or word in front of a line."""
        return self.color(level, SYMBOLS[level] if self.symbols else WORDS[level].ljust(WORD_WIDTH))

    def color(self, level: Level, text: str) -> str:
        return self.colors[level](text) if self.colors and level in self.colors else text

    @property
    def text_column(self) -> int:
        """The column at which the text of a finding begins."""
        return (1 if self.symbols else WORD_WIDTH) + 1 + SUBJECT_WIDTH + 1 + TIME_WIDTH + 2


def render_lines(facts: Facts, findings: Sequence[Finding], style: Style) -> Iterator[str]:
    """The report, with the verdict in the last line."""
    for section, group in groupby(findings, key=lambda finding: finding.check.section):
        yield style.heading(section.value)
        for finding in group:
            yield from _render_finding(finding, style)
            if finding.check is Check.ANSWER_TIME and facts.at_sdk_url:
                yield from _render_times(facts.at_sdk_url.whoami, style)
        yield ""
    if any(finding.id for finding in findings):
        yield f"The ids in brackets are explained in {DOCS}/ory_check.md."
    yield _verdict(findings, style)


def _render_finding(finding: Finding, style: Style) -> Iterator[str]:
    time = "" if finding.seconds is None else format_seconds(finding.seconds)
    start = f"{finding.check.subject:<{SUBJECT_WIDTH}} {time:>{TIME_WIDTH}}  "
    text = f"{finding.found} {finding.fix}".rstrip() + (f" [{finding.id}]" if finding.id else "")
    rows = [" ".join(text.split())]
    if style.width and (text_width := style.width - style.text_column) >= MIN_TEXT_WIDTH:
        rows = textwrap.wrap(rows[0], text_width, break_long_words=False, break_on_hyphens=False)
    if finding.level in {Level.WARNING, Level.FAILURE}:
        rows = [style.color(finding.level, row) for row in rows]
    yield f"{style.format_level(finding.level)} {start}{rows[0]}"
    for row in rows[1:]:
        yield " " * style.text_column + row


def _render_times(results: Sequence[HttpResult], style: Style) -> Iterator[str]:
    """The first request opened a connection. The others show what a request costs."""
    others = [result.seconds for result in results[1:]] or [results[0].seconds]
    columns = {
        "first": results[0].seconds,
        "fastest": min(others),
        "median": statistics.median(others),
        "slowest": max(others),
    }
    indent = " " * style.text_column
    yield indent + " ".join(f"{name:>9}" for name in columns) + f"   of {len(results)} requests to whoami"
    yield indent + " ".join(f"{format_seconds(seconds):>9}" for seconds in columns.values())


def _verdict(findings: Sequence[Finding], style: Style) -> str:
    """Whether this project works with this Ory, how many problems there are, and how many checks are unknown."""
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    worst = next((level for level in (Level.FAILURE, Level.WARNING) if counts[level]), Level.OK)
    verdict = "does not work with this Ory yet" if worst is Level.FAILURE else "works with this Ory"
    parts = [style.color(worst, f"This project {verdict}")]
    problems = [
        style.color(level, f"{count} {level.value}{'s' if count > 1 else ''}")
        for level in (Level.FAILURE, Level.WARNING)
        if (count := counts[level])
    ]
    if problems:
        parts.append(", ".join(problems))
    if count := counts[Level.UNKNOWN]:
        parts.append(f"{count} {'checks' if count > 1 else 'check'} could not be made")
    return f"{'; '.join(parts)}."


def format_seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
