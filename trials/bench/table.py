"""What the rounds say: one result for each row, as a table for people and as JSON for the docs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from trials.bench.crew import Round
from trials.bench.lines import Row
from trials.bench.stats import Estimate, estimate, spread


@dataclass(frozen=True)
class Result:
    """One row, measured. Times are microseconds; ``spread`` is where the middle half of the rounds lies."""

    section: str
    title: str
    than: str
    microseconds: float
    spread: tuple[float, float]
    ratio: Estimate
    line: float | None

    @property
    def verdict(self) -> str:
        """``holds``, ``over``, or ``close`` where the line is inside the interval."""
        if self.line is None:
            return ""
        return "holds" if self.ratio.high <= self.line else "over" if self.ratio.low > self.line else "close"


@dataclass(frozen=True)
class Figure:
    """A number that is no ratio, and the most that it may be; the title says of what."""

    section: str
    title: str
    value: float
    line: float
    note: str = ""

    @property
    def verdict(self) -> str:
        return "holds" if self.value <= self.line else "over"


def as_json(each: Result | Figure) -> dict[str, Any]:
    """For the docs: as exact as it is worth."""
    found: dict[str, Any] = _rounded({**asdict(each), "verdict": each.verdict})
    return found


def _rounded(value: Any) -> Any:
    match value:
        case float():
            return round(value, 3 if value < 100 else 1)
        case dict():
            return {key: _rounded(each) for key, each in value.items()}
        case tuple():
            return [_rounded(each) for each in value]
    return value


def results(rows: Sequence[Row], rounds: Sequence[Round]) -> list[Result]:
    """One for each row whose worker has been there."""
    return [_result(row, rounds) for row in rows if row.variant in rounds[0]]


def _result(row: Row, rounds: Sequence[Round]) -> Result:
    medians = [{case: value["median"] for case, value in each[row.variant].items()} for each in rounds]
    times = [each[row.case] / 1000 for each in medians]
    ratios = [row.ratio(each) for each in medians]
    return Result(row.section, row.title, row.than, estimate(times).median, spread(times), estimate(ratios), row.line)


WIDTH = 62  # of the titles


def table(found: Sequence[Result]) -> Iterator[str]:
    """The lines of the table of ratios."""
    for section, members in groupby(found, lambda each: each.section):
        yield f"\n{section}"
        yield _line("", "µs", "middle half", "ratio", "95 %", "line", "")
        for each in members:
            low, high = each.spread
            interval = f"{each.ratio.low:.2f} – {each.ratio.high:.2f}"
            line = "" if each.line is None else f"≤ {each.line:g}"
            yield _line(each.title, f"{each.microseconds:,.0f}", f"{low:,.0f} – {high:,.0f}",
                        f"{each.ratio.median:.2f}", interval, line, each.verdict)  # fmt: skip


def _line(title: str, median: str, middle: str, ratio: str, interval: str, line: str, verdict: str) -> str:
    row = f"  {title:<{WIDTH}} {median:>7}  {middle:>15}  {ratio:>5}  {interval:>13}  {line:>6}  {verdict}"
    return row.rstrip()


def figures(found: Sequence[Figure]) -> Iterator[str]:
    """The lines of the table of other numbers."""
    for section, members in groupby(found, lambda each: each.section):
        yield f"\n{section}"
        for each in members:
            value = f"{each.value:,.0f}" if each.value >= 100 or each.value == int(each.value) else f"{each.value:.1f}"
            row = f"  {each.title:<{WIDTH}} {value:>7}  {each.note:<39}  {f'≤ {each.line:g}':>6}  {each.verdict}"
            yield row.rstrip()
