"""What Ory's answers can put on this package's pages, and the headers that protect these pages."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import quote

import pytest
from pytest_django import Settings

from ory_auth.local import LocalOry
from tests.support.client import DualClient
from tests.support.cookies import sign_in
from tests.support.ory import Ory
from tests.support.types import Response

pytestmark = pytest.mark.django_db

FORGED = "YOUR ACCOUNT IS LOCKED. Call +1-555-0100"
MIDDLEWARE = "django.middleware.{}Middleware"

# --- Ory's errors


ERROR = {
    "code": 422,
    "status": FORGED,
    "reason": FORGED,
    "message": FORGED,
    "debug": "a stack trace",
    "details": {FORGED: FORGED},
}


def ory_says(local_ory: LocalOry, error: dict[str, Any]) -> AbstractContextManager[object]:
    """Ory's error endpoint answers with this error."""
    body = json.dumps({"id": "x", "error": error}).encode()
    return local_ory.failing(200, {"Content-Type": "application/json"}, body, "/self-service/errors")


@pytest.mark.promise("Text that an attacker put into a link is not shown on the error page")
@pytest.mark.parametrize(
    ("id_", "is_shown"),
    [("some_new_id", True), ("LOCKED", False), (FORGED, False), ("x" * 65, False), ("id\n", False), (7, False)],
)
def test_of_an_unknown_error_the_page_shows_its_id_alone(
    web: DualClient, local_ory: LocalOry, id_: object, is_shown: bool
) -> None:
    with ory_says(local_ory, {**ERROR, "id": id_}):
        page = web.get("/auth/error?id=a3b8f3d4-0000-4000-8000-000000000000")
    assert page.status_code == 422
    text = page.content.decode()
    assert "The sign-in service couldn't complete your request." in text
    assert "LOCKED" not in text
    assert "555" not in text
    assert (f"422 {id_}<" in text) is is_shown


def test_a_known_error_is_explained_in_our_words(web: DualClient, local_ory: LocalOry) -> None:
    with ory_says(local_ory, {**ERROR, "id": "session_refresh_required"}):
        text = web.get("/auth/error?id=a3b8f3d4-0000-4000-8000-000000000000").content.decode()
    assert "You signed in too long ago for this. Please sign in again." in text
    assert "LOCKED" not in text


@pytest.mark.parametrize("id_", ["some_new_id", "session_refresh_required"])
def test_with_debug_the_page_quotes_ory_too(web: DualClient, local_ory: LocalOry, settings: Settings, id_: str) -> None:
    settings.DEBUG = True
    with ory_says(local_ory, {**ERROR, "id": id_, "reason": "<b>why</b>"}):
        text = web.get("/auth/error?id=a3b8f3d4-0000-4000-8000-000000000000").content.decode()
    assert "&lt;b&gt;why&lt;/b&gt;" in text
    assert FORGED in text
    assert "a stack trace" not in text


# --- errors of OAuth2, in a URL that anybody can write


@pytest.mark.promise("Text that an attacker put into a link is not shown on the error page")
@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("access_denied", "Access was refused"),
        ("invalid_client", "made a mistake"),
        ("temporarily_unavailable", "try again in a few minutes"),
        ("login_required", "sign in again"),
    ],
)
def test_an_error_of_oauth2_is_explained_in_our_words(web: DualClient, ory: Ory, code: str, text: str) -> None:
    page = web.get(f"/auth/error?error={code}&error_description={quote(FORGED)}&error_hint={quote(FORGED)}")
    assert page.status_code == 400
    assert text in page.content.decode().replace("&#x27;", "'")
    assert code in page.content.decode()
    assert "LOCKED" not in page.content.decode()


@pytest.mark.parametrize("code", ["new_error", "%3Cscript%3Ealert(1)%3C/script%3E", "x" * 10_000, "%00", ""])
def test_an_unknown_error_of_oauth2_gets_a_general_text(web: DualClient, ory: Ory, code: str) -> None:
    text = web.get(f"/auth/error?error={code}").content.decode()
    assert "The sign-in service couldn&#x27;t complete your request." in text or "couldn't complete" in text
    assert "<script>alert" not in text
    assert "x" * 100 not in text


def test_with_debug_the_page_quotes_the_description_of_oauth2(web: DualClient, ory: Ory, settings: Settings) -> None:
    settings.DEBUG = True
    text = web.get(
        f"/auth/error?error=invalid_client&error_description=%3Cb%3Ewhy&error_hint={FORGED}"
    ).content.decode()
    assert "&lt;b&gt;why" in text
    assert "YOUR ACCOUNT IS LOCKED" in text


# --- headers

FORMS = ["login", "registration", "settings"]


def form(ory: Ory, web: DualClient, flow: str) -> Response:
    """A page with a form of Ory's, for a browser that began this flow."""
    session = ory.person().browser_session()
    if flow != "settings":
        session.jar = {}
    begun = session.get(f"/self-service/{flow}/browser").json["id"]
    cookie = "; ".join(f"{name}={value}" for name, value in session.jar.items())
    page = web.get(f"/auth/{flow}?flow={begun}", headers={"Cookie": cookie})
    assert page.status_code == 200
    return page


@pytest.fixture
def bare(settings: Settings) -> None:
    """A project without Django's middleware for such headers."""
    for name in ("security.Security", "clickjacking.XFrameOptions"):
        assert MIDDLEWARE.format(name) not in settings.MIDDLEWARE


@pytest.mark.parametrize("flow", FORMS)
def test_a_page_with_a_form_protects_itself(ory: Ory, web: DualClient, bare: None, flow: str) -> None:
    headers = form(ory, web, flow).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/auth/error", "/auth/login?flow=00000000-0000-4000-8000-000000000000"])
def test_the_other_pages_protect_themselves(ory: Ory, web: DualClient, bare: None, path: str) -> None:
    assert web.get(path).headers["X-Frame-Options"] == "DENY"


def test_the_page_for_people_who_are_not_admitted_protects_its_sign_out(
    ory: Ory, web: DualClient, settings: Settings
) -> None:
    settings.ORY_AUTH = {**settings.ORY_AUTH, "USER_HANDLER": "tests.project.handlers.NoGuests"}
    sign_in(web, ory.person().browser_session())
    page = web.get("/guarded")
    assert (page.status_code, page.headers["X-Frame-Options"]) == (403, "DENY")


@pytest.mark.parametrize(
    ("policy", "sent"),
    [
        ("no-referrer", "no-referrer"),
        (["no-referrer", "same-origin"], "no-referrer,same-origin"),
        (None, "same-origin"),
    ],
)
def test_the_projects_own_referrer_policy_stands(
    ory: Ory, web: DualClient, settings: Settings, policy: object, sent: str
) -> None:
    settings.SECURE_REFERRER_POLICY = policy
    settings.MIDDLEWARE = [MIDDLEWARE.format("security.Security"), *settings.MIDDLEWARE]
    assert form(ory, web, "login").headers["Referrer-Policy"] == sent


def test_djangos_middleware_leaves_the_stricter_frame_option(ory: Ory, web: DualClient, settings: Settings) -> None:
    settings.X_FRAME_OPTIONS = "SAMEORIGIN"
    settings.MIDDLEWARE = [MIDDLEWARE.format("clickjacking.XFrameOptions"), *settings.MIDDLEWARE]
    assert form(ory, web, "login").headers["X-Frame-Options"] == "DENY"
    assert web.get("/silent").headers["X-Frame-Options"] == "SAMEORIGIN"
