"""The Python API of the local Ory."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from ory_auth.local import Config, LocalOry, PortUnavailable
from ory_auth.local.model.errors import OryError
from tests.support.ory import HTTP

from .visits import Response, send

WHOAMI = "/sessions/whoami"


def whoami(ory: LocalOry, *headers: tuple[str, str]) -> Response:
    return send(ory.public_url, "GET", WHOAMI, list(headers))


def signed_in(ory: LocalOry, **more: Any) -> tuple[str, str]:
    """The header with the session token of a new person."""
    identity = ory.create_identity(email="ada@example.org", **more)
    return "X-Session-Token", ory.create_session(identity["id"]).token


class TestRunning:
    def test_starts_and_stops_without_waiting_for_idle_connections(self) -> None:
        before = time.monotonic()
        with LocalOry(Config(public_port=0, admin_port=0)) as ory:
            idle = http.client.HTTPConnection(urlsplit(ory.public_url).netloc)
            idle.request("GET", "/health/alive")
            idle.getresponse().read()
        assert time.monotonic() - before < 10
        idle.close()

    def test_says_which_port_is_taken(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            with pytest.raises(PortUnavailable) as caught:
                LocalOry(Config(public_port=0, admin_port=port)).start()
        assert (caught.value.name, caught.value.port) == ("admin", port)

    def test_refuses_connections_while_stopped_and_keeps_its_ports_and_people(self, local_ory: LocalOry) -> None:
        token, public_url = signed_in(local_ory), local_ory.public_url
        with local_ory.stopped(), pytest.raises(ConnectionRefusedError):
            whoami(local_ory, token)
        assert local_ory.public_url == public_url
        assert whoami(local_ory, token).status == 200

    def test_closes_open_connections_when_it_stops(self, local_ory: LocalOry) -> None:
        failures: list[type[BaseException]] = []

        def ask() -> None:
            try:
                whoami(local_ory)
            except (http.client.HTTPException, ConnectionError) as failure:
                failures.append(type(failure))

        with local_ory.slow(30):
            asking = threading.Thread(target=ask)
            asking.start()
            while not local_ory.requests:
                time.sleep(0.001)
            with local_ory.stopped():
                asking.join(5)
        assert failures

    def test_records_requests_as_they_arrived(self, local_ory: LocalOry) -> None:
        whoami(local_ory, ("Cookie", "a=1"), ("Cookie", "b=2"))
        send(local_ory.admin_url, "GET", "/admin/identities?page_size=1", [])
        public, admin = local_ory.requests
        assert (public.port, public.method, public.path) == ("public", "GET", WHOAMI)
        assert [value for name, value in public.headers if name == "cookie"] == ["a=1", "b=2"]
        assert (admin.port, admin.path, admin.query) == ("admin", "/admin/identities", "page_size=1")

    def test_reset_deletes_everything(self, local_ory: LocalOry) -> None:
        token = signed_in(local_ory)
        local_ory.configure(cacheable_sessions=False)
        local_ory.clock.move(3600)
        with local_ory.failing():
            local_ory.reset()
            response = whoami(local_ory, token)
        assert response.status == 401
        assert len(local_ory.requests) == 1
        assert local_ory.state.config.cacheable_sessions


class TestPeopleAndSessions:
    def test_a_session_has_a_token_and_a_cookie(self, local_ory: LocalOry) -> None:
        identity = local_ory.create_identity(email="ada@example.org")
        session = local_ory.create_session(identity["id"], aal="aal2")
        for header in (("X-Session-Token", session.token), ("Cookie", session.cookie)):
            shown = whoami(local_ory, header).content
            assert (shown["id"], shown["authenticator_assurance_level"]) == (session.id, "aal2")
            assert shown["identity"]["id"] == identity["id"]

    def test_an_identity_has_the_given_values(self, local_ory: LocalOry) -> None:
        identity = local_ory.create_identity(
            email="ada@example.org",
            traits={"name": {"first": "Ada"}},
            metadata_public={"plan": "pro"},
            totp="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            lookup_codes=["aaaabbbb"],
            verified=True,
        )
        assert identity["traits"] == {"email": "ada@example.org", "name": {"first": "Ada"}}
        assert identity["metadata_public"] == {"plan": "pro"}
        assert identity["verifiable_addresses"][0]["verified"]
        assert {"totp", "lookup_secret"} <= identity["credentials"].keys()

    @pytest.mark.parametrize("traits", [{"email": "ada@example.org"}, {"email": "nonsense"}, {}])
    def test_invalid_and_duplicate_people_are_refused(self, local_ory: LocalOry, traits: dict[str, Any]) -> None:
        local_ory.create_identity(email="ada@example.org")
        with pytest.raises(OryError):
            local_ory.create_identity(traits=traits)

    def test_the_old_value_of_a_renewed_cookie_still_works(self, local_ory: LocalOry) -> None:
        identity = local_ory.create_identity(email="ada@example.org")
        session = local_ory.create_session(identity["id"])
        local_ory.clock.move(60)
        send(local_ory.admin_url, "PATCH", f"/admin/sessions/{session.id}/extend", [])
        first, second = (whoami(local_ory, ("Cookie", session.cookie)) for _ in range(2))
        assert first.headers["Set-Cookie"] != second.headers["Set-Cookie"]
        assert (first.status, second.status) == (200, 200)

    @pytest.mark.parametrize(
        ("settings", "seconds"),
        [({}, "60"), ({"cacheable_sessions_max_age": None}, "86400"), ({"session_lifespan": 4}, "4")],
    )
    def test_says_how_long_a_session_may_be_cached(
        self, local_ory: LocalOry, settings: dict[str, Any], seconds: str
    ) -> None:
        local_ory.configure(**settings)
        assert whoami(local_ory, signed_in(local_ory)).headers["Ory-Session-Cache-For"] == seconds

    def test_moving_the_clock_expires_sessions(self, local_ory: LocalOry) -> None:
        token = signed_in(local_ory)
        before = whoami(local_ory, token)
        local_ory.clock.move(86401)
        after = whoami(local_ory, token)
        assert (before.status, after.status) == (200, 401)
        assert before.headers["Date"] != after.headers["Date"]


class TestFaults:
    def test_slow_delays_the_given_path_only(self, local_ory: LocalOry) -> None:
        with local_ory.slow(1, path=WHOAMI):
            before = time.monotonic()
            send(local_ory.public_url, "GET", "/health/alive", [])
            assert time.monotonic() - before < 1
            whoami(local_ory)
        assert time.monotonic() - before >= 1

    def test_failing_sends_the_given_response(self, local_ory: LocalOry) -> None:
        with local_ory.failing(status=429, headers={"Retry-After": "7"}, body=b"<html>"):
            response = whoami(local_ory)
        assert (response.status, response.headers["Retry-After"], response.body) == (429, "7", b"<html>")
        assert whoami(local_ory).status == 401

    def test_hang_up_sends_no_response(self, local_ory: LocalOry) -> None:
        with local_ory.hang_up(), pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            whoami(local_ory)

    @pytest.mark.parametrize("headers", [False, True])
    def test_dripping_is_slow_but_complete(self, local_ory: LocalOry, headers: bool) -> None:
        with local_ory.dripping(0.001, headers=headers):
            before = time.monotonic()
            response = whoami(local_ory)
        assert time.monotonic() - before > 0.1
        assert (response.status, json.loads(response.body)["error"]["code"]) == (401, 401)

    def test_dripping_can_delay_the_headers(self, local_ory: LocalOry) -> None:
        host = urlsplit(local_ory.public_url)
        with local_ory.dripping(0.05, headers=True), socket.create_connection((host.hostname, host.port)) as line:
            line.sendall(b"GET /health/alive HTTP/1.1\r\nHost: x\r\n\r\n")
            assert line.recv(100) == b"H"

    @pytest.mark.parametrize("ready", [503, 200])
    def test_without_a_database_no_session_is_found_and_no_flow_starts(self, local_ory: LocalOry, ready: int) -> None:
        token = signed_in(local_ory)
        with local_ory.database_down(ready=ready):
            assert whoami(local_ory, token).body == whoami(local_ory).body
            for base in (local_ory.public_url, local_ory.admin_url):
                assert send(base, "GET", "/health/ready", []).status == ready
                assert send(base, "GET", "/health/alive", []).status == 200
            assert send(local_ory.public_url, "GET", "/self-service/login/api", []).status == 500
            assert send(local_ory.admin_url, "GET", "/admin/identities", []).status == 500
        assert whoami(local_ory, token).status == 200


class TestTheNameOfThisMachine:
    """Browsers may come by localhost or by 127.0.0.1, and find the site at the same name."""

    @pytest.fixture
    def following(self) -> Iterator[LocalOry]:
        with LocalOry(Config(public_port=0, admin_port=0, follow_loopback_name=True)) as ory:
            yield ory

    def start(self, ory: LocalOry, host: str, accept: str, query: str = "") -> Response:
        """Start a login as a browser does that reaches Ory by this host."""
        url = f"{ory.public_url}/self-service/login/browser{query}"
        reply = HTTP.request("GET", url, headers={"Host": host, "Accept": accept}, redirect=False)
        return Response(reply.status, reply.headers, reply.data)  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
    def test_urls_have_the_name_by_which_the_browser_came(self, following: LocalOry, name: str) -> None:
        host = f"{name}:{urlsplit(following.public_url).port}"
        response = self.start(following, host, "text/html", f"?return_to=http://{name}:8000/orders/")
        assert response.headers["Location"].startswith(f"http://{name}:8000/auth/login?flow=")
        flow = json.loads(self.start(following, host, "application/json").body)
        assert flow["ui"]["action"].startswith(f"http://{host}/self-service/login?flow=")

    def test_other_names_are_not_repeated(self, following: LocalOry) -> None:
        response = self.start(following, "evil.example", "text/html")
        assert response.headers["Location"].startswith("http://127.0.0.1:8000/auth/login?flow=")

    def test_the_csrf_cookie_has_one_name(self, following: LocalOry) -> None:
        cookies = {
            self.start(following, host, "text/html").headers["Set-Cookie"] for host in ("localhost", "127.0.0.1")
        }
        assert len({cookie.partition("=")[0] for cookie in cookies}) == 1
