"""Something to measure, sync or async: it is called in blocks, and each call is timed by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any

UNCOUNTED = 2  # calls at the start of each block: what ran before may have emptied a cache


@dataclass(frozen=True)
class Case:
    """Something to measure. ``before`` runs ahead of every call and is not measured; ``share`` of the count is run."""

    name: str
    call: Callable[[], Any] | None = None
    acall: Callable[[], Awaitable[Any]] | None = None
    before: Callable[[], object] | None = None
    share: float = 1.0
    wanted: bytes | None = None  # the answer that is the right one

    def run(self, loop: asyncio.AbstractEventLoop, count: int) -> list[int]:
        """Nanoseconds of each call."""
        if self.acall is not None:
            return loop.run_until_complete(self._arun(count))
        assert self.call is not None
        took = []
        for _ in range(count + UNCOUNTED):
            if self.before:
                self.before()
            start = perf_counter_ns()
            answer = self.call()
            took.append(perf_counter_ns() - start)
            self._check(answer)
        return took[UNCOUNTED:]

    async def _arun(self, count: int) -> list[int]:
        assert self.acall is not None
        took = []
        for _ in range(count + UNCOUNTED):
            if self.before:
                self.before()
            start = perf_counter_ns()
            answer = await self.acall()
            took.append(perf_counter_ns() - start)
            self._check(answer)
        return took[UNCOUNTED:]

    def _check(self, answer: Any) -> None:
        if self.wanted is not None and answer != self.wanted:
            raise RuntimeError(f"{self.name}: a wrong answer")
