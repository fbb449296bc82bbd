"""``LINK_BY_VERIFIED_EMAIL``: who may be taken over, and what of the account's old life ends then."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from rest_framework.authtoken.models import Token

from ory_auth.models import OryIdentity
from ory_auth.signals import user_linked
from ory_auth.types import Identity
from ory_auth.users import UserHandler
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.types import ChangeSettings, User
from tests.support.users import is_postgresql, make_user, user_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _link(ory_auth: ChangeSettings) -> None:
    ory_auth(LINK_BY_VERIFIED_EMAIL=True)


def is_linked(user: User) -> bool:
    return OryIdentity.objects.filter(user=user).exists()


# --- addresses that only look alike -----------------------------------------------------------------------------------

LOOKALIKES = [("m\u0131ke@example.org", "mike@example.org"), ("\u017fam@example.org", "sam@example.org")]  # see UPPER()


@pytest.mark.skipif(not is_postgresql(), reason="SQLite folds ASCII letters only")
@pytest.mark.parametrize(("lookalike", "address"), LOOKALIKES)
def test_a_lookalike_address_links_no_user_on_postgresql(
    ory: Ory, web: DualClient, lookalike: str, address: str
) -> None:
    old = make_user(email=address)
    web.get("/who", headers=ory.person(lookalike, verified=True).app_session().headers)
    old.refresh_from_db()
    assert (is_linked(old), old.has_usable_password()) == (False, True)


@pytest.fixture
def folding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database whose comparison takes everything for equal, which collations come near to."""
    operators: dict[str, str] = connection.operators  # type: ignore[attr-defined]  # each database's own
    monkeypatch.setitem(operators, "iexact", "<> 'not ' || %s")


@pytest.mark.promise("An address that a database takes for another one links nobody")
def test_an_address_that_only_the_database_calls_equal_links_no_user(ory: Ory, folding: None, web: DualClient) -> None:
    old = make_user(email="mike@example.org")
    web.get("/who", headers=ory.person("m\u0131ke@example.org", verified=True).app_session().headers)
    assert not is_linked(old)


def test_users_who_only_look_alike_are_not_counted(ory: Ory, folding: None, web: DualClient) -> None:
    person = ory.person(verified=True)
    make_user("other")
    old = make_user(email=person.email.upper())
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person) == old


# --- the project decides ----------------------------------------------------------------------------------------------


def test_a_project_may_link_staff(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.TrustsTheAddress")
    person = ory.person(verified=True)
    old = make_user(email=person.email, is_staff=True)
    old.groups.add(Group.objects.create(name="editors"))
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person) == old


def test_a_project_may_refuse_to_link(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.NeverLinks")
    person = ory.person(verified=True)
    old = make_user(email=person.email)
    web.get("/who", headers=person.app_session().headers)
    assert not is_linked(old)


def test_a_user_is_never_linked_twice(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    person, other = ory.person(verified=True), ory.person()
    old = make_user(email=person.email)
    OryIdentity.objects.create(
        id=other.id, user=old, updated_at="2001-01-01T00:00Z", authenticated_at="2001-01-01T00:00Z"
    )
    ory_auth(USER_HANDLER="tests.project.handlers.TrustsTheAddress")
    web.get("/who", headers=person.app_session().headers)
    assert str(OryIdentity.objects.get(user=old).pk) == other.id


# --- an account that somebody else has prepared -----------------------------------------------------------------------


@pytest.mark.promise("A linked account keeps no other way to sign in")
def test_tokens_of_the_account_open_nothing_any_more(ory: Ory, web: DualClient) -> None:
    person = ory.person(verified=True)
    old = make_user(email=person.email)
    Token.objects.create(user=old)
    others = Token.objects.create(user=make_user("other"))
    web.get("/who", headers=person.app_session().headers)
    assert list(Token.objects.all()) == [others]


def test_sessions_of_the_account_are_over(ory: Ory, web: DualClient) -> None:
    person = ory.person(verified=True)
    browser = Client()
    browser.force_login(make_user(email=person.email))
    web.get("/who", headers=person.app_session().headers)
    assert browser.get("/who").json()["user"] == ""


class Revoking(UserHandler):
    """Ends what this project hands out itself, here membership in a group."""

    def may_link(self, identity: Identity, user: User) -> bool:
        return True

    def revoke_credentials(self, user: User) -> None:
        super().revoke_credentials(user)
        user.groups.clear()


def test_a_project_can_revoke_its_own_credentials(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_HANDLER=f"{__name__}.Revoking")
    person = ory.person(verified=True)
    old = make_user(email=person.email)
    old.groups.add(Group.objects.create(name="editors"))
    Token.objects.create(user=old)
    web.get("/who", headers=person.app_session().headers)
    assert (is_linked(old), old.groups.exists(), Token.objects.exists()) == (True, False, False)


class CannotRevoke(UserHandler):
    def revoke_credentials(self, user: User) -> None:
        raise RuntimeError("the other service does not answer")


@pytest.mark.django_db(transaction=True)
def test_a_user_whose_credentials_cannot_be_revoked_is_not_linked(
    ory: Ory, ory_auth: ChangeSettings, no_raise: DualClient
) -> None:
    ory_auth(USER_HANDLER=f"{__name__}.CannotRevoke")
    person = ory.person(verified=True)
    old = make_user(email=person.email)
    assert no_raise.get("/who", headers=person.app_session().headers).status_code == 500
    old.refresh_from_db()
    assert (is_linked(old), old.has_usable_password()) == (False, True)


@pytest.fixture
def linked() -> Iterator[list[tuple[Any, str]]]:
    """Whom the signal names: user and identity."""
    heard: list[tuple[Any, str]] = []

    def receiver(user: User, identity: Identity, **_: object) -> None:
        heard.append((user, str(identity.id)))

    user_linked.connect(receiver)
    yield heard
    user_linked.disconnect(receiver)


@pytest.mark.django_db(transaction=True)
def test_a_signal_says_who_was_linked(ory: Ory, web: DualClient, linked: list[tuple[Any, str]]) -> None:
    person = ory.person(verified=True)
    old = make_user(email=person.email)
    for _ in range(2):
        web.get("/who", headers=person.app_session().headers)
    assert linked == [(old, person.id)]


@pytest.mark.django_db(transaction=True)
def test_no_signal_says_that_a_new_user_was_linked(ory: Ory, web: DualClient, linked: list[tuple[Any, str]]) -> None:
    web.get("/who", headers=ory.person(verified=True).app_session().headers)
    assert linked == []


@pytest.mark.django_db(transaction=True)
def test_a_link_is_logged(ory: Ory, web: DualClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ory_auth")
    person = ory.person(verified=True)
    make_user(email=person.email)
    web.get("/who", headers=person.app_session().headers)
    assert f"identity_linked identity={person.id}" in caplog.messages
    assert person.email not in caplog.text
