"""What becomes of one Django user: the identity that is sent to Ory, and why some users cannot be sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from ory_auth.conf import conf
from ory_auth.moving.capabilities import OryCapabilities, ask_ory
from ory_auth.moving.duplicates import Duplicates
from ory_auth.moving.identity_parts import find_sign_in_names
from ory_auth.moving.identity_schema import IdentitySchema
from ory_auth.moving.options import MoveOptions, read_options
from ory_auth.moving.people import Person, describe_users
from ory_auth.ory.admin_client import AdminClient
from tests.support.ory import Ory
from tests.support.types import ChangeSettings

pytestmark = pytest.mark.django_db
HASH = "md5$salt$0a3ccb2a2ae2d9e4f8dff0ddb0fb9b3a"
EMAIL = {
    "type": "string",
    "format": "email",
    "ory.sh/kratos": {
        "credentials": {"password": {"identifier": True}},
        "verification": {"via": "email"},
        "recovery": {"via": "email"},
    },
}
NAME = {"type": "object", "properties": {"first": {"type": "string", "maxLength": 100}, "last": {"type": "string"}}}
SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {
        "traits": {
            "type": "object",
            "properties": {"email": EMAIL, "name": NAME, "username": {"$ref": "#/definitions/username"}},
            "required": ["email"],
            "additionalProperties": False,
        }
    },
    "definitions": {
        "username": {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": True}}}}
    },
}
SCHEMA_OF_ORY = IdentitySchema("person", SCHEMA)
ORY = OryCapabilities(SCHEMA_OF_ORY)


def optional_email() -> OryCapabilities:
    schema = json.loads(json.dumps(SCHEMA))
    del schema["properties"]["traits"]["required"]
    return OryCapabilities(IdentitySchema("person", schema))


def describe(capabilities: OryCapabilities = ORY, options: MoveOptions | None = None, **fields: Any) -> Person:
    values = {"username": "ada", "email": "ada@example.org", "password": HASH, **fields}
    [person] = describe_users([User.objects.create(**values)], options or MoveOptions(), capabilities)
    return person


def codes(person: Person) -> list[str]:
    return [notice.code for notice in person.problems]


def test_a_user_becomes_an_identity(ory: Ory) -> None:
    person = describe(first_name="Ada", last_name=" Lovelace ")
    assert person.problems == ()
    assert person.warnings == ()
    assert person.body == {
        "schema_id": "person",
        "external_id": str(person.pk),
        "state": "active",
        "traits": {"email": "ada@example.org", "name": {"first": "Ada", "last": "Lovelace"}},
        "credentials": {
            "password": {
                "config": {"hashed_password": "$md5$pf=e1NBTFR9e1BBU1NXT1JEfQ==$c2FsdA==$CjzLKiri2eT43/DdsPubOg=="}
            }
        },
    }
    assert (person.hasher, person.password) == ("md5", "hash")
    assert person.identifiers == ("ada@example.org",)
    assert person.operations("any") == []


def test_the_identity_can_be_created(ory: Ory) -> None:
    capabilities = ask_ory(AdminClient(conf()), conf())
    person = describe(capabilities, MoveOptions(verified=lambda user: True), email="Grace@Example.org")
    created = ory.admin("POST", "/admin/identities", body=person.body)
    assert created.status == 201, created.body
    assert created.json["verifiable_addresses"][0]["verified"] is True
    assert ory.admin("DELETE", f"/admin/identities/{created.json['id']}").status == 204


def test_ory_is_asked_without_saving_anything(ory: Ory) -> None:
    before = ory.admin("GET", "/admin/identities").json
    capabilities = ask_ory(AdminClient(conf()), conf())
    assert capabilities.schema
    assert capabilities.schema.id == "person"
    assert capabilities.schema.email_path == "email"
    assert ory.admin("GET", "/admin/identities").json == before


def test_an_unknown_schema_is_named_with_those_that_exist(ory: Ory) -> None:
    with pytest.raises(ValueError, match=r"Ory has no identity schema 'staff'\. Its schemas are: person\."):
        ask_ory(AdminClient(conf()), conf(), "staff")


def test_an_inactive_user_becomes_an_inactive_identity(ory: Ory) -> None:
    assert describe(is_active=False).body["state"] == "inactive"


def test_empty_values_are_left_out(ory: Ory) -> None:
    person = describe(optional_email(), MoveOptions(), email="", first_name="Ada")
    assert person.body["traits"] == {"name": {"first": "Ada"}}


def test_user_fields_are_inverted_with_lists_and_metadata(ory: Ory, ory_auth: ChangeSettings) -> None:
    fields = {
        "email": "traits.emails.0",
        "username": "traits.emails.1",
        "is_staff": "metadata_public.roles.staff",
        "first_name": "traits.name",
        "last_name": "traits.name.last",
        "id": "id",
    }
    ory_auth(USER_FIELDS=fields)
    schema = {"properties": {"traits": {"properties": {"emails": {"type": "array", "items": EMAIL}}}}}
    person = describe(
        OryCapabilities(IdentitySchema("s", schema)), username="ada@work.example", first_name="Ada", is_staff=True
    )
    assert person.body["traits"] == {"emails": ["ada@example.org", "ada@work.example"], "name": "Ada"}
    assert person.body["metadata_public"] == {"roles": {"staff": True}}
    assert person.identifiers == ("ada@example.org", "ada@work.example")


def test_a_list_without_its_first_element_is_refused(ory: Ory, ory_auth: ChangeSettings) -> None:
    ory_auth(USER_FIELDS={"email": "traits.emails.0", "username": "traits.emails.1"})
    assert "missing_list_element" in codes(describe(email=""))


def test_a_verified_address_is_the_trait_that_the_schema_verifies(ory: Ory, ory_auth: ChangeSettings) -> None:
    ory_auth(USER_FIELDS={"email": "verified_email"})
    assert describe().body["traits"] == {"email": "ada@example.org"}


def test_the_project_says_which_addresses_are_verified(ory: Ory) -> None:
    expected = [{"value": "ada@example.org", "via": "email", "verified": True, "status": "completed"}]
    for verified in (
        "is_staff",
        lambda user: user.is_staff,
        lambda user: [user.email.upper()] if user.is_staff else [],
    ):
        options = MoveOptions(verified=verified)
        user = {"username": "ada", "email": "ada@example.org"}
        staff, other = User(pk=1, is_staff=True, **user), User(pk=2, **user)
        described = describe_users([staff, other], options, ORY)
        assert [person.body.get("verifiable_addresses") for person in described] == [expected, None]


def test_functions_of_the_project_build_traits_and_metadata(ory: Ory) -> None:
    options = MoveOptions(
        traits=lambda user: {"email": user.email, "username": user.username},
        metadata_public=lambda user: {"plan": "free"},
        metadata_admin=lambda user: {"joined": user.date_joined.isoformat()},
    )
    person = describe(options=options, username="Ada")
    assert person.body["traits"] == {"email": "ada@example.org", "username": "Ada"}
    assert person.body["metadata_public"] == {"plan": "free"}
    assert set(person.body["metadata_admin"]) == {"joined"}
    assert person.identifiers == ("ada@example.org", "ada")


def fail_with_secret(user: Any) -> Any:
    raise RuntimeError(f"no traits for {user.email}")


@pytest.mark.parametrize("name", ["traits", "metadata_public", "metadata_admin", "verified", "second_factors"])
def test_a_function_that_raises_is_a_problem_of_this_person_without_its_text(ory: Ory, name: str) -> None:
    person = describe(options=MoveOptions(**{name: fail_with_secret}))  # type: ignore[arg-type]
    problem = next(problem for problem in person.problems if problem.code == "function_failed")
    assert "RuntimeError" in problem.text
    assert "ada@example.org" not in repr(person)


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object(), "\ud800"])
def test_a_function_must_return_json(ory: Ory, value: Any) -> None:
    assert codes(describe(options=MoveOptions(metadata_admin=lambda user: value))) == ["not_json"]
    assert "not_json" in codes(describe(options=MoveOptions(traits=lambda user: value), username="grace"))


REFUSED = {
    "no e-mail address": ({"email": ""}, "no_email"),
    "no domain": ({"email": "ada"}, "invalid_email"),
    "a domain that is not ASCII": ({"email": "ada@exämple.org"}, "invalid_email"),
    "a full stop at the end": ({"email": "ada@example.org."}, "invalid_email"),
    "a space in the address": ({"email": "ada love@example.org"}, "invalid_email"),
    "a local part of 65 letters": ({"email": "a" * 65 + "@example.org"}, "invalid_email"),
    "a name of 150 letters": ({"first_name": "A" * 150}, "schema"),
}


@pytest.mark.parametrize(("fields", "code"), REFUSED.values(), ids=REFUSED)
def test_what_the_schema_would_refuse_is_known_before_anything_is_sent(
    ory: Ory, fields: dict[str, Any], code: str
) -> None:
    person = describe(**fields)
    assert code in codes(person)
    shown = repr(person)
    assert not any(value in shown for value in fields.values() if value)
    assert all(problem.fix for problem in person.problems)


@pytest.mark.parametrize(
    "email", ["root@localhost", "ädä@example.org", '"ada love"@example.org', "o'brien+ada@a.b-c.example"]
)
def test_an_unusual_address_that_ory_accepts_moves(ory: Ory, email: str) -> None:
    assert codes(describe(email=email)) == []


def test_a_name_of_300_letters_moves_if_the_schema_allows_it(ory: Ory) -> None:
    def traits(user: Any) -> dict[str, Any]:
        return {"email": user.email, "name": {"last": "A" * 300}}

    assert codes(describe(options=MoveOptions(traits=traits))) == []


def test_a_trait_that_the_schema_does_not_know_is_named(ory: Ory, ory_auth: ChangeSettings) -> None:
    ory_auth(USER_FIELDS={"email": "traits.email", "username": "traits.nickname"})
    [problem] = describe().problems
    assert problem.code == "trait_not_in_schema"
    assert "nickname" in problem.text


def test_a_person_without_any_sign_in_name_is_refused(ory: Ory) -> None:
    assert codes(describe(optional_email(), MoveOptions(), email="")) == ["no_identifier"]


def test_a_person_who_could_not_sign_in_is_reported(ory: Ory) -> None:
    options = MoveOptions(traits=lambda user: {"username": user.username})
    person = describe(optional_email(), options, email="", password="!unusable")
    assert person.problems == ()
    assert [warning.code for warning in person.warnings] == ["no_way_in"]


BCRYPT_SHA256 = "bcrypt_sha256$$2b$04$u512yO8lPU6F2ONRnLqvH.O4qft1lAF1CS9hBvgf6KHcigIS3L/u2"
WITH_BCRYPT = [
    "django.contrib.auth.hashers.MD5PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
]


def test_a_password_that_only_django_can_check_is_left_to_the_migration_hook(
    ory: Ory, ory_auth: ChangeSettings, settings: Any
) -> None:
    settings.PASSWORD_HASHERS = WITH_BCRYPT
    assert codes(describe(password=BCRYPT_SHA256)) == ["needs_migration_hook"]
    person = describe(options=MoveOptions(migration_hook=False), username="b", password=BCRYPT_SHA256)
    assert "credentials" not in person.body
    assert [warning.code for warning in person.warnings] == ["password_left"]
    ory_auth(PASSWORD_MIGRATION_SECRETS=["0123456789abcdef"])
    person = describe(username="c", password=BCRYPT_SHA256)
    assert (person.hasher, person.password) == ("bcrypt_sha256", "hook")
    assert person.body["credentials"] == {"password": {"config": {"use_password_migration_hook": True}}}


@pytest.mark.parametrize("password", ["md5$salt$xyz", "hunter$2", "plain text", "bcrypt_sha256$damaged"])
def test_a_password_that_django_cannot_check_either_is_left_behind(ory: Ory, password: str) -> None:
    person = describe(password=password)
    assert "credentials" not in person.body
    assert [warning.code for warning in person.warnings] == ["password_unreadable"]
    assert "hunter" not in repr(person)


def test_roles_that_the_first_sign_in_would_take_away_are_reported(
    ory: Ory, ory_auth: ChangeSettings, django_assert_max_num_queries: Any
) -> None:
    ory_auth(GROUPS={"metadata_public.roles": {"editor": ["Editors"], "support": {"is_staff": True}}})
    editors = Group.objects.create(name="Editors")
    users = [User.objects.create(username=str(number), email=f"{number}@example.org") for number in range(4)]
    users[0].groups.add(editors)
    users[1].groups.add(editors)
    users[2].is_staff = True
    options = MoveOptions(metadata_public=lambda user: {"roles": ["editor"] if user.username == "1" else []})
    with django_assert_max_num_queries(5):
        people = describe_users(users, options, ORY)
    assert [[warning.code for warning in person.warnings] for person in people] == [
        ["roles_missing"],
        [],
        ["roles_missing"],
        [],
    ]


KEY = b"M" * 16 + b"\0\2ID" + b"PUBLIC KEY"


def test_a_project_may_store_second_factors_itself(ory: Ory) -> None:
    factors = {
        "totp": "JBSW Y3DP EHPK 3PXP",
        "recovery_codes": ["abcd"],
        "security_keys": [(memoryview(KEY), "Key")],
        "cannot_move": ["codes by SMS"],
    }
    person = describe(options=MoveOptions(second_factors=lambda user: factors))
    assert person.second_factors == ("totp", "lookup_secret", "webauthn")
    assert [warning.code for warning in person.warnings] == ["second_factor_lost"]
    assert "codes by SMS" in person.warnings[0].text
    assert person.problems == ()
    assert [operation["path"] for operation in person.operations("id")] == [
        "/credentials/totp",
        "/credentials/lookup_secret",
        "/credentials/webauthn",
    ]


@pytest.mark.promise("A person whose second factor cannot move stays, unless the project allows the loss")
def test_a_person_whose_second_factor_cannot_move_stays_unless_the_loss_is_allowed(ory: Ory) -> None:
    def by_sms(user: Any) -> dict[str, list[str]]:
        return {"cannot_move": ["codes by SMS"]}

    assert codes(describe(options=MoveOptions(second_factors=by_sms))) == ["second_factor_lost"]
    options = MoveOptions(second_factors=by_sms, allow_lost_second_factors=True)
    person = describe(options=options, username="grace", email="grace@example.org")
    assert (person.problems, [warning.code for warning in person.warnings]) == ((), ["second_factor_lost"])


@pytest.mark.parametrize("nothing", [None, {}, {"totp": None, "recovery_codes": [], "passkeys": ()}])
def test_a_person_may_have_no_second_factor(ory: Ory, nothing: Any) -> None:
    person = describe(options=MoveOptions(second_factors=lambda user: nothing))
    assert (person.second_factors, person.problems, person.warnings) == ((), (), ())


@pytest.mark.parametrize(
    "wrong",
    [
        "JBSWY3DPEHPK3PXP",
        {"otp": "JBSWY3DPEHPK3PXP"},
        {"totp": "JBSWY3DPEHPK3PX1"},
        {"totp": 123},
        {"recovery_codes": "abcdJBSWY3DP"},
        {"recovery_codes": [1]},
        {"security_keys": [KEY]},
        {"security_keys": [(b"JBSWY3DP", "Key")]},
        {"user_handle": "JBSWY3DP"},
    ],
)
def test_a_wrong_second_factor_is_a_problem_that_shows_none_of_it(ory: Ory, wrong: Any) -> None:
    person = describe(options=MoveOptions(second_factors=lambda user: wrong))
    assert codes(person) == ["wrong_second_factors"]
    assert "JBSWY3DP" not in repr(person)


def test_an_unusable_password_becomes_no_password(ory: Ory) -> None:
    person = describe(password="!abc")
    assert "credentials" not in person.body
    assert (person.hasher, person.password, person.warnings) == ("none", "none", ())


@pytest.mark.promise("Two users with the same sign-in name are not moved")
def test_users_who_would_have_the_same_sign_in_name_are_found(ory: Ory) -> None:
    users = {
        "one": "ada@example.org",
        "two": "ADA@Example.org",
        "three": "ADÁ@example.org",
        "four": "grace@example.org",
        "five": "İda@example.org",
        "grace@example.org": "hopper@example.org",
        "six": "ida@example.org",
        "alan": "alan@example.org",
    }
    options = MoveOptions(traits=lambda user: {"email": user.email, "username": user.username})
    created = [User.objects.create(username=name, email=email) for name, email in users.items()]
    people, duplicates = describe_users(created, options, ORY), Duplicates()
    for names in find_sign_in_names(created, options, SCHEMA_OF_ORY):
        duplicates.add(names)
    same = [name for name, person in zip(users, people, strict=True) if duplicates.problems_of(person)]
    alike = [name for name, person in zip(users, people, strict=True) if duplicates.warnings_of(person)]
    assert same == ["one", "two", "four", "five", "grace@example.org", "six"]
    assert alike == ["three"]


def test_the_search_for_duplicates_reads_the_traits_only(ory: Ory, django_assert_num_queries: Any) -> None:
    calls: list[Any] = []
    options = MoveOptions(metadata_public=calls.append, metadata_admin=calls.append, verified=lambda user: False)
    users = [User.objects.create(username=str(number), email=f"{number}@EXAMPLE.org") for number in range(3)]
    with django_assert_num_queries(0):
        names = find_sign_in_names(users, options, SCHEMA_OF_ORY)
    assert calls == []
    people = describe_users(users, options, ORY)
    assert [found.identifiers for found in names] == [person.identifiers for person in people]
    assert [found.external_id for found in names] == [person.external_id for person in people]


def test_the_same_person_added_twice_is_no_duplicate(ory: Ory) -> None:
    person, duplicates = describe(), Duplicates()
    duplicates.add(person)
    duplicates.add(person)
    assert duplicates.problems_of(person) == ()
    assert duplicates.others(person) == ()


def test_a_batch_takes_no_query_for_each_user(ory: Ory, django_assert_max_num_queries: Any) -> None:
    users = [User.objects.create(username=str(number), email=f"{number}@example.org") for number in range(20)]
    with django_assert_max_num_queries(5):
        assert not any(person.problems for person in describe_users(users, MoveOptions(), ORY))


def test_options_are_read_from_a_command_line(ory: Ory) -> None:
    options = read_options(traits="json.dumps", verified="is_staff", providers=["google=google-eu", "x=y"])
    assert callable(options.traits)
    assert options.traits.__name__ == "dumps"
    assert options.verified == "is_staff"
    assert options.providers == {"google": "google-eu", "x": "y"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"traits": "nowhere.function"}, "--traits: nowhere.function cannot be imported"),
        ({"traits": "json.__name__"}, "is not a function"),
        ({"verified": "is_verified"}, "the user model has no field 'is_verified'"),
        ({"providers": ["google"]}, "--provider google: write"),
    ],
)
def test_a_wrong_option_is_explained(ory: Ory, arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_options(**arguments)
    assert text in str(caught.value)
