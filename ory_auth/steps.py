"""Decisions apart from I/O: generators decide and yield what has to be done, :func:`run` and :func:`arun` do it.

A step is either a plain call (a cache, a database: quick, or bounded by their own settings) or a future of a call to
Ory, which is waited for with a limit. What a step raises is raised inside the generator, which may handle it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.utils.asyncio import async_unsafe

from .events import Event
from .outcomes import Unavailable

T = TypeVar("T")
Step = Callable[[], Any] | Future[Any]
Steps = Generator[Step, Any, T]


class Guarded(partial[Any]):
    """A step that sees for itself that it blocks no event loop, as Django's own lazy objects do."""


def run(steps: Steps[T], timeout: float) -> T:
    """Carry out the steps in this thread; ``timeout`` is the limit of each wait for Ory, in seconds.

    Raises ``SynchronousOnlyOperation`` in async code, where there is a step that would block.
    """
    value: Any = None
    error: Exception | None = None
    while True:
        try:
            step = steps.throw(error) if error else steps.send(value)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        value, error = None, None
        try:
            value = step() if isinstance(step, Guarded) else carry_out(step, timeout)
        except Exception as raised:
            error = raised


@async_unsafe("Use `await request.auser()` or `await request.aory_session()` in async code: the others block.")
def carry_out(step: Step, timeout: float) -> Any:
    """One step, in this thread; see :func:`run`."""
    return _wait(step, timeout) if isinstance(step, Future) else step()


async def arun(steps: Steps[T], timeout: float) -> T:
    """Carry out the steps without blocking the event loop; see :func:`run`."""
    value: Any = None
    error: Exception | None = None
    while True:
        try:
            step = steps.throw(error) if error else steps.send(value)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        value, error = None, None
        try:
            value = await (_await(step, timeout) if isinstance(step, Future) else sync_to_async(step)())
        except Exception as raised:
            error = raised


def _wait(flight: Future[Any], timeout: float) -> Any:
    try:
        return flight.result(timeout)
    except TimeoutError:
        return _late(flight)


async def _await(flight: Future[Any], timeout: float) -> Any:
    try:
        # Shielded: the flight goes on for the others when this request is cancelled.
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(flight)), timeout)
    except TimeoutError:
        return _late(flight)


def _late(flight: Future[Any]) -> Unavailable:
    """Still queued behind calls that take too long, or one of them itself."""
    return Unavailable(Event.TIMEOUT if flight.running() or flight.done() else Event.POOL_FULL)
