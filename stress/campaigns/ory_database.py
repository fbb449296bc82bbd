"""Ory's database is down: whoami answers 401 to everyone, and nobody is signed out."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.load import Request, for_seconds, send_all
from stress.oracle import Expected, Verdict
from stress.servers import CreatedSession, Ory, Site

CLIENTS = 24
PEOPLE = 150
OUTAGES = ((1.5, 2.5), (0.02, 1.5))  # seconds down and up: outages, and interruptions by a failover
SEED = 6
HOLDS_WHEN = "while Ory answers 401 to everyone and is not ready, nobody is signed out"


@campaign("ory-database", 4, HOLDS_WHEN)
def ory_database(env: Environment) -> Result:
    people = env.people(PEOPLE)
    with env.sites(env.site_variables(ory_auth={"SESSION_CACHE_SECONDS": 0})) as sites:
        send_all(itertools.islice(_requests(sites, people), 2 * PEOPLE), 2)  # create the users
        with _goes_down_and_up(env.ory, env.scaled(4, 1)) as over:
            tally = send_all(_while(over, _requests(sites, people)), CLIENTS)
        after = send_all(for_seconds(env.scaled(2.0, 1.0), _requests(sites, people)), CLIENTS)
    tally.merge(after)
    return Result(
        [*common_figures(tally), Figure("503 when it is over", after.verdicts[Verdict.UNAVAILABLE], 0)], tally.examples
    )


def _requests(sites: Sequence[Site], people: Sequence[CreatedSession]) -> Iterator[Request]:
    """Everybody in turn on both sites; sometimes a made-up token."""
    chance = random.Random(SEED)
    pages = [f"{site.url}{page}" for site, page in zip(sites, ("/who", "/awho"), strict=True)]
    for number, one in enumerate(itertools.cycle(people)):
        headers = (one.by_token, one.by_bearer, one.by_cookie)[number // 2 % 3]
        yield Request(pages[number % 2], headers, Expected(one.identity, one.email, or_503=True))
        if number % 50 == 0:
            unknown = {"X-Session-Token": f"ory_st_{chance.getrandbits(128):032x}"}
            yield Request(pages[number // 50 % 2], unknown, Expected(or_503=True))


@contextmanager
def _goes_down_and_up(ory: Ory, times: int) -> Iterator[threading.Event]:
    """In a ``with`` block, stop and start the database so many times; the event is set after the last."""
    over = threading.Event()

    def switch() -> None:
        try:
            for down, up in OUTAGES * times:
                ory.database(down=True)
                time.sleep(down)
                ory.database(down=False)
                time.sleep(up)
        finally:
            over.set()

    switcher = threading.Thread(target=switch, daemon=True)
    switcher.start()
    try:
        yield over
    finally:
        switcher.join()


def _while(over: threading.Event, requests: Iterator[Request]) -> Iterator[Request]:
    return itertools.takewhile(lambda _: not over.is_set(), requests)
