"""What an Ory accepts when identities are created. Ory is asked, because its version does not say it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ..conf import Conf
from ..exceptions import InvalidIdentity, OryResponseInvalid
from ..ory.admin_client import NOT_THE_ADMIN_API, AdminClient
from ..ory.client import Client
from ..ory.http_client import deadline
from .identity_schema import IdentitySchema
from .notices import ORY_TOO_OLD

_TOTP = {"config": {"totp_url": "otpauth://totp/probe?secret=AAAAAAAAAAAAAAAA"}}
_CODES = {"config": {"codes": [{"code": "probe"}]}}
_KEYS = {"config": {"credentials": [{"id": "AAAA", "public_key": "AAAA"}], "user_handle": "AAAA"}}
_PROBES: Mapping[str, Any] = {"totp": _TOTP, "lookup_secret": _CODES, "webauthn": _KEYS, "passkey": _KEYS}


class OryTooOld(ValueError):
    """This Ory does not know ``external_id``. The text says so, and what to do."""

    def __init__(self) -> None:
        super().__init__(f"{ORY_TOO_OLD.text} {ORY_TOO_OLD.fix}")


@dataclass(frozen=True, slots=True)
class OryCapabilities:
    """``at_creation`` are the types of credentials that this Ory takes with a new identity, beyond the usual ones."""

    schema: IdentitySchema | None = None
    at_creation: frozenset[str] = frozenset()


def ask_ory(client: AdminClient, conf: Conf, schema_id: str = "") -> OryCapabilities:
    """Ask which credentials can be imported, and for the identity schema. Saves nothing at Ory.

    Each question is an identity whose traits are not an object, which every schema refuses. An Ory that knows the
    other members names the traits in its refusal; one that doesn't refuses the unknown member first.

    Raises ``ValueError`` with a text for people if the schema is not clear, :class:`OryTooOld`, and
    :class:`~ory_auth.exceptions.OryUnavailable`.
    """
    schema = _fetch_schema(conf, schema_id)
    if not _reaches_traits(client, schema.id):
        raise ValueError(
            f"Ory does not check the traits of new identities of the schema {schema.id!r}. "
            "Check that the schema says that traits are an object."
        )
    if not _reaches_traits(client, schema.id, external_id="probe"):
        raise OryTooOld
    known = (name for name, value in _PROBES.items() if _reaches_traits(client, schema.id, credentials={name: value}))
    return OryCapabilities(schema, frozenset(known))


def _fetch_schema(conf: Conf, schema_id: str) -> IdentitySchema:
    with deadline(time.monotonic() + conf.timeout):
        schemas = {schema.id: schema for schema in _read_schemas(Client(conf).identity_schemas())}
    names = ", ".join(sorted(schemas)) or "none"
    if schema_id and schema_id not in schemas:
        raise ValueError(f"Ory has no identity schema {schema_id!r}. Its schemas are: {names}.")
    if not schema_id and len(schemas) != 1:
        raise ValueError(f"Ory has several identity schemas. Name one with --schema. Its schemas are: {names}.")
    return schemas[schema_id] if schema_id else next(iter(schemas.values()))


def _read_schemas(rows: list[Any]) -> list[IdentitySchema]:
    return [
        IdentitySchema(str(row["id"]), row["schema"])
        for row in rows
        if isinstance(row, Mapping) and "id" in row and isinstance(row.get("schema"), Mapping)
    ]


def _reaches_traits(client: AdminClient, schema_id: str, **members: Any) -> bool:
    """Whether Ory refuses the traits only, and so knows these members of an identity."""
    try:
        created = client.create_identity({"schema_id": schema_id, "traits": "probe", **members})
    except InvalidIdentity as error:
        return any(pointer.startswith("#/traits") for pointer in error.fields)
    client.delete_identity(_read_id(created))  # a schema that allows anything
    return True


def _read_id(created: Mapping[str, Any]) -> UUID:
    """The ID alone: the traits of this identity are not an object."""
    try:
        return UUID(created["id"])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise OryResponseInvalid(NOT_THE_ADMIN_API, status=200) from None
