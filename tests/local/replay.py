"""Walks a recorded scenario against the local Ory, and compares every answer with the shape of the recorded one.

A scenario is a function that takes a `Walk` and makes the requests by the names that the recording gave them. What
the recording tells (port, method, path) is not repeated; ids in the path are replaced by those of this walk, in order.
"""

from __future__ import annotations

import http.client
import importlib.util
import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pyotp

from ory_auth.local import LocalOry

CONTRACT = Path(__file__).parent.parent / "contract"
VARIANTS: dict[str, dict[str, Any]] = {
    "main": {},
    "aal1": {"whoami_required_aal": "aal1", "settings_required_aal": "aal1"},
    "cache_default_age": {"cacheable_sessions_max_age": None},
    "extend_window": {"earliest_possible_extend": 3600},
    "no_session_hook": {"registration_session_hook": False},
    "nocache": {"cacheable_sessions": False},
    "production": {"dev": False},
    "short_flows": {"flow_lifespan": 1},
    "short_privileged": {"privileged_session_max_age": 1},
    "short_session": {"session_lifespan": 4},
}

RECORDED_PUBLIC_URL = "http://127.0.0.1:4433"
ADA, BOB = "ada@example.org", "bob@example.org"
PASSWORD = "correct horse 9"
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
FORM = "application/x-www-form-urlencoded"
MEASURED = {"since"}  # numbers that no two runs share
TRANSPORT_HEADERS = {"transfer-encoding", "content-length", "date", "connection"}
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|ory_lo_\w+|(?<=page_token=)[\w-]{40,}")


def _shape_module() -> Any:
    spec = importlib.util.spec_from_file_location("contract_shape", CONTRACT / "shape.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shape_of: Callable[..., Any] = _shape_module().of


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


class Walk:
    """One scenario: its recorded exchanges, and the local Ory that has to answer alike."""

    def __init__(self, ory: LocalOry, scenario: str) -> None:
        recorded = json.loads((CONTRACT / f"{scenario}.json").read_text())
        self.ory = ory
        self.left = deque(recorded["exchanges"])
        self.differences: list[str] = []
        self.skipped: dict[str, str] = {}
        ory.reset()
        ory.configure(**VARIANTS[recorded["config"]])

    def __call__(
        self,
        name: str,
        who: Visitor | None = None,
        /,
        *ids: Answer | str,
        headers: dict[str, str] | list[tuple[str, str]] | None = None,
        raw: bytes | None = None,
        form: bool | None = None,
        patch: list[dict[str, Any]] | None = None,
        **body: Any,
    ) -> Answer:
        """Make the recorded request of that name, which must be the next one, and compare the answer.

        `ids` replace those in the recorded path; a browser's flow among them gives its CSRF token to the body.
        The body is JSON; it is a form when a browser navigates, or when `form` says so.
        """
        recorded = self._next(name)
        request = recorded["request"]
        visitor = who or Visitor()
        sent: dict[str, Any] | list[dict[str, Any]] | None = patch or body or None
        flow = next((one for one in ids if isinstance(one, Answer)), None)
        if isinstance(sent, dict) and flow and flow.csrf_token:
            sent = {"csrf_token": flow.csrf_token, **sent}
        as_form = visitor.accept == HTML if form is None else form
        answer = self._request(visitor, request, ids, headers, sent, raw, as_form)
        self.differences += [f"{name}: {difference}" for difference in differences(recorded["response"], answer)]
        return answer

    def skip(self, name: str, reason: str) -> None:
        """Leave the next recorded exchange out, and say why."""
        self._next(name)
        self.skipped[name] = reason

    def _next(self, name: str) -> dict[str, Any]:
        recorded: dict[str, Any] = self.left.popleft()
        assert recorded["name"] == name, f"next in the recording is {recorded['name']!r}, not {name!r}"
        return recorded

    def finish(self) -> None:
        assert not self.left, f"not walked: {[one['name'] for one in self.left]}"
        assert not self.differences, "\n".join(self.differences)

    # ---- requests

    def _request(
        self, who: Visitor, request: dict[str, Any], ids: Any, headers: Any, sent: Any, raw: bytes | None, as_form: bool
    ) -> Answer:
        values = iter([one.id if isinstance(one, Answer) else one for one in ids])
        path = ID.sub(lambda found: next(values, found[0]), request["path"])
        path = path.replace(quote(RECORDED_PUBLIC_URL, safe=""), quote(self.ory.public_url, safe=""))
        base = self.ory.admin_url if request["base"].endswith(":4434") else self.ory.public_url
        who_headers, payload = who.headers(), raw or b""
        if sent is not None:
            who_headers.append(("Content-Type", FORM if as_form else "application/json"))
            payload = (urlencode(sent) if as_form else json.dumps(sent)).encode()
        extra = list(headers.items()) if isinstance(headers, dict) else headers or []
        named = {name.lower() for name, _ in extra}
        pairs = [pair for pair in who_headers if pair[0].lower() not in named] + extra
        answer = send(base, request["method"], path, pairs, payload)
        if not who.token:
            who.take(answer.headers.get_all("Set-Cookie") or [])
        return answer

    def quietly(self, method: str, path: str, who: Visitor, /, **body: Any) -> Answer:
        """A request of the preparations, which nothing is compared with."""
        request = {"base": RECORDED_PUBLIC_URL, "method": method, "path": path}
        return self._request(who, request, (), None, body or None, None, False)

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


def differences(recorded: dict[str, Any], answer: Answer) -> Iterator[str]:
    """In what an answer differs in shape from the recorded one."""
    if recorded["status"] != answer.status:
        yield f"status {answer.status}, recorded {recorded['status']}"
    yield from _differing("headers", _headers(recorded["headers"]), _headers(shape_of(_named(answer.headers))))
    yield from _differing("body", recorded["body"], shape_of(answer.content))


def _named(headers: Message) -> dict[str, Any]:
    return {
        name.title(): headers.get_all(name) if name.lower() == "set-cookie" else value
        for name, value in headers.items()
    }


def _headers(shape: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in shape.items() if name.lower() not in TRANSPORT_HEADERS}


def _differing(path: str, recorded: Any, seen: Any) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(seen, dict):
        for key in sorted((recorded.keys() | seen.keys()) - MEASURED):
            yield from _differing(f"{path}.{key}", recorded.get(key, "(absent)"), seen.get(key, "(absent)"))
    elif isinstance(recorded, list) and isinstance(seen, list) and len(recorded) == len(seen):
        for index, pair in enumerate(zip(recorded, seen, strict=True)):
            yield from _differing(f"{path}[{index}]", *pair)
    elif recorded != seen:
        yield f"{path} is {seen!r}, recorded {recorded!r}"
