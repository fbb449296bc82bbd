"""A flow as the templates get it: immutable values that contain only what a page may show.

A template reads some properties many times, so they are computed once (``cached_property``, which needs classes without
slots).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import ClassVar, Literal

from . import attributes, section_texts
from .logos import list_logo_templates

SENT_STATES = frozenset({"sent_email", "recovery_awaiting_code"})
PROFILE_SCREEN = "previous"  # the value of the button that leads back to the first screen of registration
SECOND_STEPS = frozenset({"totp", "lookup_secret"})  # groups that are set up as a whole
ACCOUNT_EXISTS = frozenset({4000007, 4000027, 4000028})  # Ory's messages


@dataclass(frozen=True, slots=True)
class Message:
    """A message of Ory, in the language of the page. ``id`` is Ory's number for it, or 0."""

    id: int
    kind: Literal["info", "error", "success"]
    text: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """A hidden input. ``onload`` names a function of the passkey script that runs when the page is shown."""

    name: str
    value: str
    onload: str = ""
    has_value: bool = True


@dataclass(frozen=True)
class Field:
    """A field to fill in. ``id`` is unique on the page.

    ``has_value``: Ory sent a value, which may be empty. ``needs_script``: the field can be filled in only with
    JavaScript, which does not send it while it is empty. ``hint``: a short text that explains what to enter.
    """

    kind: ClassVar[str] = "field"
    template: ClassVar[str] = "ory_auth/nodes/field.html"
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
    inputmode: str = ""
    placeholder: str = ""
    hint: str = ""
    messages: tuple[Message, ...] = ()
    has_value: bool = False
    needs_script: bool = False

    @cached_property
    def is_multiline(self) -> bool:
        """Whether this needs a ``<textarea>``: a browser removes line breaks from an ``<input>``."""
        return self.type == "text" and ("\n" in self.value or "\r" in self.value)

    @cached_property
    def is_code(self) -> bool:
        """Whether this is for a one-time code, from a message or an app."""
        return self.autocomplete == "one-time-code"

    @cached_property
    def reveal(self) -> bool:
        """Whether a button may show what was typed: this is a password."""
        return self.type == "password"

    @cached_property
    def invalid(self) -> bool:
        return any(message.kind == "error" for message in self.messages)

    @cached_property
    def attributes(self) -> str:
        """The attributes of the HTML element, escaped. It only lacks ``autofocus``."""
        return attributes.write_text_field(self)


@dataclass(frozen=True)
class Checkbox(Field):
    """Sends ``value`` if it is checked, otherwise ``unchecked``."""

    kind: ClassVar[str] = "checkbox"
    template: ClassVar[str] = "ory_auth/nodes/checkbox.html"
    checked: bool = False
    unchecked: str = "false"

    @cached_property
    def attributes(self) -> str:
        return attributes.write_checkbox(self)


@dataclass(frozen=True)
class DateTime(Field):
    """A date and time with its zone, as a text field with the value of RFC 3339.

    An ``<input type="datetime-local">`` cannot hold such a value. A script may show one beside this field, and write
    what a person chooses there into this field.
    """

    kind: ClassVar[str] = "datetime"
    template: ClassVar[str] = "ory_auth/nodes/datetime.html"

    @cached_property
    def attributes(self) -> str:
        return attributes.write_date_time(self)


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a :class:`Select`."""

    value: str
    label: str
    selected: bool = False


@dataclass(frozen=True)
class Select(Field):
    """A field with a fixed list of choices. One of them is the present value, also if Ory does not list it."""

    kind: ClassVar[str] = "select"
    template: ClassVar[str] = "ory_auth/nodes/select.html"
    options: tuple[Option, ...] = ()

    @cached_property
    def attributes(self) -> str:
        return attributes.write_select(self)


@dataclass(frozen=True)
class Button:
    """Submits a form (``type`` "submit"), or starts a function of the passkey script ("button", with ``trigger``).

    ``primary``: what most people do next; a page has at most one, settings have one in each section. ``danger``: it
    takes something away, so ``confirm`` is the question to ask first. ``provider``: Ory's id of a social sign-in
    provider. ``resend``: sends a code again. ``goes_back``: leads to an earlier screen of the flow.
    """

    kind: ClassVar[str] = "button"
    name: str
    value: str
    label: str
    type: str = "submit"
    disabled: bool = False
    trigger: str = ""
    skip_validation: bool = False
    primary: bool = False
    danger: bool = False
    confirm: str = ""
    provider: str = ""
    resend: bool = False
    goes_back: bool = False

    @cached_property
    def logo_templates(self) -> tuple[str, ...]:
        """The templates that may have the logo of the ``provider``, the best one first."""
        return list_logo_templates(self.provider)

    @cached_property
    def attributes(self) -> str:
        """The attributes of the HTML element, escaped."""
        return attributes.write_button(self)

    @cached_property
    def role(self) -> str:
        """How the button looks: "primary", "danger", "quiet", or an empty string."""
        if self.primary:
            return "primary"
        return "danger" if self.danger else "quiet" if self.goes_back or self.resend else ""

    @cached_property
    def sends_fields(self) -> bool:
        """Whether this sends what was filled in. Other buttons send only their own value."""
        return self.name == "method" or self.type == "button"


@dataclass(frozen=True, slots=True)
class Credential:
    """A passkey, a security key or a linked account of the person, with the button that removes it.

    ``added_at`` is an aware time, or ``None`` if Ory does not send
    one. An account of a ``provider`` that is not ``connected`` has the button that connects it.
    """

    name: str
    button: Button
    added_at: datetime | None = None
    provider: str = ""
    connected: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """A text to read. ``secret``: to be copied character by character."""

    kind: ClassVar[str] = "text"
    template: ClassVar[str] = "ory_auth/nodes/text.html"
    label: str
    text: str
    secret: bool = False
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """A backup code. Ory replaces the ``text`` of a used one by a sentence."""

    text: str
    used: bool
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Codes:
    """A list of one-time codes, including used ones."""

    kind: ClassVar[str] = "codes"
    template: ClassVar[str] = "ory_auth/nodes/codes.html"
    label: str
    codes: tuple[Code, ...]
    messages: tuple[Message, ...] = ()

    @property
    def unused(self) -> int:
        return sum(not code.used for code in self.codes)


@dataclass(frozen=True, slots=True)
class Image:
    kind: ClassVar[str] = "image"
    template: ClassVar[str] = "ory_auth/nodes/image.html"
    label: str
    src: str
    width: int | None = None
    height: int | None = None
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    kind: ClassVar[str] = "link"
    template: ClassVar[str] = "ory_auth/nodes/link.html"
    label: str
    href: str
    messages: tuple[Message, ...] = ()


Visible = Field | Text | Codes | Image | Link


@dataclass(frozen=True, slots=True)
class Part:
    """What one group adds to a form: fields and texts, then buttons."""

    group: str
    nodes: tuple[Visible, ...]
    buttons: tuple[Button, ...]


@dataclass(frozen=True)
class Form:
    """One HTML form. ``secondary``: buttons or a list only, beside the group's main form.

    ``action``: a URL of this site, to which the form goes instead of Ory. ``credentials``: rows of a list, each with
    its button.
    """

    hidden: tuple[Hidden, ...]
    parts: tuple[Part, ...] = ()
    secondary: bool = False
    action: str = ""
    credentials: tuple[Credential, ...] = ()

    @cached_property
    def buttons(self) -> tuple[Button, ...]:
        """All buttons except those of ``credentials``."""
        return tuple(button for part in self.parts for button in part.buttons)

    @cached_property
    def hidden_inputs(self) -> str:
        """The ``<input>`` elements of ``hidden``, escaped."""
        return attributes.write_hidden_inputs(self.hidden)

    @cached_property
    def has_submit(self) -> bool:
        return bool(self.credentials) or any(button.type == "submit" for button in self.buttons)


@dataclass(frozen=True)
class Section:
    """One alternative of a page: the forms of one group. Without forms, ``nodes`` are for reading only."""

    group: str
    forms: tuple[Form, ...] = ()
    nodes: tuple[Visible, ...] = ()

    @cached_property
    def buttons(self) -> tuple[Button, ...]:
        """All buttons except those of ``credentials``."""
        return tuple(button for form in self.forms for button in form.buttons)

    @cached_property
    def credentials(self) -> tuple[Credential, ...]:
        return tuple(credential for form in self.forms for credential in form.credentials)

    @cached_property
    def is_main(self) -> bool:
        """Whether this has the primary button, so that the other sections are alternatives to it."""
        return any(button.primary for button in self.buttons)

    @cached_property
    def goes_back(self) -> bool:
        """Whether this only leads to another screen of the same flow, so it is no alternative to the other sections."""
        return bool(self.buttons) and all(button.goes_back for button in self.buttons)

    @cached_property
    def all_nodes(self) -> tuple[Visible, ...]:
        """The nodes of this section and of its forms."""
        return (*self.nodes, *(node for form in self.forms for part in form.parts for node in part.nodes))

    @cached_property
    def is_to_set_up(self) -> bool:
        """Whether this shows a QR code, to set up an authenticator app."""
        return any(isinstance(node, Image) for node in self.all_nodes)

    @cached_property
    def has_errors(self) -> bool:
        return any(message.kind == "error" for node in self.all_nodes for message in node.messages)

    @cached_property
    def can_be_turned_off(self) -> bool:
        """Whether the second step of this section is set up: a button takes it away."""
        return self.group in SECOND_STEPS and any(button.danger for button in self.buttons)

    @cached_property
    def title(self) -> str:
        """The title of this section of the settings, such as "Backup codes"."""
        return section_texts.title_of(self.group)

    @cached_property
    def intro(self) -> str:
        """What this section of the settings is for; may be empty."""
        return section_texts.intro_of(self.group)

    @cached_property
    def empty_text(self) -> str:
        """What to say instead of a list without rows; empty for other sections."""
        return "" if self.credentials else section_texts.empty_text_of(self.group)

    @cached_property
    def shows_codes(self) -> bool:
        """Whether this shows codes to write down, which the person has just asked for."""
        return any(isinstance(node, Codes) for node in self.all_nodes)


@dataclass(frozen=True, slots=True)
class Account:
    """The account that the page is about: an address or a user name, which is empty if Ory does not say whose it is.

    ``change_url`` starts again with another one. ``signed_in``: the browser has a session of this account, which must
    end first, by a POST to ``ory_auth:logout`` with ``change_url`` as ``next``.
    """

    name: str
    change_url: str = ""
    signed_in: bool = False


@dataclass(frozen=True, slots=True)
class SentTo:
    """The address to which Ory has sent a code. A part of it may be masked."""

    address: str
    channel: Literal["email", "phone"]


@dataclass(frozen=True, slots=True)
class Linking:
    """A sign-in that adds a provider to an existing account.

    Ory names the ``provider`` only until something is wrong, such as the password. Then it is empty.
    """

    provider: str
    identifier: str


@dataclass(frozen=True, slots=True)
class Captcha:
    """A Turnstile captcha of Ory Network. The token goes into every hidden input with the name ``field``."""

    sitekey: str
    action: str
    theme: str
    field: str


@dataclass(frozen=True, slots=True)
class Links:
    """URLs of other flows, with what the flow was started with. An empty URL means: show no link.

    ``restart`` starts this flow again, and ``other_account`` a sign-in as somebody else.
    """

    login: str = ""
    registration: str = ""
    recovery: str = ""
    restart: str = ""
    other_account: str = ""


@dataclass(frozen=True)
class FlowPage:
    """A flow of Ory, ready to render. Every form posts to ``submit_url``.

    ``kind`` is Ory's name of the flow, such as "login", and ``active`` its name of the group that was sent last.
    ``sections`` are in an order of this package, which is the same before and after an error. ``needs_keys``: the page
    needs the passkey script. ``oauth2_client``: the name of the application that asks a person to sign in through Ory's
    OAuth2, if any. ``organization`` is Ory's id of it, if any. ``sets_password``: the person has recovered the account,
    and these settings begin with a new password. ``completes_social``: a registration with a social provider, which
    goes on with that one only. To choose another way, the person starts again.
    """

    submit_url: str
    kind: str = ""
    messages: tuple[Message, ...] = ()
    sections: tuple[Section, ...] = ()
    state: str = ""
    active: str = ""
    requested_aal: str = ""
    refresh: bool = False
    account: Account | None = None
    sent_to: SentTo | None = None
    linking: Linking | None = None
    captcha: Captcha | None = None
    needs_keys: bool = False
    oauth2_client: str = ""
    organization: str = ""
    sets_password: bool = False
    completes_social: bool = False
    links: Links = field(default=Links())

    @cached_property
    def step_up(self) -> bool:
        """Whether this login asks for a second factor."""
        return self.requested_aal == "aal2"

    @cached_property
    def has_second_factor(self) -> bool:
        """Whether this login asks for a second factor, and the person has one."""
        return self.step_up and any(section.buttons for section in self.sections)

    @cached_property
    def code_sent(self) -> bool:
        """Whether Ory has sent a code or a link, for which this page waits."""
        return self.state in SENT_STATES

    @cached_property
    def chooses_method(self) -> bool:
        """Whether the person has entered their profile, and now chooses how to sign in."""
        buttons = [button for section in self.sections for button in section.buttons]
        return self.kind == "registration" and any(b.goes_back and b.value == PROFILE_SCREEN for b in buttons)

    @cached_property
    def account_exists(self) -> bool:
        """Whether Ory refuses this registration because the person has an account, and should sign in."""
        return self.kind == "registration" and any(message.id in ACCOUNT_EXISTS for message in self.messages)

    @cached_property
    def has_errors(self) -> bool:
        """Whether Ory refused what was sent last."""
        of_nodes = [message for section in self.sections for node in section.all_nodes for message in node.messages]
        return any(message.kind == "error" for message in (*self.messages, *of_nodes))

    @cached_property
    def focus(self) -> str:
        """The ``id`` of the field that gets the focus: the first invalid one, otherwise the first empty one.

        The settings have many forms, so there only an invalid field gets it, or that of the new password.
        """
        nodes = [node for section in self.sections for node in section.all_nodes]
        fields = [node for node in nodes if isinstance(node, Field) and not node.disabled]
        chosen = [node for node in fields if node.invalid]
        if not chosen and (self.kind != "settings" or self.sets_password):
            chosen = [node for node in fields if not node.value]
        return chosen[0].id if chosen else ""


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """An error of Ory. ``code`` is an HTTP status or 0, ``explanation`` this package's text for the ``id``, if any.

    ``disabled_flow``: the kind of flow that Ory does not offer, such as "registration"; empty for other errors.
    ``reason`` and ``message`` are Ory's own texts, for developers only (``DEBUG``).
    """

    id: str = ""
    code: int = 0
    explanation: str = ""
    disabled_flow: str = ""
    reason: str = ""
    message: str = ""
