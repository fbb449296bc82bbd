"""Replays a recording of imports or web hooks: what the admin API imported, and the calls of the application.

The flows of some sign-ins began before the recording, so the replay starts them itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import Any
from urllib.parse import urlencode

from ory_auth.local import LocalOry

from .application import Answer, Application, Call
from .hook_variants import HOOK_VARIANTS
from .page_replay import PageReplay
from .replay import differing, shape_of_call
from .visits import Response, Visitor

APPLICATION_URL = "http://127.0.0.1:8000"
UNKNOWN_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECOND_FACTORS = ("totp", "lookup_secret")
TRANSPORT_HEADERS = {"host", "connection", "content-length"}

Recorded = dict[str, Any]


class ServerReplay(PageReplay):
    """One recording. `run` repeats it, and compares the calls that the application got with the recorded ones."""

    def __init__(self, ory: LocalOry, scenario: str, application: Application) -> None:
        super().__init__(ory, scenario)
        self.flows: dict[str, Response] = {}  # by the ID in the recording
        self.application = application
        application.reset()
        if self.config in HOOK_VARIANTS:
            ory.configure(**HOOK_VARIANTS[self.config](application.url))

    def know_identity(self, identity_id: str) -> None:
        """Use this identity in place of the one in the next request, whose creation the recording does not show."""
        recorded = UNKNOWN_ID.search(self.remaining[0]["request"]["path"])
        assert recorded, "the next request is not for an identity"
        self.known[recorded[0]] = identity_id

    def know_browser(self, email: str) -> None:
        """Let the next request come from a browser that has signed in with this address, in its own flow."""
        request = self.remaining[0]["request"]
        self.browsers[request["browser"]] = browser = self.browser(email)
        kind = request["path"].rpartition("/")[2]
        self.flows[dict(request["query"])["flow"]] = self.flow(kind, browser)

    # ---- requests

    def step(self) -> Response:
        calls = _first_calls(list(self.remaining)[1:])
        self.application.answers.extend(map(_answer, calls))
        response = super().step()
        self._compare_calls(calls)
        return response

    @contextmanager
    def unrecorded(self) -> Iterator[None]:
        """A block of requests of which the recording shows only the calls of the application."""
        calls = _first_calls(self.remaining)
        self.application.answers.extend(map(_answer, calls))
        yield
        self._compare_calls(calls)

    def _send(self, request: Recorded) -> Response:
        query = dict(request["query"])
        flow_id = query.get("flow", "")
        if UNKNOWN_ID.fullmatch(flow_id):
            flow = self.flows.get(flow_id) or self._start_flow(request)
            self.flows[flow_id], self.known[flow_id] = flow, flow.id
            if "csrf_token" in request.get("json", {}):
                request = {**request, "json": {**request["json"], "csrf_token": flow.csrf_token}}
            elif "form" in request:
                form = [[name, flow.csrf_token if name == "csrf_token" else value] for name, value in request["form"]]
                request = {**request, "form": form}
        return super()._send(request)

    def _url(self, request: Recorded, ids: tuple[Response | str, ...]) -> str:
        query = urlencode([(name, value) for name, value in request.get("query", ())])
        return super()._url({**request, "path": f"{request['path']}{'?' + query if query else ''}"}, ids)

    def _start_flow(self, request: Recorded) -> Response:
        """A flow for this submission, which the recording does not show."""
        fields = request["json"] if "json" in request else dict(request["form"])
        kind = "browser" if "csrf_token" in fields else "api"
        level = "?aal=aal2" if fields["method"] in SECOND_FACTORS else ""
        visitor = self.browser_number(request["browser"]) if kind == "browser" else Visitor()
        return self.request_public("GET", f"{request['path']}/{kind}{level}", visitor)

    # ---- calls of the application

    def _compare_calls(self, recorded: list[Recorded]) -> None:
        """Compare the calls since the last comparison. If none is recorded here, they count for the next one."""
        if not recorded:
            return
        deadline = time.monotonic() + 2
        while len(self.application.calls) < len(recorded) and time.monotonic() < deadline:
            time.sleep(0.005)
        seen = self.application.take_calls()
        if len(seen) != len(recorded):
            self.differences.append(f"{recorded[0]['name']}: {len(seen)} calls of the application: {seen}")
        for one, call in zip(recorded, seen, strict=False):
            self.differences += [f"{one['name']}: {text}" for text in _call_differences(one["request"], call)]
        for _ in recorded:
            self.remaining.popleft()
            self.responses.append(None)


def _first_calls(exchanges: Iterable[Recorded]) -> list[Recorded]:
    """The calls at the beginning that belong together: "NAME: call 1 of 2"."""
    calls = list(takewhile(lambda one: one["request"]["base"] == APPLICATION_URL, exchanges))
    return [one for one in calls if _event(one) == _event(calls[0])]


def _event(recorded: Recorded) -> str:
    event: str = recorded["name"].rpartition("call ")[0]
    return event


def _answer(recorded: Recorded) -> Answer:
    response = recorded["response"]
    headers = (("Location", "/elsewhere"),) if response["status"] == 302 else ()
    return Answer(response["status"], response["body"], headers)


def _call_differences(recorded: Recorded, call: Call) -> Iterator[str]:
    names = [{name.lower() for name in headers} - TRANSPORT_HEADERS for headers in (recorded["headers"], call.headers)]
    yield from differing("method", recorded["method"], call.method)
    yield from differing("path", recorded["path"], call.path)
    yield from differing("names of headers", sorted(names[0]), sorted(names[1]))
    yield from differing("body", recorded["body"], shape_of_call(call.body))
