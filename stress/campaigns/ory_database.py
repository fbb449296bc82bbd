"""Ory's own database is down: it answers 401 to everyone and says that it is not ready. Nobody is signed out by that.

With a real Kratos: ``ORY_TEST_DATABASE_DOWN`` and ``ORY_TEST_DATABASE_UP`` are the shell commands that do it.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stress.campaign import Figure, Result, campaign, figures
from stress.environment import Environment
from stress.load import Ask, load, until
from stress.oracle import Expected, Verdict
from stress.servers import Given, Ory, Site

CLIENTS = 24
PEOPLE = 150
OUTAGES = ((1.5, 2.5), (0.02, 1.5))  # seconds down and up: outages, and hiccups of a fail-over
SEED = 6
HOLDS_WHEN = "while Ory answers 401 to everyone and is not ready, nobody is signed out"


@campaign("ory-database", 4, HOLDS_WHEN)
def ory_database(stage: Environment) -> Result:
    people = stage.people(PEOPLE)
    with stage.sites(stage.environment(ory_auth={"SESSION_CACHE_SECONDS": 0})) as sites:
        load(itertools.islice(_asks(sites, people), 2 * PEOPLE), 2)  # everybody has a user by now
        with _goes_down_and_up(stage.ory, stage.scaled(4, 1)) as over:
            tally = load(_while(over, _asks(sites, people)), CLIENTS)
        after = load(until(stage.scaled(2.0, 1.0), _asks(sites, people)), CLIENTS)
    tally.merge(after)
    return Result(
        [*figures(tally), Figure("503 when it is over", after.verdicts[Verdict.UNAVAILABLE], 0)], tally.examples
    )


def _asks(sites: Sequence[Site], people: Sequence[Given]) -> Iterator[Ask]:
    """Everybody in turn on both sites; now and then a token of nobody's."""
    chance = random.Random(SEED)
    pages = [f"{site.url}{page}" for site, page in zip(sites, ("/who", "/awho"), strict=True)]
    for number, one in enumerate(itertools.cycle(people)):
        headers = (one.by_token, one.by_bearer, one.by_cookie)[number // 2 % 3]
        yield Ask(pages[number % 2], headers, Expected(one.identity, one.email, or_503=True))
        if number % 50 == 0:
            unknown = {"X-Session-Token": f"ory_st_{chance.getrandbits(128):032x}"}
            yield Ask(pages[number // 50 % 2], unknown, Expected(or_503=True))


@contextmanager
def _goes_down_and_up(ory: Ory, times: int) -> Iterator[threading.Event]:
    """Meanwhile the database goes and comes so many times; the event is set a while after the last."""
    over = threading.Event()

    def play() -> None:
        try:
            for down, up in OUTAGES * times:
                ory.database(down=True)
                time.sleep(down)
                ory.database(down=False)
                time.sleep(up)
        finally:
            over.set()

    player = threading.Thread(target=play, daemon=True)
    player.start()
    try:
        yield over
    finally:
        player.join()


def _while(over: threading.Event, asks: Iterator[Ask]) -> Iterator[Ask]:
    return itertools.takewhile(lambda _ask: not over.is_set(), asks)
