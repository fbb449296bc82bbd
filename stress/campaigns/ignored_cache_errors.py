"""The cache hides errors. Its server is down while people sign out, and comes back with all its data.

Nothing says that the sign-outs were not written, and the sessions are still in the cache. When the server is back, no
process may accept them. In some cases Ory is down as well, so its sessions are still valid.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import urllib3

from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.faults import Fault
from stress.load import REQUEST_TIMEOUT, Request, for_seconds, send_all
from stress.oracle import Expected, Tally
from stress.proxy import Proxy
from stress.relay import Relay
from stress.servers import CreatedSession, Site

SETTINGS = {"SESSION_CACHE_SECONDS": 300, "TIMEOUT": 1.0}
BACKEND = "stress.site.error_hiding_cache.ErrorHidingCache"
OTHERS = 20  # people who stay, and whose requests go on
BACK = 2.0  # seconds after which every process knows of the sign-outs
PAGES = ("/who", "/awho")
SEED = 14
HOLDS_WHEN = "sign-outs while a cache that swallows errors is away: no process accepts the session once it is back"


@campaign("ignored-cache-errors", 14, HOLDS_WHEN)
def ignored_cache_errors(env: Environment) -> Result:
    refused, frozen, ory_down, idle = (env.scaled(*counts) for counts in ((100, 6), (10, 1), (50, 3), (50, 3)))
    people, others = env.people(refused + frozen + ory_down + idle), env.people(OTHERS)
    groups = iter(people)
    with env.proxy() as proxy, Relay(env.redis.port) as relay:
        variables = env.site_variables(
            ory_auth=SETTINGS,
            proxy=proxy,
            SITE_REDIS_URL=f"redis://127.0.0.1:{relay.port}/0",
            SITE_CACHE_BACKEND=BACKEND,
        )
        with env.sites(variables, workers=1) as sites:
            scenario = _SignOuts(sites, people, others, proxy)
            scenario.meet_everybody()
            scenario.sign_out(islice(groups, refused), relay.cut, relay.restore)
            scenario.sign_out(islice(groups, frozen), env.redis.freeze, env.redis.thaw)
            scenario.sign_out(islice(groups, ory_down), relay.cut, relay.restore, tell_ory=False)
            scenario.sign_out_at_idle_process(list(groups), relay.cut, relay.restore)
    measured = [
        Figure("sign-outs", len(people)),
        Figure("sign-outs not answered", scenario.failed, 0),
        Figure("slowest sign-out", scenario.slowest, unit="s"),
    ]
    return Result([*common_figures(scenario.tally), *measured], scenario.tally.examples)


class _SignOuts:
    """Each site is one process, so the other one can learn of a sign-out only from the cache."""

    def __init__(
        self, sites: Sequence[Site], people: Sequence[CreatedSession], others: Sequence[CreatedSession], proxy: Proxy
    ) -> None:
        self._sites, self._people, self._others, self._proxy = sites, people, others, proxy
        self._pages = [site.url + page for site, page in zip(sites, PAGES, strict=True)]
        self._chance = random.Random(SEED)
        self._http = urllib3.PoolManager(retries=False)
        self.tally, self.failed, self.slowest = Tally(), 0, 0.0

    def meet_everybody(self) -> None:
        """Store every form of everybody's session in the cache."""
        for _ in range(2):
            self.tally.merge(send_all(self._requests([*self._people, *self._others], self._pages), 4))

    def sign_out(
        self,
        people: Iterable[CreatedSession],
        cut: Callable[[], object],
        restore: Callable[[], object],
        *,
        tell_ory: bool = True,
    ) -> None:
        """Each person signs out while the cache is down. Other people go on meanwhile and afterwards."""
        people = list(people)
        cut()
        if not tell_ory:
            self._proxy.set_fault(Fault.ERROR_503)
        for one in people:
            self._post_logout(one, self._chance.choice(self._sites), {204} if tell_ory else {503})
        self._proxy.set_fault(Fault.PASS)
        restore()
        others = itertools.cycle(list(self._requests(self._others, self._pages, or_503=True)))
        self.tally.merge(send_all(for_seconds(BACK, others), 8, 60))
        self.tally.merge(send_all(self._requests(people * 4, self._pages, signed_out=True), 8))

    def sign_out_at_idle_process(
        self, people: Sequence[CreatedSession], cut: Callable[[], object], restore: Callable[[], object]
    ) -> None:
        """The process where they signed out gets no more requests."""
        cut()
        for one in people:
            self._post_logout(one, self._sites[0], {204})
        restore()
        time.sleep(BACK)
        self.tally.merge(send_all(self._requests(people * 2, self._pages[1:], signed_out=True), 8))

    def _post_logout(self, one: CreatedSession, site: Site, good: set[int]) -> None:
        headers = {**self._chance.choice((one.by_token, one.by_bearer)), "Accept": "application/json"}
        started = time.monotonic()
        answer = self._http.request("POST", f"{site.url}/auth/logout", headers=headers, timeout=REQUEST_TIMEOUT)
        self.slowest = max(self.slowest, time.monotonic() - started)
        self.failed += answer.status not in good

    def _requests(
        self, people: Sequence[CreatedSession], pages: Sequence[str], *, signed_out: bool = False, or_503: bool = False
    ) -> Iterator[Request]:
        """Every form of each person's credential, at each page."""
        for one in people:
            # After an outage of Ory, the first lookups may still be refused: that is no sign-in.
            expected = Expected(or_503=True) if signed_out else Expected(one.identity, one.email, or_503=or_503)
            for headers in (one.by_token, one.by_bearer, one.by_cookie):
                for page in pages:
                    yield Request(page, headers, expected)
