"""The shadow user: created once, found by Ory's identity id, following its identity and never going back."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session as DjangoSession
from django.core.cache import caches
from django.db import connection, connections
from django.db.models import Model
from django.dispatch import Signal
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from ory_auth.models import OryIdentity
from ory_auth.signals import user_created, user_updated
from tests.support.client import DualClient
from tests.support.databases import SQLITE, temporary_database
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, User
from tests.support.users import USERNAME_IS_EMAIL, make_user, set_metadata, user_of

pytestmark = pytest.mark.django_db

names_by_identity = pytest.mark.skipif(USERNAME_IS_EMAIL, reason="of users whose name is the identity id")
unique_email = pytest.mark.skipif(not USERNAME_IS_EMAIL, reason="of users whose e-mail is unique")


Told = list[tuple[str, object]]


@pytest.fixture
def told() -> Iterator[Told]:
    """The signals about users, as they come: (name, the user's key)."""
    heard: Told = []

    def created(user: User, **_: object) -> None:
        heard.append(("created", user.pk))

    def updated(user: User, **_: object) -> None:
        heard.append(("updated", user.pk))

    def logged_in(user: User, request: HttpRequest, **_: object) -> None:
        heard.append(("logged_in", request.user.pk))

    receivers: dict[Signal, Callable[..., None]] = {
        user_created: created,
        user_updated: updated,
        user_logged_in: logged_in,
    }
    for signal, receiver in receivers.items():
        signal.connect(receiver)
    yield heard
    for signal, receiver in receivers.items():
        signal.disconnect(receiver)


# --- creation ---------------------------------------------------------------------------------------------------------


def test_the_first_request_creates_one_user_and_the_next_finds_it(ory: Ory, web: DualClient) -> None:
    session = ory.person().app_session()
    first, second = (web.get("/who", headers=session.headers).json()["pk"] for _ in range(2))
    assert first == second == str(User.objects.get().pk)


def test_another_session_of_the_same_person_finds_the_same_user(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    web.get("/who", headers=person.browser_session().headers)
    assert User.objects.get() == user_of(person)


def test_a_new_user_has_the_names_and_address_of_the_identity(ory: Ory, web: DualClient) -> None:
    person = ory.person(name={"first": "Ada", "last": "Lovelace"})
    web.get("/who", headers=person.app_session().headers)
    user = user_of(person)
    assert (user.email, user.first_name) == (person.email, "Ada")
    assert getattr(user, "last_name", "Lovelace") == "Lovelace"


@names_by_identity
def test_the_user_name_is_the_identity_id(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    assert web.get("/who", headers=person.app_session().headers).json()["user"] == person.id


@pytest.mark.promise("A new user has no usable password")
def test_a_new_user_has_no_password_and_no_rights(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    user = user_of(person)
    assert (user.has_usable_password(), user.is_staff, user.is_superuser) == (False, False, False)


def test_receivers_find_the_user_in_the_request_and_the_backend_that_login_needs(ory: Ory, web: DualClient) -> None:
    seen = []

    def receiver(user: User, request: HttpRequest, **_: object) -> None:
        seen.append((user.backend, request.user is user))

    user_logged_in.connect(receiver)
    with connection_commits():
        web.get("/who", headers=ory.person().app_session().headers)
    user_logged_in.disconnect(receiver)
    assert seen == [("ory_auth.backends.OryBackend", True)]


@contextmanager
def connection_commits() -> Iterator[None]:
    """Run what waits for the commit, which a test that is rolled back never sees."""
    before = len(connection.run_on_commit)
    yield
    waiting, connection.run_on_commit[before:] = connection.run_on_commit[before:], []
    for hook in waiting:
        hook[1]()


def test_no_django_session_is_made_to_sign_in(ory: Ory, web: DualClient) -> None:
    answer = web.get("/who", headers=ory.person().browser_session().headers)
    assert "sessionid" not in answer.cookies
    assert not DjangoSession.objects.exists()


# --- found by the identity id, and by nothing else --------------------------------------------------------------------


@names_by_identity
def test_an_account_with_another_users_address_is_a_separate_user(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    old = make_user(email=person.email)
    assert web.get("/who", headers=person.app_session().headers).json()["pk"] != str(old.pk)


@unique_email
def test_an_account_with_another_users_address_is_refused_if_addresses_are_unique(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    old = make_user(email=person.email)
    answer = web.get("/api/me", headers=person.app_session().headers)
    assert (answer.status_code, answer.json()["reason"]) == (403, "email_conflict")
    assert web.get("/who", headers=person.app_session().headers).json()["user"] == ""
    assert User.objects.get() == old


@unique_email
def test_an_identity_without_an_address_is_refused_if_addresses_are_unique(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient
) -> None:
    ory_auth(USER_FIELDS={"email": "metadata_public.address"})
    answer = web.get("/api/me", headers=ory.person().app_session().headers)
    assert (answer.status_code, answer.json()["reason"]) == (403, "email_conflict")


@pytest.mark.promise("A taken username is refused")
@names_by_identity
def test_a_taken_user_name_is_refused(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_FIELDS={"username": "traits.username"})
    make_user("ada")
    answer = web.get("/api/me", headers=ory.person(username="ada").app_session().headers)
    assert (answer.status_code, answer.json()["reason"]) == (403, "username_conflict")


@names_by_identity
def test_usernames_that_differ_only_in_case_belong_to_different_users(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient
) -> None:
    ory_auth(USER_FIELDS={"username": "traits.username"})
    old = make_user("ada")
    answer = web.get("/who", headers=ory.person(username="Ada").app_session().headers).json()
    assert answer["user"] == "Ada"
    assert answer["pk"] != str(old.pk)


@names_by_identity
@pytest.mark.parametrize(
    "traits", [{}, {"username": ""}, {"username": "x" * 200}], ids=["missing", "empty", "too-long"]
)
def test_an_invalid_mapped_username_is_replaced_by_the_identity_id(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, traits: dict[str, object] | dict[str, str]
) -> None:
    ory_auth(USER_FIELDS={"username": "traits.username"})
    person = ory.person(**traits)
    assert web.get("/who", headers=person.app_session().headers).json()["user"] == person.id


def test_an_identity_that_takes_over_a_freed_address_is_another_user(ory: Ory, web: DualClient) -> None:
    first = ory.person()
    session, later_session = first.app_session(), first.app_session()
    before = web.get("/who", headers=session.headers).json()["pk"]
    first.patch("/traits/email", f"{uuid.uuid4().hex}@example.org")
    web.get("/who", headers=later_session.headers)
    second = ory.person(first.email)
    assert web.get("/who", headers=second.app_session().headers).json()["pk"] != before


def test_a_user_whom_the_default_manager_hides_is_refused(ory: Ory, web: DualClient) -> None:
    if not USERNAME_IS_EMAIL:
        pytest.skip("the manager of this user model shows everyone")
    person = ory.person(name={"first": "Hidden"})
    web.get("/who", headers=person.app_session().headers)
    answer = web.get("/api/me", headers=person.app_session().headers)
    assert (answer.status_code, answer.json()["reason"]) == (403, "not_admitted")


def test_a_user_is_what_the_default_manager_makes_of_their_row(ory: Ory, web: DualClient) -> None:
    if not USERNAME_IS_EMAIL:
        pytest.skip("the manager of this user model adds nothing")
    session = ory.person(name={"first": "Ada"}).app_session()
    web.get("/who", headers=session.headers)
    assert web.get("/who", headers=session.headers).json()["letters"] == 3


# --- what the fields take ---------------------------------------------------------------------------------------------

ODD = [
    (None, ""),
    ("", ""),
    (5, "5"),
    ("  Ada ", "Ada"),
    ("A\x00da", "Ada"),
    ("x" * 400, "x" * 150),
    ({"a": 1}, ""),
    (["a"], ""),
    ("Ada\u202e\U0001f33b", "Ada\u202e\U0001f33b"),
]


@pytest.mark.parametrize(("value", "kept"), ODD, ids=[ascii(value)[:14] for value, _ in ODD])
def test_a_name_takes_what_it_can_hold(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, value: object, kept: str
) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", "first_name": "metadata_public.name"})
    person = ory.person()
    set_metadata(person, {"name": value})
    assert web.get("/who", headers=person.app_session().headers).status_code == 200
    assert user_of(person).first_name == kept


@pytest.mark.parametrize(
    "path", ["traits.no.such.thing", "traits.email.first", "metadata_public.x", "credentials.password", "traits", "x"]
)
def test_a_path_that_leads_nowhere_leaves_the_field_empty(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, path: str
) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", "first_name": path})
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).first_name == ""


@pytest.mark.promise("People cannot give themselves staff rights")
@pytest.mark.parametrize("field", ["is_staff", "is_superuser"])
def test_people_cannot_give_themselves_rights(ory: Ory, ory_auth: ChangeSettings, web: DualClient, field: str) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", field: "traits.username"})
    person = ory.person(username="True")
    web.get("/who", headers=person.app_session().headers)
    assert not getattr(user_of(person), field)


def test_metadata_that_only_admins_write_may_give_rights(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", "is_staff": "metadata_public.staff"})
    person = ory.person()
    set_metadata(person, {"staff": True})
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).is_staff


@pytest.mark.parametrize("value", ["perhaps", None, 5, [True], {"is": True}])
def test_a_right_that_is_no_yes_or_no_gives_nothing(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, value: object
) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", "is_staff": "metadata_public.staff"})
    person = ory.person()
    set_metadata(person, {"staff": value})
    assert web.get("/who", headers=person.app_session().headers).status_code == 200
    assert not user_of(person).is_staff


@pytest.mark.parametrize(("field", "value"), [("is_active", False), ("password", "x"), ("last_login", "2001-01-01")])
def test_some_fields_are_never_mapped(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, field: str, value: bool | str
) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", field: "metadata_public.value"})
    person = ory.person()
    set_metadata(person, {"value": value})
    web.get("/who", headers=person.app_session().headers)
    user = user_of(person)
    assert (user.is_active, user.has_usable_password()) == (True, False)
    assert str(user.last_login) != "2001-01-01 00:00:00+00:00"


# --- following the identity -------------------------------------------------------------------------------------------


def test_a_changed_identity_changes_the_user(ory: Ory, web: DualClient) -> None:
    person = ory.person(name={"first": "Ada"})
    web.get("/who", headers=person.app_session().headers)
    later_session, address = person.app_session(), f"{uuid.uuid4().hex}@example.org"
    person.patch("/traits", {"email": address, "name": {"first": "Augusta"}})
    web.get("/who", headers=later_session.headers)
    user = user_of(person)
    assert (user.first_name, user.email) == ("Augusta", address)


@names_by_identity
def test_a_user_name_that_is_free_is_taken_over(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_FIELDS={"username": "traits.username"})
    person = ory.person(username="ada")
    web.get("/who", headers=person.app_session().headers)
    person.patch("/traits/username", "augusta")
    assert web.get("/who", headers=person.app_session().headers).json()["user"] == "augusta"


@names_by_identity
def test_a_user_name_that_goes_missing_stays(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_FIELDS={"username": "traits.username"})
    person = ory.person(username="ada")
    web.get("/who", headers=person.app_session().headers)
    person.patch("/traits", {"email": person.email})
    assert web.get("/who", headers=person.app_session().headers).json()["user"] == "ada"


def test_a_change_by_hand_stays_until_the_identity_changes(ory: Ory, web: DualClient) -> None:
    person = ory.person(name={"first": "Ada"})
    web.get("/who", headers=person.app_session().headers)
    User.objects.update(first_name="By hand")
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).first_name == "By hand"


@pytest.mark.promise("A user's fields never go back to an older state of the identity")
def test_an_older_cached_answer_of_another_device_takes_nothing_back(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    person = ory.person(name={"first": "Ada"})
    old_device, new_device = person.app_session(), person.app_session()
    web.get("/who", headers=old_device.headers)
    person.patch("/traits/name/first", "Augusta")
    web.get("/who", headers=new_device.headers)
    web.get("/who", headers=old_device.headers)
    assert user_of(person).first_name == "Augusta"


@unique_email
def test_an_address_that_is_taken_leaves_the_old_one_and_the_rest_follows(ory: Ory, web: DualClient) -> None:
    person = ory.person(name={"first": "Ada"})
    web.get("/who", headers=person.app_session().headers)
    taken, later_session = f"{uuid.uuid4().hex}@example.org", person.app_session()
    make_user(email=taken)
    person.patch("/traits", {"email": taken, "name": {"first": "Augusta"}})
    assert web.get("/who", headers=later_session.headers).json()["email"] == person.email
    user = user_of(person)
    assert (user.email, user.first_name) == (person.email, "Augusta")


@names_by_identity
def test_a_user_name_that_is_taken_leaves_the_old_one_and_the_rest_follows(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient
) -> None:
    ory_auth(USER_FIELDS={"username": "traits.username", "first_name": "traits.name.first"})
    person = ory.person(username="ada", name={"first": "Ada"})
    web.get("/who", headers=person.app_session().headers)
    make_user("taken")
    person.patch("/traits", {"email": person.email, "username": "taken", "name": {"first": "Augusta"}})
    web.get("/who", headers=person.app_session().headers)
    user = user_of(person)
    assert (user.username, user.first_name) == ("ada", "Augusta")


# --- the project's own handler ----------------------------------------------------------------------------------------


def test_a_handler_decides_who_is_admitted(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.NoGuests")
    guest, clerk = ory.person(), ory.person(f"{uuid.uuid4().hex}@firm.example")
    assert web.get("/api/me", headers=guest.app_session().headers).status_code == 403
    assert web.get("/api/me", headers=clerk.app_session().headers).status_code == 200
    assert OryIdentity.objects.get().pk == uuid.UUID(clerk.id)


def test_a_handler_decides_what_the_fields_hold(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.Shouting")
    person = ory.person(name={"first": "Ada"})
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).first_name == "ADA"
    person.patch("/traits/name/first", "Augusta")
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).first_name == "AUGUSTA"


@pytest.mark.promise("No USER_HANDLER admits an inactive user")
def test_no_handler_lets_an_inactive_user_in(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.LetsEveryoneIn")
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    User.objects.update(is_active=False)
    assert web.get("/api/me", headers=person.app_session().headers).status_code == 403


# --- an inactive user -------------------------------------------------------------------------------------------------


@pytest.fixture
def inactive(ory: Ory, web: DualClient) -> Session:
    """A session of a person whose user has been switched off here."""
    session = ory.person().browser_session()
    web.get("/who", headers=session.headers)
    User.objects.update(is_active=False)
    return session


@pytest.mark.promise("An inactive user is never shown")
def test_an_inactive_user_is_anonymous_on_public_pages(web: DualClient, inactive: Session) -> None:
    assert web.get("/who", headers=inactive.headers).json()["user"] == ""
    assert web.get("/awho", headers=inactive.headers).json()["user"] == ""


@pytest.mark.parametrize("path", ["/guarded", "/aguarded", "/aal2", "/auth/login?next=/guarded", "/admin/login/"])
def test_an_inactive_user_gets_a_page_with_a_way_to_sign_out(web: DualClient, inactive: Session, path: str) -> None:
    answer = web.get(path, headers=inactive.headers)
    assert answer.status_code == 403
    assert f'action="{reverse("ory_auth:logout")}"' in answer.content.decode()


@pytest.mark.parametrize("cached", [True, False])
def test_an_inactive_user_is_refused_cached_or_not(ory: Ory, web: DualClient, inactive: Session, cached: bool) -> None:
    if not cached:
        caches["default"].clear()
    assert web.get("/guarded", headers=inactive.headers).status_code == 403


def test_nothing_switches_an_inactive_user_on_again(web: DualClient, inactive: Session) -> None:
    later_session = inactive.person.app_session()
    inactive.person.patch("/traits/name", {"first": "Augusta"})
    web.get("/guarded", headers=later_session.headers)
    assert not user_of(inactive.person).is_active


# --- linking by address -----------------------------------------------------------------------------------------------


@pytest.fixture
def link(ory_auth: ChangeSettings) -> None:
    ory_auth(LINK_BY_VERIFIED_EMAIL=True)


def test_a_verified_address_links_the_user_who_has_it(ory: Ory, link: None, web: DualClient) -> None:
    person = ory.person(verified=True)
    old = make_user(email=person.email)
    assert web.get("/who", headers=person.app_session().headers).json()["pk"] == str(old.pk)
    assert user_of(person) == old


def test_a_linked_user_has_no_password_and_no_session_any_more(ory: Ory, link: None, web: DualClient) -> None:
    person = ory.person(verified=True)
    old = make_user(email=person.email)
    web.client.force_login(old)
    web.get("/who", headers=person.app_session().headers)
    assert not user_of(person).has_usable_password()
    client = Client()
    client.cookies = web.cookies
    assert client.get("/who").json()["user"] == ""


def test_an_address_in_other_letters_is_the_same_one(ory: Ory, link: None, web: DualClient) -> None:
    person = ory.person(verified=True)
    old = make_user(email=person.email.upper())
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person) == old


def _own_identity(user: User) -> None:
    OryIdentity.objects.create(
        id=uuid.uuid4(), user=user, updated_at="2001-01-01T00:00Z", authenticated_at="2001-01-01T00:00Z"
    )


NOT_FREE = {
    "inactive": lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
    "staff": lambda user: User.objects.filter(pk=user.pk).update(is_staff=True),
    "superuser": lambda user: User.objects.filter(pk=user.pk).update(is_superuser=True),
    "in a group": lambda user: user.groups.add(Group.objects.create(name="editors")),
    "has a permission": lambda user: user.user_permissions.add(Permission.objects.all()[0]),
    "has an identity": _own_identity,
}


@pytest.mark.promise("A privileged user is never linked")
@pytest.mark.parametrize("why", NOT_FREE)
def test_some_users_are_never_taken_over(ory: Ory, link: None, web: DualClient, why: str) -> None:
    person = ory.person(verified=True)
    old = make_user(email=person.email)
    NOT_FREE[why](old)
    web.get("/who", headers=person.app_session().headers)
    assert not OryIdentity.objects.filter(pk=person.id, user=old).exists()
    old.refresh_from_db()
    assert old.has_usable_password()
    # A separate user, else a 403; only a user of another identity loses an address that somebody else has verified.
    comes_in = why == "has an identity" or not USERNAME_IS_EMAIL
    assert OryIdentity.objects.filter(pk=person.id).exists() is comes_in


@pytest.mark.promise("A user is linked only by a verified address")
def test_an_unverified_address_links_no_user(ory: Ory, link: None, web: DualClient) -> None:
    person = ory.person()
    old = make_user(email=person.email)
    web.get("/who", headers=person.app_session().headers)
    assert not OryIdentity.objects.filter(user=old).exists()


def test_no_user_is_linked_unless_the_project_turns_it_on(ory: Ory, web: DualClient) -> None:
    person = ory.person(verified=True)
    old = make_user(email=person.email)
    web.get("/who", headers=person.app_session().headers)
    assert not OryIdentity.objects.filter(user=old).exists()


@names_by_identity
def test_of_two_users_with_the_address_none_is_taken_over(ory: Ory, link: None, web: DualClient) -> None:
    person = ory.person(verified=True)
    make_user("one", email=person.email)
    make_user("two", email=person.email)
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).username == person.id


# --- what is told, and when -------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_is_signalled_once_for_each_session(ory: Ory, web: DualClient, told: Told) -> None:
    person = ory.person()
    first, second = person.app_session(), person.app_session()
    for session in (first, first, second, second, first):
        caches["default"].clear()
        web.get("/who", headers=session.headers)
    user = user_of(person)
    assert told == [("created", user.pk), ("logged_in", user.pk), ("logged_in", user.pk)]
    assert user.last_login is not None


@pytest.mark.django_db(transaction=True)
def test_a_change_of_the_identity_is_signalled_once(ory: Ory, web: DualClient, told: Told) -> None:
    person = ory.person(name={"first": "Ada"})
    session = person.app_session()
    web.get("/who", headers=session.headers)
    told.clear()
    person.patch("/traits/name/first", "Augusta")
    for _ in range(2):
        caches["default"].clear()
        web.get("/who", headers=session.headers)
    assert told == [("updated", user_of(person).pk)]


@pytest.fixture
def atomic_requests() -> Iterator[None]:
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    yield
    connection.settings_dict["ATOMIC_REQUESTS"] = False


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_is_neither_cached_nor_signalled(
    ory: Ory, web: DualClient, told: Told, atomic_requests: None
) -> None:
    session = ory.person().app_session()
    web.client.raise_request_exception = False
    assert web.get("/asks-and-breaks", headers=session.headers).status_code == 500
    assert told == []
    assert not User.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_after_a_transaction_that_rolled_back_there_is_one_user_in_the_end(
    ory: Ory, web: DualClient, told: Told, atomic_requests: None
) -> None:
    person = ory.person()
    session = person.app_session()
    web.client.raise_request_exception = False
    web.get("/asks-and-breaks", headers=session.headers)
    for _ in range(2):
        assert web.get("/who", headers=session.headers).json()["user"] in {person.id, person.email}
    pk = User.objects.get().pk
    assert told == [("created", pk), ("logged_in", pk)]


@pytest.mark.django_db(transaction=True)
def test_a_sign_in_that_was_rolled_back_is_signalled_later(
    ory: Ory, web: DualClient, told: Told, atomic_requests: None
) -> None:
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    told.clear()
    session = person.app_session()
    web.client.raise_request_exception = False
    web.get("/asks-and-breaks", headers=session.headers)
    assert told == []
    web.get("/who", headers=session.headers)
    assert told == [("logged_in", user_of(person).pk)]


@pytest.mark.django_db(transaction=True)
def test_a_person_who_is_not_admitted_has_not_signed_in(
    ory: Ory, web: DualClient, inactive: Session, told: Told
) -> None:
    web.get("/guarded", headers=inactive.person.app_session().headers)
    assert told == []


@pytest.mark.django_db(transaction=True)
def test_a_person_who_must_be_approved_first_is_created_but_not_signed_in(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, told: Told
) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.AwaitsApproval")
    session = ory.person().app_session()
    assert web.get("/guarded", headers=session.headers).status_code == 403
    user = User.objects.get()
    assert told == [("created", user.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_person_who_must_be_approved_first_is_signed_in_once_approved(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, told: Told
) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.AwaitsApproval")
    session = ory.person().app_session()
    web.get("/guarded", headers=session.headers)
    User.objects.update(is_active=True)
    told.clear()
    assert web.get("/guarded", headers=session.headers).status_code == 200
    assert told == [("logged_in", User.objects.get().pk)]


# --- what it costs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "queries"),
    [(path, 1) for path in ("/who", "/awho", "/template", "/guarded", "/aguarded", "/api/me")]
    + [(path, 0) for path in ("/session", "/asession", "/silent")],
)
def test_a_known_person_costs_one_query_and_a_session_none(
    ory: Ory,
    ory_auth: ChangeSettings,
    web: DualClient,
    django_assert_num_queries: DjangoAssertNumQueries,
    path: str,
    queries: int,
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    session = ory.person().app_session()
    web.get("/who", headers=session.headers)
    with django_assert_num_queries(queries):
        assert web.get(path, headers=session.headers).status_code == 200


# --- databases in trouble ---------------------------------------------------------------------------------------------


@pytest.fixture
def read_only(transactional_db: None) -> Iterator[Callable[[], None]]:
    """Switches the database to read-only."""

    def switch() -> None:
        connection.cursor().execute(on)

    on, off = {
        "sqlite": ("PRAGMA query_only=ON", "PRAGMA query_only=OFF"),
        "postgresql": ("SET default_transaction_read_only = on", "SET default_transaction_read_only = off"),
    }[connection.vendor]
    yield switch
    connection.cursor().execute(off)


@pytest.mark.parametrize("path", ["/who", "/awho", "/guarded", "/api/me"])
def test_known_users_work_on_a_read_only_database(
    ory: Ory, web: DualClient, told: Told, read_only: Callable[[], None], path: str
) -> None:
    person = ory.person(name={"first": "Ada"})
    web.get("/who", headers=person.app_session().headers)
    person.patch("/traits/name/first", "Augusta")
    told.clear()
    session = person.app_session()
    read_only()
    assert web.get(path, headers=session.headers).json()["user"] in {person.id, person.email}
    assert told == []


def test_a_new_person_gets_503_on_a_read_only_database(
    ory: Ory, web: DualClient, read_only: Callable[[], None]
) -> None:
    session = ory.person().app_session()
    read_only()
    answer = web.get("/who", headers=session.headers)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("path", ["/who", "/awho", "/guarded", "/aguarded", "/api/me"])
def test_a_missing_table_is_503(ory: Ory, web: DualClient, path: str) -> None:
    connection.cursor().execute("ALTER TABLE ory_auth_oryidentity RENAME TO gone")
    assert web.get(path, headers=ory.person().app_session().headers).status_code == 503


def test_a_view_that_asks_for_the_session_alone_needs_no_database(ory: Ory, web: DualClient) -> None:
    connection.cursor().execute("ALTER TABLE ory_auth_oryidentity RENAME TO gone")
    assert web.get("/session", headers=ory.person().app_session().headers).status_code == 200


# --- separate databases: files, PostgreSQL, replicas --------------------------------------------------------------


own_databases_only = pytest.mark.django_db(databases=[])


@pytest.mark.promise("Concurrent first requests create one user")
@pytest.mark.parametrize("atomic", [False, True], ids=["autocommit", "ATOMIC_REQUESTS"])
def test_sixty_four_first_requests_at_once_make_one_user(
    ory: Ory, ory_auth: ChangeSettings, own_database: None, told: Told, atomic: bool
) -> None:
    ory_auth(TIMEOUT=10, USER_HANDLER="tests.project.handlers.Hesitating")
    connections.settings["default"]["ATOMIC_REQUESTS"] = atomic
    person = ory.person()
    tokens = [person.app_session() for _ in range(4)]

    def ask(number: int) -> tuple[int, str]:
        try:
            answer = Client().get("/who", headers=tokens[number % len(tokens)].headers)
            return answer.status_code, answer.json().get("pk", "")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(64) as threads:
        answers = set(threads.map(ask, range(64)))
    user = User.objects.get()
    assert answers == {(200, str(user.pk))}
    assert told.count(("created", user.pk)) == 1


@pytest.mark.parametrize("path", ["/who", "/awho", "/guarded", "/api/me"])
def test_a_database_that_is_down_is_503(ory: Ory, web: DualClient, file_database: Path, path: str) -> None:
    session = ory.person().app_session()
    assert web.get(path, headers=session.headers).status_code == 200
    with database_gone():
        assert web.get(path, headers=session.headers).status_code == 503


def test_beside_a_django_session_a_database_that_is_down_is_503_too(
    ory: Ory, web: DualClient, file_database: Path
) -> None:
    session = ory.person().app_session()
    web.cookies["sessionid"] = "0123456789abcdef0123456789abcdef"
    with database_gone():
        assert web.get("/who", headers=session.headers).status_code == 503


@contextmanager
def database_gone() -> Iterator[None]:
    connections["default"].close()
    name, connections["default"].settings_dict["NAME"] = connections["default"].settings_dict["NAME"], "/no/such/place"
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"].settings_dict["NAME"] = name


class LaggingReplica:
    """Reads go to a copy that has not heard of anything yet."""

    def db_for_read(self, model: type[Model], **hints: object) -> str:
        return "replica"

    def db_for_write(self, model: type[Model], **hints: object) -> str:
        return "default"

    def allow_relation(self, *args: object, **hints: object) -> bool:
        return True


def test_a_replica_that_lags_makes_no_second_user(
    ory: Ory, web: DualClient, settings: Settings, file_database: Path, tmp_path: Path, told: Told
) -> None:
    person = ory.person()
    session = person.app_session()
    with temporary_database("replica", NAME=str(tmp_path / "replica.sqlite"), **SQLITE):
        settings.DATABASE_ROUTERS = ["tests.test_users.LaggingReplica"]
        answers = [web.get("/who", headers=session.headers) for _ in range(3)]
        settings.DATABASE_ROUTERS = []
    assert {answer.status_code for answer in answers} == {200}
    pk = User.objects.get().pk
    assert told == [("created", pk), ("logged_in", pk)]


def test_known_users_work_with_a_lagging_replica_on_a_read_only_database(
    ory: Ory, web: DualClient, settings: Settings, file_database: Path, tmp_path: Path
) -> None:
    session = ory.person().app_session()
    web.get("/who", headers=session.headers)
    connection.cursor().execute("PRAGMA query_only=ON")
    with temporary_database("replica", NAME=str(tmp_path / "replica.sqlite"), **SQLITE):
        settings.DATABASE_ROUTERS = ["tests.test_users.LaggingReplica"]
        assert web.get("/who", headers=session.headers).status_code == 200
        settings.DATABASE_ROUTERS = []


@pytest.mark.promise("A user's fields never go back to an older state of the identity")
def test_a_replica_that_lags_brings_nothing_back(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, settings: Settings, file_database: Path, tmp_path: Path
) -> None:
    """The replica knows the first name, this answer the second, and the database itself the third already."""
    ory_auth(SESSION_CACHE_SECONDS=60)
    person = ory.person(name={"first": "First"})
    old_device, new_device = person.app_session(), person.app_session()
    web.get("/who", headers=person.app_session().headers)
    connections["default"].close()
    shutil.copy(file_database, tmp_path / "replica.sqlite")
    person.patch("/traits/name/first", "Second")
    web.get("/session", headers=old_device.headers)
    person.patch("/traits/name/first", "Third")
    web.get("/who", headers=new_device.headers)
    with temporary_database("replica", NAME=str(tmp_path / "replica.sqlite"), **SQLITE):
        settings.DATABASE_ROUTERS = ["tests.test_users.LaggingReplica"]
        web.get("/who", headers=old_device.headers)
        settings.DATABASE_ROUTERS = []
    assert user_of(person).first_name == "Third"


@pytest.mark.promise("Each sign-in is announced once")
def test_a_sign_in_that_a_lagging_replica_has_not_seen_is_signalled_once(
    ory: Ory, web: DualClient, settings: Settings, file_database: Path, tmp_path: Path, told: Told
) -> None:
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    connections["default"].close()
    shutil.copy(file_database, tmp_path / "replica.sqlite")
    told.clear()
    session = person.app_session()
    with temporary_database("replica", NAME=str(tmp_path / "replica.sqlite"), **SQLITE):
        settings.DATABASE_ROUTERS = ["tests.test_users.LaggingReplica"]
        for _ in range(3):
            web.get("/who", headers=session.headers)
        settings.DATABASE_ROUTERS = []
    assert told == [("logged_in", user_of(person).pk)]
