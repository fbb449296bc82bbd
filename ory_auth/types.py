"""The values that views see: who Ory says this is. Both follow Ory's ``session`` and ``identity`` schemas.

They are read tolerantly: what Ory adds later (a new method, a new AAL) breaks nobody, and what is needed to know
a person (ids, times) has to be right. Nothing here prints a trait.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from .events import Event, log

__all__ = ["AAL", "AuthenticationMethod", "Identity", "OrySession"]


class AAL(StrEnum):
    """Authenticator assurance level. Ordered, and equal to Ory's word: ``AAL.AAL2 == "aal2"``."""

    AAL0 = "aal0"
    AAL1 = "aal1"
    AAL2 = "aal2"

    @classmethod
    def read(cls, value: object) -> AAL:
        """Ory's word as a level; one that is not known counts as the lowest."""
        try:
            return cls(str(value))
        except ValueError:
            log(Event.UNKNOWN_ENUM, field="aal")
            return cls.AAL0


@dataclass(frozen=True, slots=True)
class AuthenticationMethod:
    """One thing that the person did to sign in: ``method`` is Ory's word ("password", "totp", …)."""

    method: str
    aal: AAL
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as Ory knows them. ``raw`` is Ory's JSON, parsed anew at each reading."""

    id: UUID
    schema_id: str
    state: str
    traits: Mapping[str, Any] = field(repr=False, hash=False)
    metadata_public: Any = field(repr=False, hash=False)
    verifiable_addresses: tuple[Mapping[str, Any], ...] = field(repr=False, hash=False)
    organization_id: UUID | None
    updated_at: datetime | None
    _session: bytes = field(repr=False, compare=False)

    @property
    def raw(self) -> dict[str, Any]:
        return dict(json.loads(self._session)["identity"])

    def verified_emails(self) -> list[str]:
        """The e-mail addresses that Ory has verified."""
        verified = (a for a in self.verifiable_addresses if a.get("via") == "email" and a.get("verified") is True)
        return [a["value"] for a in verified if isinstance(a.get("value"), str)]


@dataclass(frozen=True, slots=True)
class OrySession:
    """A session that Ory answers for. Times are aware; ``raw`` is Ory's JSON, parsed anew at each reading."""

    id: UUID
    identity: Identity
    aal: AAL
    authenticated_at: datetime
    expires_at: datetime
    issued_at: datetime | None
    authentication_methods: tuple[AuthenticationMethod, ...]
    active: bool = field(repr=False)
    _body: bytes = field(repr=False, compare=False)

    @property
    def raw(self) -> dict[str, Any]:
        return dict(json.loads(self._body))

    def authenticated_with(self, aal: AAL) -> datetime | None:
        """When a factor of this level was last used, or ``None`` where none was."""
        times = [method.completed_at for method in self.authentication_methods if method.aal == aal]
        return max((time for time in times if time), default=None)

    @classmethod
    def from_json(cls, body: bytes) -> OrySession:
        """Read the body of a whoami answer; raises ``ValueError`` where it is not one, without quoting it."""
        try:
            data = json.loads(body)
            return cls(
                id=UUID(data["id"]),
                identity=_identity(data["identity"], body),
                aal=AAL.read(data.get("authenticator_assurance_level")),
                authenticated_at=_time(data["authenticated_at"]),
                expires_at=_time(data["expires_at"]),
                issued_at=_optional_time(data.get("issued_at")),
                authentication_methods=tuple(_method(m) for m in data.get("authentication_methods") or ()),
                active=_flag(data["active"]),
                _body=body,
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"not a session ({type(error).__name__})") from None


def _identity(data: Mapping[str, Any], body: bytes) -> Identity:
    organization = data.get("organization_id")
    return Identity(
        id=UUID(data["id"]),
        schema_id=str(data.get("schema_id") or ""),
        state=str(data.get("state") or "active"),
        traits=MappingProxyType(dict(data.get("traits") or {})),
        metadata_public=data.get("metadata_public"),
        verifiable_addresses=tuple(MappingProxyType(dict(a)) for a in data.get("verifiable_addresses") or ()),
        organization_id=UUID(organization) if organization else None,
        updated_at=_optional_time(data.get("updated_at")),
        _session=body,
    )


def _method(data: Mapping[str, Any]) -> AuthenticationMethod:
    return AuthenticationMethod(
        method=str(data.get("method") or ""),
        aal=AAL.read(data.get("aal")),
        completed_at=_optional_time(data.get("completed_at")),
    )


def _time(value: str) -> datetime:
    time = datetime.fromisoformat(value)  # any number of decimals; Python keeps microseconds
    if time.tzinfo is None:
        raise ValueError("a time without its zone")
    return time


def _optional_time(value: str | None) -> datetime | None:
    return _time(value) if value else None


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not a boolean")
    return value
