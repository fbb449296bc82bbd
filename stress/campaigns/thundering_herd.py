"""200 requests at once when a cached session expires; a pause that Ory asks for; a flood of made-up tokens."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Iterator, Sequence

from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.faults import Fault
from stress.load import Request, asend_all, for_seconds, send_all
from stress.oracle import Expected, Tally
from stress.proxy import Proxy
from stress.servers import CreatedSession, Site

HERD = 200
KEPT = 4  # seconds for which sessions are cached; longer than a herd takes
PEOPLE = 100
FLOOD_CLIENTS, KNOWN_PER_SECOND = 16, 40
RATE = 120  # whoami calls that Ory allows in a second
SEED = 7
HOLDS_WHEN = (
    "≤ 1 whoami per credential and process; none during a pause that Ory asks for; a flood delays no known person"
)


@campaign("thundering-herd", 5, HOLDS_WHEN)
def thundering_herd(env: Environment) -> Result:
    people = env.people(PEOPLE)
    with env.proxy() as proxy:
        variables = env.site_variables(ory_auth={"SESSION_CACHE_SECONDS": KEPT}, proxy=proxy)
        with env.sites(variables, workers=1, threads=HERD) as sites:
            scenario = _Herd(proxy, sites, people)
            scenario.meet_everybody()
            measured = [
                scenario.at_expiry(env.scaled(50, 4)),
                *scenario.pause(env.scaled(30, 3)),
                *scenario.flood(env.scaled(10, 3)),
            ]
    return Result([*common_figures(scenario.tally), *measured], scenario.tally.examples)


class _Herd:
    """Each site is one process, so lookups can be counted by process."""

    def __init__(self, proxy: Proxy, sites: Sequence[Site], people: Sequence[CreatedSession]) -> None:
        self._proxy, self._people = proxy, people
        self._pages = [f"{site.url}{page}" for site, page in zip(sites, ("/who", "/awho"), strict=True)]
        self.tally = Tally()

    def meet_everybody(self) -> None:
        """Create the users, and let every process see every credential as valid."""
        self.tally.merge(send_all(self._requests(self._pages, 2 * len(self._people)), 2))
        time.sleep(KEPT + 0.1)

    def at_expiry(self, rounds: int) -> Figure:
        """One person's cached session has expired, and 200 requests come at once: to gunicorn, uvicorn or both."""
        most = 0.0
        for number in range(rounds):
            pages = (self._pages[:1], self._pages[1:], self._pages)[number % 3]
            one = self._people[number % len(self._people)]
            self._proxy.reset_recorded()
            self.tally.merge(send_all(self._requests(pages, HERD, [one]), HERD))
            most = max(most, self._proxy.recorded.whoami.total() / len(pages))
        return Figure(f"whoami per process, {rounds} × {HERD} at once", most, 1)

    def pause(self, seconds: int) -> list[Figure]:
        """Ory answers 429 with a pause. Requests in the pause cause no call."""
        time.sleep(KEPT + 0.1)  # nothing is cached any more, so each request needs a lookup
        self._proxy.retry_after = seconds
        self._proxy.set_fault(Fault.RATE_LIMITED)
        self._trickle(0.5, 40)  # both processes get a 429
        self._proxy.reset_recorded()
        self._trickle(seconds - 1.5, 20)
        calls = len(self._proxy.recorded.whoami_at)
        self._proxy.set_fault(Fault.PASS)
        self._trickle(1 + seconds * 0.1 + 2, 20)  # the processes come back one after the other
        self.tally.merge(send_all(self._requests(self._pages, 60), 4))
        return [Figure(f"calls in a pause of {seconds} s", calls, 0)]

    def flood(self, seconds: float) -> list[Figure]:
        """As many made-up tokens as possible beside known people: first from one address, then from many to an
        Ory that reports its rate limit.
        """
        requests, slowest = 0, 0.0
        for addresses, rate in ((1, None), (FLOOD_CLIENTS, RATE)):
            self._proxy.rate = rate
            self._proxy.reset_recorded()
            strangers, known = asyncio.run(self._flood(seconds / 2, addresses))
            self._proxy.rate = None
            self.tally.merge(strangers)
            self.tally.merge(known)
            requests, slowest = requests + strangers.requests, max(slowest, known.percentile(0.99))
        limited = self._proxy.recorded.limited
        return [
            Figure("flood", requests),
            Figure("429 by it", limited),
            Figure("p99 of the known beside it", slowest, unit="s"),
        ]

    async def _flood(self, seconds: float, addresses: int) -> tuple[Tally, Tally]:
        strangers = self._strangers()
        crowd = (
            asend_all(for_seconds(seconds, strangers), FLOOD_CLIENTS // addresses, address=f"127.9.0.{number + 1}")
            for number in range(addresses)
        )
        known, *tallies = await asyncio.gather(
            asend_all(for_seconds(seconds, self._requests(self._pages)), 8, KNOWN_PER_SECOND), *crowd
        )
        for tally in tallies[1:]:
            tallies[0].merge(tally)
        return tallies[0], known

    def _trickle(self, seconds: float, per_second: float) -> None:
        requests = self._requests(self._pages, or_503=True)
        self.tally.merge(send_all(for_seconds(seconds, requests), 8, per_second))

    def _requests(
        self,
        pages: Sequence[str],
        count: int | None = None,
        people: Sequence[CreatedSession] | None = None,
        *,
        or_503: bool = False,
    ) -> Iterator[Request]:
        everybody = ((one, page) for one in itertools.cycle(people or self._people) for page in pages)
        for one, page in itertools.islice(everybody, count):
            yield Request(page, one.by_token, Expected(one.identity, one.email, or_503=or_503))

    def _strangers(self) -> Iterator[Request]:
        chance = random.Random(SEED)
        for page in itertools.cycle(self._pages):
            yield Request(page, {"X-Session-Token": f"ory_st_{chance.getrandbits(190):032x}"}, Expected(or_503=True))
