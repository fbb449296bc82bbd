"""A flow as a value: what is asked, of whom, until when."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from . import nodes
from .clock import rfc3339
from .identity import Identity
from .messages import Message
from .nodes import Node

Body = dict[str, Any]


@dataclass
class Flow:
    """One walk through a login, a registration or the settings. Times are in nanoseconds.

    `more` is what its JSON has beside the common members. The settings keep here whose they are, what they offered
    (a secret, codes), and what was submitted before the person had to sign in again (`pending`).
    """

    kind: str
    type: str
    request_url: str
    return_to: str
    csrf: bytes
    issued_at: int
    expires_at: int
    nodes: list[Node] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    state: str = "choose_method"
    active: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    identity: Identity | None = None
    totp_secret: str = field(default="", repr=False)
    new_codes: list[str] = field(default_factory=list, repr=False)
    pending: Body = field(default_factory=dict, repr=False)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def json(self, public_url: str) -> dict[str, Any]:
        messages = {"messages": self.messages} if self.messages else {}
        optional = {"return_to": self.return_to, "active": self.active}
        return {
            "id": self.id,
            "type": self.type,
            "expires_at": rfc3339(self.expires_at),
            "issued_at": rfc3339(self.issued_at),
            "request_url": self.request_url,
            **{key: value for key, value in optional.items() if value},
            "ui": {
                "action": f"{public_url}/self-service/{self.kind}?flow={self.id}",
                "method": "POST",
                "nodes": self.nodes,
                **messages,
            },
            "state": self.state,
            **self.more,
        }

    def show(self, form: list[Node]) -> None:
        """Let the form consist of the CSRF token and these nodes."""
        self.nodes = [nodes.find(self.nodes, "csrf_token"), *form]
