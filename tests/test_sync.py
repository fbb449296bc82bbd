"""``manage.py ory_sync``: users follow all identities at Ory, also those of people who are not here."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from threading import Event as ThreadEvent
from typing import Any

import django
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity, OrySyncRun
from ory_auth.signals import identity_changed, identity_deleted, user_created, user_updated
from ory_auth.synchronization import Drift, Summary, SyncStopped, listing, synchronize
from ory_auth.synchronization.options import OnProgress
from ory_auth.users import delete_user
from tests.support.admin_proxy import AdminProxy
from tests.support.ory import Ory, Person, Session
from tests.support.types import ChangeSettings, User
from tests.support.users import USERNAME_IS_EMAIL, make_user, new_address, set_metadata, user_of, verify_address

pytestmark = pytest.mark.django_db

CALLED: list[tuple[Any, Any]] = []


@pytest.fixture(autouse=True)
def _no_other_identities(ory: Ory) -> None:
    """A real Ory still has those of other tests."""
    if ory.local is None:
        while identities := ory.admin("GET", "/admin/identities").json:
            for identity in identities:
                ory.admin("DELETE", f"/admin/identities/{identity['id']}")


def note_call(user: User, argument: object) -> None:
    """A policy of the project."""
    CALLED.append((user.pk, argument))


def fail(user: User, argument: object) -> None:
    raise RuntimeError("a trait: ada@example.org")


def sync(*arguments: str) -> str:
    """What ``manage.py ory_sync`` prints."""
    out = io.StringIO()
    call_command("ory_sync", *arguments, stdout=out, stderr=io.StringIO(), no_color=True)
    return out.getvalue()


def visitor(ory: Ory, **options: Any) -> Person:
    """A person who has a user here."""
    person = ory.person(**options)
    visit(person)
    return person


def visit(person: Person) -> Session:
    session = person.app_session()
    assert Client().get("/who", headers=session.headers).status_code == 200
    return session


def link_of(person: Person) -> OryIdentity:
    return OryIdentity.objects.get(pk=person.id)


def counts(summary: Summary) -> dict[Drift, int]:
    return {drift: number for drift, number in summary.counts.items() if number}


# --- fields, state, groups --------------------------------------------------------------------------------------------


def test_a_changed_identity_changes_its_user(ory: Ory) -> None:
    person, other = visitor(ory), visitor(ory)
    address = new_address()
    person.patch("/traits/email", address)
    summary = synchronize()
    assert user_of(person).email == address
    assert user_of(other).email == other.email
    assert (summary.identities, summary.in_sync, counts(summary)) == (2, 1, {Drift.FIELDS: 1})
    assert summary.examples[Drift.FIELDS] == [uuid.UUID(person.id)]
    assert counts(synchronize()) == {}


def test_a_field_that_was_changed_here_follows_ory_again(ory: Ory) -> None:
    person = visitor(ory, name={"first": "Ada"})
    User.objects.filter(pk=user_of(person).pk).update(first_name="Eve")
    assert counts(synchronize()) == {Drift.FIELDS: 1}
    assert user_of(person).first_name == "Ada"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b'{"a":' * 9_000 + b"1" + b"}" * 9_000, id="deep"),
        pytest.param(b'{"a":' * 400 + b"1" + b"}" * 400, id="less deep"),
        pytest.param(b"1" * 5_000, id="a long number"),
        pytest.param(b"1e999", id="a large number"),
        pytest.param(b'"\\ud800\\u0000"', id="no text"),
        pytest.param(b'"' + b"x" * 1_100_000 + b'"', id="a long text"),
    ],
)
def test_odd_traits_of_one_person_do_not_disturb_the_others(
    ory: Ory, ory_auth: ChangeSettings, caplog: pytest.LogCaptureFixture, value: bytes
) -> None:
    """Ory stores all of these, if the identity schema leaves a part of the traits open."""
    odd, person, deleted = visitor(ory, name={"first": "odd-value"}), visitor(ory), visitor(ory)
    person.patch("/traits/email", address := new_address())
    odd.patch("/traits/email", odd_address := new_address())
    deleted.delete()
    proxy = AdminProxy(ory.admin_url, lambda _: None, lambda body: body.replace(b'"odd-value"', value))
    ory_auth(ADMIN_URL=proxy.url)
    with proxy.running():
        summary = synchronize()
    assert (user_of(person).email, user_of(odd).email) == (address, odd_address)
    assert not user_of(deleted).is_active
    assert Drift.FAILED not in counts(summary)


def test_an_identity_that_cannot_be_read_is_not_deleted(ory: Ory, ory_auth: ChangeSettings) -> None:
    odd, deleted = visitor(ory), visitor(ory)
    deleted.delete()
    created_at = ory.admin("GET", f"/admin/identities/{odd.id}").json["created_at"].encode()
    proxy = AdminProxy(ory.admin_url, lambda _: None, lambda body: body.replace(created_at, b"yesterday"))
    ory_auth(ADMIN_URL=proxy.url)
    with proxy.running():
        summary = synchronize()
    assert counts(summary) == {Drift.FAILED: 1, Drift.DELETED: 1}
    assert user_of(odd).is_active


def test_roles_follow(ory: Ory, ory_auth: ChangeSettings) -> None:
    person = visitor(ory)
    ory_auth(GROUPS={"metadata_admin.role": {"editor": {"groups": ["Editors"], "is_staff": True}}})
    patch = [{"op": "add", "path": "/metadata_admin", "value": {"role": "editor"}}]
    assert ory.admin("PATCH", f"/admin/identities/{person.id}", body=patch).status == 200
    assert counts(synchronize(dry_run=True)) == {Drift.ACCESS: 1}
    assert not user_of(person).is_staff
    assert counts(synchronize()) == {Drift.ACCESS: 1}
    assert user_of(person).is_staff
    assert user_of(person).groups.get().name == "Editors"
    assert counts(synchronize()) == {}


def test_a_deactivated_person_becomes_inactive_and_active_again(ory: Ory) -> None:
    person = visitor(ory)
    person.deactivate()
    summary = synchronize()
    assert (counts(summary), summary.deactivated) == ({Drift.INACTIVE: 1}, 1)
    assert not user_of(person).is_active
    assert link_of(person).state == "inactive"
    person.patch("/state", "active")
    assert counts(synchronize()) == {Drift.ACTIVE: 1}
    assert user_of(person).is_active
    assert link_of(person).deactivated_at is None


def test_a_person_who_was_activated_again_can_sign_in_before_the_next_synchronization(ory: Ory) -> None:
    person = visitor(ory)
    person.deactivate()
    synchronize()
    person.patch("/state", "active")
    visit(person)
    assert user_of(person).is_active


def test_a_user_whom_the_project_deactivated_stays_inactive(ory: Ory) -> None:
    person = visitor(ory)
    User.objects.filter(pk=user_of(person).pk).update(is_active=False)
    person.deactivate()
    synchronize()
    person.patch("/state", "active")
    synchronize()
    assert not user_of(person).is_active


@pytest.mark.parametrize("what", ["inactive", "deleted"])
def test_users_of_deactivated_and_deleted_people_may_stay_active(ory: Ory, what: str) -> None:
    person, _ = visitor(ory), visitor(ory)
    person.deactivate() if what == "inactive" else person.delete()
    sync(f"--{what}=keep")
    assert user_of(person).is_active
    link = link_of(person)
    assert (link.state, link.deleted_at is None) == (("inactive", True) if what == "inactive" else ("active", False))


@pytest.mark.parametrize("what", ["inactive", "deleted"])
def test_a_function_of_the_project_decides_what_becomes_of_the_user(ory: Ory, what: str) -> None:
    CALLED.clear()
    person, _ = visitor(ory), visitor(ory)
    person.deactivate() if what == "inactive" else person.delete()
    sync(f"--{what}=tests.test_sync.note_call")
    [(key, argument)] = CALLED
    assert key == user_of(person).pk
    assert str(getattr(argument, "id", argument)) == person.id
    assert user_of(person).is_active


def test_an_error_in_that_function_fails_one_person_and_leaks_nothing(
    ory: Ory, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = visitor(ory), visitor(ory)
    second.patch("/traits/email", address := new_address())
    first.deactivate()
    with pytest.raises(CommandError, match="1 person could not be synchronized"):
        sync("--inactive=tests.test_sync.fail")
    assert user_of(second).email == address
    assert f"sync_failed identity={first.id} error=RuntimeError" in caplog.text
    assert "ada@example.org" not in caplog.text


@pytest.mark.parametrize("value", ["delete", "tests.test_sync.no_such", "tests.test_sync.CALLED"])
def test_a_policy_must_be_known(ory: Ory, value: str) -> None:
    with pytest.raises(CommandError, match=r"deleted: .* Use 'deactivate', 'keep', or the dotted path"):
        sync(f"--deleted={value}")


# --- deletions --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_deleted_person_becomes_inactive_and_their_session_ends(ory: Ory) -> None:
    person, other = visitor(ory), visitor(ory)
    session, told = visit(person), []
    receiver = lambda identity_id, user, **_: told.append((str(identity_id), user.pk))  # noqa: E731
    identity_deleted.connect(receiver)
    person.delete()
    assert Client().get("/session", headers=session.headers).json()["session"] == session.id  # still in the cache
    summary = synchronize()
    assert (counts(summary), summary.deactivated) == ({Drift.DELETED: 1}, 1)
    assert not user_of(person).is_active
    assert user_of(other).is_active
    assert link_of(person).deleted_at is not None
    assert Client().get("/session", headers=session.headers).json()["session"] is None
    assert told == [(person.id, user_of(person).pk)]
    assert counts(synchronize()) == {}


def test_another_ory_deletes_no_user(ory: Ory) -> None:
    people = [visitor(ory) for _ in range(3)]
    for person in people:
        person.delete()
    with pytest.raises(CommandError, match="Ory knows none of the 3 identities"):
        sync()
    with pytest.raises(CommandError, match=r"does not have 3 of the 3 .* --allow-deletions 3"):
        sync("--allow-deletions=2")
    assert User.objects.filter(is_active=True).count() == 3
    sync("--allow-deletions=3")
    assert User.objects.filter(is_active=True).count() == 0


def test_many_deletions_at_once_are_not_believed(ory: Ory) -> None:
    visitor(ory)
    User.objects.bulk_create([User(**_fields(number)) for number in range(6)])
    users = User.objects.exclude(ory_identity__isnull=False)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    OryIdentity.objects.bulk_create(
        [OryIdentity(id=uuid.uuid4(), user=user, updated_at=epoch, authenticated_at=epoch) for user in users]
    )
    with pytest.raises(CommandError, match=r"does not have 6 of the 7 .* --allow-deletions 6"):
        sync()
    assert User.objects.filter(is_active=False).count() == 0
    assert "  deleted at Ory  6  " in sync("--dry-run")
    sync("--allow-deletions=6")
    assert User.objects.filter(is_active=False).count() == 6


def _fields(number: int) -> dict[str, str]:
    name = f"person{number}"
    return {"email": f"{name}@example.org"} | ({} if USERNAME_IS_EMAIL else {"username": name})


def test_a_person_who_is_missing_in_the_list_only_is_not_deleted(ory: Ory) -> None:
    """The row is from before the run, and was not listed: as with a list of Ory Network that lags behind."""
    person = visitor(ory)
    OrySyncRun.objects.create(pk=1, started_at=datetime.now(UTC) + timedelta(minutes=1), page_token="listed")
    assert counts(synchronize()) == {}
    assert link_of(person).deleted_at is None


# --- people without a user --------------------------------------------------------------------------------------------


def test_people_who_never_signed_in_here_are_counted_or_created(ory: Ory) -> None:
    person = ory.person(name={"first": "Ada"})
    printed = sync()
    assert "never signed in here  1" in " ".join(printed.split(" ")).replace("   ", "  ")
    assert person.id in printed
    assert "--create" in printed
    assert User.objects.count() == 0
    assert synchronize(create=True).created == 1
    assert user_of(person).first_name == "Ada"
    assert counts(synchronize(create=True)) == {}
    visit(person)
    assert User.objects.count() == 1


def test_the_command_says_how_many_users_it_has_created_and_deactivated(ory: Ory) -> None:
    visitor(ory).delete()
    ory.person()
    ory.person()
    printed = sync("--create", "--allow-deletions", "1")
    assert "2 users were created.\n1 user was deactivated.\n" in printed
    assert "deactivated." not in sync("--create")


@pytest.mark.django_db(transaction=True)
def test_receivers_hear_of_users_who_are_created_and_updated(ory: Ory) -> None:
    heard: list[tuple[str, object, object]] = []

    def on_creation(user: User, request: object, **_: object) -> None:
        heard.append(("created", user.email, request))

    def on_update(user: User, request: object, **_: object) -> None:
        heard.append(("updated", user.email, request))

    user_created.connect(on_creation)
    user_updated.connect(on_update)
    person = ory.person()
    synchronize(create=True)
    person.patch("/traits/email", address := new_address())
    synchronize()
    synchronize()
    assert heard == [("created", person.email, None), ("updated", address, None)]


def test_a_user_who_was_deleted_here_is_not_created_again(ory: Ory) -> None:
    person = visitor(ory)
    delete_user(user_of(person))
    assert counts(synchronize(create=True)) == {Drift.DELETED_HERE: 1}
    assert User.objects.count() == 0
    visit(person)
    assert User.objects.count() == 1


def test_a_person_who_was_deleted_on_both_sides_is_noted_once(ory: Ory) -> None:
    person, _ = visitor(ory), visitor(ory)
    delete_user(user_of(person))
    person.delete()
    assert counts(synchronize()) == {Drift.DELETED: 1}
    assert counts(synchronize()) == {}
    assert link_of(person).user is None


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("size", [2, 3])
def test_people_who_exchange_addresses_all_get_the_right_one(ory: Ory, size: int, verified: bool) -> None:
    people = [visitor(ory) for _ in range(size)]
    addresses = [person.email for person in people]
    for person in people:
        person.patch("/traits/email", new_address())
    for person, address in zip(people, [*addresses[1:], addresses[0]], strict=True):
        person.patch("/traits/email", address)
        if verified:
            verify_address(person)
    synchronize()
    assert [user_of(person).email for person in people] == [*addresses[1:], addresses[0]]
    assert counts(synchronize()) == {}


@pytest.mark.parametrize("create", [True, False])
def test_an_identity_that_was_deleted_and_recreated_gets_a_new_user(ory: Ory, create: bool) -> None:
    old, _ = visitor(ory), visitor(ory)
    old.delete()
    new = ory.person(email=old.email)
    synchronize(create=create)
    if not create:
        visit(new)
    assert user_of(new).email == old.email
    assert user_of(new) != user_of(old)
    assert not user_of(old).is_active
    if USERNAME_IS_EMAIL:
        assert user_of(old).email != old.email


@pytest.mark.skipif(USERNAME_IS_EMAIL, reason="about a name that Ory lets several people have")
def test_a_name_that_ory_does_not_know_stays_with_its_user(ory: Ory, ory_auth: ChangeSettings) -> None:
    """Otherwise a person who chooses a staff member's name at Ory would take it from them."""
    staff, person = visitor(ory), visitor(ory)
    User.objects.filter(pk=user_of(staff).pk).update(username="boss")  # such as before ory_link; not in the traits
    ory_auth(USER_FIELDS={"email": "traits.email", "username": "traits.name.first"})
    person.patch("/traits/name", {"first": "boss"})
    summary = synchronize()
    assert user_of(staff).username == "boss"
    assert user_of(person).username != "boss"
    assert counts(summary)[Drift.CONFLICT] == 1


@pytest.mark.skipif(USERNAME_IS_EMAIL, reason="about a name that Ory lets several people have")
def test_a_name_that_its_user_has_given_up_at_ory_is_free(ory: Ory, ory_auth: ChangeSettings) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", "username": "traits.name.first"})
    one, other = visitor(ory, name={"first": "ada"}), visitor(ory, name={"first": "grace"})
    one.patch("/traits/name", {"first": "grace"})
    other.patch("/traits/name", {"first": "ada"})
    synchronize()
    assert [user_of(each).username for each in (one, other)] == ["grace", "ada"]


def test_of_merged_people_one_stays(ory: Ory) -> None:
    """Two identities of one person: the address moves to one of them, and the other one is deleted."""
    one, other = visitor(ory), visitor(ory)
    other.delete()
    one.patch("/traits/email", other.email)
    synchronize()
    assert user_of(one).email == other.email
    assert user_of(one).is_active
    assert not user_of(other).is_active
    assert counts(synchronize()) == {}


def test_an_address_of_a_user_without_an_identity_is_reported(ory: Ory) -> None:
    person = visitor(ory)
    if not USERNAME_IS_EMAIL:
        pytest.skip("of users whose e-mail is unique")
    make_user("local", email=(address := new_address()))
    person.patch("/traits/email", address)
    assert counts(synchronize()) == {Drift.FIELDS: 1, Drift.CONFLICT: 1}
    assert user_of(person).email == person.email


# --- other changes at the same time -----------------------------------------------------------------------------------


def test_a_state_that_is_newer_than_the_listed_one_wins(ory: Ory) -> None:
    """The second person changes again, and is here, after the page was listed and before it is their turn."""
    first, second = sorted((visitor(ory) for _ in range(2)), key=lambda person: person.id)
    for person in (first, second):
        person.patch("/traits/email", new_address())
    address = new_address()
    notes: list[str] = []

    def change(done: int, total: int | None, note: str) -> None:
        if user_of(first).email != first.email and not notes:
            notes.append(note)
            second.patch("/traits/email", address)
            second.email = address
            visit(second)

    synchronize(on_progress=change)
    assert notes
    assert user_of(second).email == address
    assert counts(synchronize()) == {}


def test_a_person_who_was_activated_again_meanwhile_stays_active(ory: Ory) -> None:
    first, second = sorted((visitor(ory) for _ in range(2)), key=lambda person: person.id)
    for person in (first, second):
        person.deactivate()
    notes: list[str] = []

    def change(done: int, total: int | None, note: str) -> None:
        if not user_of(first).is_active and not notes:
            notes.append(note)
            second.patch("/state", "active")
            visit(second)

    synchronize(on_progress=change)
    assert notes
    assert user_of(second).is_active
    assert link_of(second).deactivated_at is None


# --- the run ----------------------------------------------------------------------------------------------------------


def test_a_dry_run_changes_nothing(ory: Ory) -> None:
    changed, inactive, deleted, _ = (visitor(ory) for _ in range(4))
    changed.patch("/traits/email", new_address())
    inactive.deactivate()
    deleted.delete()
    ory.person()
    before = list(OryIdentity.objects.order_by("pk").values()), list(User.objects.order_by("pk").values())
    printed = sync("--dry-run")
    assert (list(OryIdentity.objects.order_by("pk").values()), list(User.objects.order_by("pk").values())) == before
    assert not OrySyncRun.objects.exists()
    for kind, person in (("fields", changed), ("deactivated at Ory", inactive), ("deleted at Ory", deleted)):
        [line] = [line for line in printed.splitlines() if line.startswith(f"  {kind} ")]
        assert line.split()[-2:] == ["1", person.id]
    assert "Nothing was changed (--dry-run)." in printed


def test_people_in_sync_cost_no_query_of_their_own(ory: Ory) -> None:
    visitor(ory)
    synchronize()
    with CaptureQueriesContext(connection) as few:
        synchronize()
    for _ in range(4):
        visitor(ory)
    synchronize()
    with CaptureQueriesContext(connection) as more:
        synchronize()
    assert len(more) == len(few)


def test_new_links_of_an_import_cost_no_query_of_their_own(ory: Ory) -> None:
    def synchronize_new_links() -> int:
        OryIdentity.objects.update(updated_at=datetime(1970, 1, 1, tzinfo=UTC))
        with CaptureQueriesContext(connection) as queries:
            assert counts(synchronize()) == {}
        return len(queries)

    people = [visitor(ory)]
    number = synchronize_new_links()
    people += [visitor(ory) for _ in range(3)]
    assert synchronize_new_links() == number
    for person in people:
        identity = ory.admin("GET", f"/admin/identities/{person.id}").json
        assert link_of(person).updated_at == datetime.fromisoformat(identity["updated_at"])


def test_links_from_older_versions_get_their_columns_without_a_signal(ory: Ory) -> None:
    person, told = visitor(ory), []
    receiver = lambda identity, **_: told.append(identity.id)  # noqa: E731
    identity_changed.connect(receiver)
    OryIdentity.objects.update(state="", has_verified_address=None)
    assert counts(synchronize()) == {}
    assert (link_of(person).state, link_of(person).has_verified_address, told) == ("active", False, [])


@pytest.mark.django_db(transaction=True)
def test_a_change_that_no_field_shows_is_announced(ory: Ory) -> None:
    person, told = visitor(ory), []
    session = visit(person)
    receiver = lambda identity, user, **_: told.append((str(identity.id), user.pk))  # noqa: E731
    identity_changed.connect(receiver)
    set_metadata(person, {"plan": "gold"})
    synchronize()
    assert told == [(person.id, user_of(person).pk)]
    told.clear()
    synchronize()
    assert told == []
    metadata = Client().get("/session", headers=session.headers).json()
    assert metadata["session"] == session.id


def interrupt(ory: Ory, pages: int) -> None:
    """Stop a synchronization with pages of one identity after this many pages."""
    stop = ThreadEvent()

    def count(done: int, total: int | None, note: str) -> None:
        if done == pages:
            stop.set()

    with pytest.raises(SyncStopped, match="Run it again"):
        synchronize(page_size=1, on_progress=count, stop=stop)


def test_an_interrupted_run_goes_on(ory: Ory) -> None:
    people = sorted([visitor(ory) for _ in range(4)], key=lambda person: person.id)
    interrupt(ory, 2)
    people[0].patch("/traits/email", new_address())
    people[3].patch("/traits/email", address := new_address())
    summary = synchronize()
    assert summary.compared_before == 2
    assert summary.identities == 2
    assert user_of(people[0]).email == people[0].email  # the next run finds it
    assert user_of(people[3]).email == address
    assert OrySyncRun.objects.get().finished_at is not None
    assert synchronize().identities == 4


def test_an_interrupted_run_may_begin_again(ory: Ory) -> None:
    people = [visitor(ory) for _ in range(3)]
    interrupt(ory, 2)
    assert synchronize(restart=True).identities == len(people)
    assert OrySyncRun.objects.count() == 1


def test_two_runs_at_once_are_refused(ory: Ory) -> None:
    visitor(ory)
    later = datetime.now(UTC) + timedelta(seconds=60)
    OrySyncRun.objects.create(pk=7, started_at=datetime.now(UTC), leased_until=later)
    for arguments in ([], ["--restart"]):
        with pytest.raises(CommandError, match=r"under way.*can begin in (59|60|61) seconds"):
            sync(*arguments)
    OrySyncRun.objects.update(leased_until=datetime.now(UTC) - timedelta(seconds=1))
    sync()
    assert OrySyncRun.objects.get().finished_at is not None


def test_a_run_that_lost_its_lease_stops(ory: Ory) -> None:
    for _ in range(2):
        visitor(ory)

    def take_over(done: int, total: int | None, note: str) -> None:
        OrySyncRun.objects.update(leased_until=datetime.now(UTC) + timedelta(hours=1))

    with pytest.raises(SyncStopped, match="taken over"):
        synchronize(page_size=1, on_progress=take_over)


@contextmanager
def failing_once(local_ory: LocalOry, status: int, headers: dict[str, str]) -> Iterator[OnProgress]:
    """The list fails until the synchronization waits. Yields what to pass as ``on_progress``."""
    with ExitStack() as faults:
        faults.enter_context(local_ory.failing(status, headers, path="/admin/identities"))
        notes: list[str] = []

        def on_progress(done: int, total: int | None, note: str) -> None:
            if note:
                notes.append(note)
                faults.close()

        yield on_progress
        assert notes


@pytest.mark.parametrize(("status", "headers"), [(503, {}), (429, {"Retry-After": "0"})])
def test_a_page_that_fails_is_asked_for_again(
    ory: Ory, local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch, status: int, headers: dict[str, str]
) -> None:
    monkeypatch.setattr(listing, "BACKOFF_SECONDS", 0.01)
    visitor(ory)
    with failing_once(local_ory, status, headers) as on_progress:
        assert synchronize(on_progress=on_progress).identities == 1


def test_an_identity_that_cannot_be_read_fails_and_is_not_shown(ory: Ory, local_ory: LocalOry) -> None:
    person = visitor(ory)
    good = json.dumps(ory.admin("GET", f"/admin/identities/{person.id}").json)
    body = f'[{good}, {{"id": "no UUID", "traits": {{"email": "ada@example.org"}}}}]'.encode()
    with (
        local_ory.failing(200, {"Content-Type": "application/json"}, body, path="/admin/identities"),
        pytest.raises(CommandError, match="1 person could not be synchronized") as caught,
    ):
        sync()
    assert "ada@example.org" not in repr(caught.value)


def test_an_outage_stops_the_run(ory: Ory, local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "BACKOFF_SECONDS", 0.01)
    visitor(ory)
    with local_ory.failing(503, path="/admin/identities"), pytest.raises(CommandError, match="answered 503"):
        sync()
    assert synchronize().identities == 1


def test_a_body_that_is_cut_is_asked_for_again(
    ory: Ory, ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "BACKOFF_SECONDS", 0.01)
    for _ in range(3):
        visitor(ory)
    pages: list[bytes] = []

    def cut(body: bytes) -> bytes:
        pages.append(body)
        return body[:-9] if len(pages) == 3 or len(pages) > 4 else body

    proxy = AdminProxy(ory.admin_url, lambda _: None, cut)
    ory_auth(ADMIN_URL=proxy.url)
    with proxy.running(), pytest.raises(CommandError) as error:
        sync("--page-size", "1")
    text = str(error.value)
    assert "incomplete" in text
    assert "Check ORY_AUTH['ADMIN_URL']. Run the same command again to continue." in text
    ory_auth(ADMIN_URL=ory.admin_url)
    assert synchronize().compared_before == 2


def test_it_needs_the_admin_api(ory: Ory, settings: Settings) -> None:
    settings.ORY_AUTH = {"SDK_URL": ory.public_url}
    with pytest.raises(CommandError, match=r"Set ORY_AUTH\['ADMIN_URL'\]"):
        sync()
    settings.ORY_AUTH = {"SDK_URL": ory.public_url, "ADMIN_URL": f"{ory.admin_url}/wrong"}
    with pytest.raises(CommandError, match="is not Ory's admin API"):
        sync()


def test_quiet_runs_print_nothing(ory: Ory) -> None:
    visitor(ory)
    assert sync("--verbosity=0") == ""


@pytest.mark.skipif(django.VERSION < (6, 0), reason="Django has tasks since 6.0")
def test_it_runs_as_a_task_of_django(ory: Ory) -> None:
    tasks: Any = import_module("django.tasks")
    visitor(ory)
    result = tasks.task(count_identities).enqueue()
    assert result.return_value == 1


def count_identities() -> int:
    return synchronize().identities


# --- ory_check --------------------------------------------------------------------------------------------------------


def findings() -> dict[str, str]:
    """The lines of ``ory_check`` about synchronizations: level → text."""
    out = io.StringIO()
    with suppress(SystemExit, CommandError):
        call_command("ory_check", "--json", stdout=out)
    return {f["level"]: f["found"] for f in json.loads(out.getvalue())["findings"] if f["check"] == "synchronization"}


def test_ory_check_tells_when_the_last_run_was(ory: Ory) -> None:
    assert findings() == {}
    visitor(ory)
    synchronize()
    assert findings() == {"ok": "complete just now; identities compared: 1"}
    OrySyncRun.objects.update(finished_at=datetime.now(UTC) - timedelta(days=3))
    assert "3 days ago" in findings()["warning"]
    visitor(ory)
    interrupt(ory, 1)
    assert "not complete" in findings()["warning"]
