"""Support in Django's admin: what Ory says about a person, and what staff with the right permissions can do."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import django
import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import Group, Permission
from django.core.mail import EmailMessage
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from ory_auth import identities
from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity
from ory_auth.users.database import EPOCH
from tests.project.urls import UserAdmin
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.moving import make_users, run_import
from tests.support.ory import WHOAMI, Ory, Person, Session
from tests.support.types import ChangeSettings, Json, Response, User
from tests.support.worker import another_process

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cached")]

LIST = "/admin/ory_auth/oryidentity/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
PERMISSIONS = {
    "revoke-sessions": "revoke_sessions",
    "deactivate": "deactivate_identity",
    "activate": "activate_identity",
    "recovery": "send_recovery",
    "resend-verification": "resend_verification",
    "remove-second-factor": "remove_second_factor",
}
CHOICES = {"recovery": {"delivery": "mail"}}


def visit(session: Session) -> Any:
    """The user of this session, after their first visit."""
    Client().get("/who", headers=session.headers)
    return User.objects.get(ory_identity__id=session.person.id)


def grant(user: Any, *names: str) -> None:
    permissions = Permission.objects.filter(codename__in=names)
    assert len(permissions) == len(names)
    user.user_permissions.add(*permissions)


def text_of(response: Response) -> str:
    """What people read, with single spaces."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", response.content.decode())).split())


class Staff:
    """A staff member with a browser. At first they may view users and identities."""

    def __init__(self, ory: Ory) -> None:
        self.person = ory.person()
        self.session = self.person.browser_session()
        self.user = visit(self.session)
        self.user.is_staff = True
        self.user.save()
        grant(self.user, "view_user", "change_user", "view_oryidentity")
        self.client = Client()
        sign_in(self.client, self.session)

    def may(self, *names: str) -> None:
        grant(self.user, *names)

    def ask(self, action: str, *people: Person, **values: str) -> Response:
        query = {"identity": [person.id for person in people], **values}
        return self.client.get(f"{LIST}action/{action}/", query)

    def do(self, action: str, *people: Person, **values: Any) -> Response:
        form = {"identity": [person.id for person in people], **CHOICES.get(action, {}), **values}
        return self.client.post(f"{LIST}action/{action}/", form, follow=True)

    def panel(self, person: Person) -> Response:
        return self.client.get(f"{LIST}{person.id}/at-ory/?fragment")


@pytest.fixture
def staff(ory: Ory) -> Staff:
    return Staff(ory)


@pytest.fixture
def bob(ory: Ory) -> Person:
    """A person who has been here."""
    person = ory.person(name={"first": "Secret-name"})
    visit(person.browser_session())
    User.objects.filter(ory_identity__id=person.id).update(username="bob")
    return person


def user_of(person: Person) -> Any:
    return User.objects.get(ory_identity__id=person.id)


def state_of(person: Person) -> str:
    state: str = person.ory.admin("GET", f"/admin/identities/{person.id}").json["state"]
    return state


def entries() -> list[tuple[str, str]]:
    """The history: to whom, and what."""
    return [(entry.object_repr, entry.get_change_message()) for entry in LogEntry.objects.order_by("id")]


# --- the page of a user -----------------------------------------------------------------------------------------------


def test_the_page_of_a_user_shows_the_link_without_asking_ory(ory: Ory, staff: Staff, bob: Person) -> None:
    if ory.local:
        ory.local.requests.clear()
    page = staff.client.get(f"/admin/auth/user/{user_of(bob).pk}/change/")
    assert bob.id in text_of(page)
    assert f"{LIST}{bob.id}/at-ory/" in page.content.decode()
    if ory.local:
        assert not [request for request in ory.local.requests if request.path != WHOAMI]


def test_the_page_of_an_identity_says_when_it_last_changed_at_ory(staff: Staff, bob: Person) -> None:
    text = text_of(staff.client.get(f"{LIST}{bob.id}/change/"))
    assert re.search(r"Last change: [A-Z][a-z]+", text)


def test_the_page_of_an_imported_person_has_no_made_up_times(ory: Ory, staff: Staff) -> None:
    make_users(1)
    run_import()
    identity = OryIdentity.objects.get(authenticated_at__lt="1971-01-01T00:00Z")
    text = text_of(staff.client.get(f"{LIST}{identity.pk}/change/"))
    assert "Last sign-in: Never" in text
    assert not re.search(r"\b19\d\d\b", text)


@pytest.mark.parametrize(("query", "number"), [("", 2), ("?sign_in=never", 1), ("?sign_in=ever", 1)])
def test_without_time_zones_the_pages_of_identities_work(ory: Ory, settings: Settings, query: str, number: int) -> None:
    settings.USE_TZ = False
    staff = Staff(ory)
    make_users(1)
    run_import()
    assert f" {number} Ory identit" in text_of(staff.client.get(f"{LIST}{query}"))
    for identity in OryIdentity.objects.all():
        assert staff.client.get(f"{LIST}{identity.pk}/change/").status_code == 200


def test_a_user_who_was_never_at_ory_has_a_page(staff: Staff) -> None:
    local = User.objects.create_user("local")
    page = staff.client.get(f"/admin/auth/user/{local.pk}/change/")
    assert "has never signed in with Ory" in text_of(page)


def test_the_page_that_adds_a_user_has_no_identity(staff: Staff) -> None:
    staff.may("add_user")
    page = staff.client.get("/admin/auth/user/add/")
    assert page.status_code == 200
    assert "Ory identity" not in text_of(page)


def test_without_the_permission_the_page_of_a_user_has_no_identity(staff: Staff, bob: Person) -> None:
    staff.user.user_permissions.remove(Permission.objects.get(codename="view_oryidentity"))
    page = staff.client.get(f"/admin/auth/user/{user_of(bob).pk}/change/")
    assert page.status_code == 200
    assert bob.id not in page.content.decode()


def test_a_user_is_saved_by_a_form_that_knows_nothing_of_identities(staff: Staff, bob: Person) -> None:
    user = user_of(bob)
    form = {
        "username": "robert",
        "is_active": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "10:00:00",
    }
    assert staff.client.post(f"/admin/auth/user/{user.pk}/change/", form).status_code == 302
    user.refresh_from_db()
    assert user.username == "robert"
    assert str(user.ory_identity.pk) == bob.id


def test_a_form_with_a_mistake_still_shows_the_identity(staff: Staff, bob: Person) -> None:
    page = staff.client.post(f"/admin/auth/user/{user_of(bob).pk}/change/", {"username": ""})
    assert "This field is required." in text_of(page)
    assert f"Ory identity: {bob.id}" in text_of(page)


def test_a_forged_form_cannot_change_the_link(ory: Ory, staff: Staff, bob: Person) -> None:
    user, other = user_of(bob), ory.person()
    visit(other.browser_session())
    form = {
        "username": "bob",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "10:00:00",
        "ory_identity-TOTAL_FORMS": "1",
        "ory_identity-INITIAL_FORMS": "1",
        "ory_identity-0-id": other.id,
        "ory_identity-0-user": str(user.pk),
        "ory_identity-0-DELETE": "on",
    }
    staff.client.post(f"/admin/auth/user/{user.pk}/change/", form)
    assert str(user_of(bob).pk) == str(user.pk)
    assert user_of(other).pk != user.pk


@pytest.mark.parametrize("path", [LIST, "/admin/auth/user/"])
def test_lists_cost_the_same_for_many_people_and_never_ask_ory(ory: Ory, staff: Staff, path: str) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert staff.client.get(path).status_code == 200
        return len(queries)

    visit(ory.person().browser_session())
    count()
    before = count()
    for _ in range(3):
        visit(ory.person().browser_session())
    if ory.local:
        ory.local.requests.clear()
    assert count() == before
    if ory.local:
        assert not [request for request in ory.local.requests if request.path != WHOAMI]


# --- the panel --------------------------------------------------------------------------------------------------------


def test_the_panel_shows_sessions_by_device_and_the_last_sign_ins(staff: Staff, bob: Person) -> None:
    ended = bob.browser_session()
    ended.revoke()
    page = text_of(staff.panel(bob))
    assert f"{bob.email} not verified" in page
    assert "Credentials one-time code, password" in page
    assert "Signed in now: 1 session" in page
    assert "ended" in page
    assert "Secret-name" not in page
    assert "<html" not in staff.panel(bob).content.decode()


def test_without_javascript_the_panel_is_a_page(staff: Staff, bob: Person) -> None:
    page = staff.client.get(f"{LIST}{bob.id}/at-ory/")
    assert "<html" in page.content.decode()
    assert "Signed in now: 1 session" in text_of(page)


def test_the_panel_needs_the_permission(staff: Staff, bob: Person) -> None:
    staff.user.user_permissions.remove(Permission.objects.get(codename="view_oryidentity"))
    assert staff.panel(bob).status_code == 403


def test_the_panel_of_an_unknown_identity_is_404(ory: Ory, staff: Staff) -> None:
    assert staff.panel(ory.person()).status_code == 404


def test_while_ory_is_down_the_panel_says_so_and_the_rest_works(local_ory: LocalOry, staff: Staff, bob: Person) -> None:
    staff.may("revoke_sessions")
    with local_ory.failing(503, path=f"/admin/identities/{bob.id}"):
        assert text_of(staff.panel(bob)) == "Ory's admin API does not respond."
        assert staff.client.get(f"/admin/auth/user/{user_of(bob).pk}/change/").status_code == 200


def test_the_panel_of_a_deleted_identity_says_so(staff: Staff, bob: Person) -> None:
    bob.delete()
    assert "Ory no longer has this identity." in text_of(staff.panel(bob))


def test_without_the_admin_api_the_panel_says_which_setting_to_set(
    ory: Ory, staff: Staff, bob: Person, ory_auth: ChangeSettings
) -> None:
    ory_auth(ADMIN_URL=ory.public_url)
    assert "ADMIN_URL" in text_of(staff.panel(bob))


def test_the_panel_has_the_buttons_that_the_staff_member_may_use(staff: Staff, bob: Person) -> None:
    assert "action/" not in staff.panel(bob).content.decode()
    staff.may("revoke_sessions", "deactivate_identity")
    assert buttons_of(staff.panel(bob)) == {"revoke-sessions", "deactivate"}


def test_the_panel_has_no_buttons_that_would_change_nothing(ory: Ory, staff: Staff, bob: Person) -> None:
    staff.may(*PERMISSIONS.values())
    assert buttons_of(staff.panel(bob)) == {"revoke-sessions", "recovery", "resend-verification", "deactivate"}
    verified = ory.person(verified=True)
    session = verified.browser_session()
    visit(session)
    session.set_up_totp()
    verified.deactivate()
    assert buttons_of(staff.panel(verified)) == {"revoke-sessions", "recovery", "remove-second-factor", "activate"}


def buttons_of(panel: Response) -> set[str]:
    return set(re.findall('class="button [^"]*" href="[^"]*action/([a-z-]+)/', panel.content.decode()))


def test_a_person_who_may_be_impersonated_has_a_button_for_it(staff: Staff, bob: Person) -> None:
    assert "/auth/impersonate" not in staff.panel(bob).content.decode()
    staff.may("impersonate")
    assert f'href="/auth/impersonate?user={user_of(bob).pk}"' in staff.panel(bob).content.decode()
    User.objects.filter(username="bob").update(is_superuser=True)
    assert "/auth/impersonate" not in staff.panel(bob).content.decode()


@pytest.mark.parametrize("address", ["its host", "a custom domain"])
def test_ory_console_is_offered_for_ory_network_only(
    ory: Ory, staff: Staff, bob: Person, settings: Settings, address: str
) -> None:
    staff.may("open_in_console")
    assert "console.ory.com" not in staff.panel(bob).content.decode()
    network: Json = {
        "its host": {"SDK_URL": "https://slug.projects.oryapis.com"},
        "a custom domain": {"SDK_URL": ory.public_url, "API_KEY": "ory_pat_test"},
    }
    settings.ORY_AUTH = {**network[address], "ADMIN_URL": ory.admin_url}
    staff.client = Client()  # without a session at Ory, so that no request leaves this machine
    staff.client.force_login(staff.user, "django.contrib.auth.backends.ModelBackend")
    url = f"https://console.ory.com/projects/current/identities/{bob.id}"
    assert f'href="{url}" target="_blank" rel="noopener noreferrer"' in staff.panel(bob).content.decode()


# --- actions ----------------------------------------------------------------------------------------------------------


def test_signing_a_person_out_ends_their_sessions_here_and_at_ory(staff: Staff, bob: Person) -> None:
    session, web = bob.browser_session(), DualClient("wsgi")
    assert web.is_signed_in(session.headers)
    staff.may("revoke_sessions")
    asked = staff.ask("revoke-sessions", bob)
    assert f"For this person Secret-name ({bob.email})" in text_of(asked)
    assert web.is_signed_in(session.headers)  # asking changes nothing
    page = staff.do("revoke-sessions", bob, next=f"/admin/auth/user/{user_of(bob).pk}/change/")
    assert "1 person was signed out everywhere." in text_of(page)
    assert page.redirect_chain == [(f"/admin/auth/user/{user_of(bob).pk}/change/", 302)]
    assert not web.is_signed_in(session.headers)
    assert session.whoami().get("error")
    assert entries() == [("bob", "Signed out everywhere at Ory.")]
    assert LogEntry.objects.get().user == staff.user


def test_one_session_of_a_person_ends_here_and_at_ory(staff: Staff, bob: Person) -> None:
    stolen, own, web = bob.browser_session(), bob.browser_session(), DualClient("wsgi")
    assert web.is_signed_in(stolen.headers)
    staff.may("revoke_sessions")
    links = re.findall(r'href="([^"]+/revoke-session/[^"]+)"', staff.panel(bob).content.decode())
    (link,) = [unescape(link) for link in links if link.endswith(stolen.id)]
    asked = staff.client.get(link)
    assert f"For this person Secret-name ({bob.email})" in text_of(asked)
    assert "password" in text_of(asked)  # how the person signed in, as the panel says
    assert web.is_signed_in(stolen.headers)  # asking changes nothing
    form = dict(re.findall('name="(identity|session|next)" value="([^"]+)"', asked.content.decode()))
    page = staff.client.post(link.partition("?")[0], form, follow=True)
    assert "The session was ended." in text_of(page)
    assert page.redirect_chain == [(f"/admin/auth/user/{user_of(bob).pk}/change/", 302)]
    assert not web.is_signed_in(stolen.headers)
    assert stolen.whoami().get("error")
    assert web.is_signed_in(own.headers)
    assert entries() == [("bob", "Ended one session at Ory.")]
    assert LogEntry.objects.get().user == staff.user


def test_a_session_of_another_person_or_that_has_ended_is_refused(ory: Ory, staff: Staff, bob: Person) -> None:
    staff.may("revoke_sessions")
    others, ended = ory.person().browser_session(), bob.browser_session()
    ended.revoke()
    for session in (others, ended):
        for page in (
            staff.client.get(f"{LIST}action/revoke-session/", {"identity": bob.id, "session": session.id}, follow=True),
            staff.do("revoke-session", bob, session=session.id),
        ):
            assert "This is not an active session of this person." in text_of(page)
    assert others.whoami()["active"]
    assert entries() == []


@pytest.mark.parametrize("session", ["", "x"])
def test_the_id_of_a_session_that_is_nonsense_is_404(staff: Staff, bob: Person, session: str) -> None:
    staff.may("revoke_sessions")
    assert staff.ask("revoke-session", bob, session=session).status_code == 404
    assert staff.do("revoke-session", bob, session=session).status_code == 404


@pytest.mark.promise("Another site cannot act for a staff member")
def test_a_session_ends_only_with_the_csrf_token_and_the_permission(staff: Staff, bob: Person) -> None:
    session = bob.browser_session()
    staff.may(*set(PERMISSIONS.values()) - {"revoke_sessions"})
    assert "revoke-session" not in staff.panel(bob).content.decode()
    assert staff.ask("revoke-session", bob, session=session.id).status_code == 403
    assert staff.do("revoke-session", bob, session=session.id).status_code == 403
    staff.may("revoke_sessions")
    client = Client(enforce_csrf_checks=True)
    sign_in(client, staff.session)
    form = {"identity": bob.id, "session": session.id}
    assert client.post(f"{LIST}action/revoke-session/", form).status_code == 403
    assert session.whoami()["active"]


def test_staff_who_may_not_see_the_panel_learn_nothing_about_a_session(staff: Staff, bob: Person) -> None:
    staff.may("revoke_sessions")
    staff.user.user_permissions.remove(Permission.objects.get(codename="view_oryidentity"))
    asked = staff.ask("revoke-session", bob, session=bob.browser_session().id)
    assert "For this person" in text_of(asked)
    assert "password" not in text_of(asked)


@pytest.mark.promise("With Ory down, an action in the admin changes nothing")
def test_with_ory_down_a_session_does_not_end(local_ory: LocalOry, staff: Staff, bob: Person) -> None:
    staff.may("revoke_sessions")
    session, web = bob.browser_session(), DualClient("wsgi")
    assert web.is_signed_in(session.headers)
    staff.client.get("/admin/")  # cached
    with local_ory.failing(503, path="/admin/identities"):
        page = staff.do("revoke-session", bob, session=session.id)
    assert page.status_code == 503
    assert "does not respond. Nothing was changed." in text_of(page)
    assert f'name="session" value="{session.id}"' in page.content.decode()  # of "Try again"
    with local_ory.failing(503, path=f"/admin/identities/{bob.id}/sessions"):
        asked = staff.client.get(
            f"{LIST}action/revoke-session/", {"identity": bob.id, "session": session.id}, follow=True
        )
    assert "does not respond." in text_of(asked)
    assert entries() == []
    assert web.is_signed_in(session.headers)


def test_deactivating_and_activating(staff: Staff, bob: Person) -> None:
    staff.may("deactivate_identity", "activate_identity")
    session, web = bob.browser_session(), DualClient("wsgi")
    visit(session)
    assert web.is_signed_in(session.headers)
    staff.do("deactivate", bob)
    assert state_of(bob) == "inactive"
    assert not web.is_signed_in(session.headers)
    staff.do("activate", bob)
    assert state_of(bob) == "active"
    assert entries() == [("bob", "Deactivated at Ory."), ("bob", "Activated at Ory.")]


def test_a_lost_second_factor_is_removed(staff: Staff, bob: Person) -> None:
    bob.browser_session().set_up_totp()
    staff.may("remove_second_factor")
    staff.do("remove-second-factor", bob)
    assert bob.browser_session().id  # the password alone signs in
    assert "There is no second factor." in text_of(staff.do("remove-second-factor", bob))
    assert entries() == [("bob", "Removed the second factors at Ory.")]


def test_the_verification_is_sent_again(local_ory: LocalOry, ory: Ory, staff: Staff, bob: Person) -> None:
    staff.may("resend_verification")
    page = staff.do("resend-verification", bob)
    assert "was sent again to 1 person" in text_of(page)
    assert entries() == [("bob", "Sent the verification of an address again.")]
    verified = ory.person(verified=True)
    visit(verified.browser_session())
    assert "No address is waiting to be verified." in text_of(staff.do("resend-verification", verified))


def test_a_recovery_code_is_mailed_to_the_person_and_not_shown(
    staff: Staff, bob: Person, mailoutbox: list[EmailMessage], settings: Settings
) -> None:
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    staff.may("send_recovery")
    User.objects.filter(username="bob").update(email="attacker@example.org")  # Django's address does not count
    page = staff.do("recovery", bob)
    (mail,) = mailoutbox
    assert mail.to == [bob.email]
    code = re.search(r"\b\d{6}\b", str(mail.body))
    assert code
    assert code[0] not in page.content.decode()
    assert entries() == [("bob", "E-mailed a recovery code.")]


@pytest.mark.parametrize("kind", ["code", "link"])
def test_a_recovery_is_shown_once_and_stored_nowhere(
    staff: Staff, bob: Person, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    staff.may("show_recovery")
    page = staff.do("recovery", bob, delivery=kind)
    secrets = re.findall('<code class="ory-secret">([^<]+)</code>', page.content.decode())
    assert len(secrets) == (2 if kind == "code" else 1)
    assert "no-store" in page["Cache-Control"]
    history = json.dumps(list(LogEntry.objects.values()), default=str)
    assert f"Saw a recovery {kind}." in history
    assert not any(unescape(secret) in history + caplog.text for secret in secrets)
    assert secrets[0] not in staff.client.get(f"/admin/auth/user/{user_of(bob).pk}/change/").content.decode()


def test_a_shown_code_works(local_ory: LocalOry, staff: Staff, bob: Person) -> None:
    staff.may("show_recovery")
    page = staff.do("recovery", bob, delivery="code").content.decode()
    code = re.search('<code class="ory-secret">(\\d+)</code>', page)
    assert code
    url = re.search("flow=([0-9a-f-]+)", page)
    assert url
    browser = Session(bob, "")
    flow = browser.get(f"/self-service/recovery/flows?id={url[1]}").json
    reply = browser.submit("recovery", flow, {"method": "code", "code": code[1]})
    assert reply.status in {200, 422}
    assert "ory_kratos_session" in browser.jar


def test_mailing_a_recovery_does_not_include_seeing_it(staff: Staff, bob: Person) -> None:
    staff.may("send_recovery")
    assert 'value="code"' not in staff.ask("recovery", bob).content.decode()
    page = staff.do("recovery", bob, delivery="code")
    assert "ory-secret" not in page.content.decode()
    assert entries() == []


@pytest.mark.parametrize("name", PERMISSIONS)
def test_each_action_needs_its_permission(staff: Staff, bob: Person, name: str) -> None:
    staff.may(*set(PERMISSIONS.values()) - {PERMISSIONS[name]})
    assert staff.ask(name, bob).status_code == 403
    assert staff.do(name, bob).status_code == 403
    menu = f'value="ory_{name.replace("-", "_")}"'
    assert menu not in staff.client.get(LIST).content.decode()
    staff.may(PERMISSIONS[name])
    assert staff.ask(name, bob).status_code == 200
    assert menu in staff.client.get(LIST).content.decode()


@pytest.mark.promise("Another site cannot act for a staff member")
def test_actions_need_the_csrf_token(staff: Staff, bob: Person) -> None:
    staff.may("deactivate_identity")
    client = Client(enforce_csrf_checks=True)
    sign_in(client, staff.session)
    assert client.post(f"{LIST}action/deactivate/", {"identity": bob.id}).status_code == 403
    assert state_of(bob) == "active"


@pytest.mark.parametrize("url", ["//evil.example", "https://evil.example/", "javascript:alert(1)", "\\\\evil.example"])
def test_afterwards_the_browser_stays_on_this_site(staff: Staff, bob: Person, url: str) -> None:
    staff.may("activate_identity")
    assert staff.do("activate", bob, next=url).redirect_chain == [(LIST, 302)]


@pytest.mark.parametrize("identity", ["x", "", "00000000-0000-4000-8000-000000000000"])
def test_nonsense_is_404(staff: Staff, identity: str) -> None:
    staff.may("activate_identity")
    assert staff.client.post(f"{LIST}action/activate/", {"identity": identity}).status_code == 404
    assert staff.client.get(f"{LIST}action/nothing/").status_code == 404


# --- people on whom a staff member may not act ------------------------------------------------------------------------


def make_superuser(user: Any) -> None:
    user.is_superuser = True


def make_staff_with_more(user: Any) -> None:
    user.is_staff = True
    grant(user, "delete_user")


def make_member_of_a_group_with_more(user: Any) -> None:
    group = Group.objects.create(name="Bosses")
    group.permissions.add(Permission.objects.get(codename="delete_user"))
    user.groups.add(group)


def make_inactive_superuser(user: Any) -> None:
    user.is_superuser, user.is_active = True, False


def make_inactive_with_more(user: Any) -> None:
    user.is_active = False
    grant(user, "delete_user")


@pytest.mark.promise("A staff member cannot take over the account of a person with more rights")
@pytest.mark.parametrize(
    "promote",
    [
        make_superuser,
        make_staff_with_more,
        make_member_of_a_group_with_more,
        make_inactive_superuser,
        make_inactive_with_more,
    ],
)
def test_staff_cannot_act_on_people_with_more_rights(staff: Staff, bob: Person, promote: Any) -> None:
    user = user_of(bob)
    promote(user)
    user.save()
    staff.may(*PERMISSIONS.values(), "show_recovery")
    session = bob.browser_session()
    page = staff.do("revoke-session", bob, session=session.id)
    assert "rights on this site that you don't have" in text_of(page)
    assert session.whoami()["active"]
    for name in PERMISSIONS:
        assert "rights on this site that you don't have" in text_of(staff.ask(name, bob))
        page = staff.do(name, bob, **({"delivery": "code"} if name == "recovery" else {}))
        assert "rights on this site that you don't have" in text_of(page)
        assert "ory-secret" not in page.content.decode()
    assert state_of(bob) == "active"
    assert entries() == []
    panel = staff.panel(bob)
    assert "You can't act on this account." in text_of(panel)
    assert "action/" not in panel.content.decode()


def test_staff_with_the_same_rights_can_be_helped(staff: Staff, bob: Person) -> None:
    user = user_of(bob)
    user.is_staff = True
    user.save()
    grant(user, "view_user")
    staff.may("deactivate_identity")
    staff.do("deactivate", bob)
    assert state_of(bob) == "inactive"


def test_a_superuser_acts_on_another_superuser(staff: Staff, bob: Person) -> None:
    User.objects.filter(pk__in=[staff.user.pk, user_of(bob).pk]).update(is_superuser=True)
    staff.do("deactivate", bob)
    assert state_of(bob) == "inactive"


def test_staff_cannot_act_on_their_own_account(staff: Staff) -> None:
    staff.may("deactivate_identity")
    assert "your own account" in text_of(staff.do("deactivate", staff.person))
    assert state_of(staff.person) == "active"


@pytest.mark.promise("A staff member cannot take over the account of a person with more rights")
@pytest.mark.parametrize("setting", ["group", "staff", "field", "metadata_admin"])
@pytest.mark.parametrize("user", ["linked", "deleted"])
def test_staff_cannot_act_on_people_whose_role_at_ory_gives_more_rights(
    staff: Staff, bob: Person, ory_auth: ChangeSettings, setting: str, user: str
) -> None:
    """The user gets these rights at the next sign-in, for which a recovery would be enough."""
    bosses = Group.objects.create(name="Bosses")
    bosses.permissions.add(Permission.objects.get(codename="delete_user"))
    groups = {"is_staff": True} if setting == "staff" else {"groups": ["Bosses"]}
    path = "metadata_admin" if setting == "metadata_admin" else "metadata_public"
    ory_auth(
        SESSION_CACHE_SECONDS=60,
        GROUPS=None if setting == "field" else {f"{path}.roles": {"boss": groups}},
        USER_FIELDS={"email": "traits.email", "is_superuser": "metadata_public.root"},
    )
    bob.patch(f"/{path}", {"root": True} if setting == "field" else {"roles": ["boss"]})
    staff.may(*PERMISSIONS.values(), "show_recovery")
    if setting == "staff":
        bosses.permissions.clear()
    if user == "deleted":
        user_of(bob).delete()
    page = staff.do("recovery", bob, delivery="code")
    allowed = setting == "staff"  # who has these rights as well
    assert ("Give it to the person" in text_of(page) or "code" in text_of(page)) == allowed, text_of(page)
    assert ("rights on this site that you don't have" in text_of(page)) is not allowed
    assert bool(entries()) is allowed


@pytest.mark.parametrize("kind", ["user model", "backend"])
def test_rights_that_only_has_perm_knows_count(
    staff: Staff, bob: Person, kind: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with django-rules, or a user model that has only ``has_perm()``."""
    staff.may("deactivate_identity")
    if kind == "backend":
        settings.AUTHENTICATION_BACKENDS = [*settings.AUTHENTICATION_BACKENDS, "tests.test_admin_support.BobDeletes"]
    else:
        monkeypatch.setattr(User, "has_perm", _has_perm)
    assert "rights on this site that you don't have" in text_of(staff.do("deactivate", bob))
    assert state_of(bob) == "active"


class BobDeletes(BaseBackend):
    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return bool(user_obj.username == "bob" and perm == "auth.delete_user")


_django_has_perm = User.has_perm


def _has_perm(self: Any, perm: str, obj: Any = None) -> bool:
    return (self.username == "bob" and perm == "auth.delete_user") or _django_has_perm(self, perm, obj)


def test_the_link_of_a_person_with_more_rights_cannot_be_deleted(staff: Staff, bob: Person) -> None:
    staff.may("delete_oryidentity")
    User.objects.filter(username="bob").update(is_superuser=True)
    assert staff.client.post(f"{LIST}{bob.id}/delete/", {"post": "yes"}).status_code == 403
    form = {"action": "delete_selected", "_selected_action": [bob.id], "post": "yes"}
    staff.client.post(LIST, form, follow=True)
    assert OryIdentity.objects.filter(pk=bob.id).exists()
    User.objects.filter(username="bob").update(is_superuser=False)
    staff.client.post(LIST, form, follow=True)
    assert not OryIdentity.objects.filter(pk=bob.id).exists()


@pytest.mark.promise("An action in the admin is in the history of the staff member who did it")
def test_staff_cannot_act_as_another_staff_member(ory: Ory, staff: Staff, bob: Person) -> None:
    """The history would name the impersonated staff member."""
    staff.may("deactivate_identity", "revoke_sessions")
    session = bob.browser_session()
    root = Staff(ory)
    User.objects.filter(pk=root.user.pk).update(is_superuser=True)
    root.client.post("/auth/impersonate", {"user": str(staff.user.pk), "reason": "a test"})
    assert bob.id in root.client.get(LIST).content.decode()
    assert "action/" not in root.panel(bob).content.decode()
    for response in (
        root.ask("deactivate", bob),
        root.do("deactivate", bob),
        root.do("revoke-session", bob, session=session.id),
    ):
        assert response.status_code == 403
        assert "impersonat" in text_of(response)
    assert state_of(bob) == "active"


def test_people_whom_the_admin_of_users_hides_are_out_of_reach(
    staff: Staff, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def own_tenant(self: Any, request: Any) -> QuerySet[Any]:
        return User.objects.exclude(username="bob")

    monkeypatch.setattr(UserAdmin, "get_queryset", own_tenant)
    staff.may("deactivate_identity")
    assert staff.do("deactivate", bob).status_code == 404
    assert staff.panel(bob).status_code == 404
    assert bob.id not in staff.client.get(LIST).content.decode()
    assert state_of(bob) == "active"


# --- in bulk ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def three(ory: Ory) -> list[Person]:
    people = [ory.person() for _ in range(3)]
    for person, name in zip(people, ("cleo", "dan", "eve"), strict=True):
        visit(person.browser_session())
        User.objects.filter(ory_identity__id=person.id).update(username=name, email="")
    return people


@pytest.mark.parametrize("path", [LIST, "/admin/auth/user/"])
def test_an_action_of_a_list_asks_and_then_does_it_for_all(staff: Staff, three: list[Person], path: str) -> None:
    staff.may("deactivate_identity")
    keys = [person.id if path == LIST else user_of(person).pk for person in three]
    asked = staff.client.post(path + "?o=1", {"action": "ory_deactivate", "_selected_action": keys})
    assert "For these 3 people" in text_of(asked)
    assert [state_of(person) for person in three] == ["active"] * 3
    hidden = re.findall('name="(identity|next)" value="([^"]+)"', asked.content.decode())
    form = {"identity": [value for name, value in hidden if name == "identity"], "next": path + "?o=1"}
    assert ("next", path + "?o=1") in hidden
    done = staff.client.post(f"{LIST}action/deactivate/", form, follow=True)
    assert "3 people were deactivated." in text_of(done)
    assert done.redirect_chain == [(path + "?o=1", 302)]
    assert [state_of(person) for person in three] == ["inactive"] * 3
    assert sorted(entries()) == [(name, "Deactivated at Ory.") for name in ("cleo", "dan", "eve")]


def test_people_who_are_left_out_are_named(staff: Staff, three: list[Person]) -> None:
    staff.may("deactivate_identity")
    local = User.objects.create_user("local")
    User.objects.filter(username="dan").update(is_superuser=True)
    keys = [local.pk, *(user_of(person).pk for person in three[:2])]
    asked = text_of(staff.client.post("/admin/auth/user/", {"action": "ory_deactivate", "_selected_action": keys}))
    assert "For this person cleo" in asked
    assert "dan : This person has rights on this site that you don't have." in asked
    assert "local : This user has no identity at Ory." in asked


def test_a_partial_failure_names_each_person(staff: Staff, three: list[Person]) -> None:
    staff.may("deactivate_identity")
    three[1].delete()
    page = text_of(staff.do("deactivate", *three))
    assert "2 people were deactivated." in page
    assert "dan : Ory no longer has this identity." in page
    assert sorted(name for name, _ in entries()) == ["cleo", "eve"]


@pytest.mark.promise("With Ory down, an action in the admin changes nothing")
@pytest.mark.parametrize("name", PERMISSIONS)
def test_with_ory_down_an_action_says_so_and_changes_nothing(
    local_ory: LocalOry, staff: Staff, three: list[Person], name: str
) -> None:
    staff.may(*PERMISSIONS.values())
    session, web = three[0].browser_session(), DualClient("wsgi")
    assert web.is_signed_in(session.headers)
    staff.client.get("/admin/")  # cached
    with local_ory.failing(503, path="/admin/identities"):
        page = staff.do(name, *three)
    assert page.status_code == 503
    assert "does not respond. Nothing was changed." in text_of(page)
    assert all(word in text_of(page) for word in ("cleo", "dan", "eve", "Try again"))
    assert entries() == []
    assert web.is_signed_in(session.headers)
    assert [state_of(person) for person in three] == ["active"] * 3


def test_if_ory_fails_midway_each_persons_result_is_shown(
    local_ory: LocalOry, staff: Staff, three: list[Person]
) -> None:
    staff.may("activate_identity")
    with local_ory.failing(500, path=f"/admin/identities/{three[1].id}"):
        page = text_of(staff.do("activate", *three))
    assert "1 person was activated. cleo Not confirmed" in page
    assert "dan Not tried eve Try again" in page
    assert entries() == [("cleo", "Activated at Ory."), ("dan", "Activated at Ory. Ory did not confirm it.")]


@pytest.mark.promise("An action in the admin is in the history of the staff member who did it")
@pytest.mark.parametrize("atomic", [False, True])
def test_what_was_done_before_a_crash_is_in_the_history(
    staff: Staff, three: list[Person], settings: Settings, monkeypatch: pytest.MonkeyPatch, atomic: bool
) -> None:
    """A killed worker looks the same."""
    staff.may("deactivate_identity")
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic)
    deactivate = identities.deactivate

    def crash_at_dan(identity_id: Any) -> Any:
        deactivate(identity_id)
        if str(identity_id) == three[1].id:
            raise RuntimeError("a bug")

    monkeypatch.setattr(identities, "deactivate", crash_at_dan)
    with pytest.raises(RuntimeError, match="a bug"):
        staff.do("deactivate", *three)
    assert entries() == [("cleo", "Deactivated at Ory."), ("dan", "Deactivated at Ory. Ory did not confirm it.")]


def test_an_action_that_a_rate_limit_stops_halfway_is_in_the_history(
    local_ory: LocalOry, staff: Staff, three: list[Person]
) -> None:
    """The person is inactive already, and only the sessions are not ended yet."""
    staff.may("deactivate_identity")
    with local_ory.failing(429, {"Retry-After": "7"}, path=f"/admin/identities/{three[0].id}/sessions"):
        page = text_of(staff.do("deactivate", *three))
    assert "Not confirmed" in page
    assert state_of(three[0]) == "inactive"
    assert entries() == [("cleo", "Deactivated at Ory. Ory did not confirm it.")]


def test_a_rate_limit_of_ory_stops_the_run(local_ory: LocalOry, staff: Staff, three: list[Person]) -> None:
    staff.may("activate_identity")
    with local_ory.failing(429, {"Retry-After": "7"}, path=f"/admin/identities/{three[0].id}"):
        page = text_of(staff.do("activate", *three))
    assert re.search("Try again in [78] seconds. Nothing was changed.", page)
    assert "Not tried cleo dan eve Try again" in page
    assert entries() == []


def test_too_many_people_are_refused(staff: Staff, three: list[Person], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ory_auth.admin.views.MAX_PEOPLE", 2)
    staff.may("deactivate_identity")
    keys = [person.id for person in three]
    page = staff.client.post(LIST, {"action": "ory_deactivate", "_selected_action": keys}, follow=True)
    assert "You selected 3 people. Select at most 2." in text_of(page)
    assert staff.do("deactivate", *three).status_code == 404


def test_a_project_that_has_switched_actions_off_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert UserAdmin(User, admin.site).actions
    monkeypatch.setattr(UserAdmin, "actions", None)
    assert UserAdmin(User, admin.site).actions is None


# --- every worker -----------------------------------------------------------------------------------------------------


@pytest.mark.promise("A person whose sessions are revoked in the admin is out on every worker")
def test_a_revoked_person_is_out_on_every_worker(
    local_ory: LocalOry, ory: Ory, settings: Settings, tmp_path: Path
) -> None:
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path)}}
    settings.ORY_AUTH = {**settings.ORY_AUTH, "SESSION_CACHE_SECONDS": 60, "CACHE_NAMESPACE": "test"}
    staff, bob = Staff(ory), ory.person()
    staff.may("revoke_sessions")
    here, elsewhere, first = bob.browser_session(), bob.app_session(), bob.browser_session()
    for session in (here, elsewhere, first):
        visit(session)
    late_answer = json.dumps(elsewhere.whoami()).encode()
    with another_process(CACHES=settings.CACHES, ORY_AUTH=settings.ORY_AUTH) as session_of:
        assert session_of(here.headers) == here.id
        assert session_of(elsewhere.headers) == elsewhere.id
        assert session_of(first.headers) == first.id
        staff.do("revoke-session", bob, session=first.id)
        assert session_of(first.headers) is None
        assert session_of(here.headers) == here.id
        staff.do("revoke-sessions", bob)
        with local_ory.failing(200, {"Content-Type": "application/json"}, late_answer, WHOAMI):
            assert session_of(elsewhere.headers) is None
        assert session_of(here.headers) is None


# --- the list of identities -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["bob", "address", "id"])
def test_people_are_found_by_id_username_and_address(ory: Ory, staff: Staff, bob: Person, text: str) -> None:
    other = ory.person()
    visit(other.browser_session())
    page = staff.client.get(LIST, {"q": {"id": bob.id, "address": bob.email}.get(text, text)}).content.decode()
    assert f"{LIST}{bob.id}/" in page
    assert f"{LIST}{other.id}/" not in page


@pytest.fixture
def kinds(ory: Ory, staff: Staff, bob: Person) -> dict[str, str]:
    """Identities of each kind, by the option of the filter that shows them."""
    kinds: dict[str, Json] = {
        "at_ory=inactive": {"state": "inactive"},
        "at_ory=deleted": {"deleted_at": "2026-01-01T00:00Z"},
        "at_ory=unknown": {"state": ""},
        "sign_in=never": {"authenticated_at": EPOCH},
        "verified=yes": {"has_verified_address": True},
        "linked=no": {"user": None},
    }
    found = {}
    for option, values in kinds.items():
        person = ory.person()
        visit(person.browser_session())
        OryIdentity.objects.filter(pk=person.id).update(**values)
        found[option] = person.id
    return found


def test_the_filters_read_what_this_site_knows(staff: Staff, bob: Person, kinds: dict[str, str]) -> None:
    for option, identity_id in kinds.items():
        page = staff.client.get(f"{LIST}?{option}").content.decode()
        assert re.findall(f'"{LIST}([0-9a-f-]+)/change/', page) == [identity_id], option
    everybody = staff.client.get(f"{LIST}?at_ory=nonsense").content.decode()
    assert all(identity_id in everybody for identity_id in kinds.values())


def test_the_history_of_an_identity_is_that_of_its_user(staff: Staff, bob: Person) -> None:
    staff.may("activate_identity")
    user = user_of(bob)
    staff.do("activate", bob)
    page = staff.client.get(f"{LIST}{bob.id}/history/", follow=True)
    assert page.redirect_chain == [(f"/admin/auth/user/{user.pk}/history/", 302)]
    assert "Activated at Ory." in text_of(page)


def test_an_identity_without_a_user_has_its_own_history(staff: Staff, bob: Person) -> None:
    staff.may("activate_identity")
    user_of(bob).delete()
    staff.do("activate", bob)
    assert "Activated at Ory." in text_of(staff.client.get(f"{LIST}{bob.id}/history/", follow=True))
