"""The nodes of one group of a flow, while a page is put together."""

from __future__ import annotations

from dataclasses import dataclass, field

from .page import Button, Division, Field, Hidden, Visible

DEFAULT_GROUP = "default"


@dataclass(slots=True)
class Group:
    """The nodes that Ory puts into one group, in Ory's order.

    ``action`` is a URL of this site, if the group's form does not go to Ory directly.
    """

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

    def extend(self, other: Group) -> None:
        """Add the nodes of another group."""
        self.hidden += other.hidden
        self.nodes += other.nodes
        self.buttons += other.buttons

    @property
    def fields(self) -> list[Field]:
        return [node for node in self.nodes if isinstance(node, Field)]

    @property
    def is_shared(self) -> bool:
        """Whether the nodes of this group go with the forms of other groups."""
        if self.name == DEFAULT_GROUP:
            return True
        return not self.buttons and bool(self.hidden or any(isinstance(node, Field | Division) for node in self.nodes))

    @property
    def main_buttons(self) -> list[Button]:
        """The ``method`` buttons and the triggers; if there are none, all buttons."""
        return [button for button in self.buttons if button.sends_fields] or self.buttons

    @property
    def other_buttons(self) -> list[Button]:
        main = self.main_buttons
        return [button for button in self.buttons if button not in main]

    @property
    def needs_shared_fields(self) -> bool:
        return bool(self.fields) or any(button.sends_fields for button in self.buttons)
