"""``ory_auth.identities`` when Ory is down, slow, broken or full: a clear error, within limits, without secrets."""

from __future__ import annotations

import asyncio
import json
import logging
import socketserver
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection

from ory_auth import identities
from ory_auth.exceptions import (
    InvalidIdentity,
    NotFound,
    OryAuthError,
    OryResponseInvalid,
    OryUnavailable,
    RateLimited,
)
from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity
from tests.support.admin_proxy import AdminProxy
from tests.support.client import DualClient
from tests.support.identities import Call, call, new_email
from tests.support.logs import event_ids
from tests.support.ory import Ory, Person
from tests.support.servers import running
from tests.support.types import ChangeSettings

__all__ = ["call"]  # a fixture

pytestmark = pytest.mark.django_db
Fault = Callable[[LocalOry], AbstractContextManager[Any]]
CANARY = "Canary-of-a-trait"


def answer(status: int, body: bytes = b"{}", **headers: str) -> Fault:
    return lambda local: local.failing(status, {name.replace("_", "-"): text for name, text in headers.items()}, body)


FAULTS: dict[str, tuple[Fault, type[OryAuthError], str, str]] = {
    "down": (lambda local: local.stopped(), OryUnavailable, "unavailable", r"ADMIN_URL"),
    "slow": (lambda local: local.slow(5), OryUnavailable, "timeout", r"within 0\.3 seconds"),
    "drip": (lambda local: local.dripping(0.2), OryUnavailable, "timeout", r"within 0\.3 seconds"),
    "hang up": (lambda local: local.hang_up(), OryUnavailable, "unavailable", r"could not be reached"),
    "500": (answer(500), OryUnavailable, "unavailable", r"500"),
    "429": (answer(429, Retry_After="7"), RateLimited, "rate_limited", r"429"),
    "401": (answer(401), OryUnavailable, "upstream_rejects", r"API_KEY.*ADMIN_URL"),
    "403": (answer(403), OryUnavailable, "upstream_rejects", r"API_KEY.*ADMIN_URL"),
    "redirect": (answer(302, Location="/"), OryUnavailable, "upstream_redirect", r"ADMIN_URL"),
    "no JSON": (answer(200, b"<html>"), OryResponseInvalid, "bad_answer", r"incomplete, or from another server"),
    "half a response": (
        answer(200, b'{"id": "'),
        OryResponseInvalid,
        "bad_answer",
        r"incomplete, or from another server",
    ),
    "no identity": (answer(200, b'{"id": 1}'), OryResponseInvalid, "bad_answer", r"not an identity"),
    "a list": (answer(200, b"[]"), OryResponseInvalid, "bad_answer", r"from another server"),
    "another one": (
        answer(200, json.dumps({"id": str(uuid.uuid4()), "traits": {}}).encode()),
        OryResponseInvalid,
        "bad_answer",
        r"another identity",
    ),
    "too big": (answer(200, b" " * (1024 * 1024 + 1)), OryResponseInvalid, "answer_too_big", r"1 MiB"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_a_clear_error_and_an_event(
    local_ory: LocalOry, call: Call, ory_auth: ChangeSettings, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    cause, kind, event, text = FAULTS[fault]
    ory_auth(TIMEOUT=0.3 if event == "timeout" else 3)
    identity_id = identities.create(traits={"email": new_email()}).id
    caplog.clear()
    started = time.monotonic()
    with cause(local_ory), pytest.raises(kind, match=text) as error:
        call("get", identity_id)
    assert time.monotonic() - started < 2
    assert event_ids(caplog) == [event]
    assert isinstance(error.value, OryUnavailable)
    assert error.value.event == event
    if isinstance(error.value, RateLimited):
        assert error.value.retry_after == 8


class Short(socketserver.StreamRequestHandler):
    """Says 100 bytes, sends some and closes."""

    def handle(self) -> None:
        self.rfile.readline()
        self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id": ')


def test_a_response_that_is_shorter_than_it_says_is_an_error(ory_auth: ChangeSettings, call: Call) -> None:
    with running(socketserver.TCPServer(("127.0.0.1", 0), Short)) as address:
        ory_auth(ADMIN_URL=f"http://{address}")
        with pytest.raises(OryUnavailable, match="could not be reached"):
            call("get", uuid.uuid4())


def test_a_wrong_api_key_is_refused_and_the_right_one_is_sent(
    local_ory: LocalOry, call: Call, ory_auth: ChangeSettings
) -> None:
    identity_id = identities.create(traits={"email": new_email()}).id
    with local_ory.strict(api_key="ory_pat_right"):
        ory_auth(API_KEY="ory_pat_wrong")
        with pytest.raises(OryUnavailable, match="API_KEY") as error:
            call("get", identity_id)
        assert "wrong" not in str(error.value)
        ory_auth(API_KEY="ory_pat_right")
        assert call("get", identity_id).id == identity_id


@pytest.mark.parametrize("name", ["revoke_sessions", "deactivate", "delete"])
def test_nothing_changes_if_ory_cannot_be_asked(
    local_ory: LocalOry, ory: Ory, call: Call, cached: None, name: str
) -> None:
    person, worker = ory.person(), DualClient("wsgi")
    session = person.app_session()
    assert worker.get("/who", headers=session.headers).json()["user"]
    with local_ory.failing(503, path="/admin"), pytest.raises(OryUnavailable):
        call(name, person.id)
    assert worker.get("/who", headers=session.headers).json()["user"]
    assert OryIdentity.objects.get(pk=person.id).state == "active"
    assert ory.admin("GET", f"/admin/identities/{person.id}").json["state"] == "active"


def test_sessions_that_ory_did_not_end_are_refused_here(
    local_ory: LocalOry, ory: Ory, call: Call, cached: None
) -> None:
    """Ory fails between the list and the end of the sessions."""
    person, worker = ory.person(), DualClient("wsgi")
    session = person.app_session()
    assert worker.get("/who", headers=session.headers).json()["user"]
    with only_get(local_ory), pytest.raises(OryUnavailable):
        call("revoke_sessions", person.id)
    assert not worker.get("/who", headers=session.headers).json()["user"]
    assert call("revoke_sessions", person.id) == 1


@contextmanager
def only_get(local: LocalOry) -> Iterator[None]:
    """Ory answers 503 to every request of the admin API but GET."""
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from ory_auth.local.http.faults import Fault as LocalFault

    async def layer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await (app if scope["method"] == "GET" else Response(b"", 503))(scope, receive, send)

    fault = LocalFault("/admin", layer)
    local.faults.append(fault)
    yield
    local.faults.remove(fault)


def test_values_of_ory_that_are_not_known_break_nothing(local_ory: LocalOry, call: Call) -> None:
    identity_id = identities.create(traits={"email": new_email()}).id
    odd = {
        "id": str(identity_id),
        "state": "hibernating",
        "region": "moon-1",
        "schema_id": "x",
        "traits": {},
        "credentials": {"telepathy": {"type": "telepathy", "identifiers": None}, "password": {}},
        "verifiable_addresses": [{"value": "ada", "via": "pigeon", "verified": True}],
        "recovery_addresses": None,
        "novelty": [1],
    }
    with local_ory.failing(200, body=json.dumps(odd).encode(), path="/admin/identities/"):
        identity = call("get", identity_id)
        assert (identity.state, identity.credential_types) == ("hibernating", ("password", "telepathy"))
        assert identity.verified_emails() == []
        assert call("remove_second_factor", identity_id) == ()
        assert call("resend_verification", identity_id) == 0
        assert call("update", identity_id, traits={"email": None}).state == "hibernating"


@pytest.mark.parametrize(("passwordless", "removed"), [([True], ()), ([True, False], ("webauthn",))])
def test_a_passkey_is_no_second_factor(
    local_ory: LocalOry, call: Call, passwordless: list[bool], removed: tuple[str, ...]
) -> None:
    keys = [{"id": "AAAA", "is_passwordless": each} for each in passwordless]
    credentials = {"webauthn": {"type": "webauthn", "config": {"credentials": keys}}}
    identity = {"id": str(uuid.uuid4()), "traits": {}, "credentials": credentials}
    with local_ory.failing(200, body=json.dumps(identity).encode(), path="/admin/identities/"):
        assert call("remove_second_factor", identity["id"]) == removed


KRATOS_WITHOUT_KEYS = {
    "type": "webauthn",
    "identifiers": ["a@example.org"],
    "config": {"user_handle": "z1A534ivT1KLf0=="},
}
KRATOS_WITH_A_KEY = {"type": "webauthn", "config": {"credentials": [{"id": "AAAA", "is_passwordless": False}]}}


@pytest.mark.parametrize(
    ("webauthn", "types"),
    [
        (KRATOS_WITHOUT_KEYS, ("password",)),
        (KRATOS_WITH_A_KEY, ("password", "webauthn")),
        ({"type": "webauthn"}, ("password", "webauthn")),
        (None, ("password", "webauthn")),
        ({"config": []}, ("password", "webauthn")),
    ],
)
def test_security_keys_are_named_only_if_there_are_any(
    local_ory: LocalOry, call: Call, webauthn: object, types: tuple[str, ...]
) -> None:
    """Kratos lists them for everyone whose schema has an identifier for them. Only their configuration tells."""
    identity_id = str(uuid.uuid4())
    identity = {"id": identity_id, "traits": {}, "credentials": {"password": {}, "webauthn": webauthn}}
    with local_ory.failing(200, body=json.dumps(identity).encode(), path="/admin/identities/"):
        assert call("get", identity_id).credential_types == types
    [request] = [request for request in local_ory.requests if identity_id in request.path]
    assert request.query == "include_credential=webauthn"


def test_a_server_that_ignores_the_filter_finds_no_identity(local_ory: LocalOry, call: Call) -> None:
    others = [ory_identity(f"{n}@example.org") for n in range(3)]
    with local_ory.failing(200, body=json.dumps(others).encode(), path="/admin/identities"):
        assert call("find", identifier="ada@example.org") is None
        assert call("find", email="ada@example.org") is None
        assert str(call("find", email="1@example.org").id) == others[1]["id"]


def ory_identity(email: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "traits": {"email": email},
        "credentials": {"password": {"type": "password", "identifiers": [email]}},
    }


# --- secrets


def test_no_error_and_no_log_has_a_secret(
    local_ory: LocalOry, call: Call, ory_auth: ChangeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """As an error collector sees them: with the local variables of every frame of this package."""
    caplog.set_level(logging.DEBUG)
    ory_auth(API_KEY="ory_pat_canary")
    person = identities.create(traits={"email": new_email(), "name": {"first": CANARY}})
    secret = {"traits": {"email": new_email(), "name": {"first": CANARY}}}

    def failures() -> Iterator[Callable[[], Any]]:
        yield lambda: call("create", **secret, password=CANARY, metadata_admin=CANARY)
        yield lambda: call("update", person, **secret)
        yield lambda: call("set_metadata", person, public={"x": CANARY}, admin=CANARY, merge=False)
        yield lambda: call("find", email=CANARY)
        yield lambda: call("find", external_id=CANARY)
        yield lambda: call("invite", f"{CANARY}@example.org")
        yield lambda: call("recovery_code", person)
        yield lambda: call("recovery_link", person)
        yield lambda: call("resend_verification", person)

    quoted = json.dumps({"error": {"reason": f"{CANARY} is not valid", "message": CANARY}}).encode()
    for status in (200, 400, 409, 500):
        with local_ory.failing(status, body=quoted if status != 200 else CANARY.encode()):
            for failure in failures():
                texts = "".join(_frames_of_the_package(failure))
                assert CANARY not in texts, texts
                assert "ory_pat_canary" not in texts
    assert CANARY not in caplog.text + "".join(repr(vars(record)) for record in caplog.records)


def _frames_of_the_package(failure: Callable[[], Any]) -> Iterator[str]:
    """The error, its chain, and the frames below that of the test, with their local variables."""
    with pytest.raises(OryAuthError) as error:
        failure()
    assert (error.value.__cause__, error.value.__context__) == (None, None)
    yield str(error.value)
    for frame in traceback.TracebackException.from_exception(error.value, capture_locals=True).stack:
        if "/ory_auth/" in frame.filename:
            yield f"{frame.name} {frame.locals}"


# --- limits


def test_calls_of_many_threads_are_limited(local_ory: LocalOry, ory_auth: ChangeSettings) -> None:
    ory_auth(MAX_CONNECTIONS=2, TIMEOUT=5)
    identity_id = identities.create(traits={"email": new_email()}).id
    before = len(local_ory.requests)
    with local_ory.slow(0.4), ThreadPoolExecutor(4) as threads:
        results = [threads.submit(identities.get, identity_id) for _ in range(4)]
        time.sleep(0.2)
        assert len(local_ory.requests) - before == 2
        assert [result.result().id for result in results] == [identity_id] * 4


def test_calls_of_many_coroutines_are_limited_and_block_no_event_loop(
    local_ory: LocalOry, ory_auth: ChangeSettings
) -> None:
    ory_auth(MAX_CONNECTIONS=2, TIMEOUT=1.2)
    identity_id = identities.create(traits={"email": new_email()}).id

    async def load() -> tuple[list[Any], float]:
        worst, last = 0.0, time.monotonic()
        calls = asyncio.gather(*(identities.aget(identity_id) for _ in range(4)), return_exceptions=True)
        while not calls.done():
            await asyncio.sleep(0.01)
            worst, last = max(worst, time.monotonic() - last), time.monotonic()
        return await calls, worst

    with local_ory.slow(0.8):
        results, worst = async_to_sync(load)()
    assert [getattr(result, "event", "found") for result in results] == ["found", "found", "pool_full", "pool_full"]
    assert worst < 0.6


def test_a_cancelled_coroutine_that_waits_creates_nothing(local_ory: LocalOry, ory_auth: ChangeSettings) -> None:
    ory_auth(MAX_CONNECTIONS=1, TIMEOUT=5)
    email = new_email()

    async def cancel() -> None:
        slow = asyncio.ensure_future(identities.aget(uuid.uuid4()))
        await asyncio.sleep(0.1)
        waiting = asyncio.ensure_future(identities.acreate(traits={"email": email}))
        await asyncio.sleep(0.1)
        waiting.cancel()
        with pytest.raises(NotFound):
            await slow

    with local_ory.slow(0.3):
        async_to_sync(cancel)()
    assert identities.find(email=email) is None


def test_no_database_connection_is_used_in_the_threads_of_coroutines(ory: Ory) -> None:
    """Django would not close it."""
    used: list[int] = []

    def wrapper(execute: Any, *args: Any) -> Any:
        used.append(threading.get_ident())
        return execute(*args)

    person = ory.person()
    assert DualClient("wsgi").get("/who", headers=person.app_session().headers).json()["user"]
    with connection.execute_wrapper(wrapper):
        async_to_sync(identities.adeactivate)(person.id)
    assert used
    assert set(used) == {threading.get_ident()}


def test_an_invalid_request_is_an_error_of_the_values(ory: Ory, call: Call) -> None:
    with pytest.raises(InvalidIdentity):
        call("create", traits={"email": new_email(), "unknown": 1})


@pytest.fixture(params=[1, 33], ids=["1 MiB", "33 MiB"])
def huge(ory: Ory, ory_auth: ChangeSettings, request: pytest.FixtureRequest) -> Iterator[Person]:
    """Anybody who registers at Ory can store several MiB in a part of the traits that the schema leaves open.

    Ory repeats them in each session of a list.
    """
    person = ory.person(name={"first": "odd-value"})
    value = b'"' + b"x" * (request.param * 2**20) + b'"'

    proxy = AdminProxy(
        ory.admin_url,
        lambda _: None,
        lambda body: body.replace(b'"odd-value"', value if body.startswith(b"[") else value[: 2**20] + b'"'),
    )
    ory_auth(ADMIN_URL=proxy.url)
    with proxy.running():
        yield person


def test_a_person_with_huge_traits_can_be_deactivated(ory: Ory, huge: Person) -> None:
    session = huge.app_session()
    identities.deactivate(huge.id)
    assert ory.admin("GET", f"/admin/identities/{huge.id}").json["state"] == "inactive"
    assert ory.public("GET", "/sessions/whoami", headers=session.headers).status == 401


@pytest.mark.usefixtures("cached")
@pytest.mark.parametrize("what", ["one", "all", "deleted"])
def test_the_sessions_of_a_person_with_huge_traits_end(ory: Ory, huge: Person, web: DualClient, what: str) -> None:
    session = huge.app_session()
    assert web.get("/who", headers=session.headers).status_code == 200
    if what == "one":
        identities.revoke_session(session.id)
    elif what == "all":
        assert identities.revoke_sessions(huge.id) == 1
    else:
        identities.delete(huge.id)
    assert ory.public("GET", "/sessions/whoami", headers=session.headers).status == 401
    assert not web.is_signed_in(session.headers)
