"""After the response to a sign-out, no form of that session's credential is accepted anywhere.

Each cycle has a new session, cached under several forms by four workers with one Redis. Lookups are in progress during
the sign-out. Ory's responses are delayed at random, so some arrive after the sign-out.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp

from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.faults import Fault
from stress.load import Request, client_session, send
from stress.oracle import SIGNED_OUT, Expected, Tally
from stress.proxy import Proxy
from stress.servers import CreatedSession, Ory, Site

AT_ONCE = 12
LATE = 0.03  # seconds by which a response of Ory is late, at most
UNDER_WAY = 4  # lookups at each site during a sign-out
MEMORY = 0.5  # seconds, of LOCAL_CACHE_SECONDS
BACK = 2.0  # seconds after which the site calls Ory again
SEED = 8
CSRF = "c" * 32
PAGES = ("/who", "/awho")
OURS = "/auth/logout"
WAYS = ((OURS, "/django-logout"), (OURS, "/django-alogout"))
HOLDS_WHEN = "a session that was signed out is accepted by no worker under any form of its credential"


@campaign("sign-out", 3, HOLDS_WHEN)
def sign_out(env: Environment) -> Result:
    race, with_memory, at_outage = env.scaled(750, 30), env.scaled(150, 0), env.scaled(100, 10)
    people = env.people(race + with_memory + at_outage)
    cycles = _Cycles(env.ory)
    with env.proxy() as proxy:
        with env.sites(env.site_variables(ory_auth={"SESSION_CACHE_SECONDS": 60}, proxy=proxy)) as cycles.sites:
            proxy.delay = LATE
            asyncio.run(cycles.race(people[:race]))
            proxy.delay = 0.0
            asyncio.run(cycles.while_ory_is_down(people[race + with_memory :], proxy))
        if with_memory:
            settings = {"SESSION_CACHE_SECONDS": 60, "LOCAL_CACHE_SECONDS": MEMORY}
            with env.sites(env.site_variables(ory_auth=settings, proxy=proxy)) as cycles.sites:
                proxy.delay = LATE
                asyncio.run(cycles.race(people[race : race + with_memory], patience=MEMORY))
    measured = [
        *common_figures(cycles.tally),
        Figure("cycles", len(people)),
        Figure("sign-outs not answered", cycles.failed, 0),
    ]
    return Result(measured, cycles.tally.examples)


def _address(number: int) -> str:
    """A client address for each cycle, because addresses that were refused often are limited."""
    return f"127.0.{number // 250 + 1}.{number % 250 + 1}"


@dataclass(frozen=True)
class _Person:
    """A person with every form of one session's credential."""

    given: CreatedSession
    forms: tuple[dict[str, str], ...]
    expected: Expected


class _Cycles:
    def __init__(self, ory: Ory) -> None:
        self._ory = ory
        self.sites: Sequence[Site] = ()
        self._chance = random.Random(SEED)
        self.tally, self.failed = Tally(), 0

    async def race(self, people: Sequence[CreatedSession], patience: float = 0.0) -> None:
        """A few cycles at once, each with its session and client address.

        ``patience``: seconds for which a worker may still use its local cache.
        """
        queue = enumerate(people)

        async def one_after_the_other() -> None:
            for number, given in queue:
                async with client_session(4 * UNDER_WAY, _address(number)) as session:
                    await self._cycle(session, await self._person(session, given), patience)

        await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))

    async def _cycle(self, session: aiohttp.ClientSession, person: _Person, patience: float) -> None:
        await self._request(
            session,
            person,
            person.expected,
            self._chance.sample(person.forms, self._chance.randrange(len(person.forms))),
        )
        racing = Expected(person.given.identity, person.given.email, or_signed_out=True)
        under_way = self._request(session, person, racing, self._chance.choices(person.forms, k=UNDER_WAY))
        lookups = asyncio.create_task(under_way)
        await asyncio.sleep(self._chance.uniform(0, LATE))
        await self._sign_out(session, self._chance.choice(person.forms), {}, {200, 204})
        await asyncio.sleep(patience)
        await self._request(session, person, SIGNED_OUT, person.forms)
        await lookups
        await self._request(session, person, SIGNED_OUT, person.forms)

    async def while_ory_is_down(self, people: Sequence[CreatedSession], proxy: Proxy) -> None:
        """Known people sign out while Ory is down, so it still has their sessions afterwards."""
        async with AsyncExitStack() as ends:
            known = []
            for number, given in enumerate(people):
                session = await ends.enter_async_context(client_session(4 * UNDER_WAY, _address(10_000 + number)))
                person = await self._person(session, given)
                await self._request(session, person, person.expected, person.forms)
                known.append((session, person))
            proxy.set_fault(Fault.ERROR_503)
            for session, person in known:
                # Views that call Django's ``logout()`` respond with 200.
                await self._sign_out(session, self._chance.choice(person.forms), {OURS: {503}}, {200, 503})
            proxy.set_fault(Fault.PASS)
            await asyncio.sleep(BACK)
            for session, person in known:
                await self._request(session, person, SIGNED_OUT, person.forms * 2)

    # --- steps

    async def _person(self, session: aiohttp.ClientSession, given: CreatedSession) -> _Person:
        """Everything that proves one of their sessions."""
        by_header = given.by_token, given.by_bearer
        by_cookie = given.by_cookie, await self._renewed(session, given)
        if given.session == given.cookie_session:
            forms = by_header + by_cookie
        else:
            forms = self._chance.choice((by_header, by_cookie))
        return _Person(given, forms, Expected(given.identity, given.email))

    async def _renewed(self, session: aiohttp.ClientSession, given: CreatedSession) -> dict[str, str]:
        """The new cookie that Ory gives for an extended session. Ory accepts both from then on."""
        ory = self._ory
        async with session.patch(f"{ory.admin_url}/admin/sessions/{given.cookie_session}/extend") as answer:
            assert answer.status in {200, 204}, answer.status
        async with session.get(f"{ory.public_url}/sessions/whoami", headers=given.by_cookie) as answer:
            return {"Cookie": f"ory_kratos_session={answer.cookies['ory_kratos_session'].value}"}

    async def _request(
        self, session: aiohttp.ClientSession, person: _Person, expected: Expected, forms: Sequence[dict[str, str]]
    ) -> None:
        """Each form once at every site, all at the same time."""
        pages = [site.url + page for site, page in zip(self.sites, PAGES, strict=True)]
        requests = [Request(page, form, expected) for form in forms for page in pages]
        await asyncio.gather(*(send(session, ask, self.tally) for ask in requests))

    async def _sign_out(
        self, session: aiohttp.ClientSession, form: dict[str, str], of_way: Mapping[str, set[int]], good: set[int]
    ) -> None:
        """Sign out at a random site. ``of_way``: the expected statuses of ways that differ from ``good``."""
        which = self._chance.randrange(2)
        way = self._chance.choice(WAYS[which])
        cookies = "; ".join(filter(None, [form.get("Cookie"), f"csrftoken={CSRF}"]))
        headers = {**form, "Cookie": cookies, "X-CSRFToken": CSRF, "Accept": "application/json"}
        async with session.post(self.sites[which].url + way, headers=headers, allow_redirects=False) as answer:
            self.failed += answer.status not in of_way.get(way, good)
