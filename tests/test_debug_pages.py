"""With DEBUG, pages and JSON name the cause of an outage and its fix. In production they name nothing."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from pytest_django import Settings

from ory_auth.conf import conf
from ory_auth.responses.outage_help import explain
from ory_auth.sessions.outcomes import Unavailable
from tests.support.client import DualClient
from tests.support.ory import Ory
from tests.support.ports import free_ports
from tests.support.types import ChangeSettings, Response

SOMEBODY = {"Cookie": "ory_kratos_session=a-secret-credential"}
PAGES = ["/who", "/awho", "/guarded", "/aguarded"]
APIS = ["/who", "/guarded", "/api/me"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _debug(settings: Settings) -> None:
    settings.DEBUG = True


@contextmanager
def a_server(status: int, body: bytes, headers: dict[str, str] | None = None) -> Iterator[str]:
    """Something that is not Ory; yields its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Be silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def text_of(response: Response) -> str:
    assert response.status_code == 503
    text = response.content.decode()
    assert "a-secret-credential" not in text
    return text.replace("&#x27;", "'")


@pytest.mark.parametrize("path", PAGES)
def test_the_page_says_that_no_ory_is_running(ory: Ory, ory_auth: ChangeSettings, web: DualClient, path: str) -> None:
    url = f"http://127.0.0.1:{(port := free_ports(1)[0])}"
    ory_auth(SDK_URL=url)
    text = text_of(web.get(path, headers=SOMEBODY))
    assert "No Ory is running here" in text
    assert f"ORY_AUTH['SDK_URL'] = '{url}'" in text
    assert f"GET {url}/sessions/whoami" in text
    assert re.search(rf"python manage.py ory_local --port {port} --admin-port \d+ --ui-base http://\S+/auth", text)
    assert "python manage.py ory_check" in text
    assert "few seconds" not in text


@pytest.mark.parametrize(
    ("host", "keys", "options"),
    [
        ("127.0.0.1:8000", {"SDK_URL": "http://127.0.0.1:4433"}, ""),
        ("127.0.0.1:18000", {"SDK_URL": "http://127.0.0.1:4433"}, " --ui-base http://127.0.0.1:18000/auth"),
        ("127.0.0.1:8000", {"SDK_URL": "http://127.0.0.1:14433"}, " --port 14433 --admin-port 14434"),
        (
            "127.0.0.1:8000",
            {"SDK_URL": "http://127.0.0.1:14433", "ADMIN_URL": "http://127.0.0.1:24434"},
            " --port 14433 --admin-port 24434",
        ),
        ("127.0.0.1:8000", {"SDK_URL": "http://127.0.0.1:65535"}, " --port 65535 --admin-port 65534"),
        (
            "localhost:8000",
            {"SDK_URL": "http://localhost:4433"},
            " --host localhost --ui-base http://localhost:8000/auth",
        ),
        ("localhost:8000", {"SDK_URL": "http://127.0.0.1:4433"}, ""),  # cookies of 127.0.0.1 do not reach localhost
        ("[::1]:8000", {"SDK_URL": "http://[::1]:4433"}, " --host ::1 --ui-base http://[::1]:8000/auth"),
    ],
)
def test_the_command_starts_an_ory_that_works_for_this_site(
    settings: Settings, host: str, keys: dict[str, Any], options: str
) -> None:
    settings.ORY_AUTH = keys
    outcome = Unavailable(cause="ConnectionRefusedError", connected=False)
    command = explain(outcome, conf(), pages_url=f"http://{host}/auth").commands[0]
    assert command == f"python manage.py ory_local{options}"


@pytest.mark.parametrize("path", APIS)
def test_the_json_says_the_same(ory: Ory, ory_auth: ChangeSettings, web: DualClient, path: str) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    ory_auth(SDK_URL=url)
    response = web.get(path, headers={**SOMEBODY, "Accept": "application/json"})
    text_of(response)
    assert response.json()["code"] == "ory_unavailable"
    assert response.json()["debug"]["title"] == "No Ory is running here"
    assert response.json()["debug"]["setting"] == f"ORY_AUTH['SDK_URL'] = '{url}'"


@pytest.mark.parametrize("page", ["login", "registration", "settings", "recovery", "verification"])
def test_a_browser_is_not_sent_to_an_unreachable_ory(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, page: str
) -> None:
    ory_auth(SDK_URL=f"http://127.0.0.1:{free_ports(1)[0]}")
    assert "No Ory is running here" in text_of(web.get(f"/auth/{page}"))


def test_in_production_the_browser_is_redirected_without_a_check(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, settings: Settings
) -> None:
    settings.DEBUG = False
    ory_auth(SDK_URL=f"http://127.0.0.1:{free_ports(1)[0]}")
    assert web.get("/auth/login").status_code == 302


def test_the_browser_is_redirected_if_ory_is_reachable(ory: Ory, web: DualClient) -> None:
    assert web.get("/auth/login").headers["Location"].startswith(f"{ory.public_url}/self-service/login/browser")


def test_an_unresolvable_host_name_is_reported(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(SDK_URL="http://ory.invalid:4433")
    text = text_of(web.get("/who", headers=SOMEBODY))
    assert "The host name 'ory.invalid' could not be resolved." in text
    assert "ory_local" not in text


def test_a_server_without_tls_is_reported(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    with a_server(200, b"hello") as url:
        ory_auth(SDK_URL=url.replace("http:", "https:"))
        text = text_of(web.get("/who", headers=SOMEBODY))
    assert "No secure connection to Ory" in text


@pytest.mark.parametrize(
    ("status", "title"),
    [
        (200, "The response is not from Ory"),
        (301, "This URL redirects"),
        (404, "This URL is not Ory's API"),
        (405, "Ory refuses the call"),
        (500, "Ory returned an error"),
    ],
)
def test_a_server_that_is_not_ory_is_reported(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, status: int, title: str
) -> None:
    body = b"<html>a body with details</html>"
    with a_server(status, body, {"Location": "http://elsewhere.example.org/"}) as url:
        ory_auth(SDK_URL=url)
        text = text_of(web.get("/who", headers=SOMEBODY))
    assert title in text
    assert "a body with details" not in text


@pytest.mark.usefixtures("local_ory")
def test_a_slow_ory_is_reported(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    assert ory.local
    ory_auth(TIMEOUT=0.3)
    with ory.local.slow(1, "/sessions/whoami"):
        text = text_of(web.get("/who", headers=SOMEBODY))
    assert "There was no complete response within 0.3 seconds." in text


def test_an_open_circuit_breaker_still_reports_the_cause(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(SDK_URL=f"http://127.0.0.1:{free_ports(1)[0]}")
    texts = [text_of(web.get("/who", headers={"Cookie": f"ory_kratos_session={n}"})) for n in range(8)]
    assert any("circuit breaker" in text for text in texts)
    assert all("No Ory is running here" in text for text in texts)


@pytest.mark.parametrize("debug", [True, False], ids=["DEBUG", "production"])
@pytest.mark.parametrize("path", ["/who", "/awho"])
def test_missing_migrations_are_reported_to_developers(
    ory: Ory, web: DualClient, settings: Settings, caplog: pytest.LogCaptureFixture, debug: bool, path: str
) -> None:
    settings.DEBUG = debug
    session = ory.person().app_session()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ory_auth_orysignin RENAME TO elsewhere")
    response = web.get(path, headers={**session.headers})
    assert "migrations_missing" in caplog.text
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "300"
    body = response.json()
    if debug:
        assert body["debug"]["commands"] == ["python manage.py migrate"]
    else:
        assert "debug" not in body
        assert "shortly" not in body["detail"]


def test_in_production_the_page_names_no_time(ory: Ory, web: DualClient, settings: Settings) -> None:
    settings.DEBUG = False
    cookies = ory.person().browser_session()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ory_auth_orysignin RENAME TO elsewhere")
    text = text_of(web.get("/who", headers=cookies.headers))
    assert "Sign-in is not set up" in text
    assert "few seconds" not in text
    assert "migrat" not in text


def test_in_production_no_cause_is_shown(
    ory: Ory, ory_auth: ChangeSettings, web: DualClient, settings: Settings
) -> None:
    settings.DEBUG = False
    ory_auth(SDK_URL=f"http://127.0.0.1:{(port := free_ports(1)[0])}")
    for accept in ("text/html", "application/json"):
        text = text_of(web.get("/who", headers={**SOMEBODY, "Accept": accept}))
        assert str(port) not in text
        assert "SDK_URL" not in text
        assert "debug" not in text


@pytest.mark.parametrize("debug", [True, False], ids=["DEBUG", "production"])
@pytest.mark.parametrize("path", ["/guarded", "/aguarded"])
def test_developers_see_why_a_person_is_not_admitted(
    ory: Ory, web: DualClient, settings: Settings, debug: bool, path: str
) -> None:
    settings.DEBUG = debug
    session = ory.person().app_session()
    web.get("/who", headers=session.headers)
    get_user_model().objects.update(is_active=False)
    body = web.get(path, headers=session.headers).json()
    assert body["reason"] == "not_admitted"
    assert ("is_active" in body["debug"]["cause"]) if debug else ("debug" not in body)


def forbidden_return(ory: Ory, web: DualClient, return_to: str, host: str) -> str:
    """The text of the error page at this host, after Ory has refused ``return_to``."""
    query = urlencode({"return_to": return_to})
    started = ory.public("GET", f"/self-service/login/browser?{query}", headers={"Accept": "text/html"})
    error_id = parse_qs(urlsplit(started.headers["Location"]).query)["id"][0]
    text = web.get(f"/auth/error?id={error_id}", headers={"Host": host}).content.decode()
    return text.replace("&#x27;", "'")


@pytest.mark.parametrize("debug", [True, False], ids=["DEBUG", "production"])
def test_developers_see_which_address_ory_does_not_allow(
    ory: Ory, web: DualClient, settings: Settings, debug: bool
) -> None:
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, ["*"]
    text = forbidden_return(ory, web, "http://localhost:8000/orders", "127.0.0.1:8000")
    assert ("The page you came from is at http://localhost:8000, and Ory sends people back only" in text) is debug
    assert ("Open the site at http://127.0.0.1:8000, the address that Ory knows" in text) is debug
    assert "python manage.py ory_local" not in text


def test_developers_see_how_to_allow_another_port(ory: Ory, web: DualClient) -> None:
    text = forbidden_return(ory, web, "http://127.0.0.1:8001/", "127.0.0.1:8000")
    assert "you can allow http://127.0.0.1:8001" in text
    assert "--allow-return-to http://127.0.0.1:8001" in text


@pytest.mark.parametrize(
    "return_to",
    [
        "http://<script>alert(1)</script>.localhost/",
        "http://x;touch evil;.localhost/",
        "http://$(touch evil).localhost/",
        "javascript:alert(1)",
    ],
)
def test_a_hostile_address_is_not_repeated_as_advice(ory: Ory, web: DualClient, return_to: str) -> None:
    text = forbidden_return(ory, web, return_to, "127.0.0.1:8000")
    assert "<script>alert" not in text
    advice = text.partition("Ory does not allow this address")[2]
    assert "sends people back only to addresses that it allows" in advice
    assert "evil" not in advice


def test_a_setting_with_the_url_of_this_site_is_reported(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(SDK_URL="http://testserver")
    assert "This URL is not Ory's API" in text_of(web.get("/auth/login"))


def test_htmx_shows_the_commands_in_words(ory: Ory, ory_auth: ChangeSettings, web: DualClient) -> None:
    ory_auth(SDK_URL=f"http://127.0.0.1:{free_ports(1)[0]}")
    text = text_of(web.get("/who", headers={**SOMEBODY, "HX-Request": "true"}))
    assert "python manage.py ory_check" in text
    assert "(" not in text.partition("commands:")[2].partition("<")[0]
