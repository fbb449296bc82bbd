"""``manage.py ory_export_users``: which users are here afterwards."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from ory_auth.models import OryIdentity
from ory_auth.moving import exporting, pace
from tests.support.admin_proxy import AdminProxy, Refuse
from tests.support.client import DualClient
from tests.support.moving import identity_of, links, make_users, run_command, run_import
from tests.support.ory import Ory, Person
from tests.support.types import ChangeSettings, User
from tests.support.users import user_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("local_ory")]  # a real Ory has identities of other tests


def export(*arguments: str, exit_status: int = 0) -> str:
    return run_command("ory_export_users", *arguments, exit_status=exit_status)


@pytest.fixture
def people(ory: Ory) -> list[Person]:
    return [ory.person(name={"first": f"N{number}"}) for number in range(3)]


def test_everyone_at_ory_becomes_a_user_without_a_password(people: list[Person]) -> None:
    assert "3  new users" in export()
    for person in people:
        user = user_of(person)
        assert user.email == person.email
        assert not user.has_usable_password()


def test_the_person_who_signs_in_is_that_user(people: list[Person], web: DualClient) -> None:
    export()
    name = web.get("/who", headers=people[0].app_session().headers).json()["user"]
    assert name == user_of(people[0]).get_username()
    assert User.objects.count() == 3


def test_a_second_run_changes_nothing(people: list[Person]) -> None:
    export()
    before = links()
    output = export()
    assert "0  new users" in output
    assert "3  users who were here already" in output
    assert links() == before


def test_pages_are_read_to_the_end(people: list[Person], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "PAGE_SIZE", 1)
    assert "3  new users" in export()


def test_a_user_who_was_deleted_here_stays_deleted(people: list[Person]) -> None:
    export()
    user_of(people[0]).delete()
    assert "1  users who were deleted here, and stay so" in export()
    assert User.objects.count() == 2


def test_who_is_inactive_at_ory_is_inactive_here(people: list[Person]) -> None:
    people[0].deactivate()
    export()
    assert [user_of(person).is_active for person in people] == [False, True, True]


def test_a_user_of_an_interrupted_import_is_linked(ory: Ory) -> None:
    [user] = make_users(1)
    run_import()
    OryIdentity.objects.all().delete()
    output = export()
    assert "1  users who were linked" in output
    assert list(links().values()) == [user.pk]
    assert User.objects.count() == 1


def test_a_primary_key_alone_links_no_user(ory: Ory) -> None:
    [user] = make_users(1)
    run_import()
    OryIdentity.objects.all().delete()
    User.objects.filter(pk=user.pk).update(email="another@example.org")
    assert "1  new users" in export()
    assert user.pk not in links().values()


@pytest.mark.parametrize("external_id", ["9" * 40, "-1", "x\u2028y", "1.0", "١"])
def test_an_external_id_of_another_system_is_no_primary_key(ory: Ory, external_id: str) -> None:
    person = ory.person()
    operation = {"op": "add", "path": "/external_id", "value": external_id}
    assert ory.admin("PATCH", f"/admin/identities/{person.id}", body=[operation]).status == 200
    make_users(1)
    assert "1  new users" in export()


def test_an_identity_that_this_site_cannot_take_is_reported(people: list[Person], tmp_path: Path) -> None:
    taken = people[0].id
    User.objects.create(username=taken)
    report = tmp_path / "failures.csv"
    assert "2  new users" in export("--report", str(report), exit_status=1)
    with report.open(newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["code"], row["identity"]) == ("username_conflict", taken)


def test_a_dry_run_changes_nothing(people: list[Person]) -> None:
    User.objects.create(username=people[0].id)
    output = export("--dry-run", exit_status=1)
    assert "2  new users" in output
    assert "Another user has the username" in output
    assert "This was a dry run: nothing was changed." in output
    assert User.objects.count() == 1
    assert not links()


def test_an_outage_ends_the_run_and_it_can_be_continued(
    ory: Ory, people: list[Person], ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PAGE_SIZE", 1)
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(pace, "TRIES", 3)
    proxy = AdminProxy(ory.admin_url, lambda call: Refuse(503) if call.number > 1 else None)
    ory_auth(ADMIN_URL=proxy.url)
    with proxy.running(), pytest.raises(CommandError, match="Run the same command again to continue"):
        export()
    assert len(links()) == 1
    ory_auth(ADMIN_URL=ory.admin_url)
    assert "2  new users" in export()


def test_a_wrong_url_is_explained(ory: Ory, ory_auth: ChangeSettings) -> None:
    ory_auth(ADMIN_URL=f"{ory.admin_url}/nothing")
    with pytest.raises(CommandError, match=r"ORY_AUTH\['ADMIN_URL'\] is not Ory's admin API"):
        export()


@pytest.mark.parametrize("part", [slice(None, -9), slice(1, -2)])
def test_a_run_ends_if_a_body_is_cut(ory: Ory, people: list[Person], ory_auth: ChangeSettings, part: slice) -> None:
    proxy = AdminProxy(ory.admin_url, lambda _: None, lambda body: body[part])
    ory_auth(ADMIN_URL=proxy.url)
    with proxy.running(), pytest.raises(CommandError) as error:
        export()
    assert "incomplete" in str(error.value)
    assert "Check ORY_AUTH['ADMIN_URL']. Run the same command again to continue." in str(error.value)
    assert not links()


def test_an_ory_without_identities_is_explained_if_users_here_are_linked(ory: Ory, people: list[Person]) -> None:
    export()
    for person in people:
        person.delete()
    with pytest.raises(CommandError, match=r"Ory has no identities, but 3 users .* Check that ORY_AUTH\['ADMIN_URL'\]"):
        export()


def test_an_ory_without_identities_is_fine_at_the_beginning(ory: Ory) -> None:
    make_users(1)
    assert "0  new users" in export()


def test_what_was_imported_is_what_comes_back(ory: Ory) -> None:
    [user] = make_users(1, last_name="Lovelace")
    run_import()
    identity: Any = identity_of(user, ory)
    User.objects.all().delete()
    OryIdentity.objects.all().delete()
    export()
    assert User.objects.values_list("email", "first_name", "last_name").get() == (user.email, "N0", "Lovelace")
    assert identity["id"] == str(OryIdentity.objects.get().pk)
