"""The traits and metadata of a user's identity, and the sign-in names among the traits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..conf import conf
from ..ory.identifiers import normalize_identifier
from ..users.fields import user_fields
from . import notices
from .identity_schema import IdentitySchema, TraitValue
from .notices import Notice
from .options import MoveOptions
from .traits import MissingListElementError, build_parts, is_json


@dataclass(frozen=True, slots=True)
class SignInNames:
    """The sign-in names of a user, as Ory will store them."""

    external_id: str
    identifiers: tuple[str, ...] = field(repr=False)


def find_sign_in_names(users: Sequence[Any], options: MoveOptions, schema: IdentitySchema) -> list[SignInNames]:
    """The sign-in names of each of these users, in their order. Needs no query."""
    parts = IdentityParts(options, schema)
    traits = ((user, parts.build_traits(user, [])) for user in users)
    return [SignInNames(str(user.pk), read_identifiers(schema.values(found))) for user, found in traits]


def read_identifiers(values: Iterable[TraitValue]) -> tuple[str, ...]:
    """The sign-in names among these traits, as Ory will store them."""
    found = (value.value for value in values if value.part.is_identifier and value.value not in (None, ""))
    return tuple(dict.fromkeys(normalize_identifier(str(value)) for value in found))


class IdentityParts:
    """Builds the parts of identities from ``USER_FIELDS``, or with the project's functions."""

    def __init__(self, options: MoveOptions, schema: IdentitySchema) -> None:
        self._options, self._email_path, self._fields = options, schema.email_path, user_fields(conf())

    def build(self, user: Any, problems: list[Notice]) -> dict[str, Any]:
        """Traits and metadata. A part that cannot be sent is left out, and added to the ``problems``."""
        return self._build(user, problems, ("traits", "metadata_public", "metadata_admin"))

    def build_traits(self, user: Any, problems: list[Notice]) -> Mapping[str, Any]:
        """Only the traits, without calling the functions for metadata."""
        traits: Mapping[str, Any] = self._build(user, problems, ("traits",))["traits"]
        return traits

    def _build(self, user: Any, problems: list[Notice], names: Sequence[str]) -> dict[str, Any]:
        try:
            parts = build_parts(user, self._fields, self._email_path)
        except MissingListElementError:
            problems.append(notices.MISSING_LIST_ELEMENT)
            parts = {}
        for name in names:
            function = getattr(self._options, name)
            if function is None:
                continue
            parts.pop(name, None)
            try:
                value = function(user)
            except Exception as error:
                problems.append(notices.function_failed(name, type(error).__name__))
                continue
            if value is not None:
                parts[name] = value
        for name in [name for name, value in parts.items() if not is_json(value)]:
            problems.append(notices.not_json(name))
            del parts[name]
        traits = parts.get("traits", {})
        if not isinstance(traits, Mapping):
            problems.append(notices.not_json("traits"))
            traits = {}
        parts["traits"] = traits
        return parts
