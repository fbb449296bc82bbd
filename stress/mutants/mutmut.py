"""mutmut, run over one module of a copy of this project."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stress.copies import copy_project

LIMIT = 4 * 3600  # seconds for one module
_SURVIVED = re.compile(r"^\s*(\S+): (?:survived|no tests|suspicious)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Survivor:
    """One change that no test noticed: the function, its lines before and after."""

    function: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Harvest:
    """How many changes were made, and those that nobody noticed."""

    total: int
    survivors: tuple[Survivor, ...]


def mutate(module: str, tests: Sequence[str], root: Path, *, jobs: int) -> Harvest:
    """Change ``ory_auth/<module>.py`` in a copy under ``root`` in every way that mutmut knows."""
    copy_project(root)
    with (root / "pyproject.toml").open("a") as settings:
        settings.write(_settings(module, tests, root))
    _mutmut(root, "run", "--max-children", str(jobs), quiet=not sys.stderr.isatty())
    _mutmut(root, "export-cicd-stats")
    counted = json.loads((root / "mutants" / "mutmut-cicd-stats.json").read_text())
    return Harvest(counted["total"], tuple(_survivors(root)))


def _settings(module: str, tests: Sequence[str], root: Path) -> str:
    copied = sorted(path.name for path in root.iterdir() if path.name not in {"ory_auth", "tests", "pyproject.toml"})
    values = {
        "source_paths": ["ory_auth"],
        "only_mutate": [f"ory_auth/{module}.py"],
        "also_copy": copied,
        "pytest_add_cli_args": ["--hypothesis-seed=0"],  # the same examples for every change
        "pytest_add_cli_args_test_selection": list(tests),
    }
    return "\n[tool.mutmut]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())


def _survivors(root: Path) -> Iterator[Survivor]:
    for name in _SURVIVED.findall(_mutmut(root, "results")):
        diff = _mutmut(root, "show", name).splitlines()
        changed = [line for line in diff if re.match(r"[-+](?![-+]{2} )", line)]
        before, after = ("\n".join(line[1:].strip() for line in changed if line[0] == sign) for sign in "-+")
        function = name.rpartition(".")[2].partition("__mutmut_")[0].removeprefix("x_").removeprefix("xǁ")
        yield Survivor(function.replace("ǁ", "."), before, after)


def _mutmut(root: Path, *arguments: str, quiet: bool = True) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE if quiet else sys.stderr, text=True, timeout=LIMIT)
    if done.returncode:
        raise SystemExit(f"mutmut {arguments[0]} ended with {done.returncode}:\n{(done.stdout or '')[-3000:]}")
    return done.stdout or ""
