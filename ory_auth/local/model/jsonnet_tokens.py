"""The tokens of Jsonnet."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from .jsonnet_library import JsonnetError

KEYWORDS = ("local", "if", "then", "else", "function", "error", "null", "true", "false", "in", "for")
TOKEN = re.compile(
    r"""
    (?P<space> \s+ | //[^\n]* | \#[^\n]* | /\*.*?\*/ )
  | (?P<number> \d+(\.\d+)?([eE][-+]?\d+)? )
  | (?P<text> "(\\.|[^"\\])*" | '(\\.|[^'\\])*' )
  | (?P<name> [A-Za-z_]\w* )
  | (?P<symbol> \|\| | && | == | != | <= | >= | ::: | :: | [-+*/%!<>=.,;:()\[\]{}] )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """`kind` is "number", "text", "name", "symbol" (also for keywords) or "end". `value` is that of a constant."""

    kind: str
    text: str
    start: int
    value: Any = None


def tokenize(source: str) -> list[Token]:
    """Raises `JsonnetError` if a character belongs to no token."""
    tokens, position = [], 0
    while position < len(source):
        found = TOKEN.match(source, position)
        if found is None:
            raise JsonnetError(f"unexpected character {source[position]!r}")
        if found.lastgroup != "space":
            tokens.append(_make_token(str(found.lastgroup), found[0], position))
        position = found.end()
    return [*tokens, Token("end", "", position)]


def _make_token(kind: str, text: str, start: int) -> Token:
    if kind == "name" and text in KEYWORDS:
        return Token("symbol", text, start)
    if kind == "number":
        return Token(kind, text, start, json.loads(text))
    if kind == "text":
        value = _parse_text(text)
        return Token(kind, value, start, value)
    return Token(kind, text, start)


def _parse_text(text: str) -> str:
    """The value of a string literal, whose escapes are those of JSON and the quotation marks."""
    inner = text[1:-1].replace("\\'", "'")
    inner = re.sub(r'(?<!\\)"', r"\"", inner) if text[0] == "'" else inner
    inner = inner.replace("\n", "\\n").replace("\t", "\\t")
    value: str = json.loads(f'"{inner}"')
    return value
