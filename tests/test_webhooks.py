"""``ory_auth:webhook``: Ory calls, the admin API confirms, and the user, the caches and the signals follow."""

from __future__ import annotations

import json
import uuid
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from ory_auth.local import LocalOry
from ory_auth.models import OryIdentity, OrySignIn, OryWebhookCall
from ory_auth.signals import identity_changed, identity_deleted, session_ended
from ory_auth.users import delete_user
from ory_auth.webhooks import deliveries, right_server
from tests.support.admin_proxy import AdminProxy
from tests.support.client import DualClient
from tests.support.ory import Ory, Person
from tests.support.types import ChangeSettings, Json, Response, User
from tests.support.users import new_address, user_of

SECRET, OLD_SECRET = "a-secret-of-this-site-1", "a-secret-of-this-site-0"
PATH = "/auth/webhook"

pytestmark = pytest.mark.django_db(transaction=True)
Names = list[str]


@pytest.fixture(autouse=True)
def configured(ory_auth: ChangeSettings) -> None:
    ory_auth(WEBHOOK_SECRETS=[SECRET, OLD_SECRET])
    right_server.reset()
    deliveries.reset()


@pytest.fixture
def received() -> Iterator[Names]:
    """The names of the signals that were sent."""
    names: Names = []
    receivers = {
        identity_changed: lambda **_: names.append("changed"),
        identity_deleted: lambda **_: names.append("deleted"),
        session_ended: lambda **_: names.append("ended"),
    }
    for signal, receiver in receivers.items():
        signal.connect(receiver)
    yield names
    for signal, receiver in receivers.items():
        signal.disconnect(receiver)


@pytest.fixture
def visitor(ory: Ory, web: DualClient) -> Person:
    """A person who has a user here."""
    person = ory.person()
    assert web.get("/who", headers=person.app_session().headers).status_code == 200
    return person


def hook(
    web: DualClient | Client, body: object, *, after: str = "settings", secret: str = SECRET, key: str = ""
) -> Response:
    """Call the view as Kratos does."""
    headers = {"Authorization": f"Bearer {secret}", "Ory-Webhook-Trigger-Id": key or str(uuid.uuid4())}
    path = f"{PATH}?after={after}" if after else PATH
    response: Response = web.post(path, json.dumps(body), content_type="application/json", headers=headers)
    return response


def about(person: Person, session_id: str = "") -> Json:
    """The body of a hook about this person."""
    return {
        "flow": {"id": str(uuid.uuid4()), "type": "browser"},
        "identity": {"id": person.id},
        "session": {"id": session_id} if session_id else None,
    }


def event(name: str, **attributes: str) -> Json:
    """A live event of Ory Network."""
    now = datetime.now(UTC).isoformat()
    return {"name": name, "version": "1", "timestamp": now, "projectId": "p", "eventAttributes": attributes}


# --- effects ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", ["login", "unknown person"])
def test_the_answer_has_no_body(web: DualClient, visitor: Person, ory: Ory, after: str) -> None:
    """With ``response.ignore``, Kratos never reads a body, and an unread body keeps the connection open."""
    answer = hook(web, about(visitor if after == "login" else ory.person()))
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("flow", ["login", "registration", "settings", "recovery", "verification"])
def test_a_hook_of_each_flow_updates_the_user(web: DualClient, visitor: Person, flow: str, received: Names) -> None:
    visitor.patch("/traits/email", address := new_address())
    assert hook(web, about(visitor), after=flow).status_code == 204
    assert user_of(visitor).email == address
    assert received == ["changed"]


@pytest.mark.usefixtures("cached")
def test_a_hook_drops_the_cached_sessions_of_the_person(ory: Ory, web: DualClient) -> None:
    person, other = ory.person(), ory.person()
    session, others = person.app_session(), other.app_session()
    for each in (session, others):
        assert web.get("/who", headers=each.headers).status_code == 200
    person.deactivate()
    assert web.is_signed_in(session.headers)  # from the cache
    assert hook(web, about(person)).status_code == 204
    assert not web.is_signed_in(session.headers)
    assert web.is_signed_in(others.headers)


@pytest.mark.promise("A web hook changes nothing that Ory's admin API does not confirm")
def test_values_in_the_body_are_not_believed(web: DualClient, visitor: Person, received: Names) -> None:
    forged = about(visitor)
    forged["identity"] |= {
        "traits": {"email": "thor@example.org"},
        "state": "inactive",
        "updated_at": "2099-01-01T00:00:00Z",
    }
    assert hook(web, forged).status_code == 204
    assert user_of(visitor).email == visitor.email
    assert OryIdentity.objects.get().state == "active"


def test_a_person_who_was_never_here_gets_no_user(ory: Ory, web: DualClient, received: Names) -> None:
    assert hook(web, about(ory.person()), after="registration").status_code == 204
    assert not User.objects.exists()
    assert received == []


def test_a_user_is_created_if_the_project_wants_that(ory: Ory, web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(WEBHOOK_CREATES_USERS=True)
    person = ory.person()
    assert hook(web, about(person), after="registration").status_code == 204
    assert user_of(person).email == person.email


def test_a_user_who_was_deleted_here_is_not_created_again(
    web: DualClient, visitor: Person, ory_auth: ChangeSettings
) -> None:
    ory_auth(WEBHOOK_CREATES_USERS=True)
    delete_user(user_of(visitor))
    assert hook(web, about(visitor)).status_code == 204
    assert not User.objects.exists()


def test_a_hook_before_the_identity_exists_changes_nothing(web: DualClient, received: Names) -> None:
    body = {"flow": {"id": str(uuid.uuid4())}, "identity": {"id": str(uuid.UUID(int=0))}, "session": None}
    assert hook(web, body, after="registration").status_code == 204
    assert received == []


# --- live events of Ory Network -----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["IdentityID", "identity_id"])
def test_an_event_updates_the_user(web: DualClient, visitor: Person, key: str) -> None:
    visitor.patch("/traits/email", address := new_address())
    assert hook(web, event("IdentityUpdated", **{key: visitor.id}), after="").status_code == 204
    assert user_of(visitor).email == address


@pytest.mark.usefixtures("cached")
def test_an_event_about_a_deleted_identity_ends_its_sessions(ory: Ory, web: DualClient, received: Names) -> None:
    person, witness = ory.person(), ory.person()
    session = person.app_session()
    for each in (session, witness.app_session()):
        assert web.get("/who", headers=each.headers).status_code == 200
    person.delete()
    assert web.is_signed_in(session.headers)  # from the cache
    assert hook(web, event("IdentityDeleted", IdentityID=person.id), after="").status_code == 204
    assert not web.is_signed_in(session.headers)
    assert OryIdentity.objects.get(pk=person.id).deleted_at is not None
    assert received == ["deleted"]


def test_an_event_about_a_deletion_that_did_not_happen_deletes_nothing(
    web: DualClient, visitor: Person, received: Names
) -> None:
    assert hook(web, event("IdentityDeleted", IdentityID=visitor.id), after="").status_code == 204
    assert OryIdentity.objects.get().deleted_at is None
    assert "deleted" not in received


@pytest.mark.usefixtures("cached")
def test_an_event_about_a_revoked_session_ends_it_here(ory: Ory, web: DualClient, received: Names) -> None:
    session = ory.person().app_session()
    assert web.get("/who", headers=session.headers).status_code == 200
    still_valid = hook(web, event("SessionRevoked", SessionID=session.id), after="")
    assert (still_valid.status_code, web.is_signed_in(session.headers)) == (503, True)
    session.revoke()
    assert web.is_signed_in(session.headers)  # from the cache
    assert hook(web, event("SessionRevoked", SessionID=session.id), after="").status_code == 204
    assert not web.is_signed_in(session.headers)
    assert received == ["ended"]
    assert not OrySignIn.objects.exists()


def test_other_events_cost_neither_a_query_nor_a_call(
    ory: Ory,
    web: DualClient,
    visitor: Person,
    local_ory: LocalOry,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    before = len(local_ory.requests)
    with django_assert_max_num_queries(0):
        assert hook(web, event("SessionChecked", IdentityID=visitor.id), after="").status_code == 204
    assert len(local_ory.requests) == before


# --- repeated, at once, out of order ------------------------------------------------------------------------------


def test_the_same_call_twice_is_carried_out_once(
    web: DualClient, visitor: Person, local_ory: LocalOry, received: Names
) -> None:
    visitor.patch("/traits/email", new_address())
    key, body = str(uuid.uuid4()), about(visitor)
    assert hook(web, body, key=key).status_code == 204
    before = len(local_ory.requests)
    assert hook(web, body, key=key).status_code == 204
    assert len(local_ory.requests) == before
    assert received == ["changed"]
    assert OryWebhookCall.objects.count() == 1


def test_the_same_event_twice_is_carried_out_once(web: DualClient, visitor: Person, local_ory: LocalOry) -> None:
    body = event("IdentityUpdated", IdentityID=visitor.id)
    hook(web, body, after="")
    before = len(local_ory.requests)
    hook(web, dict(reversed(body.items())), after="")  # in other bytes, and under another trigger ID
    assert len(local_ory.requests) == before


@pytest.mark.django_db(databases=[])
@pytest.mark.parametrize("own_key", [False, True], ids=["the same call", "different calls"])
def test_many_at_once_have_the_effect_of_one(
    ory: Ory, own_database: None, received: Names, own_key: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="ory_auth")
    person = ory.person()
    assert Client().get("/who", headers=person.app_session().headers).status_code == 200
    person.patch("/traits/email", address := new_address())
    key, body = str(uuid.uuid4()), about(person)

    def call(_: int) -> int:
        try:
            return hook(Client(), body, key="" if own_key else key).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(call, range(8))) == {204}
    assert user_of(person).email == address
    assert received == ["changed"]
    assert OryWebhookCall.objects.count() == caplog.text.count("webhook_received") == (8 if own_key else 1)


def test_a_late_hook_does_not_bring_back_an_older_state(web: DualClient, visitor: Person) -> None:
    late = about(visitor)
    visitor.patch("/traits/email", address := new_address())
    for body in (about(visitor), late):
        assert hook(web, body).status_code == 204
    assert user_of(visitor).email == address


def test_a_hook_after_the_deletion_changes_nothing(ory: Ory, web: DualClient, visitor: Person) -> None:
    assert web.get("/who", headers=ory.person().app_session().headers).status_code == 200
    visitor.delete()
    assert hook(web, event("IdentityDeleted", IdentityID=visitor.id), after="").status_code == 204
    assert hook(web, about(visitor)).status_code == 204
    assert OryIdentity.objects.get(pk=visitor.id).deleted_at is not None


def test_old_rows_are_deleted_and_the_newest_of_each_kind_stays(web: DualClient, visitor: Person) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=3)
    for number, kind in enumerate(["settings", "recovery", "recovery"]):
        at = long_ago + timedelta(hours=number)
        OryWebhookCall.objects.create(pk=f"old-{number}", kind=kind, received_at=at)
    assert hook(web, about(visitor)).status_code == 204
    assert list(OryWebhookCall.objects.exclude(kind="settings").values_list("pk", flat=True)) == ["old-2"]
    assert OryWebhookCall.objects.filter(kind="settings").count() == 1


# --- outages ------------------------------------------------------------------------------------------------------


@pytest.mark.promise("A web hook that could not be carried out is not remembered")
def test_while_ory_is_down_the_call_is_to_be_repeated(
    web: DualClient, visitor: Person, local_ory: LocalOry, received: Names
) -> None:
    visitor.patch("/traits/email", address := new_address())
    key, body = str(uuid.uuid4()), about(visitor)
    with local_ory.failing(503, path=f"/admin/identities/{visitor.id}"):
        refused = hook(web, body, key=key)
    assert (refused.status_code, refused["Retry-After"]) == (503, "2")
    assert not OryWebhookCall.objects.exists()
    assert user_of(visitor).email == visitor.email
    assert hook(web, body, key=key).status_code == 204
    assert user_of(visitor).email == address


@pytest.mark.django_db(databases=[])
@pytest.mark.promise("Web hooks use at most half of the connections to the admin API")
def test_a_storm_leaves_connections_to_the_admin_api_for_people(
    local_ory: LocalOry, ory: Ory, ory_auth: ChangeSettings, file_database: object
) -> None:
    ory_auth(MAX_CONNECTIONS=4)
    person = ory.person()
    assert Client().get("/who", headers=person.app_session().headers).status_code == 200

    begin = Barrier(8)

    def call(_: int) -> tuple[int, str | None]:
        begin.wait(10)
        try:
            answer = hook(Client(), about(person))
            return answer.status_code, answer.get("Retry-After")
        finally:
            connections.close_all()

    path = f"/admin/identities/{person.id}"
    with local_ory.slow(1.0, path=path), ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(call, range(8)))
    assert len(ory.requests_to(path)) == 2
    assert sorted(answers, key=str) == [(204, None)] * 2 + [(503, "1")] * 6


def test_while_the_database_is_down_the_call_is_to_be_repeated(
    web: DualClient, visitor: Person, caplog: pytest.LogCaptureFixture
) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("ALTER TABLE ory_auth_orywebhookcall RENAME TO gone")
    try:
        assert hook(web, about(visitor)).status_code == 503
    finally:
        with connections["default"].cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO ory_auth_orywebhookcall")
    assert "migrations_missing" in caplog.text


def test_a_person_with_huge_traits_does_not_hold_up_deletions(
    ory: Ory, web: DualClient, visitor: Person, received: Names, ory_auth: ChangeSettings
) -> None:
    """Whether this is the right server is tried out with identities such as theirs."""
    huge = ory.person(name={"first": "odd-value"})
    web.get("/who", headers=huge.app_session().headers)
    visitor.delete()
    value = b'"' + b"x" * 1_100_000 + b'"'
    proxy = AdminProxy(ory.admin_url, lambda _: None, lambda body: body.replace(b'"odd-value"', value))
    ory_auth(ADMIN_URL=proxy.url)
    with proxy.running():
        assert hook(web, event("IdentityDeleted", IdentityID=visitor.id), after="").status_code == 204
    assert received == ["deleted"]


@pytest.mark.promise("A wrong ADMIN_URL deletes nothing")
@pytest.mark.parametrize("name", ["IdentityDeleted", "IdentityUpdated"])
def test_an_admin_api_without_the_identities_of_this_site_deletes_nothing(
    ory: Ory, web: DualClient, name: str, received: Names
) -> None:
    now = datetime.now(UTC)
    for _ in range(2):  # as if ADMIN_URL were that of another project
        OryIdentity.objects.create(id=uuid.uuid4(), updated_at=now, authenticated_at=now)
    missing = OryIdentity.objects.earliest("pk")
    assert hook(web, event(name, IdentityID=str(missing.pk)), after="").status_code == 503
    assert OryIdentity.objects.filter(deleted_at=None).count() == 2
    assert received == []


# --- who may call -------------------------------------------------------------------------------------------------


def basic(password: str) -> str:
    return "Basic " + b64encode(f"ory:{password}".encode()).decode()


@pytest.mark.django_db
@pytest.mark.parametrize("header", [f"Bearer {SECRET}", f"bearer {OLD_SECRET}", basic(SECRET)])
def test_each_secret_counts_as_a_token_and_as_a_password(client: Client, visitor: Person, header: str) -> None:
    content = json.dumps(about(visitor))
    answer = client.post(
        f"{PATH}?after=login", content, content_type="application/json", headers={"Authorization": header}
    )
    assert answer.status_code == 204


WRONG = {
    "none": None,
    "empty": "",
    "no scheme": SECRET,
    "another": "Bearer another-secret-of-16",
    "a part": f"Bearer {SECRET[:-1]}",
    "longer": f"Bearer {SECRET}1",
    "both": f"Bearer {SECRET},{OLD_SECRET}",
    "as the name": "Basic " + b64encode(f"{SECRET}:".encode()).decode(),
    "not base64": "Basic ????",
    "not ASCII": "Bearer é",
    "empty password": basic(""),
}


@pytest.mark.django_db
@pytest.mark.promise("A web hook without a valid secret costs no query and no call to Ory")
@pytest.mark.parametrize("header", WRONG.values(), ids=WRONG.keys())
def test_a_call_without_a_secret_costs_nothing(
    client: Client,
    ory: Ory,
    local_ory: LocalOry,
    header: str | None,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    body, before = json.dumps(about(ory.person())), len(local_ory.requests)
    headers = {} if header is None else {"Authorization": header}
    with django_assert_max_num_queries(0):
        answer = client.post(f"{PATH}?after=login", body, content_type="application/json", headers=headers)
    assert answer.status_code == 401
    assert len(local_ory.requests) == before


def test_the_view_does_not_exist_without_secrets(client: Client, settings: Settings) -> None:
    settings.ORY_AUTH = {key: value for key, value in settings.ORY_AUTH.items() if key != "WEBHOOK_SECRETS"}
    assert client.post(PATH, "{}", content_type="application/json").status_code == 404


def test_a_call_needs_no_csrf_token(csrf_web: DualClient, ory: Ory) -> None:
    assert hook(csrf_web, about(ory.person())).status_code == 204


def test_only_post_is_allowed(client: Client) -> None:
    answer = client.get(f"{PATH}?after=login", headers={"Authorization": f"Bearer {SECRET}"})
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


# --- hostile bodies, from a caller who knows the secret -----------------------------------------------------------

PERSON = "3f0bd1b2-1c5a-4f0e-9d0b-1f4a7a1b2c3d"
BAD_BODIES: dict[str, str | bytes] = {
    "nothing": "",
    "text": "hello",
    "a number": "1",
    "a list": "[]",
    "null": "null",
    "a form": "identity=1",
    "half": '{"identity": {"id": "',
    "not UTF-8": b'{"a": "\xff"}',
    "deep": "[" * 100_000,
}
ODD_BODIES: dict[str, Any] = {
    "empty": {},
    "identity is a list": {"identity": [PERSON]},
    "identity is a text": {"identity": PERSON},
    "id is a number": {"identity": {"id": 1}},
    "id is an object": {"identity": {"id": {"$ne": None}}},
    "id is a path": {"identity": {"id": "../sessions"}},
    "id with a query": {"identity": {"id": f"{PERSON}?include_credential=password"}},
    "id with a line break": {"identity": {"id": f"{PERSON}\r\nX: y"}},
    "id of zeros": {"identity": {"id": str(uuid.UUID(int=0))}},
    "id of a person whom Ory does not know": {"identity": {"id": PERSON}},
    "long id": {"identity": {"id": "a" * 100_000}},
}


@pytest.mark.django_db
@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
@pytest.mark.parametrize("query", ["?after=login", "", "?after=login&decide=1"])
def test_a_body_that_is_no_json_object_is_refused(client: Client, body: str | bytes, query: str) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    answer = client.post(PATH + query, body, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "webhook_refused")


@pytest.mark.django_db
@pytest.mark.parametrize("body", ODD_BODIES.values(), ids=ODD_BODIES.keys())
@pytest.mark.usefixtures("ory")
def test_an_odd_body_changes_nothing(
    client: Client, local_ory: LocalOry, body: Json, received: Names, ory_auth: ChangeSettings
) -> None:
    ory_auth(WEBHOOK_CREATES_USERS=True)
    assert hook(client, body).status_code in {204, 503}
    assert {request.path for request in local_ory.requests} <= {f"/admin/identities/{PERSON}"}
    assert received == []
    assert not User.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("after", ["nothing", "login/../x", "LOGIN", "logout"])
def test_an_unknown_flow_is_refused(client: Client, after: str) -> None:
    assert hook(client, {}, after=after).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("name", [None, 1, "", "a b", "x" * 65, ["IdentityDeleted"], "Identity\nDeleted"])
def test_an_event_with_an_odd_name_is_refused(client: Client, name: object) -> None:
    assert hook(client, {"name": name}, after="").status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("attributes", [None, [], "x", {"IdentityID": 1}, {"IdentityID": {"IdentityID": [PERSON]}}])
def test_an_event_without_a_readable_id_changes_nothing(client: Client, attributes: object, received: Names) -> None:
    body = {"name": "IdentityDeleted", "eventAttributes": attributes}
    assert hook(client, body, after="").status_code == 204
    assert received == []


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x", "a" * 65, "å" * 20, "'; --", "null"])
def test_an_odd_trigger_id_is_not_used(client: Client, visitor: Person, key: str) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "Ory-Webhook-Trigger-Id": key}
    body = about(visitor)
    for _ in range(2):  # such as two changes in one settings flow
        visitor.patch("/traits/email", address := new_address())
        answer = client.post(f"{PATH}?after=settings", body, content_type="application/json", headers=headers)
        assert answer.status_code == 204
        assert user_of(visitor).email == address


@pytest.mark.django_db
def test_events_without_a_time_are_not_taken_for_one(client: Client, visitor: Person) -> None:
    body = event("IdentityUpdated", IdentityID=visitor.id)
    del body["timestamp"]
    for _ in range(2):
        visitor.patch("/traits/email", address := new_address())
        assert hook(client, body, after="").status_code == 204
        assert user_of(visitor).email == address


def test_a_large_body_is_refused_and_a_body_at_the_limit_is_not(client: Client, ory: Ory) -> None:
    body = about(ory.person())
    room = 256 * 1024 - len(json.dumps({**body, "x": ""}))
    assert hook(client, {**body, "x": "x" * room}).status_code == 204
    assert hook(client, {**body, "x": "x" * (room + 1)}).status_code == 413


# --- the log ------------------------------------------------------------------------------------------------------


def test_the_log_says_what_arrived_and_what_was_refused(
    client: Client, visitor: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="ory_auth")
    hook(client, about(visitor))
    hook(client, about(visitor), secret="not-the-right-secret")
    assert f"webhook_received kind=settings id={visitor.id}" in caplog.text
    assert "webhook_refused reason=secret status=401" in caplog.text
    assert "not-the-right-secret" not in caplog.text
    assert SECRET not in caplog.text
