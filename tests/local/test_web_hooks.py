"""Web hooks, beyond the recordings: what the application sees and may do during a call, and the live events."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ory_auth.local import LocalOry
from ory_auth.local.model.jsonnet import JsonnetError, evaluate

from .application import Answer, Application
from .hook_variants import EVERYTHING, QUICK, hook
from .visits import ADA, BOB, PASSWORD, Response, Visitor, Visits

NO_ID = "00000000-0000-0000-0000-000000000000"
REFUSAL = {"messages": [{"instance_ptr": "#/traits/email", "messages": [{"id": 1, "text": "No.", "type": "error"}]}]}


def sign_up(visits: Visits, email: str = ADA) -> Response:
    flow = visits.native_flow("registration")
    content = {"method": "password", "password": PASSWORD, "traits": {"email": email}}
    return visits.request_public("POST", f"/self-service/registration?flow={flow.id}", Visitor(), **content)


def configure(ory: LocalOry, application: Application, kind: str, method: str, **more: Any) -> None:
    """One hook after a flow of this kind, for this method or, if it is empty, for all."""
    hooks = {"hooks": [hook(f"{application.url}/called", EVERYTHING, **more)]}
    ory.configure(hooks={kind: {"after": {method: hooks} if method else hooks}}, **QUICK)


class TestIDs:
    def test_a_notice_of_a_registration_has_the_real_identity(
        self, visits: Visits, local_ory: LocalOry, application: Application
    ) -> None:
        configure(local_ory, application, "registration", "password")
        assert application_saw_id(application, sign_up(visits))

    def test_a_blocking_hook_of_a_registration_has_no_id(
        self, visits: Visits, local_ory: LocalOry, application: Application
    ) -> None:
        configure(local_ory, application, "registration", "password", response={"parse": True})
        sign_up(visits)
        assert application.calls[0].body["identity"]["id"] == NO_ID

    @pytest.mark.parametrize(("response", "has_id"), [({"ignore": True}, True), ({}, False)])
    def test_only_an_ignored_answer_gets_the_id_of_a_new_session(
        self, visits: Visits, local_ory: LocalOry, application: Application, response: dict[str, bool], has_id: bool
    ) -> None:
        configure(local_ory, application, "login", "password", response=response)
        visits.person()
        app = visits.app()
        session = visits.request_public("GET", "/sessions/whoami", app).content
        assert application.wait_for_call().body["session"]["id"] == (session["id"] if has_id else NO_ID)


def application_saw_id(application: Application, response: Response) -> bool:
    return bool(application.calls[0].body["identity"]["id"] == response.content["identity"]["id"])


class TestLists:
    @pytest.mark.parametrize(("kind", "parse", "calls"), [
        ("registration", True, 0), ("registration", False, 1), ("login", True, 1), ("login", False, 1),
    ])  # fmt: skip
    def test_blocking_hooks_for_all_methods_are_never_called_for_a_registration(
        self, visits: Visits, local_ory: LocalOry, application: Application, kind: str, parse: bool, calls: int
    ) -> None:
        configure(local_ory, application, kind, "", response={"parse": parse})
        sign_up(visits)
        visits.app()
        assert len(application.calls) == calls

    def test_a_list_of_the_method_replaces_the_list_for_all(
        self, visits: Visits, local_ory: LocalOry, application: Application
    ) -> None:
        configure(local_ory, application, "registration", "")
        hooks = local_ory.state.config.hooks
        hooks["registration"]["after"]["password"] = {"hooks": [{"hook": "session"}]}
        assert "session_token" in sign_up(visits).content
        assert application.calls == []

    def test_the_switch_for_the_session_hook_counts_as_such_a_list(
        self, visits: Visits, local_ory: LocalOry, application: Application
    ) -> None:
        configure(local_ory, application, "registration", "")
        local_ory.configure(registration_session_hook=True)
        sign_up(visits)
        assert application.calls == []

    def test_the_whole_configuration_of_kratos_is_accepted(
        self, visits: Visits, local_ory: LocalOry, application: Application
    ) -> None:
        configure(local_ory, application, "registration", "password")
        local_ory.configure(hooks={"selfservice": {"flows": local_ory.state.config.hooks}})
        sign_up(visits)
        assert len(application.calls) == 1


class TestDuringACall:
    def test_the_application_can_ask_the_admin_api(
        self, visits: Visits, local_ory: LocalOry, application: Application
    ) -> None:
        configure(local_ory, application, "settings", "profile", response={"parse": True})
        ada = visits.person()
        browser = visits.browser()
        flow = visits.flow("settings", browser)
        seen: list[Any] = []

        def ask() -> None:
            seen.append(visits.request(Visitor(), "GET", f"{local_ory.admin_url}/admin/identities/{ada}").content)

        application.during_call = ask
        visits.settings(browser, flow, method="profile", traits={"email": BOB})
        assert seen[0]["traits"] == {"email": ADA}, "the change is not saved yet"
        assert application.calls[0].body["identity"]["traits"] == {"email": BOB, "name": {}}

    def test_other_people_are_served(self, visits: Visits, local_ory: LocalOry, application: Application) -> None:
        configure(local_ory, application, "registration", "password")
        answered, called = threading.Event(), threading.Event()

        def wait() -> None:
            called.set()
            answered.wait(5)

        application.during_call = wait
        thread = threading.Thread(target=sign_up, args=(visits,))
        thread.start()
        assert called.wait(5)
        assert visits.request_public("GET", "/health/ready", Visitor()).status == 200
        assert visits.request_public("GET", "/self-service/login/api", Visitor()).status == 200
        answered.set()
        thread.join()


class TestRefusals:
    def test_a_change_of_the_settings_is_not_saved(
        self, visits: Visits, local_ory: LocalOry, application: Application
    ) -> None:
        configure(local_ory, application, "settings", "totp", response={"parse": True})
        application.default = Answer(400, REFUSAL)
        ada = visits.person()
        browser = visits.browser()
        visits.set_up_totp(browser)
        stored = visits.request(Visitor(), "GET", f"{local_ory.admin_url}/admin/identities/{ada}").content
        assert "totp" not in stored["credentials"]
        session = visits.request_public("GET", "/sessions/whoami", browser).content
        assert session["authenticator_assurance_level"] == "aal1"

    def test_a_notice_that_is_refused_leaves_the_identity_but_signs_no_one_in(
        self, visits: Visits, local_ory: LocalOry, application: Application
    ) -> None:
        configure(local_ory, application, "registration", "password")
        application.default = Answer(403)
        browser = Visitor()
        flow = visits.flow("registration", browser)
        content = {"csrf_token": flow.csrf_token, "method": "password", "password": PASSWORD, "traits": {"email": ADA}}
        refused = visits.request_public("POST", f"/self-service/registration?flow={flow.id}", browser, **content)
        assert refused.status == 502
        assert local_ory.find_identity(ADA)
        assert visits.request_public("GET", "/sessions/whoami", browser).status == 401

    def test_a_failing_hook_is_tried_three_times_with_the_same_trigger_id(
        self, visits: Visits, local_ory: LocalOry, application: Application
    ) -> None:
        configure(local_ory, application, "registration", "password", response={"parse": True})
        application.default = Answer(503)
        assert sign_up(visits).status == 400
        triggers = {call.headers["Ory-Webhook-Trigger-Id"] for call in application.calls}
        requests = {call.headers["Ory-Webhook-Request-Id"] for call in application.calls}
        assert (len(application.calls), len(triggers), len(requests)) == (3, 1, 3)


def test_a_hook_has_basic_authentication(visits: Visits, local_ory: LocalOry, application: Application) -> None:
    auth = {"type": "basic_auth", "config": {"user": "ory", "password": "secret"}}
    configure(local_ory, application, "registration", "password", auth=auth)
    sign_up(visits)
    assert application.calls[0].headers["Authorization"] == f"Basic {base64.b64encode(b'ory:secret').decode()}"


@pytest.mark.parametrize(
    ("template", "error"),
    [
        ("function(ctx) ctx.nope", "nope"),
        ("function(ctx) error 'cancel'", "^cancel$"),
        ("function(ctx) {", "syntax error"),
    ],
)
def test_mistakes_in_a_template_are_errors(template: str, error: str) -> None:
    assert evaluate("function(ctx) { x: ctx.a + 1 }", {"a": 1}) == {"x": 2}
    with pytest.raises(JsonnetError, match=error):
        evaluate(template, {"a": 1})


class TestLiveEvents:
    @pytest.fixture(autouse=True)
    def events(self, local_ory: LocalOry, application: Application) -> Iterator[None]:
        auth = {"type": "api_key", "config": {"name": "Authorization", "value": "Bearer key", "in": "header"}}
        local_ory.configure(events={"url": f"{application.url}/events", "auth": auth})
        yield
        local_ory.wait_for_events()

    def names(self, local_ory: LocalOry, application: Application) -> list[str]:
        local_ory.wait_for_events()
        return [call.body["name"] for call in application.take_calls()]

    def test_changes_by_the_admin_api_are_sent(
        self, visits: Visits, local_ory: LocalOry, application: Application
    ) -> None:
        identities = f"{local_ory.admin_url}/admin/identities"
        ada = visits.request(Visitor(), "POST", identities, content={"traits": {"email": ADA}}).id
        local_ory.wait_for_events()
        call = application.calls[0]
        assert call.headers["Authorization"] == "Bearer key"
        assert call.body["eventAttributes"] == {"IdentityID": ada}
        assert call.body.keys() == {"name", "version", "timestamp", "projectId", "eventAttributes"}
        assert self.names(local_ory, application) == ["IdentityCreated"]
        patch = [{"op": "replace", "path": "/state", "value": "inactive"}]
        visits.request(Visitor(), "PATCH", f"{identities}/{ada}", content=patch)
        assert self.names(local_ory, application) == ["IdentityUpdated"]
        session = local_ory.create_session(ada)
        visits.request(Visitor(), "DELETE", f"{local_ory.admin_url}/admin/sessions/{session.id}")
        assert self.names(local_ory, application) == ["SessionIssued", "SessionRevoked"]
        visits.request(Visitor(), "DELETE", f"{identities}/{ada}")
        assert self.names(local_ory, application) == ["IdentityDeleted"]

    def test_a_lost_event_is_not_repeated(self, visits: Visits, local_ory: LocalOry, application: Application) -> None:
        application.default = Answer(403)
        visits.person()
        assert self.names(local_ory, application) == ["IdentityCreated"]


class TestWriteLimits:
    def create(self, visits: Visits, number: int) -> Response:
        content = {"traits": {"email": f"{number}@example.org"}}
        return visits.request(Visitor(), "POST", f"{visits.ory.admin_url}/admin/identities", content=content)

    def test_two_writes_at_once_are_refused(self, visits: Visits, local_ory: LocalOry) -> None:
        local_ory.configure(one_write_at_a_time=True)
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda n=n: statuses.append(self.create(visits, n).status)) for n in (1, 2, 3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(statuses) == {201, 429}
        assert self.create(visits, 4).status == 201

    def test_too_many_writes_in_a_second_are_refused(self, visits: Visits, local_ory: LocalOry) -> None:
        local_ory.configure(writes_per_second=2)
        responses = [self.create(visits, number) for number in range(3)]
        assert [response.status for response in responses] == [201, 201, 429]
        assert responses[2].headers["Retry-After"] == "1"
        assert visits.request(Visitor(), "GET", f"{local_ory.admin_url}/admin/identities").status == 200


def test_hooks_can_be_in_a_file(tmp_path: Any) -> None:
    from ory_auth.local.control.config_options import ConfigOptionError, parse_config_options

    path = tmp_path / "hooks.json"
    path.write_text(json.dumps({"login": {}}))
    assert parse_config_options([f"hooks=@{path}"]) == {"hooks": {"login": {}}}
    with pytest.raises(ConfigOptionError, match="cannot be read"):
        parse_config_options([f"hooks=@{path}x"])
