"""Web hooks as ``manage.py ory_webhooks`` prints them: Ory calls this site over HTTP, after each flow and before.

With a real Kratos at ``ORY_TEST_PUBLIC_URL``, set ``ORY_TEST_HOOK_URL`` to the site for which the hooks were printed
(with ``--blocking``, and the secret of this module). This site then listens there.
"""

from __future__ import annotations

import io
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import Client

from ory_auth.local import LocalOry
from ory_auth.models import OryWebhookCall
from ory_auth.webhooks import deliveries, right_server
from tests.project import decisions
from tests.support.ory import PASSWORD, Ory, Person, Session
from tests.support.types import ChangeSettings, Json
from tests.support.users import new_address, user_of

SECRET = "a-secret-of-this-site-1"
SECONDS = 1.0  # in which a change at Ory shows here

pytestmark = pytest.mark.django_db(databases=[])


class Server(WSGIServer):
    """One request after the other, each in the thread of the server, which closes its connections at the end."""

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        connections.close_all()


class Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site(ory: Ory, ory_auth: ChangeSettings, file_database: object) -> Iterator[str]:
    """This site, listening where Ory calls it."""
    url = os.environ.get("ORY_TEST_HOOK_URL", "")
    if ory.local is None and not url:
        pytest.skip("ORY_TEST_HOOK_URL does not name the site that this Kratos calls")
    ory_auth(WEBHOOK_SECRETS=[SECRET], BLOCKING_HOOK="tests.project.decisions.refuse_example_com")
    right_server.reset()
    deliveries.reset()
    server = Server(("127.0.0.1", urlsplit(url).port or 0), Handler)
    server.set_app(get_wsgi_application())
    address = f"http://127.0.0.1:{server.server_port}"
    if ory.local is not None:
        ory.local.configure(hooks=print_hooks(address), hook_retry_seconds=0.01, code_passwordless_enabled=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield address
    server.shutdown()
    server.server_close()
    thread.join()
    connections.close_all()


def print_hooks(address: str) -> Json:
    out = io.StringIO()
    options = ("--site", address, "--blocking", "--format", "json", "--show-secret")
    call_command("ory_webhooks", *options, stdout=out, stderr=io.StringIO())
    hooks: Json = json.loads(out.getvalue())
    return hooks


def wait_for(condition: Callable[[], bool], seconds: float = SECONDS) -> bool:
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def arrived() -> list[str]:
    """The kinds of the calls that were carried out."""
    return sorted(OryWebhookCall.objects.values_list("kind", flat=True))


def visit(session: Session) -> None:
    assert Client().get("/who", headers=session.headers).status_code == 200


def change_profile(session: Session, email: str) -> tuple[int, Json]:
    flow = session.get("/self-service/settings/browser").json
    reply = session.submit("settings", flow, {"method": "profile", "traits": {"email": email}})
    return reply.status, reply.json


def register(ory: Ory, email: str) -> tuple[int, Json, Session]:
    session = Session(Person(ory, "", email, PASSWORD), "", jar={})
    flow = session.get("/self-service/registration/browser").json
    reply = session.submit(
        "registration", flow, {"method": "password", "password": PASSWORD, "traits": {"email": email}}
    )
    return reply.status, reply.json, session


def messages_in(flow: Json) -> list[tuple[str, str]]:
    """The texts beside the fields of a form."""
    return [(n["attributes"].get("name", ""), m["text"]) for n in flow["ui"]["nodes"] for m in n["messages"]]


@pytest.mark.promise("A change at Ory shows here within a second, if Ory calls the web hook")
def test_a_change_at_ory_shows_in_django_within_a_second(ory: Ory, site: str) -> None:
    session = ory.person().browser_session()
    visit(session)
    status, _ = change_profile(session, address := new_address())
    assert status == 200
    assert wait_for(lambda: user_of(session.person).email == address)


def test_each_flow_calls_this_site(ory: Ory, site: str) -> None:
    status, reply, session = register(ory, email := new_address())
    assert status == 200
    session.person.id = reply["identity"]["id"]
    visit(session)
    assert wait_for(lambda: "registration" in arrived())
    status, _ = change_profile(session, email)
    assert status == 200
    session.person.browser_session()
    session.set_up_totp()
    expected = ["login", "registration", "settings", "settings"]
    assert wait_for(lambda: [kind for kind in arrived() if not kind.endswith("_decision")] == expected, 3)
    assert {"registration_decision", "settings_decision"} <= set(arrived())


@pytest.mark.parametrize("flow", ["recovery", "verification"])
def test_a_code_that_was_entered_calls_this_site(ory: Ory, site: str, flow: str) -> None:
    if ory.local is None:
        pytest.skip("reads the mailbox of the local Ory")
    person = ory.person()
    visit(person.app_session())
    session = Session(person, "", jar={})
    begun = session.get(f"/self-service/{flow}/browser").json
    sent = session.submit(flow, begun, {"method": "code", "email": person.email}).json
    code = ory.local.mailbox.latest(person.email).code
    session.submit(flow, sent, {"method": "code", "code": code})
    assert wait_for(lambda: flow in arrived())


def test_a_registration_is_refused_beside_its_field(ory: Ory, site: str) -> None:
    status, reply, _ = register(ory, f"{new_address().partition('@')[0]}@example.com")
    assert status == 400
    assert messages_in(reply) == [("traits.email", "Please use your company's address.")]


def test_a_change_is_refused_and_not_saved(ory: Ory, site: str) -> None:
    session = ory.person().browser_session()
    visit(session)
    status, reply = change_profile(session, f"{new_address().partition('@')[0]}@example.com")
    assert status == 400
    assert ("traits.email", "Please use your company's address.") in messages_in(reply)
    assert session.whoami()["identity"]["traits"]["email"] == session.person.email


def test_changed_traits_are_saved_at_ory(ory: Ory, site: str, ory_auth: ChangeSettings) -> None:
    ory_auth(BLOCKING_HOOK="tests.project.decisions.change_name")
    status, reply, _ = register(ory, email := new_address())
    assert status == 200
    assert reply["identity"]["traits"] == {"email": email, "name": {"first": "Ada"}}


def test_the_function_gets_the_names_of_the_fields(ory: Ory, site: str, ory_auth: ChangeSettings) -> None:
    ory_auth(BLOCKING_HOOK="tests.project.decisions.record")
    decisions.asked.clear()
    register(ory, new_address())
    (hook,) = decisions.asked
    assert (hook.flow, hook.identity_id, hook.schema_id) == ("registration", None, "person")
    assert {"traits.email", "traits.name.first"} <= hook.fields


# --- live events of Ory Network, which report what administrators do -------------------------------------------------


@pytest.fixture
def events(site: str, local_ory: LocalOry) -> None:
    """Ory sends live events to this site, and calls no hooks."""
    auth = {"type": "api_key", "config": {"name": "Authorization", "value": f"Bearer {SECRET}", "in": "header"}}
    local_ory.configure(hooks={}, events={"url": f"{site}/auth/webhook", "auth": auth})


@pytest.mark.usefixtures("events")
def test_a_change_by_an_administrator_shows_in_django_within_a_second(ory: Ory) -> None:
    person = ory.person()
    visit(person.app_session())
    person.patch("/traits/email", address := new_address())
    assert wait_for(lambda: user_of(person).email == address)


@pytest.mark.usefixtures("events", "cached")
@pytest.mark.parametrize("end", ["revoked", "deactivated", "deleted"])
def test_a_session_that_an_administrator_has_ended_is_refused_within_a_second(ory: Ory, end: str) -> None:
    witness, person = ory.person(), ory.person()
    session = person.app_session()
    for each in (witness.app_session(), session):
        visit(each)
    {"revoked": session.revoke, "deactivated": person.deactivate, "deleted": person.delete}[end]()
    web = Client()
    assert wait_for(lambda: web.get("/session", headers=session.headers).json()["session"] is None)


# --- over HTTP, without Ory -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ("Content-Length: 300000", b"{}", 413),  # refused before it is read
        ("Content-Length: 10", b"{}", 400),  # ends early
        ("Content-Length: 1", b'{"name": "IdentityDeleted"}', 400),  # goes on
        (f"Content-Length: {'0' * 5000}2", b"{}", 413),
        ("Content-Length: abc", b"{}", 400),
        ("Content-Length: -1", b"{}", 400),
        ("", b"{}", 400),
    ],
    ids=["huge", "too long", "too short", "many digits", "no number", "negative", "none"],
)
def test_a_content_length_that_lies_changes_nothing(site: str, headers: str, body: bytes, status: int) -> None:
    parts = urlsplit(site)
    head = [f"POST /auth/webhook?after=login HTTP/1.1\r\nHost: {parts.netloc}", f"Authorization: Bearer {SECRET}"]
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=5) as connection:
        connection.sendall(("\r\n".join([*head, *([headers] if headers else [])]) + "\r\n\r\n").encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.makefile("rb").readline()
    assert int(answer.split()[1]) == status
    assert arrived() == []
