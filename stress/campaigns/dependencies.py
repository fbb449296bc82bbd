"""Redis, PostgreSQL and Ory are stopped, frozen and started again during 50 requests a second.

Nobody becomes anonymous or another person, everything works again soon, and the memory and file handles of the
workers do not grow from one round to the next.
"""

from __future__ import annotations

import itertools
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.load import Request, send_all
from stress.oracle import Expected, Tally, Verdict
from stress.servers import CreatedSession, Site

PER_SECOND = 50
CLIENTS = 100
PEOPLE = 60
SETTINGS = {"TIMEOUT": 1.0, "SESSION_CACHE_SECONDS": 1, "LOCAL_CACHE_SECONDS": 0.5}
BACK = 2.5  # seconds after which all must work again; a slow machine has two tries
DRIFT = 5.0  # percent
IDLE = 2  # handles that each worker may have open at one moment and not at another: connections to Ory and Redis
SEED = 10
PAGES = (("/who", "/session", "/guarded", "/django-guarded", "/api/who"), ("/awho", "/asession", "/aguarded"))
HOLDS_WHEN = (
    "Redis, PostgreSQL, Ory stopped and frozen under load: 0 anonymous, workers' memory and handles drift < 5 %"
)


@campaign("dependencies", 10, HOLDS_WHEN)
def dependencies(env: Environment) -> Result:
    people, total, late = env.people(env.scaled(PEOPLE, 20)), Tally(), 0
    seconds = env.scaled(1.0, 0.3)
    wsgi = env.site_variables(ory_auth=SETTINGS)
    asgi = {**wsgi, "SITE_CONN_MAX_AGE": "0"}  # each request has its own thread, so a kept connection would be lost
    with env.site("gunicorn", wsgi) as first, env.site("uvicorn", asgi) as second:
        sites = (first, second)
        requests = _requests(people, sites, random.Random(SEED))
        total.merge(_rush(env, people, sites))
        held = []
        for _ in range(env.scaled(3, 2)):  # the first round warms up
            total.merge(_round(env, requests, seconds))
            late += _back_to_normal(people, sites, total)
            held.append([_held(site) for site in sites])
    measured = [
        Figure("503 when all was well again", late, 0),
        Figure("growth of memory", _growth(held, "memory"), DRIFT, "%"),
        Figure("growth of file handles", _growth(held, "handles", IDLE), DRIFT, "%"),
        Figure("memory of the largest site", max(each.memory for each in held[-1]) / 2**20, unit="MB"),
        Figure("p99", total.percentile(0.99), unit="s"),
    ]
    return Result([*common_figures(total), *measured], total.examples)


def _rush(env: Environment, people: Sequence[CreatedSession], sites: Sequence[Site]) -> Tally:
    """All clients send requests to one site while its servers are frozen, so that its pools are as full as possible."""
    tally, servers = Tally(), (env.redis, env.ory)
    for site, pages in zip(sites, PAGES, strict=True):
        for server in servers:
            server.freeze()
        timer = threading.Timer(0.8, lambda: [server.thaw() for server in servers])
        timer.start()
        everybody = itertools.islice(itertools.cycle(people), 2 * CLIENTS)
        tally.merge(send_all((_request(one, site.url + pages[0], one.by_token) for one in everybody), CLIENTS))
        timer.join()
    return tally


def _round(env: Environment, requests: Iterator[Request], seconds: float) -> Tally:
    """Each dependency is stopped for so many seconds, later frozen, with as many seconds in between."""
    done = threading.Event()

    def trouble() -> None:
        try:
            for begin, end in _troubles(env):
                time.sleep(seconds)
                begin()
                time.sleep(seconds)
                end()
        finally:
            done.set()

    maker = threading.Thread(target=trouble, daemon=True)
    maker.start()
    tally = send_all(itertools.takewhile(lambda _: not done.is_set(), requests), CLIENTS, PER_SECOND)
    maker.join()
    return tally


def _troubles(env: Environment) -> list[tuple[Callable[[], object], Callable[[], object]]]:
    servers = (env.redis, env.postgresql, env.ory)
    return [(one.stop, one.start) for one in servers] + [(one.freeze, one.thaw) for one in servers]


def _requests(people: Sequence[CreatedSession], sites: Sequence[Site], chance: random.Random) -> Iterator[Request]:
    while True:
        which, one = chance.randrange(2), chance.choice(people)
        headers = chance.choice((one.by_token, one.by_bearer, one.by_cookie))
        yield _request(one, sites[which].url + chance.choice(PAGES[which]), headers)


def _back_to_normal(people: Sequence[CreatedSession], sites: Sequence[Site], total: Tally) -> int:
    """The number of 503 when everybody opens every page again."""
    for _ in range(2):
        time.sleep(BACK)
        once = [(one, site, page) for one in people for site, pages in zip(sites, PAGES, strict=True) for page in pages]
        tally = send_all((_request(one, site.url + page, one.by_token) for one, site, page in once), 8)
        total.merge(tally)
        if not tally.verdicts[Verdict.UNAVAILABLE]:
            return 0
    return tally.verdicts[Verdict.UNAVAILABLE]


def _request(one: CreatedSession, url: str, headers: dict[str, str]) -> Request:
    return Request(url, headers, Expected(one.identity, one.email, or_503=True))


@dataclass(frozen=True)
class _Held:
    """What the workers of one site hold: bytes of private memory, and open files."""

    workers: int
    memory: float
    handles: float


def _held(site: Site) -> _Held:
    samples = []
    for _ in range(5):
        time.sleep(0.2)
        with suppress(psutil.NoSuchProcess):
            workers = [psutil.Process(pid) for pid in site.pids]
            memory = sum(worker.memory_full_info().uss for worker in workers)
            samples.append((memory, sum(worker.num_fds() for worker in workers)))
    return _Held(site.workers, *(statistics.median(numbers) for numbers in zip(*samples, strict=True)))


def _growth(held: Sequence[Sequence[_Held]], what: str, spare: int = 0) -> float:
    """Percent by which the site that grew most has grown since the first round.

    ``spare`` is how many more each worker may have.
    """
    growths = []
    for first, last in zip(held[0], held[-1], strict=True):
        before, after = getattr(first, what), getattr(last, what)
        growths.append(100 * max(after - before - spare * last.workers, 0) / before)
    return max(growths)
