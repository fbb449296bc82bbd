"""The traits of an identity behind the profile form: which of them plain form fields carry, and how to keep the rest.

Ory replaces all traits by what a form sends, and reads each field as the type that the identity schema declares for its
name. So it drops, or changes, whatever has no declared type (nullable or undeclared traits, lists of objects) and
whatever a field cannot hold (``null``, empty lists, numbers beyond double precision, line feeds). One field can carry
everything: ``traits``, the JSON of all traits.

The rules of this module are those of Kratos' ``decoderx`` (how it reads a form) and ``jsonschemax`` (which names it
reads), which are not documented: https://github.com/ory/kratos/tree/v26.2.0/oryx.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from itertools import groupby
from typing import Any
from urllib.parse import unquote

from .values import Number, form_keeps, read_exact, text_of, value_text

PREFIX = "traits."
DEEPEST_TRAITS = 100  # levels of objects and lists
DEEPEST = 20  # levels of a schema, and references that follow each other
JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
LINE_BREAK = re.compile(r"\r\n|\r|\n")
Path = tuple[str | int, ...]


class _Missing(Enum):
    MISSING = auto()


MISSING = _Missing.MISSING


class Kind(Enum):
    """As what Ory reads a form field."""

    TEXT = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    TEXTS = auto()
    NUMBERS = auto()
    BOOLEANS = auto()
    OBJECT = auto()
    UNREADABLE = auto()  # a list of objects or of lists: whatever a field sends, Ory reads as a list of texts

    @property
    def is_list(self) -> bool:
        return self in {Kind.TEXTS, Kind.NUMBERS, Kind.BOOLEANS}


SCALARS = {"string": Kind.TEXT, "number": Kind.NUMBER, "integer": Kind.NUMBER, "boolean": Kind.BOOLEAN}
LISTS = {"string": Kind.TEXTS, "number": Kind.NUMBERS, "integer": Kind.NUMBERS, "boolean": Kind.BOOLEANS}
ITEM_KINDS = {Kind.TEXTS: Kind.TEXT, Kind.NUMBERS: Kind.NUMBER, Kind.BOOLEANS: Kind.BOOLEAN}
SUBSCHEMAS = ("not", "if", "then", "else")
LISTS_OF_SUBSCHEMAS = ("allOf", "anyOf", "oneOf")


class UnknownSchema(Exception):
    """The schema refers to something that is not in it."""


@dataclass(frozen=True)
class Traits:
    """An identity's traits, with numbers as Ory wrote them. ``kinds``: by field name; ``None`` without a schema."""

    values: Mapping[str, Any] = field(repr=False)
    kinds: Mapping[str, Kind] | None

    @cached_property
    def _by_name(self) -> dict[str, tuple[Path, Any]]:
        return {name: (path, value) for name, path, value in walk(self.values)}

    @cached_property
    def can_be_edited(self) -> bool:
        """Whether this module can handle them: they are not nested too deeply."""
        return all(len(path) <= DEEPEST_TRAITS for path, _ in self._by_name.values())

    def has_field(self, name: str) -> bool:
        """Whether a person can edit the trait of this name. (Ory hangs errors on fields that it cannot read.)"""
        if not form_keeps(name) or "\r" in name:
            return False  # a browser would send another name
        match self._by_name.get(name, (None, MISSING))[1]:
            case dict():
                return False
            case list() as items:  # else each item is a field of its own
                return self._kind(name).is_list and not any(isinstance(v, dict | list | None) for v in items)
            case _Missing():
                return self.kinds is None or self._kind(name) not in {Kind.OBJECT, Kind.UNREADABLE}
            case _:
                return True

    def is_empty(self, name: str) -> bool:
        """Whether the identity has this trait and a form shows nothing for it: ``""`` or ``null``."""
        return name in self._by_name and not value_text(self._by_name[name][1])

    def is_missing_list(self, name: str) -> bool:
        """Whether Ory would read an empty field of this name as a list with one empty item, where now is no list."""
        return self._kind(name).is_list and name not in self._by_name

    def exact_number(self, name: str, value: object) -> Number | None:
        """The trait's number in full, if ``value`` is the same number as a double."""
        stored = self._by_name.get(name, (None, None))[1]
        if not isinstance(stored, Number) or isinstance(value, bool) or not isinstance(value, int | float):
            return None
        try:
            return stored if stored.as_float == float(value) else None  # Ory writes a double with its shortest digits
        except OverflowError:
            return None

    def fit_a_form(self, sent: set[str]) -> bool:
        """Whether a form with these fields, sent as it is, leaves all traits as they are.

        But for lists that are missing: their empty fields must not be sent.
        """
        return self.kinds is not None and all(
            self._fits(f"{PREFIX}{_escape(key)}", value, sent) for key, value in self.values.items()
        )

    def _fits(self, name: str, value: object, sent: set[str]) -> bool:
        kind = self._kind(name)
        match value:
            case dict():
                below = [self._fits(f"{name}.{_escape(key)}", inner, sent) for key, inner in value.items()]
                return all(below) and (bool(below) or kind is Kind.OBJECT)
            case []:
                return False
            case list():
                items = [f"{name}.{index}" for index in range(len(value))]
                return kind.is_list and sent.issuperset(items) and all(_reads_exactly(kind, item) for item in value)
            case _:
                return name in sent and not kind.is_list and _reads_exactly(kind, value)

    def _kind(self, name: str) -> Kind:
        return (self.kinds or {}).get(name, Kind.UNREADABLE)

    def merge(self, sent: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The traits with what a person changed in the fields; a trait without a field stays as it is."""
        merged: dict[str, Any] = deepcopy(dict(self.values))
        for name, values in sent.items():
            if not name.startswith(PREFIX) or not values:
                continue
            path, stored = self._by_name.get(name, (tuple(name.split(".")[1:]), MISSING))
            if isinstance(stored, dict) or not self.has_field(name):
                continue
            kind = self._kind(name)
            is_list = isinstance(stored, list) or (stored is MISSING and kind.is_list)
            new = (_merge_list if is_list else _merge_scalar)(kind, stored, values)
            if new is not stored:
                _set(merged, path, new)
        return {key: _without_removed(value) for key, value in merged.items() if value is not MISSING}


def _merge_scalar(kind: Kind, stored: Any, values: Sequence[str]) -> Any:
    """Of several values Ory takes the first, but for a checkbox, whose hidden field comes first, the last."""
    value = values[-1] if kind is Kind.BOOLEAN or isinstance(stored, bool) else values[0]
    return stored if _shows(stored, value) else _parse(kind, stored, value)


def _merge_list(kind: Kind, stored: Any, values: Sequence[str]) -> Any:
    items = stored if isinstance(stored, list) else []
    if len(values) == len(items) and all(map(_shows, items, values)):
        return stored
    if not any(values) and not any(map(value_text, items)):  # the empty field of an empty list
        return stored
    befores = [*items[: len(values)], *[MISSING] * (len(values) - len(items))]
    merged = [
        before if _shows(before, value) else _parse(ITEM_KINDS.get(kind, Kind.TEXT), before, value)
        for before, value in zip(befores, values, strict=True)
    ]
    return [item for item in merged if item is not MISSING] or MISSING


def _parse(kind: Kind, before: Any, value: str) -> Any:
    """What a person entered, as the type that the trait had, or else as the schema's; as text where it is neither."""
    if value == "":
        return MISSING
    if isinstance(before, bool) or (kind is Kind.BOOLEAN and not isinstance(before, str)):
        return {"true": True, "false": False}.get(value, value)
    if isinstance(before, Number) or (kind is Kind.NUMBER and not isinstance(before, str)):
        return _number(value)
    return LINE_BREAK.sub("\n", value)


def _number(value: str) -> Number | str:
    if JSON_NUMBER.fullmatch(value):
        return Number(value)
    try:
        as_float = float(value)
    except ValueError:
        return value
    return Number(repr(as_float)) if math.isfinite(as_float) else value


def _shows(stored: Any, value: str) -> bool:
    """Whether a field that shows the stored value sends this one."""
    return _comparable("" if stored is MISSING else value_text(stored)) == _comparable(value)


def _comparable(value: str) -> str:
    """Browsers send every line break as CRLF, and read NUL as a replacement character."""
    return LINE_BREAK.sub("\n", value).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _set(traits: dict[str, Any], path: Path, value: Any) -> None:
    """Set the value at ``path``, also to ``MISSING``: the items of a list keep their numbers until all is done."""
    place: Any = traits
    for step in path[:-1]:
        if isinstance(place, dict) and step not in place:
            if value is MISSING:
                return
            place[step] = {}
        if not _has_places_for(place, step):
            return  # the traits do not have the form that the schema asks for
        place = place[step]
    if _has_places_for(place, path[-1]):
        place[path[-1]] = value


def _has_places_for(place: Any, step: str | int) -> bool:
    return isinstance(place, list if isinstance(step, int) else dict)


def _without_removed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_removed(below) for key, below in value.items() if below is not MISSING}
    if isinstance(value, list):
        return [_without_removed(item) for item in value if item is not MISSING]
    return value


def _reads_exactly(kind: Kind, value: object) -> bool:
    """Whether Ory reads exactly this value from a field of this kind."""
    match ITEM_KINDS.get(kind, kind):
        case Kind.TEXT:
            return isinstance(value, str) and value != "" and form_keeps(value)
        case Kind.NUMBER:
            return isinstance(value, Number) and value.is_double
        case Kind.BOOLEAN:
            return isinstance(value, bool)
        case _:
            return False


def walk(traits: Mapping[str, Any]) -> Iterator[tuple[str, Path, Any]]:
    """Everything in the traits but themselves, by the name of its field."""
    pending: list[tuple[str, Path, Any]] = [("traits", (), traits)]
    while pending:
        name, path, value = pending.pop()
        if path:
            yield name, path, value
        items: Iterator[tuple[str, str | int, Any]] = iter(())
        if isinstance(value, Mapping):
            items = ((_escape(key), key, below) for key, below in value.items())
        elif isinstance(value, list):
            items = ((str(index), index, item) for index, item in enumerate(value))
        pending.extend((f"{name}.{part}", (*path, step), below) for part, step, below in items)


def _escape(key: str) -> str:
    return key.replace(".", "\\.")


# ---- the identity schema


def read_traits(flow: bytes, schema: object) -> Traits | None:
    """The traits in the JSON of a settings flow, if there are any, with what the identity schema says of them."""
    traits = _identity(flow).get("traits")
    return Traits(traits, read_kinds(schema)) if isinstance(traits, dict) else None


def read_schema_id(flow: bytes) -> str:
    """The id of the schema of a settings flow's identity, or nothing."""
    return text_of(_identity(flow).get("schema_id"))


def _identity(flow: bytes) -> dict[str, Any]:
    try:
        identity = read_exact(flow)["identity"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return identity if isinstance(identity, dict) else {}


def read_kinds(schema: object) -> dict[str, Kind] | None:
    """As what Ory reads each field of the profile form, by its name; ``None`` if that is not known."""
    if not isinstance(schema, dict):
        return None
    kinds: dict[str, Kind] = {}
    with_default = set()
    try:
        for path, kind, has_default in _declarations(schema, schema, (), 0):
            name = ".".join(path)
            if name not in with_default:  # of several declarations the last one counts, or the first with a default
                kinds[name] = kind
            if has_default:
                with_default.add(name)
    except UnknownSchema:
        return None
    return {name: kind for name, kind in kinds.items() if name.startswith(PREFIX)}


def _declarations(
    schema: object, root: Mapping[str, Any], path: tuple[str, ...], depth: int
) -> Iterator[tuple[tuple[str, ...], Kind, bool]]:
    """All that a schema declares about names, in Kratos' order: their kinds, and whether they have a default."""
    if depth > DEEPEST:
        raise UnknownSchema
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:  # whatever else is beside it does not count
        yield from _declarations(_referenced(schema["$ref"], root), root, path, depth + 1)
        return
    kind, has_default = _kind_of(schema, root), schema.get("default") is not None
    if path and (kind or has_default):
        yield path, kind or Kind.UNREADABLE, has_default
    for word in SUBSCHEMAS:
        yield from _declarations(schema.get(word), root, path, depth + 1)
    for word in LISTS_OF_SUBSCHEMAS:
        for below in _list(schema.get(word)):
            yield from _declarations(below, root, path, depth + 1)
    properties = schema.get("properties")
    for key, below in properties.items() if isinstance(properties, dict) else ():
        yield from _declarations(below, root, (*path, key), depth + 1)


def _kind_of(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Kind | None:
    """The kind that a schema gives to a field; ``None``: fields of its name are not read."""
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
    types = _types(schema)
    if types == ["object"]:
        return Kind.OBJECT
    if types == ["array"]:
        return _kind_of_list(schema.get("items"), root)
    return SCALARS.get(types[0]) if len(types) == 1 else None


def _kind_of_list(items: object, root: Mapping[str, Any]) -> Kind:
    types: list[str] = []
    for item in items if isinstance(items, list) else [items]:
        if isinstance(item, dict):
            types += _types(_referenced(item["$ref"], root)) if "$ref" in item else _types(item)
    types = [name for name, _ in groupby(types)]
    return LISTS.get(types[0], Kind.UNREADABLE) if len(types) == 1 else Kind.TEXTS


def _types(schema: object) -> list[str]:
    types = schema.get("type") if isinstance(schema, dict) else None
    return [types] if isinstance(types, str) else [name for name in _list(types) if isinstance(name, str)]


def _referenced(reference: object, root: Mapping[str, Any]) -> object:
    """What a ``$ref`` into the same schema names; raises :class:`UnknownSchema` for all others."""
    url, _, pointer = reference.partition("#") if isinstance(reference, str) else ("", "", "?")
    if url not in {"", root.get("$id")} or (pointer and not pointer.startswith("/")):
        raise UnknownSchema
    found: object = root
    for part in unquote(pointer).split("/")[1:]:
        step = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and step in found:
            found = found[step]
        elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
            found = found[int(step)]
        else:
            raise UnknownSchema
    return found


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
