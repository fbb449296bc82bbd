"""Passwords: the policy and the hash."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable
from difflib import SequenceMatcher

from .messages import Message, message
from .password_hashes import MAX_BCRYPT_BYTES, is_bcrypt

MIN_LENGTH = 8


def check_password_policy(password: str, identifiers: Iterable[str]) -> Message | None:
    """The error if Kratos' policy refuses the password. https://www.ory.com/docs/kratos/concepts/security#password-policy"""
    if not password:
        return message(4000002, property="password")
    if len(password) < MIN_LENGTH:
        return message(4000032, min_length=MIN_LENGTH, actual_length=len(password))
    if any(_is_similar(password.lower(), identifier) for identifier in identifiers):
        return message(4000031)
    return None


def _is_similar(password: str, identifier: str) -> bool:
    shared = SequenceMatcher(None, password, identifier).find_longest_match().size
    return shared > len(password) / 2


def hash_password(password: str) -> str:
    """A hash in a format that Kratos can import. One round is enough for passwords of tests and demos."""
    salt = os.urandom(16)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1, 32)
    encoded = [base64.b64encode(part).decode().rstrip("=") for part in (salt, digest)]
    return f"$pbkdf2-sha256$i=1,l=32${encoded[0]}${encoded[1]}"


def rehash_after_sign_in(password: str, hashed: str) -> str | None:
    """The hash that replaces an imported one after the first sign-in. `None` if it stays.

    Kratos with its default hasher keeps bcrypt hashes, and cannot hash a password of more than 72 bytes.
    """
    own = hashed.startswith("$pbkdf2-sha256$i=1,")
    if own or is_bcrypt(hashed) or len(password.encode()) > MAX_BCRYPT_BYTES:
        return None
    return hash_password(password)
