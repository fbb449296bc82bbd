"""Threads for what takes time, such as calling the application. They never keep the process alive."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def start_thread(function: Callable[[], object]) -> None:
    threading.Thread(target=function, name="local Ory: call", daemon=True).start()


async def run_in_thread(function: Callable[[], T]) -> T:
    """The result of the function. Exceptions are raised here."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = function()
        except BaseException as error:
            _finish(loop, future, future.set_exception, error)
        else:
            _finish(loop, future, future.set_result, result)

    start_thread(run)
    return await future


def _finish(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], finish: Callable[..., None], value: object
) -> None:
    """Finish the future in its loop, unless the server was stopped in the meantime."""
    with suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(lambda: None if future.done() else finish(value))
