"""The nodes of one group of a flow, while a page is put together."""

from __future__ import annotations

from dataclasses import dataclass, field

from .page import Button, Codes, Credential, Field, Hidden, Visible

DEFAULT_GROUP = "default"
KEY_FIELD_PREFIXES = ("passkey_", "webauthn_")


@dataclass(slots=True)
class Group:
    """The nodes that Ory puts into one group, in Ory's order.

    ``action`` is a URL of this site, if the group's form does not go to Ory directly.
    """

    name: str
    hidden: list[Hidden] = field(default_factory=list)
    nodes: list[Visible] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)
    credentials: list[Credential] = field(default_factory=list)
    action: str = ""

    def add(self, node: Hidden | Button | Credential | Visible) -> None:
        match node:
            case Hidden():
                self.hidden.append(node)
            case Button():
                self.buttons.append(node)
            case Credential():
                self.credentials.append(node)
            case _:
                self.nodes.append(node)

    def extend(self, other: Group) -> None:
        """Add the nodes of another group."""
        self.hidden += other.hidden
        self.nodes += other.nodes
        self.buttons += other.buttons
        self.credentials += other.credentials

    @property
    def fields(self) -> list[Field]:
        return [node for node in self.nodes if isinstance(node, Field)]

    @property
    def has_buttons(self) -> bool:
        return bool(self.buttons or self.credentials)

    @property
    def is_shared(self) -> bool:
        """Whether the nodes of this group go with the forms of other groups."""
        if self.name == DEFAULT_GROUP:
            return True
        return not self.has_buttons and bool(self.hidden or self.fields)

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

    @property
    def shared_hidden(self) -> list[Hidden]:
        """The hidden fields that go with the forms of other groups: not the challenges of passkeys, which are long."""
        return [node for node in self.hidden if not node.name.startswith(KEY_FIELD_PREFIXES)]

    @property
    def key_hidden(self) -> list[Hidden]:
        """The hidden fields that the passkey script reads and fills in."""
        return [node for node in self.hidden if node.name.startswith(KEY_FIELD_PREFIXES)]

    @property
    def replaces_codes(self) -> bool:
        """Whether the person has backup codes already, so that new ones would end them."""
        shows_codes = any(isinstance(node, Codes) for node in self.nodes)
        return shows_codes or any(button.name == "lookup_secret_disable" for button in self.buttons)
