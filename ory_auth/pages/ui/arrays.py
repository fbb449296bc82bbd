"""Arrays in a form: Ory lists the items as ``traits.groups.0``, and takes them all under the name of the array.

Beside the items, Ory lists the array itself as an empty field. That field would send one more item, so it is left out
if there are items. Ory sorts the items by their values; here they are sorted by their numbers. For example, ::

    traits.groups = ""                              traits.groups = "choir"
    traits.groups.1 = "chess"           becomes     traits.groups = "chess"
    traits.groups.0 = "choir"

If the array itself is hidden, as on the second screen of registration, its items are hidden, too, and empty ones are
left out. An array without items stays one empty field, in which a person can enter the first item::

    traits.groups = ""                  becomes     traits.groups = ""
    traits.groups.0 (no value)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from .groups import Group
from .page import Checkbox, Field, Hidden, Visible

ARRAY_ITEM = re.compile(r"(.+)\.(\d{1,9})", re.ASCII | re.DOTALL)
Node = TypeVar("Node", bound=Hidden | Visible)


def join_arrays(group: Group) -> Group:
    """The group with the items of its arrays named as Ory takes them."""
    inputs: list[Hidden | Field] = [*group.hidden, *group.fields]
    array_of = _find_items({node.name for node in inputs})
    if not array_of:
        return group
    arrays = set(array_of.values())
    arrays_with_items = {array_of[node.name] for node in inputs if node.name in array_of and node.has_value}
    labels = {field.name: field.label for field in group.fields}

    hidden = []
    for node in _sort_items(group.hidden, array_of):
        if node.name in array_of:
            if node.value:
                hidden.append(replace(node, name=array_of[node.name]))
        elif node.name not in arrays:
            hidden.append(node)

    hidden_arrays = {node.name for node in group.hidden if node.name in arrays}
    nodes: list[Visible] = []
    for visible in _sort_items(group.nodes, array_of):
        if not isinstance(visible, Field):
            nodes.append(visible)
        elif visible.name in array_of:
            array = array_of[visible.name]
            if array in hidden_arrays and not visible.invalid:
                value = _as_text(visible).value
                hidden += [Hidden(array, value)] if value else []
            elif visible.has_value:
                nodes.append(replace(_as_text(visible), name=array, label=labels.get(array, visible.label)))
        elif visible.name not in arrays_with_items:
            nodes.append(visible)

    return replace(group, hidden=hidden, nodes=nodes)


def _find_items(names: set[str]) -> dict[str, str]:
    """The name of each item → the name of its array, which must be among the names."""
    matches = {name: ARRAY_ITEM.fullmatch(name) for name in names}
    return {name: match[1] for name, match in matches.items() if match and match[1] in names}


def _sort_items(nodes: Sequence[Node], array_of: Mapping[str, str]) -> list[Node]:
    """The nodes, with the items of each array sorted by number. All other nodes keep their places."""

    def array_name(node: Node) -> str | None:
        return array_of.get(node.name) if isinstance(node, Hidden | Field) else None

    def number(node: Node) -> int:
        return int(node.name.rpartition(".")[2]) if isinstance(node, Hidden | Field) else 0

    sorted_items = {
        array: iter(sorted((node for node in nodes if array_name(node) == array), key=number))
        for array in array_of.values()
    }
    return [next(sorted_items[array]) if (array := array_name(node)) else node for node in nodes]


def _as_text(item: Field) -> Field:
    """A text field instead of a checkbox, which sends two values, and so would send two items."""
    if not isinstance(item, Checkbox):
        return item
    return Field(
        item.id,
        item.name,
        "text",
        item.label,
        "true" if item.checked else "false",
        disabled=item.disabled,
        messages=item.messages,
    )
