"""One request to whatever answers at an address, bounded in time and size."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from ...exceptions import OryResponseInvalid
from ...ory.http_client import ConnectionPool, NoResponse, NotConnected, deadline
from ..facts.http_result import Reply

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html"}


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
