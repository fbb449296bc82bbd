"""Ory's HTTP, bounded: one wall-clock limit for a whole answer, no redirects, 1 MiB, no secrets in an error.

The only importer of ``ory_client``, which takes a second and 45 MB to import: that happens when a process makes its
client (the middleware does so while the server starts), never in ``manage.py migrate`` and its like.

A call returns an :class:`Answer`, whatever its status, or raises :class:`OryUnavailable` where there is none.
"""

from __future__ import annotations

import json
import logging
import random
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from .conf import Conf
from .credentials import Credential
from .events import Event
from .exceptions import OryResponseInvalid, OryUnavailable
from .transport import is_late, left, pool_classes, read_body, without_query

if TYPE_CHECKING:
    from ory_client import ApiClient

MAX_PAUSE = 600  # seconds that a 429 may keep us from asking
READINESS_UNKNOWN = 300  # seconds for which "there is no readiness path here" is remembered
NOT_READY = 0.5  # seconds for which "not ready" is remembered


@dataclass(frozen=True, slots=True)
class Answer:
    """What Ory answered: its status, its headers, the decoded body (at most 1 MiB)."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    cookies: tuple[str, ...] = field(default=(), repr=False)

    @property
    def clock(self) -> float | None:
        """Ory's clock as Unix time: its ``Date``, in whole seconds, and what a cache on the way has added to it."""
        date, age = _unix_time(self.headers.get("date", "")), self.headers.get("age", "")
        return None if date is None else date + (int(age) if re.fullmatch("[0-9]{1,9}", age) else 0)


class Client:
    """The calls that this package makes to one Ory. Shared by the threads of a process, never across a fork."""

    def __init__(self, conf: Conf) -> None:
        self._conf = conf
        self._api = _api_client(conf)
        errors = import_module("urllib3").exceptions
        self._connection_lost = errors.ProtocolError
        # The SDK raises its own for what is wrong with TLS, and for nothing else here.
        self._not_connected = (
            errors.NewConnectionError,
            errors.ConnectTimeoutError,
            import_module("ory_client").ApiException,
        )
        self._resume_at = 0.0  # monotonic; a 429 sets it
        self._not_ready_until = 0.0
        self._no_readiness_until = 0.0
        self._probing, self._probes, self._ready = threading.Lock(), 0, False

    def whoami(self, credential: Credential, *, fresh: bool = False) -> Answer:
        """``GET /sessions/whoami`` with this one credential; ``fresh`` goes past the cache of Ory's edge too.

        Follows https://www.ory.com/docs/reference/api#operation/toSession.
        """
        headers = {**credential.headers, **({"Cache-Control": "max-age=0"} if fresh else {})}
        return self._call("GET", "/sessions/whoami", headers=headers)

    def ready(self) -> bool:
        """Whether Ory says that it is ready; ``True`` as well where it does not say (no such path).

        Follows https://www.ory.com/docs/kratos/reference/api#operation/isReady.
        """
        probes = self._probes
        if not self._probing.acquire(timeout=max(left(), 0)):
            return False
        try:
            # One probe at a time, shared by all who wait; it counts for those who came before it began.
            if self._probes == probes:
                self._probes += 1
                self._ready = self._probe()
            return self._ready
        finally:
            self._probing.release()

    def _probe(self) -> bool:
        now = time.monotonic()
        if now < self._not_ready_until:
            return False
        if now < self._no_readiness_until:
            return True
        self._ready = False  # for those who wait, should this probe fail
        answer = self._call("GET", "/health/ready")
        if answer.status == 404:
            self._no_readiness_until = now + READINESS_UNKNOWN
        elif answer.status != 200:
            self._not_ready_until = now + NOT_READY
        return answer.status in {200, 404}

    def flow(self, kind: str, flow_id: str, cookies: str) -> Answer:
        """``GET /self-service/<kind>/flows``: the flow, for the browser whose Ory cookies these are."""
        path = f"/self-service/{quote(kind, safe='')}/flows"
        return self._call("GET", path, query={"id": flow_id}, headers={"Cookie": cookies} if cookies else {})

    def error(self, error_id: str) -> Answer:
        """``GET /self-service/errors``: the text of an error that Ory sent a browser away with."""
        return self._call("GET", "/self-service/errors", query={"id": error_id})

    def end_session(self, credential: Credential) -> Answer | None:
        """End the session at Ory; the answer's cookies are for the browser. ``None``: there was no session to end.

        Raises :class:`OryUnavailable` where it is not known to have ended.
        """
        if credential.kind.by_header:
            answer = self._call("DELETE", "/self-service/logout/api", body={"session_token": credential.value})
            gone = answer.status in {401, 403}
        else:
            answer = self._call("GET", "/self-service/logout/browser", headers=credential.headers)
            gone = answer.status == 401
            if answer.status == 200:
                token = read_object(answer).get("logout_token")
                answer = self._call(
                    "GET", "/self-service/logout", query={"token": str(token)}, headers=credential.headers
                )
        if answer.status == 204 or gone:
            return None if gone else answer
        raise OryUnavailable("Ory did not end the session.", status=answer.status)

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Answer:
        started = time.monotonic()
        if started < self._resume_at:
            wait = int(self._resume_at - started) + 1
            raise OryUnavailable("Ory asked for a pause.", event=Event.RATE_LIMITED, status=429, retry_after=wait)
        url = self._conf.sdk_url + path + (f"?{urlencode(query)}" if query else "")
        sent = {"Accept": "application/json", "User-Agent": "django-ory", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        failure: OryUnavailable
        try:
            return self._received(self._send(method, url, sent, body))
        except OryUnavailable:
            raise
        except Exception as error:  # the SDK's and urllib3's errors hold headers and bodies: none of it goes further
            failure = self._failure(error)
        raise failure

    def _failure(self, error: Exception) -> OryUnavailable:
        connected = not isinstance(error, self._not_connected)
        if is_late(error):
            text = f"Ory did not answer within {self._conf.timeout:g} seconds."
            return OryUnavailable(text, event=Event.TIMEOUT, connected=connected)
        return OryUnavailable(f"Ory could not be reached ({type(error).__name__}).", connected=connected)

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: object) -> Any:
        for again in (method == "GET", False):
            try:
                return self._api.call_api(
                    method, url, header_params=dict(headers), body=body, _request_timeout=max(left(), 0.001)
                ).response
            except self._connection_lost:
                # Ory closed a connection that was kept for the next call, just as this call took it.
                if not again:
                    raise
        raise AssertionError("unreachable")

    def _received(self, response: Any) -> Answer:
        answer = read_answer(response)
        if answer.status == 429:
            pause = _pause(answer.headers)
            jitter = random.uniform(1.0, 1.1)  # noqa: S311  (so that not all processes come back at once)
            self._resume_at = time.monotonic() + pause * jitter
            raise OryUnavailable(
                "Ory limits our rate.", event=Event.RATE_LIMITED, status=429, retry_after=int(pause) + 1
            )
        return answer


def read_answer(response: Any) -> Answer:
    """All of urllib3's response; raises :class:`OryResponseInvalid` for a body that is too large or badly packed."""
    try:
        body = read_body(response)
    except BaseException:
        response.close()  # a half-read connection is not used again
        raise
    response.release_conn()
    headers = response.headers  # of any case
    return Answer(response.status, headers, body, tuple(headers.getlist("Set-Cookie")))


def read_object(answer: Answer) -> dict[str, Any]:
    """The JSON object in an answer; raises :class:`OryResponseInvalid` where there is none."""
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise OryResponseInvalid("Ory's answer is not a JSON object.", status=answer.status)
    return data


@lru_cache(maxsize=4)  # many answers come in one second
def _unix_time(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _pause(headers: Mapping[str, str]) -> float:
    """Seconds to keep still after a 429, from ``Retry-After`` (seconds or a date) or ``x-ratelimit-reset``."""
    for name in ("retry-after", "x-ratelimit-reset"):
        value = headers.get(name, "").strip()
        if value.isascii() and value.isdigit():
            return min(max(float(value), 1.0), MAX_PAUSE)
        try:
            until = parsedate_to_datetime(value)
            return min(max((until - datetime.now(UTC)).total_seconds(), 1.0), MAX_PAUSE)
        except (ValueError, TypeError, OverflowError):
            continue
    return 1.0


def _api_client(conf: Conf) -> ApiClient:
    ory_client: Any = import_module("ory_client")
    logging.getLogger("urllib3.connectionpool").addFilter(without_query)
    configuration = ory_client.Configuration(host=conf.sdk_url, retries=False)
    configuration.connection_pool_maxsize = conf.max_connections
    api: ApiClient = ory_client.ApiClient(configuration)
    api.rest_client.pool_manager.pool_classes_by_scheme = pool_classes()
    return api
