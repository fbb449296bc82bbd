"""Where the packages are installed: together, or apart if one needs an older version of another."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import venv
from collections.abc import Iterable, Sequence
from pathlib import Path

from stress.processes import ROOT

OURS = ("-e", f"{ROOT}[local,drf,channels,ninja]", "psutil", "django-environ")
APART = Path(sys.prefix) / "apart"


def install(requirements: Iterable[str], python: str = sys.executable) -> list[str]:
    """The newest version of each; returns those that could not be installed."""
    wanted = sorted(set(requirements))
    if _pip(python, "install", "--upgrade", *OURS, *wanted):
        return []
    _pip(python, "install", "--upgrade", *OURS)
    return [each for each in wanted if not _pip(python, "install", "--upgrade", each)]


def outdated(python: str = sys.executable) -> set[str]:
    """The names of what is installed in an older version than the newest, because something else wants that."""
    command = [python, "-m", "pip", "list", "--outdated", "--format=json"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {_name(each["name"]) for each in json.loads(found)}


def python_for(requirements: Sequence[str], held_back: set[str]) -> str:
    """This interpreter, or that of another environment."""
    if held_back.isdisjoint(map(_name, requirements)):
        return sys.executable
    place = APART / "-".join(map(_name, requirements))
    if not place.exists():
        venv.create(place, with_pip=True)
    python = str(place / "bin" / "python")
    install(requirements, python)
    return python


def _name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", requirement.partition("[")[0]).lower()


def _pip(python: str, *arguments: str) -> bool:
    command = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=False).returncode == 0
