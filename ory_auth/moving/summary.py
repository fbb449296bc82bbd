"""What a run counts, and how the command shows it. No text contains anything of a person but the primary key."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from .notices import Notice
from .people import Person
from .results import NotImported, Result

EXAMPLES = 5  # primary keys that are shown for one reason
INDENT = " " * 11
WARNINGS_HEADING = "Imported, with something to know"
LOOKS_LIKE_AN_ADDRESS = re.compile(r"[^@]+@[^@]+\.[^@]+\Z")
VERIFIED = "verified"
NOT_VERIFIED = "not verified (--verified says which ones your site has verified)"
PASSWORD_OUTCOMES = {
    "hash": "moves",
    "hook": "moves at the first sign-in (password migration hook)",
    "none": "no password at Ory",
}


@dataclass
class NoticeGroup:
    """The people with the same notice: how many, and who the first are."""

    notice: Notice
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def lines(self, width: int, examples: str) -> Iterator[str]:
        more = ", …" if self.count > len(self.examples) else ""
        yield from _wrap(f"  {self.count:>7,}  ", self.notice.text, width)
        yield from _wrap(INDENT, self.notice.fix, width)
        yield from _wrap(INDENT, f"{examples}: {', '.join(self.examples)}{more}", width)


class Notices:
    """The same notices of different people, counted."""

    def __init__(self, examples: str = "Primary keys") -> None:
        """``examples`` says what :meth:`add` gets."""
        self._examples = examples
        self._groups: dict[Notice, NoticeGroup] = {}

    def add(self, notice: Notice, example: str) -> None:
        group = self._groups.setdefault(notice, NoticeGroup(notice))
        group.count += 1
        if len(group.examples) < EXAMPLES:
            group.examples.append(example)

    def lines(self, heading: str, width: int) -> list[str]:
        """The most frequent first; nothing if there are none."""
        groups = sorted(self._groups.values(), key=lambda group: -group.count)
        return (
            ["", heading, *(line for group in groups for line in group.lines(width, self._examples))] if groups else []
        )


@dataclass
class Tally:
    """What became of the people so far."""

    created: int = 0
    found: int = 0  # at Ory, from an earlier run that was interrupted
    failed: int = 0
    hooks: int = 0  # people whose password this site checks at their first sign-in
    failures: Notices = field(default_factory=Notices)
    warnings: Notices = field(default_factory=Notices)

    @property
    def imported(self) -> int:
        return self.created + self.found

    def add(self, result: Result) -> None:
        person = result.person
        if isinstance(result, NotImported):
            self.failed += 1
            self.failures.add(result.notice, person.external_id)
            return
        self.created += result.is_new
        self.found += not result.is_new
        self.hooks += person.password == "hook"
        for warning in person.warnings:
            self.warnings.add(warning, person.external_id)


@dataclass
class Plan:
    """What would become of the people: how their passwords, second factors and social accounts move."""

    people: int = 0
    hooks: int = 0  # people whose password this site checks at their first sign-in
    passwords: Counter[tuple[str, str]] = field(default_factory=Counter)
    second_factors: Counter[str] = field(default_factory=Counter)
    providers: Counter[str] = field(default_factory=Counter)
    addresses: Counter[str] = field(default_factory=Counter)
    warnings: Notices = field(default_factory=Notices)

    def add(self, person: Person, warnings: Iterable[Notice]) -> None:
        self.people += 1
        self.hooks += person.password == "hook"
        self.passwords[person.hasher, person.password] += 1
        self.second_factors.update(person.second_factors)
        self.providers.update(person.providers)
        if "verifiable_addresses" in person.body:
            self.addresses[VERIFIED] += 1
        elif any(LOOKS_LIKE_AN_ADDRESS.match(name) for name in person.identifiers):
            self.addresses[NOT_VERIFIED] += 1
        for warning in warnings:
            self.warnings.add(warning, person.external_id)

    def lines(self, width: int) -> list[str]:
        passwords = [
            (f"{hasher:<20} {PASSWORD_OUTCOMES.get(outcome, outcome)}", number)
            for (hasher, outcome), number in self.passwords.most_common()
        ]
        return [
            *_table("Passwords", passwords),
            *_table("Second factors that move", self.second_factors.most_common()),
            *_table("Social accounts that move", self.providers.most_common()),
            *_table("E-mail addresses", self.addresses.most_common()),
            *self.warnings.lines(WARNINGS_HEADING, width),
        ]


def _table(heading: str, rows: Sequence[tuple[str, int]]) -> Iterable[str]:
    return ["", heading, *(f"  {number:>7,}  {text}" for text, number in rows)] if rows else []


def _wrap(first: str, text: str, width: int) -> Iterable[str]:
    return textwrap.wrap(text, width, initial_indent=first, subsequent_indent=INDENT)
