"""The class of ``request.session``, which checks once whether the request may see the data of the session.

It checks when the view first reads or writes data. A view that does not use the session costs nothing.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from . import django_session

_unguarded: ContextVar[bool] = ContextVar("ory_auth_unguarded", default=False)


def guard_session(request: HttpRequest) -> None:
    """Check the first use of ``request.session``, if the browser has sent a Django session."""
    if django_session.came(request):
        session: Any = request.session
        session.__class__ = _class_of_session(session.__class__)
        session._ory_guard = weakref.ref(request)  # weak, because the request holds the session


def release(session: Any) -> None:
    """Stop checking: the request may see the session, or is over."""
    session._ory_guard = None


@contextmanager
def unguarded() -> Iterator[None]:
    """In a ``with`` block, use sessions without the check. Other threads and tasks are not affected."""
    token = _unguarded.set(True)
    try:
        yield
    finally:
        _unguarded.reset(token)


class _GuardedSession:
    """Mixed into the project's own session class."""

    _ory_guard: Callable[[], Any] | None = None  # returns the request; None once the check is done
    _ory_hidden = False  # this request sees an empty session instead of the stored one

    # Of Django's SessionBase:
    modified: bool
    _session_key: str | None
    load: Callable[[], dict[str, Any]]
    aload: Callable[[], Awaitable[dict[str, Any]]]

    def _get_session(self, no_load: bool = False) -> Any:
        if not no_load:
            if self._is_guarded() and not self._ory_check():
                return {}
            if "_session_cache" not in self.__dict__ and self._session_key is not None:
                self._keep(self.load())
        return super()._get_session(no_load)  # type: ignore[misc]

    async def _aget_session(self, no_load: bool = False) -> Any:
        if not no_load:
            if self._is_guarded() and not await self._ory_acheck():
                return {}
            await self._aload_once()
        return await super()._aget_session(no_load)  # type: ignore[misc]

    async def _aload_once(self) -> None:
        if "_session_cache" not in self.__dict__ and self._session_key is not None:
            with unguarded():
                self._keep(await self.aload())

    def _keep(self, loaded: dict[str, Any]) -> None:
        """Keep the loaded data, unless another coroutine of this request has hidden the session meanwhile."""
        self.__dict__.setdefault("_session_cache", loaded)

    _session = property(_get_session)

    @property
    def session_key(self) -> Any:
        """Checked as well, because projects store carts and the like under this key.

        Not checked in an event loop, where nothing may block.
        """
        if self._is_guarded() and not _in_event_loop():
            self._ory_check()
        return super().session_key  # type: ignore[misc]

    def is_empty(self) -> bool:
        """``False`` for a hidden session: Django would delete its cookie, and the owner would lose it."""
        hidden = self._ory_hidden and not self.modified and not settings.SESSION_SAVE_EVERY_REQUEST
        return super().is_empty() and not hidden  # type: ignore[misc]

    def _is_guarded(self) -> bool:
        return self._ory_guard is not None and not _unguarded.get()

    def _ory_check(self) -> bool:
        """Check, and hide the session if necessary; ``False`` if a lookup of this request is just running."""
        request = self._ory_guard and self._ory_guard()
        opened = request is None or request._ory_state.open_django_session(self)
        if opened:
            self._ory_guard = None
        return opened

    async def _ory_acheck(self) -> bool:
        """:meth:`_ory_check` for coroutines."""
        await self._aload_once()
        request = self._ory_guard and self._ory_guard()
        opened = request is None or await request._ory_state.aopen_django_session(self)
        if opened:
            self._ory_guard = None
        return opened


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@lru_cache(maxsize=16)
def _class_of_session(cls: Any) -> type:
    # Django's signature of a session's data contains the qualified name of its class.
    names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    return type(cls.__name__, (_GuardedSession, cls), names)
