"""``python -m trials.bench``: what a signed-in request costs, against Django's own sessions and a bare view."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trials.bench import picture, run, stages
from trials.bench.table import Figure, Result, as_json, figures, table


def main() -> int:
    options = _options()
    size = run.QUICK if options.quick else run.FULL
    if options.profile:
        print("\n".join(stages.profiles(2.0 if options.quick else 8.0)))
        return 0
    with suppress(PermissionError):
        os.nice(-10)  # what else the machine does disturbs less; the processes that are started inherit it
    notes: list[str] = []
    load = os.getloadavg()[0]
    print(_where(load), flush=True)
    ratios = run.requests(size, notes)
    print("\n".join(table(ratios)))
    others: list[Figure] = []
    for measure in (run.herd(), run.memory(size), run.starts(size)):
        some = list(measure)
        print("\n".join(figures(some)))
        others += some
    print("".join(f"\n{note}" for note in notes))
    document = _document(load, ratios, others, notes)
    if options.json:
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    if options.picture:
        options.picture.write_text(picture.draw(document))
    verdicts = Counter(each["verdict"] for each in (*document["ratios"], *document["figures"]))
    over = verdicts["over"]
    print(f"\n{verdicts['holds']} hold, {verdicts['close']} are too close to say, {over} are over their line.")
    return 1 if options.strict and over else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trials.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a rough answer within 40 seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw them there, as SVG")
    parser.add_argument("--strict", action="store_true", help="exit status 1 where a line is passed")
    parser.add_argument("--profile", action="store_true", help="where the microseconds go, instead of how many")
    return parser.parse_args()


def _where(load: float) -> str:
    names = ", ".join(f"{name} {version(name)}" for name in ("Django", "ory_client", "redis"))
    machine = f"{os.cpu_count()} processors, load {load:.1f}"
    return f"Python {platform.python_version()}, {names}; {machine}; {_which_ory()}"


def _which_ory() -> str:
    return "the Ory that the environment names" if os.environ.get("ORY_TEST_PUBLIC_URL") else "the local Ory"


def _document(load: float, ratios: Sequence[Result], others: Sequence[Figure], notes: Sequence[str]) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "django": version("Django"),
        "processors": os.cpu_count(),
        "load": round(load, 1),
        "ory": _which_ory(),
        "ratios": [as_json(each) for each in ratios],
        "figures": [as_json(each) for each in others],
        "notes": list(notes),
    }


if __name__ == "__main__":
    sys.exit(main())
