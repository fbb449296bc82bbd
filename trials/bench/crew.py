"""The worker processes, one for each variant. One works at a time, so that they do not disturb each other."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from stress.processes import ROOT, Process, private_directory, running
from trials.bench.project import Variant

Round = dict[str, dict[str, dict[str, float]]]  # variant → case → {"median": nanoseconds, "mean": nanoseconds}


class Worker(Process):
    """`trials.bench.worker` with one variant."""

    def answers(self) -> bool:
        return self.running  # its first line comes once it is warm, and is waited for

    def read(self) -> Any:
        assert self.popen
        assert self.popen.stdout
        line = self.popen.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker has ended:\n{self.log.read_text()[-3000:]}")
        return json.loads(line)

    def measure(self, count: int) -> dict[str, dict[str, float]]:
        assert self.popen
        assert self.popen.stdin
        print(json.dumps({"count": count}), file=self.popen.stdin, flush=True)
        found: dict[str, dict[str, float]] = self.read()
        return found


@contextmanager
def crew(variants: Sequence[Variant], pythons: dict[str, str]) -> Iterator[dict[str, Worker]]:
    """A warm worker for each variant; ``pythons`` names an interpreter by variant, where it is not this one."""
    with private_directory() as directory, ExitStack() as stack:
        empty = directory / "empty.sqlite3"
        migrated(empty)
        workers = {}
        for variant in variants:
            home = directory / variant.name.replace(" ", "-")
            home.mkdir()
            database = shutil.copy(empty, home / "db.sqlite3")
            given = json.dumps(asdict(replace(variant, database=str(database))))
            command = [pythons.get(variant.name, sys.executable), "-m", "trials.bench.worker", given]
            workers[variant.name] = stack.enter_context(running(Worker(command, directory=home, pipes=True)))
        for worker in workers.values():
            worker.read()
        yield workers


def rounds(workers: dict[str, Worker], number: int, count: int, seconds: float) -> Iterator[Round]:
    """So many rounds, in each of which every worker measures every case once, in a random order.

    When the seconds are over, no other round begins; three there are in any case.
    """
    until = time.monotonic() + seconds
    for done in range(number):
        if done >= 3 and time.monotonic() > until:
            return
        yield {name: workers[name].measure(count) for name in random.sample(list(workers), len(workers))}


def migrated(path: Path) -> None:
    """A SQLite file with the tables of the measured project."""
    given = json.dumps(asdict(Variant("empty", str(path), "http://127.0.0.1:1", "", "")))
    code = "import json, sys; from trials.bench.project import *; configure(Variant(**json.loads(sys.argv[1])));"
    code += "from django.core.management import call_command; call_command('migrate', verbosity=0)"
    subprocess.run([sys.executable, "-c", code, given], cwd=ROOT, check=True)
