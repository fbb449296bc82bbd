"""How Kratos reads the hashes of passwords: the rules of its hash/hash_comparator.go and hash_limits.go, in Python."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable


class UnreadableHashError(Exception):
    """A person with this hash can never sign in."""


def read_hash(value: str) -> Callable[[str], bool] | None:
    """A function that says whether a password matches; ``None`` if this module only knows that Kratos can read it.

    Raises :class:`UnreadableHashError` if Kratos' decoder fails, or if a newer Kratos refuses the costs.
    """
    for prefix, check in ((r"\$2[abzy]?\$", _check_bcrypt), (r"\$argon2id?\$", _check_argon2)):
        if re.match(prefix, value):
            check(value)
            return None
    for prefix, read in ((r"\$pbkdf2-sha[0-9]{1,3}\$", _read_pbkdf2), (r"\$scrypt\$", _read_scrypt)):
        if re.match(prefix, value):
            return read(value)
    if re.match(r"\$md5\$|\$sha1\$", value):
        return _read_digest(value)
    raise UnreadableHashError("an unknown prefix fails the whole batch")


def _check_bcrypt(value: str) -> None:
    # golang.org/x/crypto/bcrypt compares the texts, so the last bits of the digest count.
    found = re.fullmatch(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{22}([./A-Za-z0-9]{31})", value)
    _require(found is not None)
    assert found
    _require(4 <= int(found[1]) <= 15)
    _require(found[2][-1] in ".CGKOSWaeimquy26")


def _check_argon2(value: str) -> None:
    parts = value.split("$")
    _require(len(parts) == 6 and parts[2] == "v=19")
    costs = _scan(r"m=(\d+),t=(\d+),p=(\d+)", parts[3])
    memory, time, lanes = costs
    _require(0 < memory <= 1 << 20 and 0 < time <= 10 and 0 < lanes <= 16)
    _require(bool(_decode_raw(parts[4])) and bool(_decode_raw(parts[5])))


def _read_pbkdf2(value: str) -> Callable[[str], bool]:
    parts = value.split("$")
    _require(len(parts) == 5)
    rounds, length = _scan(r"i=(\d+),l=(\d+)", parts[2])
    salt, digest = _decode_raw(parts[3]), _decode_raw(parts[4])
    algorithm = parts[1].partition("-")[2]
    _require(0 < rounds <= 10_000_000 and length == len(digest) and algorithm in hashlib.algorithms_available)
    return lambda password: hashlib.pbkdf2_hmac(algorithm, password.encode(), salt, rounds, len(digest)) == digest


def _read_scrypt(value: str) -> Callable[[str], bool]:
    parts = value.split("$")
    _require(len(parts) == 5)
    n, r, p = _scan(r"ln=(\d+),r=(\d+),p=(\d+)", parts[2])
    salt, digest = _decode_padded(parts[3]), _decode_padded(parts[4])
    _require(1 < n <= 1 << 17 and not n & (n - 1) and 0 < r <= 8 and 0 < p <= 10)
    return lambda password: (
        hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, dklen=len(digest), maxmem=1 << 28) == digest
    )


def _read_digest(value: str) -> Callable[[str], bool]:
    parts = value.split("$")
    algorithm = parts[1]
    if len(parts) == 3 and algorithm == "md5":
        template, salt = b"{PASSWORD}", b""
    else:
        _require(len(parts) == 5 and parts[2].startswith("pf="))
        template, salt = _decode_padded(parts[2].removeprefix("pf=")), _decode_padded(parts[3])
    digest = _decode_padded(parts[-1])
    _require(len(digest) == hashlib.new(algorithm, usedforsecurity=False).digest_size)

    def matches(password: str) -> bool:
        values = {b"{SALT}": salt, b"{PASSWORD}": password.encode()}
        text = re.sub(rb"\{SALT\}|\{PASSWORD\}", lambda found: values[found[0]], template)
        return hashlib.new(algorithm, text, usedforsecurity=False).digest() == digest

    return matches


def _require(condition: bool) -> None:
    if not condition:
        raise UnreadableHashError


def _scan(pattern: str, text: str) -> tuple[int, ...]:
    found = re.fullmatch(pattern, text, re.ASCII)
    _require(found is not None)
    assert found
    return tuple(int(number) for number in found.groups())


def _decode_raw(text: str) -> bytes:
    """Go's ``RawStdEncoding.Strict()``: without padding."""
    _require("=" not in text)
    return _decode(text + "=" * (-len(text) % 4), text)


def _decode_padded(text: str) -> bytes:
    """Go's ``StdEncoding.Strict()``: with padding."""
    return _decode(text, text.rstrip("="))


def _decode(padded: str, unpadded: str) -> bytes:
    try:
        raw = base64.b64decode(padded, validate=True)
    except ValueError:
        raise UnreadableHashError from None
    _require(base64.b64encode(raw).decode().rstrip("=") == unpadded)
    return raw
