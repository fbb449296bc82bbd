"""Operations without I/O: a generator yields steps, which a sync and an async driver perform.

So every function of :mod:`ory_auth.identities` and its async twin make the same decisions. An error of a step is
raised inside the generator, which may handle it.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import re
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.db import Error

from ..conf import conf
from ..events import Event, log
from ..exceptions import OryAuthError, OryUnavailable
from ..ory.admin_client import AdminClient, admin_client_of, require_admin_access
from ..ory.json_api import JsonApi
from ..process.event_loop import in_event_loop

P = ParamSpec("P")
T = TypeVar("T")
GRACE_SECONDS = 0.05  # to wait longer than the call's own deadline, because its error says why it was late


class Step(Protocol):
    """Something to do: ``run`` does it in this thread, ``arun`` without blocking the event loop."""

    def run(self) -> Any: ...
    async def arun(self) -> Any: ...


Steps = Generator[Step, Any, T]  # an operation: yields steps, gets their results, and returns a T


@dataclass(frozen=True, repr=False)
class ApiCall(Generic[T]):
    """A call to one of Ory's APIs. Its limits are those of the API."""

    api: JsonApi
    call: Callable[[], T]

    def run(self) -> T:
        return self.call()

    async def arun(self) -> T:
        future = self.api.submit(self.call)
        waiter = asyncio.wrap_future(future)
        waiter.add_done_callback(lambda done: done.cancelled() or done.exception())  # it may end after the wait
        try:
            return await asyncio.wait_for(asyncio.shield(waiter), self.api.timeout + GRACE_SECONDS)
        except TimeoutError:
            event = Event.POOL_FULL if future.cancel() else Event.TIMEOUT
        except asyncio.CancelledError:
            future.cancel()  # a call that has started goes on
            raise
        raise OryUnavailable(f"Ory did not answer within {self.api.timeout:g} seconds.", event=event)


@dataclass(frozen=True, repr=False)
class LocalCall(Generic[T]):
    """Work in this site's database or cache. Coroutines run it in the thread that has Django's connections."""

    call: Callable[[], T]

    def run(self) -> T:
        return self.call()

    async def arun(self) -> T:
        return await sync_to_async(self.call)()


def ask(method: Callable[Concatenate[AdminClient, P], T], *args: P.args, **kwargs: P.kwargs) -> Steps[T]:
    """The result of a method of :class:`AdminClient`."""
    settings = conf()
    require_admin_access(settings)
    client = admin_client_of(settings)
    result: T = yield ApiCall(client, lambda: method(client, *args, **kwargs))
    return result


def locally(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Steps[T]:
    """The result of a function that uses the database or the cache."""
    result: T = yield LocalCall(lambda: function(*args, **kwargs))
    return result


def blocking(operation: Callable[P, Steps[T]]) -> Callable[P, T]:
    """The function that performs an operation in this thread."""

    @wraps(operation)
    def function(*args: P.args, **kwargs: P.kwargs) -> T:
        if in_event_loop() and not os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE"):
            del args, kwargs
            name = operation.__name__
            raise SynchronousOnlyOperation(f"{name}() blocks. In async code, use `await identities.a{name}(…)`.")
        try:
            return _run(operation(*args, **kwargs))
        except (OryAuthError, Error) as error:
            failure = _without_frames(error)
        del args, kwargs
        raise failure

    _document(function, operation, operation.__name__)
    return function


def coroutine(operation: Callable[P, Steps[T]]) -> Callable[P, Awaitable[T]]:
    """The async twin of :func:`blocking`."""

    @wraps(operation)
    async def function(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await _arun(operation(*args, **kwargs))
        except (OryAuthError, Error) as error:
            failure = _without_frames(error)
        del args, kwargs
        raise failure

    _document(function, operation, f"a{operation.__name__}")
    return function


def _run(steps: Steps[T]) -> T:
    try:
        step = next(steps)
        while True:
            try:
                value = step.run()
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(value)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


async def _arun(steps: Steps[T]) -> T:
    try:
        step = next(steps)
        while True:
            try:
                value = await step.arun()
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(value)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]


def _without_frames(error: Exception) -> Exception:
    """The error without its traceback: error collectors send the local variables of its frames, such as traits."""
    if isinstance(error, OryUnavailable):
        log(error.event, status=error.status, error=error.cause, at="admin_api")
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _document(function: Any, operation: Callable[..., Any], name: str) -> None:
    """Give the function its name, and a signature that says what it returns."""
    signature = inspect.signature(operation)
    returned = re.sub(r"^Steps\[(.*)\]$", r"\1", str(signature.return_annotation))
    function.__signature__ = signature.replace(return_annotation=returned)
    function.__annotations__ = {**operation.__annotations__, "return": returned}
    function.__name__ = function.__qualname__ = name
    function.__module__ = "ory_auth.identities"
