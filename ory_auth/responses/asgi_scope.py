"""The user of an ASGI connection, for :mod:`ory_auth.channels`: looked up like that of a request with its headers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from importlib import import_module
from io import BytesIO
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import DisallowedHost, ImproperlyConfigured
from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import ResolverMatch
from django.utils.functional import SimpleLazyObject

from ..exceptions import AALRequired, NotAdmitted, NotWhileImpersonating, OryUnavailable
from ..request import impersonation_cookie
from ..request.django_session import session_data, session_guard
from ..request.django_session.session_data import SAFE_METHODS
from ..request.state import state_of
from ..request.user import is_same_user
from ..sessions.outcomes import SignedOut, Unavailable
from . import hooks, refusals
from .guard import Guard, Missing

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

SCOPE_KEY = "ory_auth"  # of the Connection in its scope
TRY_AGAIN_LATER = 1013  # the code of a WebSocket that is closed
DENIAL_EXTENSION = "websocket.http.response"  # of servers that refuse a WebSocket with a whole response
HTTP_SCHEMES = {"ws": "http", "wss": "https"}


class Connection:
    """A WebSocket, or an HTTP request to a consumer. It lasts longer than a request, so it may be looked up again."""

    def __init__(self, scope: Scope, app: App, *, optional: bool) -> None:
        self._scope, self._app = scope, app
        self._guards: list[Guard] = []
        self._request = self._as_request(scope.get("session"))  # the guarded session needs it while the socket is open
        state_of(self._request).view_is_optional = optional
        self._headers: Headers = []

    async def open(self) -> HttpResponse | None:
        """Look the user up. Returns the response if the connection must be refused."""
        if self._may_be_forged():
            detail = "This connection was opened by another site, or its Origin header is missing."
            return JsonResponse({"code": "origin_not_allowed", "detail": detail}, status=403)
        return await self._run_or_refuse(self._look_up) or self._refuse_impersonation()

    def _refuse_impersonation(self) -> HttpResponse | None:
        """A connection has no end that this package could enforce, and an impersonation must end."""
        return _refusal(NotWhileImpersonating()) if state_of(self._request).actor is not None else None

    async def require(self, guard: Guard) -> HttpResponse | None:
        """The response to a connection that does not satisfy the guard."""
        self._guards.append(guard)  # one may be inside another

        async def check() -> HttpResponse | None:
            missing = await guard.afind_missing(self._request)
            return None if missing is None else _refusal(missing)

        return await self._run_or_refuse(check)

    async def fill(self, scope: Scope) -> Scope:
        """The scope for consumers."""
        return {**scope, SCOPE_KEY: self, **await _read_user(self._request)}

    async def recheck(self, known: Any, update: Callable[[dict[str, Any]], None]) -> bool:
        """Whether this is still the connection of this user, and still satisfies its guards."""
        session = None
        if "session" in self._scope:
            store = import_module(settings.SESSION_ENGINE).SessionStore
            session = store(self._request.COOKIES.get(settings.SESSION_COOKIE_NAME))
        request = self._as_request(session)
        async with _fresh_database_connections():
            found = await _read_user(request)
            missing = [await guard.afind_missing(request) for guard in self._guards]
        still = not any(missing) and is_same_user(found["user"], known)
        update(found if still else {"user": AnonymousUser(), "ory_session": None})
        return still

    def adding_headers(self, send: Send) -> Send:
        """Send Ory's cookies and the cache headers with the response of the consumer."""

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] in {"http.response.start", "websocket.accept"}:
                message = {**message, "headers": [*message.get("headers", []), *self._headers]}
            await send(message)

        return send_with_headers

    async def _look_up(self) -> None:
        await _read_user(self._request)
        response = hooks.finish_response(self._request, StreamingHttpResponse())
        # The next request deletes it, and renews the CSRF token of the user's pages.
        response.cookies.pop(impersonation_cookie.COOKIE, None)
        self._headers = _headers_of(response)

    async def _run_or_refuse(self, ask: Callable[[], Awaitable[HttpResponse | None]]) -> HttpResponse | None:
        try:
            async with _fresh_database_connections():
                return await ask()
        except OryUnavailable as error:
            return refusals.unavailable(self._request, Unavailable.of(error))
        except DisallowedHost:
            return JsonResponse({"detail": "This host is not in ALLOWED_HOSTS."}, status=400)

    def _may_be_forged(self) -> bool:
        """Whether another site may have made the browser open this connection, with the cookies of this one."""
        request = self._request
        if self._scope["type"] == "http" and request.method in SAFE_METHODS:
            return False
        found = state_of(request).credential_or_malformed
        if found is not None and found.kind.by_header:
            return False
        by_cookie = found is not None or session_data.has_cookie(request)
        return by_cookie and not _OriginCheck(lambda _: HttpResponse()).allows(request)

    def _as_request(self, session: Any) -> Any:
        scope = self._scope
        scheme = scope.get("scheme", "ws" if scope["type"] == "websocket" else "http")
        as_http = {"method": "GET", **scope, "type": "http", "scheme": HTTP_SCHEMES.get(scheme, scheme)}
        request: Any = ASGIRequest({**as_http, "query_string": b""}, BytesIO())  # a query of other bytes would raise
        request.resolver_match = ResolverMatch(self._app, (), {})
        if "user" in scope:
            request.user = SimpleLazyObject(lambda: scope["user"])
        elif session is not None:
            request.user = SimpleLazyObject(lambda: auth.get_user(request))
        if session is not None:
            request.session = getattr(session, "_wrapped", session)  # Channels has a lazy object
        hooks.attach(request)
        if session is not None:
            session_guard.end_view(request.session, streaming=True)  # a WebSocket cannot send the cookie of a new key
        state_of(request).is_api = True
        return request


def connection_of(scope: Scope) -> Connection:
    """The connection that this scope belongs to."""
    connection = scope.get(SCOPE_KEY)
    if not isinstance(connection, Connection):
        raise ImproperlyConfigured("OryAuthMiddlewareStack is missing. Wrap the router of your consumers in it.")
    return connection


async def refuse(scope: Scope, receive: Receive, send: Send, response: HttpResponse) -> None:
    """Refuse the connection: with a response if the server can send one, otherwise with a WebSocket close code."""
    if scope["type"] == "websocket" and (await receive())["type"] != "websocket.connect":
        return
    if scope["type"] == "websocket" and DENIAL_EXTENSION not in (scope.get("extensions") or {}):
        status = response.status_code
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER if status == 503 else 4000 + status})
        return
    prefix = DENIAL_EXTENSION if scope["type"] == "websocket" else "http.response"
    await send({"type": f"{prefix}.start", "status": response.status_code, "headers": _headers_of(response)})
    await send({"type": f"{prefix}.body", "body": response.content})


async def _read_user(request: Any) -> dict[str, Any]:
    user, session = await request.auser(), await request.aory_session()
    return {"user": user, "ory_session": session, "ory_unavailable": request.ory_unavailable}


def _headers_of(response: Any) -> Headers:
    cookies = (("Set-Cookie", cookie.OutputString()) for cookie in response.cookies.values())
    return [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in (*response.items(), *cookies)]


@asynccontextmanager
async def _fresh_database_connections() -> AsyncIterator[None]:
    """Close connections that are too old or broken, as Django does before and after a request."""
    await sync_to_async(close_old_connections)()
    try:
        yield
    finally:
        await sync_to_async(close_old_connections)()


class _OriginCheck(CsrfViewMiddleware):
    def allows(self, request: Any) -> bool:
        """Whether the page is of this site or of ``CSRF_TRUSTED_ORIGINS``."""
        verified: bool = "HTTP_ORIGIN" in request.META and self._origin_verified(request)  # type: ignore[attr-defined]
        return verified


def _refusal(missing: Missing) -> HttpResponse:
    """As for a request, but without a URL to open: a connection cannot follow it, and it would lead back here."""
    match missing:
        case SignedOut():
            body = {"code": "not_authenticated", "detail": str(refusals.NOT_AUTHENTICATED)}
            return JsonResponse(body, status=401, headers={"WWW-Authenticate": refusals.REALM})
        case NotAdmitted():
            body = {"code": missing.code, "detail": str(refusals.NOT_ADMITTED), "reason": missing.reason.value}
        case AALRequired() | NotWhileImpersonating():
            body = {"code": missing.code, "detail": str(missing)}
    return JsonResponse(body, status=403)
