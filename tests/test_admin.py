"""Django's admin is entered through Ory, and shows which user is which identity."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib import admin
from django.test import RequestFactory
from pytest_django import Settings

from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.ory import Ory, Person
from tests.support.types import User

pytestmark = pytest.mark.django_db

PASSWORD = "Sleipnir-8-legs"


@pytest.fixture
def person(ory: Ory, web: DualClient) -> Person:
    """Somebody who is signed in, and is nothing special here."""
    person = ory.person()
    sign_in(web, person.browser_session())
    web.get("/who")
    return person


@pytest.fixture
def superuser(person: Person) -> Person:
    User.objects.update(is_staff=True, is_superuser=True)
    return person


@pytest.fixture
def only_ory(settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = ["ory_auth.backends.OryBackend"]


def test_an_ory_user_who_is_a_superuser_enters_the_admin(web: DualClient, superuser: Person) -> None:
    assert web.get("/admin/").status_code == 200


def test_an_anonymous_visitor_signs_in_at_ory_and_returns(ory: Ory, web: DualClient) -> None:
    response = web.get(web.get("/admin/auth/user/")["Location"])
    assert response["Location"].startswith(f"{ory.public_url}/self-service/login/browser?")
    query = parse_qs(urlsplit(response["Location"]).query)
    assert query["return_to"] == ["http://testserver/admin/auth/user/"]


def test_the_login_page_by_itself_leads_to_the_admins_index(ory: Ory, web: DualClient) -> None:
    query = parse_qs(urlsplit(web.get("/admin/login/")["Location"]).query)
    assert query["return_to"] == ["http://testserver/admin/"]


def test_the_login_page_redirects_staff_to_the_index(web: DualClient, superuser: Person) -> None:
    assert web.get("/admin/login/")["Location"] == "http://testserver/admin/"


def test_a_user_without_rights_gets_a_page_with_a_sign_out_button(web: DualClient, person: Person) -> None:
    response = web.get(web.get("/admin/")["Location"])
    assert response.status_code == 403
    assert 'action="/auth/logout"' in response.content.decode()


def test_djangos_own_form_is_shown_on_request(ory: Ory, web: DualClient) -> None:
    assert b'name="password"' in web.get("/admin/login/?local=1").content


def test_a_django_superuser_signs_in_with_that_form(ory: Ory, web: DualClient) -> None:
    User.objects.create_superuser("root", "root@example.org", PASSWORD)
    web.post("/admin/login/?local=1", {"username": "root", "password": PASSWORD, "next": "/admin/"})
    assert web.get("/admin/").status_code == 200


def test_without_another_backend_there_is_no_form(ory: Ory, web: DualClient, only_ory: None) -> None:
    assert web.get("/admin/login/?local=1")["Location"].startswith(ory.public_url)


def test_without_another_backend_no_password_signs_in(ory: Ory, web: DualClient, only_ory: None) -> None:
    User.objects.create_superuser("root", "root@example.org", PASSWORD)
    web.post("/admin/login/", {"username": "root", "password": PASSWORD, "next": "/admin/"})
    assert web.get("/admin/").status_code == 302


@pytest.mark.parametrize("path", ["/admin/", "/admin/login/", "/admin/auth/user/"])
def test_while_ory_is_down_the_admin_says_503(ory: Ory, local_ory: LocalOry, web: DualClient, path: str) -> None:
    sign_in(web, ory.person().browser_session())
    with local_ory.failing(500):
        assert web.get(path).status_code == 503


def test_another_admin_site_may_be_entered_through_ory_as_well(ory: Ory, web: DualClient) -> None:
    query = parse_qs(urlsplit(web.get("/second-admin/login/")["Location"]).query)
    assert query["return_to"] == ["http://testserver/second-admin/"]


# --- the links between users and identities ---------------------------------------------------------------------------


def test_identities_are_listed_with_their_users(web: DualClient, superuser: Person) -> None:
    page = web.get("/admin/ory_auth/oryidentity/").content.decode()
    assert superuser.id in page


def test_an_identity_is_found_by_its_id(web: DualClient, superuser: Person) -> None:
    found = web.get(f"/admin/ory_auth/oryidentity/?q={superuser.id}").content.decode()
    assert f"/admin/ory_auth/oryidentity/{superuser.id}/" in found
    missed = web.get("/admin/ory_auth/oryidentity/?q=00000000-0000-4000-8000-000000000000").content.decode()
    assert f"/admin/ory_auth/oryidentity/{superuser.id}/" not in missed


@pytest.mark.parametrize("query", ["nonsense", "%00", "1", "ada@example.org"])
def test_any_search_text_works(web: DualClient, superuser: Person, query: str) -> None:
    assert web.get(f"/admin/ory_auth/oryidentity/?q={query}").status_code in {200, 302}


def test_an_identity_is_read_only(web: DualClient, superuser: Person) -> None:
    page = web.get(f"/admin/ory_auth/oryidentity/{superuser.id}/change/")
    assert page.status_code == 200
    assert b'name="user"' not in page.content


def test_identities_cannot_be_added(web: DualClient, superuser: Person) -> None:
    assert web.get("/admin/ory_auth/oryidentity/add/").status_code == 403


def test_a_link_can_be_deleted(web: DualClient, superuser: Person) -> None:
    web.post(f"/admin/ory_auth/oryidentity/{superuser.id}/delete/", {"post": "yes"})
    assert not OryIdentity.objects.exists()


def test_a_deleted_user_leaves_the_identity_without_a_user(web: DualClient, superuser: Person) -> None:
    User.objects.get().delete()
    assert OryIdentity.objects.get().user is None


def test_djangos_permissions_apply(superuser: Person, rf: RequestFactory) -> None:
    user = OryIdentity.objects.get().user
    request = rf.get("/")
    request.user = user
    assert admin.site.has_permission(request)
    assert user.has_perm("auth.add_user")
