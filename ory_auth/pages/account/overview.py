"""The security of an account at a glance, from what Ory says: sessions, a settings flow, and perhaps the admin API.

No I/O. Without the admin API, the dates of passwords, authenticator apps and backup codes are not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from ...ory.admin_api import CredentialFacts
from ...types import Identity, OrySession
from .credentials import Credentials, read_time
from .session_list import SessionRow, name_provider

MAX_ACTIVITIES = 10


@dataclass(frozen=True, slots=True)
class Address:
    """An e-mail address or phone number. ``via`` is "email" or "sms"."""

    value: str
    via: str
    is_verified: bool
    verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Activity:
    """Something that happened to the account. ``session`` is set if it was a sign-in."""

    text: str
    at: datetime
    session: SessionRow | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """What the security page shows."""

    credentials: Credentials
    accounts: tuple[str, ...]  # the names of connected accounts
    addresses: tuple[Address, ...]
    activities: tuple[Activity, ...]  # the newest first
    password_changed_at: datetime | None
    authenticator_app_added_at: datetime | None
    backup_codes_left: int | None


def make_overview(
    session: OrySession, rows: Sequence[SessionRow], credentials: Credentials, facts: CredentialFacts | None
) -> Overview:
    """Put together what is known. ``rows`` are all sessions, this one included."""
    addresses = tuple(read_addresses(session.identity))
    activities = [
        *_sign_ins(rows),
        *_credential_changes(credentials, facts),
        *_address_changes(addresses),
        *_account_creation(session),
    ]
    return Overview(
        credentials=credentials,
        accounts=_name_accounts(session, credentials, facts),
        addresses=addresses,
        activities=tuple(sorted(activities, key=lambda activity: activity.at, reverse=True)[:MAX_ACTIVITIES]),
        password_changed_at=facts.password_changed_at if facts else None,
        authenticator_app_added_at=facts.authenticator_app_added_at if facts else None,
        backup_codes_left=facts.backup_codes_left if facts else None,
    )


def read_addresses(identity: Identity) -> Iterator[Address]:
    """The addresses that Ory verifies."""
    for address in identity.verifiable_addresses:
        value, is_verified = address.get("value"), address.get("verified") is True
        if isinstance(value, str):
            verified_at = read_time(address.get("verified_at")) if is_verified else None
            yield Address(value, str(address.get("via") or ""), is_verified, verified_at)


def _name_accounts(session: OrySession, credentials: Credentials, facts: CredentialFacts | None) -> tuple[str, ...]:
    """The settings flow does not list the last credential of an account, because it cannot be removed."""
    names = dict(credentials.accounts)
    methods = session.raw.get("authentication_methods") or []
    used = [method.get("provider") for method in methods if isinstance(method, Mapping)]
    for provider in (*(facts.providers if facts else ()), *used):
        if isinstance(provider, str) and provider not in names and name_provider(provider):
            names[provider] = name_provider(provider)
    return tuple(name for name in names.values() if name)


def _sign_ins(rows: Sequence[SessionRow]) -> Iterator[Activity]:
    for row in rows:
        yield Activity(_("Signed in: %(device)s") % {"device": row.device.label}, row.signed_in_at, row)


def _credential_changes(credentials: Credentials, facts: CredentialFacts | None) -> Iterator[Activity]:
    for key in credentials.passkeys:
        if key.added_at:
            yield Activity(_named(_("Added a passkey"), key.name), key.added_at)
    for key in credentials.security_keys:
        if key.added_at:
            yield Activity(_named(_("Added a security key"), key.name), key.added_at)
    if facts is None:
        return
    if facts.password_changed_at:
        yield Activity(_("Changed the password"), facts.password_changed_at)
    if facts.authenticator_app_added_at:
        yield Activity(_("Set up an authenticator app"), facts.authenticator_app_added_at)
    if facts.backup_codes_created_at:
        yield Activity(_("Created backup codes"), facts.backup_codes_created_at)
    for used_at in facts.backup_codes_used_at:
        yield Activity(_("Used a backup code"), used_at)


def _named(text: str, name: str) -> str:
    return f"{text}: {name}" if name else text


def _address_changes(addresses: Sequence[Address]) -> Iterator[Activity]:
    for address in addresses:
        if address.verified_at:
            yield Activity(_("Verified %(address)s") % {"address": address.value}, address.verified_at)


def _account_creation(session: OrySession) -> Iterator[Activity]:
    created_at = read_time(session.identity.raw.get("created_at"))
    if created_at:
        yield Activity(_("Created the account"), created_at)
