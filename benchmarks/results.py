"""The results of a run: the tables for the terminal and for docs/performance.md."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cases import CASES, KINDS, WHOAMI, Case, name_of

Values = Mapping[str, Sequence[float]]  # by name of the measurement, in the unit that `unit_of` says
SESSIONS = 10_000


def unit_of(name: str) -> str:
    """The unit of a measurement, as pyperf calls it."""
    return {"memory": "byte", "calls": "integer"}.get(name.split()[0], "second")


@dataclass(frozen=True)
class Figure:
    """A result that is not a ratio: the least value of ``name``, minus the least value of ``without``.

    It takes the least, because other work on the machine only adds to the values.
    """

    title: str
    limit: float
    name: str
    without: str = ""

    def value(self, values: Values) -> float:
        return min(values[self.name]) - (min(values[self.without]) if self.without else 0)

    def format(self, value: float) -> str:
        return {"byte": f"{value / 1e6:.1f} MB", "second": f"{value * 1e3:.0f} ms", "integer": f"{value:.0f}"}[
            unit_of(self.name)
        ]


FIGURES = (
    Figure(
        "Memory of a serving process, more than with Django alone",
        12e6,
        "memory of serve (ory)",
        "memory of serve (django)",
    ),
    Figure(
        "Start of a serving process, longer than with Django alone",
        0.12,
        "start of serve (ory)",
        "start of serve (django)",
    ),
    Figure("`manage.py check`, longer than with Django alone", 0.02, "start of check (ory)", "start of check (django)"),
    Figure(f"Memory of {SESSIONS:,} sessions, with `LOCAL_CACHE_SECONDS`", 25e6, "memory of sessions"),
    Figure("Calls to Ory for 200 simultaneous requests of one session, sync", 1, "calls of whoami (sync)"),
    Figure("Calls to Ory for 200 simultaneous requests of one session, async", 1, "calls of whoami (async)"),
)


def report(values: Values, about: str) -> str:
    """Both tables in Markdown. A result over its limit is bold."""
    requests = markdown_table(
        ("Request", "Sync", "Ratio", "Async", "Ratio", "Compared with", "Limit"), _requests(values)
    )
    figures = [
        (figure.title, _result(figure.format(value), value, figure.limit), figure.format(figure.limit))
        for figure in FIGURES
        if figure.name in values
        for value in [figure.value(values)]
    ]
    return f"{about}\n\n{requests}\n\n{markdown_table(('', 'Measured', 'Limit'), figures)}\n"


def _requests(values: Values) -> Iterator[Sequence[str]]:
    for case in CASES:
        cells = [
            cell for kind in KINDS for cell in (_time(values[name_of(case.title, kind)]), _ratio(values, case, kind))
        ]
        yield case.title, *cells, " and ".join(case.compared_with), f"{case.limit}" if case.limit else ""
    yield WHOAMI, _time(values[WHOAMI]), "", "", "", "", ""


def _time(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds) * 1e6:,.0f} µs"


def _ratio(values: Values, case: Case, kind: str) -> str:
    """The median of the ratios of all rounds: other work on the machine slows both sides of a ratio."""
    if not case.compared_with:
        return ""
    others = [values[name_of(title, kind)] for title in case.compared_with]
    sums = [sum(of_round) for of_round in zip(*others, strict=True)]
    ratio = statistics.median(own / other for own, other in zip(values[name_of(case.title, kind)], sums, strict=True))
    return _result(f"{ratio:.2f}", ratio, case.limit)


def _result(text: str, value: float, limit: float | None) -> str:
    return f"**{text}**" if limit is not None and value > limit else text


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rows = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


# ---- the file and the page

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
JSON = PAGE.parent / "pictures" / "bench.json"
BEGIN, END = "<!-- make bench writes from here -->\n", "<!-- to here -->"


def read(path: Path) -> tuple[Values, str]:
    """The measurements in a pyperf file, and the line about them."""
    suite = json.loads(path.read_text())
    values = {each["metadata"]["name"]: each["runs"][0]["values"] for each in suite["benchmarks"]}
    return values, suite["metadata"]["about"]


def write_page(text: str) -> None:
    """Replace the tables of docs/performance.md."""
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}")
