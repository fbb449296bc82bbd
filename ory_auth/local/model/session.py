"""Sessions, with the devices and authentication methods that belong to them."""

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
    """The client with which a session began."""

    ip_address: str
    user_agent: str | None
    location: str = ""  # city and country, if a proxy says them
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "ip_address": self.ip_address, "user_agent": self.user_agent, "location": self.location}


@dataclass(frozen=True)
class AuthenticationMethod:
    """An authentication method that the person completed, such as a password or a code."""

    name: str
    completed_at: int
    level: str = ""  # for a method that can be either factor, such as a code
    provider: str = ""  # for social sign-in

    @property
    def aal(self) -> str:
        return self.level or ("aal2" if self.name in SECOND_FACTORS else "aal1")

    def to_json(self) -> dict[str, Any]:
        provider = {"provider": self.provider} if self.provider else {}
        return {"method": self.name, "aal": self.aal, "completed_at": rfc3339(self.completed_at), **provider}


@dataclass
class Session:
    """A sign-in of one identity. Times are in nanoseconds."""

    identity: Identity
    issued_at: int
    authenticated_at: int
    expires_at: int
    methods: list[AuthenticationMethod]
    devices: list[Device]
    revoked: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    token: str = field(default_factory=lambda: new_token("ory_st_"), repr=False)
    logout_token: str = field(default_factory=lambda: new_token("ory_lo_"), repr=False)

    @property
    def aal(self) -> str:
        return max(method.aal for method in self.methods)

    def renew(self, now: int, expires_at: int) -> None:
        self.issued_at = self.authenticated_at = now
        self.expires_at = expires_at

    def is_active(self, now: int) -> bool:
        """Whether the session is neither revoked nor expired, and its identity is active."""
        return self.is_current(now) and self.identity.state == "active"

    def is_current(self, now: int) -> bool:
        """Whether the session is neither revoked nor expired."""
        return not self.revoked and now < self.expires_at

    def to_json(
        self, now: int, *, identity: dict[str, Any] | None, devices: list[dict[str, Any]] | None
    ) -> dict[str, Any]:
        """The session with the given JSON of its identity and devices: endpoints show different parts of them."""
        return {
            "id": self.id,
            "active": self.is_current(now) and (identity is None or self.is_active(now)),
            "expires_at": rfc3339(self.expires_at),
            "authenticated_at": rfc3339(self.authenticated_at),
            "authenticator_assurance_level": self.aal,
            "authentication_methods": [method.to_json() for method in self.methods],
            "issued_at": rfc3339(self.issued_at),
            "identity": identity,
            "devices": devices,
        }
