"""Operations that read identities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..exceptions import Conflict, NotFound, OryResponseInvalid
from ..ory.admin_client import AdminClient
from ..ory.identifiers import normalize_identifier
from ..ory.json_types import read_identity
from ..types import Identity
from .driver import Steps, ask
from .targets import Who, find_id

KEYS = ("webauthn",)  # public keys. Without them, no one can tell whether the person has any


def get(who: Who) -> Steps[Identity]:
    """Read an identity from Ory.

    Raises :class:`.NotFound` if Ory does not know it. Follows
    https://www.ory.com/docs/reference/api#operation/getIdentity.
    """
    identity_id = yield from find_id(who)
    data = yield from ask(AdminClient.get_identity, identity_id, include_credentials=KEYS)
    return read_identity(data, identity_id)


def get_by_external_id(external_id: str) -> Steps[Identity]:
    """Read the identity with this ``external_id``, the ID that your project has given to it.

    Raises :class:`.NotFound` if there is none. Follows
    https://www.ory.com/docs/reference/api#operation/getIdentityByExternalID.
    """
    if not external_id:
        raise NotFound("No identity has an empty external_id.")
    identity = read_identity((yield from ask(AdminClient.get_by_external_id, external_id, include_credentials=KEYS)))
    if identity.external_id != external_id:
        raise OryResponseInvalid("Ory's response is about another identity.", status=200)
    return identity


def find(
    *, email: str | None = None, identifier: str | None = None, external_id: str | None = None
) -> Steps[Identity | None]:
    """Find one identity, or ``None``. Pass one argument.

    ``identifier`` is what the person signs in with: an e-mail address, a username, a phone number, or
    ``"google:SUBJECT"``. ``email`` is the same, but finds only an identity that has the address as its own. Ory
    ignores the case of both, and spaces around them. Similar values don't match.

    Raises :class:`.Conflict` if two identities match, which can happen if one signs in with the other's address.
    Follows https://www.ory.com/docs/reference/api#operation/listIdentities.
    """
    if [email, identifier, external_id].count(None) != 2:
        raise TypeError("find() takes exactly one of email, identifier and external_id.")
    if external_id is not None:
        try:
            return (yield from get_by_external_id(external_id))
        except NotFound:
            return None
    text = normalize_identifier(email or identifier or "")
    if not text:
        return None
    found = yield from ask(AdminClient.find_by_identifier, text if email is not None else (identifier or "").strip())
    matches = [each for each in found if text in _identifiers(each)]
    if email is not None:
        matches = [each for each in matches if text in _addresses(each)]
    if len(matches) > 1:
        raise Conflict("Several identities match.")
    return read_identity(matches[0]) if matches else None


def _identifiers(identity: Mapping[str, Any]) -> set[str]:
    """What the person signs in with, also the names of the accounts at providers."""
    credentials = identity.get("credentials")
    lists = [each.get("identifiers") for each in credentials.values()] if isinstance(credentials, dict) else []
    return {normalize_identifier(str(name)) for names in lists for name in names or ()}


def _addresses(identity: Mapping[str, Any]) -> set[str]:
    """The e-mail addresses of an identity. Without verification and recovery, the schema only has them in traits."""
    addresses = [*(identity.get("verifiable_addresses") or ()), *(identity.get("recovery_addresses") or ())]
    values = {normalize_identifier(str(each.get("value"))) for each in addresses if each.get("via") == "email"}
    return values or {normalize_identifier(text) for text in _texts(identity.get("traits"))}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
