"""Whether the identity that has a user's primary key as ``external_id`` is that user's. No I/O.

Another system may use the same numbers for other people, who choose their names and unverified addresses themselves.
So a sign-in name that is the same proves little.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import Enum, auto
from typing import Any

from ..ory.identifiers import normalize_identifier


class Ownership(Enum):
    """Whether it is the user's identity."""

    PROVED = auto()
    UNLESS_USED = auto()  # yes, if nobody has signed in with it yet
    NOT_PROVED = auto()


def check_ownership(names: Collection[str], imported: Mapping[str, Any], identity: Mapping[str, Any]) -> Ownership:
    """Compare a user with an identity as the admin API returns it with ``include_credential=password``.

    ``names`` are what the user signs in with, and ``imported`` the credentials that the import sends. Proofs are a
    verified address, the same account at a provider, or the password hash (or migration hook) that was imported.
    A user without any of them is recognized as long as the identity has not been used.
    """
    credentials = _object(identity.get("credentials"))
    if _subjects(imported) & set(map(str, _list(_object(credentials.get("oidc")).get("identifiers")))):
        return Ownership.PROVED
    if not any(name in names for name in _sign_in_names(identity)):
        return Ownership.NOT_PROVED
    if any(name in names for name in _verified_addresses(identity)):
        return Ownership.PROVED
    sent, stored = _password(imported), _password(credentials)
    for proof in ("hashed_password", "use_password_migration_hook"):
        if sent.get(proof):
            return Ownership.PROVED if stored.get(proof) == sent[proof] else Ownership.NOT_PROVED
    if stored.get("hashed_password") and "password" not in sent:  # a password that the import has not sent
        return Ownership.NOT_PROVED
    return Ownership.UNLESS_USED


def _password(credentials: Mapping[str, Any]) -> Mapping[str, Any]:
    return _object(_object(credentials.get("password")).get("config"))


def _subjects(imported: Mapping[str, Any]) -> set[str]:
    providers = _object(_object(imported.get("oidc")).get("config")).get("providers") or ()
    return {f"{each['provider']}:{each['subject']}" for each in providers}


def _sign_in_names(identity: Mapping[str, Any]) -> Iterator[str]:
    for credential in _object(identity.get("credentials")).values():
        yield from (normalize_identifier(str(name)) for name in _list(_object(credential).get("identifiers")))
    for kind in ("verifiable_addresses", "recovery_addresses"):
        yield from (_value(address) for address in _list(identity.get(kind)))


def _verified_addresses(identity: Mapping[str, Any]) -> Iterator[str]:
    for address in _list(identity.get("verifiable_addresses")):
        if _object(address).get("verified") is True:
            yield _value(address)


def _value(address: Any) -> str:
    return normalize_identifier(str(_object(address).get("value") or ""))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
