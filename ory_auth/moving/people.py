"""From Django's users to identities for Ory. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import prefetch_related_objects

from ..conf import conf
from ..ory.identifiers import normalize_identifier
from ..users.groups import access_changes
from . import notices, second_factors, social_accounts, verified_addresses
from .capabilities import OryCapabilities
from .identity_parts import IdentityParts, read_identifiers
from .identity_schema import IdentitySchema, TraitValue
from .notices import Notice
from .options import MoveOptions
from .own_second_factors import read_own_second_factors
from .passwords import describe_password
from .second_factor_credentials import (
    PATCHABLE,
    SECOND_STEPS,
    SecondFactors,
    credentials_at_creation,
    patch_operations,
)
from .social_accounts import SocialAccounts

ANY_SCHEMA = IdentitySchema(
    "",
    {
        "properties": {
            "traits": {
                "properties": {
                    "email": {
                        "format": "email",
                        "ory.sh/kratos": {
                            "credentials": {"password": {"identifier": True}},
                            "verification": {"via": "email"},
                        },
                    }
                }
            }
        }
    },
)  # if Ory's is not known


@dataclass(frozen=True, slots=True)
class Person:
    """What becomes of one user. Nothing may be sent if there are ``problems``.

    ``body`` creates the identity, and ``operations()`` are a JSON Patch to send right afterwards. ``identifiers`` are
    the sign-in names as Ory stores them. ``hasher`` names Django's hasher, and ``password`` is ``"hash"``, ``"hook"``
    or ``"none"``. ``second_factors`` are types of credentials, and ``providers`` IDs of providers at Ory.
    """

    pk: Any
    external_id: str
    body: dict[str, Any] = field(repr=False)
    identifiers: tuple[str, ...] = field(repr=False)
    hasher: str
    password: str
    second_factors: tuple[str, ...]
    providers: tuple[str, ...]
    problems: tuple[Notice, ...]
    warnings: tuple[Notice, ...]
    patched: SecondFactors = field(repr=False)
    patched_kinds: tuple[str, ...]

    def operations(self, identity_id: str) -> list[dict[str, Any]]:
        """The second factors that this Ory does not take with a new identity; empty if there are none."""
        return patch_operations(self.patched, self.patched_kinds, identity_id)


def describe_users(users: Sequence[Any], options: MoveOptions, capabilities: OryCapabilities) -> list[Person]:
    """What becomes of each of these users, in their order. Takes a few queries for all of them.

    An exception of the project's own functions is a problem of that person, of which only the type is reported.
    """
    batch = _Batch(users, options, capabilities)
    return [batch.describe(user) for user in users]


@dataclass(frozen=True, slots=True)
class _Roles:
    """The parts of an identity in which ``GROUPS`` looks for roles."""

    metadata_public: Any = field(repr=False)
    metadata_admin: Any = field(repr=False)
    organization_id: str = ""


class _Batch:
    def __init__(self, users: Sequence[Any], options: MoveOptions, capabilities: OryCapabilities) -> None:
        self._options, self._capabilities, self._conf = options, capabilities, conf()
        self._schema = capabilities.schema or ANY_SCHEMA
        self._parts = IdentityParts(options, self._schema)
        self._second_factors = second_factors.Reader(users)
        self._social_accounts = social_accounts.Reader(users, options.providers)
        self._verified = verified_addresses.Reader(users, options.verified)
        if self._conf.groups is not None and users and hasattr(users[0], "groups"):
            prefetch_related_objects(users, "groups")

    def describe(self, user: Any) -> Person:
        problems: list[Notice] = []
        external_id = str(user.pk)
        if len(external_id) > notices.MAX_EXTERNAL_ID_LENGTH:
            problems.append(notices.EXTERNAL_ID_TOO_LONG)
        body = self._parts.build(user, problems)
        body["schema_id"], body["external_id"] = self._schema.id, external_id
        body["state"] = "active" if getattr(user, "is_active", True) else "inactive"
        problems += self._schema.find_problems(body["traits"])
        values = self._schema.values(body["traits"])
        identifiers = read_identifiers(values)
        addresses = self._addresses(user, values, problems)
        if addresses:
            body["verifiable_addresses"] = addresses
        password = describe_password(user, self._options, self._conf)
        factors = self._factors(user, external_id, problems)
        social = self._social_accounts.social_accounts(user)
        at_creation, patched = self._split_kinds(factors.kinds)
        moved = (*at_creation, *patched)
        credentials = {**password.credentials, **credentials_at_creation(factors, at_creation), **_oidc(social)}
        if credentials:
            body["credentials"] = credentials
        warnings = [*password.warnings, *social.left, *self._missing_roles(user, body)]
        is_protected = any(kind in SECOND_STEPS for kind in moved) or self._options.allow_lost_second_factors
        (warnings if is_protected else problems).extend(notices.lost_second_factors(factors.lost))
        problems += password.problems
        if not identifiers and not social.providers:
            problems.append(notices.NO_IDENTIFIER)
        elif not password.credentials and not social.providers and not _can_recover(values):
            warnings.append(notices.NO_WAY_IN)
        return Person(
            pk=user.pk,
            external_id=external_id,
            body=body,
            identifiers=identifiers,
            hasher=password.hasher,
            password=password.outcome,
            second_factors=moved,
            providers=social.names,
            problems=tuple(dict.fromkeys(problems)),
            warnings=tuple(dict.fromkeys(warnings)),
            patched=factors,
            patched_kinds=patched,
        )

    def _split_kinds(self, kinds: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The second factors that this Ory takes with a new identity, and those that can be added to it."""
        at_creation = tuple(kind for kind in kinds if kind in self._capabilities.at_creation)
        return at_creation, tuple(kind for kind in kinds if kind not in at_creation and kind in PATCHABLE)

    def _missing_roles(self, user: Any, body: Mapping[str, Any]) -> list[Notice]:
        """A warning if the identity's roles would give the user other groups than they have."""
        roles: Any = _Roles(body.get("metadata_public"), body.get("metadata_admin"))
        return [notices.ROLES_MISSING] if access_changes(user, roles, self._conf) else []

    def _factors(self, user: Any, external_id: str, problems: list[Notice]) -> SecondFactors:
        """Those that other packages store, or those that the project's function returns."""
        function = self._options.second_factors
        if function is None:
            return self._second_factors.second_factors(user)
        try:
            value = function(user)
        except Exception as error:
            problems.append(notices.function_failed("second factors", type(error).__name__))
            return SecondFactors()
        try:
            return read_own_second_factors(value, external_id)
        except ValueError as error:
            problems.append(notices.wrong_second_factors(str(error)))
            return SecondFactors()

    def _addresses(self, user: Any, values: Sequence[TraitValue], problems: list[Notice]) -> list[dict[str, Any]]:
        """The traits that are verified addresses."""
        try:
            verified = self._verified.verified_addresses(user)
        except Exception as error:
            problems.append(notices.function_failed("verified", type(error).__name__))
            return []
        addresses = {
            (value.part.verification, normalize_identifier(str(value.value)))
            for value in values
            if value.part.verification and normalize_identifier(str(value.value)) in verified
        }
        return [
            {"value": address, "via": via, "verified": True, "status": "completed"}
            for via, address in sorted(addresses)
        ]


def _can_recover(values: Sequence[TraitValue]) -> bool:
    return any(value.part.recovery and value.value for value in values)


def _oidc(social: SocialAccounts) -> dict[str, Any]:
    """An empty list would be stored as a broken entry."""
    return {"oidc": {"config": {"providers": list(social.providers)}}} if social.providers else {}
