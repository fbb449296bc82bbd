"""Two identities and one unique address: who has verified it gets it, and nobody is locked out by a stranger."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from ory_auth.local import RecordedRequest
from ory_auth.models import OryIdentity
from ory_auth.types import Identity
from ory_auth.users import UserHandler
from tests.support import servers
from tests.support.client import DualClient
from tests.support.ory import Ory, Person
from tests.support.types import ChangeSettings, User
from tests.support.users import USERNAME_IS_EMAIL, is_postgresql, make_user, new_address, user_of, verify_address

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _named_by_address(ory_auth: ChangeSettings, caplog: pytest.LogCaptureFixture) -> None:
    """The address is the user name, which is unique."""
    if not USERNAME_IS_EMAIL:
        ory_auth(USER_FIELDS={"username": "traits.email", "first_name": "traits.name.first"})
    caplog.set_level(logging.INFO, "ory_auth")


@pytest.fixture
def without_admin_api(ory: Ory, ory_auth: ChangeSettings) -> None:
    ory_auth(ADMIN_URL=ory.public_url)


def local_user(address: str) -> User:
    return make_user(address, email=address)


def squat(ory: Ory, web: DualClient) -> tuple[Person, str]:
    """Somebody registers with an address that is not theirs, comes by once, changes it at Ory, and never returns."""
    squatter = ory.person()
    address = squatter.email
    web.get("/who", headers=squatter.app_session().headers)
    assert user_of(squatter).get_username() == address
    squatter.patch("/traits/email", new_address())
    return squatter, address


def test_a_verified_owner_gets_an_address_from_an_unverified_one(ory: Ory, web: DualClient) -> None:
    squatter, address = squat(ory, web)
    owner = ory.person(address, verified=True)
    assert web.get("/api/me", headers=owner.app_session().headers).status_code == 200
    assert user_of(owner).get_username() == address
    assert user_of(squatter).get_username() == f"{squatter.id}@no-address.invalid"


def test_the_case_of_letters_keeps_no_owner_out(ory: Ory, web: DualClient) -> None:
    _, address = squat(ory, web)
    owner = ory.person(address.upper(), verified=True)
    assert web.get("/api/me", headers=owner.app_session().headers).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_it_is_logged_by_the_field_and_without_the_address(
    ory: Ory, web: DualClient, caplog: pytest.LogCaptureFixture
) -> None:
    squatter, address = squat(ory, web)
    web.get("/who", headers=ory.person(address, verified=True).app_session().headers)
    assert f"address_released identity={squatter.id} field={User.USERNAME_FIELD}" in caplog.messages
    assert address not in caplog.text


def test_an_address_that_was_given_up_at_ory_is_free(ory: Ory, web: DualClient) -> None:
    """Ory's admin API tells: the newcomer needs not have verified it."""
    squatter, address = squat(ory, web)
    owner = ory.person(address)
    assert web.get("/api/me", headers=owner.app_session().headers).status_code == 200
    assert user_of(owner).get_username() == address
    assert user_of(squatter).get_username() == f"{squatter.id}@no-address.invalid"


def set_address_here(person: Person, address: str) -> None:
    """Staff give the user an address that the identity has never had."""
    User.objects.filter(pk=user_of(person).pk).update(**{User.USERNAME_FIELD: address})


@pytest.mark.promise("An address is taken from another user only with proof that it is free")
@pytest.mark.parametrize("changed", [False, True], ids=["never changed", "changed before the last visit"])
def test_an_address_that_was_never_at_ory_is_not_given_up_there(ory: Ory, web: DualClient, changed: bool) -> None:
    holder, address = ory.person(), new_address()
    if changed:
        holder.patch("/traits/email", new_address())
        holder.email = holder.ory.admin("GET", f"/admin/identities/{holder.id}").json["traits"]["email"]
    web.get("/who", headers=holder.app_session().headers)
    set_address_here(holder, address)
    assert web.get("/api/me", headers=ory.person(address).app_session().headers).status_code == 403
    assert user_of(holder).get_username() == address


def test_a_verified_owner_gets_an_address_that_its_holder_never_had_at_ory(ory: Ory, web: DualClient) -> None:
    """Also if the holder's fields were last taken after the verification."""
    owner, holder = ory.person(verified=True), ory.person(verified=True)
    web.get("/who", headers=holder.app_session().headers)
    set_address_here(holder, owner.email)
    assert web.get("/api/me", headers=owner.app_session().headers).status_code == 200
    assert user_of(owner).get_username() == owner.email
    assert user_of(holder).get_username() == f"{holder.id}@no-address.invalid"


@pytest.mark.promise("An address is taken from another user only with proof that it is free")
@pytest.mark.parametrize("verified", [True, False], ids=["verified", "not verified"])
@pytest.mark.parametrize("admin_api", [True, False], ids=["admin API", "no admin API"])
def test_a_cached_session_takes_no_address_from_a_later_owner(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, verified: bool, admin_api: bool
) -> None:
    """The former owner's session is in the cache, and says that the address is verified."""
    if not admin_api:
        ory_auth(ADMIN_URL=ory.public_url)
    former = ory.person(verified=True)
    address, cached = former.email, former.app_session().headers
    web.get("/session", headers=cached)
    former.patch("/traits/email", new_address())
    owner = ory.person(address, verified=verified)
    web.get("/who", headers=owner.app_session().headers)
    assert web.get("/api/me", headers=cached).status_code == 403
    assert user_of(owner).get_username() == address


def test_a_cached_session_of_a_known_user_takes_no_address_from_a_later_owner(ory: Ory, web: DualClient) -> None:
    former = ory.person()
    old, cached = former.email, former.app_session().headers
    web.get("/who", headers=cached)
    address = new_address()
    former.patch("/traits/email", address)
    verify_address(former)
    former.email = address
    cached = former.app_session().headers
    web.get("/session", headers=cached)
    former.patch("/traits/email", new_address())
    owner = ory.person(address, verified=True)
    web.get("/who", headers=owner.app_session().headers)
    web.get("/who", headers=cached)
    assert (user_of(former).get_username(), user_of(owner).get_username()) == (old, address)


def test_the_later_owner_gets_an_address_from_a_former_one_who_had_verified_it(
    ory: Ory, without_admin_api: None, web: DualClient
) -> None:
    former = ory.person(verified=True)
    address, cached = former.email, former.app_session().headers
    web.get("/who", headers=cached)
    former.patch("/traits/email", new_address())
    owner = ory.person(address, verified=True)
    assert web.get("/api/me", headers=owner.app_session().headers).status_code == 200
    web.get("/who", headers=cached)
    assert user_of(owner).get_username() == address
    assert user_of(former).get_username() == f"{former.id}@no-address.invalid"


@pytest.fixture
def named_by_trait(ory_auth: ChangeSettings) -> None:
    """Two people may have it at Ory at the same time, as it is no login name there."""
    ory_auth(USER_FIELDS={User.USERNAME_FIELD: "traits.username"})


def test_an_address_that_its_holder_still_has_is_taken(ory: Ory, named_by_trait: None, web: DualClient) -> None:
    holder, address = ory.person(username="same@example.org"), "same@example.org"
    web.get("/who", headers=holder.app_session().headers)
    assert web.get("/api/me", headers=ory.person(username=address).app_session().headers).status_code == 403
    assert user_of(holder).get_username() == address


@pytest.mark.usefixtures("local_ory")
def test_ory_is_not_asked_time_and_again(ory: Ory, named_by_trait: None, web: DualClient) -> None:
    web.get("/who", headers=ory.person(username="same@example.org").app_session().headers)
    session = ory.person(username="same@example.org").app_session()
    before = len(admin_reads(ory))
    for _ in range(5):
        assert web.get("/api/me", headers=session.headers).status_code == 403
    assert len(admin_reads(ory)) == before + 1


def admin_reads(ory: Ory) -> list[RecordedRequest]:
    assert ory.local is not None
    return [r for r in ory.local.requests if r.method == "GET" and r.path.startswith("/admin/identities/")]


class NamesByLocalPart(UserHandler):
    """Makes up user names, which Ory does not know of."""

    def values(self, identity: Identity) -> dict[str, Any]:
        values = super().values(identity)
        values[User.USERNAME_FIELD] = self.name(identity)
        return values

    def name(self, identity: Identity) -> str:
        name = str(identity.traits["email"]).partition("@")[0]
        return f"{name}@users.example" if USERNAME_IS_EMAIL else name


def test_a_name_that_was_made_up_here_is_not_given_up_at_ory(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient
) -> None:
    ory_auth(USER_HANDLER=f"{__name__}.NamesByLocalPart")
    holder, newcomer = ory.person("mike@one.example"), ory.person("mike@two.example", verified=True)
    web.get("/who", headers=holder.app_session().headers)
    name = user_of(holder).get_username()
    assert web.get("/api/me", headers=newcomer.app_session().headers).status_code == 403
    assert user_of(holder).get_username() == name


class MakesUpNames(UserHandler):
    """Gives people without an address one of the project's own."""

    def values(self, identity: Identity) -> dict[str, Any]:
        values = super().values(identity)
        if not identity.traits["email"].endswith("@corp.example"):
            values[User.USERNAME_FIELD] = f"{identity.traits['username']}@corp.example"
        return values


def test_an_address_that_was_made_up_here_is_not_given_up_at_ory(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient
) -> None:
    ory_auth(USER_HANDLER=f"{__name__}.MakesUpNames")
    holder = ory.person(username="kim")
    web.get("/who", headers=holder.app_session().headers)
    assert web.get("/api/me", headers=ory.person("kim@corp.example").app_session().headers).status_code == 403
    assert user_of(holder).get_username() == "kim@corp.example"


WRONG = ["the public API", "nobody", "another server"]


@pytest.mark.parametrize("what", WRONG)
def test_without_an_admin_api_that_tells_an_address_stays_taken(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, what: str
) -> None:
    squatter, address = squat(ory, web)
    with servers.http_server(servers.other_site) as other:
        ory_auth(ADMIN_URL=dict(zip(WRONG, [ory.public_url, servers.closed_url(), other], strict=True))[what])
        assert web.get("/api/me", headers=ory.person(address).app_session().headers).status_code == 403
    assert user_of(squatter).get_username() == address


@pytest.mark.usefixtures("local_ory")
def test_the_api_key_goes_along(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    _, address = squat(ory, web)
    ory_auth(API_KEY="ory_pat_x")
    assert web.get("/api/me", headers=ory.person(address).app_session().headers).status_code == 200
    assert "Bearer ory_pat_x" in str(admin_reads(ory)[-1].headers)


def test_an_address_that_is_not_verified_takes_nothing(ory: Ory, without_admin_api: None, web: DualClient) -> None:
    squatter, address = squat(ory, web)
    reply = web.get("/api/me", headers=ory.person(address).app_session().headers)
    reason = "email_conflict" if USERNAME_IS_EMAIL else "username_conflict"
    assert (reply.status_code, reply.json()["reason"]) == (403, reason)
    assert user_of(squatter).get_username() == address


def test_once_it_is_verified_the_owner_comes_in(ory: Ory, without_admin_api: None, web: DualClient) -> None:
    _, address = squat(ory, web)
    owner = ory.person(address)
    assert web.get("/api/me", headers=owner.app_session().headers).status_code == 403
    verify_address(owner)
    assert web.get("/api/me", headers=owner.app_session().headers).status_code == 200


def test_a_user_without_an_identity_never_loses_an_address(ory: Ory, web: DualClient) -> None:
    owner = ory.person(verified=True)
    local = local_user(owner.email)
    assert web.get("/api/me", headers=owner.app_session().headers).status_code == 403
    local.refresh_from_db()
    assert local.get_username() == owner.email


def test_a_user_who_changes_to_a_taken_address_gets_it_once_it_is_verified(ory: Ory, web: DualClient) -> None:
    """Ory does not count a verification as a change of the identity."""
    _, address = squat(ory, web)
    owner = ory.person()
    session, old_address = owner.app_session(), owner.email
    web.get("/who", headers=session.headers)
    owner.patch("/traits/email", address)
    web.get("/fresh", headers=session.headers)
    assert user_of(owner).get_username() == old_address
    verify_address(owner)
    web.get("/fresh", headers=session.headers)
    assert user_of(owner).get_username() == address


def test_a_user_who_changes_to_the_address_of_a_local_user_keeps_the_old_one(
    ory: Ory, web: DualClient, caplog: pytest.LogCaptureFixture
) -> None:
    owner = ory.person(verified=True)
    session, old_address, taken = owner.app_session(), owner.email, new_address()
    local_user(taken)
    web.get("/who", headers=session.headers)
    owner.patch("/traits/email", taken)
    verify_address(owner)
    web.get("/fresh", headers=session.headers)
    assert user_of(owner).get_username() == old_address
    event = "email_conflict" if USERNAME_IS_EMAIL else "username_conflict"
    assert f"{event} at=update field={User.USERNAME_FIELD}" in caplog.messages


def test_a_user_who_lost_an_address_gets_the_new_one_at_the_next_visit(ory: Ory, web: DualClient) -> None:
    squatter, address = squat(ory, web)
    web.get("/who", headers=ory.person(address, verified=True).app_session().headers)
    current = squatter.ory.admin("GET", f"/admin/identities/{squatter.id}").json["traits"]["email"]
    squatter.email = current
    web.get("/who", headers=squatter.app_session().headers)
    assert user_of(squatter).get_username() == current


def test_an_address_that_is_free_again_can_be_taken_without_being_verified(ory: Ory, web: DualClient) -> None:
    squatter, address = squat(ory, web)
    squatter.email = squatter.ory.admin("GET", f"/admin/identities/{squatter.id}").json["traits"]["email"]
    web.get("/who", headers=squatter.app_session().headers)
    assert web.get("/api/me", headers=ory.person(address).app_session().headers).status_code == 200


@pytest.mark.parametrize("name", ["first_name"])
def test_the_rest_of_a_change_is_taken_over(ory: Ory, web: DualClient, name: str) -> None:
    owner = ory.person(name={"first": "Ada"})
    taken, session = new_address(), owner.app_session()
    local_user(taken)
    web.get("/who", headers=session.headers)
    owner.patch("/traits", {"email": taken, "name": {"first": "Augusta"}})
    web.get("/fresh", headers=session.headers)
    if USERNAME_IS_EMAIL or name == "first_name":
        assert getattr(user_of(owner), name) == "Augusta"


@pytest.fixture
def atomic_requests() -> Iterator[None]:
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    yield
    connection.settings_dict["ATOMIC_REQUESTS"] = False


@pytest.mark.django_db(transaction=True)
def test_in_a_request_that_is_one_transaction_it_is_the_same(ory: Ory, web: DualClient, atomic_requests: None) -> None:
    _, address = squat(ory, web)
    owner = ory.person(address, verified=True)
    assert web.get("/api/me", headers=owner.app_session().headers).status_code == 200
    assert user_of(owner).get_username() == address


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_transaction_releases_no_address(
    ory: Ory, no_raise: DualClient, atomic_requests: None, caplog: pytest.LogCaptureFixture
) -> None:
    squatter, address = squat(ory, no_raise)
    owner = ory.person(address, verified=True)
    assert no_raise.get("/asks-and-breaks", headers=owner.app_session().headers).status_code == 500
    assert user_of(squatter).get_username() == address
    assert not OryIdentity.objects.filter(pk=owner.id).exists()
    assert "address_released" not in caplog.text


@pytest.mark.skipif(not is_postgresql(), reason="SQLite folds ASCII letters only")
@pytest.mark.skipif(USERNAME_IS_EMAIL, reason="the constraint is on the user name")
def test_a_lookalike_takes_no_address_away_on_postgresql(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    """A unique index on ``UPPER(username)``, as projects have for names without case."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX upper_name ON auth_user (UPPER(username))")
    ory_auth(USER_FIELDS={"username": "traits.email"})
    victim = ory.person("mike@example.org", verified=True)
    web.get("/who", headers=victim.app_session().headers)
    lookalike = ory.person("m\u0131ke@example.org", verified=True)
    reply = web.get("/api/me", headers=lookalike.app_session().headers)
    assert (reply.status_code, user_of(victim).username) == (403, "mike@example.org")
