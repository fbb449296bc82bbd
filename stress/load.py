"""Sends many requests at once, and compares each response with what it must be."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp

from stress.oracle import SIGNED_OUT, Expected, Tally, Verdict

REQUEST_TIMEOUT = 20.0  # seconds until a request without an answer counts as unexpected


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``cancel_after``: seconds after which the client hangs up."""

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    expected: Expected = SIGNED_OUT
    method: str = "GET"
    cancel_after: float | None = None


def send_all(requests: Iterable[Request], clients: int, per_second: float | None = None) -> Tally:
    """Send them all, at most ``clients`` at once. ``requests`` is read one by one."""
    return asyncio.run(asend_all(requests, clients, per_second))


async def asend_all(
    requests: Iterable[Request], clients: int, per_second: float | None = None, address: str = "127.0.0.1"
) -> Tally:
    """`send_all` for coroutines, from one client address."""
    tally, queue = Tally(), iter(requests)
    async with client_session(clients, address) as session:
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
async def client_session(connections: int, address: str = "127.0.0.1") -> AsyncIterator[aiohttp.ClientSession]:
    """A client without cookies that follows no redirect. ``address``: its loopback address."""
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=20, local_addr=(address, 0))
    timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session


async def send(session: aiohttp.ClientSession, one: Request, tally: Tally) -> Verdict:
    """Send one request and count it."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(one.cancel_after):
            async with session.request(one.method, one.url, headers=one.headers, allow_redirects=False) as answer:
                body = await answer.read()
        verdict = one.expected.judge(answer.status, answer.headers, body)
        outcome = f"{answer.status} {body[:120]!r}"
    except TimeoutError:
        verdict, outcome = (Verdict.CANCELLED, "") if one.cancel_after else (Verdict.UNEXPECTED, "no answer")
    except (aiohttp.ClientError, OSError) as error:
        verdict = Verdict.BROKEN if one.expected.may_break else Verdict.UNEXPECTED
        outcome = type(error).__name__
    taken = time.perf_counter() - started
    tally.add(
        verdict, taken, f"{one.method} {urlsplit(one.url).path} for {one.expected.identity}: {outcome}, {taken:.2f} s"
    )
    return verdict


def for_seconds(seconds: float, requests: Iterator[Request]) -> Iterator[Request]:
    """As many of them as fit into that time."""
    end = time.monotonic() + seconds
    for one in requests:
        if time.monotonic() > end:
            return
        yield one
