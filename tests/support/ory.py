"""The Ory that the tests use: the local one, or a real one at ORY_TEST_PUBLIC_URL and ORY_TEST_ADMIN_URL.

Identities and sessions are created over HTTP in both cases, with the flows that apps and browsers use. So the same test
runs against both.
"""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import pyotp
import urllib3

from ory_auth.local import Config, LocalOry, RecordedRequest

PASSWORD = "Ratatosk-9-tree"
WHOAMI = "/sessions/whoami"
HTTP = urllib3.PoolManager(retries=False, maxsize=4)


@dataclass
class Reply:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def send(method: str, url: str, *, headers: dict[str, str] | None = None, body: Any = None) -> Reply:
    """Send one request. ``body`` is sent as JSON; redirects are not followed."""
    sent = {"Accept": "application/json", **(headers or {})}
    if body is not None:
        sent["Content-Type"] = "application/json"
    response = HTTP.request(
        method, url, headers=sent, body=None if body is None else json.dumps(body), redirect=False, timeout=10
    )
    return Reply(response.status, response.headers, response.data)


class Ory:
    """The APIs of one Ory. ``local`` is the local Ory with its controls, or ``None`` for a real one."""

    def __init__(self, public_url: str, admin_url: str, local: LocalOry | None = None) -> None:
        self.public_url, self.admin_url, self.local = public_url.rstrip("/"), admin_url.rstrip("/"), local

    def person(
        self, email: str | None = None, *, password: str = PASSWORD, verified: bool = False, **traits: Any
    ) -> Person:
        """Create an identity with a password."""
        traits["email"] = email or f"{uuid.uuid4().hex[:12]}@example.org"
        body: dict[str, Any] = {
            "schema_id": "person",
            "traits": traits,
            "credentials": {"password": {"config": {"password": password}}},
        }
        if verified:
            body["verifiable_addresses"] = [
                {"value": traits["email"], "via": "email", "verified": True, "status": "completed"}
            ]
        reply = send("POST", f"{self.admin_url}/admin/identities", body=body)
        assert reply.status == 201, reply.body
        return Person(self, reply.json["id"], traits["email"], password)

    def requests_to(self, path: str = "/sessions/whoami") -> list[RecordedRequest]:
        """The requests that the local Ory received at this path, in order."""
        assert self.local is not None
        return [request for request in self.local.requests if request.path == path]

    def public(self, method: str, path: str, **options: Any) -> Reply:
        return send(method, self.public_url + path, **options)

    def admin(self, method: str, path: str, **options: Any) -> Reply:
        return send(method, self.admin_url + path, **options)


@dataclass
class Person:
    """An identity, and the sign-ins of the person it belongs to."""

    ory: Ory
    id: str
    email: str
    password: str = field(repr=False)
    totp: pyotp.TOTP | None = None

    def app_session(self) -> Session:
        """Sign in as a native app does: the session has a token."""
        flow = self.ory.public("GET", "/self-service/login/api").json
        reply = self.ory.public("POST", f"/self-service/login?flow={flow['id']}", body=self.password_form())
        assert reply.status == 200, reply.body
        return Session(self, reply.json["session"]["id"], token=reply.json["session_token"])

    def browser_session(self, jar: dict[str, str] | None = None) -> Session:
        """Sign in as a browser does. ``jar``: the cookies that the browser already has."""
        jar = {} if jar is None else jar
        session = Session(self, "", jar=jar)
        flow = session.get("/self-service/login/browser").json
        reply = session.submit("login", flow, self.password_form())
        assert reply.status in {200, 422}, reply.body
        session.id = reply.json["session"]["id"] if reply.status == 200 else ""
        return session

    def session(self, credential: str) -> Session:
        """Sign in with ``"token"``, as an app does, or with ``"cookie"``, as a browser does."""
        return self.app_session() if credential == "token" else self.browser_session()

    def password_form(self) -> dict[str, str]:
        return {"method": "password", "identifier": self.email, "password": self.password}

    def patch(self, path: str, value: Any) -> None:
        reply = self.ory.admin(
            "PATCH", f"/admin/identities/{self.id}", body=[{"op": "replace", "path": path, "value": value}]
        )
        assert reply.status == 200, reply.body

    def deactivate(self) -> None:
        self.patch("/state", "inactive")

    def delete(self) -> None:
        assert self.ory.admin("DELETE", f"/admin/identities/{self.id}").status == 204


@dataclass
class Session:
    """A session at Ory, with a token or with the cookies of a browser."""

    person: Person
    id: str
    token: str = field(default="", repr=False)
    jar: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def cookie(self) -> str:
        """The session cookie as a browser sends it."""
        return f"ory_kratos_session={self.jar['ory_kratos_session']}"

    @property
    def headers(self) -> dict[str, str]:
        """The header that carries the session's credential."""
        return {"X-Session-Token": self.token} if self.token else {"Cookie": self.cookie}

    @property
    def bearer(self) -> dict[str, str]:
        """The session token as a Bearer token."""
        return {"Authorization": f"Bearer {self.token}"}

    @cached_property
    def ory(self) -> Ory:
        return self.person.ory

    def whoami(self) -> dict[str, Any]:
        """What Ory knows about the session."""
        content: dict[str, Any] = self.ory.public("GET", WHOAMI, headers=self.headers).json
        return content

    def revoke(self) -> None:
        assert self.ory.admin("DELETE", f"/admin/sessions/{self.id}").status == 204

    # --- as a browser

    def get(self, path: str, accept: str = "application/json") -> Reply:
        return self._store_cookies(self.ory.public("GET", path, headers={"Accept": accept, **self._cookies()}))

    def submit(self, kind: str, flow: dict[str, Any], values: dict[str, Any]) -> Reply:
        """Submit a flow's form with its CSRF token."""
        nodes = (node["attributes"] for node in flow["ui"]["nodes"])
        csrf = {n["name"]: n["value"] for n in nodes if n.get("name") == "csrf_token"}
        path = f"/self-service/{kind}?{urlencode({'flow': flow['id']})}"
        return self._store_cookies(self.ory.public("POST", path, headers=self._cookies(), body={**csrf, **values}))

    def set_up_totp(self) -> None:
        """Set up a second factor for the person. This session then has ``aal2``."""
        flow = self.get("/self-service/settings/browser").json
        secret = next(
            node["attributes"]["text"]["text"]
            for node in flow["ui"]["nodes"]
            if node["attributes"].get("id") == "totp_secret_key"
        )
        self.person.totp = pyotp.TOTP(secret)
        reply = self.submit("settings", flow, {"method": "totp", "totp_code": self.person.totp.now()})
        assert reply.status == 200, reply.body

    def step_up(self) -> None:
        """Use the second factor."""
        assert self.person.totp
        flow = self.get("/self-service/login/browser?aal=aal2").json
        reply = self.submit("login", flow, {"method": "totp", "totp_code": self.person.totp.now()})
        assert reply.status == 200, reply.body

    def _cookies(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())} if self.jar else {}

    def _store_cookies(self, reply: Reply) -> Reply:
        for line in reply.headers.getlist("Set-Cookie"):
            name, _, value = line.split(";")[0].partition("=")
            self.jar[name] = value
        return reply


def unknown_token() -> dict[str, str]:
    """The header of a session token that Ory never issued."""
    return {"X-Session-Token": f"ory_st_{uuid.uuid4().hex}"}


def start_ory() -> Ory:
    """The Ory that the environment names, or a new local one."""
    public, admin = os.environ.get("ORY_TEST_PUBLIC_URL"), os.environ.get("ORY_TEST_ADMIN_URL")
    if public and admin:
        return Ory(public, admin)
    local = LocalOry(Config(public_port=0, admin_port=0))
    local.start()
    return Ory(local.public_url, local.admin_url, local)
