"""The seed file: identities for a local Ory to begin with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FIELDS: dict[str, tuple[type, str]] = {
    # name → Python type, description for error messages
    "email": (str, "text"),
    "password": (str, "text"),
    "traits": (dict, "an object"),
    "totp": (str, "text, a secret in base32"),
    "lookup_codes": (list, "a list of codes"),
    "social": (dict, "an object: the ID of a provider → the ID of the account there"),
    "metadata_public": (object, "anything"),
    "state": (str, "text"),
    "verified": (bool, "true or false"),
    "note": (str, "text"),
}


class SeedFileError(ValueError):
    """The file cannot be used. The text names the entry and the mistake."""


def read_seed_file(path: Path) -> list[dict[str, Any]]:
    """The entries of the file: arguments for `LocalOry.create_identity`, and a `note` for people who read the file.

    Raises `SeedFileError` if the file is unreadable or an entry is wrong.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SeedFileError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SeedFileError(f"{path} is not valid JSON: {error}") from None
    if not isinstance(entries, list):
        raise SeedFileError(f"{path} does not contain a list")
    for number, entry in enumerate(entries, 1):
        if mistake := _find_mistake(entry):
            raise SeedFileError(f"{path}, entry {number}: {mistake}")
    return entries


def _find_mistake(entry: Any) -> str:
    """A description of the first mistake, empty if there is none."""
    if not isinstance(entry, dict):
        return "it is not an object"
    for name, value in entry.items():
        if name not in FIELDS:
            return f"{name!r} is unknown. The fields are: {', '.join(FIELDS)}"
        expected_type, description = FIELDS[name]
        if not isinstance(value, expected_type):
            return f"{name!r} must be {description}"
    return ""
