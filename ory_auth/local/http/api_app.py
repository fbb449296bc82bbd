"""The ASGI application of one port: it finds the endpoint, and adds what all responses have in common."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ..model.clock import SECOND
from ..model.errors import OryError
from ..model.state import State
from . import cors
from .exchange import Exchange
from .faults import Fault
from .limits import WriteLimits
from .recorded_request import RecordedRequest
from .threads import run_in_thread, start_thread

logger = logging.getLogger("ory_auth.local")

NO_CACHE = "private, no-cache, no-store, must-revalidate"
PLAIN_PATHS = ("/health/alive", "/health/ready", "/version", "/metrics/prometheus")
PATHS_WITHOUT_DATABASE = {
    *PLAIN_PATHS,
    "/sessions/whoami",
    "/admin/health/alive",
    "/admin/health/ready",
    "/admin/version",
}
PATHS_WITHOUT_CSRF_COOKIE = re.compile(
    r"/self-service/(login|registration|settings|recovery|verification)(/api)?|/self-service/logout/api"
    r"|/self-service/methods/oidc/callback/[^/]*|/sessions(/[^/]*(/extend)?)?|/mailbox.*|/pretend-provider/.*|/oauth2/auth|/schemas/[^/]*|(/admin)?/identities.*"
)


class SharedState(Protocol):
    """What both ports share: attributes of `LocalOry`. They may be replaced between two requests."""

    lock: threading.RLock
    state: State
    faults: list[Fault]
    requests: deque[RecordedRequest]


class ApiApp:
    """The ASGI application of the public or the admin port. `name` is "public" or "admin"."""

    def __init__(self, shared: SharedState, name: str, routes: Sequence[Route]) -> None:
        self.shared = shared
        self.name = name
        self.routes = routes
        self.limits = WriteLimits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record the request, then respond through the faults that are switched on."""
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        query = scope["query_string"].decode("latin-1")
        recorded = RecordedRequest(self.name, scope["method"], scope["path"], query, headers)
        self.shared.requests.append(recorded)
        scope["state"]["recorded_request"] = recorded
        app: ASGIApp = self._respond
        for fault in list(self.shared.faults):
            app = fault.wrap(app)
        config = self.shared.state.config
        try:
            if self.name == "public" or await self.limits.refuse_or_enter(scope, config, receive, send):
                await app(scope, receive, send)
        except (asyncio.CancelledError, ClientDisconnect):
            return  # the server is stopping, or the client has disconnected: uvicorn would log either as an error
        finally:
            self.limits.leave(scope)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        if self._may_call_application(scope):
            response, afterwards = await run_in_thread(lambda: self._process(request, body))
        else:
            response, afterwards = self._process(request, body)
        for action in afterwards:
            start_thread(action)
        await response(scope, receive, send)

    def _may_call_application(self, scope: Scope) -> bool:
        """Whether responding may call the application, which takes time and must not block other requests."""
        config = self.shared.state.config
        is_flow = self.name == "public" and scope["path"].startswith("/self-service/")
        return is_flow and bool(config.hooks or config.migrate_hook)

    def _process(self, request: Request, body: bytes) -> tuple[Response, list[Callable[[], None]]]:
        """The response, and what to do when it is on its way."""
        with self.shared.lock:
            self.shared.state.follow_loopback_name(request.headers.get("host", ""))
            exchange = Exchange(self.shared.state, self.name, request, body, self._without_lock)
            origins = exchange.state.config.cors_allowed_origins if self.name == "public" else ()
            response = cors.preflight_response(request, origins)
            if response is None:
                response = self._handle(exchange)
                cors.add_headers(request, response, origins)
                self._add_common_headers(exchange, response)
        return response, exchange.afterwards

    @contextmanager
    def _without_lock(self) -> Iterator[None]:
        """Release the lock for a while, so that other requests are answered meanwhile."""
        state = self.shared.state
        loopback_name = state.loopback_name
        self.shared.lock.release()
        try:
            yield
        finally:
            self.shared.lock.acquire()
            state.loopback_name = loopback_name

    def _handle(self, exchange: Exchange) -> Response:
        try:
            return self._dispatch(exchange)
        except OryError as error:
            return exchange.json_error(error)
        except Exception as error:  # without a response, a bug in the local Ory would look like a network failure
            logger.exception("the local Ory failed")
            return exchange.json_error(OryError(500, reason="".join(traceback.format_exception_only(error))))

    def _dispatch(self, exchange: Exchange) -> Response:
        scope = exchange.request.scope
        allowed_methods = ""
        for route in self.routes:
            match, child_scope = route.matches(scope)
            if match is Match.FULL:
                if not exchange.state.database_is_up and scope["path"] not in PATHS_WITHOUT_DATABASE:
                    return exchange.json_error(OryError(500, message="the database is down"))
                scope.update(child_scope)
                return route.endpoint(exchange)  # type: ignore[no-any-return]
            if match is Match.PARTIAL:
                allowed_methods = ", ".join(sorted(route.methods or ()))
        if allowed_methods:
            return _plain_text("Method Not Allowed\n", 405, {"Allow": allowed_methods})
        return _plain_text("404 page not found\n", 404, {})

    def _add_common_headers(self, exchange: Exchange, response: Response) -> None:
        if exchange.request.method == "GET":
            response.headers["Cache-Control"] = NO_CACHE
        response.headers["Date"] = formatdate(exchange.state.clock.now() / SECOND, usegmt=True)
        if self.name == "public":
            self._add_csrf_headers(exchange, response)
        for cookie in exchange.set_cookies:
            response.headers.append("Set-Cookie", cookie)

    def _add_csrf_headers(self, exchange: Exchange, response: Response) -> None:
        """Add what Kratos' CSRF middleware adds. It skips `PLAIN_PATHS`, and sets no cookie on some others."""
        path = exchange.path
        if path in PLAIN_PATHS:
            return
        response.headers.append("Vary", "Cookie")
        needs_cookie = exchange.request.method == "GET" and not PATHS_WITHOUT_CSRF_COOKIE.fullmatch(path)
        if needs_cookie and not exchange.csrf_cookie:
            exchange.set_csrf_cookie()


def _plain_text(text: str, status: int, headers: dict[str, str]) -> Response:
    return Response(text, status, {"X-Content-Type-Options": "nosniff", **headers}, media_type="text/plain")
