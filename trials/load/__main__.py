"""``python -m trials.load``: requests a second through gunicorn and uvicorn, with PostgreSQL, Redis and wrk."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from trials.load.run import FULL, SHORT, Measured, measure


def main() -> int:
    options = _options()
    with suppress(PermissionError):
        os.nice(-10)  # what else the machine does disturbs less; the processes that are started inherit it
    found: list[Measured] = []
    print(HEAD, flush=True)
    for each in measure(SHORT if options.short else FULL):
        if found and (each.server, each.sessions) != (found[-1].server, found[-1].sessions):
            print()
        print(_line(each), flush=True)
        found.append(each)
    if options.json:
        options.json.write_text(json.dumps(_document(found), indent=1) + "\n")
    failed = sum(each.load.errors for each in found)
    print(f"\n{failed or 'No'} requests failed.")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trials.load", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a rough answer within 90 seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    return parser.parse_args()


HEAD = f"{'server':<10} {'sessions':>8}  {'':<42} {'requests/s':>11} {'p50 ms':>7} {'p99 ms':>7} {'whoami/s':>9}"


def _line(each: Measured) -> str:
    load = each.load
    failed = f"  {load.errors} failed" if load.errors else ""
    return (
        f"{each.server:<10} {each.sessions:>8,}  {each.case:<42} {load.rate:>11,.0f} {load.p50:>7.1f} "
        f"{load.p99:>7.1f} {each.whoami:>9,.1f}{failed}"
    )


def _document(found: Sequence[Measured]) -> dict[str, object]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "django": version("Django"),
        "processors": os.cpu_count(),
        "measured": [asdict(each) for each in found],
    }


if __name__ == "__main__":
    sys.exit(main())
