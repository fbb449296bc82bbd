"""A cache that swallows errors: its server is away while people sign out, and comes back with all that it had.

Nothing says that the sign-outs were not written, and the sessions are still in the cache. Once it is back, no process
may accept one of them. For some of these people Ory cannot be told either, so Ory would still take their sessions.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import urllib3

from stress.campaign import Figure, Result, campaign, figures
from stress.environment import Environment
from stress.faults import Fault
from stress.load import PATIENCE, Ask, load, until
from stress.oracle import Expected, Tally
from stress.proxy import Proxy
from stress.relay import Relay
from stress.servers import Given, Site

SETTINGS = {"SESSION_CACHE_SECONDS": 300, "TIMEOUT": 1.0}
BACKEND = "stress.site.quiet_cache.QuietCache"
OTHERS = 20  # people who stay, and whose requests go on
BACK = 2.0  # seconds after which every process knows of the sign-outs
PAGES = ("/who", "/awho")
SEED = 14
HOLDS_WHEN = "sign-outs while a cache that swallows errors is away: no process accepts the session once it is back"


@campaign("ignored-cache-errors", 14, HOLDS_WHEN)
def ignored_cache_errors(stage: Environment) -> Result:
    refused, frozen, ory_down, idle = (stage.scaled(*counts) for counts in ((100, 6), (10, 1), (50, 3), (50, 3)))
    people, others = stage.people(refused + frozen + ory_down + idle), stage.people(OTHERS)
    groups = iter(people)
    with stage.proxy() as proxy, Relay(stage.redis.port) as relay:
        environment = stage.environment(
            ory_auth=SETTINGS,
            proxy=proxy,
            SITE_REDIS_URL=f"redis://127.0.0.1:{relay.port}/0",
            SITE_CACHE_BACKEND=BACKEND,
        )
        with stage.sites(environment, workers=1) as sites:
            play = _SignOuts(sites, people, others, proxy)
            play.meet_everybody()
            play.sign_out(islice(groups, refused), relay.cut, relay.mend)
            play.sign_out(islice(groups, frozen), stage.redis.freeze, stage.redis.thaw)
            play.sign_out(islice(groups, ory_down), relay.cut, relay.mend, tell_ory=False)
            play.sign_out_at_idle_process(list(groups), relay.cut, relay.mend)
    told = [
        Figure("sign-outs", len(people)),
        Figure("sign-outs not answered", play.failed, 0),
        Figure("slowest sign-out", play.slowest, unit="s"),
    ]
    return Result([*figures(play.tally), *told], play.tally.examples)


class _SignOuts:
    """Each site is one process: what one of them knows, the other can only learn from the cache."""

    def __init__(self, sites: Sequence[Site], people: Sequence[Given], others: Sequence[Given], proxy: Proxy) -> None:
        self._sites, self._people, self._others, self._proxy = sites, people, others, proxy
        self._pages = [site.url + page for site, page in zip(sites, PAGES, strict=True)]
        self._chance = random.Random(SEED)
        self._http = urllib3.PoolManager(retries=False)
        self.tally, self.failed, self.slowest = Tally(), 0, 0.0

    def meet_everybody(self) -> None:
        """Every form of everybody's session is in the cache."""
        for _ in range(2):
            self.tally.merge(load(self._asks([*self._people, *self._others], self._pages), 4))

    def sign_out(
        self, people: Iterable[Given], cut: Callable[[], object], mend: Callable[[], object], *, tell_ory: bool = True
    ) -> None:
        """Each of them signs out while the cache is away. Meanwhile and afterwards others go on."""
        people = list(people)
        cut()
        if not tell_ory:
            self._proxy.switch(Fault.ERROR_503)
        for one in people:
            self._post_logout(one, self._chance.choice(self._sites), {204} if tell_ory else {503})
        self._proxy.switch(Fault.PASS)
        mend()
        others = itertools.cycle(list(self._asks(self._others, self._pages, or_503=True)))
        self.tally.merge(load(until(BACK, others), 8, 60))
        self.tally.merge(load(self._asks(people * 4, self._pages, signed_out=True), 8))

    def sign_out_at_idle_process(
        self, people: Sequence[Given], cut: Callable[[], object], mend: Callable[[], object]
    ) -> None:
        """The process that they signed out at gets no request any more, so that nothing reminds it."""
        cut()
        for one in people:
            self._post_logout(one, self._sites[0], {204})
        mend()
        time.sleep(BACK)
        self.tally.merge(load(self._asks(people * 2, self._pages[1:], signed_out=True), 8))

    def _post_logout(self, one: Given, site: Site, good: set[int]) -> None:
        headers = {**self._chance.choice((one.by_token, one.by_bearer)), "Accept": "application/json"}
        started = time.monotonic()
        answer = self._http.request("POST", f"{site.url}/auth/logout", headers=headers, timeout=PATIENCE)
        self.slowest = max(self.slowest, time.monotonic() - started)
        self.failed += answer.status not in good

    def _asks(
        self, people: Sequence[Given], pages: Sequence[str], *, signed_out: bool = False, or_503: bool = False
    ) -> Iterator[Ask]:
        """Every form of each one's credential, at each of the pages."""
        for one in people:
            # After an outage of Ory, the first lookups may still be refused: that is no sign-in.
            expected = Expected(or_503=True) if signed_out else Expected(one.identity, one.email, or_503=or_503)
            for headers in (one.by_token, one.by_bearer, one.by_cookie):
                for page in pages:
                    yield Ask(page, headers, expected)
