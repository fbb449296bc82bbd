"""``manage.py ory_import_users``: who is at Ory afterwards, who is not and why, and what a second run does."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db.models import QuerySet

from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity
from tests.support.admin_proxy import AdminProxy
from tests.support.client import DualClient
from tests.support.moving import (
    PASSWORD,
    can_sign_in,
    identity_of,
    links,
    make_users,
    run_command,
    run_import,
)
from tests.support.ory import Ory, Person
from tests.support.types import ChangeSettings, User
from tests.support.users import USERNAME_IS_EMAIL, verify_address

pytestmark = pytest.mark.django_db
HERE = "tests.test_ory_import_users"


def report(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# --- who is at Ory afterwards -----------------------------------------------------------------------------------------


def test_people_sign_in_at_ory_with_the_password_they_had(ory: Ory) -> None:
    [user, _] = make_users(2)
    assert "2 users imported" in run_import()
    assert can_sign_in(user.email, ory)
    assert not can_sign_in(user.email, ory, "another-password-7")


def test_the_person_is_the_same_user_as_before(ory: Ory, web: DualClient) -> None:
    [user] = make_users(1)
    run_import()
    flow = ory.public("GET", "/self-service/login/api").json
    form = {"method": "password", "identifier": user.email, "password": PASSWORD}
    token = ory.public("POST", f"/self-service/login?flow={flow['id']}", body=form).json["session_token"]
    assert web.get("/who", headers={"X-Session-Token": token}).json()["user"] == user.get_username()
    assert User.objects.count() == 1


def test_ory_has_the_fields_and_the_primary_key(ory: Ory) -> None:
    [user] = make_users(1, last_name="Lovelace", is_active=False)
    run_import()
    identity = identity_of(user, ory)
    assert identity is not None
    assert identity["traits"] == {"email": user.email, "name": {"first": "N0", "last": "Lovelace"}}
    assert identity["state"] == "inactive"
    assert OryIdentity.objects.get(user=user).state == "inactive"


def test_the_django_password_stays(ory: Ory) -> None:
    [user] = make_users(1)
    run_import()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_more_people_than_fit_into_one_batch(ory: Ory) -> None:
    users = make_users(7)
    assert "7 users imported" in run_import("--batch-size", "2", "--parallel", "3")
    assert {user.pk for user in users} == set(links().values())


def test_a_batch_of_exactly_one(ory: Ory) -> None:
    make_users(1)
    assert "1 user imported" in run_import()


# --- a second run -----------------------------------------------------------------------------------------------------


def test_a_second_run_changes_nothing_and_says_so(ory: Ory) -> None:
    make_users(2)
    run_import()
    before = links()
    output = run_import()
    assert "0 users to import, 2 at Ory already." in output
    assert "Nothing to do." in output
    assert links() == before


def test_new_users_are_imported_by_the_next_run(ory: Ory) -> None:
    make_users(1)
    run_import()
    make_users(1)
    assert "1 user to import, 1 at Ory already." in run_import()
    assert len(links()) == 2


def test_who_is_at_ory_without_a_link_is_found_again(ory: Ory) -> None:
    make_users(3)
    run_import()
    before = links()
    OryIdentity.objects.all().delete()
    assert "Ory had 3 of them from a run that was interrupted." in run_import()
    assert links() == before


def test_a_link_whose_user_was_deleted_gets_the_new_user(ory: Ory) -> None:
    [user] = make_users(1)
    run_import()
    OryIdentity.objects.update(user=None)
    run_import()
    assert list(links().values()) == [user.pk]


# --- who cannot be imported -------------------------------------------------------------------------------------------


def test_an_address_that_another_identity_has_is_reported(ory: Ory, tmp_path: Path) -> None:
    person = ory.person()
    [user, other] = make_users(2)
    User.objects.filter(pk=user.pk).update(email=person.email)
    output = run_import("--report", str(tmp_path / "failures.csv"), exit_status=1)
    assert "1 user imported" in output
    assert "Another identity at Ory has the same e-mail address" in output
    [row] = report(tmp_path / "failures.csv")
    assert (row["user"], row["code"], row["identity"]) == (str(user.pk), "taken", person.id)
    assert person.email not in output + (tmp_path / "failures.csv").read_text()
    assert list(links().values()) == [other.pk]


def test_an_external_id_that_another_identity_has_is_reported(ory: Ory) -> None:
    [user] = make_users(1)
    person = ory.person()
    ory.admin(
        "PATCH",
        f"/admin/identities/{person.id}",
        body=[{"op": "add", "path": "/external_id", "value": str(user.pk)}],
    )
    assert "has the user's primary key as external_id" in run_import(exit_status=1)
    assert not links()


@pytest.mark.parametrize("address", ["changed", "registered"])
def test_a_person_of_another_system_cannot_take_over_a_user(ory: Ory, address: str) -> None:
    """That system uses the same numbers as ``external_id``, and people choose their unverified address at Ory."""
    [user] = make_users(1)
    person = ory.person(email=user.email if address == "registered" else None, password="Mallory-8-legs")
    operation = {"op": "add", "path": "/external_id", "value": str(user.pk)}
    ory.admin("PATCH", f"/admin/identities/{person.id}", body=[operation])
    person.patch("/traits/email", user.email)
    assert "has the user's primary key as external_id" in run_import(exit_status=1)
    run_command("ory_export_users", exit_status=int(USERNAME_IS_EMAIL))
    assert user.pk not in links().values()


def interrupted(ory: Ory, **fields: Any) -> tuple[User, str]:
    """A user whose identity was created by a run that was killed before it could link the two."""
    [user] = make_users(1, **fields)
    run_import()
    OryIdentity.objects.all().delete()
    identity = identity_of(user, ory)
    assert identity
    return user, identity["id"]


@pytest.mark.parametrize("verified", [True, False])
def test_a_person_who_has_signed_in_meanwhile_is_linked_if_their_address_is_verified(ory: Ory, verified: bool) -> None:
    user, identity_id = interrupted(ory)
    assert can_sign_in(user.email, ory)  # Ory replaces the hash
    person = Person(ory, identity_id, user.email, PASSWORD)
    if verified:
        verify_address(person)
    output = run_import(exit_status=int(not verified))
    assert ("from a run that was interrupted" in output) is verified
    assert list(links().values()) == [user.pk] * verified


@pytest.mark.parametrize("used", [True, False])
def test_a_person_without_a_password_is_linked_as_long_as_the_identity_was_not_used(ory: Ory, used: bool) -> None:
    user, identity_id = interrupted(ory, password="!")
    if used:
        code = ory.admin("POST", "/admin/recovery/code", body={"identity_id": identity_id}).json
        flow = code["recovery_link"].rpartition("flow=")[2].partition("&")[0]
        form = {"method": "code", "code": code["recovery_code"]}
        ory.public("POST", f"/self-service/recovery?flow={flow}", body=form)
        assert ory.admin("GET", f"/admin/identities/{identity_id}/sessions").json
    run_import(exit_status=int(used))
    assert list(links().values()) == [user.pk] * (not used)


@pytest.mark.parametrize(("member", "result"), [("id", "Ory's response"), ("credentials", "nothing proves")])
def test_an_odd_identity_is_not_linked(ory: Ory, ory_auth: ChangeSettings, member: str, result: str) -> None:
    interrupted(ory)
    name = f'"{member}":'.encode()
    proxy = AdminProxy(ory.admin_url, lambda _: None, lambda body: body.replace(name, name + b'5,"other":'))
    ory_auth(ADMIN_URL=proxy.url)
    with proxy.running():
        try:
            output = run_import(exit_status=1)
        except CommandError as error:
            output = str(error)
    assert result in " ".join(output.split())
    assert not links()


def test_an_identity_that_belongs_to_another_user_is_reported(ory: Ory) -> None:
    make_users(1)
    run_import()
    [other] = make_users(1)
    OryIdentity.objects.update(user=other)
    assert "is linked to another user" in run_import(exit_status=1)
    assert list(links().values()) == [other.pk]


def every_third_without_traits(user: User) -> dict[str, Any]:
    if user.pk % 3 == 0:
        raise LookupError(user.email)
    return {"email": user.email}


def test_a_function_that_raises_concerns_only_that_person(ory: Ory) -> None:
    users = make_users(6)
    output = run_import("--traits", f"{HERE}.every_third_without_traits", "--batch-size", "4", exit_status=1)
    assert "4 users imported" in output
    assert "LookupError" in output
    assert not any(user.email in output for user in users)


def wrong_for_every_third(user: User) -> dict[str, Any]:
    return {"email": user.email, "name": {"first": 7 if user.pk % 3 == 0 else "Ada"}}


def test_a_batch_in_which_every_third_person_is_refused(ory: Ory) -> None:
    users = make_users(9)
    output = run_import("--traits", f"{HERE}.wrong_for_every_third", "--batch-size", "5", exit_status=1)
    assert "6 users imported" in output
    assert {user.pk for user in users if user.pk % 3} == set(links().values())


@pytest.mark.parametrize("dry_run", [True, False])
def test_the_report_also_names_people_who_move_without_something(ory: Ory, tmp_path: Path, dry_run: bool) -> None:
    [_, damaged, no_address] = make_users(3)
    User.objects.filter(pk=damaged.pk).update(password="md5$salt$xyz")
    User.objects.filter(pk=no_address.pk).update(email="")
    options = ["--dry-run"] if dry_run else []
    output = run_import(*options, "--report", str(tmp_path / "failures.csv"), exit_status=1)
    rows = [(row["user"], row["code"], row["moved"]) for row in report(tmp_path / "failures.csv")]
    assert sorted(rows) == [(str(damaged.pk), "password_unreadable", "yes"), (str(no_address.pk), "no_email", "no")]
    assert "failures.csv lists all of them." in output


@pytest.mark.parametrize("dry_run", [True, False])
def test_the_report_names_the_users_with_the_same_address(ory: Ory, tmp_path: Path, dry_run: bool) -> None:
    [one, two, three, _, no_address] = make_users(5)
    User.objects.filter(pk__in=[two.pk, three.pk]).update(email=one.email.upper())
    User.objects.filter(pk=no_address.pk).update(email="")
    options = ["--dry-run"] if dry_run else []
    run_import(*options, "--report", str(tmp_path / "failures.csv"), exit_status=1)
    assert {row["user"]: row["other_users"] for row in report(tmp_path / "failures.csv")} == {
        str(one.pk): f"{two.pk} {three.pk}",
        str(two.pk): f"{one.pk} {three.pk}",
        str(three.pk): f"{one.pk} {two.pk}",
        str(no_address.pk): "",
    }


def test_two_users_with_the_same_address_are_both_reported(ory: Ory) -> None:
    [one, _, two] = make_users(3)
    User.objects.filter(pk=two.pk).update(email=one.email.upper())
    output = run_import(exit_status=1)
    assert "Another user has the same e-mail address" in output
    assert f"Primary keys: {one.pk}, {two.pk}" in output
    assert len(links()) == 1


def test_a_user_without_an_address_is_reported(ory: Ory) -> None:
    make_users(1, email="")
    assert "The user has no e-mail address" in run_import(exit_status=1)


LONG_NAME = "Zoë ʻ½ 李" + "n" * 290


def long_name(user: User) -> dict[str, Any]:
    return {"email": user.email, "name": {"first": LONG_NAME}}


def test_names_of_any_length_and_letters_move(ory: Ory) -> None:
    [user] = make_users(1)
    run_import("--traits", f"{HERE}.long_name")
    identity = identity_of(user, ory)
    assert identity is not None
    assert identity["traits"]["name"]["first"] == LONG_NAME


DAMAGES: list[Callable[[str], str]] = [
    lambda text: text[:-1],
    lambda text: text.replace("$", "§", 1),
    lambda text: f"x{text}",
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_hash_is_never_sent(ory: Ory, damage: Callable[[str], str]) -> None:
    [intact, damaged] = make_users(2)
    User.objects.filter(pk=damaged.pk).update(password=damage(damaged.password))
    assert "2 users imported" in run_import()
    assert can_sign_in(intact.email, ory)
    assert not can_sign_in(damaged.email, ory)


# --- which users ------------------------------------------------------------------------------------------------------


def staff_only() -> QuerySet[User]:
    return User.objects.filter(is_staff=True)


def test_only_one_user(ory: Ory) -> None:
    [user, _] = make_users(2)
    run_import("--user", str(user.pk))
    assert list(links().values()) == [user.pk]


def test_only_the_users_of_a_queryset(ory: Ory) -> None:
    make_users(1)
    [user] = make_users(1, is_staff=True)
    run_import("--queryset", f"{HERE}.staff_only")
    assert list(links().values()) == [user.pk]


def test_only_a_few_users_to_begin_with(ory: Ory) -> None:
    users = make_users(3)
    run_import("--limit", "2")
    assert set(links().values()) == {user.pk for user in users[:2]}


def not_a_queryset() -> list[User]:
    return []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--user", "999999"], "--user: 1 of these primary keys belong to no user."),
        (["--user", "ada"], "--user: a primary key of auth.User looks otherwise."),
        (["--queryset", "nowhere.users"], "--queryset: nowhere.users did not return a queryset (ModuleNotFoundError)."),
        (["--queryset", f"{HERE}.not_a_queryset"], "did not return a queryset (AttributeError)."),
        (["--traits", "nowhere.traits"], "--traits: nowhere.traits cannot be imported"),
        (["--schema", "nobody"], "Ory has no identity schema 'nobody'."),
        (["--batch-size", "1001"], "--batch-size: Ory takes at most 1,000 people in one call."),
        (["--report", "/nowhere/failures.csv"], "--report: /nowhere/failures.csv cannot be written"),
        (["--limit", "0"], "'0' is not a number above 0"),
        (["--rate", "fast"], "'fast' is not a number above 0"),
    ],
)
def test_a_wrong_option_is_explained(ory: Ory, arguments: list[str], message: str) -> None:
    make_users(1)
    with pytest.raises(CommandError) as error:
        run_import(*arguments)
    assert message in str(error.value)
    assert not links()


# --- the dry run ------------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_happen_and_changes_nothing(ory: Ory, tmp_path: Path) -> None:
    make_users(2)
    [no_password] = make_users(1, password="!")
    [refused] = make_users(1, email="")
    output = run_import("--dry-run", "--report", str(tmp_path / "failures.csv"), exit_status=1)
    assert "3 users can be imported, 1 cannot." in output
    assert "md5                  moves" in output
    assert "3  not verified (--verified says which ones your site has verified)" in output
    assert "This was a dry run: nothing was changed." in output
    assert [row["user"] for row in report(tmp_path / "failures.csv")] == [str(refused.pk)]
    assert not links()
    assert identity_of(no_password, ory) is None


def test_a_dry_run_without_problems_succeeds(ory: Ory) -> None:
    make_users(2)
    output = run_import("--dry-run", "--verified", "is_active")
    assert "2 users can be imported, 0 cannot." in output
    assert "E-mail addresses\n        2  verified\n" in output


# --- before anything is sent ------------------------------------------------------------------------------------------


def test_without_an_admin_url_the_command_says_which_setting_is_missing(ory: Ory, settings: Any) -> None:
    settings.ORY_AUTH = {"SDK_URL": ory.public_url}
    with pytest.raises(CommandError, match=r"Set ORY_AUTH\['ADMIN_URL'\]"):
        run_import()


def test_an_ory_that_cannot_be_reached_is_explained(ory: Ory, ory_auth: ChangeSettings) -> None:
    ory_auth(ADMIN_URL="http://127.0.0.1:1")
    with pytest.raises(CommandError, match=r"could not be reached .* check ORY_AUTH\['ADMIN_URL'\]"):
        run_import()


def test_an_ory_without_external_ids_takes_no_import(local_ory: LocalOry) -> None:
    make_users(2)
    local_ory.configure(kratos_version="1.3.1")
    with pytest.raises(CommandError, match=r"does not know external_id.*Upgrade Kratos to 25\.4 or newer\."):
        run_import()


def test_a_quiet_run_prints_nothing(ory: Ory) -> None:
    make_users(1)
    assert run_import(verbosity=0) == ""
