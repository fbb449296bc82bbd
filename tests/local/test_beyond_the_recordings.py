"""Behaviour of Kratos 26.2.0 that is not in the recordings, but that pages depend on."""

from __future__ import annotations

import pytest

from ory_auth.local import LocalOry

from .visits import ADA, BOB, HTML, Response, Visitor, Visits, send


def message_ids(flow: Response) -> list[int]:
    return [message["id"] for message in flow.content["ui"].get("messages", [])]


def read(visits: Visits, kind: str, visitor: Visitor, flow: Response) -> Response:
    return visits.request_public("GET", f"/self-service/{kind}/flows?id={flow.id}", visitor)


def post(visits: Visits, kind: str, visitor: Visitor, flow: Response, **fields: str) -> Response:
    """Submit the form of a page."""
    path = f"/self-service/{kind}?flow={flow.id}"
    return visits.request_public("POST", path, visitor.page, **{"csrf_token": flow.csrf_token, **fields})


EMPTY_PROFILE = {"traits.username": "", "traits.name.first": "", "traits.name.last": "", "traits.groups": ""}


class TestForms:
    def test_empty_inputs_are_ignored_except_in_lists(self, visits: Visits) -> None:
        visits.person()
        browser = visits.browser()
        flow = visits.flow("settings", browser)
        post(visits, "settings", browser, flow, method="profile", **{**EMPTY_PROFILE, "traits.email": ADA})
        saved = read(visits, "settings", browser, flow)
        assert saved.content["identity"]["traits"] == {"email": ADA, "name": {}, "groups": [""]}
        assert saved.node("traits.groups.0")["value"] == ""
        assert message_ids(saved) == [1050001]

    def test_a_button_with_its_own_name_needs_no_method(self, visits: Visits) -> None:
        visits.person()
        browser = visits.browser()
        flow = visits.flow("settings", browser)
        post(visits, "settings", browser, flow, lookup_secret_regenerate="true")
        assert read(visits, "settings", browser, flow).node("lookup_secret_codes")
        post(visits, "settings", browser, flow, lookup_secret_confirm="true")
        assert read(visits, "settings", browser, flow).node("lookup_secret_reveal")

    def test_a_form_keeps_its_csrf_token_after_an_invalid_trait(self, visits: Visits) -> None:
        visits.person()
        browser = visits.browser()
        flow = visits.flow("settings", browser)
        visits.settings(browser, flow, method="profile", traits={"email": ADA, "is_staff": True})
        saved = visits.settings(browser, flow, method="profile", traits={"email": ADA})
        assert saved.node("csrf_token")["type"] == "hidden"

    def test_registration_goes_to_the_second_step_and_back(self, visits: Visits) -> None:
        browser = Visitor()
        flow = visits.flow("registration", browser)
        profile = {**EMPTY_PROFILE, "traits.email": BOB}
        response = post(visits, "registration", browser, flow, method="profile", **profile)
        assert (response.status, message_ids(read(visits, "registration", browser, flow))) == (303, [1040009])
        post(visits, "registration", browser, flow, screen="previous", **profile)
        assert read(visits, "registration", browser, flow).node("traits.email")["type"] == "email"
        password = {"method": "password", "password": "correct horse 9"}
        assert post(visits, "registration", browser, flow, **password, **profile).headers["Location"].endswith(":8000/")
        assert visits.request_public("GET", "/sessions/whoami", browser).status == 200


def test_a_change_continues_after_signing_in_again(visits: Visits) -> None:
    visits.person()
    browser = visits.browser()
    flow = visits.flow("settings", browser)
    visits.ory.configure(privileged_session_max_age=1)
    visits.ory.clock.move(2)
    change = {"method": "password", "password": "another horse 8"}
    login_url = post(visits, "settings", browser, flow, **change).headers["Location"]
    login = visits.request_public("GET", login_url.removeprefix(visits.ory.public_url), browser)
    back = post(visits, "login", browser, login, method="password", identifier=ADA, password="correct horse 9")
    assert back.headers["Location"] == f"{visits.ory.public_url}/self-service/settings?flow={flow.id}"
    done = visits.request_public("GET", f"/self-service/settings?flow={flow.id}", browser.page)
    assert done.headers["Location"].endswith(f"/auth/settings?flow={flow.id}")
    assert message_ids(read(visits, "settings", browser, flow)) == [1050001]
    assert visits.app(password="another horse 8").token


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("", 303),
        ("*/*", 303),
        (HTML, 303),
        ("text/plain", 303),
        ("application/json", 200),
        ("application/*", 200),
        ("application/json, text/plain, */*", 200),
        ("application/json, text/html", 303),
        ("application/json;q=0.5, text/html", 303),
        ("text/html;q=0.5, application/json", 200),
        ("application/json;q=0.8, */*;q=0.9", 303),
        ("application/json;q=nonsense", 303),
    ],
)
def test_only_requests_that_prefer_json_get_json(local_ory: LocalOry, accept: str, status: int) -> None:
    response = send(local_ory.public_url, "GET", "/self-service/login/browser", [("Accept", accept)])
    assert response.status == status


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"[]", "application/json"),
        (b"\xff", "application/json"),
        (b'{"method": ["password"], "traits": 1}', "application/json"),
        (b"method=password&traits.email.x=1&traits.email=2", "application/x-www-form-urlencoded"),
        (b"%ff=%ff", "application/x-www-form-urlencoded"),
    ],
)
@pytest.mark.parametrize("kind", ["login", "registration"])
def test_malformed_submissions_are_refused(local_ory: LocalOry, kind: str, body: bytes, content_type: str) -> None:
    flow = send(local_ory.public_url, "GET", f"/self-service/{kind}/api", [])
    headers = [("Content-Type", content_type)]
    assert send(local_ory.public_url, "POST", f"/self-service/{kind}?flow={flow.id}", headers, body).status == 400
