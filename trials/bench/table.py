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

    def json(self) -> dict[str, Any]:
        return {**asdict(self), "verdict": self.verdict}


def results(rows: Sequence[Row], rounds: Sequence[Round]) -> list[Result]:
    """One for each row whose worker has been there."""
    return [_result(row, rounds) for row in rows if row.variant in rounds[0]]


def _result(row: Row, rounds: Sequence[Round]) -> Result:
    medians = [{case: value["median"] for case, value in each[row.variant].items()} for each in rounds]
    times = [each[row.case] / 1000 for each in medians]
    ratios = [row.ratio(each) for each in medians]
    return Result(row.section, row.title, row.than, estimate(times).median, spread(times), estimate(ratios), row.line)


HEAD = ("", "µs", "middle half", "ratio", "95 %", "line", "")


def table(found: Sequence[Result]) -> Iterator[str]:
    """The lines of the table."""
    width = max(len(each.title) for each in found)
    for section, members in groupby(found, lambda each: each.section):
        yield ""
        yield _line(HEAD, width).replace(" " * width, section[: width + 40].ljust(width), 1)
        for each in members:
            yield _line(_cells(each), width)


def _cells(each: Result) -> tuple[str, ...]:
    low, high = each.spread
    interval = f"{each.ratio.low:.2f} – {each.ratio.high:.2f}"
    line = "" if each.line is None else f"≤ {each.line:g}"
    return (each.title, f"{each.microseconds:,.0f}", f"{low:,.0f} – {high:,.0f}", f"{each.ratio.median:.2f}", interval,
            line, each.verdict)  # fmt: skip


def _line(cells: Sequence[str], width: int) -> str:
    title, median, middle, ratio, interval, line, verdict = cells
    row = f"{title:<{width}}  {median:>7}  {middle:>15}  {ratio:>6}  {interval:>13}  {line:>6}  {verdict}"
    return row.rstrip()
