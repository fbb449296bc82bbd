"""Linking ends what other packages let people in with; run where all of them are installed."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ["knox", "oauth2_provider", "rest_framework_simplejwt", "allauth", "social_django"]
missing = [name for name in PACKAGES if find_spec(name) is None]


@pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")
def test_a_previous_owner_of_the_account_keeps_no_credential() -> None:
    command = [sys.executable, "-m", "tests.support.credentials_project"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    response = json.loads(done.stdout)
    stays = {"oauth2_provider.Application": 1, "account.EmailAddress": 1, "blacklisted": 1}
    assert {label: count for label, count in response["linked"].items() if count} == stays
    assert {label for label, count in response["other"].items() if not count} == {"blacklisted"}
