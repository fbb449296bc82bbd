"""Parses Ory's JSON within the limits of Python.

If the identity schema leaves a part of the traits open, people may nest a trait thousands of levels deep there. Ory
accepts that, and numbers of thousands of digits from its admins. Python refuses both, so one person would make a list
unreadable.
"""

from __future__ import annotations

import json
import re
from typing import Any

MAX_DEPTH = 100
_BRACKETS = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[][{}]', re.DOTALL)


def load_json(body: bytes) -> Any:
    """The value. What is nested deeper than :data:`MAX_DEPTH`, and integers that are too long, become ``None``.

    Raises ``ValueError`` if it is not JSON.
    """
    return json.loads(_remove_deep_values(body) if _may_be_deep(body) else body, parse_int=_read_integer)


def _read_integer(digits: str) -> int | None:
    try:
        return int(digits)
    except ValueError:  # of too many digits
        return None


def _may_be_deep(body: bytes) -> bool:
    """Fast, and also true for some bodies with brackets in texts."""
    brackets = body.translate(None, _OTHERS)
    for _ in range(MAX_DEPTH):
        inner = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if len(inner) == len(brackets):
            break
        brackets = inner
    return bool(brackets)


def _remove_deep_values(body: bytes) -> bytes:
    parts, depth, start = [], 0, 0
    for token in _TOKENS.finditer(body):
        if token[0] in (b"[", b"{"):
            depth += 1
            if depth == MAX_DEPTH + 1:
                parts.append(body[start : token.start()] + b"null")
        elif token[0] in (b"]", b"}"):
            if depth == MAX_DEPTH + 1:
                start = token.end()
            depth -= 1
    return b"".join([*parts, body[start:]])
