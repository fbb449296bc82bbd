"""The inverse of ``USER_FIELDS``: from the fields of a user to traits and public metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, time
from typing import Any

from ..users.fields import LIST_INDEX, VERIFIED_EMAIL, user_model

_ABSENT: Any = object()


class MissingListElementError(Exception):
    """A list would have an element, but not the one before it."""


def build_parts(user: Any, fields: Mapping[str, str], email_path: str) -> dict[str, Any]:
    """The parts ``"traits"`` and ``"metadata_public"`` of an identity, as far as these fields have values.

    ``email_path`` is the path of the e-mail address in the traits. Empty texts are left out, since Ory refuses an empty
    e-mail address. Raises :class:`MissingListElementError`.
    """
    tree: dict[str, Any] = {}
    for name, path in fields.items():
        if path == VERIFIED_EMAIL or path == "verifiable_addresses.0.value":
            path = f"traits.{email_path or 'email'}"
        root, *rest = path.split(".")
        if root not in {"traits", "metadata_public"} or not rest:
            continue
        value = to_json(user_model()._meta.get_field(name).value_from_object(user))
        if value is not _ABSENT:
            _put(tree, [root, *rest], value)
    return {root: _to_lists(part) for root, part in tree.items()}


def to_json(value: Any) -> Any:
    """The value of a field as JSON; an empty text and ``None`` are absent."""
    if isinstance(value, str):
        return value.strip() or _ABSENT
    if value is None:
        return _ABSENT
    if isinstance(value, (bool, int, float, dict, list)):
        return value
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    return str(value).strip() or _ABSENT


def is_json(value: Any) -> bool:
    """Whether the value can be sent as JSON. Lone surrogates and NUL cannot be stored at Ory."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return rb"\u0000" not in text


class _Branch(dict[str, Any]):
    """A part of the path, as opposed to an object that is the value of a field."""


def _put(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        child = tree.setdefault(name, _Branch())
        if not isinstance(child, _Branch):  # another field has this value, so this one cannot have a part of it
            return
        tree = child
    tree.setdefault(path[-1], value)


def _to_lists(part: Any) -> Any:
    if not isinstance(part, _Branch):
        return part
    if part and all(LIST_INDEX.fullmatch(name) for name in part):
        if sorted(map(int, part)) != list(range(len(part))):
            raise MissingListElementError
        return [_to_lists(part[str(index)]) for index in range(len(part))]
    return {name: _to_lists(child) for name, child in part.items()}
