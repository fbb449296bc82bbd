"""Passkeys and security keys beyond the recordings."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from ory_auth.local import Config, LocalOry

from .software_key import SoftwareKey
from .visits import ADA, BOB, Response, Visitor, Visits

ORIGIN = "http://localhost:8000"
GOOGLE = "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"


@pytest.fixture(autouse=True)
def _passkeys(local_ory: LocalOry) -> None:
    local_ory.configure(passkey_enabled=True, webauthn_enabled=True)


def options_of(flow: Response, name: str) -> dict[str, Any]:
    options: dict[str, Any] = json.loads(flow.node(name)["value"])
    return options


def add_passkey(visits: Visits, browser: Visitor, key: SoftwareKey) -> Response:
    flow = visits.flow("settings", browser)
    answer = key.create(options_of(flow, "passkey_create_data"))
    return visits.settings(browser, flow, passkey_settings_register=answer)


def sign_in(visits: Visits, browser: Visitor, key: SoftwareKey) -> Response:
    flow = visits.flow("login", browser)
    answer = key.get(options_of(flow, "passkey_challenge"))
    path = f"/self-service/login?flow={flow.id}"
    return visits.request_public("POST", path, browser, csrf_token=flow.csrf_token, passkey_login=answer)


def message_ids(flow: Response) -> list[int]:
    return [message["id"] for message in flow.content["ui"].get("messages", [])]


def labels(flow: Response) -> list[dict[str, Any]]:
    found = (node["meta"].get("label", {}) for node in flow.content["ui"]["nodes"])
    return [label["context"] for label in found if label.get("id") in (1050018, 1050020)]


def test_a_key_of_another_site_is_refused(visits: Visits) -> None:
    visits.person()
    browser = visits.browser()
    for origin in ("http://evil.test", "http://localhost:8001"):
        refused = add_passkey(visits, browser, SoftwareKey(origin))
        assert refused.status == 500
        assert "Unable to create WebAuthn credential" in refused.content["error"]["reason"]


def test_a_key_of_somebody_else_signs_in_only_them(visits: Visits) -> None:
    keys = {}
    for email in (ADA, BOB):
        visits.person(email)
        keys[email] = SoftwareKey(ORIGIN)
        add_passkey(visits, visits.browser(email), keys[email])
    assert sign_in(visits, Visitor(), keys[BOB]).content["session"]["identity"]["traits"]["email"] == BOB
    keys[BOB].user_handle = keys[ADA].user_handle
    assert message_ids(sign_in(visits, Visitor(), keys[BOB])) == [4000008]


def test_a_passkey_signs_in_after_another_one_was_added(visits: Visits) -> None:
    visits.person()
    first, second = SoftwareKey(ORIGIN), SoftwareKey(ORIGIN)
    for key in (first, second):
        add_passkey(visits, visits.browser(), key)
    for key in (first, second):
        assert sign_in(visits, Visitor(), key).status == 200


def test_a_known_authenticator_gives_the_passkey_its_name(visits: Visits) -> None:
    visits.person()
    browser = visits.browser()
    add_passkey(visits, browser, SoftwareKey(ORIGIN, GOOGLE))
    add_passkey(visits, browser, SoftwareKey(ORIGIN))
    names = {label["display_name"] for label in labels(visits.flow("settings", browser))}
    assert names == {"Google Password Manager", "unnamed"}


def test_a_challenge_is_used_once(visits: Visits) -> None:
    visits.person()
    key = SoftwareKey(ORIGIN)
    add_passkey(visits, visits.browser(), key)
    browser = Visitor()
    flow = visits.flow("login", browser)
    answer = key.get(options_of(flow, "passkey_challenge"))
    path = f"/self-service/login?flow={flow.id}"
    fields = {"csrf_token": flow.csrf_token, "passkey_login": answer}
    copy = Visitor(cookies=dict(browser.cookies))
    assert visits.request_public("POST", path, browser, **fields).status == 200
    refused = visits.request_public("POST", path, copy, **fields)
    assert (refused.status, refused.content["error"]["reason"]) == (500, "the challenge of this flow has been used")


def test_the_admin_api_shows_a_passkey(visits: Visits) -> None:
    person = visits.person()
    key = SoftwareKey(ORIGIN)
    add_passkey(visits, visits.browser(), key)
    url = f"{visits.ory.admin_url}/admin/identities/{person}?include_credential=passkey"
    passkey = visits.request(Visitor(), "GET", url).content["credentials"]["passkey"]
    assert passkey["identifiers"] == [key.user_handle.decode()]
    assert len(passkey["config"]["credentials"]) == 1


def test_native_flows_have_no_script(visits: Visits) -> None:
    visits.person()
    for flow in (visits.native_flow("login"), visits.flow("settings", visits.app())):
        assert "script" not in {node["type"] for node in flow.content["ui"]["nodes"]}
        assert not [node for node in flow.content["ui"]["nodes"] if "onclick" in node["attributes"]]


def test_without_the_library_passwords_still_work(visits: Visits, monkeypatch: pytest.MonkeyPatch) -> None:
    visits.person()
    key = SoftwareKey(ORIGIN)
    add_passkey(visits, visits.browser(), key)
    monkeypatch.setitem(sys.modules, "webauthn", None)
    refused = sign_in(visits, Visitor(), key)
    assert refused.status == 500
    assert "pip install 'django-ory[local]'" in refused.content["error"]["reason"]
    assert visits.request_public("GET", "/sessions/whoami", visits.browser()).status == 200


@pytest.mark.parametrize(
    ("config", "rp_id", "origins"),
    [
        ({}, "localhost", {"http://127.0.0.1:8000", "http://localhost:8000"}),
        ({"ui_base": "http://localhost:9/auth"}, "localhost", {"http://localhost:9"}),
        ({"ui_base": "https://shop.test/auth"}, "shop.test", {"https://shop.test"}),
        ({"rp_id": "shop.test", "rp_origins": ("https://a.shop.test",)}, "shop.test", {"https://a.shop.test"}),
    ],
)
def test_keys_belong_to_the_site(config: dict[str, Any], rp_id: str, origins: set[str]) -> None:
    configured = Config(**config)
    assert configured.relying_party_id == rp_id
    assert set(configured.relying_party_origins) == origins
