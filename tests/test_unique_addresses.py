"""Which addresses are unique, and whether one is needed, is for the user model's own constraints to say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
TAKEN = [403, "email_conflict"]
KIM = [200, "kim@example.org"]
# Two people without an address, then one with, and one who claims the same.
EXPECTED = {
    "null": [[200, None], [200, None], KIM, TAKEN],
    "condition": [[200, ""], [200, ""], KIM, TAKEN],
    "expression": [[200, ""], [200, ""], KIM, TAKEN],
    "two fields": [[200, ""], TAKEN, KIM, TAKEN],  # both are of the same organisation
    "plain": [TAKEN, TAKEN, KIM, TAKEN],
}


def test_with_debug_a_required_field_without_a_value_is_named() -> None:
    [(status, found), *_] = people_of("a required birthday")
    assert status == 503
    assert found["title"] == "The new user could not be saved (people.Person)"
    assert "These fields have no value: birthday." in found["cause"]
    assert "ORY_AUTH['USER_FIELDS']" in found["fix"]


@pytest.mark.parametrize("mode", EXPECTED)
def test_the_models_own_constraints_decide(mode: str) -> None:
    assert people_of(mode) == EXPECTED[mode]


def people_of(mode: str) -> Any:
    command = [sys.executable, "-W", "error", "-m", "tests.support.constraints_project", mode]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
