"""Identities, with their credentials and addresses.

The identity schema says which traits are login names and addresses.
https://www.ory.com/docs/kratos/manage-identities/identity-schema
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .clock import NEVER, rfc3339, truncate_to_microseconds
from .identity_schema import kratos_annotations

if TYPE_CHECKING:
    from .social import SocialAccount

SECOND_FACTORS = ("totp", "lookup_secret")
LOGIN_NAMES = ("password", "code")  # the credentials whose identifiers are login names


def channel_of(address: str) -> str:
    """ "email" or "sms": how a message reaches this address."""
    return "email" if "@" in address else "sms"


@dataclass(slots=True)
class Address:
    """An e-mail address or a phone number of a person, for verification or for recovery."""

    value: str
    created_at: int
    via: str = "email"
    status: str = "pending"
    verified: bool = False
    verified_at: int | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def mark_verified(self, now: int) -> None:
        self.verified, self.status, self.verified_at = True, "completed", now

    def mark_sent(self) -> None:
        """Set the status after a code or a link was sent to the address."""
        if not self.verified:
            self.status = "sent"

    def recovery_json(self) -> dict[str, Any]:
        created = rfc3339(self.created_at)
        return {"id": self.id, "value": self.value, "via": self.via, "created_at": created, "updated_at": created}

    def to_json(self) -> dict[str, Any]:
        verified_at = {} if self.verified_at is None else {"verified_at": rfc3339(self.verified_at)}
        return {**self.recovery_json(), "verified": self.verified, "status": self.status, **verified_at}


@dataclass(slots=True)
class Credential:
    """One way to sign in. `config` contains what Kratos stores for it: a hash, a secret or codes."""

    type: str
    identifiers: list[str]
    config: dict[str, Any] = field(default_factory=dict)
    created_at: int = NEVER
    updated_at: int = NEVER

    def to_json(self, *, with_times: bool, with_config: bool = False) -> dict[str, Any]:
        created, updated = (self.created_at, self.updated_at) if with_times else (NEVER, NEVER)
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
    organization_id: str | None = None
    metadata_public: Any = None
    metadata_admin: Any = None
    verifiable_addresses: list[Address] = field(default_factory=list)
    recovery_addresses: list[Address] = field(default_factory=list)
    credentials: dict[str, Credential] = field(default_factory=dict)

    def to_json(self, public_url: str, *, with_addresses: bool = True) -> dict[str, Any]:
        """The identity without credentials and `metadata_admin`.

        In lists of sessions Kratos omits the addresses, and in some of them the `schema_url` (an empty `public_url`).
        """
        optional: dict[str, Any] = {
            "external_id": self.external_id,
            "state_changed_at": None if self.state_changed_at is None else rfc3339(self.state_changed_at),
        }
        if with_addresses:
            optional["verifiable_addresses"] = [address.to_json() for address in self.verifiable_addresses]
            optional["recovery_addresses"] = [address.recovery_json() for address in self.recovery_addresses]
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
            "organization_id": self.organization_id,
            **{key: value for key, value in optional.items() if value},
        }

    @property
    def code_addresses(self) -> list[str]:
        """The addresses to which codes for signing in are sent."""
        credential = self.credentials.get("code")
        return list(credential.identifiers) if credential else []

    def verify_address(self, value: str, now: int) -> None:
        """Mark an address as verified, because a code that was sent there came back."""
        for address in self.verifiable_addresses:
            if address.value == value:
                address.mark_verified(now)

    @property
    def identifiers(self) -> list[str]:
        """The login names."""
        credential = self.credentials.get("password")
        return credential.identifiers if credential else []

    @property
    def all_identifiers(self) -> set[str]:
        """The login names of all credentials."""
        known = (self.credentials[name] for name in LOGIN_NAMES if name in self.credentials)
        return {value for credential in known for value in credential.identifiers}

    @property
    def unique_keys(self) -> list[tuple[str, str]]:
        """What no other identity may have, as (kind, value): login names, social accounts, addresses, `external_id`."""
        keys = [("login", name) for name in self.all_identifiers]
        for kind, credential in self.credentials.items():
            if kind not in LOGIN_NAMES:
                keys += [(kind, identifier) for identifier in credential.identifiers]
        keys += [("verifiable", address.value) for address in self.verifiable_addresses]
        keys += [("recovery", address.value) for address in self.recovery_addresses]
        return [*keys, ("external_id", self.external_id)] if self.external_id else keys

    @property
    def social_accounts(self) -> list[dict[str, Any]]:
        """The linked accounts at providers, as Kratos stores them: with `provider` and `subject`."""
        accounts: list[dict[str, Any]] = self.credential_config("oidc").get("providers", [])
        return accounts

    @property
    def social_identifiers(self) -> list[str]:
        return self.credentials["oidc"].identifiers if "oidc" in self.credentials else []

    def link_social_account(self, account: SocialAccount, now: int) -> None:
        new = {"provider": account.provider, "subject": account.subject}
        self._set_social_accounts([*self.social_accounts, new], now)

    def unlink_social_account(self, provider: str, now: int) -> None:
        self._set_social_accounts([one for one in self.social_accounts if one["provider"] != provider], now)

    def _set_social_accounts(self, accounts: list[dict[str, Any]], now: int) -> None:
        if not accounts:
            self.credentials.pop("oidc", None)
            return
        self.set_credential_config("oidc", {"providers": accounts}, now)
        self.credentials["oidc"].identifiers = [f"{one['provider']}:{one['subject']}" for one in accounts]

    def credential_config(self, credential_type: str) -> dict[str, Any]:
        """The config of the credential, empty if the identity has no such credential."""
        credential = self.credentials.get(credential_type)
        return credential.config if credential else {}

    def set_credential_config(self, credential_type: str, config: dict[str, Any], now: int) -> None:
        """Add a credential, or replace its config."""
        if credential_type not in self.credentials:
            self.credentials[credential_type] = Credential(
                credential_type, [self.id], created_at=truncate_to_microseconds(now)
            )
        credential = self.credentials[credential_type]
        credential.config, credential.updated_at = config, truncate_to_microseconds(now)

    def update_from_traits(self, schema: dict[str, Any], now: int) -> None:
        """Derive login names and addresses from the traits. Addresses that stay keep their state."""
        annotations = list(kratos_annotations(schema, self.traits))
        for credential_type in LOGIN_NAMES:
            identifiers = [
                value.strip().lower()
                for rules, value in annotations
                if rules.get("credentials", {}).get(credential_type, {}).get("identifier")
            ]
            if identifiers or credential_type in self.credentials:
                self.set_credential_config(credential_type, self.credential_config(credential_type), now)
                self.credentials[credential_type].identifiers = identifiers
        for rule, addresses in (("verification", self.verifiable_addresses), ("recovery", self.recovery_addresses)):
            existing = {address.value: address for address in addresses}
            addresses.clear()
            for rules, trait in annotations:
                if rule in rules:
                    value = trait.strip().lower()
                    address = existing.get(value)
                    if address is None:
                        via = rules[rule].get("via", "email")
                        address = Address(value, truncate_to_microseconds(now), via)
                    addresses.append(address)
