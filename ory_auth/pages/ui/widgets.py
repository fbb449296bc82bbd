"""Which type of input shows a value so that the browser sends it back unchanged, and does not refuse to send it.

Browsers empty an input that cannot hold its value ("value sanitization"), and do not send a form with a value that
breaks the rules of its input ("constraint validation"). So a value that a type could change or refuse gets a text
input. The rules are those of https://html.spec.whatwg.org/multipage/input.html, or stricter.
"""

from __future__ import annotations

import math
import re
from datetime import date

LINE_BREAK = re.compile(r"[\r\n]")
# "A valid email address" of the HTML standard, which differs from every RFC.
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
EMAIL = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*", re.ASCII)
# A part of what https://url.spec.whatwg.org accepts, whose parser also knows IP addresses and international names.
URL = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[a-z0-9-]+\.)*[a-z][a-z0-9-]*(?::\d{1,4})?(?:[/?#][!-~]*)?", re.ASCII | re.IGNORECASE
)
NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

# Ory requires times with a zone, which browsers' inputs for times cannot hold. So people enter them as text.
PLACEHOLDERS = {"datetime-local": "2027-01-31T10:00:00Z", "time": "10:00:00Z"}

# The purpose of fields, for browsers and password managers, if Ory sends no autocomplete attribute.
AUTOCOMPLETE = {
    "identifier": "username",
    "code": "one-time-code",
    "totp_code": "one-time-code",
    "lookup_secret": "off",
    "email": "email",
    "recovery_address": "username",
}
AUTOCOMPLETE_OF_TYPES = {"email": "email", "tel": "tel", "password": "current-password"}
# By the last part of a trait's name.
AUTOCOMPLETE_OF_TRAITS = {
    "name": "name",
    "full_name": "name",
    "first": "given-name",
    "first_name": "given-name",
    "given_name": "given-name",
    "last": "family-name",
    "last_name": "family-name",
    "family_name": "family-name",
    "nickname": "nickname",
    "username": "username",
    "birthday": "bday",
    "birthdate": "bday",
    "company": "organization",
    "street": "address-line1",
    "city": "address-level2",
    "zip": "postal-code",
    "postal_code": "postal-code",
    "country": "country-name",
}
INPUTMODES = {"code": "numeric", "totp_code": "numeric"}
INPUTMODES_OF_TYPES = {"tel": "tel", "email": "email", "url": "url"}


def autocomplete_for(name: str, type_: str) -> str:
    """The value of ``autocomplete`` for a field; empty if its purpose is not known."""
    if name in AUTOCOMPLETE:
        return AUTOCOMPLETE[name]
    if name.startswith("traits."):
        return AUTOCOMPLETE_OF_TYPES.get(type_) or AUTOCOMPLETE_OF_TRAITS.get(name.rpartition(".")[2], "")
    return AUTOCOMPLETE_OF_TYPES.get(type_, "")


def inputmode_for(name: str, type_: str, trait: str) -> str:
    """Which keyboard a phone shows. ``trait`` is the name of the trait that an identifier is an example of."""
    if name == "identifier" and trait.rpartition(".")[2] in ("email", "phone"):
        return "email" if trait.endswith("email") else "tel"
    return INPUTMODES.get(name) or INPUTMODES_OF_TYPES.get(type_, "")


def input_keeps(type_: str, value: str) -> bool:
    """Whether ``<input type=…>`` sends this value back unchanged."""
    if not value:
        return True
    match type_:
        case "text" | "tel" | "password":
            return not LINE_BREAK.search(value)
        case "email":
            return EMAIL.fullmatch(value) is not None
        case "url":
            return URL.fullmatch(value) is not None and "xn--" not in value.lower()
        case "number":
            return NUMBER.fullmatch(value) is not None and math.isfinite(float(value))
        case "date":
            return DATE.fullmatch(value) is not None and _is_date(value)
        case _:
            return False


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def usable_pattern(pattern: str, value: str, *, of_trait: bool) -> str:
    """The pattern, unless a browser would refuse values that Ory accepts.

    Ory searches for the pattern of a trait anywhere in the value; browsers match it with the whole value.
    """
    if of_trait and not (pattern.startswith("^") and pattern.endswith("$")):
        return ""
    try:
        return pattern if not value or re.fullmatch(pattern, value) else ""
    except re.error:
        return ""


def usable_maxlength(maxlength: object, value: str, *, longest: int) -> int | None:
    """The limit in UTF-16 code units, unless the value is longer already."""
    if type(maxlength) is not int or not 0 < maxlength <= longest:
        return None
    return maxlength if len(value.encode("utf-16-le")) // 2 <= maxlength else None
