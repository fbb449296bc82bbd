"""Reads one node of Ory's JSON as one value of the page. Nodes that cannot be read are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext

from .messages import translate_message
from .page import Button, Checkbox, Code, Codes, Division, Field, Hidden, Image, Link, Message, Script, Text, Visible
from .trait_kinds import PREFIX
from .traits import Traits
from .values import text_of, value_text
from .widgets import PLACEHOLDERS, input_keeps, usable_maxlength, usable_pattern

FIELD_TYPES = frozenset({"text", "password", "number", "email", "tel", "url", "date"})
# For browsers and password managers, if Ory sends no autocomplete attribute.
AUTOCOMPLETE = {"identifier": "username", "code": "one-time-code", "totp_code": "one-time-code", "lookup_secret": "off"}
DATA_IMAGE = re.compile(r"data:image/[a-z0-9.+-]+;base64,[A-Za-z0-9+/]+={0,2}", re.ASCII)
HTTP_URL = re.compile(r"https?://[^\s/\\\x00-\x1f][^\s\\\x00-\x1f]*", re.ASCII | re.IGNORECASE)
TRIGGER = re.compile(r"ory[A-Za-z]{1,60}", re.ASCII)
DATA_NAME = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
MAX_LENGTH = 524288


def read_node(
    node: Mapping[str, Any], *, field_id: str, ory_url: str, traits: Traits | None = None
) -> Visible | Hidden | Button | Script | None:
    """The node as a value of the page. ``traits`` are those of the person, in settings."""
    attributes = mapping_of(node.get("attributes"))
    label = _label(mapping_of(node.get("meta")).get("label")) or _label(attributes.get("label"))
    messages = tuple(read_messages(node.get("messages")))
    match node.get("type"):
        case "input":
            return _read_input(attributes, label, messages, field_id, traits)
        case "text":
            return _read_text(mapping_of(attributes.get("text")), label, messages)
        case "img":
            return _read_image(attributes, label, messages, ory_url)
        case "a":
            href = url_of(attributes.get("href"))
            return Link(_label(attributes.get("title")) or label or href, href, messages) if href else None
        case "div":
            return _read_division(attributes, messages)
        case "script":
            return _read_script(attributes, ory_url)
        case _:
            return None


def _read_input(
    attributes: Mapping[str, Any], label: str, messages: tuple[Message, ...], field_id: str, traits: Traits | None
) -> Field | Hidden | Button | None:
    name, type_, value = text_of(attributes.get("name")), text_of(attributes.get("type")), attributes.get("value")
    if not name:
        return None
    of_trait = name.startswith(PREFIX)
    if traits and of_trait:
        if not traits.has_field(name):
            return None
        value = traits.exact_number(name, value) or value
    text, has_value = value_text(value), value is not None
    if type_ == "hidden":
        return Hidden(name, text, _trigger(attributes.get("onloadTrigger")), has_value=has_value)
    disabled = attributes.get("disabled") is True
    if type_ in ("submit", "button"):
        trigger = _trigger(attributes.get("onclickTrigger"))
        return Button(name, text, label or text or gettext(_make_label(name)), type_, disabled, trigger)
    label = label or gettext(_make_label(name))
    required = attributes.get("required") is True
    if type_ == "checkbox" and (value is None or text in ("true", "false")):
        return Checkbox(
            id=field_id,
            name=name,
            type=type_,
            label=label,
            value="true",
            required=required and not of_trait,  # for a trait, "no" is also a value; a browser would insist on "yes"
            disabled=disabled,
            messages=messages,
            has_value=has_value,
            checked=text == "true",
            unchecked="false" if has_value or not traits else "",  # a trait without a value stays without one
        )
    if type_ == "password":
        text = ""
    return Field(
        id=field_id,
        name=name,
        type=type_ if type_ in FIELD_TYPES and input_keeps(type_, text) else "text",
        label=label,
        value=text,
        required=required and not (traits and traits.is_empty(name)),
        disabled=disabled,
        pattern=usable_pattern(text_of(attributes.get("pattern")), text, of_trait=of_trait),
        maxlength=usable_maxlength(attributes.get("maxlength"), text, longest=MAX_LENGTH),
        autocomplete=text_of(attributes.get("autocomplete")) or AUTOCOMPLETE.get(name, ""),
        placeholder=PLACEHOLDERS.get(type_, ""),
        messages=messages,
        has_value=has_value,
    )


def _read_text(text: Mapping[str, Any], label: str, messages: tuple[Message, ...]) -> Text | Codes | None:
    context = mapping_of(text.get("context"))
    codes = tuple(
        Code(_label(code), "used_at" in mapping_of(mapping_of(code).get("context")))
        for code in list_of(context.get("secrets"))
        if _label(code)
    )
    if codes:
        return Codes(label, codes, messages)
    secret = text_of(context.get("secret"))
    content = secret or _label(text)
    return Text(label, content, bool(secret), messages) if content or label else None


def _read_image(attributes: Mapping[str, Any], label: str, messages: tuple[Message, ...], ory_url: str) -> Image | None:
    """The image, unless it comes from a third party, which would learn who opens this page."""
    src = text_of(attributes.get("src"))
    if not DATA_IMAGE.fullmatch(src) and not (url_of(src) and _is_from(src, ory_url)):
        return None
    width, height = (_pixels(attributes.get(side)) for side in ("width", "height"))
    return Image(label, src, width, height, messages)


def _read_division(attributes: Mapping[str, Any], messages: tuple[Message, ...]) -> Division | None:
    data = mapping_of(attributes.get("data"))
    pairs = [
        (name, text_of(value)) for name, value in data.items() if isinstance(name, str) and DATA_NAME.fullmatch(name)
    ]
    id_, css_class = text_of(attributes.get("id")), text_of(attributes.get("class"))
    return Division(id_, css_class, tuple(pairs), messages) if id_ or css_class else None


def _read_script(attributes: Mapping[str, Any], ory_url: str) -> Script | None:
    src = url_of(attributes.get("src"))
    return (
        Script(
            src=src,
            type=text_of(attributes.get("type")),
            integrity=text_of(attributes.get("integrity")),
            crossorigin=text_of(attributes.get("crossorigin")),
            referrerpolicy=text_of(attributes.get("referrerpolicy")),
            nonce=text_of(attributes.get("nonce")),
            is_async=attributes.get("async") is True,
        )
        if src and _is_from(src, ory_url)
        else None
    )


def _is_from(url: str, ory_url: str) -> bool:
    """Whether ``url`` begins with Ory's origin and a slash. Compared as text, since two URL parsers may disagree."""
    ory = urlsplit(ory_url)
    origin = f"{ory.scheme}://{ory.netloc}/".lower()
    return bool(ory.netloc) and url.lower().startswith(origin)


def read_messages(value: object) -> Iterator[Message]:
    for entry in list_of(value):
        message = mapping_of(entry)
        if text := _label(message):
            id_, kind = message.get("id"), message.get("type")
            yield Message(
                id=id_ if type(id_) is int else 0,
                kind="error" if kind == "error" else "success" if kind == "success" else "info",
                text=text,
            )


def _label(value: object) -> str:
    return text_of(translate_message(mapping_of(value)))


def _make_label(name: str) -> str:
    """A label made of a field's name, if Ory sends none: ``traits.home_address`` is "Home address"."""
    parts = [part for part in name.split(".") if part and not part.isdecimal()] or [name]
    return parts[-1].replace("_", " ").strip().capitalize() or name


def _trigger(value: object) -> str:
    return value if isinstance(value, str) and TRIGGER.fullmatch(value) else ""


def _pixels(value: object) -> int | None:
    return value if type(value) is int and 0 < value <= MAX_LENGTH else None


def url_of(value: object) -> str:
    """An absolute http(s) URL, or nothing: a browser would run ``javascript:``."""
    url = text_of(value)
    return url if HTTP_URL.fullmatch(url) else ""


def mapping_of(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def list_of(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
