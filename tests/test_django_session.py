"""Beside Django's own sign-in: the latest sign-in wins, and what a Django session holds belongs to one person."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session as DjangoSession
from django.core.cache import caches

from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity
from tests.conftest import Web
from tests.jar import forget_ory, sign_in
from tests.kinds import ChangeSettings, User
from tests.ories import Ory

pytestmark = pytest.mark.django_db

PASSWORD = "Sleipnir-8-legs"
LOCAL = "/django-login?name=root&password=" + PASSWORD


@pytest.fixture
def root() -> User:
    """A superuser of Django's own."""
    return User.objects.create_superuser("root", "root@example.org", PASSWORD)


def seen(web: Web, path: str = "/who", **options: object) -> str:
    user: str = web.get(path, **options).json()["user"]
    return user


# --- signing in with Django -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/who", "/awho", "/django-guarded"])
def test_force_login_signs_in(ory: Ory, web: Web, root: User, path: str) -> None:
    web.client.force_login(root)
    assert seen(web, path) == "root"


def test_force_login_of_a_shadow_user_signs_in(ory: Ory, web: Web) -> None:
    person = ory.person()
    web.get("/who", headers=person.token().headers)
    web.client.force_login(OryIdentity.objects.get().user)
    assert seen(web) == person.id


def test_client_login_signs_in(ory: Ory, web: Web, root: User) -> None:
    assert web.client.login(username="root", password=PASSWORD)
    assert seen(web) == "root"


def test_a_shadow_user_has_no_password_to_sign_in_with(ory: Ory, web: Web) -> None:
    person = ory.person()
    web.get("/who", headers=person.token().headers)
    assert not web.client.login(username=person.id, password=person.password)


def test_a_local_sign_in_is_no_ory_session(ory: Ory, web: Web, root: User) -> None:
    web.client.force_login(root)
    assert web.get("/session").json() == {"session": None, "identity": None}
    assert web.get("/guarded")["Location"] == "/auth/login?next=/guarded"


def test_a_sign_in_view_shows_the_new_user_at_once(ory: Ory, web: Web, root: User) -> None:
    assert seen(web, LOCAL, headers=ory.person().token().headers) == "root"


def test_after_a_sign_in_view_there_is_no_ory_session_in_that_request_either(ory: Ory, web: Web, root: User) -> None:
    answer = web.get(LOCAL + "&session", headers=ory.person().token().headers)
    assert answer.json()["session"] is None


@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_beside_a_malformed_credential_nothing_further_is_tried(ory: Ory, web: Web, root: User, path: str) -> None:
    web.client.force_login(root)
    assert seen(web, path, headers={"X-Session-Token": "x" * 9000}) == ""
    assert seen(web, path) == "root"


# --- the latest sign-in wins ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign_in_view", ["/django-login", "/django-alogin"])
@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_a_local_sign_in_outranks_the_credential_that_was_there(
    ory: Ory, web: Web, root: User, path: str, sign_in_view: str
) -> None:
    sign_in(web, ory.person().cookie())
    assert seen(web, LOCAL.replace("/django-login", sign_in_view)) == "root"
    assert seen(web, path) == "root"


def test_a_guard_of_ory_sends_whom_a_local_sign_in_outranks_to_sign_in_again(ory: Ory, web: Web, root: User) -> None:
    sign_in(web, ory.person().cookie())
    web.get(LOCAL)
    assert "refresh=true" in web.get(web.get("/guarded")["Location"])["Location"]


@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_another_ory_credential_outranks_a_local_sign_in(ory: Ory, web: Web, root: User, path: str) -> None:
    sign_in(web, ory.person().cookie())
    web.get(LOCAL)
    newer = ory.person()
    sign_in(web, newer.cookie())
    assert seen(web, path) == newer.id


@pytest.mark.parametrize("path", ["/who", "/awho", "/session"])
def test_an_ory_credential_ends_the_local_sign_in_before_it(ory: Ory, web: Web, root: User, path: str) -> None:
    web.client.force_login(root)
    sign_in(web, ory.person().cookie())
    web.get(path)
    forget_ory(web)
    assert seen(web) == ""


def test_a_dead_ory_credential_ends_the_local_sign_in_before_it_too(ory: Ory, web: Web, root: User) -> None:
    session = ory.person().cookie()
    session.revoke()
    web.client.force_login(root)
    sign_in(web, session)
    assert seen(web) == ""
    forget_ory(web)
    assert seen(web) == ""


@pytest.mark.switches
def test_an_outage_of_ory_ends_no_local_sign_in(ory: Ory, switches: LocalOry, web: Web, root: User) -> None:
    session = ory.person().cookie()
    web.client.force_login(root)
    sign_in(web, session)
    with switches.failing(500):
        assert web.get("/who").status_code == 503
    forget_ory(web)
    assert seen(web) == "root"


@pytest.mark.switches
def test_whom_a_local_sign_in_outranks_needs_no_ory(ory: Ory, switches: LocalOry, web: Web, root: User) -> None:
    sign_in(web, ory.person().cookie())
    web.get(LOCAL)
    caches["default"].clear()
    with switches.failing(500):
        assert seen(web) == "root"


def test_what_ory_revokes_is_gone(ory: Ory, ory_auth: ChangeSettings, web: Web) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().cookie()
    sign_in(web, session)
    assert seen(web) == session.person.id
    session.revoke()
    assert seen(web) == ""


def test_the_next_person_on_the_same_browser_is_there_from_the_next_request(ory: Ory, web: Web) -> None:
    first, second = ory.person(), ory.person()
    for person in (first, second):
        sign_in(web, person.cookie())
        assert seen(web) == person.id


def test_after_signing_out_nobody_older_comes_back(ory: Ory, web: Web, root: User) -> None:
    web.client.force_login(root)
    sign_in(web, ory.person().cookie())
    web.get("/who")
    web.post("/auth/logout")
    forget_ory(web)
    assert seen(web) == ""


def test_signing_out_of_what_was_never_asked_about_brings_nobody_back_either(ory: Ory, web: Web, root: User) -> None:
    web.client.force_login(root)
    sign_in(web, ory.person().cookie())
    web.post("/auth/logout")
    forget_ory(web)
    assert seen(web) == ""


# --- what a Django session holds --------------------------------------------------------------------------------------


def cart(web: Web) -> str | None:
    kept: str | None = web.get("/recall").json()["cart"]
    return kept


def test_what_an_anonymous_visitor_kept_is_the_first_persons(ory: Ory, web: Web) -> None:
    web.get("/remember?cart=apples")
    sign_in(web, ory.person().cookie())
    assert cart(web) == "apples"
    assert cart(web) == "apples"


def test_the_first_identity_gets_a_new_key(ory: Ory, web: Web) -> None:
    web.get("/remember?cart=apples")
    before = web.cookies["sessionid"].value
    sign_in(web, ory.person().cookie())
    web.get("/recall")
    assert web.cookies["sessionid"].value != before
    assert not DjangoSession.objects.filter(session_key=before).exists()


def test_the_first_identity_gets_a_new_csrf_token(ory: Ory, web: Web) -> None:
    web.get("/admin/login/?local=1")
    web.get("/remember?cart=apples")
    before = web.cookies["csrftoken"].value
    sign_in(web, ory.person().cookie())
    web.get("/recall")
    assert web.cookies["csrftoken"].value != before


def test_the_same_identity_keeps_its_key(ory: Ory, web: Web) -> None:
    sign_in(web, ory.person().cookie())
    web.get("/remember?cart=apples&ask=1")
    before = web.cookies["sessionid"].value
    assert cart(web) == "apples"
    assert web.cookies["sessionid"].value == before


def test_a_later_session_of_the_same_identity_keeps_the_data(ory: Ory, web: Web) -> None:
    person = ory.person()
    sign_in(web, person.cookie())
    web.get("/remember?cart=apples&ask=1")
    sign_in(web, person.cookie())
    assert cart(web) == "apples"


@pytest.mark.parametrize("ask", ["", "&ask=1"], ids=["nobody-asked", "asked"])
def test_another_identity_finds_it_flushed(ory: Ory, web: Web, ask: str) -> None:
    sign_in(web, ory.person().cookie())
    web.get("/remember?cart=apples" + ask)
    before = web.cookies["sessionid"].value
    sign_in(web, ory.person().cookie())
    assert cart(web) is None
    assert not DjangoSession.objects.filter(session_key=before).exists()


@pytest.mark.parametrize("ask", ["", "&ask=1"], ids=["nobody-asked", "asked"])
def test_the_one_whose_it_is_finds_it_again(ory: Ory, web: Web, ask: str) -> None:
    sign_in(web, ory.person().cookie())
    web.get("/remember?cart=apples" + ask)
    assert cart(web) == "apples"


def test_what_was_added_to_an_anonymous_visitors_session_while_nobody_asked_is_not_the_next_persons(
    ory: Ory, web: Web
) -> None:
    web.get("/remember?cart=pears")
    sign_in(web, ory.person().cookie())
    web.get("/remember?cart=apples")
    sign_in(web, ory.person().cookie())
    assert cart(web) is None


def test_after_signing_out_the_data_is_gone(ory: Ory, web: Web) -> None:
    sign_in(web, ory.person().cookie())
    web.get("/remember?cart=apples&ask=1")
    web.post("/auth/logout")
    forget_ory(web)
    assert cart(web) is None


def test_a_local_sign_in_takes_over_no_data_of_an_identity(ory: Ory, web: Web, root: User) -> None:
    sign_in(web, ory.person().cookie())
    web.get("/remember?cart=apples&ask=1")
    web.get(LOCAL)
    assert web.get("/recall").json() == {"user": "root", "cart": None}


def test_a_local_sign_in_takes_over_no_data_where_nobody_asked_either(ory: Ory, web: Web, root: User) -> None:
    sign_in(web, ory.person().cookie())
    web.get("/remember?cart=apples")
    web.get(LOCAL)
    assert web.get("/recall").json() == {"user": "root", "cart": None}


def test_an_identity_takes_over_no_data_of_a_local_user(ory: Ory, web: Web, root: User) -> None:
    web.client.force_login(root)
    web.get("/remember?cart=apples")
    sign_in(web, ory.person().cookie())
    assert cart(web) is None


@pytest.mark.switches
def test_what_is_kept_during_an_outage_is_not_the_next_persons(ory: Ory, switches: LocalOry, web: Web) -> None:
    first, second = ory.person().cookie(), ory.person().cookie()
    sign_in(web, first)
    with switches.failing(500):
        web.get("/remember?cart=apples")
    sign_in(web, second)
    assert cart(web) is None


# --- impersonation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/impersonate", "/aimpersonate"])
def test_a_later_assignment_to_request_user_stands(ory: Ory, web: Web, root: User, path: str) -> None:
    assert seen(web, f"{path}?pk={root.pk}", headers=ory.person().token().headers) == "root"


def test_a_guard_lets_the_person_of_the_ory_session_in_as_whomever_they_impersonate(
    ory: Ory, web: Web, root: User
) -> None:
    assert seen(web, f"/impersonate-guarded?pk={root.pk}", headers=ory.person().token().headers) == "root"


def test_a_guard_does_not_let_somebody_in_because_of_an_assignment(ory: Ory, web: Web, root: User) -> None:
    answer = web.get(f"/impersonate-guarded?pk={root.pk}")
    assert answer["Location"].startswith("/auth/login")


def test_a_guard_judges_the_person_behind_the_impersonation(ory: Ory, web: Web, root: User) -> None:
    session = ory.person().token()
    web.get("/who", headers=session.headers)
    User.objects.exclude(pk=root.pk).update(is_active=False)
    assert web.get(f"/impersonate-guarded?pk={root.pk}", headers=session.headers).status_code == 403
