"""The password migration hook: Ory asks this site about passwords that only Django can check."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from ory_auth.checks.secrets import check_secrets
from ory_auth.conf import conf
from ory_auth.models import OryIdentity
from ory_auth.moving import attempts
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.types import ChangeSettings

pytestmark = pytest.mark.django_db
URL = "/auth/password-migration"
SECRET, NEXT_SECRET = "0123456789-old-secret", "0123456789-new-secret"
PASSWORD = "Ratatosk-9-tree"
BEARER = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture(autouse=True)
def _hook(ory_auth: ChangeSettings) -> None:
    ory_auth(PASSWORD_MIGRATION_SECRETS=[SECRET, NEXT_SECRET])
    attempts.reset()


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", "Ada@Example.org", PASSWORD)


def ask(web: Any, headers: dict[str, str] | None = None, **question: Any) -> Any:
    body = {"identifier": "ada@example.org", "password": PASSWORD, **question}
    return web.post(
        URL, json.dumps(body), content_type="application/json", headers=BEARER if headers is None else headers
    )


def test_a_matching_password_is_confirmed_and_stays_as_it_is(web: DualClient, ada: User) -> None:
    before = ada.password
    response = ask(web)
    assert (response.status_code, response.json()) == (200, {"status": "password_match"})
    ada.refresh_from_db()
    assert ada.password == before


def test_another_password_is_not_confirmed(web: DualClient, ada: User) -> None:
    response = ask(web, password="wrong")
    assert (response.status_code, response.json()) == (403, {})


@pytest.mark.parametrize("identifier", ["ada@example.org", " ADA@example.ORG ", "ada", "ADA"])
def test_people_are_found_as_ory_finds_them(client: Client, ada: User, identifier: str) -> None:
    assert ask(client, identifier=identifier).status_code == 200


def test_two_users_with_the_same_sign_in_name_are_not_guessed_between(client: Client, ada: User) -> None:
    User.objects.create_user("ada@example.org", "other@example.org", PASSWORD)
    assert ask(client).status_code == 403
    assert ask(client, external_id=str(ada.pk)).status_code == 200


def test_an_accent_makes_another_address(client: Client, ada: User) -> None:
    assert ask(client, identifier="adá@example.org").status_code == 403
    assert ask(client, identifier="ada@example.org\x00").status_code == 403


def test_the_external_id_counts_if_ory_sends_it(client: Client, ada: User) -> None:
    assert ask(client, identifier="changed-at-ory@example.org", external_id=str(ada.pk)).status_code == 200
    assert ask(client, external_id=str(ada.pk + 1)).status_code == 403
    assert ask(client, external_id="no-number").status_code == 403
    assert ask(client, external_id=None).status_code == 200


@pytest.mark.parametrize("has_external_id", [True, False], ids=["external_id", "link"])
def test_a_user_who_takes_the_former_address_of_another_one_is_not_confirmed(
    client: Client, ory: Ory, has_external_id: bool
) -> None:
    """Without the template, Ory sends only the address, and asks about the person who has it at Ory."""
    victim = User.objects.create_user("victim", "new@example.org", "another-password-1")
    User.objects.create_user("mallory", "old@example.org", PASSWORD)
    person = ory.person(email="old@example.org")
    if has_external_id:
        operation = {"op": "add", "path": "/external_id", "value": str(victim.pk)}
        ory.admin("PATCH", f"/admin/identities/{person.id}", body=[operation])
    else:
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        OryIdentity.objects.create(id=person.id, user_id=victim.pk, updated_at=moment, authenticated_at=moment)
    assert ask(client, identifier="old@example.org").status_code == 403
    assert ask(client, identifier="old@example.org", password="another-password-1").status_code == 200
    person.delete()


def test_an_inactive_user_is_not_confirmed(client: Client, ada: User) -> None:
    User.objects.update(is_active=False)
    assert ask(client).status_code == 403


@pytest.mark.parametrize("password", ["!unusable", "", "unknown_hasher$x$y"])
def test_a_password_that_django_cannot_check_is_not_confirmed(client: Client, ada: User, password: str) -> None:
    User.objects.update(password=password)
    assert ask(client).status_code == 403


@pytest.mark.promise("The password migration hook takes as long for unknown people as for wrong passwords")
def test_an_unknown_person_takes_as_long_as_a_wrong_password(client: Client, ada: User, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    User.objects.update(password=hashers.make_password("another"))
    counts = []
    for identifier in ("ada@example.org", "nobody@example.org"):
        CountingHasher.runs = 0
        assert ask(client, identifier=identifier).status_code == 403
        counts.append(CountingHasher.runs)
    assert counts == [1, 1]


class CountingHasher(hashers.MD5PasswordHasher):
    algorithm = "counting"
    runs = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).runs += 1
        return super().encode(password, salt)


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.mark.parametrize("headers", [BEARER, {"Authorization": f"bearer {NEXT_SECRET}"}, basic("ory", NEXT_SECRET)])
def test_ory_authenticates_with_any_of_the_secrets(client: Client, ada: User, headers: dict[str, str]) -> None:
    assert ask(client, headers).status_code == 200


@pytest.mark.promise("The password migration hook answers no caller without one of its secrets")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": SECRET},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer x" + SECRET},
        basic(SECRET, ""),
    ],
)
def test_no_other_caller_learns_anything(client: Client, ada: User, headers: dict[str, str]) -> None:
    assert ask(client, headers).status_code == 403


def test_without_the_setting_the_page_does_not_exist(web: DualClient, ada: User, ory_auth: ChangeSettings) -> None:
    ory_auth(PASSWORD_MIGRATION_SECRETS=None)
    assert ask(web).status_code == 404


def test_csrf_protection_does_not_apply(ada: User) -> None:
    assert ask(Client(enforce_csrf_checks=True)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        "{",
        '{"identifier": "ada"}',
        '{"identifier": 1, "password": "x"}',
        "[" * 5000,
        " " * 20_000 + "{}",
    ],
)
def test_a_body_that_is_not_from_ory_is_refused(client: Client, ada: User, body: str) -> None:
    response = client.post(URL, body, content_type="application/json", headers=BEARER)
    assert response.status_code == 403


def test_forms_and_other_methods_are_refused(client: Client, ada: User) -> None:
    form = {"identifier": "ada", "password": PASSWORD}
    assert client.post(URL, form, headers=BEARER).status_code == 403
    assert client.get(URL, headers=BEARER).status_code == 405


@pytest.mark.promise("The password migration hook limits the attempts for each person")
def test_one_person_has_a_limited_number_of_attempts(client: Client, ada: User) -> None:
    User.objects.create_user("grace", "grace@example.org", PASSWORD)
    statuses = [ask(client, password=f"guess {number}").status_code for number in range(10)]
    assert statuses == [403] * 10
    assert ask(client).status_code == 403, "even with the right password"
    assert ask(client, identifier=" ADA@example.org").status_code == 403
    assert ask(client, identifier="grace@example.org").status_code == 200


def test_all_people_together_have_a_limited_number_of_attempts(client: Client, settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    statuses = [ask(client, identifier=f"person-{number}@example.org").status_code for number in range(140)]
    assert statuses[:100] == [403] * 100
    assert 503 in statuses


def test_a_hasher_that_fails_is_trouble_of_this_site(
    web: DualClient, ada: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", f"{__name__}.BrokenHasher"]
    User.objects.update(password="broken$x$y")
    assert ask(web).status_code == 503
    assert "password_migration_failed reason=RuntimeError" in caplog.text
    assert [record.name for record in caplog.records] == ["ory_auth"]
    assert PASSWORD not in caplog.text + repr([vars(record) for record in caplog.records])


def test_a_failing_database_is_trouble_of_this_site(
    client: Client, ada: User, caplog: pytest.LogCaptureFixture
) -> None:
    with connection.execute_wrapper(fail):
        assert ask(client).status_code == 503
    assert "password_migration_failed reason=OperationalError" in caplog.text


def fail(*_: Any) -> NoReturn:
    raise OperationalError("the database is down")


class BrokenHasher(hashers.MD5PasswordHasher):
    """A hasher of the project that fails, and quotes the password."""

    algorithm = "broken"

    def verify(self, password: str, encoded: str) -> bool:
        raise RuntimeError(password)


def test_no_log_line_says_whose_password_it_was(client: Client, ada: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ask(client)
    ask(client, password="wrong")
    ask(client, identifier="nobody@example.org")
    ask(client, {})
    logged = caplog.text + "".join(repr(vars(record)) for record in caplog.records)
    assert f"password_migrated user={ada.pk}" in logged
    assert "password_migration_refused reason=unknown_user" in logged
    assert "password_migration_refused reason=secret" in logged
    for secret in (SECRET, PASSWORD, "example.org", ada.password):
        assert secret not in logged


def test_an_error_collector_cannot_read_the_body_again(client: Client, ada: User) -> None:
    response: HttpResponse = ask(client)
    assert response.wsgi_request.body == b""  # type: ignore[attr-defined]


def test_weak_and_reused_secrets_are_reported_without_showing_them(
    ory_auth: ChangeSettings, settings: Settings
) -> None:
    assert list(check_secrets(conf())) == []
    settings.SECRET_KEY = "0123456789-secret-key"
    secrets = ["aaaaaaaaaaaaaaaaaaaa", SECRET, settings.SECRET_KEY]
    ory_auth(PASSWORD_MIGRATION_SECRETS=secrets, WEBHOOK_SECRETS=[SECRET], API_KEY=SECRET)
    messages = list(check_secrets(conf()))
    assert [message.msg.partition(": ")[2] for message in messages] == [
        "secret 1 is easy to guess.",
        "secret 2 is the same as ORY_AUTH['API_KEY'].",
        "secret 2 is the same as ORY_AUTH['WEBHOOK_SECRETS'].",
        "secret 3 is the same as SECRET_KEY.",
        "secret 1 is the same as ORY_AUTH['API_KEY'].",
        "secret 1 is the same as ORY_AUTH['PASSWORD_MIGRATION_SECRETS'].",
    ]
    assert SECRET not in repr(messages)


@pytest.fixture
def ory_with_hook(ory: Ory, live_server: Any) -> Ory:
    """An Ory that asks this site: the local one, or a Kratos with the configuration of the how-to.

    Such a Kratos needs ``ORY_TEST_HOOK``, and calls this site at the address of pytest's ``--liveserver``.
    """
    if ory.local:
        header = {"name": "Authorization", "value": f"Bearer {SECRET}", "in": "header"}
        config = {"url": f"{live_server.url}{URL}", "method": "POST", "auth": {"type": "api_key", "config": header}}
        ory.local.configure(migrate_hook={"enabled": True, "config": {**config, "body": BODY}})
    elif not os.environ.get("ORY_TEST_HOOK"):
        pytest.skip("needs a Kratos with the hook")
    return ory


HOW_TO = Path(__file__).parent.parent / "docs" / "how-to" / "password-migration.md"
BODY = "base64://" + re.findall(r"body: base64://(\S+)", HOW_TO.read_text())[0]


def test_the_how_to_shows_the_template_that_it_encodes() -> None:
    [shown] = re.findall(r"```jsonnet\n(.*?)\n```", HOW_TO.read_text(), re.DOTALL)
    assert base64.b64decode(BODY.removeprefix("base64://")).decode() == shown


@pytest.mark.parametrize("address", ["hook@example.org", "changed-at-ory@example.org"])
def test_ory_asks_once_and_then_has_the_password(
    transactional_db: None, ory_with_hook: Ory, settings: Settings, address: str
) -> None:
    ory = ory_with_hook
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    user = User.objects.create_user("hook", "hook@example.org", PASSWORD)
    identity = {
        "schema_id": "person",
        "traits": {"email": address},
        "external_id": str(user.pk),
        "credentials": {"password": {"config": {"use_password_migration_hook": True}}},
    }
    created = ory.admin("POST", "/admin/identities", body=identity)
    assert created.status == 201, created.body
    CountingHasher.runs = 0
    for password, status in ((PASSWORD + "x", 400), (PASSWORD, 200), (PASSWORD, 200), (PASSWORD + "x", 400)):
        flow = ory.public("GET", "/self-service/login/api").json
        form = {"method": "password", "identifier": address, "password": password}
        assert ory.public("POST", f"/self-service/login?flow={flow['id']}", body=form).status == status
    assert CountingHasher.runs == 2
    assert ory.admin("DELETE", f"/admin/identities/{created.json['id']}").status == 204
