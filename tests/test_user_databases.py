"""Where users are stored: time zones off, routers, a database or a schema for each tenant, rows kept in memory."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.core.management import call_command
from django.db.models import Model
from pytest_django import DjangoDbBlocker, Settings

from ory_auth.models import OryIdentity
from ory_auth.users import UserHandler, delete_user
from tests.support.checks import GOOD, check_ids, only_message
from tests.support.client import DualClient
from tests.support.databases import SQLITE, temporary_database
from tests.support.ory import Ory
from tests.support.types import ChangeSettings, User
from tests.support.users import USERNAME_IS_EMAIL, make_user, user_of

# --- USE_TZ = False ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Tokyo"])
def no_zones(request: pytest.FixtureRequest, settings: Settings) -> None:
    settings.USE_TZ = False
    settings.TIME_ZONE = request.param


@pytest.mark.django_db(transaction=True)
def test_without_time_zones_everybody_comes_in_and_is_followed(ory: Ory, web: DualClient, no_zones: None) -> None:
    signed_in: list[Any] = []

    def receiver(user: User, **_: object) -> None:
        signed_in.append(user.pk)

    user_logged_in.connect(receiver)
    person = ory.person(name={"first": "Ada"})
    session = person.app_session()
    for _ in range(2):
        assert web.get("/api/me", headers=session.headers).status_code == 200
    person.patch("/traits/name/first", "Augusta")
    assert web.get("/fresh", headers=session.headers).status_code == 200
    assert web.get("/api/me", headers=person.app_session().headers).status_code == 200
    user_logged_in.disconnect(receiver)
    user = user_of(person)
    assert (user.first_name, signed_in) == ("Augusta", [user.pk, user.pk])


@pytest.mark.django_db
def test_without_time_zones_a_deleted_user_stays_deleted(ory: Ory, web: DualClient, no_zones: None) -> None:
    person = ory.person()
    session = person.app_session()
    web.get("/who", headers=session.headers)
    delete_user(user_of(person))
    assert web.get("/api/me", headers=session.headers).status_code == 403


@pytest.mark.django_db
def test_without_time_zones_users_are_linked_by_hand(ory: Ory, web: DualClient, no_zones: None) -> None:
    person, user = ory.person(), make_user("ada")
    call_command("ory_link", user.get_username(), person.id, stdout=io.StringIO())
    web.get("/who", headers=person.app_session().headers)
    assert user_of(person) == user


# --- routers ----------------------------------------------------------------------------------------------------------


class KnowsUsersOnly:
    """A strict router: an app that it does not know gets the default database, and no relation."""

    def db_for_read(self, model: type[Model], **hints: object) -> str:
        return "people" if model._meta.app_label in {"auth", "uuid_project"} else "default"

    db_for_write = db_for_read

    def allow_relation(self, one: Model, other: Model, **hints: object) -> bool:
        return "ory_auth" not in {one._meta.app_label, other._meta.app_label}

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return db == ("people" if app_label in {"auth", "contenttypes", "uuid_project"} else "default")


class RoutesReadsOnly(KnowsUsersOnly):
    """Lets everything be migrated everywhere, and sends the links to another database than the users."""

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return True


class KeepsBothOut(KnowsUsersOnly):
    """As django-tenants' router while no tenant is chosen: users and links are in the tenants' schemas only."""

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return app_label not in {"auth", "ory_auth", "uuid_project"}


class KnowsBoth(RoutesReadsOnly):
    def db_for_read(self, model: type[Model], **hints: object) -> str:
        return "people" if model._meta.app_label in {"auth", "ory_auth", "uuid_project"} else "default"

    db_for_write = db_for_read


def test_a_router_that_keeps_the_links_out_is_an_error(settings: Settings) -> None:
    settings.ORY_AUTH = GOOD
    settings.DATABASE_ROUTERS = [f"{__name__}.KnowsUsersOnly"]
    message = only_message("E016", "allow_migrate")
    assert "DATABASES['people']" in message.msg


def test_a_router_that_keeps_users_and_links_out_is_no_error(settings: Settings) -> None:
    settings.ORY_AUTH = GOOD
    settings.DATABASE_ROUTERS = [f"{__name__}.KeepsBothOut"]
    assert "E016" not in check_ids()


def test_a_router_that_sends_the_links_elsewhere_is_a_warning(settings: Settings) -> None:
    settings.ORY_AUTH = GOOD
    settings.DATABASE_ROUTERS = [f"{__name__}.RoutesReadsOnly"]
    only_message("W024", "db_for_read")


@pytest.mark.parametrize("routers", [[], [f"{__name__}.KnowsBoth"], ["tests.test_users.LaggingReplica"]])
def test_a_router_that_knows_both_is_fine(settings: Settings, routers: list[str]) -> None:
    settings.ORY_AUTH, settings.DATABASE_ROUTERS = GOOD, routers
    assert check_ids() == []


@pytest.fixture
def people(django_db_blocker: DjangoDbBlocker, tmp_path: Path, settings: Settings) -> Iterator[None]:
    """Two databases; the router is set while their tables are made, and later."""
    with django_db_blocker.unblock():
        settings.DATABASE_ROUTERS = [f"{__name__}.RoutesReadsOnly"]
        with (
            temporary_database("default", NAME=str(tmp_path / "default.sqlite"), **SQLITE),
            temporary_database("people", NAME=str(tmp_path / "people.sqlite"), **SQLITE),
        ):
            yield
        settings.DATABASE_ROUTERS = []


@pytest.mark.django_db(databases=[])
def test_users_and_links_are_in_the_database_of_the_users(ory: Ory, web: DualClient, people: None) -> None:
    person = ory.person()
    for _ in range(2):
        assert web.get("/api/me", headers=person.app_session().headers).status_code == 200
    link = OryIdentity.objects.using("people").get()
    assert link.user == get_user_model().objects.using("people").get()
    assert not OryIdentity.objects.using("default").exists()


@pytest.mark.django_db(databases=[])
def test_a_link_by_hand_is_in_the_database_of_the_users(ory: Ory, web: DualClient, people: None) -> None:
    person, user = ory.person(), make_user("ada")
    call_command("ory_link", user.get_username(), person.id, stdout=io.StringIO())
    assert web.get("/api/me", headers=person.app_session().headers).status_code == 200
    assert OryIdentity.objects.using("people").get().user == user


# --- rows kept in memory ----------------------------------------------------------------------------------------------


class Tenants:
    """A database for each tenant, as the request says."""

    current = "default"

    def db_for_read(self, model: type[Model], **hints: object) -> str:
        return Tenants.current

    db_for_write = db_for_read

    def allow_relation(self, *args: object, **hints: object) -> bool:
        return True


@pytest.fixture
def tenants(django_db_blocker: DjangoDbBlocker, tmp_path: Path, settings: Settings) -> Iterator[None]:
    with (
        django_db_blocker.unblock(),
        temporary_database("default", NAME=str(tmp_path / "a.sqlite"), **SQLITE),
        temporary_database("b", NAME=str(tmp_path / "b.sqlite"), **SQLITE),
    ):
        settings.DATABASE_ROUTERS = [f"{__name__}.Tenants"]
        yield
        settings.DATABASE_ROUTERS, Tenants.current = [], "default"


@pytest.mark.django_db(databases=[])
def test_staff_in_one_database_are_not_staff_in_another(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, tenants: None
) -> None:
    ory_auth(USER_CACHE_SECONDS=60, SESSION_CACHE_SECONDS=60, USER_HANDLER=f"{__name__}.Scoped")
    session = ory.person().app_session()
    web.get("/who", headers=session.headers)
    User.objects.using("default").update(is_staff=True)
    for _ in range(3):
        assert web.get("/admin/", headers=session.headers).status_code == 200
    Tenants.current = "b"
    for _ in range(3):
        assert web.get("/admin/", headers=session.headers).status_code != 200


class Scoped(UserHandler):
    """One database, and a schema for each tenant that only the project knows of."""

    scope = "a"

    def cache_scope(self) -> str:
        return Scoped.scope


@pytest.mark.django_db(transaction=True)
def test_a_row_counts_in_its_own_scope(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    if USERNAME_IS_EMAIL:
        pytest.skip("users of a manager with a query of its own are not kept")
    ory_auth(USER_CACHE_SECONDS=60, SESSION_CACHE_SECONDS=60, USER_HANDLER=f"{__name__}.Scoped")
    session = ory.person(name={"first": "Ada"}).app_session()
    for _ in range(2):
        web.get("/who", headers=session.headers)
    User.objects.update(email="other@example.org")  # as if it were the other schema's row
    assert web.get("/who", headers=session.headers).json()["email"] != "other@example.org"
    Scoped.scope = "b"
    try:
        assert web.get("/who", headers=session.headers).json()["email"] == "other@example.org"
    finally:
        Scoped.scope = "a"


def by_router(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.DATABASE_ROUTERS = [f"{__name__}.Tenants"]


def by_schema(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = {"ENGINE": "django_tenants.postgresql_backend"}
    monkeypatch.setitem(settings.DATABASES, "default", {**settings.DATABASES["default"], **engine})


@pytest.mark.parametrize("separate", [by_router, by_schema])
def test_cached_users_need_a_scope_if_there_are_tenants(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    separate: Callable[[Settings, pytest.MonkeyPatch], None],
) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_CACHE_SECONDS": 5}
    assert check_ids() == []
    separate(settings, monkeypatch)
    only_message("E017", "cache_scope()", "USER_CACHE_SECONDS")
    settings.ORY_AUTH = {**settings.ORY_AUTH, "USER_HANDLER": f"{__name__}.Scoped"}
    assert check_ids() == []
    settings.ORY_AUTH = GOOD
    assert check_ids() == []


@pytest.mark.django_db(transaction=True)
def test_a_moved_link_counts_at_once(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_CACHE_SECONDS=60, SESSION_CACHE_SECONDS=60)
    person = ory.person()
    session = person.app_session()
    boss = make_user("old-boss", is_staff=True)
    call_command("ory_link", boss.get_username(), person.id, stdout=io.StringIO())
    for _ in range(3):
        assert web.get("/who", headers=session.headers).json()["pk"] == str(boss.pk)
    clerk = make_user("clerk")
    call_command("ory_link", clerk.get_username(), person.id, "--move", stdout=io.StringIO())
    for _ in range(3):
        assert web.get("/who", headers=session.headers).json()["pk"] == str(clerk.pk)
