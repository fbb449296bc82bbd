"""Runs the project's ``BLOCKING_HOOK`` within ``BLOCKING_HOOK_SECONDS``."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

from django.db import close_old_connections
from django.utils.module_loading import import_string

from ..conf import Conf
from ..process.forks import after_fork
from .decisions import BlockingHook

MAX_AT_ONCE = 8  # decisions in each process; further ones wait, within their time

_threads: _Threads | None = None
_lock = threading.Lock()


class DecisionFailed(Exception):
    """There is no usable decision. ``facts`` say why, for the log: never a value of a person."""

    def __init__(self, **facts: str) -> None:
        super().__init__("The BLOCKING_HOOK has not decided.")
        self.facts = facts


def ask_project(hook: BlockingHook, conf: Conf) -> Any:
    """What the function returns. Raises :class:`DecisionFailed`.

    It runs in another thread, because nothing else can be stopped waiting for. A function that is too slow goes on, and
    its result is ignored; a coroutine is cancelled. A function that never returns keeps its thread.
    """
    function, seconds = _import_function(conf), conf.blocking_hook_seconds
    latest, threads = time.monotonic() + seconds, _get_threads()
    # The pool's own queue would hold what waits there, with its traits, as long as no thread becomes free.
    if not threads.free.acquire(timeout=seconds):
        raise DecisionFailed(why="all_threads_are_busy", fix="return_sooner_from_BLOCKING_HOOK")
    future: Future[Any] = threads.pool.submit(_call, function, hook, seconds)
    future.add_done_callback(lambda _: threads.free.release())
    try:
        return future.result(max(latest - time.monotonic(), 0))
    except BaseException as error:
        if not isinstance(error, TimeoutError) and not future.done():
            raise  # it is about this thread, such as KeyboardInterrupt
        failure = _explain(error)
    future.cancel()
    del future
    # Not in the except block: the frames of the project's error hold traits.
    raise failure


def _import_function(conf: Conf) -> Callable[[BlockingHook], Any]:
    if conf.blocking_hook is None:
        raise DecisionFailed(why="BLOCKING_HOOK_is_not_set")
    try:
        function = import_string(conf.blocking_hook)
    except ImportError:
        raise DecisionFailed(why="import", function=conf.blocking_hook) from None
    if not callable(function):
        raise DecisionFailed(why="not_callable", function=conf.blocking_hook)
    return function  # type: ignore[no-any-return]


def _call(function: Callable[[BlockingHook], Any], hook: BlockingHook, seconds: float) -> Any:
    close_old_connections()  # those that the server has closed since the last call in this thread
    try:
        result = function(hook)
        return asyncio.run(asyncio.wait_for(result, seconds)) if inspect.isawaitable(result) else result
    finally:
        close_old_connections()


def _explain(error: BaseException) -> DecisionFailed:
    if isinstance(error, TimeoutError):
        return DecisionFailed(why="too_slow", fix="ORY_AUTH['BLOCKING_HOOK_SECONDS']")
    return DecisionFailed(why="raised", error=type(error).__name__, line=_find_line(error.__traceback__))


def _find_line(traceback: TracebackType | None) -> str:
    """The innermost line, as the module and its number."""
    line = ""
    while traceback is not None:
        line = f"{traceback.tb_frame.f_globals.get('__name__', '')}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return line


class _Threads:
    """``free`` counts the threads that run no function."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="ory_auth_hook")
        self.free = threading.BoundedSemaphore(MAX_AT_ONCE)


def _get_threads() -> _Threads:
    global _threads
    with _lock:
        if _threads is None:
            _threads = _Threads()
        return _threads


def reset() -> None:
    """A forked process needs its own threads."""
    global _threads, _lock
    _threads, _lock = None, threading.Lock()


after_fork(reset)
