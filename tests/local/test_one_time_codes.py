"""One-time codes beyond the recordings: the tries, the second factor, accounts without a password."""

from __future__ import annotations

from typing import Any

import pytest

from .visits import ADA, BOB, Response, Visitor, Visits


@pytest.fixture(autouse=True)
def _codes(visits: Visits) -> None:
    visits.ory.configure(code_passwordless_enabled=True)


def message_ids(flow: Response) -> list[int]:
    return [message["id"] for message in flow.content["ui"].get("messages", [])]


def submit(visits: Visits, browser: Visitor, flow: Response, kind: str = "login", **content: Any) -> Response:
    path = f"/self-service/{kind}?flow={flow.id}"
    return visits.request_public("POST", path, browser, csrf_token=flow.csrf_token, method="code", **content)


def latest_code(visits: Visits, address: str) -> str:
    return visits.ory.mailbox.latest(address).code


def test_a_code_that_was_tried_too_often_stays_invalid(visits: Visits) -> None:
    visits.person()
    visits.ory.configure(code_max_submissions=2)
    flow = visits.flow("login", browser := Visitor())
    submit(visits, browser, flow, identifier=ADA)
    for _ in range(2):
        assert message_ids(submit(visits, browser, flow, identifier=ADA, code="wrong")) == [4010008]
    code = latest_code(visits, ADA)
    assert message_ids(submit(visits, browser, flow, identifier=ADA, code=code)) == [4000001]
    submit(visits, browser, flow, identifier=ADA, resend="code")
    assert submit(visits, browser, flow, identifier=ADA, code=latest_code(visits, ADA)).status == 200


def test_another_code_replaces_the_first(visits: Visits) -> None:
    visits.person()
    flow = visits.flow("login", browser := Visitor())
    submit(visits, browser, flow, identifier=ADA)
    first = latest_code(visits, ADA)
    submit(visits, browser, flow, identifier=ADA, resend="code")
    if first != latest_code(visits, ADA):
        assert message_ids(submit(visits, browser, flow, identifier=ADA, code=first)) == [4010008]


def test_the_code_of_somebody_else_signs_no_one_in(visits: Visits) -> None:
    visits.person(ADA)
    visits.person(BOB)
    flow = visits.flow("login", browser := Visitor())
    submit(visits, browser, flow, identifier=ADA)
    sent = submit(visits, browser, flow, identifier=BOB, code=latest_code(visits, ADA))
    assert message_ids(sent) == [4010008]


def test_an_account_with_codes_only_gets_one_on_the_first_screen(visits: Visits) -> None:
    visits.ory.configure(login_style="identifier_first")
    visits.ory.create_identity(email=ADA)
    flow = visits.flow("login", browser := Visitor())
    path = f"/self-service/login?flow={flow.id}"
    content = {"method": "identifier_first", "identifier": ADA, "csrf_token": flow.csrf_token}
    sent = visits.request_public("POST", path, browser, **content)
    assert sent.content["state"] == "sent_email"
    signed_in = submit(visits, browser, sent, identifier=ADA, code=latest_code(visits, ADA))
    assert signed_in.content["session"]["authentication_methods"][0]["method"] == "code"


def test_a_phone_number_gets_a_text_message(visits: Visits) -> None:
    phone = {"credentials": {"code": {"identifier": True, "via": "sms"}}, "verification": {"via": "sms"}}
    traits = {
        "type": "object",
        "properties": {"phone": {"type": "string", "format": "tel", "title": "Phone", "ory.sh/kratos": phone}},
    }
    visits.ory.configure(schema={"type": "object", "properties": {"traits": traits}})
    visits.ory.create_identity(traits={"phone": "+4915112345678"})
    flow = visits.flow("login", browser := Visitor())
    submit(visits, browser, flow, identifier="+4915112345678")
    sent = visits.ory.mailbox.latest("+4915112345678")
    assert sent.channel == "sms"
    signed_in = submit(visits, browser, flow, identifier="+4915112345678", code=sent.code)
    address = signed_in.content["session"]["identity"]["verifiable_addresses"][0]
    assert (address["via"], address["verified"]) == ("sms", True)


def test_a_code_is_a_second_factor_only_if_it_is_not_a_first_one(visits: Visits) -> None:
    visits.person()
    assert visits.request_public("GET", "/sessions/whoami", visits.browser()).status == 200
    visits.ory.configure(code_passwordless_enabled=False, code_mfa_enabled=True)
    browser = visits.browser()
    assert visits.request_public("GET", "/sessions/whoami", browser).status == 403
    flow = visits.flow("login", browser, "?aal=aal2")
    submit(visits, browser, flow, code=latest_code(visits, ADA))
    session = visits.request_public("GET", "/sessions/whoami", browser).content
    assert session["authenticator_assurance_level"] == "aal2"


def test_via_must_name_a_trait_with_an_address_for_codes(visits: Visits) -> None:
    visits.person()
    visits.ory.configure(code_passwordless_enabled=False, code_mfa_enabled=True)
    browser = visits.browser()
    assert visits.flow("login", browser, "?aal=aal2&via=email").status == 200
    assert visits.flow("login", browser, "?aal=aal2&via=username").status == 400
