"""One request to whatever answers at an address, bounded in time and size, and what came of it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ..client import Answer, read_answer
from ..exceptions import OryResponseInvalid
from ..transport import is_late, left, pool_classes, until, without_query

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a request: an answer, or ``trouble``, in words without anything from the answer."""

    answer: Answer | None = field(default=None, repr=False)
    trouble: str = ""
    seconds: float = 0.0
    at: float = 0.0  # Unix time halfway between question and answer, by this machine's clock

    @property
    def status(self) -> int:
        """Ory's HTTP status, 0 where there was no answer."""
        return self.answer.status if self.answer else 0

    @property
    def header(self) -> Mapping[str, str]:
        return self.answer.headers if self.answer else {}

    @property
    def content(self) -> dict[str, Any]:
        """The JSON object in the answer, empty where there is none."""
        try:
            data = json.loads(self.answer.body) if self.answer else None
        except (ValueError, RecursionError):
            return {}
        return data if isinstance(data, dict) else {}

    @property
    def error(self) -> dict[str, Any]:
        """The error as Ory writes it, empty where the answer is not such a one."""
        error = self.content.get("error")
        return error if isinstance(error, dict) else {}

    def says(self, status: int) -> bool:
        """Whether it is Ory that answers with this status: its errors in JSON repeat it."""
        return self.status == status and self.error.get("code") == status

    @property
    def told(self) -> str:
        """In words, what came."""
        return f"{self.status}" if self.answer else self.trouble


class Http:
    """Requests that end within ``timeout`` seconds each, and never follow a redirect. No proxy, as in the client."""

    def __init__(self, timeout: float) -> None:
        urllib3: Any = import_module("urllib3")
        logging.getLogger("urllib3.connectionpool").addFilter(without_query)
        self.timeout = timeout
        self._closed_meanwhile = urllib3.exceptions.ProtocolError
        self._pool = urllib3.PoolManager(retries=False, maxsize=1, cert_reqs="CERT_REQUIRED")
        self._pool.pool_classes_by_scheme = pool_classes()

    def get(self, url: str, headers: Mapping[str, str] = JSON, *, method: str = "GET") -> Reply:
        """Ask once; never raises for what the network or the other side does."""
        started, now = time.perf_counter(), time.time()
        answer, trouble = None, ""
        with until(time.monotonic() + self.timeout):
            try:
                answer = self._answer(method, url, {"User-Agent": "django-ory", **headers})
            except OryResponseInvalid as error:
                trouble = str(error).rstrip(".")
            except Exception as error:  # urllib3's own texts hold addresses with their queries
                trouble = self._trouble(error)
        seconds = time.perf_counter() - started
        return Reply(answer, trouble, seconds, now + seconds / 2)

    def _answer(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        for again in (True, False):
            try:
                response = self._pool.request(
                    method, url, headers=headers, preload_content=False, redirect=False, timeout=max(left(), 0.001)
                )
                break
            except self._closed_meanwhile:  # a kept connection that the other side closed just now
                if not again:
                    raise
        return read_answer(response)

    def _trouble(self, error: Exception) -> str:
        if is_late(error):
            return f"no answer within {self.timeout:g} seconds"
        if isinstance(error, self._closed_meanwhile):
            return "no answer in HTTP"
        return f"no answer ({type(error).__name__})"
