"""From Django's encoded passwords to the hashes that Ory imports. Pure functions, without settings and I/O.

Kratos 26.2.0 checks only how a hash begins. If anything behind that is wrong, it answers 201 and the person can never
sign in; and one hash that it refuses fails a whole batch. So a hash is sent only if it is exactly as Django writes it,
and within the cost limits of newer versions of Kratos.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, field

# The limits of Kratos' hash/hash_limits.go, which Ory Network enforces.
MAX_PBKDF2_ITERATIONS = 10_000_000
MAX_SCRYPT = {"n": 1 << 17, "r": 8, "p": 10}
MAX_ARGON2 = {"m": 1 << 20, "t": 10, "p": 16}  # m in KiB
MAX_BCRYPT_COST = 15

_SALTED = base64.b64encode(b"{SALT}{PASSWORD}").decode()  # how Kratos combines the two before it hashes
_UNSALTED = base64.b64encode(b"{PASSWORD}").decode()
_BCRYPT = re.compile(
    r"\$2(?P<kind>[abxy])\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]"
)
_ARGON2_COSTS = re.compile(r"m=([1-9][0-9]*),t=([1-9][0-9]*),p=([1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class ConvertedHash:
    """A hash for ``credentials.password.config.hashed_password``."""

    hasher: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MigrationHook:
    """Only Django can check this hash: Ory asks this site when the person signs in."""

    hasher: str


@dataclass(frozen=True, slots=True)
class NoPassword:
    """The user has no password, or one that Django made unusable."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The hash is damaged: Django cannot check it either. ``reason`` contains no part of the hash."""

    hasher: str
    reason: str


ConvertedPassword = ConvertedHash | MigrationHook | NoPassword | Refused


class _DamagedHashError(Exception):
    """The text says what is wrong."""


class _OnlyDjangoCanCheckError(Exception):
    """The hash may be intact, but Ory cannot check it."""


def convert_hash(encoded: str | None) -> ConvertedPassword:
    """What becomes of the value of a user's ``password`` field at Ory.

    Follows https://www.ory.com/docs/kratos/manage-identities/import-user-accounts-identities.
    """
    if not encoded or encoded.startswith("!"):
        return NoPassword()
    hasher, convert = _converter_of(encoded)
    if convert is None:
        return MigrationHook(hasher) if hasher else Refused("", "it does not begin with the name of a hasher")
    try:
        return ConvertedHash(hasher, convert(encoded))
    except _OnlyDjangoCanCheckError:
        return MigrationHook(hasher)
    except _DamagedHashError as error:
        reason = str(error)
    return Refused(hasher, reason)  # not in the except block: its frames hold the hash


def _converter_of(encoded: str) -> tuple[str, Callable[[str], str] | None]:
    """The name of the hasher and its converter, chosen as Django's ``identify_hasher()`` does."""
    if "$" not in encoded:
        return ("unsalted_md5", _convert_unsalted_md5) if len(encoded) == 32 else ("", None)
    name = encoded.partition("$")[0]
    if encoded.startswith("md5$$"):
        return "unsalted_md5", _convert_unsalted_md5
    if encoded.startswith("sha1$$"):
        return "unsalted_sha1", _convert_unsalted_sha1
    return name, _CONVERTERS.get(name)


def _convert_pbkdf2(encoded: str) -> str:
    name, iterations, salt, digest = _split(encoded, 4)
    rounds = _read_number(iterations, "the number of iterations")
    raw = _decode_base64(digest, {"pbkdf2_sha256": 32, "pbkdf2_sha1": 20}[name])
    if rounds > MAX_PBKDF2_ITERATIONS:
        raise _OnlyDjangoCanCheckError
    algorithm = name.removeprefix("pbkdf2_")
    return f"$pbkdf2-{algorithm}$i={rounds},l={len(raw)}${_encode_unpadded(_read_salt(salt))}${_encode_unpadded(raw)}"


def _convert_argon2(encoded: str) -> str:
    variety, *rest = _split(encoded, None)[1:]
    if variety not in {"argon2i", "argon2id"} or rest[:1] != ["v=19"]:
        if variety not in {"argon2i", "argon2id", "argon2d"} or not rest or not re.match("v=1[69]$|m=", rest[0]):
            raise _DamagedHashError("the variety or the version is not one of Argon2")
        raise _OnlyDjangoCanCheckError  # Argon2d, or version 1.0, which Kratos does not know
    if len(rest) != 4:
        raise _DamagedHashError("the number of its parts is wrong")
    costs = _ARGON2_COSTS.fullmatch(rest[1])
    if costs is None:
        raise _DamagedHashError("the costs are not m=…,t=…,p=…")
    memory, time, lanes = (int(number) for number in costs.groups())
    if memory < 8 * lanes:
        raise _DamagedHashError("the memory cost is too small")
    salt, digest = (_decode_unpadded(part) for part in rest[2:])
    if len(salt) < 8:
        raise _DamagedHashError("the salt is too short")
    if len(digest) not in {16, 32}:  # what older and newer versions of argon2-cffi create by default
        raise _OnlyDjangoCanCheckError
    if memory > MAX_ARGON2["m"] or time > MAX_ARGON2["t"] or lanes > MAX_ARGON2["p"]:
        raise _OnlyDjangoCanCheckError
    return encoded.removeprefix("argon2")


def _convert_bcrypt(encoded: str) -> str:
    value = encoded.removeprefix("bcrypt$")
    parts = _BCRYPT.fullmatch(value)
    if parts is None or int(parts["cost"]) not in range(4, 32):
        raise _DamagedHashError("it is not '$2b$', a cost, and 53 characters")
    if parts["kind"] == "x" or int(parts["cost"]) > MAX_BCRYPT_COST:
        raise _OnlyDjangoCanCheckError
    return value


def _convert_scrypt(encoded: str) -> str:
    _, work_factor, salt, block_size, parallelism, digest = _split(encoded, 6)
    n = _read_number(work_factor, "the work factor")
    r = _read_number(block_size, "the block size")
    p = _read_number(parallelism, "the parallelism")
    if n < 2 or n & (n - 1):
        raise _DamagedHashError("the work factor is not a power of 2")
    raw = _decode_base64(digest, 64)
    if n > MAX_SCRYPT["n"] or r > MAX_SCRYPT["r"] or p > MAX_SCRYPT["p"]:
        raise _OnlyDjangoCanCheckError
    return f"$scrypt$ln={n},r={r},p={p}${_encode(_read_salt(salt))}${_encode(raw)}"


def _convert_salted_digest(encoded: str) -> str:
    name, salt, digest = _split(encoded, 3)
    raw = _decode_hex(digest, {"md5": 16, "sha1": 20}[name])
    return f"${name}$pf={_SALTED}${_encode(_read_salt(salt))}${_encode(raw)}"


def _convert_unsalted_md5(encoded: str) -> str:
    return f"$md5${_encode(_decode_hex(encoded.removeprefix('md5$$'), 16))}"


def _convert_unsalted_sha1(encoded: str) -> str:
    return f"$sha1$pf={_UNSALTED}$${_encode(_decode_hex(encoded.removeprefix('sha1$$'), 20))}"


_CONVERTERS: dict[str, Callable[[str], str]] = {
    "pbkdf2_sha256": _convert_pbkdf2,
    "pbkdf2_sha1": _convert_pbkdf2,
    "argon2": _convert_argon2,
    "bcrypt": _convert_bcrypt,
    "scrypt": _convert_scrypt,
    "md5": _convert_salted_digest,
    "sha1": _convert_salted_digest,
}


def _split(encoded: str, count: int | None) -> list[str]:
    parts = encoded.split("$")
    if count is not None and len(parts) != count:
        raise _DamagedHashError("the number of its parts is wrong")
    return parts


def _read_number(text: str, name: str) -> int:
    """Django compares the whole text, so a number with a sign or with leading zeros never matches."""
    if not re.fullmatch("[1-9][0-9]{0,9}", text):
        raise _DamagedHashError(f"{name} is not a number")
    return int(text)


def _read_salt(text: str) -> bytes:
    if not text:
        raise _DamagedHashError("the salt is empty")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _DamagedHashError("the salt is not valid Unicode") from None


def _decode_base64(text: str, length: int) -> bytes:
    """Bytes of this length, if the text is the only way to write them."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != length or _encode(raw) != text:
        raise _DamagedHashError(f"the digest is not Base64 of {length} bytes")
    return raw


def _decode_unpadded(text: str) -> bytes:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw or _encode_unpadded(raw) != text:
        raise _DamagedHashError("the salt or the digest is not Base64")
    return raw


def _decode_hex(text: str, length: int) -> bytes:
    if not re.fullmatch(f"[0-9a-f]{{{2 * length}}}", text):
        raise _DamagedHashError(f"the digest is not {2 * length} hexadecimal digits in lower case")
    return bytes.fromhex(text)


def _encode(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _encode_unpadded(raw: bytes) -> str:
    return _encode(raw).rstrip("=")
