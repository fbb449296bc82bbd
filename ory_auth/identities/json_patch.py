"""The JSON Patch that turns one JSON value into another, as small as possible. No I/O.

Ory applies a patch to what it has at that moment, so members that the patch does not name keep their values. Its JSON
Patch has no ``test``: https://www.ory.com/docs/kratos/manage-identities/create-users-identities.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Operation = dict[str, Any]


def merge_operations(path: str, current: Any, changes: Mapping[str, Any]) -> list[Operation]:
    """The operations that merge ``changes`` into the value at ``path``, after RFC 7396 (JSON Merge Patch).

    Objects are merged at every level, ``None`` removes a member, and any other value replaces the old one.
    ``current`` is the value that Ory has now.
    """
    if not isinstance(current, Mapping):
        return [{"op": "add", "path": path, "value": merge_patch(None, changes)}] if changes else []
    return list(_merge(path, current, changes))


def merge_patch(current: Any, changes: Any) -> Any:
    """The result of merging ``changes`` into ``current``, after RFC 7396."""
    if not isinstance(changes, Mapping):
        return changes
    merged = dict(current) if isinstance(current, Mapping) else {}
    for name, value in changes.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def replace_operations(path: str, current: Any, value: Any) -> list[Operation]:
    """The operation that replaces the value at ``path``; none if it is the same."""
    return [] if _is_same(current, value) else [{"op": "add", "path": path, "value": value}]


def _merge(path: str, current: Mapping[str, Any], changes: Mapping[str, Any]) -> Iterator[Operation]:
    for name, value in changes.items():
        member = f"{path}/{_escape(name)}"
        if value is None:
            if name in current:
                yield {"op": "remove", "path": member}
        elif isinstance(value, Mapping) and isinstance(current.get(name), Mapping):
            yield from _merge(member, current[name], value)
        elif isinstance(value, Mapping):
            yield {"op": "add", "path": member, "value": merge_patch(None, value)}
        elif name not in current or not _is_same(current[name], value):
            yield {"op": "add", "path": member, "value": value}


def _is_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal. In Python ``True == 1``, in JSON it is not."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_is_same(one[name], other[name]) for name in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _escape(name: str) -> str:
    """A member's name in a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
