"""Many requests at once, each held against what its answer must be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp

from stress.oracle import NOBODY, Expected, Tally, Verdict

PATIENCE = 20.0  # seconds until a request without an answer counts as unexpected


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. ``cancel_after``: seconds after which the client hangs up."""

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    expected: Expected = NOBODY
    method: str = "GET"
    cancel_after: float | None = None


def load(asks: Iterable[Ask], clients: int, per_second: float | None = None) -> Tally:
    """Send them all, at most ``clients`` at once; ``asks`` is read one by one, as the load goes on."""
    return asyncio.run(aload(asks, clients, per_second))


async def aload(
    asks: Iterable[Ask], clients: int, per_second: float | None = None, address: str = "127.0.0.1"
) -> Tally:
    """`load` for coroutines, from one client address."""
    tally, queue = Tally(), iter(asks)
    async with browser(clients, address) as session:
        started, sent = time.monotonic(), 0

        async def client() -> None:
            nonlocal sent
            for one in queue:
                sent += 1
                if per_second:
                    await asyncio.sleep(max(started + sent / per_second - time.monotonic(), 0))
                await send(session, one, tally)

        await asyncio.gather(*(client() for _ in range(clients)))
    return tally


@asynccontextmanager
async def browser(connections: int, address: str = "127.0.0.1") -> AsyncIterator[aiohttp.ClientSession]:
    """A client that keeps no cookies and follows nothing. ``address``: of the loopback range, for the site to see."""
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=20, local_addr=(address, 0))
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session


async def send(session: aiohttp.ClientSession, one: Ask, tally: Tally) -> Verdict:
    """Send one and count it."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(one.cancel_after):
            async with session.request(one.method, one.url, headers=one.headers, allow_redirects=False) as answer:
                body = await answer.read()
        verdict = one.expected.judge(answer.status, answer.headers, body)
        told = f"{answer.status} {body[:120]!r}"
    except TimeoutError:
        verdict, told = (Verdict.CANCELLED, "") if one.cancel_after else (Verdict.UNEXPECTED, "no answer")
    except (aiohttp.ClientError, OSError) as error:
        verdict = Verdict.BROKEN if one.expected.may_break else Verdict.UNEXPECTED
        told = type(error).__name__
    taken = time.perf_counter() - started
    tally.add(
        verdict, taken, f"{one.method} {urlsplit(one.url).path} for {one.expected.identity}: {told}, {taken:.2f} s"
    )
    return verdict


def until(seconds: float, asks: Iterator[Ask]) -> Iterator[Ask]:
    """As many of them as fit into that time."""
    end = time.monotonic() + seconds
    for one in asks:
        if time.monotonic() > end:
            return
        yield one
