"""Calls to Ory's admin API: what they return, and which error each failure raises."""

from __future__ import annotations

import pickle
from uuid import UUID, uuid4

import pytest

from ory_auth.conf import conf
from ory_auth.exceptions import Conflict, InvalidIdentity, NotFound, OryUnavailable
from ory_auth.ory.admin_client import AdminClient, admin_client_of
from ory_auth.sessions.invalidation import drop_cached_sessions, refuse_sessions
from ory_auth.types import Identity
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.types import ChangeSettings

ADA = {"schema_id": "person", "traits": {"email": "ada@example.org"}}


@pytest.fixture
def admin(ory: Ory) -> AdminClient:
    return admin_client_of(conf())


def test_an_identity_is_created_read_changed_and_deleted(admin: AdminClient) -> None:
    identity_id = UUID(admin.create_identity({**ADA, "external_id": "customer-1"})["id"])
    assert admin.get_by_external_id("customer-1")["id"] == str(identity_id)
    assert [found["id"] for found in admin.find_by_identifier("ADA@example.org")] == [str(identity_id)]
    admin.patch_identity(identity_id, [{"op": "replace", "path": "/state", "value": "inactive"}])
    assert admin.get_identity(identity_id)["state"] == "inactive"
    assert [found["id"] for found in admin.get_identities([identity_id, uuid4()])] == [str(identity_id)]
    admin.delete_identity(identity_id)
    with pytest.raises(NotFound):
        admin.get_identity(identity_id)


def test_a_list_comes_in_pages(admin: AdminClient) -> None:
    created = {admin.create_identity({"traits": {"email": f"{n}@example.org"}})["id"] for n in range(5)}
    found, token = set(), None
    while True:
        page = admin.list_identities(2, token)
        found |= {identity["id"] for identity in page.identities}
        token = page.next_token
        if token is None:
            break
    assert found >= created


def test_a_conflict_and_invalid_values_raise_their_errors(admin: AdminClient) -> None:
    admin.create_identity(ADA)
    with pytest.raises(Conflict):
        admin.create_identity(ADA)
    with pytest.raises(InvalidIdentity) as error:
        admin.create_identity({"traits": {"email": "secret-not-an-address"}})
    assert "secret" not in str(error.value)


def test_no_answer_names_the_setting(ory_auth: ChangeSettings) -> None:
    ory_auth(ADMIN_URL="http://127.0.0.1:9")
    with pytest.raises(OryUnavailable, match="ADMIN_URL"):
        admin_client_of(conf()).get_identity(uuid4())


def test_an_identity_survives_a_pickle(admin: AdminClient) -> None:
    body = b'{"id":"aeee28f7-4fa7-4d18-8463-aa1706d218ce","traits":{"email":"ada@example.org"},"state":"nonsense"}'
    identity = Identity.from_json(body)
    assert pickle.loads(pickle.dumps(identity)).traits == identity.traits
    assert (identity.state, identity.credential_types) == ("nonsense", ())
    assert "ada" not in repr(identity)


@pytest.mark.django_db
@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_a_dropped_session_asks_ory_again_and_a_refused_one_is_signed_out(ory: Ory, kind: str) -> None:
    web, session = DualClient(kind), ory.person().browser_session()
    session_id = UUID(session.id)
    assert web.is_signed_in(session.headers)
    assert web.is_signed_in(session.headers)
    calls = len(ory.requests_to())
    drop_cached_sessions([session_id], conf())
    assert web.is_signed_in(session.headers)
    assert len(ory.requests_to()) == calls + 1
    refuse_sessions([session_id], conf())
    assert not web.is_signed_in(session.headers)
