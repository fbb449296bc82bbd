"""``python -m stress [names…] [--short] [--json FILE]``: a row for each campaign; exit 1 on a breach."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import shutil
import signal
import sys
import textwrap
import time
import traceback
from pathlib import Path
from typing import Any

from stress import campaigns
from stress.campaign import CAMPAIGNS, Campaign, Figure, Result
from stress.environment import Environment


def main() -> None:
    for module in pkgutil.iter_modules(campaigns.__path__):
        importlib.import_module(f"stress.campaigns.{module.name}")
    known = {each.name: each for each in sorted(CAMPAIGNS.values(), key=lambda each: each.order)}
    options = _options(known)
    chosen = [known[name] for name in options.names] or list(known.values())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped
    started = time.monotonic()
    rows = _run(chosen, options.short)
    held = sum(row["holds"] for row in rows)
    for row in rows:
        if not row["holds"]:
            broken = [
                f"{each['name']} {round(each['value'], 3):,} (≤ {each['limit']:,})"
                for each in row["figures"]
                if not each["holds"]
            ]
            print(f"BREACH in {row['name']}: {' · '.join([*broken, *row['examples']])}")
    print(f"{held} of {len(rows)} campaigns hold, {time.monotonic() - started:.0f} s.")
    if options.json:
        options.json.write_text(json.dumps({"short": options.short, "campaigns": rows}, indent=1) + "\n")
    sys.exit(held < len(rows))


def _options(known: dict[str, Campaign]) -> argparse.Namespace:
    listed = "\n".join(f"  {each.name:20} {each.holds_when}" for each in known.values())
    parser = argparse.ArgumentParser(
        prog="python -m stress",
        description="Cause faults in real servers on this machine, and check every response. Campaigns:\n" + listed,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", choices=[*known, []], metavar="name", help="campaigns (default: all)")
    parser.add_argument("--short", action="store_true", help="a form that takes a few minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    return parser.parse_args()


def _run(chosen: list[Campaign], short: bool) -> list[dict[str, Any]]:
    rows = []
    print(f"{'campaign':20} {'verdict':7} {'seconds':>7}  figures (limit)")
    with Environment(short=short) as env:
        for each in chosen:
            started = time.monotonic()
            result = _result(each, env)
            seconds = time.monotonic() - started
            _print(each, result, seconds)
            rows.append(
                {"name": each.name, "holds_when": each.holds_when, "seconds": round(seconds, 1), **result.json()}
            )
    return rows


def _result(each: Campaign, env: Environment) -> Result:
    try:
        return each.run(env)
    except Exception as error:
        return Result([Figure(f"did not end: {type(error).__name__}", 1, 0)], traceback.format_exc().splitlines()[-12:])


def _print(each: Campaign, result: Result, seconds: float) -> None:
    margin = " " * 38
    width = max(shutil.get_terminal_size((150, 24)).columns, 80) - len(margin)
    text = textwrap.wrap(" · ".join(map(str, result.figures)), width)
    print(f"{each.name:20} {'holds' if result.holds else 'BREACH':7} {seconds:7.1f}  {text[0]}")
    for line in [*text[1:], *result.examples]:
        print(f"{margin}{line}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
