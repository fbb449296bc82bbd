"""Sessions, and how the different endpoints show them."""

from __future__ import annotations

import secrets
import string
import uuid
from dataclasses import dataclass, field
from typing import Any

from .clock import rfc3339
from .identity import SECOND_FACTORS, Identity

ALPHANUMERIC = string.ascii_letters + string.digits


def new_token(prefix: str) -> str:
    return prefix + "".join(secrets.choice(ALPHANUMERIC) for _ in range(32))


@dataclass(frozen=True)
class Device:
    """Where a session was begun."""

    ip_address: str
    user_agent: str | None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def json(self) -> dict[str, Any]:
        return {"id": self.id, "ip_address": self.ip_address, "user_agent": self.user_agent, "location": ""}


@dataclass(frozen=True)
class Method:
    """One factor that was proven."""

    method: str
    completed_at: int

    @property
    def aal(self) -> str:
        return "aal2" if self.method in SECOND_FACTORS else "aal1"

    def json(self) -> dict[str, Any]:
        return {"method": self.method, "aal": self.aal, "completed_at": rfc3339(self.completed_at)}


@dataclass
class Session:
    """Somebody signed in somewhere. Times are in nanoseconds."""

    identity: Identity
    issued_at: int
    authenticated_at: int
    expires_at: int
    methods: list[Method]
    devices: list[Device]
    revoked: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    token: str = field(default_factory=lambda: new_token("ory_st_"), repr=False)
    logout_token: str = field(default_factory=lambda: new_token("ory_lo_"), repr=False)

    @property
    def aal(self) -> str:
        return max(method.aal for method in self.methods)

    def begin(self, at: int, expires_at: int) -> None:
        """Let it count from that moment, to that one."""
        self.issued_at = self.authenticated_at = at
        self.expires_at = expires_at

    def is_active(self, now: int) -> bool:
        """Not revoked, not expired, and its identity may sign in."""
        return not self.revoked and now < self.expires_at and self.identity.state == "active"

    def json(
        self, now: int, *, identity: dict[str, Any] | None, devices: list[dict[str, Any]] | None
    ) -> dict[str, Any]:
        """The session with that much of its identity and devices as the endpoint shows."""
        return {
            "id": self.id,
            "active": not self.revoked and now < self.expires_at and (identity is None or self.is_active(now)),
            "expires_at": rfc3339(self.expires_at),
            "authenticated_at": rfc3339(self.authenticated_at),
            "authenticator_assurance_level": self.aal,
            "authentication_methods": [method.json() for method in self.methods],
            "issued_at": rfc3339(self.issued_at),
            "identity": identity,
            "devices": devices,
        }
