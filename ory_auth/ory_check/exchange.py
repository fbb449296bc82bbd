"""One request to whatever answers at an address, bounded in time and size, and what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..exceptions import OryResponseInvalid
from ..ory.http_client import ConnectionPool, NoResponse, NotConnected, Response, deadline

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a request: an answer, or ``trouble``, in words without anything from the answer."""

    answer: Response | None = field(default=None, repr=False)
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
        self.timeout = timeout

    def get(self, url: str, headers: Mapping[str, str] = JSON, *, method: str = "GET") -> Reply:
        """Ask once; never raises for what the network or the other side does."""
        started, now = time.perf_counter(), time.time()
        response, trouble = None, ""
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            with deadline(time.monotonic() + self.timeout):
                pool = ConnectionPool(f"{parts.scheme}://{parts.netloc}", 0)
                response = pool.request(method, target, {"User-Agent": "django-ory", **headers})
        except OryResponseInvalid as error:
            trouble = str(error).rstrip(".")
        except (OSError, NoResponse) as error:
            trouble = self._trouble(error)
        seconds = time.perf_counter() - started
        return Reply(response, trouble, seconds, now + seconds / 2)

    def _trouble(self, error: Exception) -> str:
        if isinstance(error, TimeoutError) or (isinstance(error, NotConnected) and error.timed_out):
            return f"no answer within {self.timeout:g} seconds"
        if isinstance(error, NotConnected):
            return f"no answer ({error.reason})"
        return "no answer in HTTP"
