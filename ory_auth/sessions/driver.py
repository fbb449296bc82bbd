"""Decisions without I/O: generators decide and yield effects, and :func:`run_sync` and :func:`run_async` perform them.

An effect is either a plain call (a cache or a database, limited by their own settings) or an :class:`OryCall`, for
which waiting is limited. An exception of a plain call is raised inside the generator, which may handle it.

While an effect runs, its generator is suspended. So a traceback from inside an effect shows these drivers, and not the
generator that has yielded it.
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
GRACE_SECONDS = 0.05  # seconds to wait longer than the call's own deadline, because its outcome says why it was late


class OryCall:
    """An effect that calls Ory. Both methods return the result, or a future of it."""

    def run(self) -> Any:
        """Make the call in this thread, unless another request is making it already."""
        raise NotImplementedError

    def submit(self) -> Any:
        """Make the call in another thread."""
        raise NotImplementedError


Effect = Callable[[], Any] | OryCall
Effects = Generator[Effect, Any, T]  # a generator that yields effects, gets their results, and returns a T


class AsyncSafe(partial[Any]):
    """A plain call that itself makes sure not to block an event loop, as Django's lazy objects do."""


def run_sync(effects: Effects[T], timeout: float) -> T:
    """Perform the effects in this thread, and return what the generator returns.

    ``timeout`` is the limit of each wait for Ory, in seconds. Raises ``SynchronousOnlyOperation`` in async code if an
    effect would block.
    """
    try:
        effect = next(effects)
        while True:
            try:
                value = effect() if isinstance(effect, AsyncSafe) else perform(effect, timeout)
            except Exception as error:
                effect = effects.throw(error)
            else:
                effect = effects.send(value)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


async def run_async(effects: Effects[T], timeout: float) -> T:
    """:func:`run_sync` for coroutines. It does not block the event loop.

    Successive plain calls run in one thread, because a change of thread costs more than most of them.
    """
    try:
        effect = next(effects)
        while True:
            if isinstance(effect, OryCall):
                effect = effects.send(await _await_call(effect, timeout))
            else:
                next_call, result = await sync_to_async(_perform_plain_calls)(effects, effect)
                if next_call is None:
                    return result  # type: ignore[no-any-return]
                effect = next_call
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def _perform_plain_calls(effects: Effects[Any], effect: Effect) -> tuple[OryCall | None, Any]:
    """Perform effects up to the next call to Ory. Returns that call, or ``None`` and what the generator returned."""
    try:
        while not isinstance(effect, OryCall):
            try:
                value = effect()
            except Exception as error:
                effect = effects.throw(error)
            else:
                effect = effects.send(value)
    except StopIteration as stop:  # cannot be raised out of the thread
        return None, stop.value
    return effect, None


@async_unsafe("Use `await request.auser()` or `await request.aory_session()` in async code: the others block.")
def perform(effect: Effect, timeout: float) -> Any:
    """Perform one effect in this thread; see :func:`run_sync`."""
    if not isinstance(effect, OryCall):
        return effect()
    result = effect.run()
    if not isinstance(result, Future):
        return result
    try:
        return result.result(timeout + GRACE_SECONDS)
    except TimeoutError:
        return _outcome_of_late_call(result)


async def _await_call(call: OryCall, timeout: float) -> Any:
    result = call.submit()
    if not isinstance(result, Future):
        return result
    try:
        # Shielded: if this request is cancelled, the call goes on for the others.
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(result)), timeout + GRACE_SECONDS)
    except TimeoutError:
        return _outcome_of_late_call(result)


def _outcome_of_late_call(call: Future[Any]) -> Unavailable:
    """The outcome of a call that was too slow, or is still queued behind slow ones."""
    return Unavailable(Event.TIMEOUT if call.running() or call.done() else Event.POOL_FULL)
