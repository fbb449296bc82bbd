"""What Ory's answer means, to a browser and to a program: the design's table, row by row."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from email.utils import formatdate

import pytest
from django.contrib.auth import get_user_model
from starlette.responses import Response as OryResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ory_auth.local import LocalOry
from ory_auth.local.http.faults import Fault
from ory_auth.ory.client import NOT_READY_SECONDS
from ory_auth.sessions.services import reset_services
from tests.support.client import DualClient
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, Json, Response

WHOAMI, READY = "/sessions/whoami", "/health/ready"
BROWSER, PROGRAM = "browser", "program"
ACCEPT = {BROWSER: "text/html", PROGRAM: "application/json"}
both = pytest.mark.parametrize("visitor", [BROWSER, PROGRAM])
guards = pytest.mark.parametrize("guard", ["/guarded", "/aguarded", "/mixin", "/amixin"])


def sent(session: Session, visitor: str) -> dict[str, str]:
    """How this visitor sends a session's cookie: a browser wants pages, a program JSON."""
    return {"Cookie": session.cookie, "Accept": ACCEPT[visitor]}


def anyone(visitor: str) -> dict[str, str]:
    """A cookie that comes to Ory, where all get the same answer."""
    return {"Cookie": "ory_kratos_session=x", "Accept": ACCEPT[visitor]}


def answering(local_ory: LocalOry, content: object, **headers: str) -> AbstractContextManager[object]:
    """Ory says this instead, of everyone; ``_`` in a header's name stands for ``-``."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return local_ory.failing(200, {"Content-Type": "application/json", **named}, body, path=WHOAMI)


def assert_signed_out(web: DualClient, headers: dict[str, str], visitor: str, guard: str = "/guarded") -> None:
    assert web.session_id(headers) is None
    response = web.get(guard, headers=headers)
    if visitor == BROWSER:
        assert (response.status_code, response["Location"]) == (302, f"/auth/login?next={guard}")
    else:
        assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
        assert response["WWW-Authenticate"] == 'Bearer realm="ory"'


def assert_unavailable(response: Response, visitor: str) -> None:
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert {"no-store", "private"} <= set(response["Cache-Control"].split(", "))
    if visitor == BROWSER:
        assert response["Content-Type"].startswith("text/html")
    else:
        assert response.json()["code"] == "ory_unavailable"


# --- signed in


@both
@guards
@pytest.mark.django_db
def test_an_active_session_gets_the_view(ory: Ory, web: DualClient, visitor: str, guard: str) -> None:
    person = ory.person()
    assert web.get(guard, headers=sent(person.browser_session(), visitor)).json()["user"] == person.id


@pytest.mark.parametrize(
    "news",
    [
        {"authentication_methods": [{"method": "telepathy", "aal": "aal1", "completed_at": "2026-01-01T00:00:00Z"}]},
        {"authentication_methods": [{"method": "passkey", "aal": "aal7"}]},
        {"authentication_methods": None},
        {"authenticator_assurance_level": "aal7"},
        {"authenticator_assurance_level": None},
        {"tokenized": "x", "something": {"new": [1]}},
        {"devices": "none"},
    ],
    ids=str,
)
def test_unknown_fields_of_ory_are_ignored(
    ory: Ory, web: DualClient, local_ory: LocalOry, news: dict[str, object] | dict[str, None] | dict[str, str]
) -> None:
    session = ory.person().app_session()
    with answering(local_ory, session.whoami() | news):
        assert web.session_id(session.headers) == session.id


@pytest.mark.django_db
@pytest.mark.parametrize("level", ["aal7", None, "", "AAL2", ["aal2"], 2])
def test_an_unknown_aal_is_the_lowest(ory: Ory, web: DualClient, local_ory: LocalOry, level: object) -> None:
    session = ory.person().app_session()
    with answering(local_ory, session.whoami() | {"authenticator_assurance_level": level}):
        response = web.get("/aal2", headers=session.headers)
    assert (response.status_code, response.json()["code"]) == (403, "session_aal2_required")


@pytest.mark.parametrize("far", ["9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999999999Z"])
def test_a_session_that_ends_in_the_year_9999_is_a_session(
    ory: Ory, web: DualClient, local_ory: LocalOry, far: str
) -> None:
    session = ory.person().app_session()
    with answering(local_ory, session.whoami() | {"expires_at": far}, Ory_Session_Cache_For="60"):
        assert web.session_id(session.headers) == session.id


# --- known, not admitted here


@both
@pytest.mark.django_db
class TestAPersonWhoIsNotAdmitted:
    @pytest.fixture
    def headers(self, ory: Ory, web: DualClient, visitor: str) -> dict[str, str]:
        session = ory.person().browser_session()
        web.get("/who", headers=session.headers)
        get_user_model().objects.update(is_active=False)
        return sent(session, visitor)

    @pytest.mark.parametrize("path", ["/who", "/awho"])
    def test_is_anonymous_on_public_pages(
        self, web: DualClient, headers: dict[str, str], visitor: str, path: str
    ) -> None:
        assert web.get(path, headers=headers).json()["user"] == ""

    @guards
    def test_gets_403_from_guards(self, web: DualClient, headers: dict[str, str], visitor: str, guard: str) -> None:
        response = web.get(guard, headers=headers)
        assert response.status_code == 403
        if visitor == BROWSER:
            assert 'action="/auth/logout"' in response.content.decode()
        else:
            assert response.json()["code"] == "not_admitted"

    def test_is_not_sent_to_ory_again(self, web: DualClient, headers: dict[str, str], visitor: str) -> None:
        assert web.get("/auth/login?next=/guarded", headers=headers).status_code == 403

    def test_gets_403_from_the_api(self, web: DualClient, headers: dict[str, str], visitor: str) -> None:
        response = web.get("/api/me", headers=headers | {"Accept": "*/*"})
        assert (response.status_code, response.json()["code"]) == (403, "not_admitted")


# --- signed out


@both
@guards
def test_a_revoked_session_is_signed_out(ory: Ory, web: DualClient, visitor: str, guard: str) -> None:
    session = ory.person().browser_session()
    session.revoke()
    assert_signed_out(web, sent(session, visitor), visitor, guard)


@both
def test_a_deleted_person_is_signed_out(ory: Ory, web: DualClient, visitor: str) -> None:
    session = ory.person().browser_session()
    session.person.delete()
    assert_signed_out(web, sent(session, visitor), visitor)


def test_an_identity_that_became_inactive_is_signed_out(ory: Ory, web: DualClient) -> None:
    session = ory.person().app_session()
    session.person.deactivate()
    assert_signed_out(web, session.headers, PROGRAM)


@pytest.mark.promise("An expired session is signed out, whatever status Ory returns")
@pytest.mark.promise("An inactive session or identity is signed out")
@both
@pytest.mark.parametrize(
    "change",
    [{"active": False}, {"expires_at": "2020-01-01T00:00:00Z"}, {"expires_at": "0001-01-01T00:00:00+14:00"}],
    ids=["not active", "expired", "expired long ago"],
)
def test_an_expired_session_in_a_response_is_signed_out(
    ory: Ory, web: DualClient, local_ory: LocalOry, visitor: str, change: dict[str, bool] | dict[str, str]
) -> None:
    session = ory.person().browser_session()
    with answering(local_ory, session.whoami() | change):
        assert_signed_out(web, sent(session, visitor), visitor)


@pytest.mark.parametrize(("age", "signed_in"), [("10", True), ("60", False), ("soon", True), ("9" * 400, True)])
def test_the_age_header_of_a_proxy_cache_counts(
    ory: Ory, web: DualClient, local_ory: LocalOry, age: str, signed_in: bool
) -> None:
    local_ory.configure(session_lifespan=30)
    session = ory.person().app_session()
    with answering(local_ory, session.whoami(), Age=age, Date=formatdate(usegmt=True)):
        known = web.session_id(session.headers)
    assert (known is not None) is signed_in


@both
def test_a_session_of_an_inactive_identity_is_signed_out(
    ory: Ory, web: DualClient, local_ory: LocalOry, visitor: str
) -> None:
    session = ory.person().browser_session()
    content = session.whoami()
    content["identity"]["state"] = "inactive"
    with answering(local_ory, content):
        assert_signed_out(web, sent(session, visitor), visitor)


def test_the_api_answers_401_to_a_session_that_is_gone(ory: Ory, web: DualClient) -> None:
    session = ory.person().app_session()
    session.revoke()
    assert web.get("/api/me", headers=session.headers).status_code == 401


# --- a second factor is missing


@both
class TestAPersonWhoLacksTheSecondFactor:
    @pytest.fixture
    def headers(self, ory: Ory, visitor: str) -> dict[str, str]:
        person = ory.person()
        person.browser_session().set_up_totp()
        return sent(person.browser_session(), visitor)

    def test_is_anonymous_on_public_pages(self, web: DualClient, headers: dict[str, str], visitor: str) -> None:
        assert web.get("/who", headers=headers).json()["user"] == ""
        assert web.session_id(headers) is None

    @guards
    def test_is_redirected_to_it_by_guards(
        self, ory: Ory, web: DualClient, headers: dict[str, str], visitor: str, guard: str
    ) -> None:
        response = web.get(guard, headers=headers)
        step_up = (
            f"{ory.public_url}/self-service/login/browser?aal=aal2&return_to=http%3A%2F%2Ftestserver%2F{guard[1:]}"
        )
        if visitor == BROWSER:
            assert (response.status_code, response["Location"]) == (302, step_up)
        else:
            assert (response.status_code, response.json()["code"]) == (403, "session_aal2_required")
            assert response.json()["redirect_browser_to"] == step_up

    def test_gets_the_code_from_the_api(self, web: DualClient, headers: dict[str, str], visitor: str) -> None:
        response = web.get("/api/me", headers=headers | {"Accept": "*/*"})
        assert (response.status_code, response.json()["code"]) == (403, "session_aal2_required")


# --- not known


SECOND_FACTOR = b'{"error":{"id":"session_aal2_required"}}'
REFUSED = b'{"error":{"id":"security_csrf_violation","code":403}}'
STATUSES = [
    (403, REFUSED, "upstream_rejects"),
    (403, b"<html>the firewall", "bad_answer"),
    (403, b"[" * 100_000, "bad_answer"),
    (403, b'{"error":"session_aal2_required"}', "upstream_rejects"),
    (400, b"", "upstream_rejects"),
    (404, SECOND_FACTOR, "upstream_rejects"),
    (431, b"", "upstream_rejects"),
    (429, b"", "rate_limited"),
    (500, b"{}", "unavailable"),
    (500, SECOND_FACTOR, "unavailable"),
    (502, b"", "unavailable"),
    (503, b"", "unavailable"),
    (504, b"", "unavailable"),
    (599, b"", "unavailable"),
    (204, b"", "unavailable"),
    (201, b"{}", "unavailable"),
    (301, b"", "upstream_redirect"),
    (302, b"", "upstream_redirect"),
    (303, b"", "upstream_redirect"),
    (307, b"", "upstream_redirect"),
    (308, b"", "upstream_redirect"),
]


@both
@pytest.mark.parametrize(("status", "body", "event"), STATUSES)
def test_any_other_status_code_is_an_outage(
    ory: Ory,
    web: DualClient,
    local_ory: LocalOry,
    caplog: pytest.LogCaptureFixture,
    visitor: str,
    status: int,
    body: bytes,
    event: str,
) -> None:
    location = {"Location": f"{ory.public_url}/elsewhere"} if 300 <= status < 400 else {}
    with local_ory.failing(status, location, body, path=WHOAMI):
        assert_unavailable(web.get("/guarded", headers=anyone(visitor)), visitor)
    told = [record for record in caplog.records if record.name == "ory_auth" and record.levelname == "ERROR"]
    assert [vars(record)["ory_event"] for record in told] == [event]
    facts = vars(told[0])["ory_facts"]
    assert facts["status"] == status
    assert facts["ms"] >= 0
    assert not ory.requests_to("/elsewhere")


@both
@pytest.mark.parametrize(
    "body",
    [
        b"<html>Welcome to the hotel's wifi</html>",
        b"",
        b"{}",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b'{"id":',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"1" * 5_000,
    ],
    ids=["html", "empty", "{}", "[]", "null", "1", "text", "half", "bytes", "deep list", "deep", "a long number"],
)
def test_a_200_without_a_session_is_an_outage(
    ory: Ory, web: DualClient, local_ory: LocalOry, caplog: pytest.LogCaptureFixture, visitor: str, body: bytes
) -> None:
    with answering(local_ory, body):
        assert_unavailable(web.get("/guarded", headers=anyone(visitor)), visitor)
    assert "bad_answer status=200" in caplog.text


@pytest.mark.parametrize("key", ["id", "active", "expires_at", "authenticated_at", "identity"])
@pytest.mark.parametrize("value", [None, "", "nonsense", 0, [], {}, "2026-01-01T00:00:00"], ids=repr)
def test_a_session_without_required_fields_is_an_outage(
    ory: Ory, web: DualClient, local_ory: LocalOry, key: str, value: object
) -> None:
    session = ory.person().app_session()
    with answering(local_ory, session.whoami() | {key: value}):
        assert_unavailable(web.get("/session", headers=session.headers), PROGRAM)


@pytest.mark.parametrize("identity_id", [None, "", "nonsense", 7, "00000000-0000-0000-0000-00000000000"])
def test_an_identity_without_a_uuid_is_an_outage(
    ory: Ory, web: DualClient, local_ory: LocalOry, identity_id: str | int | None
) -> None:
    session = ory.person().app_session()
    content = session.whoami()
    content["identity"]["id"] = identity_id
    with answering(local_ory, content):
        assert_unavailable(web.get("/session", headers=session.headers), PROGRAM)


@pytest.mark.promise("A response about another identity than its header names does not count")
@both
def test_a_response_about_another_identity_than_its_header_is_an_outage(
    ory: Ory, web: DualClient, local_ory: LocalOry, visitor: str
) -> None:
    session, other = ory.person().browser_session(), ory.person()
    with answering(local_ory, session.whoami(), X_Kratos_Authenticated_Identity_Id=other.id):
        assert_unavailable(web.get("/guarded", headers=sent(session, visitor)), visitor)


@pytest.mark.parametrize("allowed", ["", "-1", "1.5", "soon", "\xb2", "9" * 5000], ids=lambda value: value[:5])
def test_an_invalid_cache_header_only_prevents_caching(
    ory: Ory, web: DualClient, local_ory: LocalOry, allowed: str
) -> None:
    session = ory.person().app_session()
    with answering(local_ory, session.whoami(), Ory_Session_Cache_For=allowed):
        assert web.session_id(session.headers) == session.id


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Nov 2026 10:33:47 GMT", "Mon, 23 Nov 2026 10:33:47 -0000"])
def test_a_response_with_an_invalid_date_still_counts(
    ory: Ory, web: DualClient, local_ory: LocalOry, date: str
) -> None:
    session = ory.person().app_session()
    with answering(local_ory, session.whoami(), Date=date):
        assert web.get("/session", headers=session.headers).status_code == 200


def test_an_unexpected_response_is_not_cached(ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
    session = ory.person().app_session()
    for fault in (answering(local_ory, b"{}", Ory_Session_Cache_For="60"), local_ory.failing(500, path=WHOAMI)):
        with fault:
            assert web.get("/session", headers=session.headers).status_code == 503
    assert web.session_id(session.headers) == session.id


def test_an_error_for_one_credential_does_not_affect_others(ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
    session = ory.person().app_session()
    for status in (431, 500):
        with local_ory.failing(status, path=WHOAMI):
            assert web.get("/session", headers={"Cookie": "ory_kratos_session=odd"}).status_code == 503
        assert web.session_id(session.headers) == session.id


# --- 401 from an Ory that is not ready


@pytest.mark.promise("A 401 counts only while Ory is ready")
@both
@guards
def test_a_401_while_ory_is_not_ready_is_an_outage(
    ory: Ory, web: DualClient, local_ory: LocalOry, caplog: pytest.LogCaptureFixture, visitor: str, guard: str
) -> None:
    with local_ory.database_down():
        assert_unavailable(web.get(guard, headers=anyone(visitor)), visitor)
    assert "not_ready status=401" in caplog.text


@both
@pytest.mark.parametrize("ready", [200, 404])
def test_a_401_counts_if_ory_is_ready_or_has_no_readiness_path(
    ory: Ory, web: DualClient, local_ory: LocalOry, visitor: str, ready: int
) -> None:
    session = ory.person().browser_session()
    with local_ory.database_down(ready):
        assert_signed_out(web, sent(session, visitor), visitor)


def test_a_slow_readiness_response_is_an_outage(
    ory: Ory, web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings
) -> None:
    ory_auth(TIMEOUT=0.2)
    with local_ory.slow(0.3, READY):
        assert_unavailable(web.get("/session", headers={"X-Session-Token": "gone"}), PROGRAM)


def test_readiness_is_checked_after_every_401(web: DualClient, local_ory: LocalOry) -> None:
    for token in ("gone", "gone too"):
        web.get("/session", headers={"X-Session-Token": token})
    assert [request.path for request in local_ory.requests] == [WHOAMI, READY] * 2


@pytest.mark.usefixtures("local_ory")
def test_readiness_is_not_checked_after_a_200(ory: Ory, web: DualClient) -> None:
    web.get("/session", headers=ory.person().app_session().headers)
    assert not ory.requests_to(READY)


def test_not_ready_is_remembered_briefly(ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
    started = time.monotonic()
    with local_ory.database_down():
        for token in ("one", "two", "three"):
            assert web.get("/session", headers={"X-Session-Token": token}).status_code == 503
    moments = (time.monotonic() - started) // NOT_READY_SECONDS  # a slow machine needs more than one
    assert len(ory.requests_to(READY)) <= min(1 + moments, 3)


def test_a_missing_readiness_path_is_remembered(ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
    with local_ory.database_down(404):
        for token in ("one", "two", "three"):
            assert web.get("/session", headers={"X-Session-Token": token}).status_code == 200
    assert len(ory.requests_to(READY)) == 1


def test_concurrent_requests_share_one_readiness_probe(ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
    start = threading.Barrier(8)

    def ask(number: int) -> int:
        start.wait()
        return web.get("/session", headers={"X-Session-Token": f"gone-{number}"}).status_code

    with local_ory.slow(0.2, READY), ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {200}
    # The first goes at once, the next for all whose 401 came since; a straggler may need another.
    assert len(ory.requests_to(READY)) <= 3


@pytest.mark.promise("A credential that was valid is not signed out by a single 401")
@pytest.mark.parametrize("process", ["this", "another"])
def test_a_short_failure_of_orys_database_signs_nobody_out(
    ory: Ory, web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings, process: str
) -> None:
    """It is over before readiness is asked: a credential that was good before, anywhere, is looked up again."""
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().app_session()
    assert web.session_id(session.headers) == session.id
    if process == "another":
        reset_services()
    responses = iter([OryResponse(b"{}", 401)])

    async def dip(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await next(responses, app)(scope, receive, send)

    local_ory.faults.append(Fault(WHOAMI, dip))
    assert web.session_id(session.headers) == session.id


@pytest.mark.promise("Two 401s sign nobody out if Ory is not ready after the second")
def test_a_database_that_fails_during_the_readiness_check_signs_nobody_out(
    ory: Ory, web: DualClient, local_ory: LocalOry, ory_auth: ChangeSettings
) -> None:
    """The first probe still finds it there; the second 401 has its own probe."""
    ory_auth(SESSION_CACHE_SECONDS=0)
    session = ory.person().app_session()
    web.get("/session", headers=session.headers)
    probes = iter([OryResponse(b"{}", 200)])

    async def going(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await next(probes, OryResponse(b"{}", 503))(scope, receive, send)

    with local_ory.failing(401, path=WHOAMI):
        local_ory.faults.append(Fault(READY, going))
        assert_unavailable(web.get("/session", headers=session.headers), PROGRAM)


RENEWED = "ory_kratos_session=renewed"


@pytest.mark.promise("Of Ory's cookies, only the session cookie is passed on")
@pytest.mark.promise("A cookie of Ory is passed on only if its Domain covers this host")
@pytest.mark.parametrize(
    ("line", "passed_on"),
    [
        (f"{RENEWED}; Path=/; HttpOnly", True),
        (f"{RENEWED}; Path=/; Domain=testserver", True),
        (f"{RENEWED}; Path=/; Domain=elsewhere.example.net", False),
        ("csrf_token_abc=x; Path=/", False),
        ("ory_kratos_session_other=x; Path=/", False),
    ],
)
def test_only_orys_session_cookie_for_this_host_reaches_the_browser(
    ory: Ory, web: DualClient, local_ory: LocalOry, line: str, passed_on: bool
) -> None:
    session = ory.person().browser_session()

    async def extended(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"set-cookie", line.encode())]
            await send(message)

        await app(scope, receive, add)

    local_ory.faults.append(Fault(WHOAMI, extended))
    response = web.get("/session", headers=session.headers)
    assert response.json()["session"] == session.id
    assert [f"{name}={morsel.value}" for name, morsel in response.cookies.items()] == ([RENEWED] if passed_on else [])


# --- what newer releases of Kratos say


def minutes_ago(minutes: float) -> str:
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()


def used(method: str, minutes: float, aal: str = "aal1") -> Json:
    return {"method": method, "aal": aal, "completed_at": minutes_ago(minutes)}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("methods", "status"),
    [
        ([used("password", 1)], 200),
        ([used("password", 60)], 403),
        ([used("password", 60), used("password", 1)], 200),
        ([used("password", 60), used("totp", 1, "aal2")], 403),
        ([used("password", 60), used("webauthn", 1, "aal2")], 403),
        ([used("oidc", 1, "aal2")], 200),
        ([], 200),
    ],
    ids=["recent", "old", "again", "second factor set up", "security key added", "provider", "not said"],
)
def test_max_age_counts_from_the_latest_first_factor(
    ory: Ory, web: DualClient, local_ory: LocalOry, methods: list[Json], status: int
) -> None:
    """Kratos moves ``authenticated_at`` when a second factor is set up, which is no sign-in."""
    session = ory.person().app_session()
    content = session.whoami() | {"authenticated_at": minutes_ago(0), "authentication_methods": methods}
    with answering(local_ory, content):
        assert web.get("/recent", headers=session.headers).status_code == status


@pytest.mark.django_db
def test_a_provider_can_count_as_both_factors(ory: Ory, web: DualClient, local_ory: LocalOry) -> None:
    session = ory.person().app_session()
    methods = [used("oidc", 1, "aal2")]
    content = session.whoami() | {"authenticator_assurance_level": "aal2", "authentication_methods": methods}
    with answering(local_ory, content):
        assert web.get("/aal2", headers=session.headers).status_code == 200


@pytest.mark.parametrize("status", [400, 403])
def test_a_disabled_identity_is_signed_out(ory: Ory, web: DualClient, local_ory: LocalOry, status: int) -> None:
    body = json.dumps({"error": {"id": "identity_disabled", "code": status}}).encode()
    with local_ory.failing(status, {"Content-Type": "application/json"}, body, WHOAMI):
        assert_signed_out(web, anyone(BROWSER), BROWSER)


@pytest.mark.parametrize("status", [400, 403, 418])
@pytest.mark.parametrize(
    "error",
    [{"message": "session_aal2_required"}, {"reason": "identity_disabled"}, {"id": ["identity_disabled"]}, "x", []],
)
def test_only_the_status_and_id_of_an_error_count(
    ory: Ory, web: DualClient, local_ory: LocalOry, status: int, error: object
) -> None:
    with local_ory.failing(status, {}, json.dumps({"error": error}).encode(), WHOAMI):
        assert_unavailable(web.get("/guarded", headers=anyone(BROWSER)), BROWSER)
