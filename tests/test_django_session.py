"""Beside Django's own sign-in: the latest sign-in wins, and what a Django session holds belongs to one person."""

from __future__ import annotations

import pytest
from django.contrib.auth import alogin, login
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session as DjangoSession
from django.core.cache import caches
from django.http import HttpResponse
from django.test import Client
from django.urls import path as address
from django.utils.deprecation import MiddlewareMixin
from pytest_django import Settings

from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity
from ory_auth.ory.credentials import make_hasher
from ory_auth.types import OryHttpRequest
from tests.project import urls, views
from tests.support.client import DualClient
from tests.support.cookies import delete_ory_cookie, set_cookie, sign_in
from tests.support.logs import event_ids
from tests.support.ory import Ory
from tests.support.types import ChangeSettings, User

pytestmark = pytest.mark.django_db


class AsksEarly(MiddlewareMixin):
    """A project's own middleware that wants to know who it is, say for a log."""

    def process_request(self, request: OryHttpRequest) -> None:
        str(request.user.pk)


def login_as_oneself(request: OryHttpRequest) -> HttpResponse:
    assert not isinstance(request.user, AnonymousUser)
    login(request, request.user)
    return views.seen(request.user)


async def alogin_as_oneself(request: OryHttpRequest) -> HttpResponse:
    user = await request.auser()
    assert not isinstance(user, AnonymousUser)
    await alogin(request, user)
    return views.seen(await request.auser())


def login_as(request: OryHttpRequest) -> HttpResponse:
    user = User.objects.get(username=request.GET["name"])
    login(request, user, backend="ory_auth.backends.OryBackend")
    return views.seen(request.user)


urlpatterns = [
    address("login-as-oneself", login_as_oneself),
    address("alogin-as-oneself", alogin_as_oneself),
    address("login-as", login_as),
    *urls.urlpatterns,
]

PASSWORD = "Sleipnir-8-legs"
LOCAL = "/django-login?name=root&password=" + PASSWORD


@pytest.fixture
def root() -> User:
    """A superuser of Django's own."""
    return User.objects.create_superuser("root", "root@example.org", PASSWORD)


def seen(web: DualClient, path: str = "/who", **options: object) -> str:
    user: str = web.get(path, **options).json()["user"]
    return user


# --- signing in with Django -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/who", "/awho", "/django-guarded"])
def test_force_login_signs_in(ory: Ory, web: DualClient, root: User, path: str) -> None:
    web.client.force_login(root)
    assert seen(web, path) == "root"


def test_force_login_of_a_shadow_user_signs_in(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    web.client.force_login(OryIdentity.objects.get().user)
    assert seen(web) == person.id


def test_client_login_signs_in(ory: Ory, web: DualClient, root: User) -> None:
    assert web.client.login(username="root", password=PASSWORD)
    assert seen(web) == "root"


def test_a_shadow_user_has_no_password_to_sign_in_with(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    web.get("/who", headers=person.app_session().headers)
    assert not web.client.login(username=person.id, password=person.password)


def test_a_local_sign_in_has_no_ory_session(ory: Ory, web: DualClient, root: User) -> None:
    web.client.force_login(root)
    assert web.get("/session").json() == {"session": None, "identity": None}
    assert web.get("/guarded")["Location"] == "/auth/login?next=/guarded"


def test_a_sign_in_view_shows_the_new_user_at_once(ory: Ory, web: DualClient, root: User) -> None:
    assert seen(web, LOCAL, headers=ory.person().app_session().headers) == "root"


def test_after_a_sign_in_view_there_is_no_ory_session_in_that_request_either(
    ory: Ory, web: DualClient, root: User
) -> None:
    response = web.get(LOCAL + "&session", headers=ory.person().app_session().headers)
    assert response.json()["session"] is None


NEVER_GOOD = {
    "token": {"X-Session-Token": "ory_st_made_up"},
    "bearer": {"Authorization": "Bearer ory_st_made_up"},
    "malformed": {"X-Session-Token": "x" * 9000},
}


@pytest.mark.parametrize("path", ["/who", "/awho", "/django-guarded"])
@pytest.mark.parametrize("headers", NEVER_GOOD.values(), ids=NEVER_GOOD)
def test_a_credential_that_was_never_valid_does_not_end_a_local_sign_in(
    ory: Ory, web: DualClient, root: User, path: str, headers: dict[str, str]
) -> None:
    web.client.force_login(root)
    assert seen(web, path, headers=headers) == "root"
    assert seen(web, path) == "root"


@pytest.mark.promise("A made-up credential ends no Django sign-in")
@pytest.mark.parametrize("path", ["/who", "/awho", "/django-guarded"])
@pytest.mark.parametrize("cookie", ["made_up", "x" * 9000], ids=["made-up", "malformed"])
def test_a_cookie_that_was_never_valid_does_not_end_a_local_sign_in(
    ory: Ory, web: DualClient, root: User, path: str, cookie: str
) -> None:
    web.client.force_login(root)
    set_cookie(web, "ory_kratos_session", cookie)
    assert seen(web, path) == "root"
    delete_ory_cookie(web)
    assert seen(web, path) == "root"


@pytest.mark.usefixtures("local_ory")
def test_ory_is_asked_once_per_request_beside_a_local_sign_in(ory: Ory, web: DualClient, root: User) -> None:
    web.client.force_login(root)
    set_cookie(web, "ory_kratos_session", "made_up")
    assert web.get("/recall").json()["user"] == "root"
    assert len(ory.requests_to()) == 1


def test_an_invalid_credential_does_not_let_a_local_user_pass_a_guard(ory: Ory, web: DualClient, root: User) -> None:
    web.client.force_login(root)
    assert web.get("/guarded", headers=NEVER_GOOD["token"]).status_code == 401
    set_cookie(web, "ory_kratos_session", "made_up")
    assert web.get("/guarded")["Location"].startswith("/auth/login?")


# --- the latest sign-in wins ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign_in_view", ["/django-login", "/django-alogin"])
@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_local_sign_in_outranks_the_earlier_credential(
    ory: Ory, web: DualClient, root: User, path: str, sign_in_view: str
) -> None:
    sign_in(web, ory.person().browser_session())
    assert seen(web, LOCAL.replace("/django-login", sign_in_view)) == "root"
    assert seen(web, path) == "root"


def test_a_guard_asks_for_a_new_sign_in_if_a_local_sign_in_outranks_the_session(
    ory: Ory, web: DualClient, root: User
) -> None:
    sign_in(web, ory.person().browser_session())
    web.get(LOCAL)
    assert "refresh=true" in web.get(web.get("/guarded")["Location"])["Location"]


@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_another_ory_credential_outranks_a_local_sign_in(ory: Ory, web: DualClient, root: User, path: str) -> None:
    sign_in(web, ory.person().browser_session())
    web.get(LOCAL)
    newer = ory.person()
    sign_in(web, newer.browser_session())
    assert seen(web, path) == newer.id


@pytest.mark.promise("A new Ory credential ends an older Django sign-in")
@pytest.mark.parametrize("path", ["/who", "/awho", "/session"])
def test_an_ory_credential_ends_the_local_sign_in_before_it(ory: Ory, web: DualClient, root: User, path: str) -> None:
    web.client.force_login(root)
    sign_in(web, ory.person().browser_session())
    web.get(path)
    delete_ory_cookie(web)
    assert seen(web) == ""


@pytest.mark.promise("A new Ory credential ends an older Django sign-in")
@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_credential_that_was_valid_here_ends_an_earlier_local_sign_in_even_if_it_has_expired(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, root: User, path: str
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().browser_session()
    assert DualClient(web.kind).get("/who", headers=session.headers).json()["user"] == session.person.id
    session.revoke()
    web.client.force_login(root)
    sign_in(web, session)
    assert seen(web, path) == ""
    delete_ory_cookie(web)
    assert seen(web) == ""


@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_an_unknown_expired_credential_ends_nothing(ory: Ory, web: DualClient, root: User, path: str) -> None:
    session = ory.person().browser_session()
    session.revoke()
    web.client.force_login(root)
    sign_in(web, session)
    assert seen(web, path) == "root"


@pytest.mark.parametrize("sign_in_view", ["/django-login", "/django-alogin"])
@pytest.mark.parametrize("path", ["/who", "/awho", "/recall"])
def test_a_local_sign_in_outranks_the_ory_session_after_its_cookie_is_renewed(
    ory: Ory, web: DualClient, root: User, path: str, sign_in_view: str
) -> None:
    session = ory.person().browser_session()
    sign_in(web, session)
    web.get(LOCAL.replace("/django-login", sign_in_view))
    before = session.cookie
    session.set_up_totp()
    assert session.cookie != before
    sign_in(web, session)
    assert seen(web, path) == "root"
    assert seen(web) == "root"


@pytest.mark.usefixtures("local_ory")
def test_ory_is_not_asked_again_after_the_renewal(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, root: User
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().browser_session()
    sign_in(web, session)
    web.get(LOCAL)
    session.set_up_totp()
    sign_in(web, session)
    assert seen(web) == "root"
    asked = len(ory.requests_to())
    assert [seen(web, "/awho"), seen(web)] == ["root"] * 2
    assert len(ory.requests_to()) == asked


@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_another_session_of_the_same_identity_outranks_a_local_sign_in(
    ory: Ory, web: DualClient, root: User, path: str
) -> None:
    person = ory.person()
    sign_in(web, person.browser_session())
    web.get(LOCAL)
    sign_in(web, person.browser_session())
    assert seen(web, path) == person.id


@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_local_sign_in_outranks_the_earlier_credential_after_a_new_secret_key(
    ory: Ory, web: DualClient, root: User, settings: Settings, path: str
) -> None:
    sign_in(web, ory.person().browser_session())
    web.get(LOCAL)
    old = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another secret for the tests", [old]
    assert seen(web, path) == "root"
    settings.SECRET_KEY_FALLBACKS = []  # later: what was remembered meanwhile is under the new key
    assert seen(web, path) == "root"


def test_a_local_sign_in_while_ory_is_down_outranks_the_credential(
    ory: Ory, local_ory: LocalOry, web: DualClient, root: User
) -> None:
    sign_in(web, ory.person().browser_session())
    with local_ory.failing(500):
        assert seen(web, LOCAL) == "root"
        assert seen(web) == "root"
    assert seen(web) == "root"


@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_local_sign_in_that_remembers_the_credential_in_the_first_form_still_outranks_it(
    ory: Ory, web: DualClient, root: User, settings: Settings, path: str
) -> None:
    session = ory.person().browser_session()
    web.client.force_login(root)
    key = make_hasher(b"cache", 20)
    key.update(f"2\0{ory.public_url}\0cookie\0{session.cookie}".encode())
    stored = SessionStore(web.cookies["sessionid"].value)
    stored["_ory_outranks"] = key.hexdigest()
    stored.save()
    sign_in(web, session)
    assert seen(web, path) == "root"


# --- login() with the person of the Ory session -----------------------------------------------------------------------


@pytest.mark.promise("login() with the person of the Ory session does not survive a revocation")
@pytest.mark.parametrize("login_view", ["/login-as-oneself", "/alogin-as-oneself"])
@pytest.mark.urls(__name__)
def test_djangos_login_with_the_ory_user_does_not_survive_a_revocation(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, login_view: str
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().browser_session()
    sign_in(web, session)
    web.get("/remember?cart=apples&ask=1")
    assert seen(web, login_view) == session.person.id
    assert web.get("/recall").json() == {"user": session.person.id, "cart": "apples"}
    session.revoke()
    assert seen(web) == ""
    delete_ory_cookie(web)
    assert seen(web) == ""


@pytest.mark.parametrize("login_view", ["/login-as-oneself", "/alogin-as-oneself"])
@pytest.mark.urls(__name__)
def test_djangos_login_with_the_ory_user_is_logged(
    ory: Ory, web: DualClient, caplog: pytest.LogCaptureFixture, login_view: str
) -> None:
    web.get("/who", headers=(session := ory.person().app_session()).headers)
    caplog.clear()
    web.get(login_view, headers=session.headers)
    assert event_ids(caplog) == ["django_login_ignored"]


@pytest.mark.urls(__name__)
def test_djangos_login_with_the_ory_users_row_is_undone_even_if_the_user_was_not_read_before(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().browser_session()
    sign_in(web, session)
    web.get("/who")
    assert seen(web, f"/login-as?name={session.person.id}") == session.person.id
    session.revoke()
    assert seen(web) == ""


@pytest.mark.urls(__name__)
def test_djangos_login_with_another_user_is_a_local_sign_in(ory: Ory, web: DualClient, root: User) -> None:
    other = ory.person()
    web.get("/who", headers=other.app_session().headers)
    sign_in(web, ory.person().browser_session())
    assert seen(web, f"/login-as?name={other.id}") == other.id
    assert seen(web) == other.id


# --- a new session at Ory ---------------------------------------------------------------------------------------------


@pytest.mark.promise("A new Ory session gets a new CSRF token")
@pytest.mark.parametrize("path", ["/who", "/awho", "/guarded", "/aguarded", "/api/me"])
def test_a_new_session_at_ory_gets_a_new_csrf_token(ory: Ory, web: DualClient, path: str) -> None:
    web.get("/admin/login/?local=1")
    before = web.cookies["csrftoken"].value
    sign_in(web, ory.person().browser_session())
    web.get(path)
    after = web.cookies["csrftoken"].value
    assert after != before
    web.get(path)
    assert web.cookies["csrftoken"].value == after


@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_browser_without_a_csrf_token_gets_none(ory: Ory, web: DualClient, path: str) -> None:
    sign_in(web, ory.person().browser_session())
    web.get(path)
    assert "csrftoken" not in web.cookies


@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_csrf_token_in_a_django_session_is_renewed_without_creating_a_session(
    ory: Ory, web: DualClient, settings: Settings, path: str
) -> None:
    settings.CSRF_USE_SESSIONS = True
    sign_in(web, ory.person().browser_session())
    web.get(path)
    assert "sessionid" not in web.cookies
    delete_ory_cookie(web)
    web.get("/admin/login/?local=1")
    before = SessionStore(web.cookies["sessionid"].value)["_csrftoken"]
    sign_in(web, ory.person().browser_session())
    web.get(path)
    assert SessionStore(web.cookies["sessionid"].value)["_csrftoken"] != before


def test_a_form_sent_as_first_request_of_a_new_ory_session_is_checked_with_its_old_token(
    ory: Ory, settings: Settings
) -> None:
    """A middleware asks who it is before Django checks the token."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.AsksEarly"]
    client = Client(enforce_csrf_checks=True)
    client.get("/admin/login/?local=1")
    before = client.cookies["csrftoken"].value
    sign_in(client, ory.person().browser_session())
    response = client.post("/who", headers={"X-CSRFToken": before})
    assert response.status_code == 200
    assert client.cookies["csrftoken"].value != before


def test_an_outage_does_not_end_a_local_sign_in(ory: Ory, local_ory: LocalOry, web: DualClient, root: User) -> None:
    session = ory.person().browser_session()
    web.client.force_login(root)
    sign_in(web, session)
    with local_ory.failing(500):
        assert web.get("/who").status_code == 503
    delete_ory_cookie(web)
    assert seen(web) == "root"


def test_a_local_sign_in_that_outranks_the_session_needs_no_ory(
    ory: Ory, local_ory: LocalOry, web: DualClient, root: User
) -> None:
    sign_in(web, ory.person().browser_session())
    web.get(LOCAL)
    caches["default"].clear()
    with local_ory.failing(500):
        assert seen(web) == "root"


def test_a_session_that_ory_revokes_is_gone(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().browser_session()
    sign_in(web, session)
    assert seen(web) == session.person.id
    session.revoke()
    assert seen(web) == ""


def test_the_next_person_in_the_same_browser_counts_from_the_next_request(ory: Ory, web: DualClient) -> None:
    first, second = ory.person(), ory.person()
    for person in (first, second):
        sign_in(web, person.browser_session())
        assert seen(web) == person.id


def test_signing_out_does_not_bring_back_an_earlier_user(ory: Ory, web: DualClient, root: User) -> None:
    web.client.force_login(root)
    sign_in(web, ory.person().browser_session())
    web.get("/who")
    web.post("/auth/logout")
    delete_ory_cookie(web)
    assert seen(web) == ""


def test_signing_out_with_an_unused_credential_does_not_bring_back_an_earlier_user(
    ory: Ory, web: DualClient, root: User
) -> None:
    web.client.force_login(root)
    sign_in(web, ory.person().browser_session())
    web.post("/auth/logout")
    delete_ory_cookie(web)
    assert seen(web) == ""


# --- what a Django session holds --------------------------------------------------------------------------------------


def cart(web: DualClient) -> str | None:
    kept: str | None = web.get("/recall").json()["cart"]
    return kept


def test_data_of_an_anonymous_visitor_belongs_to_the_first_identity(ory: Ory, web: DualClient) -> None:
    web.get("/remember?cart=apples")
    sign_in(web, ory.person().browser_session())
    assert cart(web) == "apples"
    assert cart(web) == "apples"


def test_the_first_identity_gets_a_new_key(ory: Ory, web: DualClient) -> None:
    web.get("/remember?cart=apples")
    before = web.cookies["sessionid"].value
    sign_in(web, ory.person().browser_session())
    web.get("/recall")
    assert web.cookies["sessionid"].value != before
    assert not DjangoSession.objects.filter(session_key=before).exists()


def test_the_first_identity_gets_a_new_csrf_token(ory: Ory, web: DualClient) -> None:
    web.get("/admin/login/?local=1")
    web.get("/remember?cart=apples")
    before = web.cookies["csrftoken"].value
    sign_in(web, ory.person().browser_session())
    web.get("/recall")
    assert web.cookies["csrftoken"].value != before


def test_the_same_identity_keeps_its_key(ory: Ory, web: DualClient) -> None:
    sign_in(web, ory.person().browser_session())
    web.get("/remember?cart=apples&ask=1")
    before = web.cookies["sessionid"].value
    assert cart(web) == "apples"
    assert web.cookies["sessionid"].value == before


def test_a_later_session_of_the_same_identity_keeps_the_data(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    sign_in(web, person.browser_session())
    web.get("/remember?cart=apples&ask=1")
    sign_in(web, person.browser_session())
    assert cart(web) == "apples"


@pytest.mark.promise("The next person on a browser does not see the Django session of the one before")
@pytest.mark.parametrize("ask", ["", "&ask=1"], ids=["nobody-asked", "asked"])
def test_another_identity_gets_an_empty_session(ory: Ory, web: DualClient, ask: str) -> None:
    sign_in(web, ory.person().browser_session())
    web.get("/remember?cart=apples" + ask)
    before = web.cookies["sessionid"].value
    sign_in(web, ory.person().browser_session())
    assert cart(web) is None
    assert not DjangoSession.objects.filter(session_key=before).exists()


@pytest.mark.parametrize("ask", ["", "&ask=1"], ids=["nobody-asked", "asked"])
def test_the_owner_gets_the_session_back(ory: Ory, web: DualClient, ask: str) -> None:
    sign_in(web, ory.person().browser_session())
    web.get("/remember?cart=apples" + ask)
    assert cart(web) == "apples"


def test_data_added_without_reading_the_user_does_not_reach_the_next_person(ory: Ory, web: DualClient) -> None:
    web.get("/remember?cart=pears")
    sign_in(web, ory.person().browser_session())
    web.get("/remember?cart=apples")
    sign_in(web, ory.person().browser_session())
    assert cart(web) is None


def test_after_signing_out_the_data_is_gone(ory: Ory, web: DualClient) -> None:
    sign_in(web, ory.person().browser_session())
    web.get("/remember?cart=apples&ask=1")
    web.post("/auth/logout")
    delete_ory_cookie(web)
    assert cart(web) is None


def test_a_local_sign_in_does_not_take_over_data_of_an_identity(ory: Ory, web: DualClient, root: User) -> None:
    sign_in(web, ory.person().browser_session())
    web.get("/remember?cart=apples&ask=1")
    web.get(LOCAL)
    assert web.get("/recall").json() == {"user": "root", "cart": None}


def test_a_local_sign_in_does_not_take_over_data_if_the_user_was_not_read(
    ory: Ory, web: DualClient, root: User
) -> None:
    sign_in(web, ory.person().browser_session())
    web.get("/remember?cart=apples")
    web.get(LOCAL)
    assert web.get("/recall").json() == {"user": "root", "cart": None}


def test_an_identity_does_not_take_over_data_of_a_local_user(ory: Ory, web: DualClient, root: User) -> None:
    web.client.force_login(root)
    web.get("/remember?cart=apples")
    sign_in(web, ory.person().browser_session())
    assert cart(web) is None


def test_data_stored_during_an_outage_does_not_reach_the_next_person(
    ory: Ory, local_ory: LocalOry, web: DualClient
) -> None:
    first, second = ory.person().browser_session(), ory.person().browser_session()
    sign_in(web, first)
    with local_ory.failing(500):
        web.get("/remember?cart=apples")
    sign_in(web, second)
    assert cart(web) is None


# --- impersonation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/impersonate", "/aimpersonate"])
def test_a_later_assignment_to_request_user_counts(ory: Ory, web: DualClient, root: User, path: str) -> None:
    assert seen(web, f"{path}?pk={root.pk}", headers=ory.person().app_session().headers) == "root"


def test_a_guard_does_not_accept_an_assigned_user(ory: Ory, web: DualClient, root: User) -> None:
    response = web.get(f"/impersonate-guarded?pk={root.pk}")
    assert response["Location"].startswith("/auth/login")


def test_a_guard_does_not_let_one_person_pass_as_another(ory: Ory, web: DualClient, root: User) -> None:
    response = web.get(f"/impersonate-guarded?pk={root.pk}", headers=ory.person().app_session().headers)
    assert (response.status_code, response.json()["reason"]) == (403, "user_mismatch")


def test_a_guard_judges_the_person_behind_the_impersonation(ory: Ory, web: DualClient, root: User) -> None:
    session = ory.person().app_session()
    web.get("/who", headers=session.headers)
    User.objects.exclude(pk=root.pk).update(is_active=False)
    assert web.get(f"/impersonate-guarded?pk={root.pk}", headers=session.headers).status_code == 403
