"""Replays a recording of pages: a browser with forms, which was recorded together with what it sent.

The replay repeats each request by itself. It fills in the values that differ in each run: IDs of flows, CSRF tokens,
and codes from the mailbox. A scenario has to create what existed before the recording, and to choose at the provider.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pyotp

from ory_auth.local import LocalOry

from .replay import RECORDED_PUBLIC_URL, Replay, differences
from .visits import FORM, HTML, Response, Visitor, send

PLACEHOLDER = re.compile(r"<(\d+)(\?| |/)([^>]*)>")
PROVIDER_URL = "http://127.0.0.1:9000"
MISSING_GROUPS: set[str] = {"oidc"}  # not in the local Ory yet


class PageReplay(Replay):
    """One recording of pages. Call it to make the next request by hand, or `run` to repeat what was recorded."""

    def __init__(self, ory: LocalOry, scenario: str) -> None:
        super().__init__(ory, scenario)
        self.responses: list[Response | None] = []
        self.browsers: dict[int | None, Visitor] = {}
        self.known: dict[str, str] = {}
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
        expected = _without_missing_groups(recorded["response"])
        for content in (expected["body"], response.content):
            _sort_addresses(content)
        seen = differences(expected, response)
        self.differences += [f"{len(self.responses)} {recorded['name']}: {difference}" for difference in seen]

    def _send(self, request: dict[str, Any]) -> Response:
        is_public = request["base"] == RECORDED_PUBLIC_URL
        visitor = self.browsers.setdefault(request["browser"], Visitor()) if is_public else Visitor()
        query = urlencode([(name, self.fill(value)) for name, value in request["query"]])
        path = quote(self.fill(request["path"]))
        headers = [("Accept", HTML if request["accept"] == "html" else "application/json")]
        headers += [("Origin", request["origin"])] if "origin" in request else []
        headers += [(name, value) for name, value in visitor.headers() if name == "Cookie"]
        body = b""
        if "form" in request:
            headers.append(("Content-Type", FORM))
            body = urlencode([(name, self._field(name, value)) for name, value in request["form"]]).encode()
        elif "json" in request:
            headers.append(("Content-Type", "application/json"))
            body = json.dumps(self._fill_json(request["json"])).encode()
        base = self.ory.public_url if is_public else self.ory.admin_url
        response = send(base, request["method"], path + (f"?{query}" if query else ""), headers, body)
        visitor.store_cookies(response.headers.get_all("Set-Cookie") or [])
        return response

    def _field(self, name: str, value: str) -> str:
        """The value of a field: from an earlier response, or made by the scenario's function for this name."""
        filled = self.fill(value)
        return self.fields[name](filled) if name in self.fields else filled

    def _fill_json(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: self._fill_json(item, key) for key, item in value.items()}
        return self._field(name, value) if isinstance(value, str) else value

    def fill(self, value: str) -> str:
        """A recorded value as it is in this run."""
        if value in self.known:
            return self.known[value]
        return PLACEHOLDER.sub(self._find, value)

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
        message = response.content[int(name.removeprefix("code "))]
        found = re.search(r"\b\d{6}\b", message["body"])
        assert found, "the message has no code"
        return found[0]

    # ---- the pretended provider

    def _visit_provider(self, recorded: dict[str, Any]) -> Response:
        """Choose at the provider what the name of the exchange says."""
        raise NotImplementedError


def _sort_addresses(content: Any) -> None:
    """Kratos reads addresses from its database in any order."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key in ("verifiable_addresses", "recovery_addresses"):
                value.sort(key=lambda address: (address["via"], str(address.get("status"))))
            else:
                _sort_addresses(value)


def _without_missing_groups(expected: dict[str, Any]) -> dict[str, Any]:
    """The recorded response without nodes that the local Ory does not have."""
    body = expected["body"]
    if not isinstance(body, dict) or "ui" not in body:
        return expected
    nodes = [node for node in body["ui"]["nodes"] or [] if node["group"] not in MISSING_GROUPS]
    return {**expected, "body": {**body, "ui": {**body["ui"], "nodes": nodes}}}
