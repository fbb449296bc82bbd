"""The security overview, "this wasn't me", the data download and ``/.well-known/change-password``."""

from __future__ import annotations

import json
import logging
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from ory_auth.local import LocalOry
from tests.support.client import DualClient
from tests.support.ory import Ory, Session
from tests.support.types import ChangeSettings, Response

pytestmark = pytest.mark.django_db

PAGE, PROTECT, DATA = "/auth/security", "/auth/security/protect", "/auth/security/data"
JSON = {"Content-Type": "application/json"}
NOW, EARLIER = "2026-11-27T19:44:43Z", "2026-10-01T08:00:00Z"


def text_of(response: Response) -> str:
    """What people read, with single spaces."""
    return " ".join(unescape(re.sub("<[^>]*>", " ", response.content.decode())).split())


def node(group: str, name: str, value: object = "", **context: object) -> dict[str, Any]:
    attributes = {"name": name, "type": "submit", "value": value, "disabled": False, "node_type": "input"}
    return {
        "type": "input",
        "group": group,
        "attributes": attributes,
        "messages": [],
        "meta": {"label": {"id": 1, "context": context}},
    }


ALL = [
    node("password", "password"),
    node("passkey", "passkey_remove", "aa", display_name="iCloud Keychain", added_at=NOW),
    node("passkey", "passkey_remove", "bb", display_name="unnamed", added_at=EARLIER),
    node("webauthn", "webauthn_remove", "cc", display_name="Blue key", added_at=NOW),
    node("oidc", "unlink", "google", provider="Google"),
    node("oidc", "link", "github", provider="GitHub"),
    node("totp", "totp_unlink", "true"),
    node("lookup_secret", "lookup_secret_reveal", "true"),
]


def settings_flow(*nodes: object) -> bytes:
    return json.dumps({"id": "x", "type": "browser", "ui": {"nodes": list(nodes)}}).encode()


@pytest.fixture
def session(ory: Ory, cached: None, web: DualClient) -> Session:
    """A person who is signed in, and whose session is cached."""
    session = ory.person().browser_session()
    assert web.is_signed_in(session.headers)
    return session


# --- the overview -----------------------------------------------------------------------------------------------------


def test_it_links_to_the_section_of_the_settings_that_changes_each_thing(web: DualClient, session: Session) -> None:
    page = web.get(PAGE, headers=session.headers)
    assert page.status_code == 200
    for group in ("password", "totp", "lookup_secret", "profile"):
        assert f'href="/auth/settings#ory-{group}"' in page.content.decode()
    assert 'href="/auth/sessions"' in page.content.decode()
    assert 'href="/auth/security/protect"' in page.content.decode()
    assert "You are signed in on 1 device: this one." in text_of(page)


def test_it_offers_no_security_keys_if_only_passkeys_are_on(
    web: DualClient, session: Session, local_ory: LocalOry
) -> None:
    """Ory's script is in the group webauthn, also for passkeys alone."""
    local_ory.configure(passkey_enabled=True)
    text = text_of(web.get(PAGE, headers=session.headers))
    assert ("Passkeys" in text, "Security keys" in text) == (True, False)


def test_keys_and_connected_accounts_have_names_and_dates(
    local_ory: LocalOry, web: DualClient, session: Session
) -> None:
    with local_ory.failing(200, JSON, settings_flow(*ALL), "/self-service/settings"):
        page = text_of(web.get(PAGE, headers=session.headers))
    assert "iCloud Keychain Passkey · Added on Nov. 27, 2026" in page
    assert "Passkey Passkey · Added on Oct. 1, 2026" in page  # Kratos calls it "unnamed"
    assert "Blue key Security key · Added on Nov. 27, 2026" in page
    assert "Google Connected account" in page
    assert "GitHub" not in page
    assert "Added a passkey: iCloud Keychain" in page  # among the activities
    assert "No second step yet" not in page


def test_without_a_second_step_it_says_so(web: DualClient, session: Session) -> None:
    assert "No second step yet." in text_of(web.get(PAGE, headers=session.headers))


def test_an_authenticator_app_is_a_second_step(ory: Ory, web: DualClient) -> None:
    session = ory.person().browser_session()
    session.set_up_totp()
    page = text_of(web.get(PAGE, headers=session.headers))
    assert "No second step yet" not in page
    assert "Set up an authenticator app" in page  # among the activities: the admin API knows when


def test_a_method_that_ory_does_not_offer_is_left_out(local_ory: LocalOry, web: DualClient, session: Session) -> None:
    with local_ory.failing(200, JSON, settings_flow(node("profile", "method")), "/self-service/settings"):
        page = text_of(web.get(PAGE, headers=session.headers))
    for word in ("Password", "Passkey", "Authenticator app", "Backup codes", "Security key"):
        assert word not in page


def test_a_verified_address_is_told_from_one_that_is_not(ory: Ory, web: DualClient) -> None:
    verified, unverified = ory.person(verified=True).browser_session(), ory.person().browser_session()
    assert "Not verified" not in text_of(web.get(PAGE, headers=verified.headers))
    page = web.get(PAGE, headers=unverified.headers)
    assert "Not verified" in text_of(page)
    assert 'href="/auth/verification"' in page.content.decode()


def test_sign_ins_are_among_the_activities(ory: Ory, web: DualClient, session: Session) -> None:
    session.person.app_session()
    page = text_of(web.get(PAGE, headers=session.headers))
    assert page.count("Signed in: Python") + page.count("Signed in: Unknown device") == 2
    assert "Created the account" in page
    assert "You are signed in on 2 devices or browsers." in page


def test_it_works_without_the_admin_api(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(ADMIN_URL=None)
    session = ory.person().browser_session()
    session.set_up_totp()
    page = text_of(web.get(PAGE, headers=session.headers))
    assert "Authenticator app Set up" in page


def test_an_admin_api_that_is_down_costs_one_failed_call_a_minute(
    local_ory: LocalOry, ory: Ory, web: DualClient, session: Session
) -> None:
    with local_ory.failing(503, path="/admin"):
        for _ in range(3):
            assert web.get(PAGE, headers=session.headers).status_code == 200
    calls = [request for request in local_ory.requests if request.path.startswith("/admin") and request.method == "GET"]
    assert len(calls) == 1


CODES = [{"code": "s3cretcode", "used_at": None}, {"code": "oldcode1", "used_at": NOW}, {"code": "s3cretcod2"}]
PASSWORD = {"type": "password", "created_at": EARLIER, "updated_at": NOW, "config": {"hashed_password": "$2a$..."}}


def test_the_admin_api_adds_dates_and_the_number_of_backup_codes(
    local_ory: LocalOry, web: DualClient, session: Session
) -> None:
    credentials = {
        "password": PASSWORD,
        "lookup_secret": {"created_at": EARLIER, "config": {"recovery_codes": CODES}},
        "oidc": {"identifiers": ["gitlab:4711"]},
    }
    identity = json.dumps({"id": session.person.id, "credentials": credentials, "metadata_admin": {"note": "rude"}})
    with (
        local_ory.failing(200, JSON, settings_flow(*ALL), "/self-service/settings"),
        local_ory.failing(200, JSON, identity.encode(), "/admin/identities"),
    ):
        page = web.get(PAGE, headers=session.headers)
    text = text_of(page)
    assert "2 codes left" in text
    assert "Password Changed on Nov. 27, 2026" in text
    assert "Changed the password" in text
    assert "Used a backup code" in text
    assert "GitLab Connected account" in text  # the only credential is not in the settings flow
    for secret in ("s3cret", "oldcode", "$2a$", "4711", "rude"):
        assert secret not in page.content.decode()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"id": "x"}', b"[" * 100_000, b'{"credentials": 1}'])
def test_nonsense_of_the_admin_api_is_ignored(
    local_ory: LocalOry, web: DualClient, session: Session, body: bytes
) -> None:
    with local_ory.failing(200, JSON, body, "/admin/identities"):
        assert web.get(PAGE, headers=session.headers).status_code == 200


def test_another_identity_of_the_admin_api_is_ignored(
    local_ory: LocalOry, ory: Ory, web: DualClient, session: Session
) -> None:
    body = json.dumps({"id": ory.person().id, "credentials": {"password": PASSWORD}}).encode()
    with local_ory.failing(200, JSON, body, "/admin/identities"):
        assert "Changed the password" not in text_of(web.get(PAGE, headers=session.headers))


HOSTILE = "<script>alert(1)</script>\u202e" + "x" * 10_000


def test_hostile_names_are_shown_as_text(local_ory: LocalOry, web: DualClient, session: Session) -> None:
    nodes = [
        node("passkey", "passkey_remove", HOSTILE, display_name=HOSTILE, added_at=HOSTILE),
        node("webauthn", "webauthn_remove", 7, display_name={"a": 1}, added_at="2026-11-27T19:44:43"),
        node("oidc", "unlink", HOSTILE, provider=HOSTILE),
        {"group": 7},
        "x",
        {"group": "passkey", "attributes": {"name": "passkey_remove"}, "meta": None},
    ]
    with local_ory.failing(200, JSON, settings_flow(*nodes), "/self-service/settings"):
        page = web.get(PAGE, headers=session.headers)
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    assert "x" * 100 not in page.content.decode()


@pytest.mark.parametrize("path", [PAGE, PROTECT])
@pytest.mark.parametrize(("status", "expected"), [(500, 503), (503, 503), (400, 503), (401, 302), (403, 302)])
def test_an_outage_of_the_settings_is_no_empty_page(
    local_ory: LocalOry, web: DualClient, session: Session, path: str, status: int, expected: int
) -> None:
    with local_ory.failing(status, JSON, b"{}", "/self-service/settings"):
        assert web.get(path, headers=session.headers).status_code == expected


@pytest.mark.parametrize("path", [PAGE, PROTECT, DATA])
def test_each_page_requires_a_session_and_is_never_cached(ory: Ory, web: DualClient, path: str) -> None:
    assert web.get(path)["Location"] == f"/auth/login?next={path}"
    page = web.get(path, headers=ory.person().browser_session().headers)
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]


def test_a_program_sees_the_overview_with_its_token(ory: Ory, web: DualClient) -> None:
    page = web.get(PAGE, headers={**ory.person().app_session().headers, "Accept": "text/html"})
    assert page.status_code == 200


@pytest.mark.parametrize("path", [PAGE, PROTECT, "/auth/sessions"])
def test_no_log_has_what_the_page_shows(
    local_ory: LocalOry, web: DualClient, session: Session, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Django logs the whole context of a template if a variable is missing."""
    session.person.app_session()
    for name in ("", "django", "django.template"):
        caplog.set_level(logging.DEBUG, name)
    with local_ory.failing(200, JSON, settings_flow(*ALL), "/self-service/settings"):
        assert web.get(path, headers=session.headers).status_code == 200
    assert [record.getMessage()[:200] for record in caplog.records if record.name == "django.template"] == []
    assert session.person.email not in caplog.text


# --- "this wasn't me" -------------------------------------------------------------------------------------------------


def test_the_guide_signs_out_the_others_and_comes_back(ory: Ory, web: DualClient, session: Session) -> None:
    other = session.person.browser_session()
    assert f'value="{other.id}"' in web.get(PROTECT, headers=session.headers).content.decode()
    response = web.post(PROTECT, {"end": "others"}, headers=session.headers)
    assert response.status_code == 303
    page = text_of(web.get(response["Location"], headers=session.headers))
    assert "All other devices have been signed out." in page
    assert "You aren't signed in anywhere else." in page
    assert not web.is_signed_in(other.headers)


def test_the_new_password_leads_back_to_the_guide(web: DualClient, session: Session) -> None:
    page = web.get(PROTECT, headers=session.headers).content.decode()
    link = "/auth/settings?return_to=%2Fauth%2Fsecurity%2Fprotect%23ory-check#ory-password"
    assert f'href="{link}"' in page
    start = web.get(link.partition("#")[0], headers=session.headers)
    assert "return_to=http%3A%2F%2Ftestserver%2Fauth%2Fsecurity%2Fprotect%23ory-check" in start["Location"]


# --- the data ---------------------------------------------------------------------------------------------------------


def test_the_download_has_the_identity_the_sessions_and_the_user(ory: Ory, web: DualClient, session: Session) -> None:
    session.person.app_session()
    response = web.get(DATA, headers=session.headers)
    assert response["Content-Disposition"] == 'attachment; filename="account-data.json"'
    assert response["Content-Type"] == "application/json"
    content = json.loads(response.content)
    assert content["identity"]["traits"]["email"] == session.person.email
    assert content["identity"]["verifiable_addresses"][0]["value"] == session.person.email
    assert [each["current"] for each in content["sessions"]] == [True, False]
    assert content["user"]["email"] == session.person.email
    assert session.cookie.partition("=")[2] not in response.content.decode()


def test_the_project_adds_its_own_data(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(USER_HANDLER="tests.project.handlers.KeepsOrders")
    response = web.get(DATA, headers=ory.person().browser_session().headers)
    assert json.loads(response.content)["user"]["orders"] == [{"id": 1, "total": "9.99"}]


def test_a_cached_session_is_not_what_is_downloaded(local_ory: LocalOry, web: DualClient, session: Session) -> None:
    with local_ory.failing(503, path="/sessions/whoami"):
        assert web.get(DATA, headers=session.headers).status_code == 503


# --- /.well-known/change-password -------------------------------------------------------------------------------------


def test_password_managers_find_the_password_section(web: DualClient) -> None:
    response = web.get("/.well-known/change-password")
    assert response.status_code == 302
    assert response["Location"] == "/auth/settings#ory-password"


def test_the_well_known_page_is_open_behind_login_required_middleware(web: DualClient, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert web.get("/.well-known/change-password")["Location"] == "/auth/settings#ory-password"


def test_no_page_has_inline_scripts_or_styles() -> None:
    folder = Path(__file__).parent.parent / "ory_auth" / "templates" / "ory_auth"
    for path in set(folder.rglob("*.html")) - set(folder.glob("email/*")):  # a mail has no stylesheet
        assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)", path.read_text()), path.name
