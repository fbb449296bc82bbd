"""HTTP requests to an address that may not be Ory, limited in time and size."""

from __future__ import annotations

import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from ...exceptions import OryResponseInvalid
from ...ory.http_client import Connection, ConnectionPool, NoResponse, NotConnected, Response, deadline
from ..facts.http_result import HttpResult

JSON = {"Accept": "application/json"}
HTML = {"Accept": "text/html"}


class HttpProbe:
    """Sends requests with the HTTP client of this package: no redirects, no proxy, ``timeout`` seconds for each."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self._pools: dict[str, ConnectionPool] = {}

    def get(self, url: str, headers: Mapping[str, str] = JSON, *, keep_connection: bool = False) -> HttpResult:
        return self.send("GET", url, headers, keep_connection=keep_connection)

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] = JSON,
        body: bytes = b"",
        *,
        keep_connection: bool = False,
    ) -> HttpResult:
        """Send one request. Whatever the network or the server does is a result, not an exception.

        With ``keep_connection`` it uses the connection of the last such request, and leaves it open.
        """
        started, now = time.perf_counter(), time.time()
        response, problem = None, ""
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            with deadline(time.monotonic() + self.timeout):
                pool = self._pool_for(f"{parts.scheme}://{parts.netloc}")
                is_match = _accept_any if keep_connection else None
                sent = {"User-Agent": "django-ory", **headers}
                response = pool.request(method, target, sent, body, is_match=is_match)
        except OryResponseInvalid as error:
            problem = str(error).rstrip(".")
        except (OSError, NoResponse) as error:
            problem = self._describe(error)
        seconds = time.perf_counter() - started
        return HttpResult(response, problem, seconds, now + seconds / 2)

    def _pool_for(self, origin: str) -> ConnectionPool:
        if origin not in self._pools:
            self._pools[origin] = ConnectionPool(origin, max_idle=1)
        return self._pools[origin]

    def _describe(self, error: Exception) -> str:
        if isinstance(error, TimeoutError) or (isinstance(error, NotConnected) and error.timed_out):
            return f"no response within {self.timeout:g} seconds"
        if isinstance(error, NotConnected):
            return f"no connection: {error.reason}"
        return "no HTTP response"


def _accept_any(response: Response, connection: Connection) -> bool:
    """Keep the connection whatever the response is: the requests that use it carry no credential."""
    return True
