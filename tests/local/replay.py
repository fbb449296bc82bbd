"""Replays a recorded scenario with the local Ory, and compares the shape of each response with the recording.

A scenario is a function with a `Replay` as its argument. It makes each request by its name in the recording, which has
the port, method and path. IDs in the path are replaced by those of this replay, in order.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ory_auth.local import LocalOry

from .page_variants import PAGE_VARIANTS
from .visits import Headers, Response, Visitor, Visits

CONTRACT = Path(__file__).parent.parent / "contract"
USERNAME_SCHEMA = json.loads((Path(__file__).parent / "schemas" / "username.json").read_text())
VARIANTS: dict[str, dict[str, Any]] = {
    "main": {},
    "oidc": {"oidc_providers": {"google": "Google"}},
    "two_schemas": {"schema_id": "username", "schema": USERNAME_SCHEMA},
    "aal1": {"whoami_required_aal": "aal1", "settings_required_aal": "aal1"},
    "cache_default_age": {"cacheable_sessions_max_age": None},
    "extend_window": {"earliest_possible_extend": 3600},
    "no_session_hook": {"registration_session_hook": False},
    "nocache": {"cacheable_sessions": False},
    "production": {"dev": False},
    "short_flows": {"flow_lifespan": 1},
    "short_privileged": {"privileged_session_max_age": 1},
    "short_session": {"session_lifespan": 4},
    "transitions": {"use_continue_with_transitions": True},
    **PAGE_VARIANTS,
}

RECORDED_PUBLIC_URL = "http://127.0.0.1:4433"
MEASURED = {"since", "added_at_unix", "privileged_session_expires_at_unix"}  # numbers that are different in each run
TRANSPORT_HEADERS = {"transfer-encoding", "content-length", "date", "connection"}
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|ory_lo_\w+|(?<=&token=)\w{32}|(?<=page_token=)[\w-]{40,}")


def _shape_module() -> Any:
    spec = importlib.util.spec_from_file_location("contract_shape", CONTRACT / "shape.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


shape_module = _shape_module()
shape_of: Callable[..., Any] = shape_module.of
shape_of_call: Callable[..., Any] = shape_module.of_call
is_server_recording: Callable[[str], bool] = shape_module.is_server_recording


class Replay(Visits):
    """One scenario: its recorded exchanges, and the local Ory that has to respond in the same way."""

    def __init__(self, ory: LocalOry, scenario: str) -> None:
        super().__init__(ory)
        recorded = json.loads((CONTRACT / f"{scenario}.json").read_text())
        self.remaining = deque(recorded["exchanges"])
        self.differences: list[str] = []
        self.skipped: dict[str, str] = {}
        self.config = str(recorded["config"])
        ory.reset()
        ory.configure(**VARIANTS.get(self.config, {}))

    def __call__(
        self,
        name: str,
        visitor: Visitor | None = None,
        /,
        *ids: Response | str,
        headers: dict[str, str] | Headers = (),
        raw: bytes = b"",
        form: bool | None = None,
        patch: list[dict[str, Any]] | None = None,
        **content: Any,
    ) -> Response:
        """Make the recorded request with this name, which must be the next one, and compare the response.

        `ids` replace those in the recorded path. If one is a browser's flow, its CSRF token is added to the content.
        """
        recorded = self._next(name)
        flow = next((one for one in ids if isinstance(one, Response)), None)
        if content and flow and flow.csrf_token:
            content = {"csrf_token": flow.csrf_token, **content}
        response = self.request(
            visitor or Visitor(),
            recorded["request"]["method"],
            self._url(recorded["request"], ids),
            headers=list(headers.items()) if isinstance(headers, dict) else headers,
            content=patch or content or None,
            form=form,
            raw=raw,
        )
        self.differences += [f"{name}: {difference}" for difference in differences(recorded["response"], response)]
        return response

    def skip(self, name: str, reason: str) -> None:
        """Skip the next recorded exchange, for this reason."""
        self._next(name)
        self.skipped[name] = reason

    def finish(self) -> None:
        assert not self.remaining, f"not replayed: {[one['name'] for one in self.remaining]}"
        assert not self.differences, "\n".join(self.differences)

    def _next(self, name: str) -> dict[str, Any]:
        recorded: dict[str, Any] = self.remaining.popleft()
        assert recorded["name"] == name, f"next in the recording is {recorded['name']!r}, not {name!r}"
        return recorded

    def _url(self, request: dict[str, Any], ids: tuple[Response | str, ...]) -> str:
        values = iter([one.id if isinstance(one, Response) else one for one in ids])
        path = ID.sub(lambda found: next(values, found[0]), request["path"])
        path = path.replace(quote(RECORDED_PUBLIC_URL, safe=""), quote(self.ory.public_url, safe=""))
        return (self.ory.public_url if request["base"] == RECORDED_PUBLIC_URL else self.ory.admin_url) + path


def differences(recorded: dict[str, Any], response: Response) -> Iterator[str]:
    """The differences in shape between a response and the recorded one."""
    if recorded["status"] != response.status:
        yield f"status {response.status}, recorded {recorded['status']}"
    yield from differing("headers", _headers(recorded["headers"]), _headers(shape_of(_named(response.headers))))
    yield from differing("body", recorded["body"], shape_of(response.content))


def _named(headers: Message) -> dict[str, Any]:
    values = {name: headers.get_all(name) or [] for name in headers}
    return {
        name.title(): several if len(several) > 1 or name.lower() == "set-cookie" else several[0]
        for name, several in values.items()
    }


def _headers(shape: dict[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in shape.items() if name.lower() not in TRANSPORT_HEADERS}


def differing(path: str, recorded: Any, seen: Any) -> Iterator[str]:
    """The differences between two shapes."""
    if isinstance(recorded, dict) and isinstance(seen, dict):
        for key in sorted((recorded.keys() | seen.keys()) - MEASURED):
            yield from differing(f"{path}.{key}", recorded.get(key, "(absent)"), seen.get(key, "(absent)"))
    elif isinstance(recorded, list) and isinstance(seen, list) and len(recorded) == len(seen):
        for index, pair in enumerate(zip(recorded, seen, strict=True)):
            yield from differing(f"{path}[{index}]", *pair)
    elif recorded != seen:
        yield f"{path} is {seen!r}, recorded {recorded!r}"
