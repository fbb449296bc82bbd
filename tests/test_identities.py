"""``ory_auth.identities``: each function and its async twin, against the local Ory or a real one."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation

from ory_auth import identities
from ory_auth.exceptions import Conflict, InvalidIdentity, NotFound
from ory_auth.models import OryIdentity, OrySignIn
from ory_auth.signals import identity_changed, identity_deleted, session_ended
from ory_auth.types import Identity
from tests.support.client import DualClient
from tests.support.identities import Call, call, new_email
from tests.support.ory import Ory, Person, Session
from tests.support.types import ChangeSettings, User
from tests.support.users import make_user, user_of

pytestmark = pytest.mark.django_db


__all__ = ["call"]  # a fixture


def visits(web: DualClient, session: Session) -> bool:
    """Whether the person is signed in on a page that shows their user."""
    return bool(web.get("/who", headers=session.headers).json()["user"])


def signed_in(person: Person) -> User:
    """The user that the person's first request has created."""
    assert visits(DualClient("wsgi"), person.app_session())
    return user_of(person)


# --- which identity


def test_an_id_an_identity_a_link_and_a_user_are_the_same_person(ory: Ory, call: Call) -> None:
    person = ory.person()
    user = signed_in(person)
    link = OryIdentity.objects.get(user=user)
    identity = call("get", person.id)
    for who in (person.id, uuid.UUID(person.id), identity, link, user):
        assert call("get", who).id == uuid.UUID(person.id)


def test_what_names_no_identity_is_refused(ory: Ory, call: Call) -> None:
    with pytest.raises(NotFound):
        call("get", uuid.uuid4())
    with pytest.raises(NotFound, match="no identity"):
        call("get", make_user())
    with pytest.raises(NotFound, match="no identity"):
        call("get", AnonymousUser())
    with pytest.raises(TypeError, match="dict is not an identity"):
        call("get", {})
    with pytest.raises(ValueError, match="find") as error:
        call("get", "ada@example.org")
    assert "ada" not in str(error.value)


def test_a_missing_address_of_the_admin_api_says_what_to_set(ory_auth: ChangeSettings, call: Call) -> None:
    ory_auth(ADMIN_URL=None)
    with pytest.raises(ImproperlyConfigured, match=r"ADMIN_URL.*API_KEY"):
        call("get", uuid.uuid4())


# --- create, get, find


def test_an_identity_is_created_with_all_that_it_can_have(ory: Ory, call: Call) -> None:
    email = new_email()
    created = call(
        "create",
        traits={"email": email, "name": {"first": "Ada"}},
        schema_id="person",
        external_id=f"customer/{email} 1",
        metadata_public={"plan": "pro"},
        metadata_admin={"note": "vip"},
        password="Ratatosk-9-tree",
        verified_addresses=[email],
    )
    identity = call("get_by_external_id", f"customer/{email} 1")
    assert identity.id == created.id
    assert identity.traits == {"email": email, "name": {"first": "Ada"}}
    assert (identity.metadata_public, identity.metadata_admin) == ({"plan": "pro"}, {"note": "vip"})
    assert identity.verified_emails() == [email]
    assert identity.state == "active"
    Person(ory, str(identity.id), email, "Ratatosk-9-tree").app_session()


def test_a_second_identity_with_the_address_is_a_conflict(ory: Ory, call: Call) -> None:
    email = new_email()
    call("create", traits={"email": email}, active=False)
    with pytest.raises(Conflict):
        call("create", traits={"email": email.upper()})
    assert call("find", email=email).state == "inactive"


def test_traits_that_the_schema_refuses_are_named_and_not_quoted(ory: Ory, call: Call) -> None:
    with pytest.raises(InvalidIdentity) as error:
        call("create", traits={"email": new_email(), "name": {"first": 17_000_017}})
    assert "17000017" not in str(error.value)
    if ory.local is None:
        assert "#/traits/name/first" in error.value.fields


def test_values_that_are_not_json_are_refused_before_ory_is_called(ory: Ory, call: Call) -> None:
    for value in (datetime.now(UTC), float("nan"), {1, 2}):
        with pytest.raises(InvalidIdentity, match="not JSON"):
            call("create", traits={"email": new_email(), "name": value})


def test_the_user_can_be_created_with_the_identity(ory: Ory, call: Call) -> None:
    email = new_email()
    identity = call("create", traits={"email": email}, create_user=True)
    assert OryIdentity.objects.get(pk=identity.id).user.email == email


def test_a_person_is_found_by_what_they_sign_in_with_and_by_nothing_similar(ory: Ory, call: Call) -> None:
    person = ory.person()
    for name in ("email", "identifier"):
        assert str(call("find", **{name: f" {person.email.upper()} "}).id) == person.id
        assert call("find", **{name: person.email[:-1]}) is None
        assert call("find", **{name: person.email[1:]}) is None
        assert call("find", **{name: ""}) is None
    assert call("find", external_id=person.email) is None
    assert call("find", external_id="") is None
    with pytest.raises(TypeError, match="exactly one"):
        call("find", email=person.email, identifier=person.email)
    with pytest.raises(TypeError, match="exactly one"):
        call("find")


# --- update, metadata


def test_an_update_keeps_what_it_does_not_name(ory: Ory, call: Call) -> None:
    email = new_email()
    identity = call(
        "create",
        traits={"email": email, "name": {"first": "Ada", "last": "King"}},
        external_id=email,
        metadata_public={"plan": "pro"},
        metadata_admin={"note": "vip"},
        password="Ratatosk-9-tree",
    )
    changed = call("update", identity, traits={"name": {"last": None, "first": "Augusta"}})
    assert changed.traits == {"email": email, "name": {"first": "Augusta"}}
    assert (changed.external_id, changed.metadata_public, changed.metadata_admin) == (
        email,
        {"plan": "pro"},
        {"note": "vip"},
    )
    Person(ory, str(identity.id), email, "Ratatosk-9-tree").app_session()
    assert call("update", identity, traits={"email": email}, merge=False).traits == {"email": email}
    assert call("update", identity, external_id="").external_id is None
    with pytest.raises(InvalidIdentity):
        call("update", identity, schema_id="unknown")


def test_an_update_keeps_the_second_factor(ory: Ory, call: Call) -> None:
    person = ory.person()
    session = person.browser_session()
    session.set_up_totp()
    call("update", person.id, traits={"name": {"first": "Augusta"}})
    call("set_metadata", person.id, public={"plan": "pro"})
    later = person.browser_session()
    later.step_up()
    assert later.whoami()["authenticator_assurance_level"] == "aal2"


def test_an_update_that_changes_nothing_sends_nothing(ory: Ory, call: Call) -> None:
    person = ory.person(name={"first": "Ada"})
    before = call("get", person.id).updated_at
    call("update", person.id, traits={"name": {"first": "Ada", "last": None}})
    assert call("get", person.id).updated_at == before


def test_an_address_that_another_person_has_is_a_conflict(ory: Ory, call: Call) -> None:
    ada, eve = ory.person(), ory.person()
    with pytest.raises(Conflict):
        call("update", eve.id, traits={"email": ada.email})


def test_metadata_is_merged_or_replaced(ory: Ory, call: Call) -> None:
    person = ory.person()
    assert call("set_metadata", person.id, public={"roles": {"shop": "buyer"}}).metadata_public == {
        "roles": {"shop": "buyer"}
    }
    merged = call("set_metadata", person.id, public={"roles": {"blog": "author"}, "none": None}, admin={"a/b~": 1})
    assert merged.metadata_public == {"roles": {"shop": "buyer", "blog": "author"}}
    assert merged.metadata_admin == {"a/b~": 1}
    assert call("set_metadata", person.id, admin={"a/b~": None}).metadata_admin == {}
    replaced = call("set_metadata", person.id, public=["any", {"JSON": None}], merge=False)
    assert replaced.metadata_public == ["any", {"JSON": None}]
    with pytest.raises(TypeError, match="merge=False"):
        call("set_metadata", person.id, public=["a list"])


def test_the_user_follows_a_change_at_once(ory: Ory, call: Call) -> None:
    person = ory.person(name={"first": "Ada"})
    user = signed_in(person)
    received: list[Identity] = []
    identity_changed.connect(lambda identity, **_: received.append(identity), weak=False, dispatch_uid="test")
    try:
        call("update", user, traits={"name": {"first": "Augusta"}})
    finally:
        identity_changed.disconnect(dispatch_uid="test")
    user.refresh_from_db()
    assert user.first_name == "Augusta"


# --- sessions, deactivation, deletion


@pytest.fixture
def worker(cached: None) -> DualClient:
    """A worker that caches sessions."""
    return DualClient("wsgi")


def test_sessions_are_listed_the_newest_first(ory: Ory, call: Call) -> None:
    person = ory.person()
    ids = [uuid.UUID(person.app_session().id) for _ in range(3)]
    assert [session.id for session in call("sessions", person.id, active=True)] == ids[::-1]
    call("revoke_session", ids[0])
    assert [session.id for session in call("sessions", person.id, active=False)] == [ids[0]]
    assert len(call("sessions", person.id)) == 3


def test_a_revoked_session_is_refused_although_it_is_cached(ory: Ory, call: Call, worker: DualClient) -> None:
    person = ory.person()
    session, other = person.app_session(), person.app_session()
    assert visits(worker, session)
    assert visits(worker, other)
    call("revoke_session", session.id)
    assert not visits(worker, session)
    assert visits(worker, other)
    with pytest.raises(NotFound, match="session"):
        call("revoke_session", uuid.uuid4())


def test_revoked_sessions_are_refused_although_they_are_cached(ory: Ory, call: Call, worker: DualClient) -> None:
    person = ory.person()
    sessions = [person.app_session() for _ in range(2)]
    assert all(visits(worker, session) for session in sessions)
    assert call("revoke_sessions", person.id) == 2
    assert not any(visits(worker, session) for session in sessions)
    assert call("revoke_sessions", person.id) == 0
    assert not OrySignIn.objects.exists()
    assert visits(worker, person.app_session())


@pytest.mark.django_db(transaction=True)
def test_the_ends_of_sessions_are_reported_once(ory: Ory, call: Call, worker: DualClient) -> None:
    person = ory.person()
    session = person.app_session()
    assert visits(worker, session)
    ends: list[uuid.UUID] = []
    session_ended.connect(lambda session_id, **_: ends.append(session_id), weak=False, dispatch_uid="test")
    try:
        call("revoke_sessions", person.id)
        call("revoke_sessions", person.id)
    finally:
        session_ended.disconnect(dispatch_uid="test")
    assert ends == [uuid.UUID(session.id)]


def test_a_deactivated_person_is_out_and_a_reactivated_one_signs_in_again(
    ory: Ory, call: Call, worker: DualClient
) -> None:
    person = ory.person()
    session = person.app_session()
    assert visits(worker, session)
    assert call("deactivate", person.id).state == "inactive"
    assert OryIdentity.objects.get(pk=person.id).state == "inactive"
    assert call("sessions", person.id) == []
    assert not visits(worker, session)
    assert call("activate", person.id).state == "active"
    assert not visits(worker, session)
    assert visits(worker, person.app_session())
    with pytest.raises(NotFound):
        call("deactivate", uuid.uuid4())


@pytest.mark.django_db(transaction=True)
def test_a_deleted_person_is_out_and_their_user_stays(ory: Ory, call: Call, worker: DualClient) -> None:
    person = ory.person()
    session = person.app_session()
    assert visits(worker, session)
    deleted: list[uuid.UUID] = []
    identity_deleted.connect(lambda identity_id, **_: deleted.append(identity_id), weak=False, dispatch_uid="test")
    try:
        call("delete", person.id)
    finally:
        identity_deleted.disconnect(dispatch_uid="test")
    assert deleted == [uuid.UUID(person.id)]
    assert not visits(worker, session)
    assert User.objects.filter(ory_identity=uuid.UUID(person.id)).exists()
    with pytest.raises(NotFound):
        call("delete", person.id)


# --- help


def test_a_recovery_code_and_a_link_hide_what_they_are(ory: Ory, call: Call) -> None:
    person = ory.person()
    code = call("recovery_code", person.id, expires_in=timedelta(hours=2))
    assert code.code.isdecimal()
    assert code.code not in repr(code)
    assert "http" not in repr(code)
    assert timedelta(minutes=119) < code.expires_at - datetime.now(UTC) < timedelta(minutes=121)
    link = call("recovery_link", person.id)
    assert "token=" in link.url
    assert "http" not in repr(link)
    for name in ("recovery_code", "recovery_link"):
        with pytest.raises(NotFound):
            call(name, uuid.uuid4())
        with pytest.raises(ValueError, match="one second"):
            call(name, person.id, expires_in=timedelta(0))


def test_ory_mails_those_whose_address_is_not_verified(ory: Ory, call: Call) -> None:
    person, verified = ory.person(), ory.person(verified=True)
    assert call("resend_verification", person.id) == 1
    assert call("resend_verification", verified.id) == 0
    messages = ory.admin("GET", "/admin/courier/messages").json
    assert [message["recipient"] for message in messages if message["recipient"] == person.email] == [person.email]
    assert verified.email not in {message["recipient"] for message in messages}


def test_lost_second_factors_are_removed(ory: Ory, call: Call) -> None:
    person = ory.person()
    assert call("remove_second_factor", person.id) == ()
    person.browser_session().set_up_totp()
    assert call("remove_second_factor", person.id) == ("totp",)
    assert call("remove_second_factor", person.id) == ()
    assert person.browser_session().whoami()["authenticator_assurance_level"] == "aal1"


# --- both kinds


def test_the_blocking_functions_refuse_to_block_an_event_loop(ory: Ory) -> None:
    async def wrong() -> None:
        identities.get(uuid.uuid4())

    with pytest.raises(SynchronousOnlyOperation, match="aget"):
        async_to_sync(wrong)()


def test_each_function_has_an_async_twin_with_the_same_arguments() -> None:
    import inspect

    functions = [name for name in identities.__all__ if name[0].islower() and f"a{name}" in identities.__all__]
    assert len(functions) * 2 == len([name for name in identities.__all__ if name[0].islower()])
    for name in functions:
        one, twin = getattr(identities, name), getattr(identities, f"a{name}")
        assert inspect.signature(one) == inspect.signature(twin)
        assert one.__doc__ == twin.__doc__
        assert inspect.iscoroutinefunction(twin)
        assert "Steps" not in str(inspect.signature(one))
    assert json.dumps(identities.__all__)
