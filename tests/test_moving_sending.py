"""The order in which a person with a second factor is moved: the password alone is never enough."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pyotp
import pytest

from ory_auth.conf import conf
from ory_auth.moving.capabilities import ask_ory
from ory_auth.moving.options import MoveOptions
from ory_auth.moving.pace import Pace
from ory_auth.moving.people import Person, describe_users
from ory_auth.moving.results import Imported, NotImported, Result
from ory_auth.moving.second_factor_credentials import SecondFactors
from ory_auth.moving.sending import Sender
from ory_auth.ory.admin_client import AdminClient
from tests.support.admin_proxy import AdminProxy, Call, Lose, Refuse
from tests.support.moving import PASSWORD, identity_of, make_users
from tests.support.ory import Ory, Reply
from tests.support.types import ChangeSettings, User

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def user(ory: Ory) -> User:
    [user] = make_users(1)
    return user


def send(user: User, **changes: Any) -> Result:
    """Send the user with a second factor that this Ory takes only afterwards."""
    client = AdminClient(conf())
    [person] = describe_users([user], MoveOptions(), ask_ory(client, conf()))
    person = replace(person, patched=SecondFactors(totp_secret=SECRET), patched_kinds=("totp",), **changes)
    [result] = Sender(client, Pace(threading.Event())).send([person])
    return result


def sign_in(user: User, ory: Ory) -> Reply:
    flow = ory.public("GET", "/self-service/login/api").json
    form = {"method": "password", "identifier": user.email, "password": PASSWORD}
    return ory.public("POST", f"/self-service/login?flow={flow['id']}", body=form)


def use_second_factor(reply: Reply, ory: Ory) -> Reply:
    token = {"X-Session-Token": reply.json["session_token"]}
    flow = ory.public("GET", "/self-service/login/api?aal=aal2", headers=token).json
    form = {"method": "totp", "totp_code": pyotp.TOTP(SECRET).now()}
    return ory.public("POST", f"/self-service/login?flow={flow['id']}", headers=token, body=form)


def is_patch(call: Call) -> bool:
    return call.method == "PATCH" and not call.is_batch


def state_of(user: User, ory: Ory) -> str:
    identity = identity_of(user, ory)
    return str(identity["state"]) if identity else ""


def test_the_second_factor_is_needed_and_works(ory: Ory, user: User) -> None:
    assert isinstance(send(user), Imported)
    reply = sign_in(user, ory)
    assert ory.public("GET", "/sessions/whoami", headers={"X-Session-Token": reply.json["session_token"]}).status == 403
    assert use_second_factor(reply, ory).json["session"]["authenticator_assurance_level"] == "aal2"


def test_without_the_second_factor_nobody_can_sign_in(ory: Ory, user: User, ory_auth: ChangeSettings) -> None:
    proxy = AdminProxy(ory.admin_url, lambda call: Refuse(400) if is_patch(call) else None)
    ory_auth(ADMIN_URL=proxy.url)
    with proxy.running():
        result = send(user)
    assert isinstance(result, NotImported)
    assert result.notice.code == "incomplete"
    assert state_of(user, ory) == "inactive"
    assert sign_in(user, ory).status != 200


@pytest.mark.parametrize("loss", list(Lose))
def test_the_next_run_completes_what_was_interrupted(
    ory: Ory, user: User, ory_auth: ChangeSettings, loss: Lose
) -> None:
    proxy = AdminProxy(ory.admin_url, lambda call: loss if is_patch(call) and call.number == 1 else None)
    ory_auth(ADMIN_URL=proxy.url)
    with proxy.running():
        first = send(user)
        second = send(user)
    assert isinstance(first, Imported)
    assert isinstance(second, Imported)
    assert not second.is_new
    assert use_second_factor(sign_in(user, ory), ory).status == 200


def test_what_the_person_changed_since_is_not_put_back(ory: Ory, user: User) -> None:
    first = send(user)
    assert isinstance(first, Imported)
    ory.admin("DELETE", f"/admin/identities/{first.identity_id}/credentials/totp")
    assert isinstance(send(user), Imported)
    token = sign_in(user, ory).json["session_token"]
    assert ory.public("GET", "/sessions/whoami", headers={"X-Session-Token": token}).status == 200


def test_a_user_who_is_inactive_stays_inactive(ory: Ory, user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.refresh_from_db()
    assert isinstance(send(user), Imported)
    assert state_of(user, ory) == "inactive"


def test_nothing_secret_is_printed(ory: Ory, user: User) -> None:
    result = send(user)
    assert isinstance(result.person, Person)
    assert not any(text in repr(result) for text in (SECRET, user.email, user.password.rpartition("$")[2]))
