"""``manage.py ory_import_users`` when Ory fails, is slow or limits the rate, and when the command is killed."""

from __future__ import annotations

import random
import re
import signal
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core.management import CommandError

from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity
from ory_auth.moving import pace
from tests.support.admin_proxy import AdminProxy, Call, Decide, Lose, Refuse
from tests.support.moving import identity_of, links, make_users, manage_py, run_import
from tests.support.ory import Ory
from tests.support.types import ChangeSettings, User

pytestmark = pytest.mark.django_db
INCOMPLETE = r"incomplete.*Check ORY_AUTH\['ADMIN_URL'\]. Run the same command again to continue."
UseProxy = Callable[[Decide], AbstractContextManager[AdminProxy]]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "FIRST_WAIT", 0.001)
    monkeypatch.setattr(pace, "TRIES", 5)


@pytest.fixture
def proxied(ory: Ory, ory_auth: ChangeSettings) -> Callable[[Decide], AdminProxy]:
    """A proxy between the command and Ory's admin API. It runs while it is used as a context manager."""

    def use(decide: Decide) -> AdminProxy:
        proxy = AdminProxy(ory.admin_url, decide)
        ory_auth(ADMIN_URL=proxy.url)
        return proxy

    return use


def everyone_is_there_once(ory: Ory, users: list[User]) -> None:
    identities = [identity_of(user, ory) for user in users]
    assert all(identities)
    assert links() == {uuid_of(identity): user.pk for identity, user in zip(identities, users, strict=True) if identity}
    for user in users:
        reply = ory.admin("GET", f"/admin/identities?credentials_identifier={user.email}")
        assert len(reply.json) == 1


def uuid_of(identity: dict[str, Any]) -> Any:
    return OryIdentity._meta.pk.to_python(identity["id"])


# --- answers that are lost --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", list(Lose))
def test_a_lost_connection_loses_and_doubles_no_user(ory: Ory, proxied: Any, loss: Lose) -> None:
    users = make_users(5)
    with proxied(lambda call: loss if call.is_batch and call.number in {1, 3} else None).running():
        assert "5 users imported" in run_import("--batch-size", "2", "--parallel", "1")
    everyone_is_there_once(ory, users)


# --- errors of Ory ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_call_that_fails_for_a_moment_is_repeated(ory: Ory, proxied: Any, status: int) -> None:
    users = make_users(3)
    with proxied(lambda call: Refuse(status) if call.is_batch and call.number <= 2 else None).running() as proxy:
        run_import()
    assert proxy.batches == [3, 3, 3]
    everyone_is_there_once(ory, users)


@pytest.mark.parametrize("status", [504, 413])
def test_batches_become_smaller_if_ory_needs_too_long(ory: Ory, proxied: Any, status: int) -> None:
    users = make_users(8)
    with proxied(lambda call: Refuse(status) if call.people > 2 else None).running() as proxy:
        run_import("--batch-size", "4", "--parallel", "1")
    everyone_is_there_once(ory, users)
    assert max(proxy.batches[4:]) <= 2  # no more than the two that were read before it was known


@pytest.mark.parametrize("status", [400, 500])
def test_of_a_batch_that_is_refused_only_the_person_who_causes_it_is_left_out(
    ory: Ory, proxied: Any, status: int
) -> None:
    *users, culprit = make_users(7)

    def decide(call: Call) -> Refuse | None:
        return Refuse(status) if call.is_batch and culprit.email in str(call.body) else None

    with proxied(decide).running():
        output = run_import(exit_status=1)
    assert "6 users imported" in output
    assert f"Primary keys: {culprit.pk}" in output
    everyone_is_there_once(ory, users)


def test_a_person_whom_ory_refuses_within_a_batch_is_reported_with_the_trait(ory: Ory, proxied: Any) -> None:
    make_users(1)
    reason = 'I[#/traits/email] S[#/properties/traits/properties/email/format] "ada@@example" is not valid'
    error = {"code": 400, "status": "Bad Request", "reason": reason}
    answer = Refuse(200, body={"identities": [{"action": "error", "error": error}]})
    with proxied(lambda call: answer if call.is_batch else None).running():
        output = run_import(exit_status=1)
    assert "The identity schema refuses the trait email." in output
    assert "ada@@example" not in output


@pytest.mark.parametrize("item", [None, {}, {"action": "sideways"}, {"action": "error", "error": {"code": "x"}}])
def test_a_result_that_makes_no_sense_is_reported(ory: Ory, proxied: Any, item: Any) -> None:
    make_users(1)
    with proxied(lambda call: Refuse(200, body={"identities": [item]}) if call.is_batch else None).running():
        assert "Ory answered with an internal error" in run_import(exit_status=1)
    assert not links()


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (500, "Ory's admin API answered 500."),
        (503, "Ory's admin API answered 503."),
        (401, "refuses access (401): check ORY_AUTH['API_KEY']"),
        (404, "is not Ory's admin API"),
    ],
)
def test_a_run_ends_if_ory_stays_broken_and_can_be_continued(
    ory: Ory, proxied: Any, ory_auth: ChangeSettings, status: int, message: str
) -> None:
    users = make_users(6)
    with (
        proxied(lambda call: Refuse(status) if call.is_batch and call.number > 1 else None).running(),
        pytest.raises(CommandError) as error,
    ):
        run_import("--batch-size", "2", "--parallel", "1")
    assert message in str(error.value)
    assert "Run the same command again to continue." in str(error.value)
    assert len(links()) == 2
    ory_auth(ADMIN_URL=ory.admin_url)
    run_import()
    everyone_is_there_once(ory, users)


def test_a_url_of_something_else_is_reported_before_anything_is_sent(ory: Ory, ory_auth: ChangeSettings) -> None:
    make_users(1)
    ory_auth(ADMIN_URL=f"{ory.admin_url}/nothing")
    with pytest.raises(CommandError, match=r"ORY_AUTH\['ADMIN_URL'\] is not Ory's admin API"):
        run_import()


@pytest.mark.parametrize("body", [{"identities": []}, {"id": "no UUID"}])
def test_a_server_that_answers_everything_is_not_taken_for_ory(ory: Ory, proxied: Any, body: Any) -> None:
    make_users(1)
    with (
        proxied(lambda call: Refuse(200, body=body) if call.method == "POST" else None).running(),
        pytest.raises(CommandError, match=r"ORY_AUTH\['ADMIN_URL'\] is not Ory's admin API"),
    ):
        run_import()
    assert not links()


def test_what_an_identity_schema_that_allows_anything_lets_ory_create_is_deleted(ory: Ory, proxied: Any) -> None:
    make_users(1)
    created = Refuse(201, body={"id": str(uuid.uuid4()), "traits": "probe"})
    answers = {"POST": created, "DELETE": Refuse(200)}
    with proxied(lambda call: answers.get(call.method)).running() as proxy:
        assert "1 user imported" in run_import()
    methods = [call.method for call in proxy.calls]
    assert methods.count("DELETE") == methods.count("POST") > 0


def test_a_wrong_api_key_is_reported_before_anything_is_sent(local_ory: LocalOry, ory_auth: ChangeSettings) -> None:
    make_users(1)
    ory_auth(API_KEY="ory_pat_wrong")
    with local_ory.strict("ory_pat_right"), pytest.raises(CommandError, match=r"check ORY_AUTH\['API_KEY'\]"):
        run_import()
    assert not links()


def _cut_batch(body: bytes) -> bytes:
    return body[: len(body) // 2] if body.startswith(b'{"identities"') else body


def test_a_run_ends_if_a_body_is_cut_and_can_be_continued(ory: Ory, ory_auth: ChangeSettings) -> None:
    users = make_users(4)
    proxy = AdminProxy(ory.admin_url, lambda _: None, _cut_batch)
    ory_auth(ADMIN_URL=proxy.url)
    with proxy.running(), pytest.raises(CommandError, match=INCOMPLETE):
        run_import("--batch-size", "2", "--parallel", "1")
    ory_auth(ADMIN_URL=ory.admin_url)
    assert "4 users imported" in run_import()
    everyone_is_there_once(ory, users)


# --- limits of the rate -----------------------------------------------------------------------------------------------


def test_a_run_waits_as_long_as_ory_asks(ory: Ory, proxied: Any) -> None:
    users = make_users(2)
    times: list[float] = []

    def decide(call: Call) -> Refuse | None:
        if not call.is_batch:
            return None
        times.append(time.monotonic())
        return Refuse(429, {"Retry-After": "1"}) if len(times) == 1 else None

    with proxied(decide).running():
        run_import()
    assert times[1] - times[0] >= 1
    everyone_is_there_once(ory, users)


def test_an_api_key_means_one_call_at_a_time(ory: Ory, proxied: Any, ory_auth: ChangeSettings) -> None:
    make_users(6)
    with proxied(lambda call: None).running() as proxy:
        ory_auth(API_KEY="ory_pat_any")
        run_import("--batch-size", "1", "--rate", "100000")
    assert proxy.most_at_once == 1


def test_ory_network_refuses_no_call_of_an_import(local_ory: LocalOry, ory_auth: ChangeSettings) -> None:
    local_ory.configure(one_write_at_a_time=True)
    make_users(6)
    ory_auth(API_KEY="ory_pat_any")
    run_import("--batch-size", "2", "--rate", "100000")
    assert len(links()) == 6


def test_the_rate_is_limited_if_asked_for(ory: Ory, proxied: Any) -> None:
    make_users(4)
    with proxied(lambda call: None).running():
        start = time.monotonic()
        run_import("--batch-size", "1", "--rate", "600")
    assert time.monotonic() - start >= 0.3


# --- processes that end -----------------------------------------------------------------------------------------------


@pytest.mark.django_db(databases=[])
def test_ctrl_c_finishes_the_batch_says_how_to_continue_and_forgets_no_password(
    ory: Ory, own_database: None, proxied: Any
) -> None:
    users = make_users(12)
    is_sending = threading.Event()

    def decide(call: Call) -> None:
        if call.is_batch:
            is_sending.set()
            time.sleep(0.3)

    options = ("--batch-size", "2", "--parallel", "1", "--forget-passwords")
    with proxied(decide).running():
        with manage_py("ory_import_users", *options) as process:
            is_sending.wait(20)
            process.send_signal(signal.SIGINT)
            output, errors = process.communicate(timeout=20)
        assert process.returncode == 130, errors
        assert re.search(r"\d+ users? (is|are) left. Run the same command again to continue.", output)
        assert "passwords are unusable" not in output
        assert 2 <= len(links()) < 12
        run_import()
    everyone_is_there_once(ory, users)


@pytest.mark.django_db(databases=[])
def test_a_process_that_is_killed_loses_and_doubles_no_user(ory: Ory, own_database: None, proxied: Any) -> None:
    users = make_users(20)
    chance = random.Random(19)
    at = 0

    def kill(call: Call) -> Lose | None:
        """Kill the process before or after Ory carries out a batch, or while it is about to save the links."""
        nonlocal at
        at += call.is_batch
        if not call.is_batch or at < kill_at:
            return None
        how = chance.choice([Lose.CALL, Lose.ANSWER, None])
        if how is None:
            threading.Timer(chance.uniform(0, 0.02), process.kill).start()
        else:
            process.kill()
        return how

    with proxied(kill).running():
        for _ in range(2):  # stress/campaigns/import_killed.py does it more often
            at, kill_at = 0, chance.randint(1, 3)
            with manage_py("ory_import_users", "--batch-size", "3") as process:
                process.communicate(timeout=20)
            assert process.returncode in {-signal.SIGKILL, 0}
        kill_at = 10**6
        run_import()
    everyone_is_there_once(ory, users)
