"""Fields of `Config` as text: the option `--set NAME=VALUE` of `ory_local`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..model.config import Config

FIELD_TYPES = {field.name: str(field.type) for field in fields(Config)}
FILE_PREFIX = "@"  # of a value that is in a file
JSON_TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    # annotation → Python type of the JSON value, description for error messages
    "bool": (bool, "true or false"),
    "int": (int, "a whole number"),
    "float": ((int, float), "a number of seconds"),
    "str": (str, "text"),
    "tuple": (list, 'a list such as ["a", "b"]'),
    "dict": (dict, "an object"),
}


class ConfigOptionError(ValueError):
    """An option cannot be used. The text names the field and the mistake."""


def parse_config_options(options: Iterable[str]) -> dict[str, Any]:
    """The fields in options such as `recovery_use=link`. The value is JSON, text without quotes, or `@FILE`.

    Raises `ConfigOptionError` if there is no such field, or if the value has the wrong type.
    """
    return dict(_parse(option) for option in options)


def _parse(option: str) -> tuple[str, Any]:
    name, equals, text = option.partition("=")
    if not equals:
        raise ConfigOptionError(f"{option!r} is not NAME=VALUE")
    if name not in FIELD_TYPES:
        similar = get_close_matches(name, FIELD_TYPES, 1)
        hint = f"Did you mean {similar[0]!r}?" if similar else "The names are the fields of ory_auth.local.Config."
        raise ConfigOptionError(f"{name!r} is unknown. {hint}")
    value = _read_json(_read_file(text) if text.startswith(FILE_PREFIX) else text)
    annotation = FIELD_TYPES[name]
    if value is None and annotation.endswith("| None"):
        return name, None
    expected, description = JSON_TYPES[annotation.partition("[")[0].removesuffix(" | None")]
    if expected is str and not isinstance(value, str):
        value = text
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        raise ConfigOptionError(f"{name!r} must be {description}, not {text!r}")
    return name, tuple(value) if isinstance(value, list) else value


def _read_file(option: str) -> str:
    """The content of the file in `@FILE`."""
    path = option.removeprefix(FILE_PREFIX)
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigOptionError(f"{path!r} cannot be read: {error}") from None


def _read_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
