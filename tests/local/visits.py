"""Clients of a local Ory: browsers with cookies, and apps with a token."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp

from ory_auth.local import LocalOry

ADA, BOB = "ada@example.org", "bob@example.org"
PASSWORD = "correct horse 9"
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FORM = "application/x-www-form-urlencoded"

Headers = Sequence[tuple[str, str]]


@dataclass
class Visitor:
    """A browser with its cookies, or an app with its token."""

    token: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    accept: str = "application/json"

    @property
    def page(self) -> Visitor:
        """The same browser, which navigates and so prefers HTML."""
        return Visitor(self.token, self.cookies, HTML)

    def headers(self) -> list[tuple[str, str]]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        named = [("Accept", self.accept), ("Cookie", cookie), ("X-Session-Token", self.token)]
        return [(name, value) for name, value in named if value]

    def store_cookies(self, set_cookies: list[str]) -> None:
        for line in set_cookies:
            name, _, rest = line.partition("=")
            if "Max-Age=0;" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = rest.partition(";")[0]


@dataclass
class Response:
    status: int
    headers: Message
    body: bytes

    @cached_property
    def content(self) -> Any:
        """The body as in the recordings: parsed JSON, other text as text, an empty body as `None`."""
        text = self.body.decode()
        is_json = self.headers.get("Content-Type", "").startswith("application/json")
        return (json.loads(text) if is_json else text) if text else None

    @property
    def id(self) -> str:
        """The ID of the flow, session or identity in the body, or of the flow or error in the redirect."""
        if isinstance(self.content, dict):
            return str(self.content["id"])
        query = parse_qs(urlsplit(self.headers["Location"]).query)
        return (query.get("flow") or query["id"])[0]

    @property
    def csrf_token(self) -> str:
        return str(self.node("csrf_token")["value"])

    def node(self, name: str) -> dict[str, Any]:
        nodes = (node["attributes"] for node in self.content["ui"]["nodes"])
        return next(node for node in nodes if name in (node.get("name"), node.get("id")))


class Visits:
    """Requests of visitors to a local Ory."""

    def __init__(self, ory: LocalOry) -> None:
        self.ory = ory

    def request(
        self,
        visitor: Visitor,
        method: str,
        url: str,
        *,
        headers: Headers = (),
        content: Any = None,
        form: bool | None = None,
        raw: bytes = b"",
    ) -> Response:
        """Send `raw` bytes, or `content` as JSON. A browser that navigates sends a form, unless `form` says otherwise.

        `headers` replace the visitor's own headers. A browser stores the cookies in the response.
        """
        own, body = visitor.headers(), raw
        if content is not None:
            as_form = visitor.accept == HTML if form is None else form
            own.append(("Content-Type", FORM if as_form else "application/json"))
            body = (urlencode(content) if as_form else json.dumps(content)).encode()
        given = {name.lower() for name, _ in headers}
        base = self.ory.admin_url if url.startswith(self.ory.admin_url) else self.ory.public_url
        pairs = [*(pair for pair in own if pair[0].lower() not in given), *headers]
        response = send(base, method, url.removeprefix(base), pairs, body)
        if not visitor.token:
            visitor.store_cookies(response.headers.get_all("Set-Cookie") or [])
        return response

    def request_public(self, method: str, path: str, visitor: Visitor, /, **content: Any) -> Response:
        """A request to the public port, which is not part of a recording."""
        return self.request(visitor, method, self.ory.public_url + path, content=content or None)

    # ---- people

    def person(self, email: str = ADA, **more: Any) -> str:
        """Create an identity with the usual password. Returns its ID."""
        return str(self.ory.create_identity(email=email, **{"password": PASSWORD, **more})["id"])

    def browser(self, email: str = ADA, password: str = PASSWORD, headers: Headers = ()) -> Visitor:
        """A browser that has signed in with the password. `headers` are those of its sign-in."""
        visitor = Visitor()
        flow = self.request_public("GET", "/self-service/login/browser", visitor)
        content = {"method": "password", "identifier": email, "password": password, "csrf_token": flow.csrf_token}
        url = f"{self.ory.public_url}/self-service/login?flow={flow.id}"
        self.request(visitor, "POST", url, headers=headers, content=content)
        return visitor

    def app(self, email: str = ADA, password: str = PASSWORD) -> Visitor:
        """A native app that has signed in with the password."""
        flow = self.request_public("GET", "/self-service/login/api", Visitor())
        response = self.request_public(
            "POST",
            f"/self-service/login?flow={flow.id}",
            Visitor(),
            method="password",
            identifier=email,
            password=password,
        )
        return Visitor(token=response.content["session_token"])

    def set_up_totp(self, visitor: Visitor) -> str:
        """Link an authenticator app in the settings. Returns its secret."""
        flow = self.flow("settings", visitor)
        secret = str(flow.node("totp_secret_key")["text"]["context"]["secret"])
        self.settings(visitor, flow, method="totp", totp_code=pyotp.TOTP(secret).now())
        return secret

    def set_up_backup_codes(self, visitor: Visitor) -> list[str]:
        flow = self.flow("settings", visitor)
        shown = self.settings(visitor, flow, method="lookup_secret", lookup_secret_regenerate=True)
        self.settings(visitor, flow, method="lookup_secret", lookup_secret_confirm=True)
        return [one["text"] for one in shown.node("lookup_secret_codes")["text"]["context"]["secrets"]]

    def settings(self, visitor: Visitor, flow: Response, **body: Any) -> Response:
        return self.request_public(
            "POST", f"/self-service/settings?flow={flow.id}", visitor, csrf_token=flow.csrf_token, **body
        )

    def flow(self, kind: str, visitor: Visitor, query: str = "") -> Response:
        """Start a flow outside of the recording: a browser flow, or an API flow if the visitor has a token."""
        form = "api" if visitor.token else "browser"
        return self.request_public("GET", f"/self-service/{kind}/{form}{query}", visitor)

    def native_flow(self, kind: str) -> Response:
        return self.request_public("GET", f"/self-service/{kind}/api", Visitor())


def send(base: str, method: str, path: str, headers: list[tuple[str, str]], body: bytes = b"") -> Response:
    """Send one request with exactly these headers."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=10)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body or method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Response(response.status, response.headers, response.read())
    finally:
        connection.close()
