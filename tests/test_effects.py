"""What the admin API says about an identity takes effect here: on the user, the link, the caches and the signals."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections, transaction
from pytest_django import DjangoAssertNumQueries

from ory_auth.conf import conf
from ory_auth.identities.effects import Applied, apply_deletion, apply_identity, apply_session_end
from ory_auth.models import OryIdentity, OrySignIn
from ory_auth.ory.admin_client import admin_client_of
from ory_auth.signals import identity_changed, identity_deleted, session_ended
from ory_auth.types import Identity
from ory_auth.users import delete_user
from tests.support.client import DualClient
from tests.support.ory import Ory, Person
from tests.support.types import ChangeSettings, User
from tests.support.users import new_address, user_of, verify_address

Signals = list[tuple[str, object]]


@pytest.fixture
def received() -> Iterator[Signals]:
    """The signals in their order: (name, primary key of the user, or ``None``)."""
    signals: Signals = []

    def on_change(identity: Identity, user: User | None, **_: object) -> None:
        signals.append(("changed", user and user.pk))

    def on_deletion(identity_id: uuid.UUID, user: User | None, **_: object) -> None:
        signals.append(("deleted", user and user.pk))

    def on_end(session_id: uuid.UUID, identity_id: uuid.UUID, user: User | None, **_: object) -> None:
        signals.append(("ended", user and user.pk))

    identity_changed.connect(on_change)
    identity_deleted.connect(on_deletion)
    session_ended.connect(on_end)
    yield signals
    identity_changed.disconnect(on_change)
    identity_deleted.disconnect(on_deletion)
    session_ended.disconnect(on_end)


def read(person: Person) -> Identity:
    """The identity as the admin API has it now."""
    return Identity.from_json(json.dumps(admin_client_of(conf()).get_identity(uuid.UUID(person.id))).encode())


def link_of(person: Person) -> OryIdentity:
    return OryIdentity.objects.get(pk=person.id)


@pytest.fixture
def visitor(ory: Ory, web: DualClient) -> Person:
    """A person who has a user here."""
    person = ory.person()
    assert web.is_signed_in(person.app_session().headers)
    assert web.get("/who", headers=person.app_session().headers).status_code == 200
    return person


@pytest.mark.django_db(transaction=True)
def test_a_changed_identity_changes_its_user_and_link(visitor: Person, received: Signals) -> None:
    address = new_address()
    visitor.patch("/traits/email", address)
    verify_address(visitor)
    applied = apply_identity(read(visitor), conf())
    assert {"email", "updated_at", "has_verified_address"} <= set(applied.changed)
    assert user_of(visitor).email == address
    link = link_of(visitor)
    assert link.state == "active"
    assert link.has_verified_address is True
    assert link.synced_at is not None
    assert received == [("changed", applied.user.pk)]


@pytest.mark.django_db(transaction=True)
def test_the_same_state_twice_changes_nothing(visitor: Person, received: Signals) -> None:
    visitor.patch("/traits/email", new_address())
    identity = read(visitor)
    apply_identity(identity, conf())
    assert apply_identity(identity, conf()).changed == ()
    assert len(received) == 1


@pytest.mark.django_db(transaction=True)
def test_an_older_state_never_replaces_a_newer_one(visitor: Person, received: Signals) -> None:
    visitor.patch("/traits/email", new_address())
    older = read(visitor)
    visitor.patch("/traits/email", address := new_address())
    apply_identity(read(visitor), conf())
    assert apply_identity(older, conf()).outdated
    assert user_of(visitor).email == address
    assert len(received) == 1


@pytest.mark.django_db(transaction=True)
def test_no_user_is_created_for_an_identity_that_was_never_here(ory: Ory, received: Signals) -> None:
    assert apply_identity(read(ory.person()), conf()) == Applied()
    assert not User.objects.exists()
    assert received == []


@pytest.mark.django_db(transaction=True)
def test_a_user_is_created_on_demand(ory: Ory, received: Signals) -> None:
    person = ory.person()
    applied = apply_identity(read(person), conf(), create=True)
    assert applied.created
    assert user_of(person).email == person.email
    assert link_of(person).state == "active"
    assert received == [("changed", applied.user.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_user_who_was_deleted_here_is_not_created_again(visitor: Person) -> None:
    delete_user(user_of(visitor))
    applied = apply_identity(read(visitor), conf(), create=True)
    assert (applied.user, applied.created) == (None, False)
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("cached")
def test_cached_sessions_are_dropped(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    session = person.app_session()
    assert web.get("/who", headers=session.headers).status_code == 200
    person.deactivate()
    assert web.is_signed_in(session.headers)  # the cache does not know yet
    applied = apply_identity(read(person), conf())
    assert "state" in applied.changed
    assert not web.is_signed_in(session.headers)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("cached")
def test_a_deleted_identity_ends_its_sessions_and_keeps_its_user(ory: Ory, web: DualClient, received: Signals) -> None:
    person = ory.person()
    session = person.app_session()
    assert web.get("/who", headers=session.headers).status_code == 200
    user = user_of(person)
    person.delete()
    assert web.is_signed_in(session.headers)  # the cache does not know yet
    for _ in range(2):
        apply_deletion(uuid.UUID(person.id), conf())
    assert not web.is_signed_in(session.headers)
    assert link_of(person).deleted_at is not None
    assert User.objects.get() == user
    assert received == [("deleted", user.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_state_that_was_read_before_the_deletion_does_not_undo_it(visitor: Person) -> None:
    before = read(visitor)
    apply_deletion(uuid.UUID(visitor.id), conf())
    assert apply_identity(before, conf()).outdated
    assert link_of(visitor).deleted_at is not None


@pytest.mark.django_db(transaction=True)
def test_an_identity_that_ory_has_after_all_is_no_longer_deleted(visitor: Person) -> None:
    apply_deletion(uuid.UUID(visitor.id), conf())
    OryIdentity.objects.update(deleted_at=datetime.now(UTC) - timedelta(minutes=5))
    assert "deleted_at" in apply_identity(read(visitor), conf()).changed
    assert link_of(visitor).deleted_at is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("cached")
def test_an_ended_session_is_refused_and_others_are_not(ory: Ory, web: DualClient, received: Signals) -> None:
    person = ory.person()
    ended, other = person.app_session(), person.app_session()
    for session in (ended, other):
        assert web.get("/who", headers=session.headers).status_code == 200
    for _ in range(2):
        apply_session_end(uuid.UUID(ended.id), conf())
    assert not web.is_signed_in(ended.headers)
    assert web.is_signed_in(other.headers)
    assert list(OrySignIn.objects.values_list("session_id", flat=True)) == [uuid.UUID(other.id)]
    assert received == [("ended", user_of(person).pk)]


@pytest.mark.django_db(transaction=True)
def test_signals_wait_for_the_commit(visitor: Person, received: Signals) -> None:
    visitor.patch("/traits/email", new_address())
    with transaction.atomic():
        apply_identity(read(visitor), conf())
        transaction.set_rollback(True)
    assert received == []
    assert user_of(visitor).email == visitor.email


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("commit", "number"), [(False, 0), (True, 1)])
def test_signals_about_a_deletion_wait_for_the_commit(
    visitor: Person, received: Signals, commit: bool, number: int
) -> None:
    with transaction.atomic():
        apply_deletion(uuid.UUID(visitor.id), conf())
        assert received == []
        transaction.set_rollback(not commit)
    assert [name for name, _ in received] == ["deleted"] * number
    assert (link_of(visitor).deleted_at is not None) is commit


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("commit", "number"), [(False, 0), (True, 1)])
def test_signals_about_a_session_wait_for_the_commit(
    ory: Ory, web: DualClient, received: Signals, commit: bool, number: int
) -> None:
    session = ory.person().app_session()
    assert web.get("/who", headers=session.headers).status_code == 200
    with transaction.atomic():
        apply_session_end(uuid.UUID(session.id), conf())
        assert received == []
        transaction.set_rollback(not commit)
    assert [name for name, _ in received] == ["ended"] * number


@pytest.mark.django_db(transaction=True)
def test_only_a_user_whom_this_package_has_deactivated_is_activated_again(visitor: Person) -> None:
    user = user_of(visitor)
    User.objects.update(is_active=False)
    visitor.patch("/traits/email", new_address())
    apply_identity(read(visitor), conf())
    assert not User.objects.get(pk=user.pk).is_active  # the project has deactivated them
    OryIdentity.objects.update(deactivated_at=datetime.now(UTC))
    assert "is_active" in apply_identity(read(visitor), conf()).changed
    assert User.objects.get(pk=user.pk).is_active
    assert link_of(visitor).deactivated_at is None


@pytest.mark.django_db(transaction=True)
def test_a_person_who_is_active_again_at_ory_can_sign_in_again(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    assert web.get("/who", headers=person.app_session().headers).status_code == 200
    User.objects.update(is_active=False)
    OryIdentity.objects.update(deactivated_at=datetime.now(UTC))
    assert web.get("/who", headers=person.app_session().headers).json()["user"] == ""
    person.patch("/traits/name", {"first": "Ada"})  # a later state of the identity, which is active
    assert web.get("/who", headers=person.app_session().headers).json()["pk"] == str(user_of(person).pk)


@pytest.mark.django_db(databases=[])
def test_two_at_once_create_one_user(ory: Ory, received: Signals, own_database: None) -> None:
    identity = read(ory.person())

    def create(_: int) -> bool:
        try:
            return apply_identity(identity, conf(), create=True).created
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(create, range(4))) == 1
    assert User.objects.count() == 1
    assert [name for name, _ in received].count("changed") == 1


@pytest.mark.django_db(transaction=True)
def test_an_unchanged_identity_costs_few_queries(
    visitor: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    identity = read(visitor)
    apply_identity(identity, conf())
    with django_assert_max_num_queries(8):
        apply_identity(identity, conf())


@pytest.mark.django_db
def test_roles_give_groups(web: DualClient, ory: Ory, ory_auth: ChangeSettings) -> None:
    ory_auth(GROUPS={"metadata_admin.role": {"editor": ["Editors"]}})
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    patch = [{"op": "add", "path": "/metadata_admin", "value": {"role": "editor"}}]
    assert ory.admin("PATCH", f"/admin/identities/{person.id}", body=patch).status == 200
    assert "groups" in apply_identity(read(person), conf()).changed
    assert list(user_of(person).groups.values_list("name", flat=True)) == ["Editors"]
    assert apply_identity(read(person), conf()).changed == ()
