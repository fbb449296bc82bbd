"""Password hashes from elsewhere: the formats that Kratos imports, and whether a password belongs to such a hash.

Like Kratos 26.2.0, an import looks only at the prefix. The rest is read when a person signs in, and strictly: a hash
that cannot be parsed matches no password. Newer versions of Kratos refuse it at the import (`find_problem`).
https://www.ory.com/docs/kratos/manage-identities/import-user-accounts-identities
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

from .errors import OryError

FORMATS = re.compile(
    r"\$2[abzy]?\$|\$argon2id?\$|\$pbkdf2-sha[0-9]{1,3}\$|\$scrypt\$|\$md5\$|\$sha(1|256|512)\$|\{SSHA(256|512)?\}"
    r"|\$firescrypt\$|\$(md5|sha256|sha512)-crypt\$|\$hmac-(md4|md5|sha1|sha224|sha256|sha384|sha512)\$"
)
UNPARSABLE = "the hash of the password cannot be parsed"
OUT_OF_BOUNDS = "the hash of the password has cost parameters that exceed Ory's bounds"
MAX_BCRYPT_BYTES = 72
SCRYPT_MEMORY = 1 << 30  # bytes that scrypt may use. Python's default is too little for Django's parameters
BOUNDS = {"cost": 15, "i": 10_000_000, "m": 1 << 20, "t": 10, "p": 16}  # of a newer Kratos, for cost parameters
SCRYPT_BOUNDS = {"ln": 1 << 17, "r": 8, "p": 10}
PBKDF2_DIGESTS = ("sha1", "sha224", "sha256", "sha384", "sha512")

Parts = tuple[dict[str, int], bytes, bytes]  # cost parameters, salt and digest


class Unparsable(ValueError):
    """The hash has a known prefix, but the rest of it is malformed."""


def is_known_format(hashed: str) -> bool:
    """Whether the hash begins like one that Kratos imports."""
    return FORMATS.match(hashed) is not None


def is_bcrypt(hashed: str) -> bool:
    return hashed.startswith("$2")


def matches(password: str, hashed: str) -> bool:
    """Whether the hash belongs to the password. Raises `OryError` for a format that the local Ory cannot verify."""
    try:
        return _verifier(hashed)(password.encode(), hashed)
    except ValueError:
        return False


def find_problem(hashed: str) -> str:
    """Why a newer Kratos refuses to import the hash, although its format is known. Empty if it does not."""
    try:
        if is_bcrypt(hashed):
            parameters = {"cost": _parse_bcrypt(hashed)}
        elif hashed.startswith(("$argon2", "$pbkdf2-", "$scrypt$")):
            parameters, _, _ = _parse(hashed)
        else:
            return ""
    except ValueError:
        return UNPARSABLE
    bounds = {**BOUNDS, **(SCRYPT_BOUNDS if hashed.startswith("$scrypt$") else {})}
    return OUT_OF_BOUNDS if any(value > bounds.get(name, value) for name, value in parameters.items()) else ""


# ---- verification


def _verifier(hashed: str) -> Callable[[bytes, str], bool]:
    for prefix, verifier in VERIFIERS.items():
        if hashed.startswith(prefix):
            return verifier
    raise OryError(500, reason=f"the local Ory cannot verify hashes in the format {hashed[1:].partition('$')[0]!r}")


def _verify_bcrypt(password: bytes, hashed: str) -> bool:
    if len(password) > MAX_BCRYPT_BYTES:
        return False
    _parse_bcrypt(hashed)
    library = _require("bcrypt", "bcrypt")
    return bool(library.checkpw(password, hashed.encode()))


def _verify_argon2(password: bytes, hashed: str) -> bool:
    parameters, salt, digest = _parse(hashed)
    _require("argon2", "argon2-cffi")
    from argon2.exceptions import Argon2Error
    from argon2.low_level import Type, hash_secret_raw

    kind = Type.ID if hashed.startswith("$argon2id$") else Type.I
    try:
        actual = hash_secret_raw(
            password, salt, parameters["t"], parameters["m"], parameters["p"], len(digest), kind, version=19
        )
    except Argon2Error:
        raise Unparsable from None
    return hmac.compare_digest(actual, digest)


def _verify_pbkdf2(password: bytes, hashed: str) -> bool:
    parameters, salt, digest = _parse(hashed)
    algorithm = hashed.split("$")[1].removeprefix("pbkdf2-")
    if algorithm not in PBKDF2_DIGESTS or not digest or not parameters["i"]:
        raise Unparsable
    return hmac.compare_digest(hashlib.pbkdf2_hmac(algorithm, password, salt, parameters["i"], len(digest)), digest)


def _verify_scrypt(password: bytes, hashed: str) -> bool:
    parameters, salt, digest = _parse(hashed)
    actual = hashlib.scrypt(
        password,
        salt=salt,
        n=parameters["ln"],  # Kratos reads it as N, not as its logarithm
        r=parameters["r"],
        p=parameters["p"],
        dklen=len(digest),
        maxmem=SCRYPT_MEMORY,
    )
    return hmac.compare_digest(actual, digest)


def _verify_salted_digest(password: bytes, hashed: str) -> bool:
    """`$sha1$pf=TEMPLATE$SALT$DIGEST`: the template says how salt and password are combined. Also `$md5$DIGEST`."""
    _, algorithm, *rest = hashed.split("$")
    if algorithm == "md5" and len(rest) == 1:
        text, digest = password, _decode(rest[0], padded=True)
    elif len(rest) == 3 and rest[0].startswith("pf="):
        template, salt, digest = (_decode(part, padded=True) for part in (rest[0][3:], *rest[1:]))
        values = {b"{SALT}": salt, b"{PASSWORD}": password}
        text = re.sub(rb"\{SALT\}|\{PASSWORD\}", lambda found: values[found[0]], template)
    else:
        raise Unparsable
    return hmac.compare_digest(hashlib.new(algorithm, text, usedforsecurity=False).digest(), digest)


def _verify_ssha(password: bytes, hashed: str) -> bool:
    name, _, encoded = hashed[1:].partition("}")
    algorithm = {"SSHA": "sha1", "SSHA256": "sha256", "SSHA512": "sha512"}[name]
    size = hashlib.new(algorithm).digest_size
    raw = base64.b64decode(encoded, validate=True)
    digest, salt = raw[:size], raw[size:]
    actual = hashlib.new(algorithm, password + salt, usedforsecurity=False).digest()
    return bool(salt) and hmac.compare_digest(actual, digest)


def _verify_hmac(password: bytes, hashed: str) -> bool:
    _, kind, digest, key = hashed.split("$")
    actual = hmac.new(_decode(key, padded=True), password, kind.removeprefix("hmac-")).hexdigest()
    return hmac.compare_digest(actual.encode(), _decode(digest, padded=True))


VERIFIERS: dict[str, Callable[[bytes, str], bool]] = {
    "$2": _verify_bcrypt,
    "$argon2": _verify_argon2,
    "$pbkdf2-": _verify_pbkdf2,
    "$scrypt$": _verify_scrypt,
    "$md5$": _verify_salted_digest,
    "$sha1$": _verify_salted_digest,
    "$sha256$": _verify_salted_digest,
    "$sha512$": _verify_salted_digest,
    "{SSHA": _verify_ssha,
    "$hmac-": _verify_hmac,
}


# ---- parsing

LAYOUTS = {
    # prefix → number of parts, cost parameters, whether salt and digest have the padding of base64
    "$argon2": (6, re.compile(r"m=(?P<m>\d+),t=(?P<t>\d+),p=(?P<p>\d+)", re.ASCII), False),
    "$pbkdf2-": (5, re.compile(r"i=(?P<i>\d+),l=(?P<l>\d+)", re.ASCII), False),
    "$scrypt$": (5, re.compile(r"ln=(?P<ln>\d+),r=(?P<r>\d+),p=(?P<p>\d+)", re.ASCII), True),
}
BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}", re.ASCII)


def _parse(hashed: str) -> Parts:
    count, layout, padded = next(layout for prefix, layout in LAYOUTS.items() if hashed.startswith(prefix))
    parts = hashed.split("$")
    if len(parts) != count or (count == 6 and parts[2] != "v=19"):
        raise Unparsable
    *_, costs, salt, digest = parts
    found = layout.match(costs)
    if found is None:
        raise Unparsable
    parameters = {name: int(value) for name, value in found.groupdict().items()}
    return parameters, _decode(salt, padded=padded), _decode(digest, padded=padded)


def _parse_bcrypt(hashed: str) -> int:
    """The cost."""
    found = BCRYPT.fullmatch(hashed)
    if found is None:
        raise Unparsable
    return int(found[1])


def _decode(text: str, *, padded: bool) -> bytes:
    """Base64 as Go decodes it in its strict mode: padding as expected, and no bits left over."""
    try:
        raw = base64.b64decode(text if padded else text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise Unparsable from None
    encoded = base64.b64encode(raw).decode()
    if text != (encoded if padded else encoded.rstrip("=")):
        raise Unparsable
    return raw


def _require(module: str, package: str) -> Any:
    """The optional library for a format. Raises `OryError` if it is not installed."""
    try:
        return __import__(module)
    except ModuleNotFoundError:
        reason = f"{package} is not installed, which the local Ory needs to verify this hash: pip install {package}"
        raise OryError(500, reason=reason) from None
