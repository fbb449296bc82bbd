"""Users who would have the same sign-in name at Ory."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from typing import Protocol

from .notices import Notice

SAME = Notice(
    "duplicate_identifier",
    "Another user has the same e-mail address or username, apart from upper and lower case. Ory allows it only once.",
    "Merge the two users, or give one of them another address or username.",
)
LOOK_ALIKE = Notice(
    "look_alike_identifier",
    "Another user has an e-mail address or username that looks the same, but has other characters (accents, letters of "
    "another width). Some databases treat them as equal, and people confuse them.",
    "Check whether both belong to one person. If Ory reports a conflict, change one of them.",
)


def _skeleton(text: str) -> str:
    """The same text for those that look alike: without accents and widths, and with a dot on each i."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", text).casefold().replace("ı", "i")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


class _HasIdentifiers(Protocol):
    @property
    def external_id(self) -> str: ...
    @property
    def identifiers(self) -> tuple[str, ...]: ...


MAX_OTHERS = 10  # users that are named to one of them, as many may have the same placeholder


class Duplicates:
    """The identifiers of all users who have been added, as digests: about 300 bytes for each user."""

    def __init__(self) -> None:
        self._owners: dict[bytes, str] = {}  # the primary key of the first
        self._shared: dict[bytes, list[str]] = {}

    def add(self, person: _HasIdentifiers) -> None:
        for key in self._keys(person.identifiers):
            first = self._owners.setdefault(key, person.external_id)
            if first != person.external_id:
                owners = self._shared.setdefault(key, [first])
                if len(owners) <= MAX_OTHERS and person.external_id not in owners:
                    owners.append(person.external_id)

    def others(self, person: _HasIdentifiers) -> tuple[str, ...]:
        """The primary keys of other users who were added with the same identifiers, the first ones."""
        keys = [_digest("same", text) for text in person.identifiers]
        found = dict.fromkeys(owner for key in keys for owner in self._shared.get(key, ()))
        return tuple(owner for owner in found if owner != person.external_id)[:MAX_OTHERS]

    def problems_of(self, person: _HasIdentifiers) -> tuple[Notice, ...]:
        """Problems if another user who was added has the same identifier."""
        return (SAME,) if any(_digest("same", text) in self._shared for text in person.identifiers) else ()

    def warnings_of(self, person: _HasIdentifiers) -> tuple[Notice, ...]:
        """Warnings if another user has an identifier that only looks the same."""
        if self.problems_of(person):
            return ()
        shared = any(_digest("alike", _skeleton(text)) in self._shared for text in person.identifiers)
        return (LOOK_ALIKE,) if shared else ()

    def _keys(self, identifiers: Iterable[str]) -> set[bytes]:
        return {key for text in identifiers for key in (_digest("same", text), _digest("alike", _skeleton(text)))}


def _digest(kind: str, text: str) -> bytes:
    return hashlib.blake2b(f"{kind} {text}".encode(errors="surrogatepass"), digest_size=16).digest()
