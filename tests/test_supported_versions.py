"""The table of supported versions says what the packaging says and what the tests run on."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "supported-versions.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NOXFILE = (ROOT / "noxfile.py").read_text()


def table() -> dict[str, str]:
    """What the table has for each row's name; rows without one belong to the name above."""
    found: dict[str, str] = {}
    name = ""
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("| ") and not line.startswith("| |"):
            name = line.split("|")[1].strip()
        if line.startswith("|") and name:
            found[name] = f"{found.get(name, '')} {line.split('|')[2].strip()}".strip()
    return found


def versions(name: str) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)+", table()[name])


def classified(name: str) -> list[str]:
    return [c.removeprefix(f"{name} :: ") for c in PROJECT["classifiers"] if re.fullmatch(rf"{name} :: \d+\.\d+", c)]


@pytest.mark.parametrize(
    ("row", "classifier"), [("Python", "Programming Language :: Python"), ("Django", "Framework :: Django")]
)
def test_the_table_matches_the_classifiers(row: str, classifier: str) -> None:
    assert versions(row) == classified(classifier)
    assert versions(row)


def test_the_tests_run_on_each_supported_version() -> None:
    pairs = re.findall(r'nox\.param\("([\d.]+)", "([\d.]+)"', NOXFILE)
    assert [python for python, _ in pairs] == versions("Python")
    assert list(dict.fromkeys(django for _, django in pairs)) == versions("Django")
    assert re.findall(r"(\d\.\d+) with (\d\.\d)", DOCUMENT.read_text()) == pairs


def test_installable_versions_are_the_supported_ones() -> None:
    assert PROJECT["requires-python"] == f">={versions('Python')[0]}"
    oldest, newest = versions("Django")[0], versions("Django")[-1]
    above = f"{newest.split('.')[0]}.{int(newest.split('.')[1]) + 1}"
    assert f"django>={oldest},<{above}" in PROJECT["dependencies"]


def test_the_requirements_match_the_table() -> None:
    sdk = versions("Ory's SDK, `ory-client`")[0]
    assert f"ory-client>={sdk}" in PROJECT["dependencies"]
    drf = versions("Django REST framework (optional)")[0]
    assert PROJECT["optional-dependencies"]["drf"] == [f"djangorestframework>={drf}"]


def test_each_recorded_kratos_version_is_in_the_table() -> None:
    recorded = {json.loads(path.read_text()).get("kratos") for path in (ROOT / "tests" / "contract").glob("*.json")}
    assert recorded - {None} <= set(versions("Ory Kratos"))
    assert recorded
