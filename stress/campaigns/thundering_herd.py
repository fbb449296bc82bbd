"""The herd: two hundred at once when a session's answer has run out; a pause that Ory asks for; a flood of tokens that
nobody ever had, beside people who are known.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Iterator, Sequence

from stress.campaign import Figure, Result, campaign, figures
from stress.environment import Environment
from stress.faults import Fault
from stress.load import Ask, aload, load, until
from stress.oracle import Expected, Tally
from stress.proxy import Proxy
from stress.servers import Given, Site

HERD = 200
KEPT = 4  # seconds for which answers are kept; longer than a herd takes
PEOPLE = 100
FLOOD_CLIENTS, KNOWN_PER_SECOND = 16, 40
RATE = 120  # whoami calls that Ory allows in a second
SEED = 7
HOLDS_WHEN = (
    "≤ 1 whoami per credential and process; none while Ory asks for a pause; a flood takes no known person's answer"
)


@campaign("thundering-herd", 5, HOLDS_WHEN)
def thundering_herd(stage: Environment) -> Result:
    people = stage.people(PEOPLE)
    with stage.proxy() as proxy:
        environment = stage.environment(ory_auth={"SESSION_CACHE_SECONDS": KEPT}, proxy=proxy)
        with stage.sites(environment, workers=1, threads=HERD) as sites:
            play = _Herd(proxy, sites, people)
            play.meet_everybody()
            told = [
                play.at_expiry(stage.scaled(50, 4)),
                *play.pause(stage.scaled(30, 3)),
                *play.flood(stage.scaled(10, 3)),
            ]
    return Result([*figures(play.tally), *told], play.tally.examples)


class _Herd:
    """Each site is one process, so that whoami calls can be told apart by the site that was asked."""

    def __init__(self, proxy: Proxy, sites: Sequence[Site], people: Sequence[Given]) -> None:
        self._proxy, self._people = proxy, people
        self._pages = [f"{site.url}{page}" for site, page in zip(sites, ("/who", "/awho"), strict=True)]
        self.tally = Tally()

    def meet_everybody(self) -> None:
        """Users are made, and every process has seen every credential to be good."""
        self.tally.merge(load(self._asks(self._pages, 2 * len(self._people)), 2))
        time.sleep(KEPT + 0.1)

    def at_expiry(self, rounds: int) -> Figure:
        """One person's answer has run out, and all come at once: to gunicorn, to uvicorn, to both."""
        most = 0.0
        for number in range(rounds):
            pages = (self._pages[:1], self._pages[1:], self._pages)[number % 3]
            one = self._people[number % len(self._people)]
            self._proxy.forget()
            self.tally.merge(load(self._asks(pages, HERD, [one]), HERD))
            most = max(most, self._proxy.seen.whoami.total() / len(pages))
        return Figure(f"whoami per process, {rounds} × {HERD} at once", most, 1)

    def pause(self, seconds: int) -> list[Figure]:
        """Ory says 429 and for how long; what asks then is told so without a call."""
        time.sleep(KEPT + 0.1)  # nothing is kept any more: who comes has to ask
        self._proxy.pause = seconds
        self._proxy.switch(Fault.RATE_LIMITED)
        self._trickle(0.5, 40)  # both processes are told
        self._proxy.forget()
        self._trickle(seconds - 1.5, 20)
        calls = len(self._proxy.seen.whoami_at)
        self._proxy.switch(Fault.PASS)
        self._trickle(1 + seconds * 0.1 + 2, 20)  # the processes come back one after the other
        self.tally.merge(load(self._asks(self._pages, 60), 4))
        return [Figure(f"calls in a pause of {seconds} s", calls, 0)]

    def flood(self, seconds: float) -> list[Figure]:
        """Tokens that were never good, as fast as they come, and known people at their own pace: first all from one
        address, then from many, at an Ory that limits the rate and says what is left of it."""
        requests, slowest = 0, 0.0
        for addresses, rate in ((1, None), (FLOOD_CLIENTS, RATE)):
            self._proxy.rate = rate
            self._proxy.forget()
            strangers, known = asyncio.run(self._flood(seconds / 2, addresses))
            self._proxy.rate = None
            self.tally.merge(strangers)
            self.tally.merge(known)
            requests, slowest = requests + strangers.requests, max(slowest, known.within(0.99))
        limited = self._proxy.seen.limited
        return [
            Figure("flood", requests),
            Figure("429 by it", limited),
            Figure("p99 of the known beside it", slowest, unit="s"),
        ]

    async def _flood(self, seconds: float, addresses: int) -> tuple[Tally, Tally]:
        strangers = self._strangers()
        crowd = (
            aload(until(seconds, strangers), FLOOD_CLIENTS // addresses, address=f"127.9.0.{number + 1}")
            for number in range(addresses)
        )
        known, *tallies = await asyncio.gather(
            aload(until(seconds, self._asks(self._pages)), 8, KNOWN_PER_SECOND), *crowd
        )
        for tally in tallies[1:]:
            tallies[0].merge(tally)
        return tallies[0], known

    def _trickle(self, seconds: float, per_second: float) -> None:
        asks = self._asks(self._pages, or_503=True)
        self.tally.merge(load(until(seconds, asks), 8, per_second))

    def _asks(
        self,
        pages: Sequence[str],
        count: int | None = None,
        people: Sequence[Given] | None = None,
        *,
        or_503: bool = False,
    ) -> Iterator[Ask]:
        everybody = ((one, page) for one in itertools.cycle(people or self._people) for page in pages)
        for one, page in itertools.islice(everybody, count):
            yield Ask(page, one.by_token, Expected(one.identity, one.email, or_503=or_503))

    def _strangers(self) -> Iterator[Ask]:
        chance = random.Random(SEED)
        for page in itertools.cycle(self._pages):
            yield Ask(page, {"X-Session-Token": f"ory_st_{chance.getrandbits(190):032x}"}, Expected(or_503=True))
