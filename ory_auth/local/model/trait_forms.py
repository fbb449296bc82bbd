"""Traits in forms: inputs for them, and what a submitted form says about them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from . import nodes
from .identity_schema import (
    OBJECT,
    DeclaredTrait,
    Schema,
    declared_traits,
    flatten_traits,
    kind_of_value,
    parent_and_key,
)
from .messages import message
from .nodes import Node

INPUT_TYPES = {"boolean": "checkbox", "number": "number"}
FORMATS: dict[str, tuple[str, str | None]] = {
    # format → input type, autocomplete
    "date-time": ("datetime-local", None),
    "email": ("email", "email"),
    "tel": ("tel", "tel"),
    "date": ("date", None),
    "uri": ("url", "url"),
}
BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}


# ---- from traits to a form


def trait_nodes(group: str, schema: Schema, traits: Any, *, hidden: bool = False) -> list[Node]:
    """Inputs for all traits, with their values, in Kratos' order: by trait, then by value."""
    form = [_trait_node(group, trait) for trait in declared_traits(schema) if trait.has_field]
    if hidden:  # items of lists stay visible, as in Kratos
        for node in form:
            node["attributes"]["type"] = "hidden"
    fill_form(form, group, traits)
    names = [trait.name for trait in declared_traits(schema) if trait.kind != OBJECT]

    def sort_key(node: Node) -> tuple[int, str]:
        name, value = node["attributes"]["name"], node["attributes"].get("value")
        position = next((number for number, start in enumerate(names) if name.startswith(start)), len(names))
        return position, "<nil>" if value is None else str(value)

    return sorted(form, key=sort_key)


def fill_form(form: list[Node], group: str | None, traits: Any) -> None:
    """Set the values of the inputs for these traits. If there is a group, missing inputs are added to it."""
    inputs = {node["attributes"].get("name"): node for node in form}
    for name, value in flatten_traits(traits):
        if name not in inputs:
            if group is None:
                continue
            input_type = "text" if value is None else INPUT_TYPES.get(kind_of_value(value), "text")
            form.append(nodes.input_field(group, name, input_type))
            inputs[name] = form[-1]
        if value is None:
            inputs[name]["attributes"].pop("value", None)
        else:
            inputs[name]["attributes"]["value"] = _as_double(value)


def _trait_node(group: str, trait: DeclaredTrait) -> Node:
    default_type = INPUT_TYPES.get(trait.kind, "text")
    input_type, autocomplete = FORMATS.get(trait.schema.get("format", ""), (default_type, None))
    attributes: dict[str, Any] = {
        **({"required": True} if trait.required else {}),
        **({"autocomplete": autocomplete} if autocomplete else {}),
        **({"pattern": trait.schema["pattern"]} if "pattern" in trait.schema else {}),
    }
    title = trait.schema.get("title")
    label = message(1070002, name=trait.name, title=title) if title else None
    return nodes.input_field(group, trait.name, input_type, label, **attributes)


def _as_double(value: Any) -> Any:
    """The value as Kratos shows it: it reads numbers into 64-bit floats."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    double = float(value)
    if not double.is_integer():
        return double
    return int(Decimal(repr(double)))  # the shortest digits that mean this number, followed by zeros


# ---- from a form to traits


def parse_traits(schema: Schema, fields: dict[str, list[str]]) -> dict[str, Any]:
    """The traits in a submitted form: one field with a JSON object, or a field for each trait.

    If a form has both, Kratos uses whichever field comes last in a random order. This function uses the JSON. Raises
    `ValueError` or `TypeError` if a field is not valid JSON.
    """
    json_fields = fields.get("traits", [])
    if any(json_fields):
        return dict(json.loads(json_fields[0]))
    traits: dict[str, Any] = {}
    for trait in declared_traits(schema):
        sent = fields.get(trait.name)
        if not sent:
            continue
        value = _parse_value(trait, sent)
        if value is not None:
            parent, key = parent_and_key(traits, trait.name)
            parent[key] = value
    return traits


def _parse_value(trait: DeclaredTrait, sent: list[str]) -> Any:
    """The value of a trait, `None` if the field is empty. A text of the wrong type stays a text."""
    match trait.kind:
        case "boolean":
            return _parse_boolean(sent[-1] or ("false" if trait.required else ""))
        case "number":
            return _parse_number(sent[0] or ("0" if trait.required else ""))
        case "list of number":
            return [_parse_number(text) if text else text for text in sent]
        case "list of boolean":
            return [BOOLEANS.get(text, text) for text in sent]
        case "string":
            return sent[0] or None
        case "object":
            return json.loads(sent[0]) if sent[0] else None
        case _:
            return sent


def _parse_boolean(text: str) -> Any:
    return BOOLEANS.get(text, text) if text else None


def _parse_number(text: str) -> Any:
    try:
        return _as_double(float(text)) if text else None
    except (ValueError, OverflowError):
        return text
