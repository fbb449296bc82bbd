"""The calls to Ory's public API: whoami, readiness, flows, errors, sign-out, a person's other sessions.

A call returns the response, whatever its status, or raises :class:`OryUnavailable` if there is none. No error contains
a credential, a URL or any part of a response.
"""

from __future__ import annotations

import base64
import json
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from cachetools import TTLCache

from ..conf import Conf
from ..events import Event
from ..exceptions import OryResponseInvalid, OryUnavailable
from ..types import OrySession
from .credentials import Credential, digest_of
from .http_client import (
    Connection,
    ConnectionPool,
    NoResponse,
    NotConnected,
    Response,
    ResponseMismatch,
    remaining_seconds,
)

READINESS_UNKNOWN_SECONDS = 300  # how long to remember that there is no readiness path
PROBE_INTERVAL = 0.01  # seconds between two probes of readiness; callers in between share the next one
RECENTLY_READY = 10  # seconds that "ready" counts while Ory limits the rate of the probes
NOT_READY_SECONDS = 0.5  # how long to remember "not ready"
MISSING_SECONDS = 5  # how long to remember that Ory has no flow or error with an ID
SESSIONS_PER_PAGE = 250  # one page: following Ory's rel="next" gives the first page twice and never the last
FEWER_SESSIONS = 25  # if 250 are more than fit into a response, because each repeats the traits
ID = re.compile("[A-Za-z0-9:_-]{1,64}")  # of flows and errors: UUIDs, except for some that Ory has for developers


class Endpoint(Enum):
    """Endpoints that pause separately after a 429. The value is the longest pause, in seconds.

    A visitor can make Ory limit the rate of flow pages, which must not stop lookups.
    """

    WHOAMI = 60
    READY = 5
    LOGOUT = 120
    SESSIONS = 90
    FLOW = 300
    ERROR = 600


class Readiness(Enum):
    """What Ory's readiness endpoint says."""

    READY = auto()
    NOT_READY = auto()
    UNKNOWN = auto()  # there is no such path


@dataclass(frozen=True, slots=True)
class BrowserCall:
    """A browser's call to Ory that this site sends on.

    ``target`` is the path and query, ``timeout`` the seconds that Ory has for its response.
    """

    method: str
    target: str = field(repr=False)  # codes and tokens are in queries
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    timeout: float

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Whoami:
    """A response of whoami. ``session`` is set if the status is 200."""

    response: Response
    session: OrySession | None = field(repr=False, default=None)


class Client:
    """Shared by the threads of a process, never across a fork. Make every call inside a ``deadline``."""

    def __init__(self, conf: Conf) -> None:
        self._timeout = conf.timeout
        self._pool = ConnectionPool(conf.sdk_url, conf.max_connections)
        self._paused_until: dict[Endpoint, float] = {}  # monotonic
        self._missing: TTLCache[tuple[str, str], bool] = TTLCache(1000, MISSING_SECONDS)
        self._missing_lock = threading.Lock()
        self._probe_at = 0.0
        self._ready_at = float(-RECENTLY_READY)
        self._not_ready_until = 0.0
        self._no_readiness_until = 0.0
        self._probing, self._probes, self._readiness = threading.Lock(), 0, Readiness.NOT_READY

    def whoami(self, credential: Credential, key: str, *, fresh: bool = False) -> Whoami:
        """``GET /sessions/whoami`` with this credential. ``fresh`` also goes past the cache of Ory's edge.

        ``key`` is the credential's key: a reused connection must not return one session for two credentials. A 200
        without a session raises :class:`OryResponseInvalid`.
        Follows https://www.ory.com/docs/reference/api#operation/toSession.
        """
        sessions: list[OrySession] = []

        def is_match(response: Response, connection: Connection) -> bool:
            if response.status != 200:
                return False  # without a session, it could belong to another request
            session = read_session(response)
            # If a proxy sends a response twice, the second copy is read as the response to the next request. Its
            # session was then already returned for another credential. (A renewed cookie also looks like this, which
            # costs one more call.)
            if connection.digest_by_session.setdefault(session.summary.session_id, digest_of(key)) != digest_of(key):
                raise ResponseMismatch
            sessions.append(session)
            return True

        headers = {**credential.headers, **({"Cache-Control": "max-age=0"} if fresh else {})}
        response = self._call(Endpoint.WHOAMI, "GET", "/sessions/whoami", headers=headers, is_match=is_match)
        return Whoami(response, sessions[-1] if response.status == 200 else None)

    def readiness(self) -> Readiness:
        """Whether Ory says that it is ready. One probe runs at a time, for all callers that came before it began.

        Follows https://www.ory.com/docs/kratos/reference/api#operation/isReady.
        """
        probes = self._probes
        if not self._probing.acquire(timeout=max(remaining_seconds(), 0)):
            raise OryUnavailable("Ory's readiness is not known yet.", event=Event.TIMEOUT)
        try:
            if self._probes == probes:
                time.sleep(max(min(self._probe_at - time.monotonic(), PROBE_INTERVAL), 0))
                self._probes += 1
                self._probe_at = time.monotonic() + PROBE_INTERVAL
                self._readiness = Readiness.NOT_READY  # for the callers that wait, if this probe fails
                self._readiness = self._probe()
            return self._readiness
        finally:
            self._probing.release()

    def _probe(self) -> Readiness:
        now = time.monotonic()
        if now < self._not_ready_until:
            return Readiness.NOT_READY
        if now < self._no_readiness_until:
            return Readiness.UNKNOWN
        try:
            status = self._call(Endpoint.READY, "GET", "/health/ready").status
        except OryUnavailable as error:
            if error.event == Event.RATE_LIMITED and now < self._ready_at + RECENTLY_READY:
                return Readiness.UNKNOWN
            raise
        if status == 200:
            self._ready_at = now
            return Readiness.READY
        if status == 404:
            self._no_readiness_until = now + READINESS_UNKNOWN_SECONDS
            return Readiness.UNKNOWN
        self._not_ready_until = now + NOT_READY_SECONDS
        return Readiness.NOT_READY

    def flow(self, kind: str, flow_id: str, cookies: str, may_call: Callable[[], bool]) -> Response:
        """``GET /self-service/<kind>/flows`` with Ory's cookies of the browser. ``may_call`` applies the rate limit."""
        headers = {"Cookie": cookies} if cookies else {}
        path = f"/self-service/{quote(kind, safe='')}/flows"
        return self._get_by_id(Endpoint.FLOW, path, flow_id, headers, may_call)

    def create_flow(
        self, kind: str, query: Mapping[str, str], headers: Mapping[str, str], may_call: Callable[[], bool]
    ) -> Response:
        """``GET /self-service/<kind>/browser``: start a flow for a browser, whose cookies are in ``headers``.

        Ory's CSRF cookie in the response is for the browser. ``may_call`` applies the rate limit.
        Follows https://www.ory.com/docs/reference/api#operation/createBrowserLoginFlow.
        """
        if not may_call():
            raise OryUnavailable("The rate limit for flow pages is reached.", event=Event.FLOOD, retry_after=10)
        path = f"/self-service/{quote(kind, safe='')}/browser"
        return self._call(Endpoint.FLOW, "GET", path, query=query, headers=headers)

    def settings(self, credential: Credential, cookies: str, may_call: Callable[[], bool]) -> Response:
        """A new settings flow as JSON: it lists what the person signs in with. ``cookies`` are Ory's of the browser."""
        if not credential.kind.by_header:
            return self.create_flow("settings", {}, {"Cookie": cookies}, may_call)
        if not may_call():
            raise OryUnavailable("The rate limit for flow pages is reached.", event=Event.FLOOD, retry_after=10)
        headers = {"X-Session-Token": credential.value}
        return self._call(Endpoint.FLOW, "GET", "/self-service/settings/api", headers=headers)

    def identity_schema(self, schema_id: str) -> dict[str, Any] | None:
        """``GET /schemas/<id>``: the JSON Schema of identities, or ``None`` if Ory does not return it.

        Follows https://www.ory.com/docs/reference/api#operation/getIdentitySchema.
        """
        encoded_id = base64.urlsafe_b64encode(schema_id.encode()).decode().rstrip("=")  # as in Ory's own schema_url
        try:
            response = self._call(Endpoint.FLOW, "GET", f"/schemas/{encoded_id}")
            return read_object(response) if response.status == 200 else None
        except OryUnavailable:
            return None

    def identity_schemas(self) -> list[Any]:
        """``GET /schemas``: all identity schemas, each with its ID. Raises :class:`OryUnavailable`.

        Follows https://www.ory.com/docs/reference/api#operation/listIdentitySchemas.
        """
        response = self._call(Endpoint.FLOW, "GET", "/schemas", query={"per_page": "500"})
        return read_list(response)

    def error(self, error_id: str, may_call: Callable[[], bool]) -> Response:
        """``GET /self-service/errors``: the error for which Ory redirected a browser to this site."""
        return self._get_by_id(Endpoint.ERROR, "/self-service/errors", error_id, {}, may_call)

    def _get_by_id(
        self,
        endpoint: Endpoint,
        path: str,
        id_: str,
        headers: Mapping[str, str],
        may_call: Callable[[], bool],
    ) -> Response:
        """``may_call`` is called only if a call to Ory is necessary."""
        if not ID.fullmatch(id_) or (path, id_) in self._missing:
            return Response(404, {}, b"{}")  # Ory has no such ID
        if not may_call():
            raise OryUnavailable("The rate limit for flow pages is reached.", event=Event.FLOOD, retry_after=10)
        response = self._call(endpoint, "GET", path, query={"id": id_}, headers=headers)
        if response.status == 404:
            with self._missing_lock:
                self._missing[path, id_] = True
        return response

    def forward(self, call: BrowserCall) -> Response:
        """Send a browser's call on, once: it may change something. No connection is shared with other calls."""
        return self._send(call.method, call.path, call.target, call.headers, call.body, timeout=call.timeout)

    def end_session(self, credential: Credential) -> Response | None:
        """End the session at Ory. The response's cookies are for the browser. ``None`` if there was no session.

        Raises :class:`OryUnavailable` if the session may not have ended.
        """
        if credential.kind.by_header:
            body = {"session_token": credential.value}
            response = self._call(Endpoint.LOGOUT, "DELETE", "/self-service/logout/api", body=body)
            gone = response.status in {401, 403}
        else:
            response = self._call(Endpoint.LOGOUT, "GET", "/self-service/logout/browser", headers=credential.headers)
            gone = response.status == 401
            if response.status == 200:
                query = {"token": str(read_object(response).get("logout_token"))}
                response = self._call(
                    Endpoint.LOGOUT, "GET", "/self-service/logout", query=query, headers=credential.headers
                )
        if response.status == 204 or gone:
            return None if gone else response
        raise OryUnavailable("Ory did not end the session.", status=response.status)

    def other_sessions(self, credential: Credential, may_call: Callable[[], bool]) -> Response:
        """``GET /sessions``: the person's other active sessions, the newest first. ``may_call`` applies the rate limit.

        Follows https://www.ory.com/docs/reference/api#operation/listMySessions.
        """
        if not may_call():
            raise OryUnavailable("The rate limit for pages is reached.", event=Event.FLOOD, retry_after=10)
        try:
            return self._get_sessions(credential, SESSIONS_PER_PAGE)
        except OryResponseInvalid as error:
            if error.event != Event.ANSWER_TOO_BIG:
                raise
        return self._get_sessions(credential, FEWER_SESSIONS)

    def _get_sessions(self, credential: Credential, number: int) -> Response:
        query = {"per_page": str(number)}
        return self._call(Endpoint.SESSIONS, "GET", "/sessions", query=query, headers=credential.headers)

    def revoke_session(self, credential: Credential, session_id: UUID) -> Response:
        """``DELETE /sessions/<id>``: 204 also if there is no such session, or it is another person's.

        Follows https://www.ory.com/docs/reference/api#operation/disableMySession.
        """
        return self._call(Endpoint.SESSIONS, "DELETE", f"/sessions/{session_id}", headers=credential.headers)

    def revoke_other_sessions(self, credential: Credential) -> Response:
        """``DELETE /sessions``: end all sessions of the person but this one.

        Follows https://www.ory.com/docs/reference/api#operation/disableMyOtherSessions.
        """
        return self._call(Endpoint.SESSIONS, "DELETE", "/sessions", headers=credential.headers)

    def _call(
        self,
        endpoint: Endpoint,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
        is_match: Callable[[Response, Connection], bool] | None = None,
    ) -> Response:
        self._refuse_during_pause(endpoint)
        target = path + (f"?{urlencode(query)}" if query else "")
        sent = {"Accept": "application/json", "User-Agent": "django-ory", **(headers or {})}
        content = b""
        if body is not None:
            sent["Content-Type"], content = "application/json", json.dumps(body).encode()
        response = self._send(method, path, target, sent, content, is_match)
        return self._pause_if_limited(endpoint, response)

    def _send(
        self,
        method: str,
        path: str,
        target: str,
        headers: Mapping[str, str],
        content: bytes,
        is_match: Callable[[Response, Connection], bool] | None = None,
        *,
        timeout: float | None = None,
    ) -> Response:
        """``timeout`` is what an error says about it. The deadline limits the call."""
        seconds = self._timeout if timeout is None else timeout
        failure: OryUnavailable
        try:
            return self._pool.request(method, target, headers, content, is_match=is_match)
        except NotConnected as error:
            failure = _to_error(error.reason, seconds if error.timed_out else None, connected=False)
        except (NoResponse, TimeoutError) as error:
            timed_out = isinstance(error, TimeoutError)
            failure = _to_error(type(error).__name__, seconds if timed_out else None, connected=True)
        failure.tried = f"{method} {path}"
        raise failure

    def _refuse_during_pause(self, endpoint: Endpoint) -> None:
        seconds = self._paused_until.get(endpoint, 0.0) - time.monotonic()
        if seconds > 0:
            wait = int(seconds) + 1
            raise OryUnavailable(
                "Ory has limited the rate, and the pause is not over.",
                event=Event.RATE_LIMITED,
                status=429,
                retry_after=wait,
            )

    def _pause_if_limited(self, endpoint: Endpoint, response: Response) -> Response:
        if response.status != 429:
            return response
        pause = read_pause(response.headers, endpoint.value)
        jitter = random.uniform(1.0, 1.1)  # noqa: S311  (so that processes don't all come back at once)
        self._paused_until[endpoint] = time.monotonic() + pause * jitter
        raise OryUnavailable(
            "Ory limits the rate (429).", event=Event.RATE_LIMITED, status=429, retry_after=int(pause) + 1
        )


def _to_error(reason: str, seconds: float | None, *, connected: bool) -> OryUnavailable:
    """The error for a call without a response. ``seconds`` is its time limit, if that has passed."""
    if seconds is not None:
        text = f"Ory did not answer within {seconds:g} seconds."
        return OryUnavailable(text, event=Event.TIMEOUT, connected=connected)
    return OryUnavailable(f"Ory could not be reached ({reason}).", connected=connected, cause=reason)


def read_session(response: Response) -> OrySession:
    """The session in a whoami response with status 200. Raises :class:`OryResponseInvalid`."""
    try:
        session = OrySession.from_json(response.body)
    except ValueError as error:
        raise OryResponseInvalid(f"Ory's response is {error}.", status=200) from None
    identity = response.headers.get("x-kratos-authenticated-identity-id")
    if identity is not None and identity.strip().lower() != str(session.identity.id):
        raise OryResponseInvalid("Ory's response and its header name different identities.", status=200)
    return session


def read_object(response: Response) -> dict[str, Any]:
    """The JSON object in a response. Raises :class:`OryResponseInvalid`."""
    try:
        data = json.loads(response.body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise OryResponseInvalid("Ory's response is not a JSON object.", status=response.status)
    return data


def read_list(response: Response) -> list[Any]:
    """The JSON list in a response of 200. Raises :class:`OryResponseInvalid`."""
    try:
        data = json.loads(response.body)
    except (ValueError, RecursionError):
        data = None
    if response.status != 200 or not isinstance(data, list):
        raise OryResponseInvalid("Ory's response is not a JSON list.", status=response.status)
    return data


def read_pause(headers: Mapping[str, str], longest: float) -> float:
    """Seconds to pause after a 429, from ``Retry-After`` (seconds or a date) or ``x-ratelimit-reset``.

    A number of more than nine digits is a Unix time, which many gateways send.
    """
    for name in ("retry-after", "x-ratelimit-reset"):
        value = headers.get(name, "").strip()
        number = re.match("[0-9]{1,300}", value)
        if number:
            seconds = float(number[0]) if len(number[0]) < 10 else float(number[0]) - time.time()
            return min(max(seconds, 1.0), longest)
        try:
            until = parsedate_to_datetime(value)
            return min(max((until - datetime.now(UTC)).total_seconds(), 1.0), longest)
        except (ValueError, TypeError, OverflowError):
            continue
    return 1.0
