"""What the identity schema says of traits: how forms show them, what is wrong with them, which are addresses.

https://www.ory.com/docs/kratos/manage-identities/identity-schema
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft7Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from . import nodes
from .messages import Message, message
from .nodes import Node

Schema = dict[str, Any]
RULES = "ory.sh/kratos"
PARSERS: dict[str, Callable[[str], Any]] = {"boolean": json.loads, "integer": int, "number": float}
INPUT_TYPES = {"boolean": "checkbox", "number": "number", "integer": "number"}


@dataclass(frozen=True)
class Problem:
    """Something that the schema refuses: the name of the field at fault, and what a form says to it."""

    field: str
    message: Message


def problems(schema: Schema, traits: Any) -> list[Problem]:
    """All that is wrong with the traits, nothing if they are in order."""
    validator = Draft7Validator(schema, format_checker=FormatChecker())
    return [_problem(error) for error in validator.iter_errors({"traits": traits})]


def refusals(schema: Schema, traits: Any) -> dict[str, Message]:
    """What forms say of the traits, by field; of several problems with one field, the last."""
    return {problem.field: problem.message for problem in problems(schema, traits)}


def _problem(error: ValidationError) -> Problem:
    path = [str(step) for step in error.absolute_path]
    if error.validator == "required":
        required: Any = error.validator_value
        present: Any = error.instance
        missing = next(name for name in required if name not in present)
        return Problem(".".join([*path, missing]), message(4000002, property=missing))
    if error.validator == "format" and error.validator_value == "email":
        return Problem(".".join(path), message(4000040, value=error.instance))
    return Problem(".".join(path), message(4000001, reason=error.message))


def annotated(schema: Schema, traits: Any) -> Iterator[tuple[dict[str, Any], str]]:
    """Every text among the traits to which the schema gives rules of Kratos' own, with those rules."""
    for _, leaf, value, _ in _leaves(schema, traits):
        if RULES in leaf and isinstance(value, str):
            yield leaf[RULES], value


def identifier_fields(schema: Schema) -> list[str]:
    """The names of the fields that serve as login names."""
    return [name for name, leaf, _, _ in _leaves(schema, {}) if _is_identifier(leaf)]


def _is_identifier(leaf: Schema) -> bool:
    return bool(leaf.get(RULES, {}).get("credentials", {}).get("password", {}).get("identifier"))


def filled(schema: Schema, traits: dict[str, Any]) -> dict[str, Any]:
    """The traits as Kratos takes them from a form: every object of the schema is there, if only empty."""
    return _filled(schema["properties"]["traits"], traits)


def _filled(schema: Schema, traits: dict[str, Any]) -> dict[str, Any]:
    below = {
        name: _filled(one, traits.get(name, {}))
        for name, one in schema.get("properties", {}).items()
        if one.get("type") == "object" and isinstance(traits.get(name, {}), dict)
    }
    return {**traits, **below}


def trait_nodes(group: str, schema: Schema, traits: Any, *, hidden: bool = False) -> list[Node]:
    """The inputs of a form for the traits, filled with what is known."""
    return [_trait_node(group, *leaf, hidden=hidden) for leaf in _leaves(schema, traits)]


def fill(form: list[Node], schema: Schema, traits: Any) -> None:
    """Put those traits that were sent into the form's inputs; the others stay as they are."""
    for name, _, value, _ in _leaves(schema, traits):
        if value is not None and not isinstance(value, list):
            nodes.find(form, name)["attributes"]["value"] = value


def _trait_node(group: str, name: str, leaf: Schema, value: Any, required: bool, *, hidden: bool) -> Node:
    email = leaf.get("format") == "email"
    attributes = {
        **({"value": value} if value is not None and not isinstance(value, list) else {}),
        **({"required": True} if required else {}),
        **({"autocomplete": "email"} if email else {}),
    }
    label = message(1070002, name=name, title=leaf["title"]) if "title" in leaf else None
    shown = "email" if email else INPUT_TYPES.get(leaf.get("type", ""), "text")
    return nodes.field(group, name, "hidden" if hidden else shown, label, **attributes)


def _leaves(schema: Schema, traits: Any) -> Iterator[tuple[str, Schema, Any, bool]]:
    """Name, schema, value and whether it is required, of every trait that is no object."""
    yield from _below("traits", schema["properties"]["traits"], traits)


def _below(path: str, schema: Schema, value: Any) -> Iterator[tuple[str, Schema, Any, bool]]:
    for key, one in schema.get("properties", {}).items():
        inner = value.get(key) if isinstance(value, dict) else None
        if one.get("type") == "object":
            yield from _below(f"{path}.{key}", one, inner)
        else:
            yield f"{path}.{key}", one, inner, key in schema.get("required", ())
            for index, item in enumerate(inner if isinstance(inner, list) else ()):
                yield f"{path}.{key}.{index}", one.get("items", {}), item, False


def traits_of_form(schema: Schema, fields: dict[str, list[str]]) -> dict[str, Any]:
    """The traits that a form sent: an empty field is left out, unless the schema has a list for it."""
    return _of_form("traits", schema["properties"]["traits"], fields)


def _of_form(path: str, schema: Schema, fields: dict[str, list[str]]) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    for key, one in schema.get("properties", {}).items():
        kind, sent = one.get("type"), fields.get(f"{path}.{key}", [])
        if kind == "object":
            traits[key] = _of_form(f"{path}.{key}", one, fields)
        elif kind == "array" and sent:
            traits[key] = sent
        elif any(sent):
            traits[key] = _parsed(kind, sent[-1])
    return traits


def _parsed(kind: str | None, text: str) -> Any:
    """The text as the schema's type, or as it is where that fails: then the schema refuses it."""
    parse: Callable[[str], Any] = PARSERS.get(kind or "", str)
    try:
        return parse(text)
    except ValueError:
        return text
