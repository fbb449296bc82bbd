"""From Django's encoded passwords to hashes that Ory can check."""

from __future__ import annotations

import hashlib
import string

import pytest
from django.contrib.auth import hashers
from hypothesis import given
from hypothesis import strategies as st

from ory_auth.moving.hashes import ConvertedHash, MigrationHook, NoPassword, Refused, convert_hash
from tests.support.kratos_hashes import read_hash
from tests.support.ory import Ory, send

PASSWORD = "Päss wörd 🔑 1843"
# Made with Django 5.2, argon2-cffi and bcrypt, for PASSWORD.
ARGON2ID = (
    "argon2$argon2id$v=19$m=64,t=1,p=1$UHA0SVF1M09Ld04zbGdJY3RBZ29uUw$tUq8nJ54OPSVPkOhhU7DIM6ZgcH4jgsQXTNkCg2rsmQ"
)
ARGON2I = "argon2$argon2i$v=19$m=512,t=2,p=2$c2FsdHNhbHRzYWx0$szv2KOhWIGjCotOA2YkqVg"  # Django 3.1
ARGON2_1_0 = "argon2$argon2i$v=16$m=512,t=2,p=2$c2FsdHNhbHRzYWx0$3hhdIiWAnvFh+lwrpIXO+A"
BCRYPT = "bcrypt$$2b$04$varnqWqQAl8cCnZPqY/YsOYeSxCCFizuiLmHu/w/hVSg1Y4EvxAwC"
BCRYPT_SHA256 = "bcrypt_sha256$$2b$04$u512yO8lPU6F2ONRnLqvH.O4qft1lAF1CS9hBvgf6KHcigIS3L/u2"


def encode_pbkdf2(password: str, salt: str, iterations: int = 2, *, sha1: bool = False) -> str:
    hasher = hashers.PBKDF2SHA1PasswordHasher() if sha1 else hashers.PBKDF2PasswordHasher()
    return str(hasher.encode(password, salt, iterations))


def encode_scrypt(password: str, salt: str, n: int = 4, r: int = 1, p: int = 1) -> str:
    return str(hashers.ScryptPasswordHasher().encode(password, salt, n, r, p))


def encode_md5(password: str, salt: str) -> str:
    return str(hashers.MD5PasswordHasher().encode(password, salt))


def encode_sha1(password: str, salt: str) -> str:
    """As Django did before 5.1. Without a salt: as before 1.4."""
    return f"sha1${salt}${hashlib.sha1((salt + password).encode()).hexdigest()}"


EXAMPLES = {
    "pbkdf2_sha256": encode_pbkdf2(PASSWORD, "sälty"),
    "pbkdf2_sha1": encode_pbkdf2(PASSWORD, "salt", sha1=True),
    "argon2id": ARGON2ID,
    "argon2i": ARGON2I,
    "bcrypt": BCRYPT,
    "scrypt": encode_scrypt(PASSWORD, "sält"),
    "md5": encode_md5(PASSWORD, "salt"),
    "sha1": encode_sha1(PASSWORD, "salt"),
    "unsalted sha1": encode_sha1(PASSWORD, ""),
    "unsalted md5": hashlib.md5(PASSWORD.encode()).hexdigest(),
    "unsalted md5 with a prefix": "md5$$" + hashlib.md5(PASSWORD.encode()).hexdigest(),
}
DEFAULTS = {  # the costs of the default hashers, with bytes of the right length
    "pbkdf2_sha256 of Django 6.1": f"pbkdf2_sha256$1500000$HgKHrXU90iTnhDGg0BCbYP${'A' * 43}=",
    "argon2 of Django 5.2 to 6.1": ARGON2ID.replace("m=64,t=1,p=1", "m=102400,t=2,p=8"),
    "scrypt of Django 5.2 to 6.1": f"scrypt$16384$HgKHrXU90iTnhDGg0BCbYP$8$5${'A' * 86}==",
    "bcrypt of Django 5.2 to 6.1": BCRYPT.replace("$04$", "$12$"),
}


@pytest.mark.parametrize("encoded", EXAMPLES.values(), ids=EXAMPLES)
def test_people_sign_in_with_the_password_that_they_had(ory: Ory, encoded: str) -> None:
    hashed = convert_hash(encoded)
    assert isinstance(hashed, ConvertedHash)
    email = f"{hashlib.sha256(encoded.encode()).hexdigest()[:20]}@example.org"
    identity = {
        "schema_id": "person",
        "traits": {"email": email},
        "credentials": {"password": {"config": {"hashed_password": hashed.value}}},
    }
    created = ory.admin("POST", "/admin/identities", body=identity)
    assert created.status == 201
    assert _status_of_sign_in(ory, email, "wrong") == 400
    assert _status_of_sign_in(ory, email, PASSWORD) == 200
    assert ory.admin("DELETE", f"/admin/identities/{created.json['id']}").status == 204


def _status_of_sign_in(ory: Ory, identifier: str, password: str) -> int:
    flow = ory.public("GET", "/self-service/login/api").json
    form = {"method": "password", "identifier": identifier, "password": password}
    return send("POST", f"{ory.public_url}/self-service/login?flow={flow['id']}", body=form).status


@pytest.mark.parametrize("encoded", [*EXAMPLES.values(), *DEFAULTS.values()], ids=[*EXAMPLES, *DEFAULTS])
def test_a_converted_hash_can_be_read_by_kratos(encoded: str) -> None:
    hashed = convert_hash(encoded)
    assert isinstance(hashed, ConvertedHash)
    read_hash(hashed.value)


salts = st.text(st.characters(exclude_characters="$", exclude_categories=["Cs"]), min_size=1, max_size=20)
passwords = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
encoders = st.sampled_from(
    [
        encode_pbkdf2,
        lambda password, salt: encode_pbkdf2(password, salt, sha1=True),
        encode_scrypt,
        encode_md5,
        encode_sha1,
    ]
)


@given(passwords, salts, encoders)
def test_any_password_with_any_salt_matches_after_the_conversion(password: str, salt: str, encode: object) -> None:
    assert callable(encode)
    hashed = convert_hash(encode(password, salt))
    assert isinstance(hashed, ConvertedHash)
    matches = read_hash(hashed.value)
    assert matches
    assert matches(password)
    assert not matches(password + "x")


damages = st.sampled_from(["replace", "remove", "insert", "cut off", "double"])


@pytest.mark.promise("A password hash is sent to Ory only if Ory can check it")
@given(st.sampled_from([*EXAMPLES.values(), *DEFAULTS.values()]), damages, st.integers(0, 200), st.characters())
def test_a_damaged_hash_is_never_sent_in_a_form_that_kratos_cannot_read(
    encoded: str, damage: str, position: int, letter: str
) -> None:
    position %= len(encoded)
    damaged = {
        "replace": encoded[:position] + letter + encoded[position + 1 :],
        "remove": encoded[:position] + encoded[position + 1 :],
        "insert": encoded[:position] + letter + encoded[position:],
        "cut off": encoded[:position],
        "double": encoded + encoded,
    }[damage]
    result = convert_hash(damaged)
    if isinstance(result, ConvertedHash):
        read_hash(result.value)
        # Only a salt, a cost or a digest can differ: bytes that are as likely as any others.
        assert result.value.split("$")[1] == convert_hash(encoded).value.split("$")[1]  # type: ignore[union-attr]


@given(st.text())
def test_no_text_makes_the_converter_fail(text: str) -> None:
    result = convert_hash(text)
    if isinstance(result, ConvertedHash):
        read_hash(result.value)


STRUCTURE = {
    "iterations with a leading zero": encode_pbkdf2(PASSWORD, "salt").replace("$2$", "$02$"),
    "no iterations": encode_pbkdf2(PASSWORD, "salt").replace("$2$", "$$"),
    "no salt": encode_pbkdf2(PASSWORD, "salt").replace("$salt$", "$$"),
    "a part too many": encode_pbkdf2(PASSWORD, "salt") + "$",
    "no padding": encode_pbkdf2(PASSWORD, "salt").rstrip("="),
    "bits after the digest": encode_pbkdf2(PASSWORD, "salt")[:-2] + "B=",
    "a digest of SHA-1 for SHA-256": encode_pbkdf2(PASSWORD, "salt", sha1=True).replace("sha1", "sha256"),
    "letters outside Base64": encode_pbkdf2(PASSWORD, "salt")[:-2] + "-=",
    "a line break": encode_pbkdf2(PASSWORD, "salt") + "\n",
    "a lone surrogate": encode_md5(PASSWORD, "salt").replace("salt", "\udc80"),
    "a work factor that is no power of 2": encode_scrypt(PASSWORD, "salt").replace("scrypt$4$", "scrypt$5$"),
    "digits in upper case": encode_md5(PASSWORD, "salt").upper().replace("MD5$SALT", "md5$salt"),
    "a digest of another length": encode_md5(PASSWORD, "salt")[:-2],
    "bits after a bcrypt digest": BCRYPT[:-1] + "D",
    "bits after a bcrypt salt": BCRYPT.replace("YsOYe", "YsPYe"),
    "a bcrypt cost below 4": BCRYPT.replace("$04$", "$03$"),
    "an unknown version of bcrypt": BCRYPT.replace("$2b$", "$2c$"),
    "bits after an Argon2 digest": ARGON2ID[:-1] + "R",
    "an unknown kind of Argon2": ARGON2ID.replace("argon2id", "argon2ix"),
    "Argon2 costs in another order": ARGON2ID.replace("m=64,t=1", "t=1,m=64"),
    "too little memory": ARGON2ID.replace("m=64", "m=7"),
    "a padded Argon2 digest": ARGON2ID + "=",
    "a short Argon2 salt": ARGON2I.replace("c2FsdHNhbHRzYWx0", "c2FsdA"),
    "an Argon2 part too many": ARGON2ID + "$",
    "a hash of another system": "$2b$04$varnqWqQAl8cCnZPqY/YsOYeSxCCFizuiLmHu/w/hVSg1Y4EvxAwC",
    "a password instead of a hash": "correct horse battery staple",
    "32 letters that are no hash": "correct horse battery staple!!!!",
}


@pytest.mark.promise("A password hash is sent to Ory only if Ory can check it")
@pytest.mark.parametrize("encoded", STRUCTURE.values(), ids=STRUCTURE)
def test_a_hash_with_a_damaged_structure_is_refused_with_a_reason_that_shows_none_of_it(encoded: str) -> None:
    result = convert_hash(encoded)
    assert isinstance(result, Refused)
    assert result.reason
    parts = [part for part in encoded.split("$")[1:] if len(part) > 8]
    assert not any(part in repr(result) for part in parts)


HOOKS = {
    "bcrypt_sha256": BCRYPT_SHA256,
    "crypt": "crypt$$ajCn7gPSxBDiw",
    "a wrapped hasher": encode_pbkdf2(PASSWORD, "salt").replace("pbkdf2_sha256", "pbkdf2_wrapped_sha1"),
    "a project's own hasher": "pbkdf2_sha512$20$salt$AAAA",
    "Argon2 version 1.0": ARGON2_1_0,
    "Argon2 without a version": ARGON2_1_0.replace("v=16$", ""),
    "Argon2d": ARGON2ID.replace("argon2id", "argon2d"),
    "an Argon2 digest of a project's own length": ARGON2ID[:-11],
    "more iterations than Ory accepts": encode_pbkdf2(PASSWORD, "salt").replace("$2$", "$10000001$"),
    "more memory than Ory accepts": encode_scrypt(PASSWORD, "salt").replace("scrypt$4$", "scrypt$262144$"),
    "more lanes than Ory accepts": ARGON2ID.replace("m=64,t=1,p=1", "m=4096,t=1,p=17"),
    "a higher bcrypt cost than Ory accepts": BCRYPT.replace("$04$", "$16$"),
    "crypt_blowfish before 1.1": BCRYPT.replace("$2b$", "$2x$"),
}


@pytest.mark.parametrize("encoded", HOOKS.values(), ids=HOOKS)
def test_a_hash_that_only_django_can_check_is_left_to_the_migration_hook(encoded: str) -> None:
    result = convert_hash(encoded)
    assert isinstance(result, MigrationHook)
    assert result.hasher == encoded.partition("$")[0]


@pytest.mark.parametrize(
    "encoded", [None, "", "!", hashers.make_password(None)], ids=["none", "empty", "mark", "django"]
)
def test_an_unusable_password_becomes_no_password(encoded: str | None) -> None:
    assert convert_hash(encoded) == NoPassword()


def test_no_repr_shows_a_hash() -> None:
    for encoded in (*EXAMPLES.values(), *HOOKS.values()):
        shown = repr(convert_hash(encoded))
        assert not any(part in shown for part in encoded.split("$")[1:] if len(part) > len(string.digits))
