"""Second factors and social accounts, from what other packages store to what Ory stores."""

from __future__ import annotations

import base64

import pyotp
import pytest

from ory_auth.moving.second_factor_credentials import (
    SecondFactors,
    StoredKey,
    clean_codes,
    convert_key,
    credentials_at_creation,
    patch_operations,
    read_base32_secret,
    read_hex_secret,
)
from ory_auth.moving.second_factors import unsupported_totp
from ory_auth.moving.social_accounts import convert_accounts

IDENTITY = "5e1b0e0a-3f7a-4a52-9d9e-6d3f9f6a2c11"
HEX_SECRET = "3132333435363738393031323334353637383930"


def test_an_app_of_django_otp_shows_the_same_codes() -> None:
    factors = SecondFactors(totp_secret=read_hex_secret(HEX_SECRET))
    url = credentials_at_creation(factors, ["totp"])["totp"]["config"]["totp_url"]
    app = pyotp.parse_uri(url)
    assert isinstance(app, pyotp.TOTP)
    assert (app.at(59), app.digits, app.interval) == ("287082", 6, 30)  # RFC 6238, appendix B, the last six digits


@pytest.mark.parametrize("text", ["JBSWY3DPEHPK3PXP", "jbsw y3dp ehpk 3pxp", "JBSWY3DPEHPK3PXP===="])
def test_a_base32_secret_may_be_written_in_groups(text: str) -> None:
    assert read_base32_secret(text) == "JBSWY3DPEHPK3PXP"


@pytest.mark.parametrize("secret", ["", "0", "zz", "31 32"])
def test_a_damaged_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError):
        read_hex_secret(secret)
    with pytest.raises(ValueError):
        read_base32_secret("1" + secret)


@pytest.mark.parametrize(
    ("digits", "period", "start", "reason"),
    [(6, 30, 0, ""), (8, 30, 0, "8 digits"), (6, 60, 0, "60 seconds"), (6, 30, 1, "another time")],
)
def test_only_the_codes_that_ory_calculates_can_move(digits: int, period: int, start: int, reason: str) -> None:
    assert reason in unsupported_totp(digits=digits, period=period, start=start)
    assert bool(reason) == bool(unsupported_totp(digits=digits, period=period, start=start))


def test_recovery_codes_are_stored_once_each() -> None:
    assert clean_codes(["abcd", "", " ", "efgh", "abcd"]) == ("abcd", "efgh")


def test_the_patch_names_the_identity_or_ory_would_not_find_the_factor() -> None:
    factors = SecondFactors(totp_secret="JBSWY3DPEHPK3PXP", recovery_codes=("abcd",))
    totp, codes = patch_operations(factors, factors.kinds, IDENTITY)
    assert (totp["op"], totp["path"], totp["value"]["identifiers"]) == ("add", "/credentials/totp", [IDENTITY])
    assert codes["value"]["config"] == {"recovery_codes": [{"code": "abcd"}]}
    assert credentials_at_creation(factors, ["lookup_secret"])["lookup_secret"]["config"] == {
        "codes": [{"code": "abcd"}]
    }


def test_a_passkey_is_found_by_its_user_handle() -> None:
    key = {"id": "AAAA"}
    factors = SecondFactors(passkeys=(key,), security_keys=(key,), user_handle=b"17")
    security_key, passkey = patch_operations(factors, factors.kinds, IDENTITY)
    assert security_key["value"]["identifiers"] == [IDENTITY]
    assert passkey["value"]["identifiers"] == ["17"]
    assert passkey["value"]["config"] == {"credentials": [key], "user_handle": base64.b64encode(b"17").decode()}


def stored_key(credential_data: bytes) -> StoredKey:
    return StoredKey(
        credential_data, flags=0x1D, counter=7, name="Laptop", added_at="2026-01-02T03:04:05+00:00", is_passkey=True
    )


def test_the_data_of_a_key_is_divided_into_model_id_and_public_key() -> None:
    model, key_id, public_key = b"M" * 16, b"I" * 300, b"K" * 77
    converted = convert_key(stored_key(model + len(key_id).to_bytes(2, "big") + key_id + public_key))
    assert base64.b64decode(converted["id"]) == key_id
    assert base64.b64decode(converted["public_key"]) == public_key
    assert base64.b64decode(converted["authenticator"]["aaguid"]) == model
    assert converted["authenticator"]["sign_count"] == 7
    assert converted["is_passwordless"] is True
    assert "flags" not in convert_key(StoredKey(b"M" * 16 + b"\0\1IK", "", is_passkey=False)), "Ory reads them later"
    assert converted["flags"] == {
        "user_present": True,
        "user_verified": True,
        "backup_eligible": True,
        "backup_state": True,
    }


@pytest.mark.parametrize("data", [b"", b"M" * 16, b"M" * 16 + b"\0\0" + b"K", b"M" * 16 + b"\0\4" + b"IIII"])
def test_damaged_data_of_a_key_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        convert_key(stored_key(data))


def test_no_repr_shows_a_secret() -> None:
    factors = SecondFactors("JBSWY3DPEHPK3PXP", ("recovery",), ({"id": "KEY"},), ({"id": "KEY"},), b"handle")
    shown = repr([factors, stored_key(b"CREDENTIAL")])
    assert not any(secret in shown for secret in ("JBSW", "recovery", "KEY", "handle", "CREDENTIAL", "Laptop"))


def test_social_accounts_are_named_as_in_orys_configuration() -> None:
    accounts = [
        ("google", "1001", ""),
        ("google-oauth2", "1001", ""),
        ("google-oauth2", "1002", ""),
        ("github", "7", ""),
    ]
    converted = convert_accounts(accounts, {"google": "g", "google-oauth2": "g", "github": "gh"})
    assert [dict(provider) for provider in converted.providers] == [
        {"provider": "g", "subject": "1001"},
        {"provider": "g", "subject": "1002"},
        {"provider": "gh", "subject": "7"},
    ]
    assert converted.names == ("g", "gh")
    assert converted.left == ()


@pytest.mark.parametrize(
    ("account", "code"),
    [
        (("slack", "U1", ""), "provider_not_mapped"),
        (("google", "ada@example.org", ""), "uid_is_address"),
        (("google", "ada", "email"), "uid_is_address"),
        (("google", "", ""), "uid_is_address"),
    ],
)
def test_an_account_that_ory_would_not_recognize_does_not_move(account: tuple[str, str, str], code: str) -> None:
    converted = convert_accounts([account], {"google": "g"})
    assert converted.providers == ()
    assert [notice.code for notice in converted.left] == [code]
    assert "ada" not in repr(converted)
