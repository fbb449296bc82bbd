"""The calls of the admin client are those of ``ory-client``: the same method, path, query and body."""

from __future__ import annotations

import json
import socketserver
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest

from ory_auth.conf import conf
from ory_auth.exceptions import OryUnavailable
from ory_auth.ory.admin_client import AdminClient
from tests.support.servers import running
from tests.support.types import ChangeSettings

ID = UUID("aeee28f7-4fa7-4d18-8463-aa1706d218ce")
BODY = {"schema_id": "person", "traits": {"email": "ada@example.org"}, "state": "active"}
PATCH = [{"op": "replace", "path": "/state", "value": "inactive"}]
RECOVERY = {"identity_id": str(ID), "expires_in": "60s"}
Sent = tuple[str, str, list[tuple[str, str]], Any]


def sdk(name: str, **arguments: Any) -> Callable[[Any], Any]:
    return lambda api: getattr(api, name)(**arguments)


CALLS: dict[str, tuple[Callable[[AdminClient], Any], Callable[[Any], Any]]] = {
    "get": (
        lambda client: client.get_identity(ID, include_credentials=["totp", "oidc"]),
        sdk("get_identity", id=str(ID), include_credential=["totp", "oidc"]),
    ),
    "by external ID": (
        lambda client: client.get_by_external_id("a/b c?ü"),
        sdk("get_identity_by_external_id", external_id="a/b c?ü"),
    ),
    "find": (
        lambda client: client.find_by_identifier("ada+x@example.org"),
        sdk("list_identities", credentials_identifier="ada+x@example.org", consistency="strong"),
    ),
    "page": (
        lambda client: client.list_identities(500, "token"),
        sdk("list_identities", page_size=500, page_token="token"),
    ),
    "some": (
        lambda client: client.get_identities([ID, ID]),
        sdk("list_identities", ids=[str(ID), str(ID)], page_size=500),
    ),
    "create": (lambda client: client.create_identity(BODY), sdk("create_identity", create_identity_body=BODY)),
    "replace": (
        lambda client: client.replace_identity(ID, BODY),
        sdk("update_identity", id=str(ID), update_identity_body=BODY),
    ),
    "patch": (lambda client: client.patch_identity(ID, PATCH), sdk("patch_identity", id=str(ID), json_patch=PATCH)),
    "batch": (
        lambda client: client.patch_identities([{"create": BODY, "patch_id": str(ID)}]),
        sdk("batch_patch_identities", patch_identities_body={"identities": [{"create": BODY, "patch_id": str(ID)}]}),
    ),
    "delete": (lambda client: client.delete_identity(ID), sdk("delete_identity", id=str(ID))),
    "delete a credential": (
        lambda client: client.delete_credential(ID, "oidc", "google:1"),
        sdk("delete_identity_credentials", id=str(ID), type="oidc", identifier="google:1"),
    ),
    "sessions": (
        lambda client: client.list_sessions(ID, active=True),
        sdk("list_identity_sessions", id=str(ID), per_page=250, active=True),
    ),
    "session": (
        lambda client: client.get_session(ID),
        sdk("get_session", id=str(ID), expand=["identity", "devices"]),
    ),
    "revoke": (lambda client: client.revoke_session(ID), sdk("disable_session", id=str(ID))),
    "revoke all": (lambda client: client.delete_sessions(ID), sdk("delete_identity_sessions", id=str(ID))),
    "code": (
        lambda client: client.create_recovery_code(ID, "60s"),
        sdk("create_recovery_code_for_identity", create_recovery_code_for_identity_body=RECOVERY),
    ),
    "link": (
        lambda client: client.create_recovery_link(ID, "60s"),
        sdk("create_recovery_link_for_identity", create_recovery_link_for_identity_body=RECOVERY),
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, list[Sent]]]:
    """A server that remembers each request and answers 500."""
    requests: list[Sent] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline()
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            url = urlsplit(self.path)
            content = json.loads(body) if body else None
            requests.append((self.command, url.path, sorted(parse_qsl(url.query)), content))
            self.send_response(500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with running(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as address:
        yield f"http://{address}", requests


@pytest.mark.parametrize("call", CALLS)
def test_a_call_is_the_one_that_the_sdk_makes(
    server: tuple[str, list[Sent]], ory_auth: ChangeSettings, call: str
) -> None:
    import ory_client

    url, requests = server
    ours, theirs = CALLS[call]
    ory_auth(ADMIN_URL=url)
    with pytest.raises(OryUnavailable, match="500"):
        ours(AdminClient(conf()))
    with ory_client.ApiClient(ory_client.Configuration(host=url, retries=0)) as api_client, suppress(Exception):
        theirs(ory_client.IdentityApi(api_client))
    assert len(requests) >= 2, "the SDK sent nothing"
    own, other = requests[-2:]
    assert own == other
