"""Passkeys and security keys on pages. The recorded keys are replaced by keys in software."""

from __future__ import annotations

import json
from typing import Any

from ..page_replay import PageReplay
from ..software_key import SoftwareKey, decode

ORIGIN = "http://localhost:8000"


class Keys:
    """The keys of a replay, by the recorded ID of the key that each one replaces. `group` is that of their nodes."""

    def __init__(self, replay: PageReplay, group: str) -> None:
        self.replay = replay
        self.group = group
        self.by_recorded_id: dict[str, SoftwareKey] = {}
        self.logins: dict[str, str] = {}
        for name in ("passkey_register", "passkey_settings_register", "webauthn_register"):
            replay.fields[name] = self.create
        for name in ("passkey_login", "webauthn_login"):
            replay.fields[name] = self.get
        for name in ("passkey_remove", "webauthn_remove"):
            replay.fields[name] = self.own_id

    def create(self, recorded: str) -> str:
        if not recorded.startswith("{"):
            return recorded
        key = self.by_recorded_id[json.loads(recorded)["id"]] = SoftwareKey(ORIGIN)
        options = self._options("passkey_create_data", "webauthn_register_trigger")
        return key.create(options.get("credentialOptions", options))

    def get(self, recorded: str) -> str:
        """The answer for the latest flow. An answer that was recorded twice is sent twice."""
        if recorded.startswith("{") and recorded not in self.logins:
            key = self.by_recorded_id[json.loads(recorded)["id"]]
            self.logins[recorded] = key.get(self._options("passkey_challenge", "webauthn_login_trigger"))
        return self.logins.get(recorded, recorded)

    def own_id(self, recorded: str) -> str:
        ids = {decode(recorded_id).hex(): key.id.hex() for recorded_id, key in self.by_recorded_id.items()}
        return ids.get(recorded, recorded)

    def _options(self, *names: str) -> dict[str, Any]:
        """The options in the latest flow that has such a node. A settings page has nodes for both kinds of keys."""
        for response in reversed(self.replay.responses):
            for node in _nodes(response):
                if node["group"] == self.group and node["attributes"].get("name") in names:
                    options: dict[str, Any] = json.loads(node["attributes"]["value"])
                    return options
        raise AssertionError(f"no flow has a node {names}")


def _nodes(response: Any) -> list[dict[str, Any]]:
    content = response.content if response else None
    nodes: list[dict[str, Any]] = content["ui"]["nodes"] if isinstance(content, dict) and "ui" in content else []
    return nodes


def _run_with_unrecorded_flow(replay: PageReplay) -> None:
    """Start the flow in which a missing key is removed: Kratos started it in an exchange that was not recorded."""
    replay.run(until="removes one that is not there")
    request = replay.remaining[0]["request"]
    recorded_id = dict(request["query"])["flow"]
    flow_id = replay.flow("settings", replay.browsers[request["browser"]]).id
    replay.ory.state.flows[flow_id].request_url = f"{replay.ory.public_url}/self-service/settings?flow={flow_id}"
    replay.known[recorded_id] = flow_id
    replay.run()


def passkey_registration_login(replay: PageReplay) -> None:
    Keys(replay, "passkey")
    replay.run()


def passkey_registration_errors(replay: PageReplay) -> None:
    Keys(replay, "passkey")
    replay.person("pkdup@example.org")
    replay.run()


def passkey_settings(replay: PageReplay) -> None:
    Keys(replay, "passkey")
    replay.person("pks@example.org")
    replay.browsers[0] = replay.browser("pks@example.org")
    _run_with_unrecorded_flow(replay)


def passkey_refresh(replay: PageReplay) -> None:
    Keys(replay, "passkey")
    replay.run()


def webauthn_second_factor(replay: PageReplay) -> None:
    Keys(replay, "webauthn")
    replay.person("wa@example.org")
    replay.browsers[0] = replay.browser("wa@example.org")
    after_login = "whoami after a login with the password"
    replay.run(until=after_login)
    replay.browsers[replay.remaining[0]["request"]["browser"]] = replay.browser("wa@example.org")
    _run_with_unrecorded_flow(replay)


def webauthn_passwordless(replay: PageReplay) -> None:
    Keys(replay, "webauthn")
    replay.run()


def webauthn_script(replay: PageReplay) -> None:
    replay.run(until="an origin that CORS does not allow")
    replay.skip("an origin that CORS does not allow", "the body was not recorded")
