"""Social sign-in: accounts at the pretend provider, and the round trips of browsers to it and back."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from .flow import Flow

Claims = dict[str, Any]


@dataclass(frozen=True)
class SocialAccount:
    """An account at a provider, with what the provider says about the person.

    `claims` are those of OpenID Connect: `sub`, `email`, `email_verified`, `given_name` and `family_name`.
    """

    provider: str
    claims: Claims = field(repr=False)

    @property
    def subject(self) -> str:
        return str(self.claims["sub"])

    @property
    def identifier(self) -> str:
        """The identifier of the credential: unique among all identities."""
        return f"{self.provider}:{self.subject}"

    @property
    def traits(self) -> dict[str, Any]:
        """The traits that Ory takes from the claims. A real Ory has a mapper written in Jsonnet for this."""
        first, last = self.claims.get("given_name"), self.claims.get("family_name")
        name = {**({"first": first} if first else {}), **({"last": last} if last else {})}
        email = self.claims.get("email")
        return {**({"email": email} if email else {}), **({"name": name} if name else {})}

    @property
    def verified_email(self) -> str:
        return str(self.claims.get("email", "")) if self.claims.get("email_verified") else ""


def claims_from_traits(traits: dict[str, Any]) -> Claims:
    """What a provider would say about a person with these traits."""
    name = traits.get("name")
    name = name if isinstance(name, dict) else {}
    claims = {"email": traits.get("email"), "given_name": name.get("first"), "family_name": name.get("last")}
    return {**{key: value for key, value in claims.items() if value}, "email_verified": True}


@dataclass(frozen=True)
class RoundTrip:
    """A browser that was sent to the provider. `continuity` is its cookie, `traits` is what the form had."""

    flow: Flow
    provider: str
    continuity: str = field(repr=False)
    traits: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class PendingLink:
    """An account at a provider that a login links to the identity with this login name."""

    account: SocialAccount
    identifier: str


class SocialAccounts:
    """The pretend provider: the accounts that people have used, and what it has to remember for Ory."""

    def __init__(self) -> None:
        self.round_trips: dict[str, RoundTrip] = {}  # by the parameter `state`
        self._accounts: dict[str, SocialAccount] = {}  # by identifier
        self._codes: dict[str, SocialAccount] = {}

    def begin(self, round_trip: RoundTrip) -> str:
        """Returns the parameter `state`."""
        state = secrets.token_hex(32)
        self.round_trips[state] = round_trip
        return state

    def accounts_at(self, provider: str) -> list[SocialAccount]:
        """The accounts that people have used at this provider, the latest first."""
        return [account for account in reversed(self._accounts.values()) if account.provider == provider]

    def consent(self, provider: str, claims: Claims) -> str:
        """A person agrees to sign in. Returns the code for Ory. Without a `sub`, the e-mail address is the account."""
        subject = claims.get("sub") or str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{claims.get('email', '')}"))
        code = secrets.token_urlsafe(12)
        self._codes[code] = self.add_account(provider, {**claims, "sub": subject})
        return code

    def add_account(self, provider: str, claims: Claims) -> SocialAccount:
        """Add an account at the provider, or replace the claims of an account that exists."""
        account = SocialAccount(provider, claims)
        self._accounts.pop(account.identifier, None)
        self._accounts[account.identifier] = account
        return account

    def exchange_code(self, code: str) -> SocialAccount | None:
        """The account that the code stands for. A code works once."""
        return self._codes.pop(code, None)
