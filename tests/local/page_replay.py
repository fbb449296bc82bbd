"""Replays a recording of pages: a browser with forms, which was recorded together with what it sent.

The replay repeats each request by itself. It fills in the values that differ in each run: IDs of flows, CSRF tokens,
and codes from the mailbox. A scenario has to create what existed before the recording, and to choose at the provider.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pyotp

from ory_auth.local import LocalOry

from .replay import RECORDED_PUBLIC_URL, Replay, differences
from .visits import FORM, HTML, Response, Visitor, send

PLACEHOLDER = re.compile(r"<(\d+)(\?| |/)([^>]*)>")
PROVIDER_URL = "http://127.0.0.1:9000"


class PageReplay(Replay):
    """One recording of pages. Call it to make the next request by hand, or `run` to repeat what was recorded."""

    def __init__(self, ory: LocalOry, scenario: str) -> None:
        super().__init__(ory, scenario)
        self.responses: list[Response | None] = []
        self.browsers: dict[int | None, Visitor] = {}
        self.known: dict[str, str] = {}
        self.compares_order = True
        self.more_headers: list[tuple[str, str]] = []  # of each request
        self.not_compared: dict[int, str] = {}  # number of the exchange → reason
        self.fields: dict[str, Callable[[str], str]] = {}

    def run(self, until: str = "") -> None:
        """Repeat the recorded requests, up to the one with this name, which stays the next one."""
        while self.remaining and (not until or self.remaining[0]["name"] != until):
            self.step()
        assert not until or self.remaining, f"there is no {until!r} in the rest of the recording"

    def step(self) -> Response:
        """Repeat the next recorded request, and compare the response."""
        recorded = self.remaining.popleft()
        request = recorded["request"]
        if request["base"] == PROVIDER_URL:
            response = self._visit_provider(recorded)
        else:
            response = self._send(request)
            if len(self.responses) not in self.not_compared:
                self.compare(recorded, response)
        self.responses.append(response)
        return response

    def fill_in_totp_codes(self) -> None:
        """Replace recorded codes of the authenticator app by valid ones, except "000000", which is wrong."""

        def code(recorded: str) -> str:
            texts = (node["attributes"].get("text", {}) for one in reversed(self._flows()) for node in one)
            secret = next(text["context"]["secret"] for text in texts if text.get("id") == 1050006)
            return recorded if recorded == "000000" else pyotp.TOTP(secret).now()

        self.fields["totp_code"] = code

    def _flows(self) -> list[list[dict[str, Any]]]:
        """The nodes of all flows so far."""
        contents = [response.content for response in self.responses if response]
        return [content["ui"]["nodes"] for content in contents if isinstance(content, dict) and "ui" in content]

    def skip(self, name: str, reason: str) -> None:
        super().skip(name, reason)
        self.responses.append(None)

    def browser_number(self, number: int) -> Visitor:
        return self.browsers.setdefault(number, Visitor())

    def compare(self, recorded: dict[str, Any], response: Response) -> None:
        expected = recorded["response"]
        response = _with_recorded_provider(response)
        for content in (expected["body"], response.content):
            _sort_addresses(content)
            if not self.compares_order and isinstance(content, dict) and "ui" in content:
                content["ui"]["nodes"].sort(key=lambda node: str(node["attributes"].get("name")))
        seen = differences(expected, response)
        self.differences += [f"{len(self.responses)} {recorded['name']}: {difference}" for difference in seen]

    def _send(self, request: dict[str, Any]) -> Response:
        is_public = request["base"] == RECORDED_PUBLIC_URL
        visitor = self.browsers.setdefault(request["browser"], Visitor()) if is_public else Visitor()
        query = urlencode([(name, self.fill(value)) for name, value in request["query"]])
        path = quote(self.fill(request["path"]), safe="/%")
        headers = [("Accept", HTML if request["accept"] == "html" else "application/json")]
        headers += [("Origin", request["origin"])] if "origin" in request else []
        headers += self.more_headers
        headers += [(name, value) for name, value in visitor.headers() if name == "Cookie"]
        body = b""
        if "form" in request:
            headers.append(("Content-Type", FORM))
            body = urlencode([(name, self._field(name, value, visitor)) for name, value in request["form"]]).encode()
        elif "json" in request or "raw" in request:
            headers.append(("Content-Type", "application/json"))
            text = request.get("raw") or json.dumps(self._fill_json(request["json"], visitor))
            body = text.encode()
        base = self.ory.public_url if is_public else self.ory.admin_url
        response = send(base, request["method"], path + (f"?{query}" if query else ""), headers, body)
        visitor.store_cookies(response.headers.get_all("Set-Cookie") or [])
        return response

    def _field(self, name: str, value: str, visitor: Visitor) -> str:
        """The value of a field: from an earlier response, or made by the scenario's function for this name."""
        if value == "<csrf>":
            return next(cookie for name, cookie in visitor.cookies.items() if name.startswith("csrf_token_"))
        filled = self.fill(value)
        return self.fields[name](filled) if name in self.fields else filled

    def _fill_json(self, value: Any, visitor: Visitor, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: self._fill_json(item, visitor, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self._fill_json(item, visitor, name) for item in value]
        return self._field(name, value, visitor) if isinstance(value, str) else value

    def fill(self, value: str) -> str:
        """A recorded value as it is in this run."""
        own_url = value.replace("http://localhost:4433", self.ory.public_url)
        for recorded, live in self.known.items():
            own_url = own_url.replace(recorded, live)
        return PLACEHOLDER.sub(self._find, own_url)

    def _find(self, placeholder: re.Match[str]) -> str:
        number, kind, name = placeholder.groups()
        response = self.responses[int(number)]
        assert response is not None, f"{placeholder[0]} comes from an exchange that was skipped"
        if kind == "?":
            return dict(parse_qsl(urlsplit(response.headers["Location"]).query)).get(name, "")
        if kind == "/":
            value = response.content
            for step in name.split("/"):
                value = value[int(step)] if isinstance(value, list) else value[step]
            return str(value)
        if name == "csrf":
            return response.csrf_token
        if name == "action":
            return str(parse_qsl(urlsplit(response.content["ui"]["action"]).query)[0][1])
        message = response.content[int(name.removeprefix("code "))]
        found = re.search(r"\b\d{6}\b", message["body"])
        assert found, "the message has no code"
        return found[0]

    # ---- the pretend provider

    def _visit_provider(self, recorded: dict[str, Any]) -> Response:
        """Choose at the provider what the name of the exchange says: an account, or to refuse."""
        url = _provider_url(self.responses[-1])
        claims = re.search(r"\{.*\}", recorded["name"])
        form = {"decision": "refuse" if "refuses" in recorded["name"] else "allow"}
        if claims:
            form |= {name: "true" if value is True else value for name, value in json.loads(claims[0]).items()}
        elif form["decision"] == "allow":
            form |= {"sub": "anyone", "email": "anyone@example.org"}
        return send(self.ory.public_url, "POST", url, [("Content-Type", FORM)], urlencode(form).encode())


def _provider_url(response: Response | None) -> str:
    """Path and query of the provider's page, from a redirect or from JSON."""
    assert response is not None
    url = urlsplit(response.headers["Location"] or response.content["redirect_browser_to"])
    return f"{url.path}?{url.query}"


def _sort_addresses(content: Any) -> None:
    """Kratos reads addresses from its database in any order, and sends a code to the first one."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key in ("verifiable_addresses", "recovery_addresses"):
                value.sort(key=lambda address: str(address.get("status")))
                for address, via in zip(value, sorted(address["via"] for address in value), strict=True):
                    address["via"] = via
            else:
                _sort_addresses(value)


def _with_recorded_provider(response: Response) -> Response:
    """The response with the URL of the recorded provider instead of the pretend one."""
    body = response.body.replace(b"/pretend-provider/authorize", b"/authorize")
    headers = deepcopy(response.headers)
    if "/pretend-provider/" in (headers["Location"] or ""):
        headers.replace_header("Location", headers["Location"].replace("/pretend-provider", ""))
    return Response(response.status, headers, body)
