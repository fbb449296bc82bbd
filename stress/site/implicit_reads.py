"""Code that reads ``request.user`` at the worst moments, as Sentry's SDK, structlog and audit logs do.

A log handler reads it at every line that is logged during a request, and receivers at every signal. What they see goes
to the logger ``stress.implicit_reads``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.utils.decorators import sync_and_async_middleware

from ory_auth.exceptions import OryUnavailable
from ory_auth.signals import user_created, user_updated

logger = logging.getLogger("stress.implicit_reads")
_current: ContextVar[HttpRequest | None] = ContextVar("request", default=None)
_latest: HttpRequest | None = None  # for threads of a pool, which have no context


@sync_and_async_middleware
def middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Remember the current request."""

    def begin(request: HttpRequest) -> None:
        global _latest
        _latest = request
        _current.set(request)

    if iscoroutinefunction(get_response):

        async def aremember(request: HttpRequest) -> Any:
            begin(request)
            return await get_response(request)

        return aremember

    def remember(request: HttpRequest) -> Any:
        begin(request)
        return get_response(request)

    return remember


class Handler(logging.Handler):
    """Reads the user at every line except its own."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != logger.name:
            ask(record.name)


def ask(at: str) -> None:
    """Read the user, and log the result."""
    request = _current.get() or _latest
    if request is None:
        return
    try:
        user: Any = getattr(request, "user", None)
        logger.info("%s saw user %s", at, user and user.pk)
    except OryUnavailable:
        logger.info("%s saw an outage", at)
    except Exception as error:
        logger.info("%s raised %s", at, type(error).__name__)


def at_signal(**facts: Any) -> None:
    ask("signal")


def install() -> None:
    """Connect receivers to all signals of a sign-in."""
    for signal in (user_created, user_updated, user_logged_in):
        signal.connect(at_signal)
