"""Requests a second through gunicorn and uvicorn, with PostgreSQL, Redis and wrk: ``python -m benchmarks.load``.

All sites run at the same time and are loaded in turns of a second, so that each meets the same noise. Each request
carries the credential of a visitor who is picked at random.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from benchmarks import project
from benchmarks.cases import CASES, KINDS, Case
from benchmarks.handlers import Headers
from benchmarks.results import markdown_table
from stress.ory import ory
from stress.processes import need, private_directory
from stress.servers import Site, gunicorn, postgresql, redis, uvicorn

SCRIPT = Path(__file__).with_name("wrk.lua")
CONNECTIONS = 16
LOADED = [case for case in CASES if case.view == "bare" or (case.cache == "redis" and not case.asks_ory)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a rough answer within a minute or two")
    turns, count = (2, 20) if parser.parse_args().short else (9, 500)
    with ory() as identities, postgresql() as database, redis() as cache, private_directory() as directory:
        environment = {
            "BENCH_ORY_URL": identities.public_url,
            "BENCH_REDIS_URL": cache.url,
            "BENCH_DATABASE_URL": database.database("site"),
            "BENCH_CACHE": "redis",
        }
        project.set_up(environment)
        visitors = [project.sign_in([session]) for session in identities.people(count)]
        credentials = {
            "ory": _file(directory / "ory", [visitor.ory[0] for visitor in visitors]),
            "django": _file(directory / "django", [visitor.django for visitor in visitors]),
        }
        rows = [row for kind in KINDS for row in _measure(kind, environment, credentials, turns)]
    print(markdown_table(("Server", "Request", "Requests/s", "p50 ms", "p99 ms", "Errors"), rows))


def _file(path: Path, credentials: Sequence[Headers]) -> Path:
    path.write_text("".join(f"{headers['Cookie']}\n" for headers in credentials))
    return path


def _measure(
    kind: str, environment: Mapping[str, str], credentials: Mapping[str, Path], turns: int
) -> list[Sequence[str]]:
    """A row for each case under one kind of server."""
    loads: dict[str, list[dict[str, float]]] = {case.title: [] for case in LOADED}
    with ExitStack() as stack:
        sites = [(case, stack.enter_context(_site(kind, case, environment))) for case in LOADED]
        for turn in range(turns + 1):
            for case, site in random.sample(sites, len(sites)):
                load = _wrk(
                    f"{site.url}/{kind}/{case.view}", credentials["django" if case.stack == "django" else "ory"]
                )
                if turn:  # the first one fills the caches
                    loads[case.title].append(load)
    server = "gunicorn" if kind == "sync" else "uvicorn"
    return [(server, title, *_summary(each)) for title, each in loads.items()]


def _site(kind: str, case: Case, environment: Mapping[str, str]) -> AbstractContextManager[Site]:
    own = {
        **environment,
        "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
        "BENCH_STACK": case.stack,
        "BENCH_ORY_AUTH": json.dumps({"CACHE_NAMESPACE": case.title, **case.ory_auth}),
    }
    return gunicorn(own, sockets=2) if kind == "sync" else uvicorn({**own, "BENCH_POOL": "1"})


def _wrk(url: str, credentials: Path) -> dict[str, float]:
    command = [need("wrk", "wrk"), "-t1", f"-c{CONNECTIONS}", "-d1s", f"-s{SCRIPT}", url, "--", str(credentials)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    load: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return load


def _summary(loads: Sequence[Mapping[str, float]]) -> Sequence[str]:
    rate, p50, p99 = (statistics.median(load[key] for load in loads) for key in ("rate", "p50", "p99"))
    return f"{rate:,.0f}", f"{p50:.1f}", f"{p99:.1f}", f"{sum(load['errors'] for load in loads)}"


if __name__ == "__main__":
    main()
