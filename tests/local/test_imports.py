"""Imports through the admin API: people sign in afterwards with what was imported."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import bcrypt
import pyotp
import pytest
from argon2.low_level import Type, hash_secret

from ory_auth.local import LocalOry

from .visits import ADA, PASSWORD, Response, Visitor, Visits, send

SALT = b"s\xc3\xa4lt-of-16-bytes!"
BCRYPT_SALT = b"oA4KdtiyTbmaquwSDEEuee"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
PROVIDER = {"provider": "google", "subject": "1001"}
TWO_PARTS = base64.b64encode(b"{SALT}{PASSWORD}").decode()


def encode(raw: bytes, *, padded: bool = True) -> str:
    text = base64.b64encode(raw).decode()
    return text if padded else text.rstrip("=")


def pbkdf2(digest: str, length: int) -> str:
    raw = hashlib.pbkdf2_hmac(digest, PASSWORD.encode(), SALT, 3, length)
    return f"$pbkdf2-{digest}$i=3,l={length}${encode(SALT, padded=False)}${encode(raw, padded=False)}"


def argon2(kind: Type) -> str:
    return hash_secret(PASSWORD.encode(), SALT, 1, 8, 1, 16, kind).decode()


def salted(algorithm: str) -> str:
    digest = hashlib.new(algorithm, SALT + PASSWORD.encode()).digest()
    return f"${algorithm}$pf={TWO_PARTS}${encode(SALT)}${encode(digest)}"


SCRYPT = hashlib.scrypt(PASSWORD.encode(), salt=SALT, n=16, r=8, p=5, dklen=64)
SSHA = hashlib.sha256(PASSWORD.encode() + SALT).digest() + SALT
HASHES = {
    **{f"pbkdf2-{digest}": pbkdf2(digest, 20) for digest in ("sha1", "sha224", "sha256", "sha384", "sha512")},
    "argon2id": argon2(Type.ID),
    "argon2i": argon2(Type.I),
    "bcrypt 2b": bcrypt.hashpw(PASSWORD.encode(), b"$2b$04$" + BCRYPT_SALT).decode(),
    "bcrypt 2a": bcrypt.hashpw(PASSWORD.encode(), b"$2a$04$" + BCRYPT_SALT).decode(),
    "scrypt": f"$scrypt$ln=16,r=8,p=5${encode(SALT)}${encode(SCRYPT)}",
    **{algorithm: salted(algorithm) for algorithm in ("md5", "sha1", "sha256", "sha512")},
    "md5 without a salt": f"$md5${encode(hashlib.md5(PASSWORD.encode()).digest())}",
    "ssha": f"{{SSHA256}}{encode(SSHA)}",
}


class Admin:
    """Requests to the admin API."""

    def __init__(self, visits: Visits) -> None:
        self.visits = visits

    def __call__(self, method: str, path: str, content: Any = None) -> Response:
        url = f"{self.visits.ory.admin_url}/admin{path}"
        return self.visits.request(Visitor(), method, url, content=content)

    def create(self, email: str = ADA, **credentials: Any) -> Response:
        wrapped = {kind: {"config": config} for kind, config in credentials.items()}
        return self("POST", "/identities", {"traits": {"email": email}, "credentials": wrapped})

    def create_many(self, *identities: dict[str, Any]) -> Response:
        return self("PATCH", "/identities", {"identities": [{"create": one} for one in identities]})

    def stored(self, identity_id: str, kind: str) -> Any:
        content = self("GET", f"/identities/{identity_id}?include_credential={kind}").content
        return content["credentials"][kind]["config"]

    def count(self) -> int:
        return len(self("GET", "/identities").content)


@pytest.fixture
def admin(visits: Visits) -> Admin:
    return Admin(visits)


def sign_in(visits: Visits, password: str = PASSWORD, email: str = ADA) -> Response:
    flow = visits.native_flow("login")
    content = {"method": "password", "identifier": email, "password": password}
    return visits.request_public("POST", f"/self-service/login?flow={flow.id}", Visitor(), **content)


@pytest.mark.parametrize("name", HASHES)
def test_a_person_signs_in_with_an_imported_hash(visits: Visits, admin: Admin, name: str) -> None:
    created = admin.create(password={"hashed_password": HASHES[name]})
    assert created.status == 201
    assert sign_in(visits, "wrong horse 9").status == 400
    assert admin.stored(created.id, "password") == {"hashed_password": HASHES[name]}
    assert sign_in(visits).status == 200
    is_kept = admin.stored(created.id, "password")["hashed_password"] == HASHES[name]
    assert is_kept == name.startswith("bcrypt"), "the first sign-in replaces all hashes but those of bcrypt"
    assert sign_in(visits).status == 200


@pytest.mark.parametrize("name", HASHES)
def test_a_hash_with_a_wrong_byte_is_imported_but_never_signs_in(visits: Visits, admin: Admin, name: str) -> None:
    changed = HASHES[name][:-4] + ("AAAA" if HASHES[name][-4:] != "AAAA" else "BBBB")
    assert admin.create(password={"hashed_password": changed}).status == 201
    assert sign_in(visits).status == 400


@pytest.mark.parametrize(
    "hashed",
    [
        "$pbkdf2-sha256$",
        "$pbkdf2-sha999$i=1,l=32$c2FsdA$Qp9dmCceL5FR5anIsSErDCKy8WKXqCM9uGV8GNlAwhA",
        pbkdf2("sha256", 20) + "=",  # padding, which pbkdf2 must not have
        HASHES["scrypt"].rstrip("="),  # no padding, which scrypt must have
        argon2(Type.ID).replace("v=19", "v=16"),
        "$2b$12$abc",
        "$md5$pf=x$y",
        "{SSHA}eA==",
    ],
)
def test_a_malformed_hash_is_imported_but_never_signs_in(visits: Visits, admin: Admin, hashed: str) -> None:
    assert admin.create(password={"hashed_password": hashed}).status == 201
    assert sign_in(visits).status == 400


@pytest.mark.parametrize(
    "hashed", ["", "!unusable", "pbkdf2_sha256$1$salt$hash", argon2(Type.D), "bcrypt_sha256$$2b$12$abc"]
)
def test_an_unknown_hash_is_refused(admin: Admin, hashed: str) -> None:
    assert admin.create(password={"hashed_password": hashed}).status == 400


def test_a_password_over_72_bytes_keeps_its_hash(visits: Visits, admin: Admin) -> None:
    password = "correct horse " * 8
    digest = encode(hashlib.md5(password.encode()).digest())
    created = admin.create(password={"hashed_password": f"$md5${digest}"})
    assert sign_in(visits, password).status == 200
    assert admin.stored(created.id, "password") == {"hashed_password": f"$md5${digest}"}


class TestBatches:
    @pytest.mark.parametrize(
        ("count", "config", "status"),
        [
            (1000, None, 200),
            (1001, None, 400),
            (200, {"password": "x"}, 200),
            (201, {"password": "x"}, 400),
        ],
    )
    def test_have_a_limit(self, admin: Admin, count: int, config: Any, status: int) -> None:
        credentials = {"credentials": {"password": {"config": config}}} if config else {}
        people = [{"traits": {"email": f"{number}@example.org"}, **credentials} for number in range(count)]
        assert admin.create_many(*people).status == status
        assert admin.count() == (min(count, 250) if status == 200 else 0)

    def test_are_refused_if_the_only_valid_item_conflicts(self, visits: Visits, admin: Admin) -> None:
        visits.person()
        assert admin.create_many({"traits": {"email": "nonsense"}}, {"traits": {"email": ADA}}).status == 409

    def test_have_null_for_an_item_that_creates_nothing(self, admin: Admin) -> None:
        items = [{"patch_id": "3bf35e0b-9b33-5ff9-8c2e-d395eee71bc4"}, {"create": {"traits": {"email": ADA}}}]
        nothing, created = admin("PATCH", "/identities", {"identities": items}).content["identities"]
        assert nothing is None
        assert created["action"] == "create"

    def test_say_what_is_invalid_with_json_pointers(self, admin: Admin) -> None:
        (outcome,) = admin.create_many({"traits": {"email": "nonsense"}}).content["identities"]
        assert outcome["error"]["reason"].startswith("I[#/traits/email] S[#/properties/traits/properties/email/format]")


class TestSecondFactors:
    def test_need_their_identifiers(self, visits: Visits, admin: Admin) -> None:
        """Without them the person is asked for a code, and no code is right."""
        ada = visits.person()
        codes = {"type": "lookup_secret", "config": {"recovery_codes": [{"code": "aaaaaaaa"}]}}
        admin("PATCH", f"/identities/{ada}", [{"op": "add", "path": "/credentials/lookup_secret", "value": codes}])
        browser = visits.browser()
        flow = visits.flow("login", browser, "?aal=aal2")
        content = {"csrf_token": flow.csrf_token, "method": "lookup_secret", "lookup_secret": "aaaaaaaa"}
        shown = visits.request_public("POST", f"/self-service/login?flow={flow.id}", browser, **content)
        assert [message["id"] for message in shown.content["ui"]["messages"]] == [4000014]

    def test_are_ignored_by_put(self, visits: Visits, admin: Admin) -> None:
        ada = visits.person()
        credentials = {"totp": {"config": {"totp_url": f"otpauth://totp/x?secret={SECRET}"}}}
        content = {"traits": {"email": ADA}, "state": "active", "credentials": credentials}
        assert "totp" not in admin("PUT", f"/identities/{ada}", content).content["credentials"]


class TestSocialAccounts:
    def test_an_imported_account_signs_in(self, visits: Visits, admin: Admin) -> None:
        visits.ory.configure(oidc_providers={"google": "Google"})
        admin.create(oidc={"providers": [PROVIDER]})
        browser = Visitor()
        flow = visits.flow("login", browser)
        content = {"csrf_token": flow.csrf_token, "method": "oidc", "provider": "google"}
        sent = visits.request_public("POST", f"/self-service/login?flow={flow.id}", browser, **content)
        url = sent.content["redirect_browser_to"].removeprefix(visits.ory.public_url)
        consent = [("Content-Type", "application/x-www-form-urlencoded")]
        back = send(visits.ory.public_url, "POST", url, consent, b"decision=allow&sub=1001&email=another%40example.org")
        visits.request(browser, "GET", back.headers["Location"])
        assert visits.request_public("GET", "/sessions/whoami", browser).content["identity"]["traits"] == {"email": ADA}

    def test_are_found_by_their_identifier(self, admin: Admin) -> None:
        created = admin.create(oidc={"providers": [PROVIDER]})
        (found,) = admin("GET", "/identities?credentials_identifier=google:1001").content
        assert found["id"] == created.id


class TestANewerKratos:
    """What the newest source of Kratos, and so Ory Network, does differently."""

    @pytest.fixture(autouse=True)
    def newer(self, local_ory: LocalOry) -> None:
        local_ory.configure(kratos_version="newer")

    def test_imports_an_authenticator_app_and_backup_codes(self, visits: Visits, admin: Admin) -> None:
        totp = {"totp_url": f"otpauth://totp/Demo:ada?secret={SECRET}&issuer=Demo"}
        codes = {"codes": [{"code": "aaaaaaaa"}]}
        created = admin.create(password={"hashed_password": HASHES["md5"]}, totp=totp, lookup_secret=codes)
        assert created.content["credentials"]["totp"]["identifiers"] == [created.id]
        browser = visits.browser()
        flow = visits.flow("login", browser, "?aal=aal2")
        content = {"csrf_token": flow.csrf_token, "method": "totp", "totp_code": pyotp.TOTP(SECRET).now()}
        visits.request_public("POST", f"/self-service/login?flow={flow.id}", browser, **content)
        session = visits.request_public("GET", "/sessions/whoami", browser).content
        assert session["authenticator_assurance_level"] == "aal2"
        assert admin.stored(created.id, "lookup_secret") == {"recovery_codes": [{"code": "aaaaaaaa"}]}

    def test_finds_second_factors_without_identifiers(self, visits: Visits, admin: Admin) -> None:
        ada = visits.person()
        value = {"type": "totp", "config": {"totp_url": f"otpauth://totp/x?secret={SECRET}"}}
        patched = admin("PATCH", f"/identities/{ada}", [{"op": "add", "path": "/credentials/totp", "value": value}])
        assert patched.content["credentials"]["totp"]["identifiers"] == [ada]

    def test_imports_a_passkey_with_its_user_handle(self, admin: Admin) -> None:
        key = {"id": encode(b"key"), "public_key": encode(b"public"), "is_passwordless": True}
        handle = encode(b"the-handle-of-ada")
        assert admin.create(passkey={"credentials": [key]}).status == 400
        created = admin.create(passkey={"credentials": [key], "user_handle": handle})
        assert created.content["credentials"]["passkey"]["identifiers"] == ["the-handle-of-ada"]

    @pytest.mark.parametrize("hashed", [
        "$pbkdf2-sha256$i=1,l=32$###$###",
        pbkdf2("sha256", 20).replace("i=3", "i=20000000"),
        argon2(Type.ID).replace("m=8", "m=2097152"),
        HASHES["scrypt"].replace("p=5", "p=11"),
        HASHES["bcrypt 2b"].replace("$04$", "$16$"),
    ])  # fmt: skip
    def test_refuses_hashes_that_are_malformed_or_too_costly(self, admin: Admin, hashed: str) -> None:
        assert admin.create(password={"hashed_password": hashed}).status == 400
        assert admin.create_many({"traits": {"email": ADA}, "credentials": {
            "password": {"config": {"hashed_password": hashed}}
        }}).status == 400  # fmt: skip

    @pytest.mark.parametrize("name", HASHES)
    def test_accepts_ordinary_hashes(self, admin: Admin, name: str) -> None:
        assert admin.create(password={"hashed_password": HASHES[name]}).status == 201


class TestLists:
    def test_a_page_follows_an_identity_that_no_longer_exists(self, visits: Visits, admin: Admin) -> None:
        ids = sorted(visits.person(f"{number}@example.org") for number in range(3))
        admin("DELETE", f"/identities/{ids[0]}")
        page = admin("GET", f"/identities?page_size=1&page_token={ids[0]}")
        assert [one["id"] for one in page.content] == [ids[1]]
