"""A process that measures: it sets one variant of the project up, and then runs its cases whenever it is told to.

Its one argument is a :class:`Variant` as JSON. Each line on its standard input is an order as JSON, answered by one
line: ``{"count": 50}`` runs every case that often, in a random order, and answers with nanoseconds by case.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
from importlib import import_module
from typing import Any

from trials.bench.case import Case
from trials.bench.project import Variant, configure

WARM = 10  # calls before anything is measured: lazy imports, compiled queries, adaptive bytecode


def measure(cases: list[Case], loop: asyncio.AbstractEventLoop, count: int) -> dict[str, dict[str, float]]:
    """One round: every case in a block of its own; median and mean of each block, in nanoseconds."""
    found = {}
    for case in random.sample(cases, len(cases)):
        took = case.run(loop, max(1, round(count * case.share)))
        found[case.name] = {"median": statistics.median(took), "mean": statistics.fmean(took)}
    return found


def main() -> None:
    variant = Variant(**json.loads(sys.argv[1]))
    configure(variant)
    cases: list[Case] = import_module(variant.cases).cases(variant)
    loop = asyncio.new_event_loop()
    measure(cases, loop, WARM)
    _say(sorted(case.name for case in cases))
    for line in sys.stdin:
        _say(measure(cases, loop, **json.loads(line)))


def _say(answer: Any) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
