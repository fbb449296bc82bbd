"""Which nodes travel together.

A submit has to carry what its method needs and must not be held up by the required fields of another one, so each
group of nodes becomes a form of its own, and:

* The nodes of the group ``default`` (the CSRF token, the identifier, the traits at registration), and of any group
  without a button, are *shared*. Their hidden fields go with every form.
* Shared fields that a person fills in can be in one form only. The groups that need them share that form: those with
  a button named ``method``, a script's trigger or fields of their own. The others (``provider=github``,
  ``screen=previous``) only carry a value and get a form with the hidden fields alone.
* Where a group has a ``method`` button or a trigger, its other buttons ("send the code again", "remove this key")
  form a second form without fields: Enter never presses them, and an empty code does not hold them up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from .page import Button, Checkbox, Division, Field, Form, Hidden, Part, Section, Visible

DEFAULT_GROUP = "default"
ARRAY_ITEM = re.compile(r"(.+)\.\d{1,9}", re.ASCII | re.DOTALL)
Node = TypeVar("Node", bound=Hidden | Visible)


@dataclass(slots=True)
class Group:
    """The nodes of one group of Ory's, while they are collected."""

    name: str
    hidden: list[Hidden] = field(default_factory=list)
    nodes: list[Visible] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    action: str = ""

    def add(self, node: Hidden | Button | Visible) -> None:
        match node:
            case Hidden():
                self.hidden.append(node)
            case Button():
                self.buttons.append(node)
            case _:
                self.nodes.append(node)

    @property
    def fields(self) -> list[Field]:
        return [node for node in self.nodes if isinstance(node, Field)]

    @property
    def is_shared(self) -> bool:
        if self.name == DEFAULT_GROUP:
            return True
        return not self.buttons and bool(self.hidden or any(isinstance(node, Field | Division) for node in self.nodes))

    @property
    def main_buttons(self) -> list[Button]:
        """The ``method`` buttons and the triggers, or else all."""
        return [button for button in self.buttons if button.sends_fields] or self.buttons

    @property
    def other_buttons(self) -> list[Button]:
        main = self.main_buttons
        return [button for button in self.buttons if button not in main]

    @property
    def needs_shared_fields(self) -> bool:
        return bool(self.fields) or any(button.sends_fields for button in self.buttons)


def sort_into_sections(groups: Sequence[Group]) -> Iterator[Section]:
    """The groups of a flow, in Ory's order, as the sections of a page; the shared fields come first."""
    groups = [_with_arrays_joined(group) for group in groups]
    shared = Group(DEFAULT_GROUP)
    for group in groups:
        if group.is_shared:
            shared.hidden += group.hidden
            shared.nodes += group.nodes
            shared.buttons += group.buttons
    acting = [group for group in groups if group.buttons and not group.is_shared]
    joined = [group for group in acting if group.needs_shared_fields] if shared.fields or shared.buttons else []
    if shared.nodes and not joined and not shared.buttons:
        joined = acting[:1]

    if joined or shared.fields or shared.buttons:
        yield _shared_section(shared, joined)
    elif shared.nodes:
        yield Section(DEFAULT_GROUP, nodes=tuple(shared.nodes))
    for group in groups:
        if group in acting and group not in joined:
            parts = (Part(group.name, tuple(group.nodes), tuple(group.main_buttons)),)
            form = Form((*shared.hidden, *group.hidden), parts, action=group.action)
            yield Section(group.name, (form, *_second_forms(shared, [group])))
        elif group.nodes and not group.buttons and not group.is_shared:
            yield Section(group.name, nodes=tuple(group.nodes))


def _shared_section(shared: Group, joined: Sequence[Group]) -> Section:
    """The form with the shared fields. Groups with fields come first: Enter presses the first button of a form."""
    parts = [Part(shared.name, tuple(shared.nodes), tuple(shared.buttons))] if shared.nodes or shared.buttons else []
    for group in sorted(joined, key=lambda group: not group.fields):
        held_up = any(node.required for other in joined if other is not group for node in other.fields)
        buttons = tuple(replace(button, skip_validation=held_up) for button in group.main_buttons)
        parts.append(Part(group.name, tuple(group.nodes), buttons))
    hidden = [node for group in (shared, *joined) for node in group.hidden]
    name = joined[0].name if len(joined) == 1 else shared.name
    action = next((group.action for group in joined if group.action), "")
    return Section(name, (Form(tuple(hidden), tuple(parts), action=action), *_second_forms(shared, joined)))


def _second_forms(shared: Group, groups: Sequence[Group]) -> Iterator[Form]:
    for group in groups:
        if group.other_buttons:
            yield Form(
                (*shared.hidden, *group.hidden), (Part(group.name, (), tuple(group.other_buttons)),), secondary=True
            )


def _with_arrays_joined(group: Group) -> Group:
    """Name the items of an array (``traits.groups.0``) as Ory takes them: all of them by the name of the array.

    Beside the items Ory lists the array itself as an empty field, which would send an empty item more. It sorts the
    items by what they say: here they are in their own order.
    """
    inputs: list[Hidden | Field] = [*group.hidden, *group.fields]
    names = {node.name for node in inputs}
    arrays = {name: found[1] for name in names if (found := ARRAY_ITEM.fullmatch(name)) and found[1] in names}
    labels = {node.name: node.label for node in group.fields}
    filled = {arrays[node.name] for node in inputs if node.name in arrays and node.has_value}

    def belongs(node: Hidden | Field) -> bool:
        if node.name in arrays:
            return node.has_value if isinstance(node, Field) else bool(node.value)
        return node.name not in filled and not (isinstance(node, Hidden) and node.name in arrays.values())

    def renamed(node: Visible) -> Visible:
        if not isinstance(node, Field) or node.name not in arrays:
            return node
        array = arrays[node.name]
        return replace(_as_text(node), name=array, label=labels.get(array, node.label))

    hidden = [
        replace(node, name=arrays.get(node.name, node.name))
        for node in _in_order(group.hidden, arrays)
        if belongs(node)
    ]
    nodes = [renamed(node) for node in _in_order(group.nodes, arrays) if not isinstance(node, Field) or belongs(node)]
    return Group(group.name, hidden, nodes, group.buttons, group.action)


def _in_order(nodes: Sequence[Node], arrays: Mapping[str, str]) -> list[Node]:
    """The nodes with the items of each array in the order of their numbers, at the places of its items."""

    def array_of(node: Node) -> str | None:
        return arrays.get(node.name) if isinstance(node, Hidden | Field) else None

    def number(node: Node) -> int:
        return int(node.name.rpartition(".")[2]) if isinstance(node, Hidden | Field) else 0

    items = {array: iter(sorted((n for n in nodes if array_of(n) == array), key=number)) for array in arrays.values()}
    return [next(items[array]) if (array := array_of(node)) else node for node in nodes]


def _as_text(item: Field) -> Field:
    """A checkbox sends two values, which would be two items."""
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
