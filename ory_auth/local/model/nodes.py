"""The nodes of a flow: what a form is made of. https://www.ory.com/docs/kratos/bring-your-own-ui/custom-ui-advanced-integration"""

from __future__ import annotations

from typing import Any

from .messages import Message, message

Node = dict[str, Any]


def node(group: str, node_type: str, attributes: dict[str, Any], label: Message | None = None) -> Node:
    return {
        "type": node_type,
        "group": group,
        "attributes": {**attributes, "node_type": node_type},
        "messages": [],
        "meta": {"label": label} if label else {},
    }


def field(group: str, name: str, type: str, label: Message | None = None, **attributes: Any) -> Node:
    """An input; `required`, `value` and `autocomplete` stand only where they are given."""
    return node(group, "input", {"name": name, "type": type, **attributes, "disabled": False}, label)


def submit(group: str, label: int, *, name: str = "method", value: str = "", **attributes: Any) -> Node:
    """The button of a group, whose value names the method unless told otherwise."""
    return field(group, name, "submit", message(label), value=value or group, **attributes)


def csrf(value: str) -> Node:
    return field("default", "csrf_token", "hidden", value=value, required=True)


def new_password() -> Node:
    label = message(1070001)
    return field("password", "password", "password", label, required=True, autocomplete="new-password")


def text(group: str, id: str, content: Message, label: Message) -> Node:
    return node(group, "text", {"text": content, "id": id}, label)


def find(nodes: list[Node], name: str) -> Node:
    """The node of that name; where there is none, a plain one is added, as Kratos does to hang a message on."""
    for one in nodes:
        if one["attributes"].get("name") == name:
            return one
    nodes.append(field("default", name, "text"))
    return nodes[-1]
