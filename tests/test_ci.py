"""The hosted workflow runs the steps of ``.ci/run``, with pinned actions and few rights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    return loaded


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_the_workflow_runs_each_step_of_the_local_script(workflow: dict[str, Any]) -> None:
    local = set(re.findall(r"^make ([\w-]+)", (ROOT / ".ci/run").read_text(), re.MULTILINE))
    hosted = {found[1] for step in steps(workflow) if (found := re.match(r"make ([\w-]+)", step.get("run", "")))}
    assert local == hosted


def test_the_workflow_runs_each_session_of_the_matrix(workflow: dict[str, Any]) -> None:
    hosted = {entry["session"] for entry in workflow["jobs"]["matrix"]["strategy"]["matrix"]["include"]}
    pairs = set(re.findall(r'nox\.param\(.*id="([\w.-]+)"', (ROOT / "noxfile.py").read_text()))
    # `make test` runs on Python 3.11, for which requirements.txt has Django 5.2.
    assert hosted == {f"tests({pair})" for pair in pairs - {"5.2"}} | {"without_optional_libraries"}


def test_actions_are_pinned_and_cannot_write(workflow: dict[str, Any]) -> None:
    actions = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert [action for action in actions if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
