"""Channels: middleware for consumers. Its work is in :mod:`ory_auth.responses.asgi_scope`.

That is imported when the middleware is built, because ``asgi.py`` may import this module before Django is set up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from datetime import timedelta
from importlib import import_module
from typing import Any

from asgiref.sync import markcoroutinefunction
from channels.sessions import SessionMiddlewareStack

__all__ = ["OryAuthMiddleware", "OryAuthMiddlewareStack", "OryRequired", "recheck"]

Scope = MutableMapping[str, Any]
App = Callable[..., Awaitable[None]]


class OryAuthMiddleware:
    """Sets ``scope["user"]`` and ``scope["ory_session"]`` when a connection is opened.

    While Ory does not answer, connections with a credential are refused with a 503, or with the close code 1013 if the
    server cannot send a response. With ``optional=True`` they are anonymous, and ``scope["ory_unavailable"]`` is true.
    A WebSocket whose credential is a cookie must have the ``Origin`` of this site or of ``CSRF_TRUSTED_ORIGINS``.
    """

    def __init__(self, inner: App, *, optional: bool = False) -> None:
        self._inner, self._optional = inner, optional
        self._asgi_scope = import_module("ory_auth.responses.asgi_scope")
        self._asgi_scope.hooks.warm_up()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._inner(scope, receive, send)
            return
        connection = self._asgi_scope.Connection(scope, self._inner, optional=self._optional)
        refusal = await connection.open()
        if refusal is not None:
            await self._asgi_scope.refuse(scope, receive, send, refusal)
            return
        await self._inner(await connection.fill(scope), receive, connection.adding_headers(send))


def OryAuthMiddlewareStack(inner: App, *, optional: bool = False) -> App:  # noqa: N802  (named as Channels' own)
    """:class:`OryAuthMiddleware` inside Channels' middleware for cookies and Django's sessions."""
    stack: App = SessionMiddlewareStack(OryAuthMiddleware(inner, optional=optional))
    return stack


class OryRequired:
    """Guards a consumer (``Consumer.as_asgi()``) or a router: only for people who are signed in.

    ``aal``, ``max_age`` and ``fresh`` mean the same as in :func:`~ory_auth.decorators.ory_required`. Others are refused
    with 401 or 403, or with the close codes 4401 and 4403.
    """

    def __init__(
        self,
        inner: App,
        *,
        aal: str | None = None,
        max_age: timedelta | float | None = None,
        fresh: bool = False,
    ) -> None:
        self._inner = inner
        self._asgi_scope = import_module("ory_auth.responses.asgi_scope")
        self._guard = self._asgi_scope.Guard(aal, max_age, fresh=fresh)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        connection = self._asgi_scope.connection_of(scope)
        refusal = await connection.require(self._guard)
        if refusal is not None:
            await self._asgi_scope.refuse(scope, receive, send, refusal)
            return
        await self._inner(await connection.fill(scope), receive, send)


@markcoroutinefunction
def recheck(scope: Scope) -> Awaitable[bool]:
    """Whether the person is still signed in, and still satisfies :class:`OryRequired`.

    Updates ``scope``; if the result is false, its user is anonymous. Raises
    :class:`~ory_auth.exceptions.OryUnavailable` if Ory does not answer. Uses the cache like a request.
    """
    # Not a coroutine function, because error reports would show the scope with its headers as a variable of the frame.
    connection = import_module("ory_auth.responses.asgi_scope").connection_of(scope)
    still: Awaitable[bool] = connection.recheck(scope["user"], scope.update)
    return still
