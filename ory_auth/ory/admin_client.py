"""The calls to Ory's admin API. https://www.ory.com/docs/kratos/reference/api#tag/identity

Each call is made once, within a time limit, and with a limit on simultaneous calls. It returns Ory's JSON, or raises
one of the errors in :mod:`ory_auth.exceptions`. Requests contain passwords and hashes, and responses contain secrets.
So no error has a part of either, and no frame of this module holds one when an error is raised.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit
from uuid import UUID

from ..conf import Conf
from ..events import Event
from ..exceptions import (
    Conflict,
    InvalidIdentity,
    NotFound,
    OryAuthError,
    OryResponseInvalid,
    OryUnavailable,
    RateLimited,
)
from ..process.forks import after_fork
from .client import read_pause
from .http_client import ConnectionPool, NoResponse, NotConnected, Response, deadline

MAX_IDS = 500  # that one call of get_identities() may have; Ory refuses more
JSON = Any  # what json.loads() returns
_POINTER = re.compile(r"#(?:/[\w~%.-]+)+")
_NEXT = re.compile(r'<([^>]*)>;\s*rel="next"')


def has_admin_access(conf: Conf) -> bool:
    """Whether the settings say how to reach the admin API."""
    return conf.admin_url != conf.sdk_url or conf.api_key is not None


@dataclass(frozen=True, slots=True)
class IdentityPage:
    """One page of a list. ``next_token`` is ``None`` on the last page."""

    identities: list[dict[str, Any]] = field(repr=False)
    next_token: str | None


@dataclass(frozen=True, slots=True)
class _Request:
    """A request whose ``repr`` shows neither addresses nor credentials."""

    method: str
    path: str = field(repr=False)
    query: Sequence[tuple[str, str]] = field(default=(), repr=False)
    body: JSON = field(default=None, repr=False)

    @property
    def target(self) -> str:
        return self.path + (f"?{urlencode(self.query)}" if self.query else "")


class AdminClient:
    """Calls to the admin API, for all threads of a process, never across a fork. ``timeout`` is in seconds."""

    def __init__(self, conf: Conf, *, timeout: float | None = None) -> None:
        self._conf = conf
        self._timeout = conf.timeout if timeout is None else timeout
        self._pool = ConnectionPool(conf.admin_url, conf.max_connections)
        self._places = threading.BoundedSemaphore(conf.max_connections)

    # --- identities

    def get_identity(self, identity_id: UUID, *, include_credentials: Sequence[str] = ()) -> dict[str, Any]:
        """https://www.ory.com/docs/reference/api#operation/getIdentity"""
        query = [("include_credential", name) for name in include_credentials]
        return self._object(_Request("GET", f"/admin/identities/{identity_id}", query=query))

    def get_by_external_id(self, external_id: str) -> dict[str, Any]:
        """https://www.ory.com/docs/reference/api#operation/getIdentityByExternalID"""
        return self._object(_Request("GET", f"/admin/identities/by/external/{quote(external_id, safe='')}"))

    def find_by_identifier(self, identifier: str) -> list[dict[str, Any]]:
        """The identities that sign in with this e-mail address, phone number or username."""
        return self._list(_Request("GET", "/admin/identities", query=[("credentials_identifier", identifier)]))

    def get_identities(self, identity_ids: Iterable[UUID]) -> list[dict[str, Any]]:
        """Those of these identities that Ory has; at most :data:`MAX_IDS`."""
        query = [("ids", str(identity_id)) for identity_id in identity_ids]
        if not query:
            return []
        return self._list(_Request("GET", "/admin/identities", query=[*query, ("page_size", str(MAX_IDS))]))

    def list_identities(self, page_size: int, page_token: str | None = None) -> IdentityPage:
        """A page of all identities, in the order of their IDs. Ory returns at most 500.

        https://www.ory.com/docs/reference/api#operation/listIdentities
        """
        query = [("page_size", str(page_size)), *([("page_token", page_token)] if page_token else [])]
        response = self._send(_Request("GET", "/admin/identities", query=query))
        return IdentityPage(_read_list(response), _next_token(response))

    def create_identity(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """https://www.ory.com/docs/reference/api#operation/createIdentity"""
        request = _Request("POST", "/admin/identities", body=body)
        del body
        return self._object(request)

    def replace_identity(self, identity_id: UUID, body: Mapping[str, Any]) -> dict[str, Any]:
        """https://www.ory.com/docs/reference/api#operation/updateIdentity; members that the body lacks become empty."""
        request = _Request("PUT", f"/admin/identities/{identity_id}", body=body)
        del body
        return self._object(request)

    def patch_identity(self, identity_id: UUID, operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """https://www.ory.com/docs/reference/api#operation/patchIdentity; ``operations`` are a JSON Patch."""
        request = _Request("PATCH", f"/admin/identities/{identity_id}", body=list(operations))
        del operations
        return self._object(request)

    def patch_identities(self, items: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Create many identities in one call. Returns Ory's result for each item, in their order.

        Raises :class:`Conflict` or :class:`InvalidIdentity` if Ory refuses all of them. It then has saved none.
        https://www.ory.com/docs/reference/api#operation/batchPatchIdentities
        """
        request, number = _Request("PATCH", "/admin/identities", body={"identities": list(items)}), len(items)
        del items
        results = self._object(request).get("identities")
        if isinstance(results, list) and len(results) == number:
            return results
        del results
        raise OryResponseInvalid("Ory's response to a batch does not have a result for each item.", status=200)

    def delete_identity(self, identity_id: UUID) -> None:
        """Also deletes its sessions. https://www.ory.com/docs/reference/api#operation/deleteIdentity"""
        self._send(_Request("DELETE", f"/admin/identities/{identity_id}"))

    def delete_credential(self, identity_id: UUID, credential_type: str, identifier: str | None = None) -> None:
        """https://www.ory.com/docs/reference/api#operation/deleteIdentityCredentials"""
        path = f"/admin/identities/{identity_id}/credentials/{quote(credential_type)}"
        self._send(_Request("DELETE", path, query=[("identifier", identifier)] if identifier else []))

    # --- sessions

    def list_sessions(self, identity_id: UUID, *, active: bool | None = None) -> list[dict[str, Any]]:
        """At most 250, the newest first: Ory's links to further pages are wrong.

        Ory answers with an empty list if it does not know the identity.
        https://www.ory.com/docs/reference/api#operation/listIdentitySessions
        """
        query = [("per_page", "250"), *([] if active is None else [("active", str(active).lower())])]
        return self._list(_Request("GET", f"/admin/identities/{identity_id}/sessions", query=query))

    def get_session(self, session_id: UUID) -> dict[str, Any]:
        """A session with its identity. https://www.ory.com/docs/reference/api#operation/getSession"""
        query = [("expand", "identity"), ("expand", "devices")]
        return self._object(_Request("GET", f"/admin/sessions/{session_id}", query=query))

    def revoke_session(self, session_id: UUID) -> None:
        """https://www.ory.com/docs/reference/api#operation/disableSession"""
        self._send(_Request("DELETE", f"/admin/sessions/{session_id}"))

    def delete_sessions(self, identity_id: UUID) -> None:
        """End all sessions. https://www.ory.com/docs/reference/api#operation/deleteIdentitySessions"""
        self._send(_Request("DELETE", f"/admin/identities/{identity_id}/sessions"))

    # --- recovery

    def create_recovery_code(self, identity_id: UUID, expires_in: str | None = None) -> dict[str, Any]:
        """``expires_in`` is a duration such as ``"1h"``.

        https://www.ory.com/docs/reference/api#operation/createRecoveryCodeForIdentity
        """
        return self._object(_Request("POST", "/admin/recovery/code", body=_recovery(identity_id, expires_in)))

    def create_recovery_link(self, identity_id: UUID, expires_in: str | None = None) -> dict[str, Any]:
        """https://www.ory.com/docs/reference/api#operation/createRecoveryLinkForIdentity"""
        return self._object(_Request("POST", "/admin/recovery/link", body=_recovery(identity_id, expires_in)))

    def version(self) -> str:
        """The version of Kratos; an empty text if Ory does not say, as Ory Network does not."""
        try:
            return str(self._object(_Request("GET", "/admin/version")).get("version") or "")
        except NotFound:
            return ""

    # --- sending

    def _object(self, request: _Request) -> dict[str, Any]:
        data, status = _parse(self._send(request)), 200
        if isinstance(data, dict):
            return data
        del data
        raise OryResponseInvalid("Ory's response is not a JSON object.", status=status)

    def _list(self, request: _Request) -> list[dict[str, Any]]:
        return _read_list(self._send(request))

    def _send(self, request: _Request) -> Response:
        """Every error of a call is raised here, where no frame holds what was sent."""
        result = self._exchange(request)
        error = result if isinstance(result, OryAuthError) else _error_of(result, f"{request.method} {request.path}")
        if error is not None:
            del result
            raise error
        return result  # type: ignore[return-value]

    def _exchange(self, request: _Request) -> Response | OryUnavailable:
        at = time.monotonic() + self._timeout
        if not self._places.acquire(timeout=self._timeout):
            text = "All connections to Ory's admin API are in use."
            return OryUnavailable(text, event=Event.POOL_FULL, retry_after=1)
        try:
            with deadline(at):
                content = b"" if request.body is None else json.dumps(request.body).encode()
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
        if self._conf.api_key:
            headers["Authorization"] = f"Bearer {self._conf.api_key.reveal()}"
        return headers

    def _no_response(self, reason: str, *, timed_out: bool, connected: bool) -> OryUnavailable:
        if timed_out:
            text = f"Ory's admin API did not answer within {self._timeout:g} seconds."
            return OryUnavailable(text, event=Event.TIMEOUT, connected=connected)
        text = f"Ory's admin API could not be reached ({reason}): check ORY_AUTH['ADMIN_URL']."
        return OryUnavailable(text, connected=connected, cause=reason)


def _recovery(identity_id: UUID, expires_in: str | None) -> dict[str, str]:
    return {"identity_id": str(identity_id), **({"expires_in": expires_in} if expires_in else {})}


def _error_of(response: Response, tried: str) -> OryAuthError | None:
    """The error that a response means; ``None`` if the call succeeded."""
    match response.status:
        case 200 | 201 | 204:
            return None
        case 400:
            return InvalidIdentity(fields=_refused_fields(response))
        case 404:
            return NotFound()
        case 409:
            return Conflict()
        case 429:
            return RateLimited(retry_after=int(read_pause(response.headers, 300)) + 1)
        case 401 | 403:
            text = f"Ory's admin API refuses access ({response.status}): check ORY_AUTH['API_KEY'] and ['ADMIN_URL']."
            return OryUnavailable(text, event=Event.UPSTREAM_REJECTS, status=response.status, tried=tried)
        case status:
            return OryUnavailable(f"Ory's admin API answered {status}.", status=status, tried=tried)


def _refused_fields(response: Response) -> tuple[str, ...]:
    """JSON pointers to what a response refuses."""
    try:
        return read_refused_fields(json.loads(response.body)["error"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()


def read_refused_fields(error: Mapping[str, Any]) -> tuple[str, ...]:
    """The JSON pointers in the text of an error, the only place where Ory names them. Also for errors in a batch."""
    return tuple(dict.fromkeys(_POINTER.findall(str(error.get("reason") or ""))))


def _parse(response: Response) -> JSON:
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        return None


def _read_list(response: Response) -> list[dict[str, Any]]:
    data, status = _parse(response), response.status
    if isinstance(data, list) and all(isinstance(item, dict) for item in data):
        return data
    del data, response
    raise OryResponseInvalid("Ory's response is not a list of objects.", status=status)


def _next_token(response: Response) -> str | None:
    link = _NEXT.search(response.headers.get("link", ""))
    return next(iter(parse_qs(urlsplit(link[1]).query).get("page_token", [])), None) if link else None


_current: tuple[Conf, AdminClient] | None = None
_lock = threading.Lock()


def admin_client_of(conf: Conf) -> AdminClient:
    """The client of this process for these settings. Each of its calls takes ``TIMEOUT`` at most."""
    global _current
    current = _current
    if current is None or current[0] is not conf:
        with _lock:
            current = _current
            if current is None or current[0] is not conf:
                current = _current = (conf, AdminClient(conf))
    return current[1]


def reset() -> None:
    """Forget the client: a forked process must not share connections with its parent."""
    global _current, _lock
    _current, _lock = None, threading.Lock()


after_fork(reset)
