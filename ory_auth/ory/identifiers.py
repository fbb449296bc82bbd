"""The identifiers of identities: the e-mail addresses, usernames and phone numbers with which people sign in."""

from __future__ import annotations


def normalize_identifier(text: str) -> str:
    """The text as Kratos stores and compares it: trimmed, and in lower case letter by letter, as Go does it.

    Python's ``lower()`` turns ``İ`` (U+0130) into two letters. Go turns it into ``i``.
    """
    return "".join("i" if letter == "İ" else letter.lower() for letter in text.strip())
