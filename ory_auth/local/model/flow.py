"""A flow: one run of login, registration, settings, recovery or verification, with its form."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import nodes
from .challenge import Challenges
from .clock import rfc3339
from .identity import Identity
from .messages import Message
from .nodes import Node
from .webauthn_protocol import KeyChallenge

if TYPE_CHECKING:
    from .social import PendingLink

Body = dict[str, Any]


@dataclass
class Flow:
    """One run of a flow. Times are in nanoseconds.

    `kind` is "login", "registration", "settings", "recovery" or "verification"; `type` is "browser" or "api". `extra`
    contains members of the JSON that only this kind of flow has. `challenges` are the codes and links that were sent,
    `key_challenges` and `key_options` those for passkeys and security keys, by method. Any browser may use a flow that
    `skips_csrf`: an administrator has started it. `continue_url` is set at the end of a verification: the form is then
    only a link to that URL.

    The other fields are for settings flows: `identity` is the person who changes their settings, `pending_submission`
    waits until they have signed in again.
    """

    kind: str
    type: str
    request_url: str
    return_to: str
    csrf_token: bytes
    issued_at: int
    expires_at: int
    nodes: list[Node] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    state: str = "choose_method"
    active: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    challenges: Challenges = field(default_factory=Challenges)
    continue_url: str = ""
    skips_csrf: bool = False
    key_challenges: dict[str, KeyChallenge] = field(default_factory=dict, repr=False)
    key_options: dict[str, str] = field(default_factory=dict, repr=False)
    identity: Identity | None = None
    new_totp_secret: str = field(default="", repr=False)
    new_backup_codes: list[str] = field(default_factory=list, repr=False)
    pending_submission: Body = field(default_factory=dict, repr=False)
    action_flow_id: str = ""  # if the form belongs to another flow
    transient_payload: dict[str, Any] | None = None  # what the latest submission had for web hooks
    link: PendingLink | None = field(default=None, repr=False)

    def to_json(self, public_url: str) -> dict[str, Any]:
        messages = {"messages": self.messages} if self.messages else {}
        form_flow_id = self.action_flow_id or self.id
        optional = {"return_to": self.return_to, "active": self.active}
        identity = {"identity": self.identity.to_json(public_url)} if self.identity else {}
        return {
            "id": self.id,
            "type": self.type,
            "expires_at": rfc3339(self.expires_at),
            "issued_at": rfc3339(self.issued_at),
            "request_url": self.request_url,
            **{key: value for key, value in optional.items() if value},
            "ui": {
                "action": self.continue_url or f"{public_url}/self-service/{self.kind}?flow={form_flow_id}",
                "method": "GET" if self.continue_url else "POST",
                "nodes": self.nodes or None,
                **messages,
            },
            "state": self.state,
            **identity,
            **self.extra,
        }

    def set_form(self, form: list[Node]) -> None:
        """Replace all nodes except the CSRF token."""
        self.nodes = [nodes.find_or_add(self.nodes, "csrf_token"), *form]
