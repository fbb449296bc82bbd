"""``ory_login`` and its result."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.test import AsyncClient, Client

from ory_auth.exceptions import NotAdmitted
from ory_auth.models import OryIdentity
from ory_auth.signals import user_created
from ory_auth.testing import Ory, OryLogin, Person
from ory_auth.users import UserHandler

pytestmark = pytest.mark.django_db


class Editors(UserHandler):
    """Admits only people with the role of an editor in their public metadata."""

    def admit(self, session: Any, user: Any) -> bool:
        return super().admit(session, user) and session.identity.metadata_public == {"role": "editor"}


def who(client: Client) -> str:
    return str(client.get("/who").json()["user"])


def seen_by(client: Client) -> Any:
    """The request that a view has received."""
    return client.get("/who").wsgi_request


# --- the person


def test_a_new_person_signs_in_with_one_call(client: Client, ory_login: OryLogin) -> None:
    signed_in = ory_login(client)
    session = seen_by(client).ory_session
    assert (session.id, session.identity.id) == (signed_in.session_id, signed_in.identity_id)


def test_the_person_has_the_given_traits(client: Client, ory_login: OryLogin) -> None:
    signed_in = ory_login(client, email="ada@example.org", traits={"name": {"first": "Ada"}, "company": "Engines"})
    assert signed_in.traits == {"email": "ada@example.org", "name": {"first": "Ada"}, "company": "Engines"}
    user = seen_by(client).user
    assert (user.email, user.first_name) == ("ada@example.org", "Ada")


def test_one_address_is_one_person_with_several_sessions(ory_login: OryLogin) -> None:
    first, second = (ory_login(Client(), email=email) for email in ("ada@example.org", "ADA@example.org"))
    assert first.identity_id == second.identity_id
    assert first.session_id != second.session_id


def test_without_an_address_each_call_makes_a_new_person(ory_login: OryLogin) -> None:
    people = [ory_login(Client()) for _ in range(3)]
    assert len({one.email for one in people} | {""}) == 4


def test_the_next_sign_in_replaces_the_person_of_the_client(client: Client, ory_login: OryLogin) -> None:
    ada = ory_login(client, email="ada@example.org")
    assert who(client) == str(ada.identity_id)
    eve = ory_login(client, email="eve@example.org")
    assert who(client) == str(eve.identity_id)


def test_a_sign_in_replaces_force_login(client: Client, ory_login: OryLogin) -> None:
    client.force_login(get_user_model().objects.create_user("root"))
    assert who(client) == "root"
    ada = ory_login(client)
    assert who(client) == str(ada.identity_id)


def test_two_different_addresses_are_an_error(client: Client, ory_login: OryLogin) -> None:
    with pytest.raises(ValueError, match="different addresses"):
        ory_login(client, email="ada@example.org", traits={"email": "eve@example.org"})


def test_an_address_can_be_left_out(ory: Ory) -> None:
    assert ory.person(None, traits={"phone": "+4912345"}).email == ""


def test_verified_marks_the_address_as_verified(ory: Ory, ory_login: OryLogin, client: Client) -> None:
    ory_login(client, email="ada@example.org")
    assert seen_by(client).ory_session.identity.verified_emails() == []
    ory_login(client, email="ada@example.org", verified=True)
    assert seen_by(client).ory_session.identity.verified_emails() == ["ada@example.org"]


def test_your_own_schema_is_used(ory: Ory, ory_login: OryLogin, client: Client) -> None:
    traits = {"type": "object", "properties": {"badge": {"type": "integer"}}, "additionalProperties": False}
    ory.configure(schema={"type": "object", "properties": {"traits": traits}})
    assert ory_login(client, traits={"badge": 7}).traits == {"badge": 7}
    with pytest.raises(ValueError, match=r"traits\.badge"):
        ory.person(traits={"badge": "seven"})


# --- the Django user


def test_the_user_exists_before_the_first_request(client: Client, ory_login: OryLogin) -> None:
    signed_in = ory_login(client, email="ada@example.org")
    signed_in.user.is_staff = True
    signed_in.user.save()
    assert client.get("/staff-only").status_code == 200
    assert OryIdentity.objects.get(user=signed_in.user).id == signed_in.identity_id


def test_the_user_is_the_one_that_a_request_has_created(client: Client, ory_login: OryLogin) -> None:
    signed_in = ory_login(client)
    user = seen_by(client).user
    assert signed_in.user.pk == user.pk


def test_user_created_is_sent_once(
    client: Client, ory_login: OryLogin, django_capture_on_commit_callbacks: Any
) -> None:
    told: list[UUID] = []

    def receiver(identity: Any, **_: Any) -> None:
        told.append(identity.id)

    user_created.connect(receiver)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            signed_in = ory_login(client)
            assert signed_in.user.is_active
            client.get("/who")
    finally:
        user_created.disconnect(receiver)
    assert told == [signed_in.identity_id]


def test_the_first_request_still_counts_as_the_sign_in(client: Client, ory_login: OryLogin) -> None:
    signed_in = ory_login(client)
    assert signed_in.user.last_login is None
    before = OryIdentity.objects.get(pk=signed_in.identity_id).authenticated_at
    client.get("/who")
    assert OryIdentity.objects.get(pk=signed_in.identity_id).authenticated_at > before


def test_a_person_who_is_not_admitted_has_no_user(ory: Ory, settings: Any) -> None:
    settings.ORY_AUTH = {**settings.ORY_AUTH, "USER_HANDLER": f"{__name__}.Editors"}
    with pytest.raises(NotAdmitted):
        _ = ory.person().user
    assert ory.person(metadata_public={"role": "editor"}).user.is_active


async def _asks(client: AsyncClient, path: str) -> Any:
    return (await client.get(path)).json()


def test_an_async_client_signs_in(async_client: AsyncClient, ory_login: OryLogin) -> None:
    signed_in = ory_login(async_client)
    assert async_to_sync(_asks)(async_client, "/awho")["user"] == str(signed_in.identity_id)
    assert async_to_sync(signed_in.auser)().username == str(signed_in.identity_id)


# --- changes of the session and the person


def test_aal2_opens_a_view_that_requires_it(client: Client, ory_login: OryLogin) -> None:
    ory_login(client)
    assert client.get("/aal2").status_code == 302
    ory_login(client, aal="aal2")
    assert client.get("/aal2").status_code == 200


def test_a_session_steps_up(client: Client, ory_login: OryLogin) -> None:
    signed_in = ory_login(client)
    signed_in.step_up()
    assert client.get("/aal2").status_code == 200


def test_an_unused_second_factor_is_asked_for(client: Client, ory: Ory) -> None:
    person = ory.person()
    person.add_second_factor()
    person.sign_in(client)
    answer = client.get("/guarded")
    assert (answer.status_code, "aal=aal2" in answer["Location"]) == (302, True)


def test_an_unknown_aal_is_an_error(client: Client, ory_login: OryLogin) -> None:
    with pytest.raises(ValueError, match="aal"):
        ory_login(client, aal="AAL2")  # type: ignore[arg-type]


@pytest.mark.parametrize("age", [timedelta(minutes=16), 16 * 60])
def test_a_sign_in_can_be_old(client: Client, ory_login: OryLogin, age: timedelta | float) -> None:
    signed_in = ory_login(client, age=age)
    assert client.get("/guarded").status_code == 200
    assert client.get("/recent").status_code == 302
    signed_in.sign_in_again()
    assert client.get("/recent").status_code == 200


def test_an_expired_sign_in_does_not_count(client: Client, ory_login: OryLogin) -> None:
    ory_login(client, age=timedelta(days=2))
    assert who(client) == ""


def test_a_revoked_session_is_signed_out_at_once(client: Client, ory_login: OryLogin) -> None:
    signed_in = ory_login(client)
    assert who(client) != ""
    signed_in.revoke()
    assert who(client) == ""


def test_people_can_be_deactivated_activated_and_deleted(client: Client, ory_login: OryLogin) -> None:
    signed_in = ory_login(client)
    signed_in.deactivate()
    assert who(client) == ""
    signed_in.activate()
    assert who(client) == str(signed_in.identity_id)
    signed_in.delete()
    assert who(client) == ""


@pytest.mark.parametrize("stopped", [False, True], ids=["running clock", "stopped clock"])
def test_users_follow_a_change_of_traits(ory: Ory, client: Client, ory_login: OryLogin, stopped: bool) -> None:
    if stopped:
        ory.clock.freeze()
    signed_in = ory_login(client, traits={"name": {"first": "Ada"}}, email="ada@example.org")
    assert seen_by(client).user.first_name == "Ada"
    signed_in.change(traits={"name": {"first": "Augusta"}}, metadata_public={"role": "editor"})
    assert signed_in.email == "ada@example.org"
    request = seen_by(client)
    assert request.user.first_name == "Augusta"
    assert request.ory_session.identity.metadata_public == {"role": "editor"}


def test_an_app_signs_in_with_its_token(client: Client, ory: Ory) -> None:
    signed_in = ory.person().sign_in()
    # Error collectors hide this header by default, but not X-Session-Token.
    assert signed_in.headers == {"Authorization": f"Bearer {signed_in.token}"}
    assert client.get("/who", headers=signed_in.headers).json()["user"] == str(signed_in.identity_id)


def test_signing_out_ends_the_session_at_ory(client: Client, ory_login: OryLogin) -> None:
    signed_in = ory_login(client)
    cookies = dict(client.cookies)
    assert client.post("/auth/logout").status_code == 302
    client.cookies.load({name: morsel.value for name, morsel in cookies.items()})
    assert who(client) == ""
    assert signed_in.user is not None


def test_reprs_contain_no_credential(ory: Ory, client: Client, ory_login: OryLogin) -> None:
    signed_in = ory_login(client, email="ada@example.org", traits={"name": {"first": "Augusta"}})
    client.get("/who")
    shown = repr([signed_in, Person(ory.local, signed_in.identity_id), ory, ory.calls, list(ory.local.requests)])
    secrets = [signed_in.token, signed_in.cookie.partition("=")[2], "ada@example.org", "Augusta"]
    assert [secret for secret in secrets if secret in shown] == []
