"""The limits of Ory Network for the admin API: how many writes in a second, and only one at a time.

https://www.ory.com/docs/guides/rate-limits
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from ..model.config import Config
from ..model.errors import OryError

WRITES = ("POST", "PUT", "PATCH", "DELETE")
PATHS = re.compile(r"(/admin)?/(identities|sessions|recovery)(/.*)?")
ONE_AT_A_TIME_PATHS = re.compile(r"(/admin)?/(identities|sessions)(/.*)?")
LATENCY_SECONDS = 0.005  # of a write, so that two writes at once overlap
RETRY_AFTER_SECONDS = 1


class WriteLimits:
    """Counts the writes of one admin port."""

    def __init__(self) -> None:
        self._in_flight = 0
        self._recent: deque[float] = deque()
        self._config: Config | None = None

    async def refuse_or_enter(self, scope: Scope, config: Config, receive: Receive, send: Send) -> bool:
        """Respond with 429 if the write exceeds a limit. Otherwise return true, and wait as a write does.

        The caller has to call `leave` after the write.
        """
        if config is not self._config:  # after a change of the configuration, counting starts again
            self._config = config
            self._recent.clear()
        if not self._applies(scope, config):
            return True
        if reason := self._find_excess(scope, config):
            await _too_many_requests(config, reason)(scope, receive, send)
            return False
        scope["state"]["is_limited_write"] = True
        self._in_flight += 1
        self._recent.append(time.monotonic())
        await asyncio.sleep(LATENCY_SECONDS if config.one_write_at_a_time else 0)
        return True

    def leave(self, scope: Scope) -> None:
        if scope["state"].pop("is_limited_write", False):
            self._in_flight -= 1

    def _applies(self, scope: Scope, config: Config) -> bool:
        is_limited = config.one_write_at_a_time or config.writes_per_second
        return bool(is_limited) and scope["method"] in WRITES and PATHS.fullmatch(scope["path"]) is not None

    def _find_excess(self, scope: Scope, config: Config) -> str:
        while self._recent and self._recent[0] <= time.monotonic() - 1:
            self._recent.popleft()
        if config.one_write_at_a_time and self._in_flight and ONE_AT_A_TIME_PATHS.fullmatch(scope["path"]):
            return "another write is in progress, and only one at a time is allowed"
        if config.writes_per_second and len(self._recent) >= config.writes_per_second:
            return "the rate limit is exceeded"
        return ""


def _too_many_requests(config: Config, reason: str) -> JSONResponse:
    error = OryError(429, reason=reason, message="too many requests")
    limit = str(config.writes_per_second or 1)
    headers = {
        "Retry-After": str(RETRY_AFTER_SECONDS),
        "X-Ratelimit-Limit": f"{limit}, {limit};w=1",
        "X-Ratelimit-Remaining": "0",
        "X-Ratelimit-Reset": str(RETRY_AFTER_SECONDS),
    }
    return JSONResponse(error.body(), 429, headers)
