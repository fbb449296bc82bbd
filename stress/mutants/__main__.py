"""``python -m stress.mutants [modules…] [--write docs/mutants.md]``: what survives has to be explained."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from .explained import why
from .modules import TESTS
from .mutmut import Harvest, mutate

HEAD = """\
# Mutants that survive

Made by `make mutants`: mutmut changes the modules that decide who somebody is, a little and one at a time, and runs the
tests that come through the changed function. A change that no test notices has to be explained here.

"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 where every survivor is explained, else 1."""
    parser = argparse.ArgumentParser(prog="python -m stress.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="module", help=f"of {', '.join(TESTS)} (default: all)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the survivors there, if all are explained")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="changes at a time (one a core)")
    options = parser.parse_args(arguments)
    if unknown := set(options.modules) - TESTS.keys():
        parser.error(f"no tests are named for {', '.join(sorted(unknown))}: see stress/mutants/modules.py")
    harvests = {module: _mutate(module, options.jobs) for module in options.modules or TESTS}
    unexplained = sum(why(s) == "" for harvest in harvests.values() for s in harvest.survivors)
    if options.write and not unexplained:
        options.write.write_text(HEAD + _table(harvests))
        print(f"written: {options.write}")
    return 1 if unexplained else 0


def _mutate(module: str, jobs: int) -> Harvest:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutants-") as directory:
        harvest = mutate(module, TESTS[module], Path(directory) / "project", jobs=jobs)
    noticed, seconds = harvest.total - len(harvest.survivors), time.monotonic() - started
    print(f"{module:<15} {noticed} of {harvest.total} changes noticed in {seconds:.0f} s")
    for survivor in harvest.survivors:
        print(f"  {'ok       ' if why(survivor) else 'SURVIVES '} {survivor.function}: {why(survivor)}")
        if not why(survivor):
            print(f"            - {survivor.before}\n            + {survivor.after}")
    return harvest


def _table(harvests: Mapping[str, Harvest]) -> str:
    text = ""
    for module, harvest in harvests.items():
        text += f"## `{module}`: {harvest.total - len(harvest.survivors)} of {harvest.total} noticed\n\n"
        for (function, reason), survivors in groupby(harvest.survivors, lambda s: (s.function, why(s))):
            text += f"In `{function}`: {reason}.\n\n```diff\n"
            for before, changes in groupby(survivors, lambda s: s.before):
                lines = [f"-{line}" for line in before.splitlines()]
                lines += [f"+{line}" for change in changes for line in change.after.splitlines()]
                text += "\n".join(lines) + "\n"
            text += "```\n\n"
    return text.rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main())
