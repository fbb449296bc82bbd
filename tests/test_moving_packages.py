"""Second factors and social accounts as other packages store them; run if those packages are installed."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ["django_otp", "allauth", "fido2", "qrcode", "social_django"]
missing = [name for name in PACKAGES if find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@cache
def moved() -> dict[str, Any]:
    """What has happened to each user of ``tests.support.moving_project``."""
    command = [sys.executable, "-m", "tests.support.moving_project"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("name", ["otp", "allauth"])
def test_people_use_the_second_factors_that_they_had(name: str) -> None:
    user = moved()[name]
    assert (user["problems"], user["second_factors"]) == ([], ["totp", "lookup_secret"])
    assert user["levels"][:2] == ["403 aal2", "403 aal2"], "the password alone is not enough, then each factor works"


def test_a_recovery_code_that_was_used_does_not_work() -> None:
    assert moved()["allauth"]["levels"][2] == "403 400"


def test_security_keys_and_passkeys_work_as_before() -> None:
    assert moved()["key"]["second_factors"] == ["lookup_secret", "webauthn"]
    assert moved()["key"]["levels"] == ["aal2"]
    assert moved()["passkey"]["second_factors"] == ["passkey"]
    assert moved()["passkey"]["levels"] == ["aal1"]


@pytest.mark.parametrize("name", ["broken", "digits", "hotp", "refused"])
def test_a_second_factor_that_cannot_move_keeps_the_person_here(name: str) -> None:
    assert set(moved()[name]["problems"]) == {"second_factor_lost"}


def test_a_factor_that_cannot_move_is_a_warning_if_another_one_moves() -> None:
    user = moved()["both"]
    assert (user["problems"], user["warnings"], user["levels"]) == ([], ["second_factor_lost"], ["403 aal2"])


def test_recovery_codes_move_alone_only_if_there_was_nothing_else() -> None:
    assert moved()["codes"]["second_factors"] == ["lookup_secret"]
    assert moved()["digits"]["second_factors"] == []


def test_a_device_that_was_never_confirmed_is_left_out() -> None:
    assert moved()["unconfirmed"]["levels"] == ["aal1"]


def test_social_accounts_move_unless_they_are_stored_by_address_or_not_mapped() -> None:
    user = moved()["social"]
    assert user["oidc"] == ["fake:1001", "other:77"]
    assert user["warnings"] == ["provider_not_mapped", "uid_is_address"]


def test_addresses_are_verified_as_allauth_says() -> None:
    assert moved()["verified"]["verified"] == [True]
    assert moved()["social"]["verified"] == [False]


def test_no_repr_shows_a_secret() -> None:
    text = json.dumps([user["shown"] for user in moved().values()])
    assert "example.org" not in text
    assert "3132333435" not in text
    assert "JBSWY3DP" not in text
    assert "GEZDGNBV" not in text
