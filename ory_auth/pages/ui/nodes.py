"""Reads one node of Ory's JSON as one value of the page. Nodes that cannot be read are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from .buttons import BUTTON_NAMES, read_button, read_time, read_trigger
from .messages import ANYWHERE, Place, translate_message, translate_title
from .page import (
    Button,
    Checkbox,
    Code,
    Codes,
    Credential,
    DateTime,
    Field,
    Hidden,
    Image,
    Link,
    Message,
    Option,
    Select,
    Text,
    Visible,
)
from .trait_kinds import PREFIX
from .traits import Traits
from .unknown import report_unknown
from .values import label_of, list_of, mapping_of, text_of, value_text
from .widgets import (
    PLACEHOLDERS,
    autocomplete_for,
    input_keeps,
    inputmode_for,
    usable_maxlength,
    usable_pattern,
)

FIELD_TYPES = frozenset({"text", "password", "number", "email", "tel", "url", "date"})
DATETIME = "datetime-local"  # Ory's name for a text of RFC 3339
DATETIME_HINT = _("Date, time and time zone, such as 2027-01-31T10:00:00+01:00.")
DATA_IMAGE = re.compile(r"data:image/[a-z0-9.+-]+;base64,[A-Za-z0-9+/]+={0,2}", re.ASCII)
HTTP_URL = re.compile(r"https?://[^\s/\\\x00-\x1f][^\s\\\x00-\x1f]*", re.ASCII | re.IGNORECASE)
# Ory does not say that it requires this, and would refuse a key that the browser has already made.
REQUIRED = frozenset({"webauthn_register_displayname"})
MAX_LENGTH = 524288

Node = Visible | Hidden | Button | Credential


@dataclass(frozen=True, slots=True)
class NodeReader:
    """What the nodes of one flow have in common.

    ``place`` is what the wording of messages depends on. ``traits`` are those of the person, in settings. Images may
    come from ``ory_url``.
    """

    ory_url: str
    place: Place = ANYWHERE
    traits: Traits | None = None

    def read(self, node: Mapping[str, Any], field_id: str) -> Node | None:
        """The node as a value of the page."""
        attributes = mapping_of(node.get("attributes"))
        place = self._place_of(node)
        label_data = mapping_of(mapping_of(node.get("meta")).get("label")) or mapping_of(attributes.get("label"))
        label = translate(label_data, place)
        messages = tuple(read_messages(node.get("messages"), place))
        match node.get("type"):
            case "input":
                return self._read_input(attributes, label, label_data, messages, field_id)
            case "text":
                return _read_text(mapping_of(attributes.get("text")), label, messages, place)
            case "img":
                return _read_image(attributes, label, messages, self.ory_url)
            case "a":
                href = url_of(attributes.get("href"))
                text = translate(mapping_of(attributes.get("title")), place) or label or href
                return Link(text, href, messages) if href else None
            case "script" | "div":
                return None  # this package has its own scripts, and a captcha has its own place on the page
            case type_:
                report_unknown("node", type_)
                return None

    def read_messages(self, node: Mapping[str, Any]) -> Iterator[Message]:
        """The messages of a node, which may be one that the page does not show."""
        return read_messages(node.get("messages"), self._place_of(node))

    def _place_of(self, node: Mapping[str, Any]) -> Place:
        attributes = mapping_of(node.get("attributes"))
        input_type = "select" if attributes.get("options") else text_of(attributes.get("type"))
        label = mapping_of(mapping_of(node.get("meta")).get("label"))
        title = text_of(mapping_of(label.get("context")).get("title"))
        return replace(self.place, group=text_of(node.get("group")), input_type=input_type, title=title)

    def _read_input(
        self,
        attributes: Mapping[str, Any],
        label: str,
        label_data: Mapping[str, Any],
        messages: tuple[Message, ...],
        field_id: str,
    ) -> Field | Hidden | Button | Credential | None:
        name, type_, value = text_of(attributes.get("name")), text_of(attributes.get("type")), attributes.get("value")
        if not name:
            return None
        label = label or translate_title(_make_label(name))
        if type_ in ("submit", "button"):
            return read_button(attributes, label if label_data else label_of(value) or label, label_data)
        traits, of_trait = self.traits, name.startswith(PREFIX)
        if traits and of_trait:
            if not traits.has_field(name):
                return None
            value = traits.exact_number(name, value) or value
        text, has_value = value_text(value), value is not None
        if type_ == "hidden":
            return Hidden(name, text, read_trigger(attributes.get("onloadTrigger")) or "", has_value=has_value)
        if name in BUTTON_NAMES:
            return None  # it only carries a message
        disabled = attributes.get("disabled") is True
        required = attributes.get("required") is True or name in REQUIRED
        if type_ == "checkbox" and (value is None or text in ("true", "false")):
            return Checkbox(
                id=field_id,
                name=name,
                type=type_,
                label=label,
                value="true",
                # For a trait, "no" is also a value, but a browser would insist on "yes".
                required=required and not of_trait,
                disabled=disabled,
                messages=messages,
                has_value=has_value,
                checked=text == "true",
                unchecked="false" if has_value or not traits else "",  # a trait without a value stays without one
            )
        if type_ == "password":
            text = ""
        field = Field(
            id=field_id,
            name=name,
            type=type_ if type_ in FIELD_TYPES and input_keeps(type_, text) else "text",
            label=label,
            value=text,
            required=required and not (traits and traits.is_empty(name)),
            disabled=disabled,
            pattern=usable_pattern(text_of(attributes.get("pattern")), text, of_trait=of_trait),
            maxlength=usable_maxlength(attributes.get("maxlength"), text, longest=MAX_LENGTH),
            autocomplete=text_of(attributes.get("autocomplete")) or autocomplete_for(name, type_),
            inputmode=inputmode_for(name, type_, text_of(mapping_of(label_data.get("context")).get("name"))),
            placeholder=PLACEHOLDERS.get(type_, ""),
            messages=messages,
            has_value=has_value,
        )
        return _specialise(field, attributes, type_)


def _specialise(field: Field, attributes: Mapping[str, Any], type_: str) -> Field:
    """The field as one for a time or with choices, if it is one."""
    if type_ == DATETIME and not field.is_multiline:
        return _as(DateTime, field, hint=gettext(DATETIME_HINT))
    options = _read_options(attributes.get("options"), field)
    return _as(Select, field, type="select", options=options) if options else field


def _read_options(value: object, field: Field) -> tuple[Option, ...]:
    """The choices that Ory lists, with an empty one if the field may be or is empty; nothing if it lists none."""
    options = []
    for entry in map(mapping_of, list_of(value)):
        text = value_text(entry.get("value"))
        if text:
            label = translate(mapping_of(entry.get("label"))) or label_of(text)
            options.append(Option(text, label, selected=text == field.value))
    if not options or field.type == "password" or field.is_multiline:
        return ()
    if field.value and not any(option.selected for option in options):
        options.insert(0, Option(field.value, label_of(field.value), selected=True))
    if not field.value or not field.required:
        options.insert(0, Option("", "", selected=not field.value))
    return tuple(options)


def _read_text(text: Mapping[str, Any], label: str, messages: tuple[Message, ...], place: Place) -> Text | Codes | None:
    context = mapping_of(text.get("context"))
    codes = tuple(filter(None, map(_read_code, map(mapping_of, list_of(context.get("secrets"))))))
    if codes:
        return Codes(label, codes, messages)
    secret = text_of(context.get("secret"))
    content = secret or translate(text, place)
    return Text(label, content, bool(secret), messages) if content or label else None


def _read_code(code: Mapping[str, Any]) -> Code | None:
    text, context = translate(code), mapping_of(code.get("context"))
    used = "used_at" in context
    return Code(text, used, read_time(context, "used_at") if used else None) if text else None


def read_messages(value: object, place: Place) -> Iterator[Message]:
    """Ory's messages, translated."""
    for entry in list_of(value):
        message = mapping_of(entry)
        if text := translate(message, place):
            id_, kind = message.get("id"), message.get("type")
            yield Message(
                id=id_ if type(id_) is int else 0,
                kind="error" if kind == "error" else "success" if kind == "success" else "info",
                text=text,
            )


def translate(message: Mapping[str, Any], place: Place = ANYWHERE) -> str:
    """The text of a message or a label, as a page may show it."""
    return label_of(translate_message(message, place))


def _as(type_: type[DateTime] | type[Select], field: Field, **changes: Any) -> DateTime | Select:
    """The field as a value of a subclass of :class:`Field`."""
    return type_(**{f.name: getattr(field, f.name) for f in fields(Field)} | changes)


def _read_image(attributes: Mapping[str, Any], label: str, messages: tuple[Message, ...], ory_url: str) -> Image | None:
    """The image, unless it comes from a third party, which would learn who opens this page."""
    src = text_of(attributes.get("src"))
    if not DATA_IMAGE.fullmatch(src) and not (url_of(src) and _is_from(src, ory_url)):
        return None
    width, height = (_pixels(attributes.get(side)) for side in ("width", "height"))
    return Image(label, src, width, height, messages)


def _is_from(url: str, ory_url: str) -> bool:
    """Whether ``url`` begins with Ory's origin and a slash. Compared as text, since two URL parsers may disagree."""
    ory = urlsplit(ory_url)
    origin = f"{ory.scheme}://{ory.netloc}/".lower()
    return bool(ory.netloc) and url.lower().startswith(origin)


def _make_label(name: str) -> str:
    """A label made of a field's name, if Ory sends none: ``traits.home_address`` is "Home address"."""
    parts = [part for part in name.split(".") if part and not part.isdecimal()] or [name]
    return label_of(parts[-1]).replace("_", " ").strip().capitalize() or name


def _pixels(value: object) -> int | None:
    return value if type(value) is int and 0 < value <= MAX_LENGTH else None


def url_of(value: object) -> str:
    """An absolute http(s) URL, or nothing: a browser would run ``javascript:``."""
    url = text_of(value)
    return url if HTTP_URL.fullmatch(url) else ""
