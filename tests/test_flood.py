"""How often credentials that were never good are looked up: nobody who signs in, or is known, notices the others."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import caches

from ory_auth.conf import conf
from ory_auth.local import LocalOry
from ory_auth.request import sign_in_marker
from ory_auth.sessions import rate_limit
from ory_auth.sessions.rate_limit import Rate
from ory_auth.sessions.services import reset_services, services_of
from tests.support.client import DualClient
from tests.support.logs import event_ids
from tests.support.ory import Ory, unknown_token
from tests.support.types import ChangeSettings

pytestmark = pytest.mark.usefixtures("local_ory")


@pytest.fixture(autouse=True)
def small(ory: Ory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test can use up; nothing comes back while it runs."""
    monkeypatch.setattr(rate_limit, "UNKNOWN_CREDENTIALS", Rate(0.0, 20.0))
    monkeypatch.setattr(rate_limit, "UNKNOWN_CREDENTIALS_OF_CLIENT", Rate(0.0, 5.0))
    monkeypatch.setattr(rate_limit, "SIGN_OUTS", Rate(0.0, 5.0))
    sign_in_marker.reset_markers()


def made_up_cookie() -> dict[str, str]:
    return {"Cookie": f"ory_kratos_session={uuid.uuid4().hex}"}


def status(web: DualClient, headers: dict[str, str], address: str = "192.0.2.1", **meta: str) -> int:
    """What a page that asks answers: 200 also for anonymous visitors."""
    return web.get("/session", headers=headers, REMOTE_ADDR=address, **meta).status_code


def session_seen(web: DualClient, headers: dict[str, str], address: str = "192.0.2.1") -> str | None:
    """Whose session the page shows, asked from the address that the flood comes from."""
    seen: str | None = web.session_id(headers, REMOTE_ADDR=address)
    return seen


def flood(web: DualClient, number: int, address: str = "192.0.2.1", **meta: str) -> list[int]:
    return [status(web, unknown_token(), address, **meta) for _ in range(number)]


@pytest.fixture
def web() -> DualClient:
    """Addresses can be chosen under WSGI; who waits for whom is the same under ASGI."""
    return DualClient("wsgi")


# --- what is limited


@pytest.mark.promise("One client address does not use up the limit of all")
@pytest.mark.promise("Lookups of unknown credentials are limited")
def test_an_address_gets_503_after_several_refusals(
    ory: Ory, web: DualClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ory_auth")
    assert flood(web, 8) == [200] * 5 + [503] * 3
    assert len(ory.requests_to()) == 5
    assert "flood" in event_ids(caplog)


def test_another_address_is_not_affected(web: DualClient) -> None:
    flood(web, 8, "192.0.2.1")
    assert flood(web, 5, "192.0.2.2") == [200] * 5


def test_all_addresses_together_have_a_limit(ory: Ory, web: DualClient) -> None:
    responses = [status(web, unknown_token(), f"192.0.2.{number}") for number in range(30)]
    assert (responses.count(200), responses.count(503)) == (20, 10)
    assert len(ory.requests_to()) == 20


def test_a_flood_of_tokens_does_not_limit_cookies(web: DualClient) -> None:
    for number in range(30):
        flood(web, 1, f"192.0.2.{number}")
    assert status(web, made_up_cookie()) == 200


def test_a_credential_that_makes_ory_fail_counts(web: DualClient, local_ory: LocalOry) -> None:
    """Otherwise a visitor with a credential that makes Ory answer 500 could ask without limit."""
    with local_ory.failing(500, path="/sessions/whoami"):
        assert flood(web, 8) == [503] * 8
    assert flood(web, 1) == [503]


def test_requests_that_share_a_lookup_use_one_token(
    web: DualClient, local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them find no running call, and take a token. One makes the call, and the others give theirs back."""
    limiter, together = services_of(conf()).limiter, threading.Barrier(4)
    acquire = limiter.acquire_unknown

    def acquire_together(client: str, *, by_header: bool) -> bool:
        together.wait(5)
        return acquire(client, by_header=by_header)

    headers = unknown_token()
    with local_ory.slow(0.3), monkeypatch.context() as patch, ThreadPoolExecutor(4) as threads:
        patch.setattr(limiter, "acquire_unknown", acquire_together)
        shared = [threads.submit(status, DualClient("wsgi"), headers) for _ in range(4)]
        assert {future.result() for future in shared} == {200}
    assert flood(web, 8) == [200] * 4 + [503] * 4


def test_an_outage_does_not_use_up_the_limit(
    web: DualClient, local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local_ory.stopped():
        assert flood(web, 8) == [503] * 8
    time.sleep(1.1)  # the circuit breaker tries again once a second
    assert flood(web, 5) == [200] * 5


def test_a_wait_for_a_connection_does_not_use_up_the_limit(
    ory: Ory, web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings
) -> None:
    ory_auth(MAX_CONNECTIONS=1, TIMEOUT=1)
    with local_ory.slow(2), ThreadPoolExecutor(1) as threads:
        busy = threads.submit(status, DualClient("wsgi"), unknown_token(), "192.0.2.2")
        while not ory.requests_to():
            time.sleep(0.01)
        assert flood(web, 1) == [503]
        assert busy.result() == 503
    assert flood(web, 8) == [200] * 5 + [503] * 3


# --- whom an address stands for


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.20.0.1", "100.64.0.1", "", "::1", "fd00::1"]
)
def test_a_shared_address_has_no_limit_of_its_own(web: DualClient, address: str) -> None:
    """A proxy's address, or none at all, as with gunicorn on a Unix socket."""
    assert flood(web, 12, address) == [200] * 12


def test_a_client_has_one_limit_for_its_whole_ipv6_network(web: DualClient) -> None:
    responses = [status(web, unknown_token(), f"2001:db8:0:1::{number:x}") for number in range(1, 9)]
    assert responses == [200] * 5 + [503] * 3
    assert status(web, unknown_token(), "2001:db8:0:2::1") == 200


@pytest.mark.parametrize("form", ["::ffff:198.51.100.{}", "64:ff9b::198.51.100.{}", "2002:c633:64{:02x}::1"])
def test_ipv4_clients_over_ipv6_are_distinguished(web: DualClient, form: str) -> None:
    """A dual-stack socket gives every IPv4 client an address of one /64 network."""
    assert flood(web, 7, form.format(9)) == [200] * 5 + [503] * 2
    assert flood(web, 5, form.format(77)) == [200] * 5


def test_an_ipv4_client_has_one_limit_over_ipv4_and_ipv6(web: DualClient) -> None:
    assert flood(web, 5, "198.51.100.9") == [200] * 5
    assert flood(web, 1, "::ffff:198.51.100.9") == [503]


@pytest.mark.parametrize(
    ("proxies", "forwarded"),
    [
        (1, "198.51.100.{}"),
        (1, "203.0.113.5, 198.51.100.{}"),
        (1, "198.51.100.{}:4711"),
        (1, "[2001:db8:0:{}::1]:443"),
        (2, "6.6.6.6, 198.51.100.{}, 10.0.0.2"),
    ],
)
def test_the_client_is_the_entry_written_by_the_trusted_proxies(
    web: DualClient, ory_auth: ChangeSettings, proxies: int, forwarded: str
) -> None:
    ory_auth(TRUSTED_PROXIES=proxies)
    assert flood(web, 7, "10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded.format(1)) == [200] * 5 + [503] * 2
    assert flood(web, 5, "10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded.format(2)) == [200] * 5


@pytest.mark.parametrize("trusted", [None, 0])
def test_a_header_written_by_the_client_is_ignored(web: DualClient, ory_auth: ChangeSettings, trusted: int) -> None:
    ory_auth(TRUSTED_PROXIES=trusted)
    responses = [status(web, unknown_token(), HTTP_X_FORWARDED_FOR=f"198.51.100.{number}") for number in range(7)]
    assert responses == [200] * 5 + [503] * 2


@pytest.mark.promise("A client cannot choose the address it is counted by")
def test_a_client_cannot_hide_among_the_entries_of_trusted_proxies(web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(TRUSTED_PROXIES=1)
    responses = [
        status(web, unknown_token(), "10.0.0.1", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}, 203.0.113.9")
        for number in range(7)
    ]
    assert responses == [200] * 5 + [503] * 2


# --- who is not


def test_sign_ins_do_not_use_up_the_limit(ory: Ory, web: DualClient) -> None:
    sessions = [ory.person().app_session() for _ in range(8)]
    assert [status(web, session.headers) for session in sessions] == [200] * 8
    assert flood(web, 6) == [200] * 5 + [503]


def test_a_returning_browser_passes_the_limit(ory: Ory, web: DualClient) -> None:
    """This site sent it to Ory, which is what a made-up credential cannot show."""
    for number in range(25):
        status(web, made_up_cookie(), f"192.0.2.{number}")
    session = ory.person().browser_session()
    assert status(web, session.headers) == 503
    web.get("/auth/login", REMOTE_ADDR="192.0.2.1")
    web.cookies["ory_kratos_session"] = session.jar["ory_kratos_session"]
    assert session_seen(web, {}) == session.id


def test_in_a_flood_a_browser_with_an_expired_cookie_can_sign_in(ory: Ory, web: DualClient) -> None:
    for number in range(25):
        status(web, made_up_cookie(), f"192.0.2.{number}")
    web.cookies["ory_kratos_session"] = "expired"
    assert status(web, {}) == 503
    response = web.get("/auth/login?next=/session")
    assert (response.status_code, urlsplit(response["Location"]).path) == (302, "/self-service/login/browser")
    session = ory.person().browser_session()
    web.cookies["ory_kratos_session"] = session.jar["ory_kratos_session"]
    assert session_seen(web, {}) == session.id


@pytest.mark.parametrize("spoil", [lambda v: v + "x", lambda v: "x" + v, lambda v: v.partition(":")[0], lambda v: ""])
def test_a_marker_with_another_signature_is_ignored(web: DualClient, spoil: object) -> None:
    assert callable(spoil)
    web.get("/auth/login")
    web.cookies[sign_in_marker.COOKIE] = spoil(web.cookies[sign_in_marker.COOKIE].value)
    flood(web, 5)
    assert flood(web, 1) == [503]


@pytest.mark.promise("A marker counts a few times only")
def test_a_marker_does_not_bypass_the_limit(web: DualClient) -> None:
    flood(web, 5)
    web.get("/auth/login")
    assert flood(web, sign_in_marker.MAX_USES + 3) == [200] * sign_in_marker.MAX_USES + [503] * 3


def test_a_marker_expires(web: DualClient, monkeypatch: pytest.MonkeyPatch) -> None:
    flood(web, 5)
    web.get("/auth/login")
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + sign_in_marker.MAX_AGE + 1)
    assert flood(web, 1) == [503]


@pytest.mark.parametrize("process", ["this", "another"])
def test_a_credential_that_was_valid_before_is_looked_up_in_a_flood(
    ory: Ory, web: DualClient, ory_auth: ChangeSettings, process: str
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().app_session()
    status(web, session.headers)
    if process == "another":
        reset_services()
    flood(web, 8)
    assert session_seen(web, session.headers) == session.id


def test_a_credential_known_from_the_cache_is_looked_up_in_a_flood(
    ory: Ory, web: DualClient, ory_auth: ChangeSettings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    session = ory.person().app_session()
    status(web, session.headers)
    reset_services()
    status(web, session.headers)
    caches["default"].clear()
    flood(web, 8)
    assert session_seen(web, session.headers) == session.id


def test_a_refused_credential_is_no_longer_known(ory: Ory, web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0, REFUSED_CACHE_SECONDS=0)
    session = ory.person().app_session()
    status(web, session.headers)
    session.revoke()
    status(web, session.headers)
    flood(web, 8)
    assert status(web, session.headers) == 503


# --- signing out


@pytest.mark.django_db
def test_everyone_can_sign_out_in_a_flood(ory: Ory, web: DualClient) -> None:
    session = ory.person().app_session()
    flood(web, 8)
    assert web.post("/auth/logout", headers=session.headers, REMOTE_ADDR="192.0.2.1").status_code == 204
    assert ory.public("GET", "/sessions/whoami", headers=session.headers).status == 401


@pytest.mark.django_db
def test_a_sign_out_in_a_flood_covers_every_header_of_the_credential(
    ory: Ory, web: DualClient, ory_auth: ChangeSettings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    session = ory.person().app_session()
    bearer = session.bearer
    assert session_seen(web, bearer) == session.id
    flood(web, 8)
    web.post("/auth/logout", headers=session.headers, REMOTE_ADDR="192.0.2.1")
    assert session_seen(web, bearer) is None


@pytest.mark.promise("Sign-outs of unknown credentials are limited")
def test_sign_outs_of_made_up_credentials_are_limited(ory: Ory, web: DualClient) -> None:
    responses = [web.post("/auth/logout", headers=unknown_token()).status_code for _ in range(12)]
    assert responses == [204] * 5 + [503] * 7
    assert len(ory.requests_to()) == 5
    assert not ory.requests_to("/self-service/logout/api")


def test_a_sign_out_of_a_made_up_credential_leaves_nothing_behind(ory: Ory, web: DualClient) -> None:
    before = len(caches["default"]._cache)  # type: ignore[attr-defined]
    web.post("/auth/logout", headers=unknown_token())
    assert len(caches["default"]._cache) == before  # type: ignore[attr-defined]


# --- Ory's rate


def limited(limit: str, remaining: str, reset: str) -> dict[str, str]:
    return {"x-ratelimit-limit": limit, "x-ratelimit-remaining": remaining, "x-ratelimit-reset": reset}


@pytest.mark.promise("Unknown credentials slow down as Ory's rate is used up")
def test_the_limit_shrinks_as_orys_rate_is_used_up(ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
    with local_ory.failing(401, limited("100, 100;w=60", "30", "60"), b"{}", "/sessions/whoami"):
        responses = [status(web, unknown_token(), f"192.0.2.{number}") for number in range(20)]
    assert (responses.count(200), responses.count(503)) == (12, 8)


def test_new_people_get_a_share_when_orys_rate_is_used_up(ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
    with local_ory.failing(401, limited("20", "9", "60"), b"{}", "/sessions/whoami"):
        assert flood(web, 5) == [200] * 5
    with local_ory.failing(401, limited("20", "0", "60"), b"{}", "/sessions/whoami"):
        assert flood(web, 1, "192.0.2.2") == [200]
    assert status(web, ory.person().app_session().headers, "192.0.2.3") == 200


@pytest.mark.promise("The last quarter of Ory's rate is left to known credentials")
def test_the_last_quarter_of_orys_rate_is_for_known_credentials(
    ory: Ory, web: DualClient, ory_auth: ChangeSettings, local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit of ours that is higher than Ory's would let strangers bring about a 429, which stops all lookups."""
    ory_auth(SESSION_CACHE_SECONDS=0)
    monkeypatch.setattr(rate_limit, "UNKNOWN_CREDENTIALS", Rate(0.0, 1000.0))
    monkeypatch.setattr(rate_limit, "UNKNOWN_CREDENTIALS_TRICKLE", Rate(0.0, 3.0))
    ada = ory.person().app_session()
    assert status(web, ada.headers) == 200
    with local_ory.failing(401, limited("100", "24", "60"), b"{}", "/sessions/whoami"):
        responses = [status(web, unknown_token(), f"192.0.2.{number}") for number in range(10)]
    assert responses == [200] * 4 + [503] * 6
    assert status(web, ada.headers) == 200
    web.get("/auth/login")
    assert session_seen(web, ory.person().app_session().headers) is not None


@pytest.mark.parametrize("reset", ["0", "in a second", "1795000000"])
def test_a_rate_header_counts_until_it_is_reset(ory: Ory, web: DualClient, local_ory: LocalOry, reset: str) -> None:
    """The last one is Unix time in the past; as seconds it would be 56 years."""
    at = str(int(time.time()) + 1) if reset == "in a second" else reset
    with local_ory.failing(401, limited("100", "0", at), b"{}", "/sessions/whoami"):
        for number in range(20):
            flood(web, 1, f"192.0.2.{number}")
    time.sleep(1.1)
    assert [status(web, ory.person().app_session().headers, f"192.0.2.{number}") for number in range(3)] == [200] * 3


def test_a_rate_header_counts_for_a_minute_at_most(
    ory: Ory, web: DualClient, local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local_ory.failing(401, limited("100", "0", "999999999"), b"{}", "/sessions/whoami"):
        assert flood(web, 1) == [200]
    monotonic = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + rate_limit.MAX_QUOTA_AGE + 1)
    assert [status(web, unknown_token(), f"192.0.2.{number}") for number in range(19)] == [200] * 19


@pytest.mark.parametrize("value", ["", "soon", "-1", "1e9"])
def test_an_invalid_rate_header_is_ignored(web: DualClient, local_ory: LocalOry, value: str) -> None:
    headers = {"x-ratelimit-limit": value, "x-ratelimit-remaining": value}
    with local_ory.failing(401, headers, b"{}", "/sessions/whoami"):
        assert flood(web, 5) == [200] * 5


@pytest.mark.promise("One known credential does not use up the last of Ory's rate")
def test_one_busy_person_does_not_use_up_the_rest_of_orys_rate(
    ory: Ory, web: DualClient, ory_auth: ChangeSettings, local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    monkeypatch.setattr(rate_limit, "KNOWN_CREDENTIAL", Rate(0.0, 4.0))
    ada, bob = ory.person().app_session(), ory.person().app_session()
    for session in (ada, bob):
        assert status(web, session.headers) == 200
    assert [status(web, ada.headers) for _ in range(8)] == [200] * 8  # while there is enough for all
    with local_ory.failing(401, limited("100", "10", "60"), b"{}", "/sessions/whoami"):
        flood(web, 1)
    assert status(web, ada.headers) == 503
    assert status(web, bob.headers) == 200


# --- refusals


@pytest.mark.promise("A refused credential is remembered for a few seconds")
@pytest.mark.parametrize("kind", ["wsgi", "asgi"])
def test_a_refusal_is_remembered_for_a_few_seconds(ory: Ory, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """An expired cookie comes with every request of its browser."""
    caplog.set_level(logging.INFO, "ory_auth")
    web = DualClient(kind)
    session = ory.person().app_session()
    session.revoke()
    for _ in range(20):
        assert web.session_id(session.headers) is None
    assert (len(ory.requests_to()), len(ory.requests_to("/health/ready"))) == (1, 1)
    assert event_ids(caplog) == ["session_gone"]


def test_a_remembered_refusal_ends(ory: Ory, web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(REFUSED_CACHE_SECONDS=0.2)
    headers = unknown_token()
    status(web, headers)
    time.sleep(0.3)
    status(web, headers)
    assert len(ory.requests_to()) == 2


def test_no_refusal_is_remembered_if_the_setting_is_0(ory: Ory, web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(REFUSED_CACHE_SECONDS=0)
    headers = unknown_token()
    for _ in range(3):
        status(web, headers)
    assert len(ory.requests_to()) == 3


def test_a_fresh_view_asks_again(ory: Ory, web: DualClient) -> None:
    headers = unknown_token()
    status(web, headers)
    web.get("/fresh", headers=headers)
    assert len(ory.requests_to()) == 2


def test_the_sign_in_page_asks_again(ory: Ory, web: DualClient) -> None:
    headers = made_up_cookie()
    status(web, headers)
    web.get("/auth/login", headers=headers)
    assert len(ory.requests_to()) == 2


def test_a_refusal_that_readiness_did_not_confirm_is_not_remembered(
    ory: Ory, web: DualClient, local_ory: LocalOry
) -> None:
    headers = unknown_token()
    with local_ory.failing(404, path="/health/ready"):
        for _ in range(2):
            status(web, headers)
    assert len(ory.requests_to()) == 2


def test_another_credential_of_the_same_browser_is_looked_up(ory: Ory, web: DualClient) -> None:
    status(web, made_up_cookie())
    session = ory.person().browser_session()
    assert session_seen(web, session.headers) == session.id


# --- connections, secrets


@pytest.mark.promise("Unknown credentials leave a quarter of the connections to known ones")
def test_unknown_credentials_leave_connections_to_known_ones(
    ory: Ory, local_ory: LocalOry, ory_auth: ChangeSettings
) -> None:
    ory_auth(MAX_CONNECTIONS=4, SESSION_CACHE_SECONDS=0, TIMEOUT=2)
    session = ory.person().app_session()
    DualClient("wsgi").get("/session", headers=session.headers)
    with local_ory.slow(1.0, "/sessions/whoami"), ThreadPoolExecutor(5) as threads:
        strangers = [threads.submit(flood, DualClient("wsgi"), 1) for _ in range(4)]
        time.sleep(0.4)  # three strangers have a connection each, and one waits
        known = threads.submit(status, DualClient("wsgi"), session.headers)
        assert known.result(1.9) == 200
        assert sum(stranger.done() for stranger in strangers) < 4


def test_client_addresses_are_not_logged(web: DualClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    flood(web, 8, "192.0.2.77")
    assert "192.0.2.77" not in "".join(record.getMessage() for record in caplog.records if record.name == "ory_auth")


def test_made_up_credentials_create_no_users(ory: Ory, web: DualClient, db: None) -> None:
    flood(web, 8)
    assert not get_user_model().objects.exists()


# --- markers, forms and limits together


def marker(web: DualClient) -> str:
    """A marker of this site, as anybody gets one."""
    web.cookies.clear()
    web.get("/auth/login")
    return web.cookies[sign_in_marker.COOKIE].value


@pytest.mark.promise("Browsers that return from a sign-in are limited, however many markers they have")
def test_many_markers_do_not_bypass_the_limit(ory: Ory, web: DualClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "RETURNING", Rate(0.0, 12.0))
    monkeypatch.setattr(rate_limit, "RETURNING_OF_CLIENT", Rate(0.0, 6.0))
    reset_services()
    responses = []
    for _ in range(10):
        web.cookies[sign_in_marker.COOKIE] = marker(web)
        responses += flood(web, 3)
    assert responses.count(200) == 6 + 5  # of the client: its returning ones, then its unknown ones
    assert len(ory.requests_to()) == 11


def test_a_browser_over_the_limit_of_markers_counts_like_any_other(
    ory: Ory, web: DualClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "RETURNING", Rate(0.0, 0.0))
    reset_services()
    session = ory.person().browser_session()
    web.get("/auth/login")
    web.cookies["ory_kratos_session"] = session.jar["ory_kratos_session"]
    assert session_seen(web, {}) == session.id


def test_markers_do_not_cause_a_429(
    ory: Ory, web: DualClient, local_ory: LocalOry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "RETURNING_TRICKLE", Rate(0.0, 2.0))
    monkeypatch.setattr(rate_limit, "UNKNOWN_CREDENTIALS_TRICKLE", Rate(0.0, 1.0))
    reset_services()
    web.get("/auth/login")
    with local_ory.failing(401, limited("100", "10", "60"), b"{}", "/sessions/whoami"):
        assert flood(web, 6, "127.0.0.1") == [200] * 4 + [503] * 2  # one before the header came, two, and one


@pytest.mark.promise("After a 429, unknown credentials are held back for longer than known ones")
def test_a_429_holds_back_unknown_credentials_longer_than_known_ones(
    ory: Ory, web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise they bring about the next pause at once."""
    monkeypatch.setattr(rate_limit, "UNKNOWN_AFTER_429", Rate(0.0, 3.0))
    reset_services()
    ory_auth(SESSION_CACHE_SECONDS=0)
    ada = ory.person().app_session()
    assert status(web, ada.headers) == 200
    with local_ory.failing(429, {"Retry-After": "1"}, path="/sessions/whoami"):
        flood(web, 1)
    time.sleep(2.2)
    before = len(ory.requests_to())
    flood(web, 10, "127.0.0.1")
    assert len(ory.requests_to()) - before == 3
    assert [status(web, ada.headers) for _ in range(80)] == [200] * 80


@pytest.mark.parametrize("endpoint", ["/health/ready"])
def test_a_429_for_readiness_does_not_affect_known_credentials(
    ory: Ory, web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings, endpoint: str
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    ada = ory.person().app_session()
    assert [status(web, ada.headers), *flood(web, 1)] == [200, 200]
    with local_ory.failing(429, {"Retry-After": "600"}, path=endpoint):
        assert flood(web, 3, "127.0.0.1") == [200] * 3  # it was ready a moment ago
        assert [status(web, ada.headers) for _ in range(12)] == [200] * 12
        assert status(web, ory.person().app_session().headers) == 200


@pytest.mark.django_db
def test_known_credentials_can_sign_out_whatever_orys_rate(
    ory: Ory, web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    monkeypatch.setattr(rate_limit, "KNOWN_CREDENTIAL", Rate(0.0, 1.0))
    ada = ory.person().app_session()
    assert status(web, ada.headers) == 200
    with local_ory.failing(401, limited("100", "1", "60"), b"{}", "/sessions/whoami"):
        flood(web, 1)
    assert web.post("/auth/logout", headers=ada.headers).status_code == 204
    assert session_seen(web, ada.headers) is None


def test_unknown_credentials_do_not_slow_down_known_ones(
    ory: Ory, web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may use Ory's rate down to a quarter, and only below that are known people limited."""
    ory_auth(SESSION_CACHE_SECONDS=0)
    monkeypatch.setattr(rate_limit, "KNOWN_CREDENTIAL", Rate(0.0, 1.0))
    ada = ory.person().app_session()
    assert status(web, ada.headers) == 200
    with local_ory.failing(401, limited("100", "25", "60"), b"{}", "/sessions/whoami"):
        flood(web, 1)
    assert [status(web, ada.headers) for _ in range(4)] == [200] * 4


def forms(cookie: str, number: int) -> dict[str, str]:
    """Kratos takes the first of two cookies with one name; the bytes differ all the same."""
    return {"Cookie": f"{cookie}; ory_kratos_session={number}"}


@pytest.mark.promise("A session with more than 16 credentials pays for each further one")
def test_one_session_with_many_credentials_displaces_no_other(
    ory: Ory, web: DualClient, ory_auth: ChangeSettings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session, ada = ory.person().browser_session(), ory.person().app_session()
    assert status(web, ada.headers) == 200
    known = len([key for key in caches["default"]._cache if ":ory_auth:k:" in key])  # type: ignore[attr-defined]
    for number in range(30):
        status(web, forms(session.cookie, number), "127.0.0.1")
    after = len([key for key in caches["default"]._cache if ":ory_auth:k:" in key])  # type: ignore[attr-defined]
    assert after - known <= 16
    memory = services_of(conf()).cache.local
    assert len(memory._known) <= 17
    flood(web, 30, "127.0.0.1")
    assert session_seen(web, ada.headers) == ada.id


@pytest.mark.promise("A session with more than 16 credentials pays for each further one")
def test_a_session_with_many_credentials_pays_for_each_of_them(
    ory: Ory, web: DualClient, ory_auth: ChangeSettings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().browser_session()
    responses = [status(web, forms(session.cookie, number), "127.0.0.1") for number in range(60)]
    assert responses.count(200) == 16 + 20


def test_the_credentials_of_a_refused_session_are_no_longer_known(
    ory: Ory, web: DualClient, ory_auth: ChangeSettings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=0, REFUSED_CACHE_SECONDS=0)
    session = ory.person().browser_session()
    for number in range(5):
        assert status(web, forms(session.cookie, number), "127.0.0.1") == 200
    session.revoke()
    for number in range(5):
        status(web, forms(session.cookie, number), "127.0.0.1")
    memory = services_of(conf()).cache.local
    assert not memory._known


def test_a_bearer_token_with_a_trailing_space_is_the_token(ory: Ory, web: DualClient) -> None:
    session = ory.person().app_session()
    assert session_seen(web, {"Authorization": f"Bearer {session.token} "}) == session.id
