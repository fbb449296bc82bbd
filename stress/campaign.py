"""A campaign: a function that gets an environment and returns figures, each with its limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from stress.oracle import BREACHES, Tally, Verdict

if TYPE_CHECKING:
    from stress.environment import Environment


@dataclass(frozen=True)
class Figure:
    """A measured number. ``limit`` is the highest allowed value; a figure without one is information only."""

    name: str
    value: float
    limit: float | None = None
    unit: str = ""

    @property
    def holds(self) -> bool:
        return self.limit is None or self.value <= self.limit

    def __str__(self) -> str:
        shown = [f"{number:,.2f}" if isinstance(number, float) else f"{number:,}" for number in self._numbers()]
        text = f"{self.name} {shown[0]}{self.unit and ' ' + self.unit}"
        return text if self.limit is None else f"{text} (≤ {shown[1]}){'' if self.holds else ' BREACH'}"

    def _numbers(self) -> list[float]:
        return [self.value] if self.limit is None else [self.value, self.limit]


@dataclass
class Result:
    """The result of a campaign. ``examples``: lines about what was wrong; ``details``: rows for the JSON file."""

    figures: list[Figure]
    examples: list[str] = field(default_factory=list)
    details: list[dict[str, Any]] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return all(figure.holds for figure in self.figures)

    def json(self) -> dict[str, Any]:
        figures = [{**asdict(figure), "holds": figure.holds} for figure in self.figures]
        return {"holds": self.holds, "figures": figures, "examples": self.examples, "details": self.details}


def common_figures(tally: Tally, breaches: Sequence[Verdict] = BREACHES) -> list[Figure]:
    """The figures of every campaign: the number of requests, and of each kind of wrong response."""
    figures = [Figure("requests", tally.requests)]
    figures += [Figure(str(each), tally.verdicts[each], 0) for each in breaches]
    others = (Verdict.UNAVAILABLE, Verdict.BROKEN, Verdict.CANCELLED)
    return figures + [Figure(str(each), tally.verdicts[each]) for each in others if tally.verdicts[each]]


Run = Callable[["Environment"], Result]


@dataclass(frozen=True)
class Campaign:
    """``order`` is its place in the table; ``holds_when`` says in one line what must hold."""

    name: str
    order: int
    holds_when: str
    run: Run


CAMPAIGNS: dict[str, Campaign] = {}


def campaign(name: str, order: int, holds_when: str) -> Callable[[Run], Run]:
    """Register the decorated function as a campaign."""

    def register(run: Run) -> Run:
        CAMPAIGNS[name] = Campaign(name, order, holds_when, run)
        return run

    return register
