"""Identities: what is kept of a person, and how Kratos' schema language derives addresses and identifiers from traits.

https://www.ory.com/docs/kratos/manage-identities/identity-schema
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from typing import Any

from .clock import NEVER, microseconds, rfc3339
from .identity_schema import annotated

SECOND_FACTORS = ("totp", "lookup_secret")


@dataclass
class Address:
    """An e-mail address by which a person can be reached: a verifiable one, or one for recovery."""

    value: str
    created_at: int
    via: str = "email"
    status: str = "pending"
    verified: bool = False
    verified_at: int | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def verify(self, now: int) -> None:
        self.verified, self.status, self.verified_at = True, "completed", now

    def ask(self) -> None:
        """After registration and settings Kratos sends a mail. Here nobody does, but the status follows."""
        if not self.verified:
            self.status = "sent"

    def recovery_json(self) -> dict[str, Any]:
        created = rfc3339(self.created_at)
        return {"id": self.id, "value": self.value, "via": self.via, "created_at": created, "updated_at": created}

    def json(self) -> dict[str, Any]:
        moment = {} if self.verified_at is None else {"verified_at": rfc3339(self.verified_at)}
        return {**self.recovery_json(), "verified": self.verified, "status": self.status, **moment}


@dataclass
class Credential:
    """One way to prove who one is; `config` is what Kratos keeps of it (the hash, the secret, the codes)."""

    type: str
    identifiers: list[str]
    config: dict[str, Any] = field(default_factory=dict)
    created_at: int = NEVER
    updated_at: int = NEVER

    def json(self, *, stamped: bool, with_config: bool = False) -> dict[str, Any]:
        created, updated = (self.created_at, self.updated_at) if stamped else (NEVER, NEVER)
        return {
            "type": self.type,
            "identifiers": self.identifiers,
            **({"config": self.config} if with_config else {}),
            "version": 1 if self.type == "code" else 0,
            "created_at": rfc3339(created),
            "updated_at": rfc3339(updated),
        }


@dataclass
class Identity:
    """A person (or a machine) that can sign in. Times are in nanoseconds."""

    schema_id: str
    traits: dict[str, Any]
    created_at: int
    updated_at: int
    state_changed_at: int | None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "active"
    external_id: str | None = None
    metadata_public: Any = None
    metadata_admin: Any = None
    verifiable: list[Address] = field(default_factory=list)
    recovery: list[Address] = field(default_factory=list)
    credentials: dict[str, Credential] = field(default_factory=dict)

    def json(self, public_url: str, *, associated: bool = True) -> dict[str, Any]:
        """The identity as everyone may see it: no credentials, no `metadata_admin`.

        In lists of sessions Kratos leaves out what it would have to look up: the addresses (`associated`), and in
        some the `schema_url` (no `public_url`).
        """
        optional = {
            "external_id": self.external_id,
            "state_changed_at": None if self.state_changed_at is None else rfc3339(self.state_changed_at),
            "verifiable_addresses": [address.json() for address in self.verifiable] if associated else None,
            "recovery_addresses": [address.recovery_json() for address in self.recovery] if associated else None,
        }
        schema_path = base64.urlsafe_b64encode(self.schema_id.encode()).decode().rstrip("=")
        schema_url = f"{public_url}/schemas/{schema_path}"
        return {
            "id": self.id,
            "schema_id": self.schema_id,
            "schema_url": schema_url if public_url else "",
            "state": self.state,
            "traits": self.traits,
            "metadata_public": self.metadata_public,
            "created_at": rfc3339(self.created_at),
            "updated_at": rfc3339(self.updated_at),
            "organization_id": None,
            **{key: value for key, value in optional.items() if value},
        }

    @property
    def has_second_factor(self) -> bool:
        totp, lookup = (self.config(factor) for factor in SECOND_FACTORS)
        return bool(totp.get("totp_url") or lookup.get("recovery_codes"))

    @property
    def identifiers(self) -> list[str]:
        """The login names."""
        credential = self.credentials.get("password")
        return credential.identifiers if credential else []

    def config(self, credential_type: str) -> dict[str, Any]:
        """The credential's config, empty when there is no such credential."""
        credential = self.credentials.get(credential_type)
        return credential.config if credential else {}

    def set_config(self, credential_type: str, config: dict[str, Any], now: int) -> None:
        """Add a credential, or replace what it holds."""
        at_hand = self.credentials.setdefault(
            credential_type, Credential(credential_type, [self.id], created_at=microseconds(now))
        )
        at_hand.config, at_hand.updated_at = config, microseconds(now)

    def follow_traits(self, schema: dict[str, Any], now: int, status: str = "pending") -> None:
        """Bring addresses and identifiers in line with the traits, keeping those that stay as they are."""
        marked = list(annotated(schema, self.traits))
        for credential_type in ("code", "password"):
            identifiers = [
                value.strip().lower()
                for rules, value in marked
                if rules.get("credentials", {}).get(credential_type, {}).get("identifier")
            ]
            if identifiers or credential_type in self.credentials:
                self.set_config(credential_type, self.config(credential_type), now)
                self.credentials[credential_type].identifiers = identifiers
        for kind, kept in (("verification", self.verifiable), ("recovery", self.recovery)):
            known = {address.value: address for address in kept}
            wanted = [value.strip().lower() for rules, value in marked if kind in rules]
            kept[:] = [known.get(value) or Address(value, microseconds(now), status=status) for value in wanted]
