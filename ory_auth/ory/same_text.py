"""Whether two texts are the same address or name.

A database must not decide that. PostgreSQL's ``UPPER()`` turns ``ı`` (U+0131) into ``I``, and MySQL's usual collations
ignore accents, so different people would have the same address. Code that finds rows by a text compares it here.
"""

from __future__ import annotations

import string

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def is_same_text(one: object, other: object) -> bool:
    """Whether both are texts that are equal apart from the case of ASCII letters."""
    return isinstance(one, str) and isinstance(other, str) and one.translate(_LOWER) == other.translate(_LOWER)
