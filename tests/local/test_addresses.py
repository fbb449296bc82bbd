"""Recovery and verification beyond the recordings: as Kratos 26.2.0 does it, by trial or by its source."""

from __future__ import annotations

import pytest

from ory_auth.local import LocalOry

from .visits import ADA, BOB, HTML, Response, Visitor, Visits, send

KINDS = ["recovery", "verification"]


def message_ids(flow: Response) -> list[int]:
    return [message["id"] for message in flow.content["ui"].get("messages", [])]


def field_message_ids(flow: Response, name: str) -> list[int]:
    nodes = [node for node in flow.content["ui"]["nodes"] if node["attributes"].get("name") == name]
    return [message["id"] for node in nodes for message in node["messages"]]


class Steps:
    """One flow in one browser."""

    def __init__(self, visits: Visits, kind: str, query: str = "") -> None:
        self.visits, self.kind = visits, kind
        self.browser = Visitor()
        self.flow = visits.flow(kind, self.browser, query)

    def post(self, visitor: Visitor | None = None, **fields: str) -> Response:
        fields = {"csrf_token": self.flow.csrf_token, "method": "code", **fields}
        path = f"/self-service/{self.kind}?flow={self.flow.id}"
        return self.visits.request_public("POST", path, visitor or self.browser, **fields)

    def read(self, flow_id: str) -> Response:
        return self.visits.request_public("GET", f"/self-service/{self.kind}/flows?id={flow_id}", self.browser)


@pytest.mark.parametrize("kind", KINDS)
def test_a_malformed_address_is_refused(visits: Visits, kind: str) -> None:
    response = Steps(visits, kind).post(email="nonsense")
    assert response.status == 400
    assert field_message_ids(response, "email") == [4000040]


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_address_looks_like_a_known_one(visits: Visits, kind: str) -> None:
    visits.person(ADA)
    known, unknown = (Steps(visits, kind).post(email=email) for email in (ADA, BOB))
    assert message_ids(known) == message_ids(unknown)
    assert len(known.content["ui"]["nodes"]) == len(unknown.content["ui"]["nodes"])
    assert [message.recipient for message in visits.ory.mailbox.messages()] == [ADA]


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_latest_code_works(visits: Visits, kind: str) -> None:
    visits.person()
    steps = Steps(visits, kind)
    steps.post(email=ADA)
    first = visits.ory.mailbox.latest().code
    steps.post(email=ADA)
    assert message_ids(steps.post(code=first)) in ([4060006], [4070006])
    assert steps.post(code=visits.ory.mailbox.latest().code).status in (200, 422)


@pytest.mark.parametrize("kind", KINDS)
def test_after_five_wrong_codes_a_new_flow_begins(visits: Visits, kind: str) -> None:
    visits.person()
    steps = Steps(visits, kind)
    steps.post(email=ADA)
    for _ in range(5):
        assert steps.post(steps.browser.page, code="000000").id == steps.flow.id
    new = steps.post(steps.browser.page, code="000000")
    assert new.id != steps.flow.id
    assert message_ids(steps.read(new.id)) == [4000001]


def test_a_used_code_starts_a_new_verification(visits: Visits) -> None:
    visits.person()
    steps = Steps(visits, "verification")
    steps.post(email=ADA)
    code = visits.ory.mailbox.latest().code
    steps.post(code=code)
    new = steps.post(steps.browser.page, code=code)
    assert message_ids(steps.read(new.id)) == [4070002]


def test_recovery_without_its_csrf_token_is_refused(visits: Visits) -> None:
    steps = Steps(visits, "recovery")
    response = steps.post(email=ADA, csrf_token="")
    assert (response.status, response.content["error"]["id"]) == (403, "security_csrf_violation")


def test_a_verification_code_works_in_another_browser(visits: Visits) -> None:
    visits.person()
    steps = Steps(visits, "verification")
    steps.post(email=ADA)
    url = visits.ory.mailbox.latest().url
    other = Visitor()
    visits.request(other.page, "GET", url)
    read = visits.request_public("GET", f"/self-service/verification/flows?id={steps.flow.id}", other)
    assert read.node("code")["value"] == visits.ory.mailbox.latest().code
    steps.flow = read
    assert steps.post(other, email=ADA).content["state"] == "sent_email"
    read = visits.request_public("GET", f"/self-service/verification/flows?id={steps.flow.id}", other)
    assert read.node("code").get("value") is None
    visits.request(other.page, "GET", visits.ory.mailbox.latest().url)
    read = visits.request_public("GET", f"/self-service/verification/flows?id={steps.flow.id}", other)
    assert steps.post(other, code=read.node("code")["value"]).content["state"] == "passed_challenge"


def test_the_link_of_a_recovery_opens_its_page(visits: Visits) -> None:
    steps = Steps(visits, "recovery")
    response = visits.request_public("GET", f"/self-service/recovery?flow={steps.flow.id}", steps.browser.page)
    assert (response.status, response.id) == (303, steps.flow.id)


@pytest.mark.parametrize("kind", KINDS)
def test_an_expired_flow_starts_again(visits: Visits, kind: str) -> None:
    steps = Steps(visits, kind)
    visits.ory.clock.move(hours=1)
    response = steps.post(steps.browser.page, email=ADA)
    assert message_ids(steps.read(response.id)) in ([4060005], [4070005])


def test_an_inactive_person_cannot_recover_the_account(visits: Visits) -> None:
    visits.person(state="inactive")
    steps = Steps(visits, "recovery")
    steps.post(email=ADA)
    assert steps.post(code=visits.ory.mailbox.latest().code).status == 401


def test_the_code_of_a_deleted_person_is_wrong(visits: Visits) -> None:
    person = visits.person()
    steps = Steps(visits, "recovery")
    steps.post(email=ADA)
    visits.ory.delete_identity(person)
    assert message_ids(steps.post(code=visits.ory.mailbox.latest().code)) == [4060006]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", ["é", "\u202e123456", "1" * 10_000, "' OR 1=1", "\0", "\ud800"])
def test_a_hostile_code_is_a_wrong_code(visits: Visits, kind: str, code: str) -> None:
    visits.person()
    steps = Steps(visits, kind)
    steps.post(email=ADA)
    assert message_ids(steps.post(code=code)) in ([4060006], [4070006])


def test_recovery_keeps_its_return_to(visits: Visits) -> None:
    visits.person()
    steps = Steps(visits, "recovery", "?return_to=http://127.0.0.1:8000/deep")
    steps.post(email=ADA)
    steps.post(steps.browser.page, code=visits.ory.mailbox.latest().code)
    settings = list(visits.ory.state.flows.values())[-1]
    assert (settings.kind, settings.return_to) == ("settings", "http://127.0.0.1:8000/deep")


def test_a_new_address_in_the_settings_is_verified(visits: Visits) -> None:
    visits.person()
    browser = visits.browser()
    flow = visits.flow("settings", browser)
    visits.settings(browser, flow, method="profile", traits={"email": BOB})
    message = visits.ory.mailbox.latest(BOB)
    assert message.template_type == "verification_code_valid"
    visits.request(Visitor().page, "GET", message.url)
    visits.settings(browser, flow, method="profile", traits={"email": BOB, "username": "bob"})
    assert len(visits.ory.mailbox.messages(BOB)) == 1


def test_a_chosen_address_must_be_one_of_the_account(visits: Visits) -> None:
    visits.ory.configure(choose_recovery_address=True)
    visits.person()
    steps = Steps(visits, "recovery")
    visits.ory.state.flows[steps.flow.id].state = "recovery_awaiting_address_choice"
    response = steps.post(recovery_address=ADA, recovery_select_address="bm9uc2Vuc2U=")
    assert (response.status, message_ids(response)) == (400, [4000001])


@pytest.mark.parametrize("kind", KINDS)
def test_a_disabled_flow_cannot_start(local_ory: LocalOry, kind: str) -> None:
    local_ory.configure(**{f"{kind}_enabled": False})
    path = f"/self-service/{kind}/browser"
    page = send(local_ory.public_url, "GET", path, [("Accept", HTML)])
    assert page.headers["Location"].startswith("http://127.0.0.1:8000/auth/error?id=")
    assert send(local_ory.public_url, "GET", path, [("Accept", "application/json")]).status == 400
