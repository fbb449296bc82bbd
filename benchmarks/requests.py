"""Times the requests. All cases take turns in blocks of a few calls, so that each meets the same noise."""

from __future__ import annotations

import asyncio
import inspect
import random
import statistics
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter
from typing import Any

import urllib3
from django.conf import settings
from django.test import override_settings

from benchmarks.cases import CASES, KINDS, WHOAMI, Case, name_of
from benchmarks.handlers import Headers, WrongResponse, asgi_call, wsgi_call
from benchmarks.project import Visitor, handler

WARM_UP = 3  # calls at the start of a block that do not count: what ran before may have emptied a cache
CALLS = WARM_UP + 10  # in a block


@dataclass
class Benchmark:
    """A call that is timed, and whose response is checked."""

    name: str
    call: Callable[[Headers], bytes] | Callable[[Headers], Awaitable[bytes]]
    credentials: Iterator[Headers] = field(repr=False)
    expected: str
    case: Case | None = None

    def run(self, loop: asyncio.AbstractEventLoop, number: int) -> float:
        """The median of the block with this number, in seconds."""
        with override_settings(**self._overrides(number)):
            is_async = inspect.iscoroutinefunction(self.call)
            times = loop.run_until_complete(self._time_async()) if is_async else self._time()
        return statistics.median(times[WARM_UP:])

    def _overrides(self, number: int) -> dict[str, Any]:
        if self.case is None:
            return {}
        ory_auth = {
            **settings.ORY_AUTH,
            "SESSION_CACHE": self.case.cache,
            "CACHE_NAMESPACE": f"{self.name} {number if self.case.asks_ory else ''}",  # a new one is empty
            **self.case.ory_auth,
        }
        return {"ORY_AUTH": ory_auth, "SESSION_CACHE_ALIAS": self.case.cache}

    def _time(self) -> list[float]:
        call: Any = self.call
        times = []
        for _ in range(CALLS):
            headers = next(self.credentials)
            start = perf_counter()
            body = call(headers)
            times.append(perf_counter() - start)
            self._check(body)
        return times

    async def _time_async(self) -> list[float]:
        call: Any = self.call
        times = []
        for _ in range(CALLS):
            headers = next(self.credentials)
            start = perf_counter()
            body = await call(headers)
            times.append(perf_counter() - start)
            self._check(body)
        return times

    def _check(self, body: bytes) -> None:
        if self.expected not in body.decode():
            raise WrongResponse(f"{self.name}: {body!r}")


def measure(visitor: Visitor, rounds: int) -> dict[str, list[float]]:
    """Seconds by name of the benchmark, one value for each round. The visitor has `CALLS` sessions."""
    benchmarks = [_benchmark(case, kind, visitor) for case in CASES for kind in KINDS]
    benchmarks.append(Benchmark(WHOAMI, _whoami, cycle(visitor.ory), visitor.identity))
    values: dict[str, list[float]] = defaultdict(list)
    loop = asyncio.new_event_loop()
    for number in range(rounds):
        for benchmark in random.sample(benchmarks, len(benchmarks)):
            values[benchmark.name].append(benchmark.run(loop, number))
    return values


def _benchmark(case: Case, kind: str, visitor: Visitor) -> Benchmark:
    make_call = wsgi_call if kind == "sync" else asgi_call
    credentials: Sequence[Headers] = [visitor.django] if case.stack == "django" else visitor.ory[:1]
    return Benchmark(
        name_of(case.title, kind),
        make_call(handler(case.stack, kind), f"/{kind}/{case.view}"),
        cycle(visitor.ory if case.asks_ory else credentials),
        {"bare": "no user needed", "session": visitor.identity, "user": visitor.user}[case.view],
        case,
    )


_pool = urllib3.PoolManager()


def _whoami(headers: Headers) -> bytes:
    """The call to Ory without this package: no time limit, and nothing in the response is read."""
    url = f"{settings.ORY_AUTH['SDK_URL']}/sessions/whoami"
    return _pool.request("GET", url, headers={"Accept": "application/json", **headers}, retries=False).data
