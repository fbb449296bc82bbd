"""All that is measured in one run, in order."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from stress.processes import ROOT, private_directory
from stress.servers import ory, redis
from trials.bench import elsewhere, startup
from trials.bench.crew import crew, migrated, rounds
from trials.bench.lines import ORY_AUTH, OTHER, rows
from trials.bench.project import Variant
from trials.bench.stand_in import stand_in
from trials.bench.table import Figure, Result, results

BOUND = 32  # MB: 24 MiB of answers, and what is remembered of sign-outs and of who has been good
LOCAL = {"LOCAL_CACHE_SECONDS": 600}


@dataclass(frozen=True)
class Size:
    """How much is measured: rounds of so many calls of each case, starts of either kind, sessions kept in memory."""

    rounds: int
    seconds: float  # after which no other round begins
    calls: int
    starts: int
    sessions: tuple[int, ...]


FULL = Size(80, 120, 12, 24, (10_000, 20_000))
QUICK = Size(8, 10, 6, 2, (1_000,))


def requests(size: Size, notes: list[str]) -> list[Result]:
    """What a request costs. ``notes`` is told what could not be measured, and why."""
    with ExitStack() as stack:
        identities, cache = stack.enter_context(ory()), stack.enter_context(redis())
        [ada] = identities.people(1)
        common = Variant("", "", identities.public_url, ada.cookie, ada.identity)
        variants = [
            replace(common, name=name, ory_auth=keys, redis_url=_database(cache.port, name, number))
            for number, (name, keys) in enumerate(ORY_AUTH.items())
        ]
        pythons = {}
        try:
            pythons[OTHER] = elsewhere.interpreter()
            variants.append(replace(common, name=OTHER, other=True))
        except elsewhere.NotInstallable as error:
            notes.append(f"{elsewhere.PACKAGE} could not be installed here: {error}")
        workers = stack.enter_context(crew(variants, pythons))
        return results(rows(), list(rounds(workers, size.rounds, size.calls, size.seconds)))


def _database(port: int, name: str, number: int) -> str:
    return f"redis://127.0.0.1:{port}/{number}" if name.startswith("redis") else ""


def herd() -> Iterator[Figure]:
    """Calls of whoami for 200 requests of one session at once."""
    with _alone() as variant:
        for cache, url in (("local memory", ""), ("Redis", variant.redis_url)):
            for kind, calls in _process("trials.bench.herd", replace(variant, redis_url=url)).items():
                yield Figure("Calls of whoami for 200 requests of one session at once", f"{kind}, {cache}", calls, 1)


def memory(size: Size) -> Iterator[Figure]:
    """What sessions of 1.4 KB weigh in the memory of one process, and that there is a bound to it."""
    with _alone(LOCAL) as variant:
        found = _process("trials.bench.memory", replace(variant, redis_url=""), *map(str, size.sessions))
    for count, weight in found.items():
        title = f"MB for {int(count):,} sessions in the in-process tier"
        yield Figure("Memory", title, weight / 1e6, min(25 * int(count) / 10_000, BOUND))


def starts(size: Size) -> Iterator[Figure]:
    """Milliseconds by which the app makes commands slower."""
    for command in startup.COMMANDS:
        with_app, without = startup.starts(command, size.starts)
        more = [one - other for one, other in zip(with_app, without, strict=True)]
        note = f"of {statistics.median(with_app):.0f}; {min(more):.0f} – {max(more):.0f}"
        yield Figure("Starting", f"ms more for `manage.py {command}` with the app", statistics.median(more), 20, note)


@contextmanager
def _alone(keys: dict[str, Any] | None = None) -> Iterator[Variant]:
    """A variant on servers of its own: the stand-in for Ory, Redis and an empty database."""
    with private_directory() as directory, stand_in() as identities, redis() as cache:
        database = directory / "db.sqlite3"
        migrated(database)
        yield Variant("alone", str(database), identities.url, "", "", cache.url, keys or {})


def _process(module: str, variant: Variant, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", module, json.dumps(asdict(variant)), *arguments]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
