"""Runs the project's ``BLOCKING_HOOK`` within ``BLOCKING_HOOK_SECONDS``."""

from __future__ import annotations

import asyncio
import inspect
import threading
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

_pool: ThreadPoolExecutor | None = None
_lock = threading.Lock()


class DecisionFailed(Exception):
    """There is no usable decision. ``facts`` say why, for the log: never a value of a person."""

    def __init__(self, **facts: str) -> None:
        super().__init__("The BLOCKING_HOOK has not decided.")
        self.facts = facts


def ask_project(hook: BlockingHook, conf: Conf) -> Any:
    """What the function returns. Raises :class:`DecisionFailed`.

    It runs in another thread, because nothing else can be stopped waiting for. A function that is too slow goes on, and
    its result is ignored; a coroutine is cancelled.
    """
    function, seconds = _import_function(conf), conf.blocking_hook_seconds
    future: Future[Any] = _get_pool().submit(_call, function, hook, seconds)
    try:
        return future.result(seconds)
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


def _get_pool() -> ThreadPoolExecutor:
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="ory_auth_hook")
        return _pool


def reset() -> None:
    """A forked process needs its own threads."""
    global _pool, _lock
    _pool, _lock = None, threading.Lock()


after_fork(reset)
