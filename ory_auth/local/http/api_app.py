"""The two ports: which handler answers, and what every answer carries."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import traceback
from collections import deque
from collections.abc import Sequence
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
from .exchange import Call
from .faults import Fault
from .recorded_request import Received

logger = logging.getLogger("ory_auth.local")

NO_CACHE = "private, no-cache, no-store, must-revalidate"
FLOWS = "login|registration|settings|recovery|verification"
UNTOUCHED = ("/health/alive", "/health/ready", "/version", "/metrics/prometheus")
WITHOUT_DATABASE = (*UNTOUCHED, "/sessions/whoami", "/admin/health/alive", "/admin/health/ready", "/admin/version")
WITHOUT_CSRF = re.compile(
    rf"/self-service/({FLOWS})(/api)?|/self-service/logout/api|/sessions(/[^/]*(/extend)?)?|/schemas/[^/]*"
    r"|(/admin)?/identities.*"
)


class Shared(Protocol):
    """What both ports use: these attributes of `LocalOry`. Any of them may be replaced between two requests."""

    lock: threading.RLock
    state: State
    faults: list[Fault]
    requests: deque[Received]


class Port:
    """One of the two ports as an ASGI application."""

    def __init__(self, ory: Shared, name: str, routes: Sequence[Route]) -> None:
        self.ory = ory
        self.name = name
        self.routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note the request, then answer it through the faults that are switched on."""
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        query = scope["query_string"].decode("latin-1")
        received = Received(self.name, scope["method"], scope["path"], query, headers)
        self.ory.requests.append(received)
        scope["state"]["received"] = received
        app: ASGIApp = self._answer
        for fault in list(self.ory.faults):
            app = fault.around(app)
        try:
            await app(scope, receive, send)
        except (asyncio.CancelledError, ClientDisconnect):
            return  # the ports are being closed, or whoever asked has gone; uvicorn would report either as an error

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        with self.ory.lock:
            call = Call(self.ory.state, self.name, request, body)
            origins = self.ory.state.config.cors_allowed_origins if self.name == "public" else ()
            response = cors.preflight(request, origins)
            if response is None:
                response = self._finished(call, self._handled(call))
                cors.finish(request, response, origins)
        await response(scope, receive, send)

    def _handled(self, call: Call) -> Response:
        try:
            return self._routed(call)
        except OryError as error:
            return call.error(error)
        except Exception as error:  # a mistake in here must not look like a hang-up
            logger.exception("the local Ory failed")
            return call.error(OryError(500, reason="".join(traceback.format_exception_only(error))))

    def _routed(self, call: Call) -> Response:
        allowed = ""
        for route in self.routes:
            match, child_scope = route.matches(call.request.scope)
            if match is Match.FULL:
                if not call.state.database_is_up and call.request.scope["path"] not in WITHOUT_DATABASE:
                    return call.error(OryError(500, message="the database is down"))
                call.request.scope.update(child_scope)
                return route.endpoint(call)  # type: ignore[no-any-return]
            if match is Match.PARTIAL:
                allowed = ", ".join(sorted(route.methods or ()))
        if allowed:
            return _plain("Method Not Allowed\n", 405, {"Allow": allowed})
        return _plain("404 page not found\n", 404, {})

    def _finished(self, call: Call, response: Response) -> Response:
        if call.request.method == "GET":
            response.headers["Cache-Control"] = NO_CACHE
        response.headers["Date"] = formatdate(call.state.clock.now() / SECOND, usegmt=True)
        if self.name == "public":
            self._finish_public(call, response)
        for cookie in call.set_cookies:
            response.headers.append("Set-Cookie", cookie)
        return response

    def _finish_public(self, call: Call, response: Response) -> None:
        """What Kratos' anti-CSRF layer adds; it passes some paths over, and does not touch others at all."""
        path = call.request.scope["path"]
        if path in UNTOUCHED:
            return
        response.headers["Vary"] = "Cookie"
        if call.request.method == "GET" and not call.csrf_cookie and not WITHOUT_CSRF.fullmatch(path):
            call.give_csrf_cookie()


def _plain(text: str, status: int, headers: dict[str, str]) -> Response:
    return Response(text, status, {"X-Content-Type-Options": "nosniff", **headers}, media_type="text/plain")
