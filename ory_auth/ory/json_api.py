"""Calls to Ory that send and return JSON: each is made once, within limits of time and of simultaneous calls.

A call returns Ory's JSON, or raises one of the errors in :mod:`ory_auth.exceptions`. Requests contain passwords and
hashes, and responses contain secrets. So no error has a part of either, and no frame of this module holds one when an
error is raised.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

from ..conf import Secret
from ..events import Event
from ..exceptions import (
    Conflict,
    InvalidIdentity,
    MethodDisabled,
    NotFound,
    OryAuthError,
    OryResponseInvalid,
    OryUnavailable,
    RateLimited,
)
from .client import read_pause
from .http_client import ConnectionPool, NoResponse, NotConnected, Response, deadline
from .json_values import load_json

T = TypeVar("T")
JSON = Any  # what json.loads() returns
LONGEST_PAUSE = 300  # seconds that a 429 may ask for
NOT_JSON = "These values are not JSON. Use dict, list, str, int, float, bool and None."
_POINTER = re.compile(r"#(?:/[\w~%.-]+)+")
_NEXT = re.compile(r'<([^>]*)>;\s*rel="next"')
_latest: ContextVar[float] = ContextVar("ory_auth_api_latest", default=float("inf"))  # in a thread of an API
_DISABLED = "This endpoint was disabled"  # https://github.com/ory/kratos, selfservice/strategy/handler.go


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose ``repr`` shows neither addresses nor credentials."""

    method: str
    path: str = field(repr=False)
    query: Sequence[tuple[str, str]] = field(default=(), repr=False)
    body: JSON = field(default=None, repr=False)

    @property
    def target(self) -> str:
        return self.path + (f"?{urlencode(self.query)}" if self.query else "")


class JsonApi:
    """One of Ory's APIs, for all threads of a process, never across a fork.

    ``timeout`` is in seconds. Errors call the API by its ``name``, and name ``setting``, the key of ``ORY_AUTH`` with
    its URL.
    """

    def __init__(
        self, url: str, *, name: str, setting: str, timeout: float, max_connections: int, api_key: Secret | None = None
    ) -> None:
        self.timeout = timeout
        self._name, self._setting, self._api_key = name, setting, api_key
        self._pool = ConnectionPool(url, max_connections)
        self._places = threading.BoundedSemaphore(max_connections)
        self._threads = ThreadPoolExecutor(max_connections, thread_name_prefix="ory_auth_api")

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Make a call in another thread. Its time limit includes the wait for a thread."""
        return self._threads.submit(self._call_before, time.monotonic() + self.timeout, call)

    def _call_before(self, at: float, call: Callable[[], T]) -> T:
        _latest.set(at)
        return call()

    def _object(self, request: Request) -> dict[str, Any]:
        data = parse(self._send(request))
        if isinstance(data, dict):
            return data
        del data
        raise self._incomplete()

    def _list(self, request: Request) -> list[dict[str, Any]]:
        return self._read_list(self._send(request))

    def _read_list(self, response: Response) -> list[dict[str, Any]]:
        """The JSON objects in a response. Raises :class:`OryResponseInvalid`."""
        data = parse(response)
        if isinstance(data, list) and all(isinstance(item, dict) for item in data):
            return data
        del data, response
        raise self._incomplete()

    def _incomplete(self) -> OryResponseInvalid:
        text = f"The response of Ory's {self._name} is incomplete, or from another server."
        return OryResponseInvalid(f"{text} Check ORY_AUTH['{self._setting}'].", status=200)

    def _send(self, request: Request) -> Response:
        """Every error of a call is raised here, where no frame holds what was sent."""
        result = self._exchange(request)
        error = result if isinstance(result, OryAuthError) else self._error_of(result, request)
        if error is not None:
            del result
            raise error
        return result  # type: ignore[return-value]

    def _exchange(self, request: Request) -> Response | OryAuthError:
        content = _encode(request.body)
        if content is None:
            return InvalidIdentity(NOT_JSON)
        at = min(time.monotonic() + self.timeout, _latest.get())
        # Less than half of the time is too little: Ory may still carry out what this site no longer waits for.
        seconds = at - self.timeout / 2 - time.monotonic()
        if seconds <= 0 or not self._places.acquire(timeout=seconds):
            text = f"All connections to Ory's {self._name} are in use."
            return OryUnavailable(text, event=Event.POOL_FULL, retry_after=1)
        try:
            with deadline(at):
                return self._pool.request(request.method, request.target, self._headers(content), content)
        except NotConnected as failure:
            return self._no_response(failure.reason, timed_out=failure.timed_out, connected=False)
        except (NoResponse, TimeoutError) as failure:
            timed_out = isinstance(failure, TimeoutError)
            return self._no_response(type(failure).__name__, timed_out=timed_out, connected=True)
        except OryUnavailable as failure:  # without the frames of the exchange
            return OryResponseInvalid(str(failure), event=failure.event, status=failure.status)
        finally:
            self._places.release()

    def _headers(self, content: bytes) -> dict[str, str]:
        headers = {"Accept": "application/json", "User-Agent": "django-ory"}
        if content:
            headers["Content-Type"] = "application/json"
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key.reveal()}"
        return headers

    def _no_response(self, reason: str, *, timed_out: bool, connected: bool) -> OryUnavailable:
        if timed_out:
            text = f"Ory's {self._name} did not answer within {self.timeout:g} seconds."
            return OryUnavailable(text, event=Event.TIMEOUT, connected=connected)
        text = f"Ory's {self._name} could not be reached ({reason}): check ORY_AUTH['{self._setting}']."
        return OryUnavailable(text, connected=connected, cause=reason)

    def _error_of(self, response: Response, request: Request) -> OryAuthError | None:
        """The error that a response means; ``None`` if the call succeeded."""
        status, tried = response.status, f"{request.method} {request.path}"
        match status:
            case 200 | 201 | 204:
                return None
            case 400:
                return InvalidIdentity(fields=find_pointers(_reason(response)))
            case 404:
                return MethodDisabled() if _reason(response).startswith(_DISABLED) else NotFound()
            case 409:
                return Conflict()
            case 429:
                return RateLimited(retry_after=int(read_pause(response.headers, LONGEST_PAUSE)) + 1)
            case 401 | 403:
                text = (
                    f"Ory's {self._name} refuses access ({status}): check ORY_AUTH['API_KEY'] and ['{self._setting}']."
                )
                return OryUnavailable(text, event=Event.UPSTREAM_REJECTS, status=status, tried=tried)
            case _ if 300 <= status < 400:
                text = f"Ory's {self._name} redirects ({status}): check ORY_AUTH['{self._setting}']."
                return OryUnavailable(text, event=Event.UPSTREAM_REDIRECT, status=status, tried=tried)
            case _:
                return OryUnavailable(f"Ory's {self._name} answered {status}.", status=status, tried=tried)


def _encode(body: JSON) -> bytes | None:
    """The body as bytes; ``None`` if it is not JSON. The frames of the error would hold its values."""
    try:
        return b"" if body is None else json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return None


def find_pointers(reason: str) -> tuple[str, ...]:
    """The JSON pointers in the reason of an error, the only place where Ory names what it refuses."""
    return tuple(dict.fromkeys(_POINTER.findall(reason)))


def _reason(response: Response) -> str:
    """Ory's reason for a refusal. It may quote values, so only search it."""
    try:
        return str(json.loads(response.body)["error"].get("reason") or "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def parse(response: Response) -> JSON:
    """The JSON in a response; ``None`` if it is not JSON."""
    try:
        return load_json(response.body)
    except ValueError:
        return None


def next_token(response: Response) -> str | None:
    """The token of the next page, after the ``Link`` header."""
    link = _NEXT.search(response.headers.get("link", ""))
    return next(iter(parse_qs(urlsplit(link[1]).query).get("page_token", [])), None) if link else None
