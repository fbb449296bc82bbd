"""What the identity schema says of traits: how forms show them, what is wrong with them, which are addresses.

https://www.ory.com/docs/kratos/manage-identities/identity-schema
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from jsonschema import Draft7Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from . import nodes
from .messages import Message, message
from .nodes import Node

Schema = dict[str, Any]
RULES = "ory.sh/kratos"
LIST, OBJECT = "list", "object"
FORMATS: dict[str, tuple[str, str | None]] = {
    "date-time": ("datetime-local", None),
    "email": ("email", "email"),
    "tel": ("tel", "tel"),
    "date": ("date", None),
    "uri": ("url", "url"),
}
INPUT_TYPES = {"boolean": "checkbox", "number": "number"}
BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


FORMAT_CHECKER = FormatChecker()
ZONED_TIME = r"\d\d:\d\d:\d\d(\.\d+)?([Zz]|[-+]\d\d:\d\d)"  # as in RFC 3339
TIMES = {
    "time": re.compile(ZONED_TIME, re.ASCII),
    "date-time": re.compile(rf"\d{{4}}-\d\d-\d\d[Tt]{ZONED_TIME}", re.ASCII),
}


@FORMAT_CHECKER.checks("time")
def is_time(value: Any) -> bool:
    return not isinstance(value, str) or TIMES["time"].fullmatch(value) is not None


@FORMAT_CHECKER.checks("date-time")
def is_date_and_time(value: Any) -> bool:
    return not isinstance(value, str) or TIMES["date-time"].fullmatch(value) is not None


@dataclass(frozen=True)
class Problem:
    """Something that the schema refuses: the name of the field at fault, and what a form says to it."""

    field: str
    message: Message


def problems(schema: Schema, traits: Any) -> list[Problem]:
    """All that is wrong with the traits, nothing if they are in order."""
    validator = Draft7Validator(schema, format_checker=FORMAT_CHECKER)
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


@dataclass(frozen=True)
class Declared:
    """What the schema says of a trait in a form: as what it is read, and how it is shown.

    `kind` is "string", "number", "boolean", a list of one of these ("list of string"), "object", or "list" for lists
    of anything else: those have no field.
    """

    name: str
    kind: str
    schema: Schema
    required: bool

    @property
    def has_field(self) -> bool:
        return self.kind not in (LIST, OBJECT)


def declared(schema: Schema) -> list[Declared]:
    """All traits that have one type, by which Kratos reads forms; of several declarations of one the last counts."""
    return list(
        {one.name: one for one in _declared(schema, schema, "", False) if one.name.startswith("traits.")}.values()
    )


def _declared(schema: Any, root: Schema, name: str, required: bool) -> Iterator[Declared]:
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield from _declared(_referenced(schema, root), root, name, required)
        return
    if kind := _kind(schema, root):
        yield Declared(name, kind, schema, required)
    below = [schema.get(word) for word in ("not", "if", "then", "else")]
    below += [one for word in ("allOf", "anyOf", "oneOf") for one in schema.get(word, ())]
    for one in below:
        yield from _declared(one, root, name, required)
    for key, one in schema.get("properties", {}).items():
        yield from _declared(one, root, f"{name}.{key}" if name else key, key in schema.get("required", ()))


def _kind(schema: Schema, root: Schema) -> str | None:
    if "const" in schema:
        return _kind_of_value(schema["const"])
    types = _types(schema)
    if types == ["array"]:
        items = schema.get("items")
        every = items if isinstance(items, list) else [items]
        names = [name for one in every if one for name in _types(_referenced(one, root))]
        names = [name for name, _ in groupby(names)]
        if len(names) != 1:
            return "list of string"
        return f"list of {names[0]}" if names[0] in ("string", "number", "boolean") else LIST
    return types[0] if len(types) == 1 and types[0] != "null" else None


def _kind_of_value(value: Any) -> str:
    for kind, of in (("boolean", bool), ("number", int | float), ("string", str)):
        if isinstance(value, of):
            return kind
    return OBJECT


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return ["number" if name == "integer" else name for name in ([types] if isinstance(types, str) else types)]


def _referenced(schema: Schema, root: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Any = root
    for step in schema["$ref"].partition("#")[2].split("/")[1:]:
        found = found[step]
    return dict(found)


def flattened(traits: Any, path: tuple[str, ...] = ("traits",)) -> Iterator[tuple[str, Any]]:
    """Every trait that is neither object nor list, by its name in forms."""
    if isinstance(traits, dict | list):
        pairs = traits.items() if isinstance(traits, dict) else enumerate(traits)
        for key, value in pairs:
            yield from flattened(value, (*path, str(key).replace(".", "\\.")))
    else:
        yield ".".join(path), traits


def filled(schema: Schema, traits: dict[str, Any]) -> dict[str, Any]:
    """The traits as Kratos takes them: what it reads as JSON and does not find is an empty object, lists too."""
    traits = json.loads(json.dumps(traits))
    for one in declared(schema):
        if not one.has_field:
            place, key = _place(traits, one.name)
            if isinstance(place, dict):
                place.setdefault(key, {})
    return traits


def _place(traits: dict[str, Any], name: str) -> tuple[Any, str]:
    """The object in which the trait of this name belongs, made where it is missing, and its key there."""
    *above, key = name.split(".")[1:]
    place: Any = traits
    for step in above:
        place = place.setdefault(step, {}) if isinstance(place, dict) else None
    return place, key


def trait_nodes(group: str, schema: Schema, traits: Any, *, hidden: bool = False) -> list[Node]:
    """The inputs of a form for the traits, filled with what is known, in Kratos' order: by value within a trait."""
    form = [_trait_node(group, one) for one in declared(schema) if one.has_field]
    fill(form, group, traits)
    names = [one.name for one in declared(schema) if one.kind != OBJECT]

    def rank(one: Node) -> tuple[int, str]:
        name, value = one["attributes"]["name"], one["attributes"].get("value")
        place = next((number for number, start in enumerate(names) if name.startswith(start)), len(names))
        return place, "<nil>" if value is None else str(value)

    for one in form if hidden else ():
        one["attributes"]["type"] = "hidden"
    return sorted(form, key=rank)


def fill(form: list[Node], group: str | None, traits: Any) -> None:
    """Put traits into a form's inputs, the others stay as they are. With a group, those that are missing are added."""
    inputs = {one["attributes"].get("name"): one for one in form}
    for name, value in flattened(traits):
        if name not in inputs:
            if group is None:
                continue
            kind = "text" if value is None else INPUT_TYPES.get(_kind_of_value(value), "text")
            form.append(nodes.field(group, name, kind))
            inputs[name] = form[-1]
        if value is None:
            inputs[name]["attributes"].pop("value", None)
        else:
            inputs[name]["attributes"]["value"] = _as_double(value)


def _as_double(value: Any) -> Any:
    """Kratos reads numbers into 64 bits before it shows them."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    double = float(value)
    return int(Decimal(repr(double))) if double.is_integer() else double  # the shortest digits, filled up with zeros


def _trait_node(group: str, trait: Declared) -> Node:
    usual = INPUT_TYPES.get(trait.kind, "text")
    shown, autocomplete = FORMATS.get(trait.schema.get("format", ""), (usual, None))
    attributes: dict[str, Any] = {
        **({"required": True} if trait.required else {}),
        **({"autocomplete": autocomplete} if autocomplete else {}),
        **({"pattern": trait.schema["pattern"]} if "pattern" in trait.schema else {}),
    }
    title = trait.schema.get("title")
    label = message(1070002, name=trait.name, title=title) if title else None
    return nodes.field(group, trait.name, shown, label, **attributes)


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
    """The traits that a form sent: as one JSON object, or by fields. Raises `ValueError` for what is no JSON.

    Of both together Kratos takes what its chance order of fields leaves; here, it is the JSON.
    """
    if any(whole := fields.get("traits", [])):
        return dict(json.loads(whole[0]))
    traits: dict[str, Any] = {}
    for one in declared(schema):
        sent = fields.get(one.name)
        if sent and (value := _read(one, sent)) is not None:
            place, key = _place(traits, one.name)
            place[key] = value
    return traits


def _read(trait: Declared, sent: list[str]) -> Any:
    """The value that fields of one name stand for, `None` for none; texts that do not fit are left to the schema."""
    match trait.kind:
        case "boolean":
            return _boolean(sent[-1] or ("false" if trait.required else ""))
        case "number":
            return _number(sent[0] or ("0" if trait.required else ""))
        case "list of number":
            return [text if (number := _number(text)) is None else number for text in sent]
        case "list of boolean":
            return [BOOLEANS.get(text, text) for text in sent]
        case "string":
            return sent[0] or None
        case "object":
            return json.loads(sent[0]) if sent[0] else None
        case _:
            return sent


def _boolean(text: str) -> Any:
    return BOOLEANS.get(text, text) if text else None


def _number(text: str) -> Any:
    try:
        return _as_double(float(text)) if text else None
    except (ValueError, OverflowError):
        return text
