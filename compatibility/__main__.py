"""``python -m compatibility [names…] [--write] [--no-install]``: a line for each; exit 1 on a surprise."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence

from compatibility import environments
from compatibility.catalogue import PACKAGES
from compatibility.package import Package
from compatibility.page import page
from compatibility.result import Result
from compatibility.servers import SERVERS, Server
from compatibility.try_server import AT_ONCE, REQUESTS
from stress.processes import ROOT

PAGE = ROOT / "docs" / "compatibility.md"
LIMIT = 300  # seconds for one of them


def main() -> None:
    options = _options()
    started = time.monotonic()
    chosen = [each for each in (*PACKAGES, *SERVERS) if not options.names or each.name in options.names]
    missing: list[str] = []
    held_back: set[str] = set()
    if not options.no_install:
        missing = environments.install(requirement for each in chosen for requirement in each.requirements)
        held_back = environments.outdated()
    results = {}
    for each in chosen:
        results[each.name] = result = _try(each, missing, held_back)
        print("\n".join(result.lines()), flush=True)
    failed = [name for name, result in results.items() if not result.is_as_expected]
    seconds = time.monotonic() - started
    print(f"{len(results) - len(failed)} of {len(results)} as expected, {seconds:.0f} s.")
    if options.write:
        packages = [results[each.name] for each in PACKAGES]
        servers = [results[each.name] for each in SERVERS]
        PAGE.write_text(page(packages, servers, requests=REQUESTS, at_once=AT_ONCE, seconds=seconds))
    sys.exit(bool(failed))


def _try(each: Package | Server, missing: Sequence[str], held_back: set[str]) -> Result:
    lost = [requirement for requirement in each.requirements if requirement in missing]
    if lost:
        return Result.of(each, {}, [f"could not be installed: {', '.join(lost)}"], 0)
    module = "try_server" if isinstance(each, Server) else "try_package"
    python = environments.python_for(each.requirements, held_back)
    command = [python, "-m", f"compatibility.{module}", each.name]
    started = time.monotonic()
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False)
        row = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return Result.of(each, {}, [f"no result after {LIMIT} seconds"], LIMIT)
    except (ValueError, IndexError):
        return Result.of(each, {}, [f"no result: {done.stderr[-1000:]}"], time.monotonic() - started)
    return Result.of(each, row["versions"], row["problems"], row["seconds"])


def _options() -> argparse.Namespace:
    names = [each.name for each in (*PACKAGES, *SERVERS)]
    parser = argparse.ArgumentParser(
        prog="python -m compatibility",
        description="Try packages and servers beside django-ory. Names: " + ", ".join(map(repr, names)),
    )
    parser.add_argument("names", nargs="*", choices=[*names, []], metavar="name", help="default: all")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}; for a run of all")
    parser.add_argument("--no-install", action="store_true", help="use what is installed")
    options = parser.parse_args()
    if options.write and options.names:
        parser.error("--write is for a run of all")
    return options


if __name__ == "__main__":
    main()
