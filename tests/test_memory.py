"""What a process keeps in its own memory: answers of Ory, and the rows of users."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import pytest
from cachetools import TTLCache
from django.contrib.auth.models import Group, Permission
from django.core.cache import caches
from django.db import transaction
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from ory_auth.conf import conf
from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity
from ory_auth.responses.hooks import attach
from ory_auth.sessions.cache import local_cache
from ory_auth.sessions.cache.entries import Entry
from ory_auth.sessions.services import services_of
from ory_auth.types import OrySession, SessionSummary
from ory_auth.users import UserHandler
from tests.support.caches import cache_contents, cache_expiry
from tests.support.client import DualClient
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, User


def forget_shared() -> None:
    """Delete the sessions in Django's cache."""
    shared = caches["default"]
    for key in [key.partition(":1:")[2] for key in cache_contents()]:
        if key.startswith("ory_auth:s:"):
            shared.delete(key)


def memory_of_this_process() -> TTLCache[str, Entry]:
    responses = services_of(conf()).cache.local._entries
    assert responses
    return responses


# --- sessions ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(ory_auth: ChangeSettings) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60, LOCAL_CACHE_SECONDS=5)


LOCAL_CACHE: dict[str, tuple[dict[str, float], float, int]] = {  # settings, seconds to wait, calls to Ory
    "with the setting": ({"SESSION_CACHE_SECONDS": 60, "LOCAL_CACHE_SECONDS": 5}, 0, 1),
    "without the setting": ({"SESSION_CACHE_SECONDS": 60}, 0, 2),
    "after that time": ({"SESSION_CACHE_SECONDS": 60, "LOCAL_CACHE_SECONDS": 0.2}, 0.25, 2),
    "less cache time than that": ({"SESSION_CACHE_SECONDS": 3, "LOCAL_CACHE_SECONDS": 5}, 0, 2),
    "uncacheable": ({"SESSION_CACHE_SECONDS": 0, "LOCAL_CACHE_SECONDS": 5}, 0, 3),
}


@pytest.mark.usefixtures("local_ory")
@pytest.mark.parametrize("case", LOCAL_CACHE)
def test_a_process_caches_a_session(ory: Ory, web: DualClient, ory_auth: ChangeSettings, case: str) -> None:
    settings, seconds, calls = LOCAL_CACHE[case]
    ory_auth(**settings)
    session = ory.person().app_session()
    for _ in range(2):
        assert web.session_id(session.headers) == session.id
    forget_shared()
    time.sleep(seconds)
    assert web.session_id(session.headers) == session.id
    assert len(ory.requests_to()) == calls


@pytest.mark.promise("Both caches together keep a session no longer than allowed")
@pytest.mark.usefixtures("local_ory")
def test_local_cache_time_is_subtracted_from_shared_cache_time(ory: Ory, web: DualClient, kept: None) -> None:
    web.session_id(ory.person().app_session().headers)
    [expires] = [at for key, at in cache_expiry().items() if "ory_auth:s:" in key]
    assert 50 < expires - time.time() <= 55


@pytest.mark.usefixtures("local_ory")
def test_sessions_from_the_shared_cache_are_cached_locally(ory: Ory, web: DualClient, kept: None) -> None:
    session = ory.person().app_session()
    web.session_id(session.headers)
    memory_of_this_process().clear()
    for _ in range(2):
        web.session_id(session.headers)
        forget_shared()
    assert len(ory.requests_to()) == 1


@pytest.mark.promise("A process refuses a session that it signed out, whatever the cache loses")
@pytest.mark.django_db
def test_signing_out_removes_the_local_entry_at_once(ory: Ory, web: DualClient, kept: None) -> None:
    session = ory.person().app_session()
    bearer = session.bearer
    for headers in (session.headers, bearer):
        assert web.session_id(headers) == session.id
    web.post("/auth/logout", headers=session.headers)
    for headers in (session.headers, bearer):
        assert web.session_id(headers) is None


@pytest.mark.promise("A process refuses a session that it signed out, whatever the cache loses")
@pytest.mark.django_db
def test_signing_out_empties_memory_of_the_sessions_other_credentials(
    ory: Ory, web: DualClient, kept: None, local_ory: LocalOry
) -> None:
    session = local_ory.create_session(ory.person().id)
    by_token, by_cookie = {"X-Session-Token": session.token}, {"Cookie": session.cookie}
    assert [web.session_id(by_token), web.session_id(by_cookie)] == [session.id, session.id]
    web.post("/auth/logout", headers=by_token)
    assert web.session_id(by_cookie) is None


@pytest.mark.promise("A process refuses a session that it signed out, whatever the cache loses")
@pytest.mark.django_db
def test_a_signed_out_session_stays_refused_in_this_process_after_the_cache_was_cleared(
    ory: Ory, web: DualClient, kept: None, local_ory: LocalOry
) -> None:
    session = ory.person().app_session()
    web.session_id(session.headers)
    with local_ory.failing(500):
        assert web.post("/auth/logout", headers=session.headers).status_code == 503
    caches["default"].clear()
    assert web.session_id(session.headers) is None
    bearer = session.bearer
    assert web.session_id(bearer) is None


def test_a_locally_cached_session_ends_in_time(
    ory: Ory, web: DualClient, kept: None, local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch
) -> None:
    local_ory.configure(session_lifespan=100)
    session = ory.person().app_session()
    assert web.session_id(session.headers) == session.id
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 100)
    local_ory.clock.move(100)
    assert web.session_id(session.headers) is None


@pytest.mark.django_db
def test_ory_is_asked_before_a_locally_cached_aal_refuses_anyone(ory: Ory, web: DualClient, kept: None) -> None:
    session = ory.person().browser_session()
    assert web.session_id(session.headers) == session.id
    session.set_up_totp()
    assert web.get("/aal2", headers=session.headers).status_code == 200


def test_the_local_cache_is_bounded_and_evicts_the_oldest(
    ory: Ory, web: DualClient, kept: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_cache, "MAX_BYTES", 3 * (2000 + local_cache.ENTRY_OVERHEAD))
    bounded, facts = local_cache.LocalCache(60), SessionSummary(b"", b"", 0, 0, 0, 0)
    for number in range(5):
        bounded.set(str(number), Entry(facts, b"x" * 2000, 0.0))
    assert [bounded.get(str(number)) is not None for number in range(5)] == [False, False, True, True, True]


# --- rows of users ----------------------------------------------------------------------------------------------------


@pytest.fixture
def rows(transactional_db: None, ory_auth: ChangeSettings, ory: Ory) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60, USER_CACHE_SECONDS=5)


@pytest.fixture
def ada(rows: None, ory: Ory, web: DualClient) -> Session:
    """Somebody whose row is kept: the first request creates them, the second finds them as they are."""
    session = ory.person(name={"first": "Ada", "last": "L"}).app_session()
    for _ in range(2):
        assert web.get("/who", headers=session.headers).status_code == 200
    return session


def email_seen(web: DualClient, session: Session, path: str = "/who") -> str:
    seen: str = web.get(path, headers=session.headers).json()["email"]
    return seen


@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_cached_user_costs_no_query(
    web: DualClient, ada: Session, path: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        assert email_seen(web, ada, path) == ada.person.email


def test_without_the_setting_a_user_costs_one_query(
    web: DualClient, ada: Session, ory_auth: ChangeSettings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ory_auth(USER_CACHE_SECONDS=0)
    with django_assert_num_queries(1):
        web.get("/who", headers=ada.headers)


def change_by_save(user: User) -> None:
    user.email = "new@example.org"
    user.save()


def change_in_a_transaction(user: User) -> None:
    with transaction.atomic():
        change_by_save(user)


@pytest.mark.promise("A cached row of a user does not outlive a change of the user")
@pytest.mark.parametrize("change", [change_by_save, change_in_a_transaction])
def test_a_changed_user_is_seen_at_once(web: DualClient, ada: Session, change: Callable[[User], None]) -> None:
    change(User.objects.get())
    assert email_seen(web, ada) == "new@example.org"


def test_a_change_without_a_signal_is_seen_after_the_cache_time(
    web: DualClient, ada: Session, ory_auth: ChangeSettings
) -> None:
    ory_auth(USER_CACHE_SECONDS=0.3)
    for _ in range(2):
        email_seen(web, ada)
    User.objects.update(email="new@example.org")
    assert email_seen(web, ada) == ada.person.email
    time.sleep(0.35)
    assert email_seen(web, ada) == "new@example.org"


def test_a_deactivated_user_is_refused_at_once(web: DualClient, ada: Session) -> None:
    user = User.objects.get()
    user.is_active = False
    user.save()
    assert web.get("/guarded", headers=ada.headers).status_code == 403
    assert web.get("/guarded", headers=ada.headers).status_code == 403


def test_a_deleted_user_is_not_shown(web: DualClient, ada: Session) -> None:
    User.objects.get().delete()
    assert web.get("/guarded", headers=ada.headers).status_code == 403
    assert not User.objects.exists()


def test_a_user_whose_link_is_gone_is_not_shown(web: DualClient, ada: Session) -> None:
    OryIdentity.objects.get().delete()
    User.objects.all().update(username="gone")
    email_seen(web, ada)
    assert OryIdentity.objects.get().user.username != "gone"


def rights_by_group(user: User) -> None:
    group = Group.objects.create(name="editors")
    user.groups.add(group)


def rights_from_the_groups_side(user: User) -> None:
    Group.objects.create(name="editors").user_set.add(user)


def rights_by_permission(user: User) -> None:
    user.user_permissions.add(Permission.objects.all()[0])


@pytest.mark.parametrize("give", [rights_by_group, rights_from_the_groups_side, rights_by_permission])
def test_changed_permissions_drop_the_cached_row(
    web: DualClient, ada: Session, give: Callable[[User], None], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    give(User.objects.get())
    with django_assert_num_queries(1):
        web.get("/who", headers=ada.headers)


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_a_change_that_is_rolled_back_is_never_shown(web: DualClient, ada: Session) -> None:
    with rolled_back():
        change_by_save(User.objects.get())
    for _ in range(3):
        assert email_seen(web, ada) == ada.person.email


@pytest.fixture
def user(ada: Session, rf: RequestFactory) -> Callable[[], User]:
    """Whom a request of Ada's shows, without the client's own transaction around it."""

    def ask() -> User:
        request = rf.get("/", headers=ada.headers)
        attach(request)
        return cast(User, request.user)

    return ask


@pytest.mark.promise("A row that was read in a transaction that is rolled back is not cached")
def test_a_row_read_in_a_rolled_back_transaction_is_not_cached(ada: Session, user: Callable[[], User]) -> None:
    with rolled_back():
        change_by_save(User.objects.get())
        assert user().email == "new@example.org"
    assert user().email == ada.person.email


def test_requests_do_not_share_user_objects(ada: Session, user: Callable[[], User]) -> None:
    one, other = user(), user()
    one.email = "changed-in-one-request@example.org"
    assert (other.email, user().email) == (ada.person.email, ada.person.email)


def test_a_changed_identity_bypasses_the_cached_row(
    ory: Ory, web: DualClient, ada: Session, ory_auth: ChangeSettings
) -> None:
    moved = f"moved-{ada.person.email}"
    ada.person.patch("/traits/email", moved)
    assert web.get("/fresh", headers=ada.headers).status_code == 200
    assert email_seen(web, ada) == moved


def test_each_person_has_their_own_row(ory: Ory, web: DualClient, ada: Session) -> None:
    bob = ory.person().app_session()
    for _ in range(2):
        assert (email_seen(web, ada), email_seen(web, bob)) == (ada.person.email, bob.person.email)


class NotAda(UserHandler):
    """Asks the database at every request, as a project may."""

    def admit(self, session: OrySession, user: User | None) -> bool:
        return Group.objects.count() == 0 and super().admit(session, user)


def test_a_custom_handler_is_asked_about_a_cached_user(web: DualClient, ada: Session, ory_auth: ChangeSettings) -> None:
    ory_auth(USER_HANDLER=f"{__name__}.NotAda")
    assert web.get("/guarded", headers=ada.headers).status_code == 200
    Group.objects.create(name="closed")
    assert web.get("/guarded", headers=ada.headers).status_code == 403
    assert web.get("/aguarded", headers=ada.headers).status_code == 403
