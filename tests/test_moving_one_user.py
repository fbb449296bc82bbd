"""``import_user()``, which moves one person when they sign in, and ``--forget-passwords`` at the end of a move."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.hashers import BCryptSHA256PasswordHasher, make_password
from pytest_django import Settings

from ory_auth.exceptions import OryUnavailable
from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity
from ory_auth.moving import ImportRefused, MoveOptions, aimport_user, import_user, single
from tests.support.moving import PASSWORD, can_sign_in, identity_of, links, make_users, run_import
from tests.support.ory import Ory
from tests.support.types import ChangeSettings, User

pytestmark = pytest.mark.django_db


class CheapBCryptSHA256(BCryptSHA256PasswordHasher):
    rounds = 4


@pytest.fixture(autouse=True)
def _new_process() -> Iterator[None]:
    single.reset()
    yield
    single.reset()


@pytest.fixture
def user(ory: Ory) -> User:
    [user] = make_users(1)
    return user


@pytest.fixture
def bcrypt_user(user: User, settings: Settings) -> User:
    """A user whose password only Django can check."""
    settings.PASSWORD_HASHERS = [f"{__name__}.CheapBCryptSHA256"]
    user.password = make_password(PASSWORD)
    user.save()
    return user


def test_one_user_moves_with_their_password(ory: Ory, user: User) -> None:
    identity_id = import_user(user)
    assert links() == {identity_id: user.pk}
    assert can_sign_in(user.email, ory)


def test_a_user_who_has_moved_stays_the_same(ory: Ory, user: User) -> None:
    assert import_user(user) == import_user(user)


def test_a_user_whom_ory_has_without_a_link_is_found(ory: Ory, user: User) -> None:
    identity_id = import_user(user)
    OryIdentity.objects.all().delete()
    assert import_user(user) == identity_id


def test_the_same_in_async_code(ory: Ory, user: User) -> None:
    identity_id = async_to_sync(aimport_user)(user)
    assert links() == {identity_id: user.pk}


def test_the_options_are_those_of_the_command(ory: Ory, user: User) -> None:
    import_user(user, options=MoveOptions(traits=lambda user: {"email": user.email, "name": {"first": "Other"}}))
    identity = identity_of(user, ory)
    assert identity is not None
    assert identity["traits"]["name"]["first"] == "Other"


def test_a_password_that_only_django_can_check_moves_with_the_sign_in(ory: Ory, bcrypt_user: User) -> None:
    import_user(bcrypt_user, password=PASSWORD)
    assert can_sign_in(bcrypt_user.email, ory)


def test_without_the_password_such_a_user_is_refused(ory: Ory, bcrypt_user: User) -> None:
    with pytest.raises(ImportRefused) as refusal:
        import_user(bcrypt_user)
    assert refusal.value.code == "needs_migration_hook"


def test_a_password_that_is_too_long_for_ory_is_not_sent(ory: Ory, bcrypt_user: User) -> None:
    with pytest.raises(ImportRefused):
        import_user(bcrypt_user, password="€" * 25)


def test_a_user_with_a_taken_address_is_refused(ory: Ory, user: User) -> None:
    User.objects.filter(pk=user.pk).update(email=ory.person().email)
    user.refresh_from_db()
    with pytest.raises(ImportRefused) as refusal:
        import_user(user)
    assert refusal.value.code == "taken"
    assert user.email not in str(refusal.value)


def test_an_outage_raises_and_changes_nothing(ory: Ory, user: User, ory_auth: ChangeSettings) -> None:
    import_user(user)
    [other] = make_users(1)
    ory_auth(ADMIN_URL="http://127.0.0.1:1")
    with pytest.raises(OryUnavailable):
        import_user(other)
    assert list(links().values()) == [user.pk]


def test_a_schema_that_ory_does_not_have_is_a_refusal(ory: Ory, user: User) -> None:
    with pytest.raises(ImportRefused, match="Ory has no identity schema 'nobody'"):
        import_user(user, options=MoveOptions(schema_id="nobody"))


def test_an_ory_without_external_ids_is_a_refusal(local_ory: LocalOry, user: User) -> None:
    local_ory.configure(kratos_version="1.3.1")
    with pytest.raises(ImportRefused, match=r"does not know external_id.*Upgrade Kratos") as refusal:
        import_user(user)
    assert refusal.value.code == "ory_too_old"


def test_a_url_of_something_else_is_explained(ory: Ory, user: User, ory_auth: ChangeSettings) -> None:
    ory_auth(ADMIN_URL=f"{ory.admin_url}/nothing")
    with pytest.raises(OryUnavailable, match=r"ORY_AUTH\['ADMIN_URL'\] is not Ory's admin API"):
        import_user(user)


# --- the last step ----------------------------------------------------------------------------------------------------


def has_password(user: User) -> bool:
    user.refresh_from_db()
    return user.has_usable_password()


def test_passwords_are_forgotten_only_of_people_who_are_at_ory(ory: Ory, user: User) -> None:
    [refused] = make_users(1, email="")
    assert "1 Django password is unusable now." in run_import("--forget-passwords", exit_status=1)
    assert not has_password(user)
    assert has_password(refused)
    assert can_sign_in(user.email, ory)


def test_a_dry_run_forgets_no_password(ory: Ory, user: User) -> None:
    run_import()
    run_import("--dry-run", "--forget-passwords")
    assert has_password(user)


def test_the_reminder_of_the_hook_counts_only_people_who_moved(
    ory: Ory, bcrypt_user: User, ory_auth: ChangeSettings
) -> None:
    ory_auth(PASSWORD_MIGRATION_SECRETS=["a-secret-of-this-test"])
    make_users(1, email="", password=bcrypt_user.password)
    assert "1 person has a password that only this site can check." in run_import(exit_status=1)
    assert "only this site can check" not in run_import(exit_status=1)


def test_a_password_that_ory_still_asks_for_stays(ory: Ory, bcrypt_user: User, ory_auth: ChangeSettings) -> None:
    ory_auth(PASSWORD_MIGRATION_SECRETS=["a-secret-of-this-test"])
    assert "1 person has a password that only this site can check." in run_import()
    assert "1 stays, because only this site can check it" in run_import("--forget-passwords")
    assert has_password(bcrypt_user)
    identity = identity_of(bcrypt_user, ory)
    assert identity is not None
    body = {**{key: identity[key] for key in ("schema_id", "traits", "state", "external_id")}}
    body["credentials"] = {"password": {"config": {"password": PASSWORD}}}
    assert ory.admin("PUT", f"/admin/identities/{identity['id']}", body=body).status == 200
    assert "1 Django password is unusable now." in run_import("--forget-passwords")
    assert not has_password(bcrypt_user)
