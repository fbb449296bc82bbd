"""Everybody comes through one nginx to a site on a Unix socket, so all requests have the same client address.

First many browsers with expired cookies, then floods of made-up credentials. Meanwhile people sign in: a browser opens
the login page and comes back from Ory with a new session. Other people are signed in already and notice nothing.

The machine that sends the requests is too slow for a flood to reach the limits of this package. So the floods come
again to a site with lower limits.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import multiprocessing
import random
import time
from collections.abc import Awaitable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import aiohttp

from stress import servers
from stress.campaign import Figure, Result, campaign, common_figures
from stress.environment import Environment
from stress.load import Request, asend_all, client_session, for_seconds, send
from stress.oracle import SIGNED_OUT, Expected, Tally, Verdict
from stress.processes import private_directory
from stress.servers import CreatedSession

SETTINGS = {"SESSION_CACHE_SECONDS": 2}  # so that known people have to be looked up again
PER_SECOND = 300  # requests with expired cookies
SIGN_INS_PER_SECOND = 20
KNOWN_PER_SECOND = 20
KNOWN = 40  # people who are signed in before it begins
CLIENTS = 120
FLOOD_CLIENTS = 48
REPEATED = 0.2  # share of the expired cookies that come more than once
SCALE = 0.02  # of our limits: what this machine can send is then as far above them as 5,000 a second would be
MOST_FAILED = 5.0  # percent of the sign-ins beside a flood
MARKER = "ory_auth_started"
SEED = 13
HOLDS_WHEN = "behind one nginx, 300 expired cookies a second cost no 503; a flood of tokens costs ≤ 5 % of the sign-ins"


@campaign("floods", 13, HOLDS_WHEN)
def floods(env: Environment) -> Result:
    seconds, flood_seconds = env.scaled(30, 4), env.scaled(20, 2)
    known = env.people(KNOWN)
    sign_ins = iter(env.people(int((seconds + 3 * flood_seconds + 9) * SIGN_INS_PER_SECOND)))
    tally, measured = Tally(), list[Figure]()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        other.submit(int).result()  # wait until the other process has started
        with _site_behind_nginx(env) as url:
            scenario = _Crowd(url, known, sign_ins, tally)
            asyncio.run(scenario.meet_the_known())
            measured += asyncio.run(scenario.expired_cookies(seconds))
            if not env.short:
                measured += asyncio.run(scenario.flood("tokens", flood_seconds, other))
        with _site_behind_nginx(env, SITE_LIMITS=str(SCALE)) as url:
            scenario = _Crowd(url, known, sign_ins, tally)
            asyncio.run(scenario.meet_the_known())
            for what in ("tokens", "cookies"):
                measured += asyncio.run(scenario.flood(what, flood_seconds, other, SCALE))
    return Result([*common_figures(tally), *measured], tally.examples)


@contextmanager
def _site_behind_nginx(env: Environment, **more: str) -> Iterator[str]:
    """Start a site behind nginx; yields the URL."""
    with private_directory() as directory:
        socket = directory / "socket"
        variables = env.site_variables(ory_auth=SETTINGS, **more)
        with servers.gunicorn(variables, unix_socket=socket), servers.nginx(socket) as proxy:
            yield proxy.url


class _Crowd:
    def __init__(
        self, url: str, known: Sequence[CreatedSession], sign_ins: Iterator[CreatedSession], tally: Tally
    ) -> None:
        self._url, self._known, self._new_people, self._tally = url, known, sign_ins, tally
        self._chance = random.Random(SEED)

    async def meet_the_known(self) -> None:
        self._tally.merge(await asend_all(itertools.islice(self._by_known(), 4 * len(self._known)), 4))

    async def expired_cookies(self, seconds: float) -> list[Figure]:
        """Many browsers with expired sessions, at a site that is busy. Nobody gets a 503."""
        expired = asend_all(for_seconds(seconds, self._expired()), CLIENTS, PER_SECOND)
        crowd, known, sign_ins, took = await self._beside(seconds, expired)
        for tally in (crowd, known, sign_ins):
            self._tally.merge(tally)
        return [
            Figure(f"expired cookies a second (of {PER_SECOND})", crowd.requests / took),
            Figure("sign-ins", sign_ins.requests),
            Figure("503 at sign-in", sign_ins.verdicts[Verdict.UNAVAILABLE], 0),
            Figure("their p99", sign_ins.percentile(0.99), unit="s"),
            Figure("p99 of the known", known.percentile(0.99), unit="s"),
        ]

    async def flood(self, what: str, seconds: float, other: ProcessPoolExecutor, scale: float = 1.0) -> list[Figure]:
        """As many made-up credentials as this machine can send. People who are signed in notice nothing."""
        strangers = asyncio.wrap_future(other.submit(_flood, what, self._url, seconds))
        crowd, known, sign_ins, took = await self._beside(seconds, strangers)
        for tally in (crowd, known, sign_ins):
            self._tally.merge(tally)
        failed = 100 * sign_ins.verdicts[Verdict.UNAVAILABLE] / max(sign_ins.requests, 1)
        limits = "" if scale == 1 else f", limits × {scale:g}"
        return [
            Figure(f"made-up {what} a second{limits}", crowd.requests / took),
            Figure("503 for these", crowd.verdicts[Verdict.UNAVAILABLE]),
            Figure("sign-ins", sign_ins.requests),
            Figure("failed", failed, MOST_FAILED, "%"),
            Figure("their p99", sign_ins.percentile(0.99), unit="s"),
            Figure("p99 of the known", known.percentile(0.99), unit="s"),
        ]

    async def _beside(self, seconds: float, crowd: Awaitable[Tally]) -> tuple[Tally, Tally, Tally, float]:
        """The tallies of the crowd, of known people and of people who sign in, and how long it took."""
        started = time.monotonic()
        measured = await asyncio.gather(
            crowd,
            asend_all(for_seconds(seconds, self._by_known()), CLIENTS, KNOWN_PER_SECOND),
            self._sign_ins(seconds),
        )
        return *measured, time.monotonic() - started

    async def _sign_ins(self, seconds: float) -> Tally:
        """So many a second, however long each takes. A 503 is counted; anything else that is wrong is a breach."""
        tally, running, started = Tally(), set[asyncio.Task[None]](), time.monotonic()
        async with client_session(CLIENTS) as session:
            for number in range(int(seconds * SIGN_INS_PER_SECOND)):
                await asyncio.sleep(max(started + number / SIGN_INS_PER_SECOND - time.monotonic(), 0))
                running.add(asyncio.create_task(self._sign_in(session, next(self._new_people), tally)))
            await asyncio.gather(*running)
        return tally

    async def _sign_in(self, session: aiohttp.ClientSession, one: CreatedSession, tally: Tally) -> None:
        """A browser with an expired session opens the login page, and comes back from Ory with a new session."""
        login = f"{self._url}/auth/login?next=/who"
        headers = {"Cookie": _expired_cookie(self._chance), "Accept": "text/html"}
        started = time.perf_counter()
        async with session.get(login, headers=headers, allow_redirects=False) as answer:
            marker = answer.cookies.get(MARKER)
        if marker is None:
            verdict = Verdict.UNAVAILABLE if answer.status == 503 else Verdict.UNEXPECTED
            tally.add(verdict, time.perf_counter() - started, f"{answer.status} at the login page")
            return
        cookies = {"Cookie": f"{one.cookie}; {MARKER}={marker.value}"}
        await send(session, Request(f"{self._url}/who", cookies, Expected(one.identity, one.email, or_503=True)), tally)

    def _by_known(self) -> Iterator[Request]:
        for one in itertools.cycle(self._known):
            for headers in (one.by_cookie, one.by_token):
                yield Request(f"{self._url}/who", headers, Expected(one.identity, one.email))

    def _expired(self) -> Iterator[Request]:
        """Endless requests with cookies of expired sessions; some browsers come back."""
        lately: list[str] = []
        while True:
            again = lately and self._chance.random() < REPEATED
            cookie = self._chance.choice(lately) if again else _expired_cookie(self._chance)
            lately = [*lately[-200:], cookie]
            yield Request(f"{self._url}/who", {"Cookie": cookie}, SIGNED_OUT)


def _expired_cookie(chance: random.Random) -> str:
    """As long as a cookie of Kratos, and made of the same characters."""
    return f"ory_kratos_session=MT{base64.urlsafe_b64encode(chance.randbytes(280)).decode()}"


def _flood(what: str, url: str, seconds: float) -> Tally:
    """In another process, send as many made-up credentials as possible."""
    return asyncio.run(asend_all(for_seconds(seconds, _made_up(what, url)), FLOOD_CLIENTS))


def _made_up(what: str, url: str) -> Iterator[Request]:
    chance = random.Random(SEED)
    while True:
        token = f"ory_st_{chance.getrandbits(190):032x}"
        by_header = chance.choice(({"X-Session-Token": token}, {"Authorization": f"Bearer {token}"}))
        headers = by_header if what == "tokens" else {"Cookie": _expired_cookie(chance)}
        yield Request(f"{url}/who", headers, Expected(or_503=True))
