"""The calls to Ory's admin API. https://www.ory.com/docs/kratos/reference/api#tag/identity

:mod:`ory_auth.ory.json_api` says what they return and raise. ``ory-client`` is not used for them: it refuses values
that it does not know, repeats a ``POST`` without an answer, and has no default time limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured

from ..conf import Conf
from ..events import Event
from ..exceptions import NotFound, OryResponseInvalid, OryUnavailable
from ..process.per_process import PerProcess
from .addresses import host_of, is_ory_network
from .client import FEWER_SESSIONS, SESSIONS_PER_PAGE
from .http_client import large_responses
from .json_api import JsonApi, Request, next_token

MAX_IDS = 500  # that one call of get_identities() may have; Ory refuses more
MAX_PAGE_SIZE = 500  # identities in one page of a list; Ory returns no more
NO_ADMIN_ACCESS = (
    "This needs Ory's admin API. Set ORY_AUTH['ADMIN_URL'] to its address as this server reaches it, such as "
    "'http://127.0.0.1:4434', or for Ory Network ORY_AUTH['API_KEY'] to a project API key."
)


NOT_THE_ADMIN_API = "ORY_AUTH['ADMIN_URL'] is not Ory's admin API. Set it to the admin API (Kratos: port 4434)."


def not_the_admin_api() -> OryUnavailable:
    """The error for a 404 to a call that every admin API knows."""
    return OryUnavailable(NOT_THE_ADMIN_API, event=Event.UPSTREAM_REJECTS, status=404)


def has_admin_access(conf: Conf) -> bool:
    """Whether the settings say how to reach the admin API."""
    return conf.admin_url != conf.sdk_url or conf.api_key is not None


def require_admin_access(conf: Conf) -> None:
    """Raise ``ImproperlyConfigured``, which says what to set, if the settings don't name the admin API."""
    if not has_admin_access(conf):
        raise ImproperlyConfigured(NO_ADMIN_ACCESS)


def uses_ory_network(conf: Conf) -> bool:
    """Whether it is Ory Network: by its host, or by the API key, which also custom domains need."""
    return is_ory_network(host_of(conf.admin_url)) or conf.api_key is not None


@dataclass(frozen=True, slots=True)
class IdentityPage:
    """One page of a list. ``next_token`` is ``None`` on the last page."""

    identities: list[dict[str, Any]] = field(repr=False)
    next_token: str | None


class AdminClient(JsonApi):
    """Calls to the admin API, for all threads of a process, never across a fork. ``timeout`` is in seconds."""

    def __init__(self, conf: Conf, *, timeout: float | None = None) -> None:
        super().__init__(
            conf.admin_url,
            name="admin API",
            setting="ADMIN_URL",
            timeout=conf.timeout if timeout is None else timeout,
            max_connections=conf.max_connections,
            api_key=conf.api_key,
        )

    # --- identities

    def get_identity(self, identity_id: UUID, *, include_credentials: Sequence[str] = ()) -> dict[str, Any]:
        """https://www.ory.com/docs/reference/api#operation/getIdentity"""
        query = _included(include_credentials)
        return self._object(Request("GET", f"/admin/identities/{identity_id}", query=query))

    def get_by_external_id(self, external_id: str, *, include_credentials: Sequence[str] = ()) -> dict[str, Any]:
        """https://www.ory.com/docs/reference/api#operation/getIdentityByExternalID"""
        path, query = f"/admin/identities/by/external/{quote(external_id, safe='')}", _included(include_credentials)
        return self._object(Request("GET", path, query=query))

    def find_by_identifier(self, identifier: str) -> list[dict[str, Any]]:
        """The identities that sign in with this e-mail address, phone number or username.

        Ory Network would otherwise not find an identity that was created a moment ago.
        https://www.ory.com/docs/api/eventual-consistency
        """
        query = [("consistency", "strong"), ("credentials_identifier", identifier)]
        return self._list(Request("GET", "/admin/identities", query=query))

    def get_identities(self, identity_ids: Iterable[UUID]) -> list[dict[str, Any]]:
        """Those of these identities that Ory has; at most :data:`MAX_IDS`."""
        query = [("ids", str(identity_id)) for identity_id in identity_ids]
        if not query:
            return []
        return self._list(Request("GET", "/admin/identities", query=[*query, ("page_size", str(MAX_IDS))]))

    def list_identities(self, page_size: int, page_token: str | None = None) -> IdentityPage:
        """A page of all identities, in the order of their IDs; at most :data:`MAX_PAGE_SIZE`.

        https://www.ory.com/docs/reference/api#operation/listIdentities
        """
        query = [("page_size", str(page_size)), *([("page_token", page_token)] if page_token else [])]
        response = self._send(Request("GET", "/admin/identities", query=query))
        return IdentityPage(self._read_list(response), next_token(response))

    def create_identity(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """https://www.ory.com/docs/reference/api#operation/createIdentity"""
        request = Request("POST", "/admin/identities", body=body)
        del body
        return self._object(request)

    def replace_identity(self, identity_id: UUID, body: Mapping[str, Any]) -> dict[str, Any]:
        """https://www.ory.com/docs/reference/api#operation/updateIdentity; members that the body lacks become empty."""
        request = Request("PUT", f"/admin/identities/{identity_id}", body=body)
        del body
        return self._object(request)

    def patch_identity(self, identity_id: UUID, operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """https://www.ory.com/docs/reference/api#operation/patchIdentity; ``operations`` are a JSON Patch."""
        request = Request("PATCH", f"/admin/identities/{identity_id}", body=list(operations))
        del operations
        with large_responses():  # or a person with huge traits could not be deactivated
            return self._object(request)

    def patch_identities(self, items: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Create many identities in one call. Returns Ory's result for each item, in their order.

        Raises :class:`Conflict` or :class:`InvalidIdentity` if Ory refuses all of them. It then has saved none.
        https://www.ory.com/docs/reference/api#operation/batchPatchIdentities
        """
        request, number = Request("PATCH", "/admin/identities", body={"identities": list(items)}), len(items)
        del items
        results = self._object(request).get("identities")
        if isinstance(results, list) and len(results) == number:
            return results
        del results
        raise OryResponseInvalid("Ory's response to a batch does not have a result for each item.", status=200)

    def delete_identity(self, identity_id: UUID) -> None:
        """Also deletes its sessions. https://www.ory.com/docs/reference/api#operation/deleteIdentity"""
        self._send(Request("DELETE", f"/admin/identities/{identity_id}"))

    def delete_credential(self, identity_id: UUID, credential_type: str, identifier: str | None = None) -> None:
        """https://www.ory.com/docs/reference/api#operation/deleteIdentityCredentials"""
        path = f"/admin/identities/{identity_id}/credentials/{quote(credential_type)}"
        self._send(Request("DELETE", path, query=[("identifier", identifier)] if identifier else []))

    # --- sessions

    def list_sessions(self, identity_id: UUID, *, active: bool | None = None) -> list[dict[str, Any]]:
        """At most 250, the newest first: Ory's links to further pages are wrong.

        Ory answers with an empty list if it does not know the identity.
        https://www.ory.com/docs/reference/api#operation/listIdentitySessions
        """
        path = f"/admin/identities/{identity_id}/sessions"
        query = [] if active is None else [("active", str(active).lower())]
        try:
            return self._list(Request("GET", path, query=[*query, ("per_page", str(SESSIONS_PER_PAGE))]))
        except OryResponseInvalid as error:
            if error.event != Event.ANSWER_TOO_BIG:
                raise
        with large_responses():  # each session has the person's traits
            return self._list(Request("GET", path, query=[*query, ("per_page", str(FEWER_SESSIONS))]))

    def get_session(self, session_id: UUID) -> dict[str, Any]:
        """A session with its identity. https://www.ory.com/docs/reference/api#operation/getSession"""
        query = [("expand", "identity"), ("expand", "devices")]
        return self._object(Request("GET", f"/admin/sessions/{session_id}", query=query))

    def revoke_session(self, session_id: UUID) -> None:
        """https://www.ory.com/docs/reference/api#operation/disableSession"""
        self._send(Request("DELETE", f"/admin/sessions/{session_id}"))

    def delete_sessions(self, identity_id: UUID) -> None:
        """End all sessions. https://www.ory.com/docs/reference/api#operation/deleteIdentitySessions"""
        self._send(Request("DELETE", f"/admin/identities/{identity_id}/sessions"))

    # --- recovery

    def create_recovery_code(self, identity_id: UUID, expires_in: str | None = None) -> dict[str, Any]:
        """``expires_in`` is a duration such as ``"1h"``.

        https://www.ory.com/docs/reference/api#operation/createRecoveryCodeForIdentity
        """
        return self._object(Request("POST", "/admin/recovery/code", body=_recovery(identity_id, expires_in)))

    def create_recovery_link(self, identity_id: UUID, expires_in: str | None = None) -> dict[str, Any]:
        """https://www.ory.com/docs/reference/api#operation/createRecoveryLinkForIdentity"""
        return self._object(Request("POST", "/admin/recovery/link", body=_recovery(identity_id, expires_in)))

    def version(self) -> str:
        """The version of Kratos; an empty text if Ory does not say, as Ory Network does not."""
        try:
            return str(self._object(Request("GET", "/admin/version")).get("version") or "")
        except NotFound:
            return ""


def _included(credential_types: Sequence[str]) -> list[tuple[str, str]]:
    return [("include_credential", name) for name in credential_types]


def _recovery(identity_id: UUID, expires_in: str | None) -> dict[str, str]:
    return {"identity_id": str(identity_id), **({"expires_in": expires_in} if expires_in else {})}


_process = PerProcess[Conf, AdminClient](AdminClient)
reset = _process.reset


def admin_client_of(conf: Conf) -> AdminClient:
    """The client of this process for these settings. Each of its calls takes ``TIMEOUT`` at most."""
    return _process.of(conf)
