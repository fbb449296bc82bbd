"""``manage.py ory_link``: says by hand which user is which identity."""

from __future__ import annotations

import io
import logging
import unicodedata
import uuid
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.contrib.auth.models import UserManager
from django.core.management import CommandError, call_command
from django.test import Client

from ory_auth.models import OryIdentity
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.types import User

pytestmark = pytest.mark.django_db

ID = "7f3c2a10-0000-4000-8000-00000000000a"
OTHER_ID = "7f3c2a10-0000-4000-8000-00000000000b"


class WriteFile(Protocol):
    def __call__(self, text: str, encoding: str = "utf-8") -> str: ...


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", "ada@example.org", "Sleipnir-8-legs")


def link(*arguments: str, **options: object) -> str:
    out = io.StringIO()
    call_command("ory_link", *arguments, stdout=out, no_color=True, **options)
    return out.getvalue()


def links() -> dict[str, str]:
    return {str(link.pk): link.user.username for link in OryIdentity.objects.select_related("user")}


# --- one pair ---------------------------------------------------------------------------------------------------------


def test_it_links_a_user_to_an_identity_and_says_so(ada: User) -> None:
    assert link("ada", ID) == f"ada is linked to {ID}.\n"
    assert links() == {ID: "ada"}


def test_the_person_is_that_user_from_then_on(ory: Ory, web: DualClient, ada: User) -> None:
    person = ory.person(name={"first": "Ada"})
    link("ada", person.id)
    assert web.get("/who", headers=person.app_session().headers).json()["user"] == "ada"


def test_the_first_sign_in_brings_the_fields_up_to_date(ory: Ory, web: DualClient, ada: User) -> None:
    person = ory.person(name={"first": "Ada"})
    link("ada", person.id)
    web.get("/who", headers=person.app_session().headers)
    ada.refresh_from_db()
    assert (ada.first_name, ada.email) == ("Ada", person.email)


@pytest.mark.django_db(transaction=True)
def test_the_first_sign_in_is_a_sign_in(ory: Ory, web: DualClient, ada: User) -> None:
    person = ory.person()
    link("ada", person.id)
    web.get("/who", headers=person.app_session().headers)
    ada.refresh_from_db()
    assert ada.last_login is not None


def test_to_link_the_same_two_once_more_changes_nothing(ory: Ory, web: DualClient, ada: User) -> None:
    person = ory.person()
    link("ada", person.id)
    web.get("/who", headers=person.app_session().headers)
    before = OryIdentity.objects.values().get()
    link("ada", person.id)
    assert OryIdentity.objects.values().get() == before


def test_the_first_superuser_comes_in(ory: Ory, web: DualClient, ada: User) -> None:
    person = ory.person()
    assert link("ada", person.id, "--superuser") == f"ada is linked to {person.id} and is now a superuser.\n"
    assert web.get("/admin/", headers=person.browser_session().headers).status_code == 200


def test_without_the_option_nobody_is_made_a_superuser(ada: User) -> None:
    link("ada", ID)
    ada.refresh_from_db()
    assert (ada.is_staff, ada.is_superuser) == (False, False)


def test_a_missing_user_is_created_where_that_is_asked_for(ory: Ory, web: DualClient) -> None:
    person = ory.person()
    link("root", person.id, "--create", "--superuser")
    user = User.objects.get()
    assert (user.username, user.is_superuser, user.has_usable_password()) == ("root", True, False)
    assert web.get("/who", headers=person.app_session().headers).json()["user"] == "root"


def test_an_identity_moves_where_that_is_asked_for(ada: User) -> None:
    User.objects.create_user("old")
    link("old", ID)
    link("ada", ID, "--move")
    assert links() == {ID: "ada"}


def test_the_password_is_unusable_from_then_on(ada: User) -> None:
    link("ada", ID)
    ada.refresh_from_db()
    assert not ada.has_usable_password()


@pytest.mark.parametrize("more", [[], ["--superuser"]])
def test_the_password_stays_where_that_is_asked_for(ada: User, more: list[str]) -> None:
    link("ada", ID, "--keep-password", *more)
    ada.refresh_from_db()
    assert ada.check_password("Sleipnir-8-legs")


def test_a_superuser_cannot_come_in_past_ory(ory: Ory, client: Client, ada: User) -> None:
    link("ada", ory.person().id, "--superuser")
    form = {"username": "ada", "password": "Sleipnir-8-legs", "next": "/admin/"}
    assert client.post("/admin/login/?local=1", form).status_code == 200  # the form again
    assert client.get("/admin/").status_code == 302


def test_an_identity_whose_user_was_deleted_is_free(ada: User) -> None:
    old = User.objects.create_user("old")
    link("old", ID)
    old.delete()
    link("ada", ID)
    assert links() == {ID: "ada"}


def test_who_is_moved_to_is_brought_up_to_date(ory: Ory, web: DualClient, ada: User) -> None:
    person = ory.person(name={"first": "Ada"})
    web.get("/who", headers=person.app_session().headers)
    link("ada", person.id, "--move")
    web.get("/who", headers=person.app_session().headers)
    ada.refresh_from_db()
    assert ada.first_name == "Ada"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("more", "events"),
    [([], ["identity_linked"]), (["--superuser"], ["identity_linked", "superuser_linked"])],
)
def test_each_link_is_logged(ada: User, caplog: pytest.LogCaptureFixture, more: list[str], events: list[str]) -> None:
    caplog.set_level(logging.INFO, "ory_auth")
    link("ada", ID, *more)
    facts = {"identity": ID, "user": str(ada.pk), "by": "ory_link"}
    records: list[Any] = caplog.records
    assert [(record.ory_event, record.ory_facts) for record in records] == [(event, facts) for event in events]


@pytest.mark.django_db(transaction=True)
def test_a_link_that_came_to_nothing_is_not_logged(
    ada: User, file: WriteFile, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ory_auth")
    with pytest.raises(CommandError):
        link(file(f"ada,{ID}\neve,{OTHER_ID}\n"))
    assert caplog.records == []


# --- what it refuses --------------------------------------------------------------------------------------------------

REFUSED = {
    "no user": ([], "Give USER and IDENTITY"),
    "no identity": (["ada"], "Give both USER and IDENTITY"),
    "no UUID": (["ada", "ada@example.org"], "'ada@example.org' is not an identity ID"),
    "unknown user": (["eve", ID], "There is no user named 'eve'.*--create"),
    "file and pair": (["ada", ID, "--file=x.csv"], "Give USER and IDENTITY, or --file"),
    "no such file": (["--file=/no/such/file.csv"], "/no/such/file.csv cannot be read"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_it_says_what_is_wrong_and_links_nobody(ada: User, why: str) -> None:
    arguments, text = REFUSED[why]
    with pytest.raises(CommandError, match=text):
        link(*arguments)
    assert links() == {}


LOOKALIKE = "\u00e5da"  # a collation that ignores accents finds ada


@pytest.fixture
def ignoring_accents(monkeypatch: pytest.MonkeyPatch) -> None:
    """A manager of the project's own, or a collation, that finds more than was asked for."""

    def find(self: UserManager[User], name: str | None) -> User:
        plain = unicodedata.normalize("NFD", name or "").encode("ascii", "ignore").decode()
        return self.get(username__iexact=plain)

    monkeypatch.setattr(UserManager, "get_by_natural_key", find)


@pytest.mark.promise("An address that a database takes for another one links nobody")
def test_a_user_whose_name_only_looks_alike_is_not_linked(ada: User, ignoring_accents: None) -> None:
    with pytest.raises(CommandError, match=f"There is no user named '{LOOKALIKE}'"):
        link(LOOKALIKE, ID)
    assert links() == {}


def test_the_case_of_a_name_is_the_projects_business(ada: User, ignoring_accents: None) -> None:
    link("ADA", ID)
    assert links() == {ID: "ada"}


def test_several_users_of_one_name_are_refused(ada: User, ignoring_accents: None) -> None:
    User.objects.create_user("Ada")
    with pytest.raises(CommandError, match="Several users are named 'ada'"):
        link("ada", ID)


def test_a_user_who_is_another_identity_is_refused(ada: User) -> None:
    link("ada", OTHER_ID)
    with pytest.raises(CommandError, match=f"ada is already linked to {OTHER_ID}"):
        link("ada", ID)
    assert links() == {OTHER_ID: "ada"}


def test_an_identity_that_is_another_user_is_refused(ada: User) -> None:
    User.objects.create_user("old")
    link("old", ID)
    with pytest.raises(CommandError, match=f"{ID} is already linked to old.*--move"):
        link("ada", ID)
    assert links() == {ID: "old"}


def test_a_user_who_could_not_be_linked_is_not_created(ada: User) -> None:
    link("ada", ID)
    with pytest.raises(CommandError, match="already"):
        link("eve", ID, "--create")
    assert not User.objects.filter(username="eve").exists()


# --- a file of them ---------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> WriteFile:
    def write(text: str, encoding: str = "utf-8") -> str:
        path = tmp_path / "links.csv"
        path.write_bytes(text.encode(encoding))
        return f"--file={path}"

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_links_everyone_in_it(ada: User, file: WriteFile, encoding: str, end: str) -> None:
    User.objects.create_user("grace, admiral")
    lines = ["# user,identity", f"ada,{ID}", "", f'"grace, admiral", {OTHER_ID.upper()} ']
    link(file(end.join(lines), encoding))
    assert links() == {ID: "ada", OTHER_ID: "grace, admiral"}


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (f"eve,{OTHER_ID}", "line 2: There is no user named 'eve'"),
        ("ada", "line 2: expected USER,IDENTITY"),
        ("ada,nonsense", "line 2: 'nonsense' is not an identity ID"),
        (f"ada,{OTHER_ID}", "line 2: ada is already linked to"),
        (f"ada;{OTHER_ID}", "line 2: expected USER,IDENTITY"),
    ],
)
def test_a_file_with_a_mistake_links_nobody_and_names_the_line(
    ada: User, file: WriteFile, line: str, text: str
) -> None:
    with pytest.raises(CommandError, match=text):
        link(file(f"ada,{ID}\n{line}\n"))
    assert links() == {}


def test_a_file_that_is_no_text_is_refused(file: WriteFile) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        link(file("ada,\xe4", "latin-1"))


def test_a_link_is_to_the_exact_identity(ada: User) -> None:
    link("ada", ID.upper().replace("-", ""))
    assert OryIdentity.objects.get().pk == uuid.UUID(ID)
