"""The sign-out race: once a sign-out was answered, no form of that session's credential is accepted anywhere.

Each cycle is a session of its own, kept under several forms by four workers on one Redis; lookups are under way while
it is signed out. Ory's answers are late by a random time, so that some arrive after the sign-out.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp

from stress.campaign import Figure, Result, campaign, figures
from stress.environment import Environment
from stress.faults import Fault
from stress.load import Ask, browser, send
from stress.oracle import NOBODY, Expected, Tally
from stress.proxy import Proxy
from stress.servers import Given, Ory, Site

AT_ONCE = 12
LATE = 0.03  # seconds by which an answer of Ory's is late, at most
UNDER_WAY = 4  # lookups at each site while somebody signs out
MEMORY = 0.5  # seconds, of LOCAL_CACHE_SECONDS
BACK = 2.0  # seconds after which the site asks Ory again
SEED = 8
CSRF = "c" * 32
PAGES = ("/who", "/awho")
OURS = "/auth/logout"
WAYS = ((OURS, "/django-logout"), (OURS, "/django-alogout"))
HOLDS_WHEN = "a session that was signed out is accepted by no worker under any form of its credential"


@campaign("sign-out", 3, HOLDS_WHEN)
def sign_out(stage: Environment) -> Result:
    race, with_memory, at_outage = stage.scaled(750, 30), stage.scaled(150, 0), stage.scaled(100, 10)
    people = stage.people(race + with_memory + at_outage)
    cycles = _Cycles(stage.ory)
    with stage.proxy() as proxy:
        with stage.sites(stage.environment(ory_auth={"SESSION_CACHE_SECONDS": 60}, proxy=proxy)) as cycles.sites:
            proxy.delay = LATE
            asyncio.run(cycles.race(people[:race]))
            proxy.delay = 0.0
            asyncio.run(cycles.while_ory_is_down(people[race + with_memory :], proxy))
        if with_memory:
            settings = {"SESSION_CACHE_SECONDS": 60, "LOCAL_CACHE_SECONDS": MEMORY}
            with stage.sites(stage.environment(ory_auth=settings, proxy=proxy)) as cycles.sites:
                proxy.delay = LATE
                asyncio.run(cycles.race(people[race : race + with_memory], patience=MEMORY))
    told = [*figures(cycles.tally), Figure("cycles", len(people)), Figure("sign-outs not answered", cycles.failed, 0)]
    return Result(told, cycles.tally.examples)


def _address(number: int) -> str:
    """Of a client: those who were refused often have less to ask."""
    return f"127.0.{number // 250 + 1}.{number % 250 + 1}"


@dataclass(frozen=True)
class _Person:
    """Somebody with every form of one session's credential."""

    given: Given
    forms: tuple[dict[str, str], ...]
    expected: Expected


class _Cycles:
    def __init__(self, ory: Ory) -> None:
        self._ory = ory
        self.sites: Sequence[Site] = ()
        self._chance = random.Random(SEED)
        self.tally, self.failed = Tally(), 0

    async def race(self, people: Sequence[Given], patience: float = 0.0) -> None:
        """A few cycles at once, each with its own session, from an address of its own.

        ``patience``: seconds for which a worker may still remember what it has in its own memory.
        """
        queue = enumerate(people)

        async def one_after_the_other() -> None:
            for number, given in queue:
                async with browser(4 * UNDER_WAY, _address(number)) as session:
                    await self._cycle(session, await self._person(session, given), patience)

        await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))

    async def _cycle(self, session: aiohttp.ClientSession, person: _Person, patience: float) -> None:
        await self._ask(
            session,
            person,
            person.expected,
            self._chance.sample(person.forms, self._chance.randrange(len(person.forms))),
        )
        racing = Expected(person.given.identity, person.given.email, or_nobody=True)
        under_way = self._ask(session, person, racing, self._chance.choices(person.forms, k=UNDER_WAY))
        lookups = asyncio.create_task(under_way)
        await asyncio.sleep(self._chance.uniform(0, LATE))
        await self._sign_out(session, self._chance.choice(person.forms), {}, {200, 204})
        await asyncio.sleep(patience)
        await self._ask(session, person, NOBODY, person.forms)
        await lookups
        await self._ask(session, person, NOBODY, person.forms)

    async def while_ory_is_down(self, people: Sequence[Given], proxy: Proxy) -> None:
        """Known people sign out, which Ory cannot be told. Back again, it still has their sessions."""
        async with AsyncExitStack() as ends:
            known = []
            for number, given in enumerate(people):
                session = await ends.enter_async_context(browser(4 * UNDER_WAY, _address(10_000 + number)))
                person = await self._person(session, given)
                await self._ask(session, person, person.expected, person.forms)
                known.append((session, person))
            proxy.switch(Fault.ERROR_503)
            for session, person in known:
                # Django's own ``logout()`` has no answer of its own to give.
                await self._sign_out(session, self._chance.choice(person.forms), {OURS: {503}}, {200, 503})
            proxy.switch(Fault.PASS)
            await asyncio.sleep(BACK)
            for session, person in known:
                await self._ask(session, person, NOBODY, person.forms * 2)

    # --- steps

    async def _person(self, session: aiohttp.ClientSession, given: Given) -> _Person:
        """Everything that proves one session of theirs."""
        by_header = given.by_token, given.by_bearer
        by_cookie = given.by_cookie, await self._renewed(session, given)
        if given.session == given.cookie_session:
            forms = by_header + by_cookie
        else:
            forms = self._chance.choice((by_header, by_cookie))
        return _Person(given, forms, Expected(given.identity, given.email))

    async def _renewed(self, session: aiohttp.ClientSession, given: Given) -> dict[str, str]:
        """The new cookie that Ory gives for a session that was extended; it takes both from then on."""
        ory = self._ory
        async with session.patch(f"{ory.admin_url}/admin/sessions/{given.cookie_session}/extend") as answer:
            assert answer.status in {200, 204}, answer.status
        async with session.get(f"{ory.public_url}/sessions/whoami", headers=given.by_cookie) as answer:
            return {"Cookie": f"ory_kratos_session={answer.cookies['ory_kratos_session'].value}"}

    async def _ask(
        self, session: aiohttp.ClientSession, person: _Person, expected: Expected, forms: Sequence[dict[str, str]]
    ) -> None:
        """Each form once at every site, all at the same time."""
        pages = [site.url + page for site, page in zip(self.sites, PAGES, strict=True)]
        asks = [Ask(page, form, expected) for form in forms for page in pages]
        await asyncio.gather(*(send(session, ask, self.tally) for ask in asks))

    async def _sign_out(
        self, session: aiohttp.ClientSession, form: dict[str, str], of_way: Mapping[str, set[int]], good: set[int]
    ) -> None:
        """By one of the ways of a random site; ``of_way`` names those whose statuses differ from the others'."""
        which = self._chance.randrange(2)
        way = self._chance.choice(WAYS[which])
        cookies = "; ".join(filter(None, [form.get("Cookie"), f"csrftoken={CSRF}"]))
        headers = {**form, "Cookie": cookies, "X-CSRFToken": CSRF, "Accept": "application/json"}
        async with session.post(self.sites[which].url + way, headers=headers, allow_redirects=False) as answer:
            self.failed += answer.status not in of_way.get(way, good)
