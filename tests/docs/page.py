"""A page of the documents, as what its reader does: writes files, types commands, goes somewhere with a browser.

The blocks are found by the parser that the site is built with, and say what they are in their own text:

- a block whose first line is a comment that names a file is that file; ``# mysite/settings.py, at the end`` adds to it
- in a ``console`` block, a line that begins with ``$`` is typed, and what follows is what it prints (``...``: anything)
- ``<!-- reader: ... -->`` is what the reader does in the browser there (:mod:`tests.docs.reader`), and
  ``<!-- somebody else: ... -->`` (or ``a third``) what happens in another browser
- ``<!-- not run: why -->`` stands before a block that no test can run, and ``<!-- begins with: the tutorial -->`` (or
  ``the shop``, the project beside this module) before the first block of a page that needs a project
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
COMMENT = re.compile(
    r"<!--\s*(?P<kind>reader|somebody else|a third|not run|begins with):\s*(?P<text>.*?)\s*-->", re.DOTALL
)
FILE = re.compile(r"^(?:#|//|\{#|<!--|/\*)\s*(?P<path>[\w./-]+\.\w+)(?P<end>, at the end)?\s*(?:#\}|-->|\*/)?$")


@dataclass(frozen=True)
class Step:
    """Something to do, and the line of the page that says so."""

    line: int


@dataclass(frozen=True)
class File(Step):
    path: str
    text: str
    at_the_end: bool


@dataclass(frozen=True)
class Command(Step):
    text: str
    prints: str


@dataclass(frozen=True)
class Deed(Step):
    """What somebody does with their browser."""

    who: str
    text: str


@dataclass(frozen=True)
class NotRun(Step):
    reason: str


@dataclass(frozen=True)
class Beginning(Step):
    project: str


@dataclass(frozen=True)
class Unknown(Step):
    """A block of which nothing says what to do with it."""

    language: str


def steps(path: Path) -> Iterator[Step]:
    """Everything that a reader of this page does, in order."""
    reason = ""
    for token in MarkdownIt("commonmark").parse(path.read_text(encoding="utf-8")):
        line = (token.map or [0])[0] + 1
        if token.type == "html_block" and not token.content.startswith("<img "):  # a picture
            found = COMMENT.match(token.content)
            if found is None:
                yield Unknown(line, "HTML")
                continue
            text = " ".join(found["text"].split())
            match found["kind"]:
                case "not run":
                    reason = text
                case "begins with":
                    yield Beginning(line, text)
                case who:
                    yield Deed(line, who, text)
        elif token.type in {"fence", "code_block"}:
            if reason:
                yield NotRun(line, reason)
            elif not token.info.startswith("{"):  # a directive of the site: a table of contents, a note
                yield from _block(line, token.info.strip(), token.content)
            reason = ""


def _block(line: int, language: str, content: str) -> Iterator[Step]:
    first = content.partition("\n")[0]
    if language == "console":
        yield from _commands(line, content)
    elif found := FILE.match(first):
        yield File(line, found["path"], content, bool(found["end"]))
    else:
        yield Unknown(line, language)


def _commands(line: int, content: str) -> Iterator[Step]:
    typed, printed, begun = "", "", 0
    for number, text in enumerate([*content.splitlines(), "$ "], line + 1):
        if text.startswith("$ "):
            if typed:
                yield Command(begun, typed, printed)
            typed, printed, begun = text[2:], "", number
        elif text.startswith("> "):
            typed = f"{typed}\n{text[2:]}"
        else:
            printed += f"{text}\n"
