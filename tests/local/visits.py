"""Visitors of a local Ory: browsers that keep their cookies, and apps that keep their token."""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import Message
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
    """Somebody at the other end: a browser with its cookies, or an app with its token."""

    token: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    accept: str = "application/json"

    @property
    def page(self) -> Visitor:
        """The same browser, navigating."""
        return Visitor(self.token, self.cookies, HTML)

    def headers(self) -> list[tuple[str, str]]:
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        named = [("Accept", self.accept), ("Cookie", cookie), ("X-Session-Token", self.token)]
        return [(name, value) for name, value in named if value]

    def take(self, set_cookies: list[str]) -> None:
        for line in set_cookies:
            name, _, rest = line.partition("=")
            if "Max-Age=0;" in line:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = rest.partition(";")[0]


@dataclass
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def content(self) -> Any:
        """As the recordings have it: JSON parsed, other text as text, nothing as `None`."""
        text = self.body.decode()
        is_json = self.headers.get("Content-Type", "").startswith("application/json")
        return (json.loads(text) if is_json else text) if text else None

    @property
    def id(self) -> str:
        """The id of the flow, session or identity in it, or of the flow or error that it leads to."""
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
    """What visitors do at a local Ory."""

    def __init__(self, ory: LocalOry) -> None:
        self.ory = ory

    def request(
        self,
        who: Visitor,
        method: str,
        url: str,
        *,
        headers: Headers = (),
        content: Any = None,
        form: bool | None = None,
        raw: bytes = b"",
    ) -> Answer:
        """Send `content` as JSON, or as a form when a browser navigates or `form` says so; or `raw` bytes.

        A header that is given takes the place of the visitor's own. A browser takes the cookies that it gets.
        """
        own, body = who.headers(), raw
        if content is not None:
            as_form = who.accept == HTML if form is None else form
            own.append(("Content-Type", FORM if as_form else "application/json"))
            body = (urlencode(content) if as_form else json.dumps(content)).encode()
        given = {name.lower() for name, _ in headers}
        base = self.ory.admin_url if url.startswith(self.ory.admin_url) else self.ory.public_url
        pairs = [*(pair for pair in own if pair[0].lower() not in given), *headers]
        answer = send(base, method, url.removeprefix(base), pairs, body)
        if not who.token:
            who.take(answer.headers.get_all("Set-Cookie") or [])
        return answer

    def quietly(self, method: str, path: str, who: Visitor, /, **content: Any) -> Answer:
        """A request to the public port."""
        return self.request(who, method, self.ory.public_url + path, content=content or None)

    # ---- people

    def person(self, email: str = ADA, **more: Any) -> str:
        """Somebody with the usual password: the identity's id."""
        return str(self.ory.create_identity(email=email, **{"password": PASSWORD, **more})["id"])

    def browser(self, email: str = ADA, password: str = PASSWORD) -> Visitor:
        """A browser that has signed in with the password."""
        who = Visitor()
        flow = self.quietly("GET", "/self-service/login/browser", who)
        self.quietly(
            "POST",
            f"/self-service/login?flow={flow.id}",
            who,
            method="password",
            identifier=email,
            password=password,
            csrf_token=flow.csrf_token,
        )
        return who

    def app(self, email: str = ADA, password: str = PASSWORD) -> Visitor:
        """A native app that has signed in with the password."""
        flow = self.quietly("GET", "/self-service/login/api", Visitor())
        answer = self.quietly(
            "POST",
            f"/self-service/login?flow={flow.id}",
            Visitor(),
            method="password",
            identifier=email,
            password=password,
        )
        return Visitor(token=answer.content["session_token"])

    def set_up_totp(self, who: Visitor) -> str:
        """Link an authenticator app in the settings: its secret."""
        flow = self.flow("settings", who)
        secret = str(flow.node("totp_secret_key")["text"]["context"]["secret"])
        self.settings(who, flow, method="totp", totp_code=pyotp.TOTP(secret).now())
        return secret

    def set_up_backup_codes(self, who: Visitor) -> list[str]:
        flow = self.flow("settings", who)
        shown = self.settings(who, flow, method="lookup_secret", lookup_secret_regenerate=True)
        self.settings(who, flow, method="lookup_secret", lookup_secret_confirm=True)
        return [one["text"] for one in shown.node("lookup_secret_codes")["text"]["context"]["secrets"]]

    def settings(self, who: Visitor, flow: Answer, **body: Any) -> Answer:
        return self.quietly("POST", f"/self-service/settings?flow={flow.id}", who, csrf_token=flow.csrf_token, **body)

    def flow(self, kind: str, who: Visitor, query: str = "") -> Answer:
        """A flow that the recording does not show the beginning of: a browser's, or an app's if it has a token."""
        form = "api" if who.token else "browser"
        return self.quietly("GET", f"/self-service/{kind}/{form}{query}", who)

    def native_flow(self, kind: str) -> Answer:
        return self.quietly("GET", f"/self-service/{kind}/api", Visitor())


def send(base: str, method: str, path: str, headers: list[tuple[str, str]], body: bytes = b"") -> Answer:
    """One request, its headers exactly as given."""
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=10)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body or method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()
