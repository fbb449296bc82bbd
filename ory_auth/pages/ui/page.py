"""A flow as the templates get it: immutable values that contain only what a page may show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Message:
    """A message of Ory, in the language of the page. ``id`` is Ory's number for it, or 0."""

    id: int
    kind: Literal["info", "error", "success"]
    text: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """A hidden input. ``onload`` names a function of Ory's script."""

    name: str
    value: str
    onload: str = ""
    has_value: bool = True


@dataclass(frozen=True, slots=True)
class Field:
    """A field to fill in. ``id`` is unique on the page.

    ``has_value``: Ory sent a value, which may be empty. ``needs_script``: the field can be filled in only with
    JavaScript, which does not send it while it is empty.
    """

    kind: ClassVar[str] = "field"
    id: str
    name: str
    type: str
    label: str
    value: str = ""
    required: bool = False
    disabled: bool = False
    pattern: str = ""
    maxlength: int | None = None
    autocomplete: str = ""
    placeholder: str = ""
    messages: tuple[Message, ...] = ()
    has_value: bool = False
    needs_script: bool = False

    @property
    def is_multiline(self) -> bool:
        """Whether this needs a ``<textarea>``: a browser removes line breaks from an ``<input>``."""
        return self.type == "text" and ("\n" in self.value or "\r" in self.value)

    @property
    def invalid(self) -> bool:
        return any(message.kind == "error" for message in self.messages)


@dataclass(frozen=True, slots=True)
class Checkbox(Field):
    """Sends ``value`` if it is checked, otherwise ``unchecked``."""

    kind: ClassVar[str] = "checkbox"
    checked: bool = False
    unchecked: str = "false"


@dataclass(frozen=True, slots=True)
class Button:
    """Submits a form (``type`` "submit"), or starts a function of Ory's script ("button", with ``trigger``)."""

    kind: ClassVar[str] = "button"
    name: str
    value: str
    label: str
    type: str = "submit"
    disabled: bool = False
    trigger: str = ""
    skip_validation: bool = False

    @property
    def sends_fields(self) -> bool:
        """Whether this sends what was filled in. Other buttons send only their own value."""
        return self.name == "method" or self.type == "button"


@dataclass(frozen=True, slots=True)
class Text:
    """A text to read. ``secret``: to be copied character by character."""

    kind: ClassVar[str] = "text"
    label: str
    text: str
    secret: bool = False
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    used: bool


@dataclass(frozen=True, slots=True)
class Codes:
    """A list of one-time codes, including used ones."""

    kind: ClassVar[str] = "codes"
    label: str
    codes: tuple[Code, ...]
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Image:
    kind: ClassVar[str] = "image"
    label: str
    src: str
    width: int | None = None
    height: int | None = None
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    kind: ClassVar[str] = "link"
    label: str
    href: str
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Division:
    """An empty ``<div>`` that a script of Ory fills (a captcha)."""

    kind: ClassVar[str] = "division"
    id: str
    css_class: str
    data: tuple[tuple[str, str], ...]
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """A script of Ory. Security keys and passkeys do not work without it."""

    src: str
    type: str
    integrity: str
    crossorigin: str
    referrerpolicy: str
    nonce: str
    is_async: bool


Visible = Field | Text | Codes | Image | Link | Division


@dataclass(frozen=True, slots=True)
class Part:
    """What one group adds to a form: fields and texts, then buttons."""

    group: str
    nodes: tuple[Visible, ...]
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """One HTML form. ``secondary``: buttons only, beside the group's main form.

    ``action``: a URL of this site, to which the form goes instead of Ory.
    """

    hidden: tuple[Hidden, ...]
    parts: tuple[Part, ...]
    secondary: bool = False
    action: str = ""

    @property
    def has_submit(self) -> bool:
        return any(button.type == "submit" for part in self.parts for button in part.buttons)


@dataclass(frozen=True, slots=True)
class Section:
    """One alternative of a page: the forms of one group. Without forms, ``nodes`` are for reading only."""

    group: str
    forms: tuple[Form, ...] = ()
    nodes: tuple[Visible, ...] = ()

    @property
    def goes_back(self) -> bool:
        """Whether this only leads to another screen of the same flow, so it is no alternative to the other sections."""
        buttons = [button for form in self.forms for part in form.parts for button in part.buttons]
        return bool(buttons) and all(button.name == "screen" for button in buttons)

    @property
    def shows_codes(self) -> bool:
        """Whether this shows codes to write down, which the person has just asked for."""
        nodes = [*self.nodes, *(node for form in self.forms for part in form.parts for node in part.nodes)]
        return any(isinstance(node, Codes) for node in nodes)


@dataclass(frozen=True, slots=True)
class FlowPage:
    """A flow of Ory, ready to render. Every form posts to ``submit_url``."""

    submit_url: str
    messages: tuple[Message, ...] = ()
    sections: tuple[Section, ...] = ()
    scripts: tuple[Script, ...] = ()
    state: str = ""
    requested_aal: str = ""
    refresh: bool = False

    @property
    def step_up(self) -> bool:
        """Whether this login asks for a second factor."""
        return self.requested_aal == "aal2"

    @property
    def has_second_factor(self) -> bool:
        """Whether this login asks for a second factor, and the person has one."""
        return self.step_up and any(part.buttons for part in self._parts)

    @property
    def has_errors(self) -> bool:
        """Whether Ory refused what was sent last."""
        of_nodes = [message for part in self._parts for node in part.nodes for message in node.messages]
        return any(message.kind == "error" for message in (*self.messages, *of_nodes))

    @property
    def focus(self) -> str:
        """The ``id`` of the field that gets the focus: the first invalid one, otherwise the first empty one."""
        fields = [n for part in self._parts for n in part.nodes if isinstance(n, Field) and not n.disabled]
        chosen = [n for n in fields if n.invalid] or [n for n in fields if not n.value]
        return chosen[0].id if chosen else ""

    @property
    def _parts(self) -> list[Part]:
        return [part for section in self.sections for form in section.forms for part in form.parts]


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """An error of Ory. ``code`` is an HTTP status or 0, ``explanation`` this package's text for the ``id``, if any.

    ``reason`` and ``message`` are Ory's own texts, for developers only (``DEBUG``).
    """

    id: str = ""
    code: int = 0
    explanation: str = ""
    reason: str = ""
    message: str = ""
