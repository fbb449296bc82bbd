"""What stands in Django's cache: each entry, for how long, and what becomes of it. The clock stands still."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.core.cache import caches

from ory_auth import flights
from ory_auth.local import LocalOry
from tests.conftest import Web
from tests.kinds import ChangeSettings, Wait
from tests.ories import Ory, Session
from tests.seen import ends_in_cache, in_cache

pytestmark = pytest.mark.switches

DAY = 24 * 3600
MINUTE, LONGER = 60, 180  # seconds that answers are kept here: fresh, and for trouble at Ory
SLOT = LONGER + 5
SIGNED_OUT = 300  # seconds that a sign-out outlives its session, for clocks that differ


@pytest.fixture(autouse=True)
def now(ory: Ory, ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch) -> float:
    ory_auth(SESSION_CACHE_SECONDS=MINUTE, STALE_IF_ERROR_SECONDS=LONGER - MINUTE)
    moment = time.time()
    monkeypatch.setattr(time, "time", lambda: moment)
    return moment


@pytest.fixture
def pass_by(switches: LocalOry, monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Let seconds pass, here and at Ory."""

    def move(seconds: float) -> None:
        later = time.time() + seconds
        monkeypatch.setattr(time, "time", lambda: later)
        switches.clock.move(seconds)

    return move


def content() -> dict[str, object]:
    """What is kept, by key."""
    keys = [key.partition(":1:")[2] for key in in_cache()]
    return {key: value for key, value in caches["default"].get_many(keys).items() if key.startswith("ory_auth:")}


def seconds() -> dict[str, int]:
    """For how many seconds from now each key is kept."""
    ends = ends_in_cache()
    return {key: round(ends[f":1:{key}"] - time.time()) for key in content()}


def form(tier: str = "s") -> str:
    """The hash of the one credential that has an entry of this kind."""
    [key] = [key for key in content() if key.startswith(f"ory_auth:{tier}:")]
    return key.rpartition(":")[2]


def is_in(web: Web, headers: dict[str, str]) -> bool:
    return web.get("/session", headers=headers).json()["session"] is not None


def bearer(session: Session) -> dict[str, str]:
    return {"Authorization": f"Bearer {session.token}"}


def sign_out_while_ory_is_down(web: Web, switches: LocalOry, headers: dict[str, str]) -> None:
    with switches.failing(500):
        assert web.post("/auth/logout", headers=headers).status_code == 503


# --- an answer --------------------------------------------------------------------------------------------------------


def test_an_answer_is_kept_fresh_and_for_trouble_and_its_session_knows_where(
    ory: Ory, switches: LocalOry, web: Web
) -> None:
    switches.configure(session_lifespan=30 * DAY)
    session = ory.person().token()
    assert is_in(web, session.headers)
    assert seconds() == {
        f"ory_auth:s:{form()}": MINUTE,
        f"ory_auth:o:{form()}": LONGER,
        f"ory_auth:f:{session.id}:0": SLOT,
        f"ory_auth:k:{form()}": 7 * DAY,
    }
    assert content()[f"ory_auth:f:{session.id}:0"] == form()


def test_a_credential_is_known_no_longer_than_its_session_lives(ory: Ory, switches: LocalOry, web: Web) -> None:
    switches.configure(session_lifespan=100)
    assert is_in(web, ory.person().token().headers)
    assert 96 <= seconds()[f"ory_auth:k:{form()}"] <= 99


def test_nothing_is_kept_for_trouble_where_the_project_does_not_say_so(
    ory: Ory, web: Web, ory_auth: ChangeSettings
) -> None:
    ory_auth(STALE_IF_ERROR_SECONDS=0)
    session = ory.person().token()
    assert is_in(web, session.headers)
    assert {key.split(":")[1] for key in content()} == {"s", "f", "k"}
    assert seconds()[f"ory_auth:f:{session.id}:0"] == MINUTE + 5


def test_what_may_not_be_kept_leaves_only_that_the_credential_is_known(
    ory: Ory, web: Web, ory_auth: ChangeSettings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    assert is_in(web, ory.person().token().headers)
    assert list(content()) == [f"ory_auth:k:{form('k')}"]


def test_an_entry_for_less_than_a_second_is_none(ory: Ory, web: Web, ory_auth: ChangeSettings) -> None:
    ory_auth(SESSION_CACHE_SECONDS=5, LOCAL_CACHE_SECONDS=5, STALE_IF_ERROR_SECONDS=0)
    assert is_in(web, ory.person().token().headers)
    assert list(content()) == [f"ory_auth:k:{form('k')}"]


def test_an_entry_for_one_second_is_one(ory: Ory, web: Web, ory_auth: ChangeSettings) -> None:
    ory_auth(SESSION_CACHE_SECONDS=1, STALE_IF_ERROR_SECONDS=0)
    session = ory.person().token()
    assert is_in(web, session.headers)
    assert seconds()[f"ory_auth:s:{form()}"] == 1
    assert is_in(web, session.headers)
    assert len(ory.asked()) == 1


def test_a_credential_seen_again_keeps_its_slot_for_longer(ory: Ory, web: Web, pass_by: Wait) -> None:
    session = ory.person().token()
    assert is_in(web, session.headers)
    pass_by(MINUTE + 1)
    assert is_in(web, session.headers)
    assert seconds()[f"ory_auth:f:{session.id}:0"] == SLOT
    assert f"ory_auth:f:{session.id}:1" not in content()


def test_each_form_of_a_credential_has_a_slot(ory: Ory, web: Web) -> None:
    session = ory.person().token()
    assert is_in(web, session.headers)
    assert is_in(web, bearer(session))
    forms = {value for key, value in content().items() if key.startswith("ory_auth:f:")}
    assert forms == {key.rpartition(":")[2] for key in content() if key.startswith("ory_auth:s:")}
    assert len(forms) == 2


def test_a_form_that_finds_no_slot_is_not_kept_and_counts_all_the_same(ory: Ory, web: Web) -> None:
    cookie = ory.person().cookie().cookie
    for times in range(1, 19):
        assert is_in(web, {"Cookie": "; ".join([cookie] * times)})
    assert sum(key.startswith("ory_auth:s:") for key in content()) == 16
    asked = len(ory.asked())
    assert is_in(web, {"Cookie": cookie})
    assert len(ory.asked()) == asked


@pytest.mark.django_db
def test_the_same_answer_once_more_leaves_the_entry_as_it_is(ory: Ory, web: Web, pass_by: Wait) -> None:
    session = ory.person().token()
    assert is_in(web, session.headers)
    before = content()
    pass_by(5)
    web.get("/fresh", headers=session.headers)
    assert seconds()[f"ory_auth:s:{form()}"] == MINUTE - 5
    assert content()[f"ory_auth:s:{form()}"] == before[f"ory_auth:s:{form()}"]


@pytest.mark.django_db
def test_another_answer_takes_the_entry_away(ory: Ory, web: Web) -> None:
    session = ory.person(name={"first": "Ada"}).token()
    assert is_in(web, session.headers)
    session.person.patch("/traits/name/first", "Augusta")
    web.get("/fresh", headers=session.headers)
    assert not any(key.startswith("ory_auth:s:") for key in content())
    assert is_in(web, session.headers)
    assert form()


# --- a sign-out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lifespan", "kept"), [(1000, 1000 + SIGNED_OUT), (1000 * DAY, 366 * DAY)])
@pytest.mark.django_db
def test_a_sign_out_is_remembered_as_long_as_the_session_could_live(
    ory: Ory, switches: LocalOry, web: Web, lifespan: int, kept: int
) -> None:
    switches.configure(session_lifespan=lifespan)
    session = ory.person().token()
    assert is_in(web, session.headers)
    key = form()
    web.post("/auth/logout", headers=session.headers)
    left = seconds()
    ended = {f"ory_auth:x:{key}", f"ory_auth:x:{session.id}", f"ory_auth:s:{key}"}
    assert left.keys() == ended | {f"ory_auth:f:{session.id}:0"}
    assert all(kept - 2 <= left[name] <= kept for name in ended)
    assert content()[f"ory_auth:s:{key}"] == b"ended"


@pytest.mark.django_db
def test_a_sign_out_puts_an_end_mark_in_the_place_of_every_form(ory: Ory, web: Web) -> None:
    session = ory.person().token()
    assert is_in(web, session.headers)
    assert is_in(web, bearer(session))
    web.post("/auth/logout", headers=session.headers)
    marks = {key: value for key, value in content().items() if key.startswith("ory_auth:s:")}
    assert list(marks.values()) == [b"ended"] * 2
    assert all(DAY <= seconds()[key] <= DAY + SIGNED_OUT for key in marks)
    assert not [key for key in content() if key.startswith(("ory_auth:o:", "ory_auth:k:"))]


@pytest.mark.django_db
def test_a_credential_that_was_never_seen_is_refused_for_a_month(
    ory: Ory, switches: LocalOry, web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    session = ory.person().token()
    sign_out_while_ory_is_down(web, switches, session.headers)
    assert "cache_down" not in caplog.text
    key = form()
    assert seconds() == dict.fromkeys((f"ory_auth:x:{key}", f"ory_auth:s:{key}"), 30 * DAY + SIGNED_OUT)
    flights.forget()  # as another process that shares the cache
    assert not is_in(web, session.headers)


@pytest.mark.django_db
def test_a_credential_that_was_never_seen_is_refused_where_no_answer_is_kept_as_well(
    ory: Ory, switches: LocalOry, web: Web, ory_auth: ChangeSettings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().token()
    sign_out_while_ory_is_down(web, switches, session.headers)
    flights.forget()
    assert not is_in(web, session.headers)


@pytest.mark.django_db
def test_a_credential_that_a_fill_finds_signed_out_leaves_nothing(ory: Ory, switches: LocalOry, web: Web) -> None:
    """A form that was never seen, of a session that was signed out while Ory could not be told."""
    session = ory.person().token()
    assert is_in(web, session.headers)
    with switches.failing(500, path="/self-service/logout"):
        web.post("/auth/logout", headers=session.headers)
    flights.forget()
    assert not is_in(web, bearer(session))
    assert all(value == b"ended" for key, value in content().items() if key.startswith("ory_auth:s:"))
    assert not [key for key in content() if key.startswith(("ory_auth:o:", "ory_auth:k:"))]


def kept_for_trouble() -> dict[str, object]:
    return {key: value for key, value in content().items() if key.startswith("ory_auth:o:")}


def put_back(kept: dict[str, object]) -> None:
    """As a fill may that was under way in another process, when the mark in the entry's place is gone."""
    caches["default"].set_many(kept, LONGER)
    caches["default"].delete(f"ory_auth:s:{form('o')}")
    flights.forget()


@pytest.mark.django_db
@pytest.mark.parametrize("ended_by", [lambda session: session.headers, bearer], ids=["this form", "another"])
def test_an_answer_for_trouble_does_not_outlive_a_sign_out_in_another_process(
    ory: Ory, switches: LocalOry, web: Web, ended_by: Callable[[Session], dict[str, str]]
) -> None:
    session = ory.person().token()
    assert is_in(web, session.headers)
    kept = kept_for_trouble()
    web.post("/auth/logout", headers=ended_by(session))
    put_back(kept)
    with switches.failing(500):
        assert web.get("/session", headers=session.headers).status_code == 503


@pytest.mark.django_db
def test_an_answer_for_trouble_does_not_outlive_a_sign_out_that_did_not_know_the_session(
    ory: Ory, switches: LocalOry, web: Web
) -> None:
    session = ory.person().token()
    assert is_in(web, session.headers)
    kept = kept_for_trouble()
    caches["default"].clear()
    flights.forget()
    sign_out_while_ory_is_down(web, switches, session.headers)
    put_back(kept)
    with switches.failing(500):
        assert web.get("/session", headers=session.headers).status_code == 503


@pytest.mark.django_db
def test_what_was_signed_out_here_stays_refused_here_whatever_another_process_keeps(
    ory: Ory, switches: LocalOry, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the cache lost the sign-out, and nobody could say which session it was of."""
    session = ory.person().token()
    sign_out_while_ory_is_down(web, switches, session.headers)
    caches["default"].clear()
    with monkeypatch.context() as another_process:
        another_process.setattr(flights, "_current", None)
        assert is_in(web, session.headers)
    assert form()
    assert not is_in(web, session.headers)


def test_whoever_ory_refuses_is_known_no_more(ory: Ory, web: Web, pass_by: Wait) -> None:
    session = ory.person().token()
    assert is_in(web, session.headers)
    session.revoke()
    pass_by(MINUTE + 1)
    assert not is_in(web, session.headers)
    assert not [key for key in content() if key.startswith("ory_auth:k:")]
