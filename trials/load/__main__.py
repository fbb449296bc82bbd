"""``python -m trials.load``: requests a second through gunicorn and uvicorn, with PostgreSQL, Redis and wrk."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import redis as redis_client
import urllib3

from trials.bench.stand_in import StandIn, stand_in, token
from trials.load.cases import CASES, Case
from trials.load.people import session_key
from trials.load.wrk import Load, wrk
from trials.processes import ROOT
from trials.servers import Site, gunicorn, postgresql, redis, uvicorn


@dataclass(frozen=True)
class Size:
    """Numbers of sessions, and seconds for each measurement: at most before it counts, and while it does."""

    sessions: tuple[int, ...]
    warm: int
    seconds: int
    cases: tuple[Case, ...]

    def warm_for(self, sessions: int) -> int:
        """Long enough to have met most of these sessions."""
        return min(1 + sessions // 400, self.warm)


FULL = Size((10, 1_000, 100_000), 4, 6, CASES)
SHORT = Size((100,), 1, 2, tuple(case for case in CASES if case.short))


@dataclass(frozen=True)
class Measured:
    server: str
    case: str
    sessions: int
    load: Load
    whoami: float  # calls a second


def main() -> int:
    options = _options()
    size = SHORT if options.short else FULL
    found = []
    print(HEAD)
    for each in measure(size):
        found.append(each)
        print(_line(each), flush=True)
    if options.json:
        options.json.write_text(json.dumps(_document(found), indent=1) + "\n")
    failed = sum(each.load.errors for each in found)
    print(f"\n{failed or 'no'} requests failed.")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trials.load", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a rough answer within 90 seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    return parser.parse_args()


def measure(size: Size) -> Iterator[Measured]:
    """Every case with every server; the servers behind it are the same for all."""
    with ExitStack() as stack:
        ory, cache = stack.enter_context(stand_in()), stack.enter_context(redis())
        database = stack.enter_context(postgresql()).database("site")
        environment = {
            "DJANGO_SETTINGS_MODULE": "trials.load.settings",
            "SITE_ORY_URL": ory.url,
            "SITE_DATABASE_URL": database,
            "SITE_REDIS_URL": cache.url,
        }
        command = [sys.executable, "-m", "trials.load.people", str(max(size.sessions))]
        subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=True)
        for name in ("gunicorn", "uvicorn"):
            for case in size.cases:
                redis_client.Redis.from_url(cache.url).flushall()
                yield from _case(name, case, size, environment, ory)


def _case(name: str, case: Case, size: Size, environment: Mapping[str, str], ory: StandIn) -> Iterator[Measured]:
    given = {**environment, "LOAD_STACK": case.stack, "SITE_ORY_AUTH": json.dumps(dict(case.ory_auth))}
    server = gunicorn(given) if name == "gunicorn" else uvicorn({**given, "LOAD_POOL": "1"})
    with server as site:
        url = f"{site.url}/{'a' if name == 'uvicorn' else ''}{case.path}"
        for sessions in size.sessions if case.grows else size.sessions[:1]:
            _check(site, url, case, sessions - 1)
            wrk(url, case.credential, sessions, size.warm_for(sessions))
            before = ory.asked()
            load = wrk(url, case.credential, sessions, size.seconds)
            yield Measured(name, case.title, sessions, load, (ory.asked() - before) / size.seconds)


def _check(site: Site, url: str, case: Case, number: int) -> None:
    """The right person is shown before anything is measured."""
    headers = {"Cookie": f"sessionid={session_key(number)}"} if case.credential == "django" else token(number)
    answer = urllib3.request("GET", url, headers=headers, retries=False, timeout=60)
    if answer.status != 200 or case.answer(number) not in answer.data.decode():
        raise SystemExit(f"{case.title}: a wrong answer ({answer.status}):\n{site.log.read_text()[-2000:]}")


HEAD = f"{'':<10} {'':<42} {'sessions':>8} {'requests/s':>11} {'p50 ms':>7} {'p99 ms':>7} {'whoami/s':>9}"


def _line(each: Measured) -> str:
    load = each.load
    failed = f"  {load.errors} failed" if load.errors else ""
    return (
        f"{each.server:<10} {each.case:<42} {each.sessions:>8,} {load.rate:>11,.0f} {load.p50:>7.1f} {load.p99:>7.1f} "
        f"{each.whoami:>9,.0f}{failed}"
    )


def _document(found: list[Measured]) -> dict[str, object]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "django": version("Django"),
        "processors": os.cpu_count(),
        "measured": [asdict(each) for each in found],
    }


if __name__ == "__main__":
    sys.exit(main())
