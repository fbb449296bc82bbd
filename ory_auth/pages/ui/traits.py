"""The traits of an identity in the profile form: which of them plain fields can carry, and how to keep the others.

Ory replaces all traits by what a form sends, and reads each field as the type that the identity schema declares for its
name. So it drops or changes traits without a declared type (nullable or undeclared traits, lists of objects), and
values that a field cannot hold (``null``, empty lists, numbers beyond double precision, line feeds). One field can
carry everything: ``traits``, the JSON of all traits.

These are the rules of Kratos' ``decoderx``, which are not documented: https://github.com/ory/kratos/tree/v26.2.0/oryx.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import Any

from .trait_kinds import ITEM_KINDS, PREFIX, Kind, read_kinds
from .values import Number, form_keeps, read_exact, text_of, value_text

MAX_DEPTH = 100  # levels of objects and lists
JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
LINE_BREAK = re.compile(r"\r\n|\r|\n")
Path = tuple[str | int, ...]


class _Missing(Enum):
    MISSING = auto()


MISSING = _Missing.MISSING


@dataclass(frozen=True)
class Traits:
    """An identity's traits, with numbers as Ory wrote them. ``kinds``: by field name; ``None`` without a schema."""

    values: Mapping[str, Any] = field(repr=False)
    kinds: Mapping[str, Kind] | None

    @cached_property
    def _by_name(self) -> dict[str, tuple[Path, Any]]:
        return {name: (path, value) for name, path, value in walk_traits(self.values)}

    @cached_property
    def can_be_edited(self) -> bool:
        """Whether this module can handle them: they are not nested too deeply."""
        return all(len(path) <= MAX_DEPTH for path, _ in self._by_name.values())

    def has_field(self, name: str) -> bool:
        """Whether a person can edit the trait of this name. (Ory adds fields that it cannot read, to show errors.)"""
        if not form_keeps(name) or "\r" in name:
            return False  # a browser would send another name
        match self._by_name.get(name, (None, MISSING))[1]:
            case dict():
                return False
            case list() as items:  # otherwise only its items have fields
                return self._kind(name).is_list and not any(isinstance(v, dict | list | None) for v in items)
            case _Missing():
                return self.kinds is None or self._kind(name) not in {Kind.OBJECT, Kind.UNREADABLE}
            case _:
                return True

    def is_empty(self, name: str) -> bool:
        """Whether the identity has this trait and a form shows nothing for it: ``""`` or ``null``."""
        return name in self._by_name and not value_text(self._by_name[name][1])

    def is_missing_list(self, name: str) -> bool:
        """Whether the identity lacks this list: Ory would read its empty field as a list with one empty item."""
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

    def are_kept_by_form(self, sent: set[str]) -> bool:
        """Whether a form with these fields, if it is sent unchanged, changes no trait.

        The empty fields of missing lists do not count: they must not be sent.
        """
        return self.kinds is not None and all(
            self._is_kept_by_form(f"{PREFIX}{_escape_dots(key)}", value, sent) for key, value in self.values.items()
        )

    def _is_kept_by_form(self, name: str, value: object, sent: set[str]) -> bool:
        kind = self._kind(name)
        match value:
            case dict():
                below = [
                    self._is_kept_by_form(f"{name}.{_escape_dots(key)}", inner, sent) for key, inner in value.items()
                ]
                return all(below) and (bool(below) or kind is Kind.OBJECT)
            case []:
                return False
            case list():
                items = [f"{name}.{index}" for index in range(len(value))]
                return kind.is_list and sent.issuperset(items) and all(_is_read_exactly(kind, item) for item in value)
            case _:
                return name in sent and not kind.is_list and _is_read_exactly(kind, value)

    def _kind(self, name: str) -> Kind:
        return (self.kinds or {}).get(name, Kind.UNREADABLE)

    def merge(self, sent: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """The traits with the changes that a person made in the fields. A trait without a field stays as it is."""
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
                _set_value(merged, path, new)
        return {key: _remove_missing(value) for key, value in merged.items() if value is not MISSING}


def _merge_scalar(kind: Kind, stored: Any, values: Sequence[str]) -> Any:
    """Of several values, Ory takes the first; for a checkbox the last, because its hidden field comes first."""
    value = values[-1] if kind is Kind.BOOLEAN or isinstance(stored, bool) else values[0]
    return stored if _is_unchanged(stored, value) else _parse_entered_value(kind, stored, value)


def _merge_list(kind: Kind, stored: Any, values: Sequence[str]) -> Any:
    items = stored if isinstance(stored, list) else []
    if len(values) == len(items) and all(map(_is_unchanged, items, values)):
        return stored
    if not any(values) and not any(map(value_text, items)):  # the empty field of an empty list
        return stored
    item_kind = ITEM_KINDS.get(kind, Kind.TEXT)
    stored_items = [*items[: len(values)], *[MISSING] * (len(values) - len(items))]
    merged = [
        item if _is_unchanged(item, value) else _parse_entered_value(item_kind, item, value)
        for item, value in zip(stored_items, values, strict=True)
    ]
    return [item for item in merged if item is not MISSING] or MISSING


def _parse_entered_value(kind: Kind, stored: Any, value: str) -> Any:
    """The entered value with the type of the stored trait, or else of the schema; as text if it has neither type."""
    if value == "":
        return MISSING
    if isinstance(stored, bool) or (kind is Kind.BOOLEAN and not isinstance(stored, str)):
        return {"true": True, "false": False}.get(value, value)
    if isinstance(stored, Number) or (kind is Kind.NUMBER and not isinstance(stored, str)):
        return _parse_number(value)
    return LINE_BREAK.sub("\n", value)


def _parse_number(value: str) -> Number | str:
    if JSON_NUMBER.fullmatch(value):
        return Number(value)
    try:
        as_float = float(value)
    except ValueError:
        return value
    return Number(repr(as_float)) if math.isfinite(as_float) else value


def _is_unchanged(stored: Any, value: str) -> bool:
    """Whether a field that shows the stored value, and was not changed, sends this value."""
    return _normalize("" if stored is MISSING else value_text(stored)) == _normalize(value)


def _normalize(value: str) -> str:
    """Browsers send every line break as CRLF, and read NUL as a replacement character."""
    return LINE_BREAK.sub("\n", value).replace("\0", "\N{REPLACEMENT CHARACTER}")


def _set_value(traits: dict[str, Any], path: Path, value: Any) -> None:
    """Set the value at ``path``. ``MISSING`` marks a removed item, so that the others keep their numbers for now."""
    parent: Any = traits
    for step in path[:-1]:
        if isinstance(parent, dict) and step not in parent:
            if value is MISSING:
                return
            parent[step] = {}
        if not _can_contain(parent, step):
            return  # the traits do not have the structure that the schema requires
        parent = parent[step]
    if _can_contain(parent, path[-1]):
        parent[path[-1]] = value


def _can_contain(parent: Any, step: str | int) -> bool:
    return isinstance(parent, list if isinstance(step, int) else dict)


def _remove_missing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _remove_missing(below) for key, below in value.items() if below is not MISSING}
    if isinstance(value, list):
        return [_remove_missing(item) for item in value if item is not MISSING]
    return value


def _is_read_exactly(kind: Kind, value: object) -> bool:
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


def walk_traits(traits: Mapping[str, Any]) -> Iterator[tuple[str, Path, Any]]:
    """Each value in the traits, at any depth: the name of its field, its path and the value."""
    pending: list[tuple[str, Path, Any]] = [("traits", (), traits)]
    while pending:
        name, path, value = pending.pop()
        if path:
            yield name, path, value
        items: Iterator[tuple[str, str | int, Any]] = iter(())
        if isinstance(value, Mapping):
            items = ((_escape_dots(key), key, below) for key, below in value.items())
        elif isinstance(value, list):
            items = ((str(index), index, item) for index, item in enumerate(value))
        pending.extend((f"{name}.{part}", (*path, step), below) for part, step, below in items)


def _escape_dots(key: str) -> str:
    return key.replace(".", "\\.")


def read_traits(flow: bytes, schema: object) -> Traits | None:
    """The traits in the JSON of a settings flow, with the types of the identity schema; ``None`` if there are none."""
    traits = _read_identity(flow).get("traits")
    return Traits(traits, read_kinds(schema)) if isinstance(traits, dict) else None


def read_schema_id(flow: bytes) -> str:
    """The id of the identity's schema in the JSON of a settings flow, or an empty string."""
    return text_of(_read_identity(flow).get("schema_id"))


def _read_identity(flow: bytes) -> dict[str, Any]:
    try:
        identity = read_exact(flow)["identity"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return identity if isinstance(identity, dict) else {}
