"""What a user's fields hold when they cannot hold what the identity says."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import DataError, OperationalError, connection, connections
from django.db.models.signals import pre_save
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from tests.project import handlers
from tests.support.client import DualClient
from tests.support.databases import temporary_database
from tests.support.ory import Ory, Person
from tests.support.types import ChangeSettings, User
from tests.support.users import USERNAME_IS_EMAIL, is_postgresql, new_address, set_metadata, user_of, verify_address

pytestmark = pytest.mark.django_db

EMOJI = "Kim \U0001f600"
REFUSALS = {
    "PostgreSQL": DataError("character has no equivalent in encoding LATIN1"),
    "PyMySQL": DataError(1366, "Incorrect string value"),
    "mysqlclient": OperationalError(1366, "Incorrect string value"),
    "full_clean() in save()": ValidationError({"first_name": "No emoji, please."}),
}


@pytest.fixture(autouse=True)
def _info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ory_auth")


def events(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    records: list[Any] = [record for record in caplog.records if record.name == "ory_auth"]
    return [{"event": record.ory_event, **record.ory_facts} for record in records]


def refused(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Field and reason of each value that was refused."""
    return [(e["field"], e["why"]) for e in events(caplog) if e["event"] == "value_refused"]


# --- the database refuses it ------------------------------------------------------------------------------------------


@pytest.fixture(params=REFUSALS)
def narrow(request: pytest.FixtureRequest) -> Iterator[None]:
    """A column that takes no emoji, as each database and driver says it."""

    def refuse(instance: User, **_: object) -> None:
        if any(ord(letter) > 0xFFFF for letter in instance.first_name):
            raise REFUSALS[request.param]

    pre_save.connect(refuse, sender=User)
    yield
    pre_save.disconnect(refuse, sender=User)


def test_a_new_person_comes_in_without_the_value(
    ory: Ory, web: DualClient, narrow: None, caplog: pytest.LogCaptureFixture
) -> None:
    person = ory.person(name={"first": EMOJI, "last": "Lee"})
    assert web.get("/api/me", headers=person.app_session().headers).status_code == 200
    user = user_of(person)
    assert (user.first_name, user.email, getattr(user, "last_name", "Lee")) == ("", person.email, "Lee")
    assert refused(caplog) == [("first_name", "refused")]
    assert EMOJI not in caplog.text


def test_a_known_person_keeps_the_old_value_and_the_rest_follows(
    ory: Ory, web: DualClient, narrow: None, caplog: pytest.LogCaptureFixture
) -> None:
    person = ory.person(name={"first": "Kim", "last": "Lee"})
    session, address = person.app_session(), new_address()
    web.get("/who", headers=session.headers)
    person.patch("/traits", {"email": address, "name": {"first": EMOJI, "last": "Park"}})
    assert web.get("/fresh", headers=session.headers).status_code == 200
    user = user_of(person)
    assert (user.first_name, user.email, getattr(user, "last_name", "Park")) == ("Kim", address, "Park")
    assert refused(caplog) == [("first_name", "refused")]


def test_it_is_not_tried_again_before_the_identity_changes(ory: Ory, web: DualClient, narrow: None) -> None:
    person = ory.person(name={"first": "Kim"})
    session = person.app_session()
    web.get("/who", headers=session.headers)
    person.patch("/traits/name/first", EMOJI)
    web.get("/fresh", headers=session.headers)
    with CaptureQueriesContext(connection) as queries:
        web.get("/who", headers=session.headers)
    assert len(queries) == 1
    person.patch("/traits/name/first", "Kimberly")
    web.get("/fresh", headers=session.headers)
    assert user_of(person).first_name == "Kimberly"


def test_a_user_name_that_is_refused_is_the_identity_id(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    if USERNAME_IS_EMAIL:
        pytest.skip("the user name is the address")

    def refuse(instance: User, **_: object) -> None:
        if any(ord(letter) > 0xFFFF for letter in instance.username):
            raise DataError(1366, "Incorrect string value")

    ory_auth(USER_FIELDS={"username": "traits.username", "email": "traits.email"})
    person = ory.person(username=EMOJI)
    pre_save.connect(refuse, sender=User)
    try:
        assert web.get("/who", headers=person.app_session().headers).json()["user"] == person.id
    finally:
        pre_save.disconnect(refuse, sender=User)
    assert user_of(person).email == person.email


@pytest.fixture
def latin1(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A PostgreSQL database that holds Latin-1 only."""
    if not is_postgresql():
        pytest.skip("needs PostgreSQL")
    psycopg, facts = pytest.importorskip("psycopg"), connection.settings_dict
    name = f"latin1_{uuid.uuid4().hex[:8]}"
    where = {"host": facts["HOST"], "port": facts["PORT"], "user": facts["USER"], "password": facts["PASSWORD"]}
    with psycopg.connect(dbname="postgres", autocommit=True, **where) as outside:
        encoding = "ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        outside.execute(f"CREATE DATABASE {name} {encoding}")
        try:
            with django_db_blocker.unblock(), temporary_database("default", NAME=name):
                yield
        finally:
            outside.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.django_db(databases=[])
@pytest.mark.parametrize("atomic", [False, True], ids=["autocommit", "ATOMIC_REQUESTS"])
def test_on_a_latin1_database_everybody_comes_in(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, latin1: None, atomic: bool
) -> None:
    connections.settings["default"]["ATOMIC_REQUESTS"] = atomic
    ory_auth(LINK_BY_VERIFIED_EMAIL=True)
    new, known = ory.person(name={"first": EMOJI}), ory.person(name={"first": "Kim"})
    session = known.app_session()
    assert web.get("/api/me", headers=session.headers).status_code == 200
    known.patch("/traits/name/first", EMOJI)
    assert web.get("/fresh", headers=session.headers).status_code == 200
    assert web.get("/api/me", headers=new.app_session().headers).status_code == 200
    assert (user_of(new).first_name, user_of(known).first_name) == ("", "Kim")
    odd = ory.person(f"\U0001f600{uuid.uuid4().hex}@example.org", verified=True)  # no row has it, nor can have it
    expected = 403 if USERNAME_IS_EMAIL else 200
    assert web.get("/api/me", headers=odd.app_session().headers).status_code == expected


# --- the field refuses it ---------------------------------------------------------------------------------------------

NOT_DJANGOS = ["kim@corp", '"kim x"@example.org', "k\u00fcm@example.org", "x" * 300 + "@example.org", "a@b@c"]
NO_TEXTS = [["a@example.org"], {"a": 1}]
ADDRESSES: list[Any] = [*NOT_DJANGOS, *NO_TEXTS]


def move_to(person: Person, ory_auth: ChangeSettings, address: object) -> None:
    """Let the identity have another address; the local Ory checks its traits, so it is taken from elsewhere."""
    set_metadata(person, {"address": address})
    ory_auth(USER_FIELDS={"email": "metadata_public.address"})


@pytest.mark.parametrize("address", ADDRESSES, ids=ascii)
def test_an_old_address_does_not_stay_when_the_new_one_cannot_be_stored(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, caplog: pytest.LogCaptureFixture, address: object
) -> None:
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    move_to(person, ory_auth, address)
    assert web.get("/api/me", headers=person.app_session().headers).status_code == 200
    assert user_of(person).email == (f"{person.id}@no-address.invalid" if USERNAME_IS_EMAIL else "")
    assert refused(caplog) == [("email", "invalid")]
    assert person.email not in caplog.text


def test_an_old_address_does_not_stay_when_there_is_none_any_more(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, caplog: pytest.LogCaptureFixture
) -> None:
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    move_to(person, ory_auth, None)
    assert web.get("/api/me", headers=person.app_session().headers).status_code == 200
    assert user_of(person).email == (f"{person.id}@no-address.invalid" if USERNAME_IS_EMAIL else "")


@pytest.mark.parametrize("address", ADDRESSES, ids=ascii)
def test_a_new_person_with_such_an_address_is_logged_by_the_field(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, caplog: pytest.LogCaptureFixture, address: object
) -> None:
    if USERNAME_IS_EMAIL:
        pytest.skip("nobody comes in without an address")
    person = ory.person()
    move_to(person, ory_auth, address)
    assert web.get("/api/me", headers=person.app_session().headers).status_code == 200
    assert (user_of(person).email, refused(caplog)) == ("", [("email", "invalid")])


def test_a_project_may_keep_old_addresses(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    move_to(person, ory_auth, "kim@corp")
    ory_auth(USER_HANDLER="tests.project.handlers.KeepsOldAddresses")
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).email == person.email


def test_other_fields_keep_what_they_have_and_it_is_logged(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, caplog: pytest.LogCaptureFixture
) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", "first_name": "metadata_public.name"})
    person = ory.person()
    set_metadata(person, {"name": "Ada"})
    web.get("/who", headers=person.app_session().headers)
    set_metadata(person, {"name": ["Ada"]})
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).first_name == "Ada"
    logged = {"event": "value_refused", "identity": person.id, "field": "first_name", "why": "invalid", "kept": "old"}
    assert logged in events(caplog)


def test_a_right_that_was_taken_away_at_ory_is_gone_here(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", "is_staff": "metadata_public.staff"})
    person = ory.person()
    set_metadata(person, {"staff": True})
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).is_staff
    set_metadata(person, {})
    web.get("/who", headers=person.app_session().headers)
    assert not user_of(person).is_staff


def test_an_identity_that_never_said_anything_is_not_logged(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, caplog: pytest.LogCaptureFixture
) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", "is_staff": "metadata_public.staff"})
    person = ory.person(name={"first": "Ada"})
    web.get("/who", headers=person.app_session().headers)
    person.patch("/traits/name/first", "Augusta")
    web.get("/who", headers=person.app_session().headers)
    assert refused(caplog) == []


# --- verified addresses only ------------------------------------------------------------------------------------------


@pytest.fixture
def verified_only(ory_auth: ChangeSettings) -> None:
    ory_auth(USER_FIELDS={"email": "verified_email"})


def test_an_address_is_copied_once_it_is_verified(ory: Ory, verified_only: None, web: DualClient) -> None:
    person = ory.person()
    status = web.get("/api/me", headers=person.app_session().headers).status_code
    assert status == (403 if USERNAME_IS_EMAIL else 200)
    if not USERNAME_IS_EMAIL:
        assert user_of(person).email == ""
    verify_address(person)
    assert web.get("/api/me", headers=person.app_session().headers).status_code == 200
    assert user_of(person).email == person.email


def test_an_address_that_is_not_verified_does_not_replace_one_that_was(
    ory: Ory, verified_only: None, web: DualClient
) -> None:
    person = ory.person(verified=True)
    web.get("/who", headers=person.app_session().headers)
    person.email, old = new_address(), person.email
    person.patch("/traits/email", person.email)
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).email not in {old, person.email}
    verify_address(person)
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).email == person.email


# --- paths into lists -------------------------------------------------------------------------------------------------

LISTS = {"names": ["Ada", {"nick": "Countess"}, ["Byron"]], "digits": {"0": "Zero"}, "name": "Augusta", "none": None}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("names.0", "Ada"),
        ("names.1.nick", "Countess"),
        ("names.2.0", "Byron"),
        ("digits.0", "Zero"),  # a key, as JSON has it
    ],
)
def test_a_path_leads_into_lists(ory: Ory, ory_auth: ChangeSettings, web: DualClient, path: str, found: str) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", "first_name": f"metadata_public.{path}"})
    person = ory.person()
    set_metadata(person, LISTS)
    assert web.get("/api/me", headers=person.app_session().headers).status_code == 200
    assert user_of(person).first_name == found


@pytest.mark.parametrize(
    "path",
    [
        "names.3",
        "names.-1",
        "names.00",
        "names.+0",
        "names. 0",
        "names.0x0",
        "names.\u0660",  # a digit, though not of ours
        "names.\u00b2",
        f"names.{'9' * 5000}",  # more digits than Python converts
        "names.0.0",  # of a text
        "names.0.nick",
        "names.1.0",
        "names.length",
        "digits.1",
        "name.0",
        "none.0",
        "nothing.0",
        "names.",
        "0",
    ],
)
def test_a_path_that_leads_to_nothing_is_a_missing_value(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", "first_name": f"metadata_public.{path}"})
    person = ory.person()
    set_metadata(person, LISTS)
    assert web.get("/api/me", headers=person.app_session().headers).status_code == 200
    assert user_of(person).first_name == ""
    assert refused(caplog) == []


def test_an_address_may_come_from_the_list_of_addresses(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_FIELDS={"email": "verifiable_addresses.0.value", "first_name": "verifiable_addresses.0.via"})
    person = ory.person(verified=True)
    web.get("/who", headers=person.app_session().headers)
    assert (user_of(person).email, user_of(person).first_name) == (person.email, "email")


def test_a_list_does_not_give_rights(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", "is_staff": "verifiable_addresses.0.verified"})
    person = ory.person(verified=True)
    web.get("/who", headers=person.app_session().headers)
    assert not user_of(person).is_staff


@pytest.mark.parametrize(("name", "found"), [("ada", "ada"), ("eve", "")])
def test_a_value_has_to_be_one_of_the_fields_choices(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, monkeypatch: pytest.MonkeyPatch, name: str, found: str
) -> None:
    monkeypatch.setattr(get_user_model()._meta.get_field("first_name"), "choices", [("ada", "Ada"), ("kim", "Kim")])
    ory_auth(USER_FIELDS={"email": "traits.email", "first_name": "metadata_public.names.0"})
    person = ory.person()
    set_metadata(person, {"names": [name]})
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).first_name == found


# --- six lines for "is the address verified?" -------------------------------------------------------------------------


BLOCK = "```python\n# myproject/ory.py\n(.*?)```"
USERS = Path(__file__).resolve().parent.parent / "docs" / "reference" / "users.md"


def test_a_handler_may_say_whether_the_address_is_verified(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the documents show it, but for the name of the field."""
    [text] = re.findall(BLOCK, USERS.read_text(), re.DOTALL)
    written: dict[str, Any] = {}
    exec(text.replace("email_verified", "first_name"), written)
    monkeypatch.setattr(handlers, "FromTheDocs", written["MarksVerifiedAddresses"], raising=False)
    ory_auth(USER_HANDLER="tests.project.handlers.FromTheDocs")
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).first_name == "False"
    verify_address(person)
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person).first_name == "True"
