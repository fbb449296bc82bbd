"""``python -m trials.guards [names…] [--write docs/guards.md]``: take each guard out once; a test has to notice."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from .catalogue import GUARDS
from .guard import Guard
from .page import page
from .workplace import Finding, Workplace, workplaces


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 where every guard is missed by some test, else 1."""
    options = _parser().parse_args(arguments)
    chosen = [guard for guard in GUARDS if not options.names or any(name in guard.name for name in options.names)]
    if not chosen:
        print(f"No guard has one of these in its name: {', '.join(options.names)}.", file=sys.stderr)
        return 2
    started = time.monotonic()
    print(f"{len(chosen)} guards, {options.jobs} at a time")
    with tempfile.TemporaryDirectory(prefix="guards-") as root:
        places = workplaces(Path(root), min(options.jobs, len(chosen)))
        findings = places[0].confirmed(list(_findings(chosen, places)))
    missed = [finding for finding in findings if not finding.caught_by]
    for finding in missed:
        print(f"MISSED: {finding.guard.name} ({finding.guard.file}): {finding.why}")
    print(f"{len(findings) - len(missed)} of {len(findings)} noticed in {time.monotonic() - started:.0f} s")
    if options.write and not missed:
        options.write.write_text(page(findings))
        print(f"written: {options.write}")
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trials.guards", description=__doc__)
    parser.add_argument("names", nargs="*", help="only the guards that have one of these in their name")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table there, if all were noticed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="guards at a time (one a core)")
    return parser


def _findings(guards: Sequence[Guard], places: Sequence[Workplace]) -> Iterator[Finding]:
    """In the order of the guards; prints each as soon as it is there."""
    width = max(len(guard.name) for guard in guards)
    free: SimpleQueue[Workplace] = SimpleQueue()
    for place in places:
        free.put(place)

    def try_without(guard: Guard) -> Finding:
        place = free.get()
        try:
            return place.try_without(guard)
        finally:
            free.put(place)

    with ThreadPoolExecutor(len(places)) as pool:
        for finding in pool.map(try_without, guards):
            print(f"  {finding.guard.name:<{width}}  {finding.caught_by or finding.why}", flush=True)
            yield finding


if __name__ == "__main__":
    sys.exit(main())
