"""Medians of paired ratios, and how sure they are. No assumption is made about how the noise is distributed."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb


@dataclass(frozen=True)
class Estimate:
    """A median, and the interval in which the true one lies in 95 of 100 runs."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}, {self.high:.2f}]"


def estimate(values: Sequence[float]) -> Estimate:
    """The median of these, with its interval by order statistics (the sign test, turned around)."""
    ordered = sorted(values)
    last = len(ordered) - 1
    inward = _cut(len(ordered))
    return Estimate(statistics.median(ordered), ordered[inward], ordered[last - inward])


def _cut(number: int, confidence: float = 0.95) -> int:
    """How many values may be left out at each end: as many as keep the interval at least that sure."""
    tail, cut = 0.0, 0
    while cut < number // 2:
        tail += comb(number, cut) / 2**number
        if 2 * tail > 1 - confidence:
            break
        cut += 1
    return max(cut - 1, 0)


def spread(values: Sequence[float]) -> tuple[float, float]:
    """The quarter and three-quarter points."""
    if len(values) < 2:
        return values[0], values[0]
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high
