"""Values of Ory's JSON as the text of a form field, and back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Line breaks and tabs are harmless in HTML. The others include the marks by which Unicode embeds and isolates text.
INVISIBLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
LONE_LINE_BREAK = re.compile(r"\r(?!\n)|(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class Number:
    """A number exactly as Ory's JSON has it, also beyond the precision of a double."""

    text: str

    @property
    def as_float(self) -> float:
        return float(self.text)

    @property
    def is_double(self) -> bool:
        """Whether Ory stores the same number when it reads this one from a form field, as a double."""
        try:
            return Decimal(self.text) == Decimal(repr(self.as_float))
        except InvalidOperation:  # the exponent is too large even for a Decimal
            return False


def read_exact(text: str | bytes) -> Any:
    """Ory's JSON with each number as a :class:`Number`; raises ``ValueError``."""
    return json.loads(text, parse_float=Number, parse_int=Number)


def write_exact(value: Any) -> str:
    """JSON, in ASCII, of what ``read_exact`` returned."""
    match value:
        case Number():
            return value.text
        case dict():
            return "{" + ",".join(f"{json.dumps(key)}:{write_exact(below)}" for key, below in value.items()) + "}"
        case list():
            return "[" + ",".join(map(write_exact, value)) + "]"
        case _:
            return json.dumps(value)


def value_text(value: object) -> str:
    """The text that a form field shows and sends for a value; empty for ``null``, lists and objects."""
    match value:
        case bool():
            return "true" if value else "false"
        case Number():
            return value.text
        case int():
            return str(value) if abs(value) < 10**400 else ""
        case float():
            return str(value)
        case str():
            return LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
        case _:
            return ""


def text_of(value: object) -> str:
    """The text; empty for other types, and for text that cannot be encoded (a lone surrogate)."""
    if not isinstance(value, str):
        return ""
    try:
        value.encode()
    except UnicodeEncodeError:
        return ""
    return value


def label_of(value: object) -> str:
    """The text without characters that change the text around it: control characters and overrides of direction.

    For names and texts that a page shows. The values of fields stay as they are.
    """
    return INVISIBLE.sub("", text_of(value))


def mapping_of(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def list_of(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()


def form_keeps(text: str) -> bool:
    """Whether a browser sends this text unchanged.

    It sends every line break as CRLF, and a page cannot contain NUL or lone surrogates.
    """
    return not (LONE_LINE_BREAK.search(text) or LONE_SURROGATE.search(text) or "\0" in text)
