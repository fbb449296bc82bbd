"""What one account or one visitor makes Ory do is no trouble for anyone else.

One person has huge traits and polls. A visitor makes Ory limit its errors endpoint for ten minutes. Another one signs
out sessions that never existed. Meanwhile known people have to be looked up again and again, and new people come.
All of them are served, and the circuit breaker stays closed.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Iterator, Sequence
from pathlib import Path

import aiohttp
import redis

from ory_auth.sessions.cache.local_cache import UNKNOWN_SIGN_OUT_SECONDS
from ory_auth.sessions.rate_limit import SIGN_OUTS
from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.faults import response
from stress.load import Request, asend_all, client_session, for_seconds, send_all
from stress.oracle import Expected, Tally, Verdict
from stress.proxy import Proxy
from stress.recorded_requests import WHOAMI, credential_hash
from stress.servers import CreatedSession, Site

SETTINGS = {"SESSION_CACHE_SECONDS": 1}  # people who are known have to ask Ory again after each second
KNOWN, KNOWN_PER_SECOND = 30, 40
NEW_PER_SECOND = 5
POLLS_PER_SECOND = 10
MEGABYTE = 1_100_000  # bytes of one trait
NESTED = 3_000  # arrays within each other
ERRORS = "/self-service/errors"
ERRORS_ALLOWED = 20  # until Ory limits them
PAUSE = 600  # seconds
SIGN_OUTS_OF_STRANGERS = 300
CLIENTS = 8  # of a visitor
FEW_KEYS = 5
SEED = 16
PAGES = ("/who", "/awho")
HOLDS_WHEN = "what one account or visitor makes Ory do (1.1 MB traits, 429, sign-outs) costs nobody else a response"


@campaign("isolation", 16, HOLDS_WHEN)
def isolation(env: Environment) -> Result:
    seconds = env.scaled(15.0, 2.0)
    known, mallories = env.people(KNOWN), env.people(2)
    new = iter(env.people(2000))
    with env.proxy() as proxy:
        variables = env.site_variables(ory_auth=SETTINGS, proxy=proxy)
        with env.sites(variables, workers=1, threads=16) as sites:
            scenario = _Visitors(env, proxy, sites, known, new)
            scenario.meet_everybody([*known, *mallories])
            measured = [
                *scenario.huge_answers(mallories, seconds),
                *scenario.limited_errors(seconds),
                *scenario.sign_outs_of_strangers(sites[0], "refused", {}),
                *scenario.sign_outs_of_strangers(sites[1], "a 500", {WHOAMI: response(500, b"{}")}),
            ]
        opened = Path(variables["SITE_LOG"]).read_text(errors="replace").count("breaker_open")
    measured.append(Figure("breaker_open", opened, 0))
    return Result([*common_figures(scenario.tally), *measured], scenario.tally.examples)


class _Visitors:
    """Each site is one process, so a limit of one process is a limit of its site."""

    def __init__(
        self,
        env: Environment,
        proxy: Proxy,
        sites: Sequence[Site],
        known: Sequence[CreatedSession],
        new: Iterator[CreatedSession],
    ) -> None:
        self._ory, self._proxy, self._sites, self._known, self._new = env.ory, proxy, sites, known, new
        self._pages = [site.url + page for site, page in zip(sites, PAGES, strict=True)]
        self._known_credentials = {credential_hash(headers) for one in known for headers in _forms(one)}
        self._redis = redis.Redis.from_url(env.redis.url)
        self._chance = random.Random(SEED)
        self.tally = Tally()

    def meet_everybody(self, people: Sequence[CreatedSession]) -> None:
        everybody = [
            Request(p, f, Expected(o.identity, o.email)) for o in people for f in _forms(o) for p in self._pages
        ]
        self.tally.merge(send_all(everybody, 4))

    # --- one person's own data

    def huge_answers(self, mallories: Sequence[CreatedSession], seconds: float) -> list[Figure]:
        """A megabyte in one trait, and deeply nested arrays: only their owners' requests fail."""
        large, nested = mallories
        patch = [{"op": "replace", "path": "/traits/email", "value": "x" * MEGABYTE + "@example.org"}]
        reply = self._ory.http.admin("PATCH", f"/admin/identities/{large.identity}", body=patch)
        assert reply.status == 200, reply.status
        bodies = {credential_hash(headers): self._nested(nested) for headers in _forms(nested)}
        self._proxy.override = lambda path, credential: bodies.get(credential) if path == WHOAMI else None
        polls = _polls(mallories, self._pages)
        # Both poll as often as one person would. Their 503 are counted; a 503 for anyone else is a breach.
        polled = self._beside(seconds, asend_all(for_seconds(seconds, polls), CLIENTS, POLLS_PER_SECOND * 2))
        self._proxy.override = lambda path, credential: None
        return [
            Figure("polls for too much", polled.requests),
            Figure("503 for these", polled.verdicts[Verdict.UNAVAILABLE]),
        ]

    def _nested(self, one: CreatedSession) -> bytes:
        """Ory's response, with a trait of nested arrays."""
        session = self._ory.http.public("GET", WHOAMI, headers=one.by_token).body
        data = json.loads(session)
        data["identity"]["traits"]["tree"] = "TREE"
        body = json.dumps(data).encode().replace(b'"TREE"', b"[" * NESTED + b"]" * NESTED)
        return response(200, body)

    # --- pages that anybody may open

    def limited_errors(self, seconds: float) -> list[Figure]:
        """A visitor opens error pages until Ory limits them for ten minutes."""
        asked = itertools.count(1)

        def limit(path: str, credential: str) -> bytes | None:
            enough = path == ERRORS and next(asked) > ERRORS_ALLOWED
            return response(429, b"{}", retry_after=str(PAUSE)) if enough else None

        self._proxy.override = limit
        self._proxy.reset_recorded()
        statuses: Counter[int] = Counter()

        async def open_errors() -> Tally:
            async with client_session(CLIENTS) as session:
                for site in itertools.cycle(self._sites):
                    if time.monotonic() > end:
                        break
                    url = f"{site.url}/auth/error?id={uuid.UUID(int=self._chance.getrandbits(128))}"
                    async with session.get(url) as answer:
                        statuses[answer.status] += 1
                    await asyncio.sleep(0.02)
            return Tally()

        end = time.monotonic() + seconds
        self._beside(seconds, open_errors())
        self._proxy.override = lambda path, credential: None
        return [
            Figure("error pages", statuses.total()),
            Figure("503 for these", statuses[503]),
            Figure("neither 4xx nor 503", sum(n for s, n in statuses.items() if s not in {400, 404, 503}), 0),
            Figure("429 of Ory's", max(next(asked) - 1 - ERRORS_ALLOWED, 0), len(self._sites) * CLIENTS),
        ]

    # --- sign-outs of made-up tokens

    def sign_outs_of_strangers(self, site: Site, what: str, instead: dict[str, bytes]) -> list[Figure]:
        """Three hundred made-up tokens are signed out at one process, whose limit counts.

        ``instead``: Ory's responses for these, by path.
        """
        known = self._known_credentials
        self._proxy.override = lambda path, credential: None if credential in known else instead.get(path)
        before = set(self._redis.keys())
        self._proxy.reset_recorded()
        started = time.monotonic()
        statuses: Counter[int] = Counter()
        with_new = not instead  # the proxy takes new people for strangers
        self._beside(0.5, self._sign_out_strangers(site, statuses), with_new=with_new)
        took = time.monotonic() - started
        allowed = SIGN_OUTS.burst + SIGN_OUTS.per_second * took
        new = NEW_PER_SECOND * took if with_new else 0
        recorded = self._proxy.recorded
        lookups = sum(n for credential, n in recorded.whoami.items() if credential not in known)
        logout_calls = sum(n for path, n in recorded.paths.items() if "logout" in path)
        self._proxy.override = lambda path, credential: None
        keys = [key for key in set(self._redis.keys()) - before if b":ory_auth:x:" in key]
        longest = max((int(self._redis.ttl(key)) for key in keys), default=0)
        return [
            Figure(f"sign-outs of strangers ({what})", statuses.total()),
            Figure("errors", sum(n for s, n in statuses.items() if s not in {204, 503}), 0),
            Figure("lookups for them and new people" if with_new else "lookups for them", lookups, int(allowed + new)),
            Figure("other calls for them", logout_calls + recorded.ready, int(allowed)),
            Figure("new keys", len(keys), FEW_KEYS if not instead else int(allowed)),
            Figure("their longest life", longest, UNKNOWN_SIGN_OUT_SECONDS, "s"),
        ]

    async def _sign_out_strangers(self, site: Site, statuses: Counter[int]) -> Tally:
        numbers = iter(range(SIGN_OUTS_OF_STRANGERS))
        async with client_session(CLIENTS) as session:

            async def one_after_the_other() -> None:
                for _ in numbers:
                    statuses[await self._sign_out(session, site)] += 1

            await asyncio.gather(*(one_after_the_other() for _ in range(CLIENTS)))
        return Tally()

    async def _sign_out(self, session: aiohttp.ClientSession, site: Site) -> int:
        headers = {"X-Session-Token": f"ory_st_{self._chance.getrandbits(190):032x}", "Accept": "application/json"}
        async with session.post(f"{site.url}/auth/logout", headers=headers) as answer:
            return answer.status

    # --- everybody else

    def _beside(self, seconds: float, visitor: Awaitable[Tally], *, with_new: bool = True) -> Tally:
        """Run ``visitor`` beside known and new people, who must be served, for at least so many seconds."""

        async def all_at_once() -> Tally:
            done = asyncio.ensure_future(visitor)
            end = time.monotonic() + seconds

            def goes_on(_ask: Request) -> bool:
                return time.monotonic() < end or not done.done()

            loads = [asend_all(itertools.takewhile(goes_on, self._by_known()), 16, KNOWN_PER_SECOND)]
            if with_new:
                loads.append(asend_all(itertools.takewhile(goes_on, self._by_new()), 8, NEW_PER_SECOND))
            for tally in await asyncio.gather(*loads):
                self.tally.merge(tally)
            return await done

        caused = asyncio.run(all_at_once())
        self.tally.merge(caused)
        return caused

    def _by_known(self) -> Iterator[Request]:
        for number, one in enumerate(itertools.cycle(self._known)):
            headers = self._chance.choice(_forms(one))
            yield Request(self._pages[number % 2], headers, Expected(one.identity, one.email))

    def _by_new(self) -> Iterator[Request]:
        for number, one in enumerate(self._new):
            yield Request(self._pages[number % 2], one.by_cookie, Expected(one.identity, one.email))


def _forms(one: CreatedSession) -> tuple[dict[str, str], ...]:
    return one.by_token, one.by_bearer, one.by_cookie


def _polls(mallories: Sequence[CreatedSession], pages: Sequence[str]) -> Iterator[Request]:
    for number, one in enumerate(itertools.cycle(mallories)):
        yield Request(pages[number // 2 % 2], one.by_token, Expected(one.identity, one.email, or_503=True))
