"""System checks of ``AUTH_USER_MODEL`` and of what is to go into it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Group
from django.db import models
from django.db.models.functions import Upper
from django.db.models.signals import pre_save
from pytest_django import Settings

from ory_auth.users import UserHandler
from tests.support.checks import GOOD, check_ids, check_messages, only_message

MakeModel = Callable[..., None]


@pytest.fixture(autouse=True)
def _good(settings: Settings) -> None:
    settings.ORY_AUTH = GOOD


@pytest.fixture
def model(settings: Settings) -> Iterator[MakeModel]:
    """Make ``AUTH_USER_MODEL`` one with these fields and attributes, for this test."""

    def make(**given: Any) -> None:
        meta = type("Meta", (), {"app_label": "auth"})
        attributes = {"name": models.CharField(max_length=36, unique=True), "USERNAME_FIELD": "name", **given}
        type("Member", (AbstractBaseUser,), {"__module__": __name__, "Meta": meta, "objects": Manager(), **attributes})
        settings.AUTH_USER_MODEL = "auth.Member"

    yield make
    settings.AUTH_USER_MODEL = "auth.User"
    apps.all_models["auth"].pop("member", None)
    apps.clear_cache()


class Manager(BaseUserManager[Any]):
    pass


@pytest.mark.parametrize("field", ["is_staff", "is_superuser", "groups", "user_permissions"])
@pytest.mark.parametrize("path", ["traits.role", "traits", "schema_id"])
def test_rights_from_traits_are_an_error(settings: Settings, field: str, path: str) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {field: path}}
    message = only_message("E005")
    assert field in message.msg
    # A relation can be mapped from nowhere.
    assert ("metadata_public" in (message.hint or "")) is field.startswith("is_")


@pytest.mark.parametrize("field", ["groups", "user_permissions"])
def test_a_relation_cannot_be_mapped(settings: Settings, field: str) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {field: "metadata_public.role"}}
    assert field in only_message("E006").msg


@pytest.mark.parametrize("field", ["is_active", "password", "last_login", "id", "pk"])
def test_fields_that_only_the_project_may_set_are_an_error(settings: Settings, field: str) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {field: "metadata_public.x"}}
    assert field in only_message("E005").msg


@pytest.mark.parametrize("field", ["nick", "logentry", "ory"])
def test_an_unknown_field_is_an_error(settings: Settings, field: str) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {field: "traits.x"}}
    message = only_message("E006")
    assert field in message.msg
    assert "auth.User" in (message.hint or "")


@pytest.mark.parametrize("path", ["no.such.thing", "tests.project.handlers.Nobody", "tests.project.views.home", "os"])
def test_an_invalid_handler_is_an_error(settings: Settings, path: str) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_HANDLER": path}
    assert path in only_message("E007").msg


class Raises(UserHandler):
    async def admit(self, session: object, user: object) -> bool:  # type: ignore[override]
        return False

    def create(self) -> Any:  # type: ignore[override]
        return None


def test_a_handler_with_other_arguments_is_an_error(settings: Settings) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_HANDLER": f"{__name__}.Raises"}
    admit, create = check_messages()
    assert (admit.id, create.id) == ("ory_auth.E014", "ory_auth.E014")
    assert "admit() is a coroutine function" in admit.msg
    assert "create() does not accept the argument that it is called with" in create.msg
    assert "Define admit" in (admit.hint or "")


def test_a_handler_that_cannot_be_imported_is_an_error_without_its_text(settings: Settings) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_HANDLER": "tests.support.broken_module.Handler"}
    message = only_message("E007", "ORY_AUTH['USER_HANDLER']")
    assert "ZeroDivisionError" in message.msg


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("email", "traits.email"),
        ("trait.name.first", "traits.name.first"),
        ("identity.traits.email", "traits.email"),
        ("metadata_admin.role", "metadata_"),
        ("a.b", "traits"),
        ("id.0", "no parts"),
        ("organization_id.x", "no parts"),
        ("verified_email.0", "single"),
        ("traits..email", "dots"),
        ("traits.", "dots"),
        ("traits.emails.-1", "from 0"),
        ("metadata_public.emails.[0]", "from 0"),
        ("verifiable_addresses.value", "verifiable_addresses.0.value"),
        ("verifiable_addresses.0.email", "verifiable_addresses.0.value"),
        ("verifiable_addresses.0.value.0", "verifiable_addresses.0.value"),
        ("verifiable_adresses.0.value", "verifiable_addresses.0.value"),
    ],
)
def test_a_path_outside_an_identity_is_an_error(settings: Settings, path: str, near: str) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {"email": path}}
    only_message("E015", near, "USER_FIELDS")


@pytest.mark.parametrize(
    "path",
    [
        "id",
        "schema_id",
        "traits.a.b",
        "traits.emails.0",
        "metadata_public.x",
        "organization_id",
        "verifiable_addresses.0.value",
        "verifiable_addresses.1.via",
    ],
)
def test_a_path_into_an_identity_is_fine(settings: Settings, path: str) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {"username": path}}
    assert check_messages() == []


@pytest.mark.parametrize("path", ["traits.team", "traits", "traits.teams.0", "verifiable_addresses.0.value"])
def test_a_role_or_tenant_from_traits_is_a_warning(settings: Settings, model: MakeModel, path: str) -> None:
    model(team=models.ForeignKey(Group, models.CASCADE, null=True), role=models.CharField(max_length=9))
    for field in ("team_id", "role"):
        settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {field: path}}
        assert field in only_message("W025", "metadata_public", "USER_HANDLER").msg
        settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {field: "metadata_public.x"}}
        assert check_messages() == []


def test_other_fields_from_traits_are_fine(settings: Settings, model: MakeModel) -> None:
    model(nick=models.CharField(max_length=9), controller=models.CharField(max_length=9))
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {"nick": "traits.role", "controller": "traits.x"}}
    assert check_messages() == []


def test_a_verified_address_is_a_path(settings: Settings) -> None:
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {"email": "verified_email"}}
    assert check_messages() == []
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {"email": "verifid_email"}}
    only_message("E015", "'verified_email'")
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {"is_staff": "verified_email"}}
    only_message("E005")


def test_a_foreign_key_is_mapped_by_its_column(settings: Settings, model: MakeModel) -> None:
    model(team=models.ForeignKey(Group, models.CASCADE, null=True))
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {"team": "traits.team"}}
    only_message("E012", "team_id", "metadata_public", "USER_FIELDS")
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {"team_id": "metadata_public.team"}}
    assert check_messages() == []


def test_a_generated_field_cannot_be_mapped(settings: Settings, model: MakeModel) -> None:
    upper = models.GeneratedField(
        expression=Upper("name"), output_field=models.CharField(max_length=36), db_persist=True
    )
    model(upper=upper)
    assert check_messages() == []
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {"upper": "traits.name"}}
    only_message("E012", "USER_HANDLER")


def test_linking_without_an_email_field_is_an_error(settings: Settings, model: MakeModel) -> None:
    settings.ORY_AUTH = {**GOOD, "LINK_BY_VERIFIED_EMAIL": True}
    assert check_messages() == []
    model()
    only_message("E013", "EMAIL_FIELD", "LINK_BY_VERIFIED_EMAIL")


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        (models.CharField(max_length=30, unique=True), "max_length of 30"),
        (models.EmailField(unique=True), "e-mail"),
        (models.TextField(unique=True), "not a text field"),
        (models.IntegerField(unique=True), "not a text field"),
    ],
)
def test_a_username_field_that_cannot_hold_an_id_is_a_warning(
    settings: Settings, model: MakeModel, field: models.Field[Any, Any], problem: str
) -> None:
    model(name=field.clone())
    assert problem in only_message("W017", "USER_FIELDS").msg
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {"name": "traits.email"}}
    assert check_messages() == []


@pytest.mark.parametrize(
    "field",
    [
        models.CharField(max_length=36, unique=True),
        models.UUIDField(unique=True),
        models.BigAutoField(primary_key=True),
        models.CharField(max_length=9, unique=True, default=lambda: "x"),
    ],
)
def test_a_username_field_that_can_hold_an_id_is_fine(model: MakeModel, field: models.Field[Any, Any]) -> None:
    model(name=field.clone())
    assert check_messages() == []


REQUIRED = {
    "is required": [
        models.DateField(),
        models.IntegerField(),
        models.BooleanField(),
        models.JSONField(),
        models.UUIDField(),
        models.ForeignKey("auth.Group", models.CASCADE),
    ],
    "is unique": [
        models.CharField(max_length=9, unique=True),
        models.CharField(max_length=9, unique=True, default="x"),
        models.IntegerField(unique=True, default=1),
    ],
}


@pytest.mark.parametrize(("problem", "field"), [(problem, f) for problem, some in REQUIRED.items() for f in some])
def test_a_required_field_that_nothing_sets_is_a_warning(
    model: MakeModel, problem: str, field: models.Field[Any, Any]
) -> None:
    model(extra=field.clone())
    assert f"auth.Member.extra {problem}" in only_message("W018", "USER_FIELDS", "USER_HANDLER").msg


class Numbered(models.IntegerField):  # type: ignore[type-arg]
    """Fills itself, as fields of other packages do."""

    def pre_save(self, model_instance: models.Model, add: bool) -> int:
        return 1


@pytest.mark.parametrize(
    "field",
    [
        models.DateTimeField(auto_now_add=True),
        models.DateField(null=True),
        models.IntegerField(default=0),
        models.UUIDField(default=uuid.uuid4, unique=True),
        models.CharField(max_length=9),
        models.CharField(max_length=9, null=True, unique=True),
        models.IntegerField(db_default=1),
        Numbered(),
    ],
)
def test_a_field_with_a_value_is_fine(model: MakeModel, field: models.Field[Any, Any]) -> None:
    model(extra=field.clone())
    assert check_messages() == []


def test_a_mapped_field_is_fine(settings: Settings, model: MakeModel) -> None:
    model(phone=models.CharField(max_length=20, unique=True), born=models.DateField())
    settings.ORY_AUTH = {**GOOD, "USER_FIELDS": {"phone": "traits.phone", "born": "traits.born"}}
    assert check_messages() == []


def test_a_model_with_its_own_save_is_not_checked(model: MakeModel) -> None:
    model(extra=models.IntegerField(), save=lambda self, *args, **options: None)
    assert check_messages() == []


def test_a_model_with_a_pre_save_receiver_is_not_checked(model: MakeModel) -> None:
    model(extra=models.IntegerField())
    assert check_ids() == ["W018"]

    def fill(sender: object, **_: object) -> None:
        pass

    pre_save.connect(fill)
    try:
        assert check_messages() == []
    finally:
        pre_save.disconnect(fill)


class Creates(UserHandler):
    def create(self, identity: object) -> Any:
        return None


class Admits(UserHandler):
    def admit(self, session: object, user: object) -> bool:
        return True


@pytest.mark.parametrize(("handler", "found"), [("Creates", []), ("Admits", ["W018"])])
def test_fields_are_not_checked_if_a_handler_creates_users(
    settings: Settings, model: MakeModel, handler: str, found: list[str]
) -> None:
    model(extra=models.IntegerField())
    settings.ORY_AUTH = {**GOOD, "USER_HANDLER": f"{__name__}.{handler}"}
    assert check_ids() == found
