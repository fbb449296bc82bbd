"""The identity schema: which traits it declares, which of them are valid, and Kratos' own rules for them.

https://www.ory.com/docs/kratos/manage-identities/identity-schema
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft7Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from .messages import Message, message

Schema = dict[str, Any]
KRATOS_RULES = "ory.sh/kratos"  # the keyword that Kratos adds to JSON Schema
LIST, OBJECT = "list", "object"

FORMAT_CHECKER = FormatChecker()
TIME_WITH_ZONE = r"\d\d:\d\d:\d\d(\.\d+)?([Zz]|[-+]\d\d:\d\d)"  # as in RFC 3339
TIME = re.compile(TIME_WITH_ZONE, re.ASCII)
PHONE_NUMBER = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
DATE_TIME = re.compile(rf"\d{{4}}-\d\d-\d\d[Tt]{TIME_WITH_ZONE}", re.ASCII)


@FORMAT_CHECKER.checks("time")
def is_time(value: Any) -> bool:
    return not isinstance(value, str) or TIME.fullmatch(value) is not None


@FORMAT_CHECKER.checks("tel")
def is_phone_number(value: Any) -> bool:
    return not isinstance(value, str) or PHONE_NUMBER.fullmatch(value) is not None


@FORMAT_CHECKER.checks("uri")
def is_url(value: Any) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


@FORMAT_CHECKER.checks("date-time")
def is_date_time(value: Any) -> bool:
    return not isinstance(value, str) or DATE_TIME.fullmatch(value) is not None


# ---- validation


@dataclass(frozen=True)
class Problem:
    """A violation of the schema: the name of the form field, the message for it, and what the admin API says."""

    field: str
    message: Message
    text: str


def validate_traits(schema: Schema, traits: Any) -> list[Problem]:
    """All violations of the schema, an empty list if the traits are valid."""
    return [_problem(error) for error in _validator(json.dumps(schema)).iter_errors({"traits": traits})]


@lru_cache(4)
def _validator(schema: str) -> Draft7Validator:
    """The validator of a schema, which is costly to make. `schema` is its JSON."""
    return Draft7Validator(json.loads(schema), format_checker=FORMAT_CHECKER)


def trait_errors(schema: Schema, traits: Any) -> dict[str, list[Message]]:
    """The violations as form field → messages."""
    errors: dict[str, list[Message]] = {}
    for problem in validate_traits(schema, traits):
        errors.setdefault(problem.field, []).append(problem.message)
    return errors


def _problem(error: ValidationError) -> Problem:
    path = [str(step) for step in error.absolute_path]
    schema_path = [str(step) for step in error.absolute_schema_path]
    pointers = f"I[#/{'/'.join(path)}] S[#/{'/'.join(schema_path)}]"
    if error.validator == "required":
        missing = error.message.removesuffix(" is a required property")[1:-1]  # without the quotation marks
        field, text = ".".join([*path, missing]), message(4000002, property=missing)
        return Problem(field, text, f'{pointers} missing properties: "{missing}"')
    return Problem(".".join(path), _violation_message(error), f"{pointers} {error.message}")


def _violation_message(error: ValidationError) -> Message:
    rule, value = error.validator_value, error.instance
    match error.validator:
        case "format" if rule == "email":
            return message(4000040, value=value)
        case "format" if rule == "tel":
            return message(4000041, value=value)
        case "minLength":
            return message(4000003, min_length=rule, actual_length=len(str(value)))
        case "maxLength":
            return message(4000017, max_length=rule, actual_length=len(str(value)))
        case "pattern":
            return message(4000004, pattern=rule)
        case "minimum":
            return message(4000018, minimum=rule, actual=value)
        case "exclusiveMinimum":
            return message(4000019, minimum=rule, actual=value)
        case "maximum":
            return message(4000020, maximum=rule, actual=value)
        case "exclusiveMaximum":
            return message(4000021, maximum=rule, actual=value)
        case "const":
            return message(4000029, expected=json.dumps(rule))
        case "type":
            return message(4000026, allowed_types=[rule], actual_type=kind_of_value(value))
        case _:
            return message(4000001, reason=error.message)


# ---- Kratos' own rules: which traits are login names and addresses


def kratos_annotations(schema: Schema, traits: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """The Kratos rules and the value of each text trait that has such rules, also of texts in lists."""
    for _, leaf, value in _walk_traits("traits", schema["properties"]["traits"], traits):
        if KRATOS_RULES in leaf and isinstance(value, str):
            yield leaf[KRATOS_RULES], value


def identifier_trait(schema: Schema) -> tuple[str, str] | None:
    """Name and title of the trait that is the login name. `None` if there are several, or if it has no title."""
    traits = _walk_traits("traits", schema["properties"]["traits"], {})
    identifiers = [(name, trait.get("title", "")) for name, trait, _ in traits if _is_identifier(trait)]
    return identifiers[0] if len(identifiers) == 1 and identifiers[0][1] else None


def find_annotated_trait(schema: Schema, credential: str, rule: str) -> str:
    """The name of the first trait with this rule for a credential, such as "passkey" and "display_name", or ""."""
    for name, trait, _ in _walk_traits("traits", schema["properties"]["traits"], {}):
        if trait.get(KRATOS_RULES, {}).get("credentials", {}).get(credential, {}).get(rule):
            return name
    return ""


def _is_identifier(trait: Schema) -> bool:
    credentials = trait.get(KRATOS_RULES, {}).get("credentials", {})
    return (
        any(credentials.get(name, {}).get("identifier") for name in ("password", "webauthn", "code"))
        or bool(credentials.get("passkey", {}).get("display_name"))
        or bool(credentials.get("totp", {}).get("account_name"))
    )


def _walk_traits(path: str, schema: Schema, value: Any) -> Iterator[tuple[str, Schema, Any]]:
    """Name, schema and value of each trait that is not an object, and of each item of a list."""
    for key, property_schema in schema.get("properties", {}).items():
        name = f"{path}.{key}"
        property_value = value.get(key) if isinstance(value, dict) else None
        if property_schema.get("type") == "object":
            yield from _walk_traits(name, property_schema, property_value)
            continue
        yield name, property_schema, property_value
        if isinstance(property_value, list):
            for index, item in enumerate(property_value):
                yield f"{name}.{index}", property_schema.get("items", {}), item


# ---- declarations: the type by which Kratos reads each trait from a form


@dataclass(frozen=True)
class DeclaredTrait:
    """A trait that the schema declares.

    `name` is that of its form field. `kind` is "string", "number", "boolean", a list of one of these ("list of
    string"), "object", or "list" for any other list.
    """

    name: str
    kind: str
    schema: Schema
    required: bool

    @property
    def has_field(self) -> bool:
        """Whether forms have an input for it."""
        return self.kind not in (LIST, OBJECT)


def declared_traits(schema: Schema) -> list[DeclaredTrait]:
    """All traits that have exactly one type. If a trait is declared more than once, the last declaration counts."""
    by_name = {}
    for trait in _walk_declarations(schema, schema, "", False):
        if trait.name.startswith("traits."):
            by_name[trait.name] = trait
    return list(by_name.values())


def _walk_declarations(schema: Any, root: Schema, name: str, required: bool) -> Iterator[DeclaredTrait]:
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield from _walk_declarations(_resolve_reference(schema, root), root, name, required)
        return
    if kind := _kind(schema, root):
        yield DeclaredTrait(name, kind, schema, required)
    subschemas = [schema.get(keyword) for keyword in ("not", "if", "then", "else")]
    for keyword in ("allOf", "anyOf", "oneOf"):
        subschemas += schema.get(keyword, ())
    for subschema in subschemas:
        yield from _walk_declarations(subschema, root, name, required)
    for key, property_schema in schema.get("properties", {}).items():
        property_name = f"{name}.{key}" if name else key
        yield from _walk_declarations(property_schema, root, property_name, key in schema.get("required", ()))


def _kind(schema: Schema, root: Schema) -> str | None:
    """The kind of a `DeclaredTrait`, or `None` if the schema does not say exactly one type."""
    if "const" in schema:
        return kind_of_value(schema["const"])
    types = _types(schema)
    if types == ["array"]:
        return _list_kind(schema.get("items"), root)
    return types[0] if len(types) == 1 and types[0] != "null" else None


def _list_kind(items: Any, root: Schema) -> str:
    item_schemas = items if isinstance(items, list) else [items]
    types = [name for item in item_schemas if item for name in _types(_resolve_reference(item, root))]
    types = [name for name, _ in groupby(types)]
    if len(types) != 1:
        return "list of string"
    return f"list of {types[0]}" if types[0] in ("string", "number", "boolean") else LIST


def kind_of_value(value: Any) -> str:
    """The kind of a JSON value: "boolean", "number", "string", or "object" for anything else."""
    for kind, python_type in (("boolean", bool), ("number", int | float), ("string", str)):
        if isinstance(value, python_type):
            return kind
    return OBJECT


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    if isinstance(types, str):
        types = [types]
    return ["number" if name == "integer" else name for name in types]


def _resolve_reference(schema: Schema, root: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    target: Any = root
    for step in schema["$ref"].partition("#")[2].split("/")[1:]:
        target = target[step]
    return dict(target)


# ---- reading and writing traits by the name of their form field


def fill_missing_containers(schema: Schema, traits: dict[str, Any]) -> dict[str, Any]:
    """A copy of the traits in which missing objects and lists are empty objects (as in Kratos, lists too)."""
    traits = json.loads(json.dumps(traits))
    for trait in declared_traits(schema):
        if not trait.has_field:
            parent, key = parent_and_key(traits, trait.name)
            if isinstance(parent, dict):
                parent.setdefault(key, {})
    return traits


def parent_and_key(traits: dict[str, Any], name: str) -> tuple[Any, str]:
    """The object that contains the trait, created if it is missing, and the trait's key in it."""
    *parents, key = name.split(".")[1:]
    parent: Any = traits
    for step in parents:
        parent = parent.setdefault(step, {}) if isinstance(parent, dict) else None
    return parent, key


def flatten_traits(traits: Any, path: tuple[str, ...] = ("traits",)) -> Iterator[tuple[str, Any]]:
    """The name of the form field and the value of each trait that is neither an object nor a list."""
    if isinstance(traits, dict | list):
        pairs = traits.items() if isinstance(traits, dict) else enumerate(traits)
        for key, value in pairs:
            yield from flatten_traits(value, (*path, str(key).replace(".", "\\.")))
    else:
        yield ".".join(path), traits
