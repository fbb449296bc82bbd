"""No hash, password, address, name or answer of Ory is printed, logged or part of an error while people move."""

from __future__ import annotations

import csv
import io
import logging
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ory_auth.moving import ImportRefused, import_user, pace, reasons, single
from ory_auth.moving.failure_report import FailureReport
from tests.support.admin_proxy import AdminProxy, Call, Decide, Lose, Refuse
from tests.support.moving import PASSWORD, make_users
from tests.support.ory import Ory
from tests.support.types import ChangeSettings, User

pytestmark = pytest.mark.django_db
NAME = "Canary-of-a-name"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(pace, "TRIES", 3)
    single.reset()
    yield
    single.reset()


@pytest.fixture
def users(ory: Ory) -> list[User]:
    return make_users(3, last_name=NAME)


@pytest.fixture
def assert_clean(users: list[User], caplog: pytest.LogCaptureFixture) -> Callable[[str], None]:
    caplog.set_level(logging.DEBUG)
    secrets = [NAME, PASSWORD]
    for user in users:
        secrets += [user.email, user.get_username(), *user.password.split("$")[1:]]

    def check(text: str) -> None:
        assert text
        everything = text + caplog.text
        assert [secret for secret in secrets if secret in everything] == []

    return check


def quote(call: Call) -> Refuse:
    """An answer that repeats what it was sent, as Ory's sometimes do."""
    return Refuse(400, body={"error": {"code": 400, "reason": f"I[#/traits/email] {call.body}", "message": call.body}})


FAULTS: dict[str, Decide] = {
    "refused": lambda call: quote(call) if call.is_batch else None,
    "internal error": lambda call: Refuse(500, body={"error": str(call.body)}) if call.is_batch else None,
    "down": lambda call: Refuse(503, body={"error": str(call.body)}) if call.is_batch else None,
    "access refused": lambda call: Refuse(403, body={"error": str(call.body)}) if call.is_batch else None,
    "lost": lambda call: Lose.ANSWER if call.is_batch else None,
    "nonsense": lambda call: Refuse(200, body={"identities": str(call.body)}) if call.is_batch else None,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_command_shows_nothing_of_a_person(
    ory: Ory, ory_auth: ChangeSettings, assert_clean: Any, tmp_path: Path, fault: str
) -> None:
    proxy = AdminProxy(ory.admin_url, FAULTS[fault])
    ory_auth(ADMIN_URL=proxy.url)
    out, report, shown = io.StringIO(), tmp_path / "failures.csv", ""
    with proxy.running():
        try:
            call_command("ory_import_users", "--report", str(report), stdout=out, stderr=out)
        except (CommandError, SystemExit) as error:
            shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert shown
    assert_clean(out.getvalue() + report.read_text() + shown)


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_about_one_user_shows_nothing_of_them(
    ory: Ory, ory_auth: ChangeSettings, users: list[User], assert_clean: Any, fault: str
) -> None:
    proxy = AdminProxy(ory.admin_url, FAULTS[fault])
    ory_auth(ADMIN_URL=proxy.url)
    with proxy.running(), pytest.raises(Exception) as raised:
        import_user(users[0], password=PASSWORD)
    frames = traceback.TracebackException.from_exception(raised.value, capture_locals=True).stack
    own = [frame for frame in frames if "ory_auth" in frame.filename and "tests" not in frame.filename]
    assert own
    assert_clean(f"{raised.value!r}" + "".join(repr(frame.locals) for frame in own))


def broken_traits(user: User) -> dict[str, Any]:
    raise ValueError(user.email, user.password)


def test_an_exception_of_the_project_shows_only_its_type(ory: Ory, users: list[User], assert_clean: Any) -> None:
    out = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("ory_import_users", "--traits", f"{__name__}.broken_traits", stdout=out, stderr=out)
    assert "ValueError" in out.getvalue()
    assert_clean(out.getvalue())


def test_a_refusal_names_no_value(ory: Ory, users: list[User], assert_clean: Any) -> None:
    User.objects.filter(pk=users[0].pk).update(email="")
    users[0].refresh_from_db()
    with pytest.raises(ImportRefused) as refusal:
        import_user(users[0])
    assert_clean(str(refusal.value))


@pytest.mark.parametrize(
    ("key", "written"), [("=cmd()", "'=cmd()"), ("@SUM(1)", "'@SUM(1)"), ("-1", "-1"), ("x=", "x=")]
)
def test_a_primary_key_is_no_formula_in_the_report(tmp_path: Path, key: str, written: str) -> None:
    """A user model may have the username as its primary key."""
    path = tmp_path / "failures.csv"
    with FailureReport(path) as report:
        report.add(reasons.BROKEN, user=key)
    with path.open(newline="") as file:
        assert next(csv.DictReader(file))["user"] == written
