"""``GROUPS``: roles at Ory give groups and the staff status, and take them away."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from ory_auth.conf import conf
from ory_auth.local import LocalOry
from ory_auth.users import groups as groups_module
from tests.support.checks import GOOD, check_ids, check_messages, only_message
from tests.support.client import DualClient
from tests.support.ory import Ory, Person, Session
from tests.support.types import ChangeSettings
from tests.support.users import set_metadata, user_of

pytestmark = pytest.mark.django_db

ROLES = {"editor": ["Editors"], "chief": ["Editors", "Chiefs"], "support": {"groups": ["Support"], "is_staff": True}}
GROUPS = {"metadata_public.roles": ROLES}


@pytest.fixture(autouse=True)
def _groups(ory_auth: ChangeSettings) -> None:
    ory_auth(GROUPS=GROUPS, SESSION_CACHE_SECONDS=0)


@pytest.fixture
def session(ory: Ory) -> Session:
    return ory.person().app_session()


def visit(web: DualClient, session: Session) -> None:
    assert web.get("/who", headers=session.headers).status_code == 200


def names(person: Person) -> set[str]:
    return set(user_of(person).groups.values_list("name", flat=True))


def is_staff(person: Person) -> bool:
    return bool(user_of(person).is_staff)


def set_admin_metadata(person: Person, value: object) -> None:
    operation = {"op": "add", "path": "/metadata_admin", "value": value}
    assert person.ory.admin("PATCH", f"/admin/identities/{person.id}", body=[operation]).status == 200


@pytest.mark.parametrize(
    "roles", ["editor", ["editor"], ["unknown", "editor", 3, None], {"editor": True, "chief": False, "support": "yes"}]
)
def test_the_first_sign_in_gives_the_groups_of_a_role(web: DualClient, session: Session, roles: object) -> None:
    set_metadata(session.person, {"roles": roles})
    visit(web, session)
    assert names(session.person) == {"Editors"}
    assert not is_staff(session.person)


@pytest.mark.parametrize("metadata", [None, {}, {"roles": None}, {"roles": 7}, {"roles": []}, [], "editor"])
def test_metadata_without_a_role_gives_nothing(web: DualClient, session: Session, metadata: object) -> None:
    set_metadata(session.person, metadata)
    visit(web, session)
    assert names(session.person) == set()


def test_a_changed_identity_gains_and_loses_groups(web: DualClient, session: Session) -> None:
    set_metadata(session.person, {"roles": ["chief", "support"]})
    visit(web, session)
    assert names(session.person) == {"Editors", "Chiefs", "Support"}
    assert is_staff(session.person)
    set_metadata(session.person, {"roles": ["editor"]})
    visit(web, session)
    assert names(session.person) == {"Editors"}
    assert not is_staff(session.person)


def test_groups_that_the_setting_does_not_name_stay(web: DualClient, session: Session) -> None:
    visit(web, session)
    user_of(session.person).groups.add(Group.objects.create(name="Chess"))
    set_metadata(session.person, {"roles": ["editor"]})
    visit(web, session)
    assert names(session.person) == {"Editors", "Chess"}
    set_metadata(session.person, {})
    visit(web, session)
    assert names(session.person) == {"Chess"}


def test_a_new_sign_in_undoes_what_was_changed_here(web: DualClient, session: Session) -> None:
    set_metadata(session.person, {"roles": ["editor"]})
    visit(web, session)
    user_of(session.person).groups.set([Group.objects.create(name="Chiefs")])
    visit(web, session)
    assert names(session.person) == {"Chiefs"}  # the same session costs nothing
    visit(web, session.person.app_session())
    assert names(session.person) == {"Editors"}


def test_a_known_session_costs_no_further_query(web: DualClient, session: Session, ory_auth: ChangeSettings) -> None:
    set_metadata(session.person, {"roles": ["editor"]})
    visit(web, session)
    with CaptureQueriesContext(connection) as with_groups:
        visit(web, session)
    ory_auth(GROUPS=None)
    with CaptureQueriesContext(connection) as without:
        visit(web, session)
    assert len(with_groups) == len(without)


def test_staff_status_is_not_touched_if_no_role_names_it(
    web: DualClient, session: Session, ory_auth: ChangeSettings
) -> None:
    ory_auth(GROUPS={"metadata_public.roles": {"editor": ["Editors"]}})
    visit(web, session)
    user = user_of(session.person)
    user.is_staff = True
    user.save()
    set_metadata(session.person, {"roles": ["editor"]})
    visit(web, session)
    assert names(session.person) == {"Editors"}
    assert is_staff(session.person)


def test_a_superuser_stays_staff(web: DualClient, session: Session) -> None:
    visit(web, session)
    user = user_of(session.person)
    user.is_staff = user.is_superuser = True
    user.save()
    set_metadata(session.person, {"roles": ["editor"]})
    visit(web, session)
    assert names(session.person) == {"Editors"}
    assert is_staff(session.person)


def test_an_older_copy_of_the_identity_gives_nothing_back(
    web: DualClient, session: Session, ory_auth: ChangeSettings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    person = session.person
    set_metadata(person, {"roles": ["support"]})
    older = person.app_session()
    visit(web, older)
    second = person.app_session()
    assert web.session_id(second.headers)  # now in the cache, and its user was not loaded
    set_metadata(person, {})
    visit(web, session)
    assert not is_staff(person)
    visit(web, second)
    assert not is_staff(person)
    assert names(person) == set()


def test_the_project_may_admit_people_by_their_roles(
    web: DualClient, session: Session, ory_auth: ChangeSettings
) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.AdmitsStaff")
    set_metadata(session.person, {"roles": ["support"]})
    assert web.get("/guarded", headers=session.headers).status_code == 200
    set_metadata(session.person, {})
    assert web.get("/guarded", headers=session.headers).status_code == 403
    set_metadata(session.person, {"roles": ["support"]})
    assert web.get("/guarded", headers=session.headers).status_code == 200


# --- metadata_admin ---------------------------------------------------------------------------------------------------


@pytest.fixture
def admin_roles(ory_auth: ChangeSettings) -> None:
    ory_auth(GROUPS={"metadata_admin.roles": ROLES})


@pytest.mark.usefixtures("admin_roles")
def test_roles_in_metadata_admin_are_read_from_the_admin_api(web: DualClient, session: Session, ory: Ory) -> None:
    set_admin_metadata(session.person, {"roles": ["support"]})
    visit(web, session)
    assert names(session.person) == {"Support"}
    assert is_staff(session.person)
    set_admin_metadata(session.person, None)
    visit(web, session)
    assert names(session.person) == set()
    assert not is_staff(session.person)


@pytest.mark.usefixtures("admin_roles")
def test_without_the_admin_api_people_keep_their_groups_until_it_answers(
    web: DualClient, session: Session, local_ory: LocalOry
) -> None:
    person = session.person
    set_admin_metadata(person, {"roles": ["editor"]})
    visit(web, session)
    set_admin_metadata(person, {"roles": ["chief"]})
    path = f"/admin/identities/{person.id}"
    with local_ory.failing(503, path=path):
        visit(web, session)
        visit(web, session)
        assert names(person) == {"Editors"}
    asked = len(local_ory.requests)
    visit(web, session)
    assert [r.path for r in list(local_ory.requests)[asked:]] == ["/sessions/whoami"]  # a pause after the failure
    groups_module._paused_until = 0.0
    visit(web, session)
    assert names(person) == {"Editors", "Chiefs"}
    asked = len(local_ory.requests)
    visit(web, session)
    assert [r.path for r in list(local_ory.requests)[asked:]] == ["/sessions/whoami"]


# --- the setting ------------------------------------------------------------------------------------------------------

MISTAKES = {
    "a list": (["editor"], "must be a dict"),
    "traits": ({"traits.roles": ROLES}, "which people edit themselves"),
    "addresses": ({"verifiable_addresses.0.value": ROLES}, "which people edit themselves"),
    "no part of an identity": ({"roles": ROLES}, "must be a path in metadata_public"),
    "two dots": ({"metadata_public..roles": ROLES}, "must be a path in metadata_public"),
    "a part of the organization": ({"organization_id.0": ROLES}, "must be a path in metadata_public"),
    "no roles": ({"metadata_public.roles": {}}, "a dict of roles"),
    "a group without a list": ({"metadata_public.roles": {"editor": "Editors"}}, "a list of names"),
    "a group without a name": ({"metadata_public.roles": {"editor": [""]}}, "1 to 150 characters"),
    "a superuser": ({"metadata_public.roles": {"editor": {"is_superuser": True}}}, "ory_link --superuser"),
    "an unknown key": ({"metadata_public.roles": {"editor": {"group": ["Editors"]}}}, "unknown key 'group'"),
    "staff that is not true": ({"metadata_public.roles": {"editor": {"is_staff": 1}}}, "True or False"),
    "nothing": ({"metadata_public.roles": {"editor": []}}, "neither a group nor"),
    "no text": ({"metadata_public.roles": {7: ["Editors"]}}, "a string that is not empty"),
    "no organization": ({"organization_id": {"acme": ["Acme"]}}, "a UUID"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_setting_is_an_error(settings: Settings, mistake: str) -> None:
    value, text = MISTAKES[mistake]
    settings.ORY_AUTH = {**GOOD, "GROUPS": value}
    assert text in only_message("E001").msg
    with pytest.raises(ImproperlyConfigured, match="GROUPS"):
        conf()


def test_an_organization_gives_groups(settings: Settings) -> None:
    settings.ORY_AUTH = {**GOOD, "GROUPS": {"organization_id": {"3F2504E0-4F89-11D3-9A0C-0305E82C3301": ["Acme"]}}}
    assert check_ids() == []
    rules = conf().groups
    assert rules is not None
    assert [rule.role for rule in rules.rules] == ["3f2504e0-4f89-11d3-9a0c-0305e82c3301"]


def test_metadata_admin_needs_the_admin_api(settings: Settings) -> None:
    settings.ORY_AUTH = {"SDK_URL": GOOD["SDK_URL"], "GROUPS": {"metadata_admin.roles": ROLES}}
    assert "E030" in " ".join(check_ids())
    settings.ORY_AUTH = {**settings.ORY_AUTH, "API_KEY": "ory_pat_1"}
    assert "E030" not in " ".join(check_ids())


def test_two_settings_must_not_set_the_staff_status(settings: Settings) -> None:
    settings.ORY_AUTH = {**GOOD, "GROUPS": GROUPS, "USER_FIELDS": {"is_staff": "metadata_public.staff"}}
    [message] = [message for message in check_messages() if message.id == "ory_auth.W040"]
    assert "is_staff" in message.msg
