"""Replays a recording of imports: requests of the admin API, and sign-ins that prove what they have imported.

The flows of the sign-ins began before the recording, so the replay starts them itself.
"""

from __future__ import annotations

import re
from typing import Any

from .page_replay import PageReplay
from .visits import Response, Visitor

UNKNOWN_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECOND_FACTORS = ("totp", "lookup_secret")


class ServerReplay(PageReplay):
    """One recording of imports. `run` repeats it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.flows: dict[str, Response] = {}  # by the ID in the recording

    def know_identity(self, identity_id: str) -> None:
        """Use this identity in place of the one in the next request, whose creation the recording does not show."""
        recorded = UNKNOWN_ID.search(self.remaining[0]["request"]["path"])
        assert recorded, "the next request is not for an identity"
        self.known[recorded[0]] = identity_id

    def _send(self, request: dict[str, Any]) -> Response:
        query = dict(request["query"])
        flow_id = query.get("flow", "")
        if UNKNOWN_ID.fullmatch(flow_id):
            flow = self.flows.get(flow_id) or self._start_flow(request)
            self.flows[flow_id], self.known[flow_id] = flow, flow.id
            if "csrf_token" in request["json"]:
                request = {**request, "json": {**request["json"], "csrf_token": flow.csrf_token}}
        return super()._send(request)

    def _start_flow(self, request: dict[str, Any]) -> Response:
        """A flow for this submission, which the recording does not show."""
        kind = "browser" if "csrf_token" in request["json"] else "api"
        level = "?aal=aal2" if request["json"]["method"] in SECOND_FACTORS else ""
        visitor = self.browser_number(request["browser"]) if kind == "browser" else Visitor()
        return self.request_public("GET", f"{request['path']}/{kind}{level}", visitor)
