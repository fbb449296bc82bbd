"""The entries in Django's cache and when they expire. The clock stands still."""

from __future__ import annotations

import time
from typing import cast
from uuid import UUID

import pytest
from django.core.cache import caches
from pytest_django import Settings

from ory_auth.conf import conf
from ory_auth.local import LocalOry
from ory_auth.ory.credentials import Credential, Kind, digest_of
from ory_auth.sessions import services
from ory_auth.sessions.cache import local_cache
from ory_auth.sessions.cache.cache_keys import CacheKeys
from ory_auth.sessions.services import reset_services, services_of
from tests.support.caches import cache_contents, cache_expiry
from tests.support.client import DualClient
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, Wait

pytestmark = pytest.mark.usefixtures("local_ory")

DAY = 24 * 3600
MINUTE, LONGER = 60, 180  # seconds: cache time of fresh and of stale entries here
SLOT = LONGER + 5
SKEW = 300  # seconds that clocks may differ, and that a revocation outlives its session
MINUTES = 600  # seconds that an unknown credential stays revoked


@pytest.fixture(autouse=True)
def now(ory: Ory, ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch) -> float:
    ory_auth(SESSION_CACHE_SECONDS=MINUTE, STALE_IF_ERROR_SECONDS=LONGER - MINUTE)
    moment = time.time()
    monkeypatch.setattr(time, "time", lambda: moment)
    return moment


@pytest.fixture
def pass_by(local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Let seconds pass, here and at Ory."""

    def move(seconds: float) -> None:
        later = time.time() + seconds
        monkeypatch.setattr(time, "time", lambda: later)
        local_ory.clock.move(seconds)

    return move


def content() -> dict[str, object]:
    """The values of this package by key."""
    keys = [key.partition(":1:")[2] for key in cache_contents()]
    return {key: value for key, value in caches["default"].get_many(keys).items() if key.startswith("ory_auth:")}


def seconds() -> dict[str, int]:
    """In how many seconds each key expires."""
    ends = cache_expiry()
    return {key: round(ends[f":1:{key}"] - time.time()) for key in content()}


def form(tier: str = "s") -> str:
    """The credential (or its digest) in the only key of this kind."""
    [key] = [key for key in content() if key.startswith(f"ory_auth:{tier}:")]
    return key.rpartition(":")[2]


def of_session(session: Session, tier: str, slot: str = "") -> str:
    """The cache key of a session."""
    return f"ory_auth:{tier}:{CacheKeys(conf())._session(UUID(session.id).bytes)}{slot}"


def kinds() -> set[str]:
    """The kinds of keys in the cache."""
    return {key.split(":")[1] for key in content()}


def sign_out_while_ory_is_down(web: DualClient, local_ory: LocalOry, headers: dict[str, str]) -> None:
    with local_ory.failing(500):
        assert web.post("/auth/logout", headers=headers).status_code == 503


# --- a lookup --------------------------------------------------------------------------------------------------------


ENTRIES: dict[str, tuple[dict[str, int], dict[str, int], int]] = {  # settings, seconds by kind of key, calls to Ory
    "with stale entries": ({}, {"s": MINUTE, "o": LONGER, "f": SLOT, "k": 7 * DAY}, 1),
    "without stale entries": ({"STALE_IF_ERROR_SECONDS": 0}, {"s": MINUTE, "f": MINUTE + 5, "k": 7 * DAY}, 1),
    "one second": ({"SESSION_CACHE_SECONDS": 1, "STALE_IF_ERROR_SECONDS": 0}, {"s": 1, "f": 1 + 5, "k": 7 * DAY}, 1),
    "less than a second": (
        {"SESSION_CACHE_SECONDS": 5, "LOCAL_CACHE_SECONDS": 5, "STALE_IF_ERROR_SECONDS": 0}, {"k": 7 * DAY}, 1,
    ),
    "without caching": ({"SESSION_CACHE_SECONDS": 0}, {"k": 7 * DAY}, 2),
}  # fmt: skip


@pytest.mark.parametrize("case", ENTRIES)
def test_a_lookup_writes_these_keys(
    ory: Ory, local_ory: LocalOry, web: DualClient, ory_auth: ChangeSettings, case: str
) -> None:
    """``s``: fresh entry, ``o``: stale entry, ``f``: slot of the session, ``k``: known credential."""
    settings, expected, calls = ENTRIES[case]
    ory_auth(**settings)
    local_ory.configure(session_lifespan=30 * DAY)
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    credential = Credential(Kind.TOKEN, session.token).key(conf())
    names = {
        "s": f"ory_auth:s:{credential}",
        "o": f"ory_auth:o:{credential}",
        "f": of_session(session, "f", ":0"),
        "k": f"ory_auth:k:{digest_of(credential)}",
    }
    assert seconds() == {names[kind]: left for kind, left in expected.items()}
    assert content()[names["k"]] == session.id
    assert content().get(names["f"], credential) == credential
    assert web.is_signed_in(session.headers)
    assert len(ory.requests_to()) == calls


def test_a_credential_is_known_at_most_until_its_session_ends(ory: Ory, local_ory: LocalOry, web: DualClient) -> None:
    local_ory.configure(session_lifespan=100)
    assert web.is_signed_in(ory.person().app_session().headers)
    assert 96 <= seconds()[f"ory_auth:k:{digest_of(form())}"] <= 99


def test_a_new_lookup_extends_the_slot_of_a_credential(ory: Ory, web: DualClient, pass_by: Wait) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    pass_by(MINUTE + 1)
    assert web.is_signed_in(session.headers)
    assert seconds()[of_session(session, "f", ":0")] == SLOT
    assert of_session(session, "f", ":1") not in content()


def test_each_header_of_a_credential_has_a_slot(ory: Ory, web: DualClient) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    assert web.is_signed_in(session.bearer)
    forms = {value for key, value in content().items() if key.startswith("ory_auth:f:")}
    assert forms == {key.rpartition(":")[2] for key in content() if key.startswith("ory_auth:s:")}
    assert len(forms) == 2


def test_a_credential_without_a_free_slot_is_valid_but_not_cached(ory: Ory, web: DualClient) -> None:
    cookie = ory.person().browser_session().cookie
    for times in range(1, 19):
        assert web.is_signed_in({"Cookie": "; ".join([cookie] * times)})
    assert sum(key.startswith("ory_auth:s:") for key in content()) == 16
    asked = len(ory.requests_to())
    assert web.is_signed_in({"Cookie": cookie})
    assert len(ory.requests_to()) == asked


@pytest.mark.django_db
def test_a_repeated_response_renews_the_entry(ory: Ory, web: DualClient, pass_by: Wait) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    pass_by(5)
    web.get("/fresh", headers=session.headers)
    assert seconds()[f"ory_auth:s:{form()}"] == MINUTE


@pytest.mark.django_db
def test_a_new_response_replaces_the_entry(ory: Ory, web: DualClient) -> None:
    session = ory.person(name={"first": "Ada"}).app_session()
    assert web.is_signed_in(session.headers)
    session.person.patch("/traits/name/first", "Augusta")
    web.get("/fresh", headers=session.headers)
    asked = len(ory.requests_to())
    assert web.is_signed_in(session.headers)
    assert len(ory.requests_to()) == asked
    assert all(b"Augusta" in cast(bytes, content()[f"ory_auth:{tier}:{form()}"]) for tier in "so")


# --- restored entries --------------------------------------------------------------------------------------


@pytest.mark.promise("An old cache entry that is put back is a miss")
@pytest.mark.parametrize("after", [MINUTE + SKEW + 1, DAY - 60])
def test_an_entry_that_is_restored_later_is_a_miss(
    ory: Ory, web: DualClient, pass_by: Wait, caplog: pytest.LogCaptureFixture, after: int
) -> None:
    """By an attacker who can write to the cache, or by a stale replica that was promoted."""
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    kept = content()
    session.revoke()
    pass_by(after)
    caches["default"].set_many(kept, None)
    assert not web.is_signed_in(session.headers)
    assert "cache_invalid" in caplog.text


def test_an_entry_of_a_server_whose_clock_is_ahead_counts(
    ory: Ory, web: DualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    kept, now = content(), time.time()
    for elsewhere in (now - SKEW, now + SKEW):
        monkeypatch.setattr(time, "time", lambda elsewhere=elsewhere: elsewhere)
        caches["default"].set_many(kept, 1000)
        assert web.is_signed_in(session.headers)
    assert len(ory.requests_to()) == 1


def test_an_entry_from_the_future_is_a_miss(ory: Ory, web: DualClient, monkeypatch: pytest.MonkeyPatch) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    kept, now = content(), time.time()
    monkeypatch.setattr(time, "time", lambda: now - SKEW - 2)
    caches["default"].set_many(kept, 1000)
    assert web.is_signed_in(session.headers)
    assert len(ory.requests_to()) == 2


@pytest.mark.django_db
def test_a_stale_entry_that_is_restored_later_is_a_miss(
    ory: Ory, local_ory: LocalOry, web: DualClient, pass_by: Wait
) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    kept = kept_for_trouble()
    pass_by(LONGER + SKEW + 1)
    caches["default"].set_many(kept, None)
    with local_ory.failing(500):
        assert web.get("/session", headers=session.headers).status_code == 503


# --- a sign-out -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lifespan", "kept"), [(1000, 1000 + SKEW), (1000 * DAY, 366 * DAY)])
@pytest.mark.django_db
def test_a_revocation_lives_as_long_as_the_session_could(
    ory: Ory, local_ory: LocalOry, web: DualClient, lifespan: int, kept: int
) -> None:
    local_ory.configure(session_lifespan=lifespan)
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    digest = digest_of(form())
    web.post("/auth/logout", headers=session.headers)
    left = seconds()
    revocations = {f"ory_auth:x:{digest}", of_session(session, "x")}
    assert left.keys() == revocations | {of_session(session, "f", ":0")}
    assert all(kept - 2 <= left[name] <= kept for name in revocations)


@pytest.mark.django_db
def test_a_revocation_outlives_an_extended_session(
    ory: Ory, local_ory: LocalOry, web: DualClient, pass_by: Wait
) -> None:
    """What was kept says when the session would have ended; it may have got as long a life again since then."""
    local_ory.configure(session_lifespan=1000)
    session = ory.person().app_session()
    pass_by(900)
    assert web.is_signed_in(session.headers)
    digest = digest_of(form())
    web.post("/auth/logout", headers=session.headers)
    assert 998 + SKEW <= seconds()[f"ory_auth:x:{digest}"] <= 1000 + SKEW
    assert 998 + SKEW <= seconds()[of_session(session, "x")] <= 1000 + SKEW


@pytest.mark.django_db
def test_a_sign_out_revokes_every_credential_and_deletes_their_entries(ory: Ory, web: DualClient) -> None:
    session = ory.person().browser_session()
    twice = {"Cookie": f"{session.cookie}; {session.cookie}"}
    assert web.is_signed_in(session.headers)
    assert web.is_signed_in(twice)
    web.post("/auth/logout", headers=session.headers)
    revocations = [key for key in content() if key.startswith("ory_auth:x:")]
    assert len(revocations) == 3  # two forms, and the session
    assert all(DAY <= seconds()[key] <= DAY + SKEW for key in revocations)
    assert kinds() == {"x", "f"}


@pytest.mark.django_db
@pytest.mark.parametrize("ends", ["token", "bearer"])
def test_an_unknown_token_that_was_signed_out_is_refused_in_both_headers(
    ory: Ory, local_ory: LocalOry, web: DualClient, ends: str
) -> None:
    session = ory.person().app_session()
    by_header = {"token": session.headers, "bearer": session.bearer}
    sign_out_while_ory_is_down(web, local_ory, by_header[ends])
    reset_services()  # as another process that shares the cache
    assert [web.is_signed_in(headers) for headers in by_header.values()] == [False, False]


@pytest.mark.django_db
def test_a_credential_that_was_never_valid_is_revoked_for_ten_minutes(
    ory: Ory, local_ory: LocalOry, web: DualClient, caplog: pytest.LogCaptureFixture
) -> None:
    session = ory.person().app_session()
    sign_out_while_ory_is_down(web, local_ory, session.headers)
    assert "cache_down" not in caplog.text
    assert list(seconds().values()) == [MINUTES]
    assert kinds() == {"x"}
    reset_services()  # as another process that shares the cache
    assert not web.is_signed_in(session.headers)


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_valid_credential_is_revoked_for_a_month_in_every_header_while_ory_is_down(
    ory: Ory, local_ory: LocalOry, web: DualClient, pass_by: Wait, where: str
) -> None:
    """What was kept is over, and Ory cannot say whose session it is: who was good before is known with its session."""
    local_ory.configure(session_lifespan=90 * DAY)
    session = ory.person().browser_session()
    twice = {"Cookie": f"{session.cookie}; {session.cookie}"}
    assert web.is_signed_in(session.headers)
    pass_by(LONGER + 1)
    if where == "elsewhere":
        reset_services()
    sign_out_while_ory_is_down(web, local_ory, session.headers)
    revocations = {key: left for key, left in seconds().items() if key.startswith("ory_auth:x:")}
    assert set(revocations.values()) == {30 * DAY + SKEW}
    assert of_session(session, "x") in revocations
    reset_services()
    assert [web.is_signed_in(headers) for headers in (session.headers, twice)] == [False, False]


@pytest.mark.django_db
def test_a_second_sign_out_does_not_shorten_a_revocation(ory: Ory, local_ory: LocalOry, web: DualClient) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    with local_ory.failing(500, path="/self-service/logout"):
        web.post("/auth/logout", headers=session.headers)
    before = seconds()
    reset_services()
    sign_out_while_ory_is_down(web, local_ory, session.headers)
    assert seconds() == before


@pytest.mark.promise("Sign-outs of made-up tokens do not fill the cache")
@pytest.mark.django_db
def test_sign_outs_of_made_up_tokens_do_not_fill_the_cache(
    ory: Ory, web: DualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do they make a process forget a real sign-out."""
    monkeypatch.setattr(local_cache, "MAX_UNKNOWN_SIGN_OUTS", 20)
    cache = services_of(conf()).cache
    cache.local = local_cache.LocalCache(0)
    for number in range(300):
        cache.sign_out(Credential(Kind.TOKEN, f"made up {number}").key(conf()), None)
    assert len(content()) == 20
    assert set(seconds().values()) == {MINUTES}
    assert len(cache.local._signed_out) == 0


@pytest.mark.django_db
def test_an_unknown_credential_is_revoked_even_without_caching(
    ory: Ory, local_ory: LocalOry, web: DualClient, ory_auth: ChangeSettings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().app_session()
    sign_out_while_ory_is_down(web, local_ory, session.headers)
    reset_services()
    assert not web.is_signed_in(session.headers)


@pytest.mark.django_db
def test_a_lookup_that_finds_a_revocation_writes_nothing(ory: Ory, local_ory: LocalOry, web: DualClient) -> None:
    """A form that was never seen, of a session that was signed out while Ory could not be told."""
    session = ory.person().browser_session()
    assert web.is_signed_in(session.headers)
    with local_ory.failing(500, path="/self-service/logout"):
        web.post("/auth/logout", headers=session.headers)
    reset_services()
    assert not web.is_signed_in({"Cookie": f"{session.cookie}; {session.cookie}"})
    assert kinds() == {"x", "f"}


def kept_for_trouble() -> dict[str, object]:
    return {key: value for key, value in content().items() if key.startswith("ory_auth:o:")}


def put_back(kept: dict[str, object]) -> None:
    """As a fill may that was under way in another process."""
    caches["default"].set_many(kept, LONGER)
    reset_services()


@pytest.mark.django_db
@pytest.mark.parametrize("ended_by", ["headers", "bearer"], ids=["this form", "another"])
def test_a_stale_entry_does_not_outlive_a_sign_out_in_another_process(
    ory: Ory, local_ory: LocalOry, web: DualClient, ended_by: str
) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    kept = kept_for_trouble()
    web.post("/auth/logout", headers=getattr(session, ended_by))
    put_back(kept)
    with local_ory.failing(500):
        assert web.get("/session", headers=session.headers).status_code == 503


@pytest.mark.django_db
def test_a_stale_entry_does_not_outlive_a_sign_out_that_did_not_know_the_session(
    ory: Ory, local_ory: LocalOry, web: DualClient
) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    kept = kept_for_trouble()
    caches["default"].clear()
    reset_services()
    sign_out_while_ory_is_down(web, local_ory, session.headers)
    put_back(kept)
    with local_ory.failing(500):
        assert web.get("/session", headers=session.headers).status_code == 503


@pytest.mark.django_db
def test_a_sign_out_counts_in_this_process_whatever_another_process_caches(
    ory: Ory, local_ory: LocalOry, web: DualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the cache lost the sign-out, and nobody could say which session it was of."""
    session = ory.person().app_session()
    sign_out_while_ory_is_down(web, local_ory, session.headers)
    caches["default"].clear()
    with monkeypatch.context() as another_process:
        another_process.setattr(services, "_current", None)
        assert web.is_signed_in(session.headers)
    assert form()
    assert not web.is_signed_in(session.headers)


def test_a_credential_that_ory_refused_is_no_longer_known(ory: Ory, web: DualClient, pass_by: Wait) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    session.revoke()
    pass_by(MINUTE + 1)
    assert not web.is_signed_in(session.headers)
    assert not [key for key in content() if key.startswith("ory_auth:k:")]


# --- a refusal by Ory -------------------------------------------------------------------------------------------------


@pytest.mark.promise("A session that Ory refused is not used again in an outage")
@pytest.mark.django_db
@pytest.mark.parametrize("asked_by", ["headers", "bearer"], ids=["this form", "another"])
def test_a_session_that_ory_refused_is_not_served_from_the_cache_while_ory_is_down(
    ory: Ory, local_ory: LocalOry, web: DualClient, pass_by: Wait, asked_by: str
) -> None:
    session = ory.person().app_session()
    for headers in (session.headers, session.bearer):
        assert web.is_signed_in(headers)
    kept = kept_for_trouble()
    session.revoke()
    pass_by(MINUTE + 1)
    assert not web.is_signed_in(getattr(session, asked_by))
    assert kinds() == {"f", "r"}
    put_back(kept)  # as a fill does that was under way in another process
    with local_ory.failing(500):
        for headers in (session.headers, session.bearer):
            assert web.get("/session", headers=headers).status_code == 503


@pytest.mark.django_db
def test_a_process_remembers_a_refusal_even_if_the_cache_lost_it(
    ory: Ory, local_ory: LocalOry, web: DualClient, pass_by: Wait, ory_auth: ChangeSettings
) -> None:
    ory_auth(REFUSED_CACHE_SECONDS=0)
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    kept = kept_for_trouble()
    session.revoke()
    pass_by(MINUTE + 1)
    assert not web.is_signed_in(session.headers)
    caches["default"].clear()
    caches["default"].set_many(kept, LONGER)
    with local_ory.failing(500):
        assert web.get("/session", headers=session.headers).status_code == 503


@pytest.mark.django_db
def test_a_refused_session_that_is_valid_again_counts_at_once_and_later_as_stale(
    ory: Ory, local_ory: LocalOry, web: DualClient, pass_by: Wait
) -> None:
    """As after a second factor. Clocks may differ, so an answer counts as newer than the refusal after five minutes."""
    session = ory.person().browser_session()
    assert web.is_signed_in(session.headers)
    services_of(conf()).cache.record_refusal(form())
    assert web.is_signed_in(session.headers)
    asked = len(ory.requests_to())
    assert web.is_signed_in(session.headers)
    assert len(ory.requests_to()) == asked
    pass_by(MINUTE + 1)
    with local_ory.failing(500):
        assert web.get("/session", headers=session.headers).status_code == 503
    pass_by(SKEW)
    assert web.is_signed_in(session.headers)
    pass_by(MINUTE + 1)
    with local_ory.failing(500):
        assert web.is_signed_in(session.headers)


@pytest.mark.django_db
def test_a_refused_credential_that_was_never_valid_leaves_nothing(ory: Ory, web: DualClient) -> None:
    services_of(conf()).cache.record_refusal(Credential(Kind.TOKEN, "made up").key(conf()))
    assert not content()


@pytest.mark.django_db
def test_an_invalid_refusal_record_refuses(ory: Ory, local_ory: LocalOry, web: DualClient, pass_by: Wait) -> None:
    session = ory.person().app_session()
    assert web.is_signed_in(session.headers)
    caches["default"].set(of_session(session, "r"), "some text")
    pass_by(MINUTE + 1)
    with local_ory.failing(500):
        assert web.get("/session", headers=session.headers).status_code == 503


# --- SECRET_KEY_FALLBACKS ---------------------------------------------------------------------------------------------


def rotate_secret_key(settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one", [settings.SECRET_KEY]
    reset_services()


@pytest.mark.promise("A sign-out counts after SECRET_KEY was rotated")
@pytest.mark.django_db
def test_a_sign_out_under_the_old_secret_key_still_counts(
    ory: Ory, local_ory: LocalOry, web: DualClient, settings: Settings
) -> None:
    session = ory.person().app_session()
    sign_out_while_ory_is_down(web, local_ory, session.headers)
    rotate_secret_key(settings)
    assert not web.is_signed_in(session.headers)
    assert not web.is_signed_in(session.bearer)


@pytest.mark.django_db
def test_a_sign_out_under_the_new_secret_key_counts_for_workers_that_have_the_old_one(
    ory: Ory, local_ory: LocalOry, web: DualClient, settings: Settings
) -> None:
    session, old = ory.person().app_session(), settings.SECRET_KEY
    rotate_secret_key(settings)
    sign_out_while_ory_is_down(web, local_ory, session.headers)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = old, []
    reset_services()
    assert not web.is_signed_in(session.headers)


def test_a_credential_is_known_under_the_old_secret_key(ory: Ory, web: DualClient, settings: Settings) -> None:
    token = ory.person().app_session()
    assert web.is_signed_in(token.headers)
    rotate_secret_key(settings)
    key = Credential(Kind.TOKEN, token.token).key(conf())
    assert services_of(conf()).cache.is_known(key)
    services_of(conf()).cache.record_refusal(key)
    assert not services_of(conf()).cache.is_known(key)


# --- CACHE_NAMESPACE --------------------------------------------------------------------------------------------------


@pytest.mark.promise("Deployments with different CACHE_NAMESPACE values share nothing")
@pytest.mark.django_db
def test_deployments_with_another_namespace_share_neither_sessions_nor_sign_outs(
    ory: Ory, local_ory: LocalOry, web: DualClient, ory_auth: ChangeSettings
) -> None:
    """Staging and production may have one Redis, one ``SECRET_KEY`` and one text in ``SDK_URL``, and not one Ory."""
    session = ory.person().app_session()
    ory_auth(CACHE_NAMESPACE="staging")
    assert web.is_signed_in(session.headers)
    ory_auth(CACHE_NAMESPACE="production")
    with local_ory.failing(500):
        assert web.get("/session", headers=session.headers).status_code == 503
    with local_ory.failing(500, path="/self-service/logout"):
        web.post("/auth/logout", headers=session.headers)
    assert not web.is_signed_in(session.headers)
    ory_auth(CACHE_NAMESPACE="staging")
    assert web.is_signed_in(session.headers)
