"""Invitations and their mails, and what a transaction that rolls back leaves at Ory: nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import django
import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction
from django.http import HttpRequest
from django.test import Client
from django.urls import path
from pytest_django import Settings

from ory_auth import identities
from ory_auth.exceptions import Conflict, InvitationNotSent, MethodDisabled, NotFound
from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity
from tests.support.identities import Call, call, new_email
from tests.support.ory import Ory
from tests.support.types import ChangeSettings, User

__all__ = ["call"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)


class BrokenMail(BaseEmailBackend):
    def send_messages(self, messages: Any) -> int:
        raise ConnectionRefusedError(f"cannot reach {messages[0].to[0]}")


def use_mail_backend(settings: Settings, backend: str) -> None:
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": backend}}
    else:
        settings.EMAIL_BACKEND = backend


@pytest.fixture(autouse=True)
def working_mail(settings: Settings) -> None:
    use_mail_backend(settings, "django.core.mail.backends.locmem.EmailBackend")


@pytest.fixture
def broken_mail(settings: Settings, working_mail: None) -> None:
    use_mail_backend(settings, f"{__name__}.BrokenMail")


class Undo(Exception):
    """Rolls a transaction back."""


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction or a savepoint that rolls back."""
    with suppress(Undo), transaction.atomic():
        yield
        raise Undo


def exists(email: str) -> bool:
    return identities.find(email=email) is not None


# --- rollback


def test_a_rolled_back_transaction_leaves_no_identity(ory: Ory, call: Call) -> None:
    email = new_email()
    with rolled_back():
        call("create", traits={"email": email}, create_user=True)
        assert exists(email)
    assert not exists(email)
    assert not User.objects.filter(email=email).exists()


def test_a_committed_transaction_leaves_the_identity(ory: Ory, call: Call) -> None:
    email = new_email()
    with transaction.atomic():
        call("create", traits={"email": email})
    with rolled_back():
        pass
    assert exists(email)


def test_only_what_a_savepoint_created_is_undone_with_it(ory: Ory, call: Call) -> None:
    before, inside, released, after = (new_email() for _ in range(4))
    with transaction.atomic():
        call("create", traits={"email": before})
        with rolled_back():
            call("create", traits={"email": inside})
            with transaction.atomic():
                call("create", traits={"email": released})
        assert not exists(inside)
        call("create", traits={"email": after})
    assert [exists(email) for email in (before, inside, released, after)] == [True, False, False, True]


def test_a_failure_of_another_commit_hook_undoes_nothing(ory: Ory) -> None:
    """Django discards the hooks after one that raises."""
    email = new_email()

    def fail() -> None:
        raise Undo

    with suppress(Undo), transaction.atomic():
        transaction.on_commit(fail)
        identities.create(traits={"email": email})
    assert exists(email)


def test_a_connection_that_is_closed_in_a_transaction_undoes(ory: Ory) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("closing the connection would delete the database in memory")
    email = new_email()
    with rolled_back():
        identities.create(traits={"email": email})
        connection.close()
    assert not exists(email)


def test_a_manual_rollback_undoes(ory: Ory) -> None:
    email = new_email()
    with transaction.atomic():
        identities.create(traits={"email": email})
        transaction.set_rollback(True)
    assert not exists(email)


def create_and_fail(request: HttpRequest) -> NoReturn:
    identities.create(traits={"email": request.GET["email"]})
    raise Undo


urlpatterns = [path("create-and-fail", create_and_fail)]


@pytest.mark.urls(__name__)
def test_a_view_that_fails_with_atomic_requests_leaves_no_identity(ory: Ory, atomic_requests: None) -> None:
    email = new_email()
    with pytest.raises(Undo):
        Client().get("/create-and-fail", {"email": email})
    assert not exists(email)


def test_an_identity_that_cannot_be_deleted_is_logged(local_ory: LocalOry, caplog: pytest.LogCaptureFixture) -> None:
    email = new_email()
    with local_ory.failing(503, path="/admin/identities/"), rolled_back():
        identity = identities.create(traits={"email": email})
    assert exists(email)
    assert [record.getMessage() for record in caplog.records] == [
        f"creation_not_undone identity={identity.id} error=OryUnavailable"
    ]


def test_a_user_that_is_refused_here_leaves_no_identity(ory: Ory, call: Call, ory_auth: ChangeSettings) -> None:
    ory_auth(USER_FIELDS={User.USERNAME_FIELD: "traits.email"})
    email = new_email()
    User.objects.create(**{User.USERNAME_FIELD: email})
    with pytest.raises(Conflict, match="_conflict"):
        call("create", traits={"email": email}, create_user=True)
    assert not exists(email)


# --- invitations


def test_an_invited_person_gets_a_code_and_signs_in_with_it(
    ory: Ory, call: Call, mailoutbox: list[EmailMessage]
) -> None:
    email = new_email()
    invitation = call("invite", email, traits={"name": {"first": "Ada"}}, external_id=email, create_user=True)
    assert invitation.identity.traits == {"email": email, "name": {"first": "Ada"}}
    assert OryIdentity.objects.get(pk=invitation.identity.id).user.email == email
    (mail,) = mailoutbox
    assert isinstance(mail, EmailMultiAlternatives)
    assert mail.to == [email]
    assert mail.subject.startswith("Your invitation to ")
    html = mail.alternatives[0][0]
    for text in (str(mail.body), str(html)):
        assert invitation.recovery.code in text
        assert invitation.recovery.url in text
    assert invitation.recovery.code not in mail.subject + repr(invitation)
    assert timedelta(days=6.9) < invitation.recovery.expires_at - datetime.now(UTC) < timedelta(days=7.1)
    flow_id = invitation.recovery.url.rpartition("flow=")[2]
    flow = ory.public("GET", f"/self-service/recovery/flows?id={flow_id}")
    assert flow.status == 200
    reply = ory.public(
        "POST",
        f"/self-service/recovery?flow={flow_id}",
        body={"method": "code", "code": invitation.recovery.code},
    )
    assert reply.status == 422
    assert "/settings?flow=" in reply.json["redirect_browser_to"]


def test_an_invitation_by_link_has_no_code(ory: Ory, call: Call, mailoutbox: list[EmailMessage]) -> None:
    call("invite", new_email(), method="link", expires_in=timedelta(hours=1))
    assert re.search(r"/self-service/recovery\?\S*token=\S+", str(mailoutbox[0].body))
    assert "code" not in str(mailoutbox[0].body)


def test_a_mail_is_in_the_language_and_of_the_sender_that_it_should_be(
    ory: Ory, call: Call, mailoutbox: list[EmailMessage]
) -> None:
    call("invite", new_email(), language="de", from_email="shop@example.org", context={"site_name": "Ada & Söhne"})
    assert mailoutbox[0].subject == "Ihre Einladung zu Ada & Söhne"
    assert mailoutbox[0].from_email == "shop@example.org"
    assert "Ada & Söhne" in str(mailoutbox[0].body)


def test_a_person_who_exists_is_not_invited_and_gets_no_mail(
    ory: Ory, call: Call, mailoutbox: list[EmailMessage]
) -> None:
    person = ory.person()
    with pytest.raises(Conflict):
        call("invite", person.email)
    assert mailoutbox == []
    call("send_recovery", person.id)
    assert mailoutbox[0].to == [person.email]
    assert mailoutbox[0].subject.startswith("Get back into your account at ")


def test_the_address_goes_into_the_trait_of_the_email_field(ory: Ory, ory_auth: ChangeSettings) -> None:
    ory_auth(USER_FIELDS={"email": "verified_email"})
    email = new_email()
    assert identities.invite(email).identity.traits == {"email": email}


def test_a_mail_that_is_not_sent_leaves_no_identity(ory: Ory, call: Call, broken_mail: None) -> None:
    email = new_email()
    with pytest.raises(InvitationNotSent, match=r"ConnectionRefusedError.*deleted again") as error:
        call("invite", email)
    assert email not in str(error.value)
    assert (error.value.__cause__, error.value.__context__) == (None, None)
    assert error.value.cause == "ConnectionRefusedError"
    assert not exists(email)
    with pytest.raises(InvitationNotSent, match="remains"):
        call("invite", email, keep=True)
    assert exists(email)
    with pytest.raises(InvitationNotSent):
        call("send_recovery", ory.person().id)


def test_a_template_that_fails_leaves_no_identity(ory: Ory, call: Call, settings: Settings, tmp_path: Path) -> None:
    template = tmp_path / "ory_auth" / "email" / "invitation_body.txt"
    template.parent.mkdir(parents=True)
    template.write_text("{% unknown_tag %}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    email = new_email()
    with pytest.raises(InvitationNotSent, match=r"TemplateSyntaxError.*deleted again"):
        call("invite", email)
    with pytest.raises(ValueError, match="code"):
        call("invite", email, method="pigeon")
    assert not exists(email)


def test_in_a_transaction_the_mail_waits_for_the_commit(
    ory: Ory, call: Call, mailoutbox: list[EmailMessage], broken_mail: None, settings: Settings
) -> None:
    email = new_email()

    def invite_and_commit() -> None:
        with transaction.atomic():
            call("invite", email)
            assert exists(email)

    with pytest.raises(InvitationNotSent):
        invite_and_commit()
    assert not exists(email)
    use_mail_backend(settings, "django.core.mail.backends.locmem.EmailBackend")
    with rolled_back():
        call("invite", email)
    assert mailoutbox == []
    with transaction.atomic():
        call("invite", email)
        assert mailoutbox == []
    assert len(mailoutbox) == 1


def test_a_method_that_is_off_at_ory_says_what_to_set(local_ory: LocalOry, call: Call) -> None:
    email, other = new_email(), new_email()
    local_ory.configure(code_enabled=False)
    assert isinstance(call("invite", email).recovery, identities.RecoveryLink)
    with pytest.raises(MethodDisabled, match=r"methods\.code\.enabled"):
        call("invite", other, method="code")
    local_ory.configure(link_enabled=False)
    with pytest.raises(MethodDisabled, match="by code and by link"):
        call("invite", other)
    with pytest.raises(MethodDisabled, match=r"methods\.link\.enabled"):
        call("recovery_link", identities.find(email=email))
    assert not exists(other)


def test_a_person_without_an_address_gets_no_mail(local_ory: LocalOry, call: Call) -> None:
    identity = identities.create(traits={"email": new_email()})
    bare = json.dumps({"id": str(identity.id), "traits": {}}).encode()
    with (
        local_ory.failing(200, body=bare, path=f"/admin/identities/{identity.id}"),
        pytest.raises(NotFound, match="no e-mail address"),
    ):
        call("send_recovery", identity)
