"""What a browser sends of a form, and when it refuses to: https://html.spec.whatwg.org/multipage/forms.html.

Done: the values that types of inputs cannot hold ("value sanitization") of text, tel, password, url, email, date,
time, datetime-local and number; the constraints ``required``, ``pattern``, ``type=email``, ``type=url`` and
``type=number``; text areas; disabled fields; unchecked boxes; line breaks. Not done: steps, selects, files, and lengths
(a browser looks at them only if a person typed).

``run_script`` does what ``flow.js`` of this package does with a form, for tests with scripts.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from urllib.parse import urlsplit

LINE_BREAK = re.compile(r"\r\n|\r|\n")
NUMBER = re.compile(r"-?(\d+(\.\d+)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
EMAIL = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{LABEL}(?:\.{LABEL})*", re.ASCII)
NO_BUTTONS = {"submit", "button", "image", "reset"}


class Refused(AssertionError):
    """A browser shows a bubble at a field instead of sending the form."""


@dataclass
class Control:
    tag: str
    type: str
    name: str
    value: str
    attributes: dict[str, str]

    @property
    def disabled(self) -> bool:
        return "disabled" in self.attributes

    @property
    def is_sent(self) -> bool:
        unchecked = self.type in {"checkbox", "radio"} and "checked" not in self.attributes
        return bool(self.name) and not self.disabled and not unchecked

    def enter(self, value: str) -> None:
        self.value = sanitize(self.type, value)

    def check(self) -> None:
        """Raise :class:`Refused` where a browser would not send the form."""
        if self.disabled or self.type == "hidden":
            return
        pattern = self.attributes.get("pattern", "")
        if self.type == "checkbox":
            wrong = "required" in self.attributes and "checked" not in self.attributes
        elif not self.value:
            wrong = "required" in self.attributes
        else:
            wrong = self.type == "email" and not EMAIL.fullmatch(self.value)
            wrong = wrong or (self.type == "url" and not (urlsplit(self.value).scheme and self.value.isascii()))
            wrong = wrong or bool(pattern and not re.fullmatch(pattern, self.value))
        if wrong:
            raise Refused(f"{self.name} = {self.value!r}")


@dataclass
class Form:
    action: str
    method: str
    attributes: dict[str, str] = field(default_factory=dict)
    controls: list[Control] = field(default_factory=list)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    skipping_validation: set[tuple[str, str]] = field(default_factory=set)

    @property
    def fields(self) -> dict[str, str]:
        return {control.name: control.value for control in self.controls if control.is_sent}

    def control(self, name: str) -> Control:
        """The last one of the name: what a person sees of a checkbox."""
        return [control for control in self.controls if control.name == name][-1]

    def enter(self, name: str, value: str) -> None:
        control = self.control(name)
        assert not control.disabled, f"nobody can fill in {name}"
        if control.type == "checkbox":
            control.attributes.pop("checked", None)
            if value == control.value:
                control.attributes["checked"] = ""
        else:
            control.enter(value)

    def entries(self, pressed: list[tuple[str, str]], *, scripts: bool) -> list[tuple[str, str]]:
        """The names and values that are sent; raises :class:`Refused`."""
        if not self.skipping_validation.intersection(pressed):
            for control in self.controls:
                control.check()
        entries = [(control.name, control.value) for control in self.controls if control.is_sent]
        if scripts and "data-ory-own" not in self.attributes:
            entries = [(name, value) for name, value in entries if value or not name.startswith("traits.")]
        return [(name, LINE_BREAK.sub("\r\n", value)) for name, value in [*entries, *pressed]]

    def run_script(self) -> None:
        for control in self.controls:
            if "data-ory-enable" in control.attributes:
                del control.attributes["disabled"]


def sanitize(type_: str, value: str) -> str:
    """What an input of this type makes of a value."""
    if type_ in {"text", "search", "tel", "password", "url", "email"}:
        value = LINE_BREAK.sub("", value)
    match type_:
        case "url" | "email":
            return value.strip(" \t\n\f\r")
        case "number":
            return value if NUMBER.fullmatch(value) and math.isfinite(float(value)) else ""
        case "date":
            return value if is_date(value) else ""
        case "time":
            return value if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,3})?)?", value) else ""
        case "datetime-local":
            day, _, time = value.replace(" ", "T", 1).partition("T")
            return value if is_date(day) and sanitize("time", time) else ""
        case _:
            return value


def is_date(value: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII) and date.fromisoformat(value))
    except ValueError:
        return False


def read_forms(text: str) -> list[Form]:
    parser = _Forms()
    parser.feed(LINE_BREAK.sub("\n", text).replace("\0", "\N{REPLACEMENT CHARACTER}"))
    return parser.forms


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._area: Control | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get"), given))
        elif not self.forms or not given.get("name"):
            return
        elif tag == "button" or (tag == "input" and given.get("type") in NO_BUTTONS):
            button = given["name"], given.get("value", "")
            if "disabled" not in given:
                self.forms[-1].buttons.append(button)
            if "formnovalidate" in given:
                self.forms[-1].skipping_validation.add(button)
        elif tag in {"input", "textarea"}:
            type_ = given.get("type", "text") if tag == "input" else tag
            control = Control(tag, type_, given["name"], "", given)
            control.enter(given.get("value", ""))
            self.forms[-1].controls.append(control)
            self._area = control if tag == "textarea" else None

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area.value += data

    def handle_endtag(self, tag: str) -> None:
        if self._area and tag == "textarea":
            self._area.value = self._area.value.removeprefix("\n")
            self._area = None
