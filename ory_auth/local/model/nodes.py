"""UI nodes: the parts of a flow's form. https://www.ory.com/docs/kratos/bring-your-own-ui/custom-ui-advanced-integration"""

from __future__ import annotations

from typing import Any

from .messages import Message, message

Node = dict[str, Any]


def make_node(group: str, node_type: str, attributes: dict[str, Any], label: Message | None = None) -> Node:
    return {
        "type": node_type,
        "group": group,
        "attributes": {**attributes, "node_type": node_type},
        "messages": [],
        "meta": {"label": label} if label else {},
    }


def input_field(group: str, name: str, type: str, label: Message | None = None, **attributes: Any) -> Node:
    """An input. Attributes such as `required`, `value` and `autocomplete` are absent unless you pass them."""
    return make_node(group, "input", {"name": name, "type": type, **attributes, "disabled": False}, label)


def submit_button(group: str, label: int, *, name: str = "method", value: str = "", **attributes: Any) -> Node:
    """The submit button of a group. By default it submits the group as `method`. `label` is a message ID."""
    return input_field(group, name, "submit", message(label), value=value or group, **attributes)


def csrf_field(value: str) -> Node:
    return input_field("default", "csrf_token", "hidden", value=value, required=True)


def new_password_field() -> Node:
    label = message(1070001)
    return input_field("password", "password", "password", label, required=True, autocomplete="new-password")


def text_node(group: str, id: str, content: Message, label: Message) -> Node:
    return make_node(group, "text", {"text": content, "id": id}, label)


def find(nodes: list[Node], name: str) -> Node | None:
    """The first node with this name."""
    return next((node for node in nodes if node["attributes"].get("name") == name), None)


def find_or_add(nodes: list[Node], name: str) -> Node:
    """The node with this name. If there is none, add a plain input, as Kratos does to show an error at it."""
    if node := find(nodes, name):
        return node
    nodes.append(input_field("default", name, "text"))
    return nodes[-1]


def replace_or_add(nodes: list[Node], new: Node) -> None:
    """Replace the first node with the same name (a script has an ID instead), or add the new one at the end."""
    for index, node in enumerate(nodes):
        if _name_or_id(node) == _name_or_id(new):
            nodes[index] = new
            return
    nodes.append(new)


def _name_or_id(node: Node) -> Any:
    return node["attributes"].get("name") or node["attributes"].get("id")
