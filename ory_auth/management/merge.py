"""A three-way merge of texts, line by line, as ``git merge-file`` does it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

CONFLICT_MARKER = "<<<<<<< your version"


class Merged(NamedTuple):
    """The merged text. ``conflicts`` is the number of places that need a decision; both versions are in the text."""

    text: str
    conflicts: int


class _Region(NamedTuple):
    """Lines that are the same in all three texts: where they start, and how many they are."""

    base: int
    mine: int
    theirs: int
    length: int


def merge(base: str, mine: str, theirs: str) -> Merged:
    """Apply what changed from ``base`` to ``theirs`` to ``mine``."""
    old, own, new = (text.splitlines(keepends=True) for text in (base, mine, theirs))
    lines: list[str] = []
    conflicts = base_end = mine_end = theirs_end = 0
    for region in _same_in_all(old, own, new):
        before = old[base_end : region.base]
        ours, changed = own[mine_end : region.mine], new[theirs_end : region.theirs]
        if changed == before or ours == changed:
            lines += ours
        elif ours == before:
            lines += changed
        else:
            conflicts += 1
            lines += [f"{CONFLICT_MARKER}\n", *_ended(ours), "=======\n", *_ended(changed), ">>>>>>> django-ory\n"]
        lines += old[region.base : region.base + region.length]
        base_end, mine_end, theirs_end = (start + region.length for start in region[:3])
    return Merged("".join(lines), conflicts)


def _ended(lines: list[str]) -> list[str]:
    """The lines, the last one with a line break: a marker follows it."""
    return [line if line.endswith("\n") else f"{line}\n" for line in lines]


def _same_in_all(base: list[str], mine: list[str], theirs: list[str]) -> Iterator[_Region]:
    """The regions that both versions have kept, in order. The last one is the empty region at the end."""
    in_mine = SequenceMatcher(None, base, mine, autojunk=False).get_matching_blocks()
    in_theirs = SequenceMatcher(None, base, theirs, autojunk=False).get_matching_blocks()
    for one in in_mine:
        for other in in_theirs:
            start = max(one.a, other.a)
            length = min(one.a + one.size, other.a + other.size) - start
            if length > 0:
                yield _Region(start, one.b + start - one.a, other.b + start - other.a, length)
    yield _Region(len(base), len(mine), len(theirs), 0)
