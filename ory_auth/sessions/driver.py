"""Decisions without I/O: generators decide and yield steps, and :func:`run` and :func:`arun` carry these out.

A step is either a plain call (a cache, a database: quick, or bounded by their own settings) or a :class:`Call` to Ory,
for which waiting is limited. What a step raises is raised inside the generator, which may handle it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.utils.asyncio import async_unsafe

from ..events import Event
from .outcomes import Unavailable

T = TypeVar("T")
GRACE = 0.05  # seconds to wait longer than the call's own deadline, because its outcome says why it was late


class Call:
    """A call to Ory. Both methods return its result, or a future of it."""

    def here(self) -> Any:
        """Make the call in this thread, unless it is running already."""
        raise NotImplementedError

    def elsewhere(self) -> Any:
        """Make the call in another thread."""
        raise NotImplementedError


Step = Callable[[], Any] | Call
Steps = Generator[Step, Any, T]


class Guarded(partial[Any]):
    """A step that makes sure itself that it does not block an event loop, as Django's lazy objects do."""


class _Done(Exception):
    """The generator has returned ``value``."""

    def __init__(self, value: Any) -> None:
        self.value = value


def run(steps: Steps[T], timeout: float) -> T:
    """Carry out the steps in this thread; ``timeout`` is the limit of each wait for Ory, in seconds.

    Raises ``SynchronousOnlyOperation`` in async code if a step would block.
    """
    try:
        step = _send(steps, None)
        while True:
            try:
                value = step() if isinstance(step, Guarded) else carry_out(step, timeout)
            except Exception as error:
                step = _throw(steps, error)
            else:
                step = _send(steps, value)
    except _Done as done:
        return done.value  # type: ignore[no-any-return]


async def arun(steps: Steps[T], timeout: float) -> T:
    """Carry out the steps without blocking the event loop; see :func:`run`.

    Successive plain calls run in one thread, because a change of thread costs more than most of them.
    """
    try:
        step = _send(steps, None)
        while True:
            if not isinstance(step, Call):
                step = await sync_to_async(_carry_on)(steps, step)
            step = _send(steps, await _await(step, timeout))
    except _Done as done:
        return done.value  # type: ignore[no-any-return]


def _carry_on(steps: Steps[Any], step: Step) -> Call:
    """Carry out plain calls up to the next call to Ory, or to the end."""
    while not isinstance(step, Call):
        try:
            value = step()
        except Exception as error:
            step = _throw(steps, error)
        else:
            step = _send(steps, value)
    return step


def _send(steps: Steps[Any], value: Any) -> Step:
    try:
        return steps.send(value)
    except StopIteration as end:
        raise _Done(end.value) from None


def _throw(steps: Steps[Any], error: Exception) -> Step:
    try:
        return steps.throw(error)
    except StopIteration as end:
        raise _Done(end.value) from None


@async_unsafe("Use `await request.auser()` or `await request.aory_session()` in async code: the others block.")
def carry_out(step: Step, timeout: float) -> Any:
    """One step, in this thread; see :func:`run`."""
    if not isinstance(step, Call):
        return step()
    result = step.here()
    if not isinstance(result, Future):
        return result
    try:
        return result.result(timeout + GRACE)
    except TimeoutError:
        return _late(result)


async def _await(call: Call, timeout: float) -> Any:
    result = call.elsewhere()
    if not isinstance(result, Future):
        return result
    try:
        # Shielded: the flight goes on for the others when this request is cancelled.
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(result)), timeout + GRACE)
    except TimeoutError:
        return _late(result)


def _late(flight: Future[Any]) -> Unavailable:
    """The outcome of a call that was too slow, or is still queued behind slow ones."""
    return Unavailable(Event.TIMEOUT if flight.running() or flight.done() else Event.POOL_FULL)
