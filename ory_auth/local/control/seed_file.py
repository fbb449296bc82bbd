"""People for a local Ory, from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

KINDS: dict[str, tuple[type, str]] = {
    "email": (str, "text"),
    "password": (str, "text"),
    "traits": (dict, "an object"),
    "totp": (str, "text, a secret in base32"),
    "lookup_codes": (list, "a list of codes"),
    "metadata_public": (object, "anything"),
    "state": (str, "text"),
    "verified": (bool, "true or false"),
    "note": (str, "text"),
}


class PeopleError(ValueError):
    """The file is no list of people; the text says why, and in which entry."""


def read_people(path: Path) -> list[dict[str, Any]]:
    """What `LocalOry.create_identity` takes, one for each entry; and a `note`, for whoever reads the file.

    Raises `PeopleError` for a file that cannot be read or that holds anything else.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PeopleError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise PeopleError(f"{path} is no JSON: {error}") from None
    if not isinstance(entries, list):
        raise PeopleError(f"{path} holds no list")
    for number, entry in enumerate(entries, 1):
        if wrong := _wrong(entry):
            raise PeopleError(f"{path}, entry {number}: {wrong}")
    return entries


def _wrong(entry: Any) -> str:
    if not isinstance(entry, dict):
        return "it is no object"
    for name, value in entry.items():
        if name not in KINDS:
            return f"{name!r} is unknown; known are {', '.join(KINDS)}"
        kind, wanted = KINDS[name]
        if not isinstance(value, kind):
            return f"{name!r} has to be {wanted}"
    return ""
