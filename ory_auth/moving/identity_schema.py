"""The identity schema: which traits are sign-in names and addresses, and what it refuses.

https://www.ory.com/docs/kratos/manage-identities/identity-schema
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import Any

from .notices import Notice

EXTENSION = "ory.sh/kratos"
MAX_IDENTIFIER_LENGTH = 255  # of Ory's column
MAX_DEPTH = 20
_EMPTY: Mapping[str, Any] = {}  # always the same object
_NAME = re.compile(r"\w{1,50}")
_LABEL = re.compile("[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_ATOM = r"""[^\x00-\x20"(),.:;<>@\[\\\]\x7f]+"""
_LOCAL_PART = re.compile(rf"""{_ATOM}(?:\.{_ATOM})*|"[^"\\\x00-\x1f\x7f]+\"""")


@dataclass(frozen=True)
class SchemaPart:
    """What a part of the schema says about a value."""

    json: Mapping[str, Any] = field(repr=False)

    @cached_property
    def properties(self) -> Mapping[str, Any]:
        return _mapping(self.json.get("properties"))

    @cached_property
    def is_identifier(self) -> bool:
        """Whether people sign in with this value."""
        credentials = _mapping(self._extension.get("credentials"))
        return any(
            _mapping(credentials.get(name)).get("identifier") is True for name in ("password", "code", "webauthn")
        )

    @cached_property
    def verification(self) -> str:
        """``"email"`` or ``"sms"`` if this value is an address that people can verify."""
        return self._via("verification")

    @cached_property
    def recovery(self) -> str:
        """``"email"`` or ``"sms"`` if this value is an address with which people can recover their account."""
        return self._via("recovery")

    @cached_property
    def is_email(self) -> bool:
        return self.json.get("format") == "email" or "email" in {self.verification, self.recovery}

    @property
    def _extension(self) -> Mapping[str, Any]:
        return _mapping(self.json.get(EXTENSION))

    def _via(self, purpose: str) -> str:
        return str(_mapping(self._extension.get(purpose)).get("via") or "")


@dataclass(frozen=True, slots=True)
class TraitValue:
    """One value in the traits, and a part of the schema that says something about it."""

    pointer: str
    value: Any = field(repr=False)
    part: SchemaPart = field(repr=False)


@dataclass(frozen=True)
class IdentitySchema:
    """An identity schema as Ory returns it."""

    id: str
    json: Mapping[str, Any] = field(repr=False)
    _parts: dict[int, tuple[SchemaPart, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def email_path(self) -> str:
        """The path of the trait that holds the e-mail address, such as ``"email"``; empty if there is none."""
        for path, part in self._walk_schema(self._traits, (), 0):
            if part.is_email:
                return ".".join(path)
        return ""

    def values(self, traits: Mapping[str, Any]) -> list[TraitValue]:
        """The values in these traits that are not objects or lists, each with its part of the schema."""
        return list(self._walk_values(traits, self._traits, "#/traits", 0))

    def find_problems(self, traits: Mapping[str, Any]) -> list[Notice]:
        """What the schema refuses, as far as this can be known without Ory."""
        problems = [_schema_problem(error, self) for error in self._errors(traits)]
        for value in self.values(traits):
            if value.part.is_email and isinstance(value.value, str) and not is_email(value.value):
                text = f"{value.pointer} is not an e-mail address that Ory accepts."
                problems.append(Notice("invalid_email", text, "Correct the address of this user in Django."))
            if value.part.is_identifier and len(str(value.value)) > MAX_IDENTIFIER_LENGTH:
                text = (
                    f"{value.pointer} is longer than {MAX_IDENTIFIER_LENGTH} characters, so nobody can sign in with it."
                )
                problems.append(Notice("identifier_too_long", text, "Shorten the value of this user in Django."))
        return list(dict.fromkeys(problems))

    def _errors(self, traits: Mapping[str, Any]) -> list[Any]:
        validator = self._validator
        if validator is None:
            return []
        with suppress(Exception):  # a schema that refers to other documents: Ory checks it
            return list(validator.iter_errors({"traits": traits}))
        return []

    @cached_property
    def _validator(self) -> Any:
        """``None`` if jsonschema is not installed: then Ory reports what it refuses, person by person."""
        try:
            validators = import_module("jsonschema.validators")
        except ImportError:
            return None
        return validators.validator_for(self.json, default=validators.Draft7Validator)(self.json)

    @property
    def _traits(self) -> Mapping[str, Any]:
        return _mapping(_mapping(self.json.get("properties")).get("traits"))

    def _resolve(self, node: Mapping[str, Any]) -> tuple[SchemaPart, ...]:
        """The node and those that count besides it. Found once for each node: the same ones count for all people."""
        parts = self._parts.get(id(node))
        if parts is None:
            parts = self._parts[id(node)] = tuple(SchemaPart(found) for found in self._find_parts(node))
        return parts

    def _find_parts(self, node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        yield node
        for name in ("allOf", "anyOf", "oneOf"):
            branches = node.get(name)
            for branch in branches if isinstance(branches, list) else ():
                yield from self._find_parts(_mapping(branch))
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            target: Any = self.json
            for name in reference[2:].split("/"):
                target = _mapping(target).get(name)
            if target is not node:
                yield _mapping(target)

    def _walk_values(self, value: Any, node: Mapping[str, Any], pointer: str, depth: int) -> Iterator[TraitValue]:
        if depth > MAX_DEPTH:
            return
        for part in self._resolve(node):
            if isinstance(value, Mapping):
                for name, item in value.items():
                    if name in part.properties:
                        child = _mapping(part.properties[name])
                        yield from self._walk_values(item, child, f"{pointer}/{name}", depth + 1)
            elif isinstance(value, (list, tuple)):
                child = _mapping(part.json.get("items"))
                for index, item in enumerate(value):
                    yield from self._walk_values(item, child, f"{pointer}/{index}", depth + 1)
            else:
                yield TraitValue(pointer, value, part)

    def _walk_schema(
        self, node: Mapping[str, Any], path: tuple[str, ...], depth: int
    ) -> Iterator[tuple[tuple[str, ...], SchemaPart]]:
        if depth > MAX_DEPTH:
            return
        for part in self._resolve(node):
            yield path, part
            for name, child in part.properties.items():
                yield from self._walk_schema(_mapping(child), (*path, name), depth + 1)
            if "items" in part.json:
                yield from self._walk_schema(_mapping(part.json["items"]), (*path, "0"), depth + 1)


def is_email(text: str) -> bool:
    """Whether Ory accepts it as an e-mail address: the rules of ``isEmail()`` in ory/jsonschema."""
    local, _, domain = text.rpartition("@")
    if len(text.encode(errors="replace")) > 254 or len(local.encode(errors="replace")) > 64:
        return False
    labels = domain.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        return False
    return _LOCAL_PART.fullmatch(local) is not None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else _EMPTY


def _schema_problem(error: Any, schema: IdentitySchema) -> Notice:
    """One error of jsonschema, without the value: its message would repeat it."""
    pointer = "#" + "".join(f"/{part}" for part in error.absolute_path)
    names: list[str] = []
    if error.validator == "required":
        names = [name for name in error.validator_value if name not in error.instance]
        missing = ".".join([*map(str, list(error.absolute_path)[1:]), *names])
        if missing == schema.email_path:
            return Notice(
                "no_email",
                "The user has no e-mail address, and the identity schema requires one.",
                "Give the user an address, or use an identity schema in which it is optional.",
            )
        text = f"{pointer}/{', '.join(names)} is missing, and the identity schema requires it."
        fix = "Map a field to it in USER_FIELDS, return it from --traits, or make it optional in the schema."
        return Notice("trait_missing", text, fix)
    if error.validator == "additionalProperties":
        allowed = _mapping(error.schema.get("properties"))
        names = [name for name in error.instance if name not in allowed and _NAME.fullmatch(str(name))]
        listed = f" ({', '.join(names)})" if names else ""
        text = f"{pointer} has traits that the identity schema does not allow{listed}."
        return Notice(
            "trait_not_in_schema", text, "Add them to the schema, or don't send them (USER_FIELDS, --traits)."
        )
    text = f"{pointer} does not fit the identity schema ({error.validator})."
    return Notice("schema", text, "Correct the value of this user in Django, or the schema.")
