"""The class of ``request.session``, which checks whose data it shows, and records whose data it saves.

It checks once, when the view first reads or writes data. A view that does not use the session costs nothing.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from ...process.event_loop import in_event_loop
from . import session_data

_unguarded: ContextVar[bool] = ContextVar("ory_auth_unguarded", default=False)


def guard_session(request: HttpRequest) -> None:
    """Check the first use of ``request.session``, if the browser has sent a Django session."""
    session: Any = request.__dict__.get("session")
    if issubclass(type(session), SessionBase):
        session.__class__ = _class_of_session(session.__class__)
        session._ory_request = weakref.ref(request)  # weak, because the request holds the session
        session._ory_guarded = session_data.has_cookie(request)


def release(session: Any) -> None:
    """Stop checking: the request may see the session."""
    session._ory_guarded = False


def end_view(session: Any, *, streaming: bool) -> None:
    """The view is over: Django's middleware may save the session. Other uses, as by a stream, are still checked."""
    session._ory_view_over, session._ory_streaming = True, streaming


def can_answer_503(session: Any) -> bool:
    """Whether an outage may be raised. After the view, other middleware would make a 500 of it."""
    return getattr(session, "_ory_streaming", False) or not getattr(session, "_ory_view_over", False)


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

    _ory_request: Callable[[], Any]
    _ory_guarded = False  # the check is still to be done
    _ory_hidden = False  # this request sees an empty session instead of the stored one
    _ory_view_over = False
    _ory_streaming = False  # the view is over and its response is a stream, which may use the session later

    # Of Django's SessionBase:
    modified: bool
    _session_key: str | None

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

    def load(self) -> Any:
        if self._is_guarded() and not self._ory_check():
            return {}
        return super().load()  # type: ignore[misc]

    async def aload(self) -> Any:
        if self._is_guarded() and not await self._ory_acheck():
            return {}
        return await super().aload()  # type: ignore[misc]

    @property
    def session_key(self) -> Any:
        """Checked as well, because projects store carts and the like under this key.

        Not checked in an event loop, where nothing may block, nor after the view, when Django's middleware reads it.
        """
        if self._is_guarded() and not self._ory_view_over and not in_event_loop():
            self._ory_check()
        return super().session_key  # type: ignore[misc]

    def is_empty(self) -> bool:
        """``False`` for a hidden session: Django would delete its cookie, and the owner would lose it."""
        hidden = self._ory_hidden and not self.modified
        return super().is_empty() and not hidden  # type: ignore[misc]

    # --- saving

    def save(self, must_create: bool = False) -> None:
        if not must_create and self._restore_before_save():
            with unguarded():
                super().save(must_create)  # type: ignore[misc]
            return
        if not must_create and self._may_need_owner() and (self._ory_view_over or not in_event_loop()):
            self._ory_request()._ory_state.record_session_owner()
        super().save(must_create)  # type: ignore[misc]

    async def asave(self, must_create: bool = False) -> None:
        if not must_create and self._restore_before_save():
            with unguarded():
                await super().asave(must_create)  # type: ignore[misc]
            return
        if not must_create and self._may_need_owner():
            await self._ory_request()._ory_state.arecord_session_owner()
        await super().asave(must_create)  # type: ignore[misc]

    def get_expire_at_browser_close(self) -> Any:
        with self._unguarded_if_saved_unused():
            return super().get_expire_at_browser_close()  # type: ignore[misc]

    def get_expiry_age(self, **kwargs: Any) -> Any:
        with self._unguarded_if_saved_unused():
            return super().get_expiry_age(**kwargs)  # type: ignore[misc]

    @contextmanager
    def _unguarded_if_saved_unused(self) -> Iterator[None]:
        with unguarded() if self._restore_before_save() else nullcontext():
            yield

    def _restore_before_save(self) -> bool:
        """Prepare for saving. Returns whether Django's middleware saves a session that this request has not used.

        It does so with ``SESSION_SAVE_EVERY_REQUEST``. No code sees the data then, so it does not matter whose it is. A
        hidden session gets its key back, so that the owner keeps it.
        """
        if not self._ory_view_over or self.modified:
            return False
        if self._ory_hidden:
            session_data.unhide(self)
            self._ory_guarded = True
        return self._ory_guarded

    def _may_need_owner(self) -> bool:
        """Whether this request may have put data into the session. Creates no state for a request that has not."""
        return self.modified and not _unguarded.get() and self._ory_request() is not None

    # --- the check

    def _is_guarded(self) -> bool:
        return self._ory_guarded and not _unguarded.get()

    def _ory_check(self) -> bool:
        """Check, and hide the session if necessary; ``False`` if this request is being looked up now."""
        request = self._ory_request()
        opened = request is None or request._ory_state.open_django_session(self)
        if opened:
            self._ory_guarded = False
        return opened

    async def _ory_acheck(self) -> bool:
        """:meth:`_ory_check` for coroutines."""
        await self._aload_once()
        request = self._ory_request()
        opened = request is None or await request._ory_state.aopen_django_session(self)
        if opened:
            self._ory_guarded = False
        return opened


@lru_cache(maxsize=16)
def _class_of_session(cls: Any) -> type:
    # Django's signature of a session's data contains the qualified name of its class.
    names = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    return type(cls.__name__, (_GuardedSession, cls), names)
