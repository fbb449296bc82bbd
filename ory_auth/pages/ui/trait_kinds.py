"""The identity schema of the profile form: as which type Ory reads each field.

These are the rules of Kratos' ``jsonschemax``, which are not documented: https://github.com/ory/kratos/tree/v26.2.0/oryx.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from itertools import groupby
from typing import Any
from urllib.parse import unquote

PREFIX = "traits."
MAX_DEPTH = 20  # levels of a schema, and of references to references


class Kind(Enum):
    """The type as which Ory reads a form field."""

    TEXT = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    TEXTS = auto()
    NUMBERS = auto()
    BOOLEANS = auto()
    OBJECT = auto()
    UNREADABLE = auto()  # a list of objects or of lists: Ory reads every field as a list of texts

    @property
    def is_list(self) -> bool:
        return self in {Kind.TEXTS, Kind.NUMBERS, Kind.BOOLEANS}


SCALARS = {"string": Kind.TEXT, "number": Kind.NUMBER, "integer": Kind.NUMBER, "boolean": Kind.BOOLEAN}
LISTS = {"string": Kind.TEXTS, "number": Kind.NUMBERS, "integer": Kind.NUMBERS, "boolean": Kind.BOOLEANS}
ITEM_KINDS = {Kind.TEXTS: Kind.TEXT, Kind.NUMBERS: Kind.NUMBER, Kind.BOOLEANS: Kind.BOOLEAN}
SUBSCHEMAS = ("not", "if", "then", "else")
LISTS_OF_SUBSCHEMAS = ("allOf", "anyOf", "oneOf")


class UnresolvableReference(Exception):
    """The schema refers to something that is not in it."""


def read_kinds(schema: object) -> dict[str, Kind] | None:
    """The kind of each field of the profile form, by name; ``None`` without a usable schema."""
    if not isinstance(schema, dict):
        return None
    kinds: dict[str, Kind] = {}
    with_default = set()
    try:
        for path, kind, has_default in _walk_declarations(schema, schema, (), 0):
            name = ".".join(path)
            if name not in with_default:  # the last declaration counts, or the first one with a default
                kinds[name] = kind
            if has_default:
                with_default.add(name)
    except UnresolvableReference:
        return None
    return {name: kind for name, kind in kinds.items() if name.startswith(PREFIX)}


def _walk_declarations(
    schema: object, root: Mapping[str, Any], path: tuple[str, ...], depth: int
) -> Iterator[tuple[tuple[str, ...], Kind, bool]]:
    """The declarations of a schema, in Kratos' order: the path, its kind, and whether it has a default."""
    if depth > MAX_DEPTH:
        raise UnresolvableReference
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:  # nothing beside it counts
        yield from _walk_declarations(_resolve_reference(schema["$ref"], root), root, path, depth + 1)
        return
    kind, has_default = _kind_of(schema, root), schema.get("default") is not None
    if path and (kind or has_default):
        yield path, kind or Kind.UNREADABLE, has_default
    for word in SUBSCHEMAS:
        yield from _walk_declarations(schema.get(word), root, path, depth + 1)
    for word in LISTS_OF_SUBSCHEMAS:
        for below in _list(schema.get(word)):
            yield from _walk_declarations(below, root, path, depth + 1)
    properties = schema.get("properties")
    for key, below in properties.items() if isinstance(properties, dict) else ():
        yield from _walk_declarations(below, root, (*path, key), depth + 1)


def _kind_of(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Kind | None:
    """The kind that a schema gives to a field; ``None`` if Ory does not read such fields."""
    if "const" in schema:
        match schema["const"]:
            case bool():
                return Kind.BOOLEAN
            case int() | float():
                return Kind.NUMBER
            case str():
                return Kind.TEXT
            case _:
                return Kind.UNREADABLE
    types = _read_types(schema)
    if types == ["object"]:
        return Kind.OBJECT
    if types == ["array"]:
        return _kind_of_list(schema.get("items"), root)
    return SCALARS.get(types[0]) if len(types) == 1 else None


def _kind_of_list(items: object, root: Mapping[str, Any]) -> Kind:
    types: list[str] = []
    for item in items if isinstance(items, list) else [items]:
        if isinstance(item, dict):
            types += _read_types(_resolve_reference(item["$ref"], root)) if "$ref" in item else _read_types(item)
    types = [name for name, _ in groupby(types)]
    return LISTS.get(types[0], Kind.UNREADABLE) if len(types) == 1 else Kind.TEXTS


def _read_types(schema: object) -> list[str]:
    types = schema.get("type") if isinstance(schema, dict) else None
    return [types] if isinstance(types, str) else [name for name in _list(types) if isinstance(name, str)]


def _resolve_reference(reference: object, root: Mapping[str, Any]) -> object:
    """The part of this schema that a ``$ref`` names. Raises :class:`UnresolvableReference` for other schemas."""
    url, _, pointer = reference.partition("#") if isinstance(reference, str) else ("", "", "?")
    if url not in {"", root.get("$id")} or (pointer and not pointer.startswith("/")):
        raise UnresolvableReference
    found: object = root
    for part in unquote(pointer).split("/")[1:]:
        step = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and step in found:
            found = found[step]
        elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            raise UnresolvableReference
    return found


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
