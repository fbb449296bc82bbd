"""What a request costs, beside a bare view and Django's own sessions.

Two runs can be compared: ``python -m pyperf compare_to --table before.json after.json``.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import django
import pyperf

from benchmarks import processes, project, requests, results, simultaneous
from benchmarks.cases import KINDS, name_of
from stress.ory import ory
from stress.processes import private_directory
from stress.servers import redis


def main() -> None:
    options = _options()
    with suppress(PermissionError):
        os.nice(-10)  # other processes disturb the measurements less; child processes inherit it
    versions = f"Python {platform.python_version()}, Django {django.__version__}"
    about = f"Measured on {datetime.now(UTC):%Y-%m-%d} with {versions}, SQLite and {os.cpu_count()} processors."
    values = _measure(10, 2, 0) if options.short else _measure(150, 10, results.SESSIONS)
    text = results.report(values, about)
    print(text)
    if options.json:
        _write(options.json, values, about)
    if options.docs:
        _write(results.JSON, values, about)
        results.write_page(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a rough answer within a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all values there, for pyperf")
    parser.add_argument("--docs", action="store_true", help="write the tables of docs/performance.md, and their values")
    return parser.parse_args()


def _measure(rounds: int, starts: int, sessions: int) -> dict[str, list[float]]:
    with ory() as identities, redis() as cache, private_directory() as directory:
        project.set_up(
            {
                "BENCH_ORY_URL": identities.public_url,
                "BENCH_REDIS_URL": cache.url,
                "BENCH_DATABASE_URL": f"sqlite:///{directory}/db.sqlite3",
            }
        )
        visitor = project.sign_in(identities.people(1, sessions=requests.CALLS))
        values = requests.measure(visitor, rounds)
        values |= processes.measure_starts(visitor, starts)
        if sessions and identities.is_local:  # a real Ory needs too long to create so many
            people = identities.people(sessions + processes.WARM_UP)
            values["memory of sessions"] = [processes.measure_memory_of_sessions(people)]
    for kind in KINDS:
        values[name_of("calls of whoami", kind)] = [simultaneous.count_whoami_calls(kind)]
    return values


def _write(path: Path, values: Mapping[str, list[float]], about: str) -> None:
    """Write pyperf's format. Its own metadata would name this machine."""
    benchmarks = []
    for name, each in values.items():
        metadata = {"name": name, "unit": results.unit_of(name), "about": about}
        benchmarks.append(pyperf.Benchmark([pyperf.Run(each, metadata=metadata, collect_metadata=False)]))
    pyperf.BenchmarkSuite(benchmarks).dump(str(path), replace=True)


if __name__ == "__main__":
    main()
