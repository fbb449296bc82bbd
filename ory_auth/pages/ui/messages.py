"""Words Ory's messages, labels and errors in the language of the page, by the ids that Ory gives them.

Ory sends English texts only. ``message_texts`` has a text for each id, which the catalogues of this package and of the
project translate. Ory's values (an address, a provider, a number) are filled in. Ory's own text is shown if the id has
no text here, or if a value is missing.

A project adds a language, or changes a text, in its own catalogue (``LOCALE_PATHS``).

Ory's texts for errors may quote a link that an attacker wrote, so they are never shown: see :func:`translate_error`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.utils.formats import date_format, localize
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext

from .message_texts import (
    ASKED_FOR,
    CHECK_VALUE,
    CHOOSE_ONE,
    CONTINUE,
    DEVICE_NOT_ACCEPTED,
    ERRORS,
    HOW_TO_CONNECT,
    HOW_TO_SIGN_IN,
    KEY_NOT_ACCEPTED,
    LIST_COMMA,
    LIST_OR,
    MESSAGES,
    METHODS,
    MISSING,
    NEW_PASSWORD,
    NEW_PASSWORD_FOR_RECOVERY,
    NO_SUCH_DEVICE,
    NOT_UNDERSTOOD,
    OF_WRONG_TYPE,
    PROVIDERS,
    REASONS,
    REMOVE_UNNAMED,
    SAVE_IN_GROUP,
    SEND_CODE_BY_EMAIL,
    SEND_CODE_BY_PHONE,
    SIGN_IN_INSTEAD,
    SIGN_IN_TO_CONNECT,
    SOMEONE,
    TICK_THE_BOX,
    TITLE_ID,
    TITLES,
    VALUES_ALONE,
    ByChannel,
    Plural,
    Text,
)
from .unknown import report_unknown

PHONE_NUMBER = re.compile(r"\+?[\d*•\s().-]+")
RANDOM_SUFFIX = re.compile(r"[_-](?=[A-Za-z]*\d)[A-Za-z0-9]{4,}$", re.ASCII)
MINUTES_SHOWN = 120  # a longer time is not worth a warning
FREE_TEXT = 4000001
# Classes of characters that set the direction of a text, by https://unicode.org/reports/tr9/.
CONTROLS = frozenset({"RLE", "LRE", "RLO", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"})
RIGHT_TO_LEFT = frozenset({"R", "AL", "AN", *CONTROLS})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message or a label appears, as far as its wording depends on it. All of it may be unknown.

    ``flow`` is the kind of the flow, and ``step_up`` whether it asks for a second factor. ``group`` is the node's
    group, or the flow's ``active`` method for a message of the flow. ``input_type`` is the type of the field, "select"
    if it has options, and ``title`` its title in the identity schema. ``sent_to`` is the address that a code or a link
    went to, which may be masked. ``providers`` are their labels, by id: see :func:`read_provider_names`.
    """

    flow: str = ""
    step_up: bool = False
    group: str = ""
    input_type: str = ""
    title: str = ""
    sent_to: str = ""
    providers: Mapping[str, str] = field(default_factory=dict)


ANYWHERE = Place()


def translate_message(message: Mapping[str, Any], place: Place = ANYWHERE) -> str:
    """The text of a message or a label of Ory, in the language of the page; empty if it has no text."""
    id_, text, context = message.get("id"), message.get("text"), message.get("context")
    text = text.strip() if isinstance(text, str) else ""
    values = _Values(context if isinstance(context, Mapping) else {})
    if id_ == TITLE_ID:
        return translate_title(text)
    if type(id_) is not int or id_ in VALUES_ALONE:
        return text
    try:
        if reword := REWORDED.get(id_):
            if worded := reword(id_, text, values, place):
                return worded
        elif id_ not in MESSAGES:
            return _translate_unknown(id_, text)
        return _fill(MESSAGES[id_], values, place) if id_ in MESSAGES else text
    except (KeyError, ValueError, TypeError, OverflowError):
        return text  # Ory did not send a value, or a project's catalogue has a mistake


def translate_error(error_id: str) -> str:
    """The explanation of an error of Ory, in the language of the page; empty if the id is not in the table."""
    return _translate(ERRORS.get(error_id, ""))


def translate_title(title: str) -> str:
    """The label of a trait: the project's translation of its title, else the usual word for it ("E-Mail")."""
    translated = _translate(title)
    return translated if translated != title else _translate(TITLES.get(title.lower(), title))


def read_provider_names(nodes: Iterable[object]) -> dict[str, str]:
    """The ids of the providers in the nodes of a flow, with the labels that Ory has for them."""
    names = {}
    for node in nodes:
        attributes = _mapping(_mapping(node).get("attributes"))
        label = _mapping(_mapping(_mapping(node).get("meta")).get("label"))
        name, id_ = _mapping(label.get("context")).get("provider"), attributes.get("value")
        if isinstance(id_, str) and isinstance(name, str) and name:
            names[id_] = name
    return names


# --- texts and their values -------------------------------------------------------------------------------------------


class _Values(dict[str, Any]):
    """Ory's values for a text, written as people of the active language write them."""

    def __getitem__(self, name: str) -> str:
        value = super().__getitem__(name)
        if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
            raise KeyError(name)
        if not isinstance(value, str):
            return str(localize(value))
        if name.endswith("_at"):
            return date_format(localtime(datetime.fromisoformat(value)), "SHORT_DATETIME_FORMAT")
        return _isolate(value)

    def number(self, name: str) -> int:
        """A count as it is, for the plural form; raises ``KeyError``."""
        value = super().get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or value != int(value):
            raise KeyError(name)
        return int(value)

    def strings(self, name: str) -> list[str]:
        value = super().get(name)
        return [item for item in value if isinstance(item, str) and item] if isinstance(value, list) else []


def _fill(text: Text, values: _Values, place: Place = ANYWHERE) -> str:
    """The translation of a text, with its values. Raises ``KeyError`` and the like if a value is missing or odd."""
    match text:
        case Plural(singular, plural, number):
            return ngettext(singular, plural, values.number(number)) % values
        case ByChannel():
            sent_to = values.get("masked_address") or place.sent_to
            sent_to = sent_to if isinstance(sent_to, str) else ""
            channel = "unknown" if not sent_to else "phone" if PHONE_NUMBER.fullmatch(sent_to) else "email"
            return gettext(getattr(text, channel)) % _Values({**values, "sent_to": sent_to})
        case _:
            return gettext(text) % values


def _translate(text: str) -> str:
    return gettext(text) if text else ""  # gettext("") is the catalogue's own header


def _isolate(value: str) -> str:
    """The value, so that its direction cannot change the order of the words around it."""
    if value.isascii():
        return value
    if RIGHT_TO_LEFT.isdisjoint(map(unicodedata.bidirectional, value)):
        return value
    plain = "".join(character for character in value if unicodedata.bidirectional(character) not in CONTROLS)
    return f"\N{FIRST STRONG ISOLATE}{plain}\N{POP DIRECTIONAL ISOLATE}"


def _translate_unknown(id_: int, text: str) -> str:
    """Ory's own text; a project can translate those of its web hooks."""
    translated = _translate(text)
    if translated == text:
        report_unknown("message", id_)
    return translated


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


# --- messages whose wording depends on their place or their values ----------------------------------------------------


def _word_password(_id: int, _text: str, _values: _Values, place: Place) -> str:
    return gettext(NEW_PASSWORD) if place.flow == "settings" else ""


def _word_sign_up(_id: int, _text: str, _values: _Values, place: Place) -> str:
    """The first of two steps does not create the account yet."""
    return gettext(CONTINUE) if place.group == "profile" else ""


def _word_send_code(_id: int, _text: str, values: _Values, _place: Place) -> str:
    by_channel = {"email": SEND_CODE_BY_EMAIL, "sms": SEND_CODE_BY_PHONE}
    return _translate(by_channel.get(str(values.get("channel")), "")) % values


def _word_remove_key(id_: int, _text: str, values: _Values, _place: Place) -> str:
    """Kratos calls a key "unnamed" if its maker is unknown."""
    return gettext(REMOVE_UNNAMED[id_]) if values.get("display_name") in (None, "", "unnamed") else ""


def _word_recovered(_id: int, _text: str, values: _Values, _place: Place) -> str:
    minutes = 0
    with suppress(ValueError, TypeError):
        until = datetime.fromisoformat(str(values.get("privileged_session_expires_at")))
        minutes = math.ceil((until - datetime.now(UTC)).total_seconds() / 60)
    if not 0 < minutes <= MINUTES_SHOWN:
        return gettext(NEW_PASSWORD_FOR_RECOVERY)
    return _fill(MESSAGES[1060001], _Values(minutes=minutes))


def _word_missing(_id: int, _text: str, values: _Values, place: Place) -> str:
    if place.input_type == "checkbox":
        return gettext(TICK_THE_BOX)
    if place.input_type == "select":
        return gettext(CHOOSE_ONE)
    by_title = ASKED_FOR.get(TITLES.get(place.title.lower(), ""), "")
    return _translate(by_title or MISSING.get(str(values.get("property")), ""))


def _word_wrong_type(_id: int, _text: str, values: _Values, _place: Place) -> str:
    known = [OF_WRONG_TYPE[type_] for type_ in values.strings("allowed_types") if type_ in OF_WRONG_TYPE]
    return _translate(known[0] if known else "")


def _word_constant(_id: int, _text: str, values: _Values, place: Place) -> str:
    ticked = place.input_type == "checkbox" or str(values.get("expected")).lower() == "true"
    return gettext(TICK_THE_BOX) if ticked else ""


def _word_wrong_code(_id: int, _text: str, _values: _Values, place: Place) -> str:
    """Kratos has one message for a wrong code and for a wrong key. Sign-in with one factor has no such code."""
    is_key = place.flow == "login" and not place.step_up
    return _translate(DEVICE_NOT_ACCEPTED.get(place.group, KEY_NOT_ACCEPTED if is_key else ""))


def _word_save(_id: int, _text: str, _values: _Values, place: Place) -> str:
    return _translate(SAVE_IN_GROUP.get(place.group, ""))


def _word_no_such_device(_id: int, _text: str, _values: _Values, place: Place) -> str:
    return _translate(NO_SUCH_DEVICE.get(place.group, ""))


def _word_conflict(_id: int, _text: str, values: _Values, place: Place) -> str:
    """An account exists already with the address that a provider told; the person signs in to it to connect the two."""
    identifier = values.get("duplicate_identifier") or values.get("duplicateIdentifier") or gettext(SOMEONE)
    methods = _list_methods(values, "available_providers", place)
    named = _Values(identifier=identifier, methods=methods, provider=values.get("provider"))
    return (gettext(HOW_TO_CONNECT) if methods else gettext(SIGN_IN_TO_CONNECT)) % named


def _word_duplicate(_id: int, _text: str, values: _Values, place: Place) -> str:
    identifier = values.get("credential_identifier_hint") or gettext(SOMEONE)
    methods = _list_methods(values, "available_oidc_providers", place)
    named = _Values(identifier=identifier, methods=methods)
    return (gettext(HOW_TO_SIGN_IN) if methods else gettext(SIGN_IN_INSTEAD)) % named


def _word_reason(_id: int, text: str, values: _Values, place: Place) -> str:
    """A text for the reason. One that is not known is English: on other pages, a text for the field is better."""
    reason = str(values.get("reason") or text)
    for pattern, worded in REASONS:
        if pattern.search(reason):
            return gettext(worded)
    by_field = CHOOSE_ONE if place.input_type == "select" else CHECK_VALUE if place.input_type else NOT_UNDERSTOOD
    translated = gettext(by_field)
    return translated if translated != by_field else text


def _list_methods(values: _Values, providers_key: str, place: Place) -> str:
    """The ways to sign in as a phrase: "your password, a code or Google"; empty if none is known."""
    methods = values.strings("available_credential_types")
    providers = [_name_provider(id_, place) for id_ in values.strings(providers_key)]
    words = [str(METHODS[method]) for method in METHODS if method in methods and method != "oidc"]
    words += providers or ([str(METHODS["oidc"])] if "oidc" in methods else [])
    if not words:
        return ""
    *first, last = words
    listed = ""
    for word in first:
        listed = str(LIST_COMMA) % {"first": listed, "second": word} if listed else word
    return str(LIST_OR) % {"first": listed, "last": last} if listed else last


def _name_provider(id_: str, place: Place) -> str:
    if name := place.providers.get(id_):
        return name
    short = RANDOM_SUFFIX.sub("", id_)
    return PROVIDERS.get(short.lower(), short.replace("-", " ").replace("_", " ").title())


REWORDED: dict[int, Callable[[int, str, _Values, Place], str]] = {
    1010016: _word_conflict,
    1010023: _word_send_code,
    1040001: _word_sign_up,
    1050018: _word_remove_key,
    1050020: _word_remove_key,
    1060001: _word_recovered,
    1070001: _word_password,
    1070003: _word_save,
    FREE_TEXT: _word_reason,
    4000002: _word_missing,
    4000008: _word_wrong_code,
    4000015: _word_no_such_device,
    4000026: _word_wrong_type,
    4000028: _word_duplicate,
    4000029: _word_constant,
}
