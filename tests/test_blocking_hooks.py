"""``BLOCKING_HOOK``: a project refuses a registration or a change, or changes traits, in Ory's format."""

from __future__ import annotations

import gc
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from ory_auth.models import OryWebhookCall
from ory_auth.webhooks import BlockingHook, project_function
from ory_auth.webhooks.jsonnet import BLOCKING
from tests.project import decisions
from tests.support.client import DualClient
from tests.support.types import ChangeSettings, Json, Response
from tests.support.users import make_user

SECRET = "a-secret-of-this-site-1"
FAILED_TEXT = "This is not possible at the moment. Please try again later."

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("ory")]


@pytest.fixture(autouse=True)
def configured(ory_auth: ChangeSettings) -> None:
    ory_auth(WEBHOOK_SECRETS=[SECRET], BLOCKING_HOOK="tests.project.decisions.record")
    decisions.asked.clear()


def registration(email: str = "ada@example.com") -> Json:
    """The body that Kratos makes from our template, in a registration with a password."""
    return {
        "flow": {"id": "7a1c63a0-94b1-4e9c-9d0a-1d1f26d5a1de", "type": "browser", "active": "password"},
        "identity": {
            "id": str(uuid.UUID(int=0)),
            "schema_id": "person",
            "traits": {"email": email, "name": {"first": "A", "last": "B"}, "terms": True},
            "metadata_public": None,
        },
        "session": None,
        "transient_payload": {"invitation": "x"},
        "fields": ["csrf_token", "traits.email", "traits.name.first", "traits.name.last", "password", "method"],
    }


def ask(web: DualClient | Client, body: Any = None, *, after: str = "registration") -> Response:
    headers = {"Authorization": f"Bearer {SECRET}", "Ory-Webhook-Trigger-Id": str(uuid.uuid4())}
    content = json.dumps(registration() if body is None else body)
    response: Response = web.post(
        f"/auth/webhook?after={after}&decide=1", content, content_type="application/json", headers=headers
    )
    return response


def message(text: str, pointer: str = "#/", code: int = 9000001) -> Json:
    return {"instance_ptr": pointer, "messages": [{"id": code, "text": text, "type": "error", "context": {}}]}


def test_the_function_gets_what_ory_is_about_to_save(web: DualClient) -> None:
    answer = ask(web)
    assert (answer.status_code, answer.json()) == (200, {})
    (hook,) = decisions.asked
    assert (hook.flow, hook.method, hook.flow_type, hook.schema_id) == ("registration", "password", "browser", "person")
    assert (hook.identity_id, hook.session_id) == (None, None)  # Ory sends zeros: they do not exist yet
    assert hook.flow_id == uuid.UUID("7a1c63a0-94b1-4e9c-9d0a-1d1f26d5a1de")
    assert hook.traits["email"] == "ada@example.com"
    assert hook.transient_payload == {"invitation": "x"}
    assert "ada" not in repr(hook)


def test_a_refusal_is_shown_beside_the_field(web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(BLOCKING_HOOK="tests.project.decisions.refuse_example_com")
    answer = ask(web)
    text = "Please use your company's address."
    assert (answer.status_code, answer.json()) == (400, {"messages": [message(text, "#/traits/email")]})
    assert ask(web, registration("ada@example.org")).status_code == 200


def test_an_async_function_decides(web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(BLOCKING_HOOK="tests.project.decisions.refuse_in_async_code")
    assert ask(web).json() == {"messages": [message("No.", code=9000042)]}


def test_a_text_for_a_field_that_the_form_lacks_stands_above_the_form(
    web: DualClient, ory_auth: ChangeSettings
) -> None:
    """Ory would add a part without a type to the form, which no page can show."""
    ory_auth(BLOCKING_HOOK="tests.project.decisions.refuse_twice")
    assert ask(web).json() == {"messages": [message("One.", "#/traits/name/first"), message("Two.", "#/")]}


def test_changed_traits_are_sent_with_the_others(web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(BLOCKING_HOOK="tests.project.decisions.change_name")
    traits = {"email": "ada@example.com", "name": {"first": "Ada"}, "terms": True}
    answer = ask(web)
    assert (answer.status_code, answer.json()) == (200, {"identity": {"traits": traits}})


def test_metadata_and_the_external_id_can_be_changed(web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(BLOCKING_HOOK="tests.project.decisions.change_everything")
    changed = {"metadata_public": {"plan": "free"}, "metadata_admin": {"n": 1}, "external_id": "e-1"}
    assert ask(web, after="settings").json() == {"identity": changed}


@pytest.mark.promise("A BLOCKING_HOOK that raises, is slow or returns something else has the configured effect")
@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("raise_error", "why=raised error=ValueError line=tests.project.decisions:"),
        ("be_slow", "why=too_slow"),
        ("be_slow_in_async_code", "why=too_slow"),
        ("answer_nonsense", "why=answer"),
        ("change_to_what_is_no_json", "why=answer error=Object_of_type_object"),
        ("not_a_function", "why=not_callable"),
        ("does_not_exist", "why=import"),
    ],
)
def test_a_function_that_fails_has_the_configured_effect(
    web: DualClient, ory_auth: ChangeSettings, caplog: pytest.LogCaptureFixture, function: str, reason: str
) -> None:
    ory_auth(BLOCKING_HOOK=f"tests.project.decisions.{function}", BLOCKING_HOOK_SECONDS=0.2)
    refused = ask(web)
    assert (refused.status_code, refused.json()) == (400, {"messages": [message(FAILED_TEXT)]})
    ory_auth(BLOCKING_HOOK_FAILURE="allow")
    assert (ask(web).status_code, ask(web).json()) == (200, {})
    assert f"blocking_hook_failed flow=registration default=refuse {reason}" in caplog.text
    assert "ada@example.com" not in caplog.text


def test_functions_that_never_return_do_not_pile_up(
    web: DualClient, ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(project_function, "MAX_AT_ONCE", 1)
    project_function.reset()
    decisions.hanging.clear()
    ory_auth(BLOCKING_HOOK="tests.project.decisions.hang", BLOCKING_HOOK_SECONDS=0.01)
    try:
        for _ in range(10):
            assert ask(web).status_code == 400
        gc.collect()
        waiting = [each for each in gc.get_objects() if type(each) is BlockingHook]
        assert len(waiting) <= 2  # one runs, and the last one may still be in a frame
        assert "why=all_threads_are_busy" in caplog.text
    finally:
        decisions.hanging.set()
    ory_auth(BLOCKING_HOOK="tests.project.decisions.record", BLOCKING_HOOK_SECONDS=5)
    assert ask(web).status_code == 200  # the thread is free again
    project_function.reset()


def test_without_a_function_the_configured_effect_applies(web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(BLOCKING_HOOK=None)
    assert ask(web).status_code == 400


def test_changes_that_ory_would_not_save_are_a_mistake(web: DualClient, ory_auth: ChangeSettings) -> None:
    ory_auth(BLOCKING_HOOK="tests.project.decisions.change_name")
    assert ask(web, after="login").json() == {"messages": [message(FAILED_TEXT)]}


@pytest.mark.parametrize("flow", ["recovery", "verification"])
def test_flows_that_ory_has_finished_are_never_refused(
    web: DualClient, ory_auth: ChangeSettings, flow: str, caplog: pytest.LogCaptureFixture
) -> None:
    ory_auth(BLOCKING_HOOK="tests.project.decisions.refuse_in_async_code")
    assert ask(web, after=flow).status_code == 200
    assert "blocking_hook_failed why=flow" in caplog.text


@pytest.mark.django_db(databases=[])
def test_a_function_can_use_the_database(own_database: None, ory_auth: ChangeSettings) -> None:
    ory_auth(BLOCKING_HOOK="tests.project.decisions.query_the_database")
    try:
        assert ask(Client(), registration("new@example.org")).status_code == 200
        make_user("ada", email="ada@example.com")
        assert ask(Client()).json() == {"messages": [message("Taken.")]}
        assert set(OryWebhookCall.objects.values_list("kind", flat=True)) == {"registration_decision"}
    finally:
        connections.close_all()


def test_visitors_cannot_fill_the_table_of_calls(web: DualClient) -> None:
    """Each form that they send to Ory is a question."""
    for _ in range(3):
        ask(web)
    [call] = OryWebhookCall.objects.all()
    OryWebhookCall.objects.update(received_at=call.received_at - timedelta(hours=1))
    ask(web)
    assert OryWebhookCall.objects.get().received_at >= call.received_at


ODD: dict[str, Any] = {
    "empty": {},
    "lists": {"flow": [], "identity": [], "session": [], "fields": {}, "transient_payload": []},
    "texts": {"flow": "x", "identity": "x", "session": "x", "fields": "x", "transient_payload": "x"},
    "numbers": {"flow": {"id": 1, "active": 2}, "identity": {"id": 3, "traits": 4}, "fields": [1, None]},
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD.keys())
def test_an_odd_body_is_still_answered(web: DualClient, body: Json) -> None:
    assert ask(web, body).status_code == 200
    assert decisions.asked[0].traits == {}


def test_the_template_sends_no_cookies_headers_or_passwords() -> None:
    assert not {"cookies", "headers", "password"} & set(BLOCKING.replace("_", " ").split())
    assert "attributes.value" not in BLOCKING
