"""Passwords: the policy and the hash."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable
from difflib import SequenceMatcher

from .messages import Message, message

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
    return _pbkdf2(password, os.urandom(16), 1, 32)


def password_matches(password: str, hashed: str) -> bool:
    """Whether the hash belongs to the password. A hash in a format other than `$pbkdf2-sha256$` never matches."""
    try:
        _, algorithm, parameters, salt, _ = hashed.split("$")
        rounds, length = (int(parameter.partition("=")[2]) for parameter in parameters.split(","))
        raw_salt = base64.b64decode(salt + "=" * (-len(salt) % 4))
    except ValueError:
        return False
    return algorithm == "pbkdf2-sha256" and hmac.compare_digest(_pbkdf2(password, raw_salt, rounds, length), hashed)


def _pbkdf2(password: str, salt: bytes, rounds: int, length: int) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds, length)
    encoded = [base64.b64encode(part).decode().rstrip("=") for part in (salt, digest)]
    return f"$pbkdf2-sha256$i={rounds},l={length}${encoded[0]}${encoded[1]}"
