"""All cases with one kind of server at a time, side by side, pressed in turns, so that all meet the same noise."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

import urllib3

from stress.processes import ROOT
from stress.servers import Site, gunicorn, postgresql, redis, uvicorn
from trials.bench.stand_in import StandIn, stand_in, token
from trials.load.cases import CASES, Case
from trials.load.people import session_key
from trials.load.wrk import Load, wrk

SETTLE = 0.2  # seconds in which the last requests of one turn end, so that they do not count for the next


@dataclass(frozen=True)
class Size:
    """How much is measured. ``warm`` is the most seconds before it counts; then so many turns of so many seconds."""

    sessions: tuple[int, ...]
    warm: int
    turns: int
    seconds: int
    cases: tuple[Case, ...]

    def warm_for(self, sessions: int) -> int:
        """Long enough to have met most of these sessions."""
        return min(1 + sessions // 400, self.warm)


FULL = Size((10, 1_000, 100_000), 4, 9, 1, CASES)
SHORT = Size((100,), 1, 2, 1, tuple(case for case in CASES if case.short))


@dataclass(frozen=True)
class Measured:
    """The medians of all turns, but errors and seconds are those of all together; ``whoami``: calls a second."""

    server: str
    case: str
    sessions: int
    load: Load
    whoami: float


def measure(size: Size) -> Iterator[Measured]:
    """Every case with every server; what is behind the servers is the same for all."""
    with ExitStack() as stack:
        ory, cache = stack.enter_context(stand_in()), stack.enter_context(redis())
        database = stack.enter_context(postgresql()).database("site")
        environment = {
            "DJANGO_SETTINGS_MODULE": "trials.load.settings",
            "SITE_ORY_URL": ory.url,
            "SITE_DATABASE_URL": database,
        }
        command = [sys.executable, "-m", "trials.load.people", str(max(size.sessions))]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=True)
        for server in ("gunicorn", "uvicorn"):
            with ExitStack() as sites:
                running = {}
                for number, case in enumerate(size.cases, len(CASES) * (server == "uvicorn")):
                    own = {**environment, "SITE_REDIS_URL": f"redis://127.0.0.1:{cache.port}/{number}"}
                    running[case] = sites.enter_context(_site(server, case, own))
                for sessions in size.sessions:
                    yield from _side_by_side(server, running, sessions, size, ory)


def _site(server: str, case: Case, environment: Mapping[str, str]) -> AbstractContextManager[Site]:
    given = {**environment, "LOAD_STACK": case.stack, "SITE_ORY_AUTH": json.dumps(dict(case.ory_auth))}
    return gunicorn(given, sockets=2) if server == "gunicorn" else uvicorn({**given, "LOAD_POOL": "1"})


def _side_by_side(
    server: str, sites: Mapping[Case, Site], sessions: int, size: Size, ory: StandIn
) -> Iterator[Measured]:
    asked = [case for case in sites if case.grows or sessions == size.sessions[0]]
    urls = {case: f"{sites[case].url}/{'a' if server == 'uvicorn' else ''}{case.path}" for case in asked}
    for case in asked:
        _check(sites[case], urls[case], case, sessions - 1)
        wrk(urls[case], case.credential, sessions, size.warm_for(sessions))
    loads: dict[Case, list[Load]] = {case: [] for case in asked}
    calls = dict.fromkeys(asked, 0)
    for _ in range(size.turns):
        for case in random.sample(asked, len(asked)):
            before = ory.asked()
            loads[case].append(wrk(urls[case], case.credential, sessions, size.seconds))
            time.sleep(SETTLE)
            calls[case] += ory.asked() - before
    for case in asked:
        load = _median(loads[case])
        yield Measured(server, case.title, sessions, load, calls[case] / load.seconds)


def _median(loads: list[Load]) -> Load:
    return Load(
        statistics.median(each.rate for each in loads),
        statistics.median(each.p50 for each in loads),
        statistics.median(each.p99 for each in loads),
        sum(each.errors for each in loads),
        sum(each.seconds for each in loads),
    )


def _check(site: Site, url: str, case: Case, number: int) -> None:
    """The right person is shown before anything is measured."""
    headers = {"Cookie": f"sessionid={session_key(number)}"} if case.credential == "django" else token(number)
    answer = urllib3.request("GET", url, headers=headers, retries=False, timeout=60)
    if answer.status != 200 or case.answer(number) not in answer.data.decode():
        raise SystemExit(f"{case.title}: a wrong answer ({answer.status}):\n{site.log.read_text()[-2000:]}")
