"""A copy of the package and its tests, in which one guard at a time is taken out."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trials.copies import copy_project

from .guard import Guard, Stale
from .pytests import run_pytest

WHOLE_SUITE = ((), ("--ds=tests.uuid_project.settings", "tests/test_users.py", "tests/test_sign_in.py"))
LIMIT = 600  # seconds for one run of pytest; whoever takes out a time limit may wait for ever
OPTIONS = ("-v", "--tb=no", "-rfE", "-p", "no:cacheprovider")
NO_TEST = "pytest"
MANY = 5  # tests of one run that fail now and then only
BROKEN = ("SyntaxError", "IndentationError", "NameError", "UnboundLocalError", "ImportError")
_VERDICT = re.compile(r"^(tests/\S+?::.+?) (?:FAILED|ERROR)\b", re.MULTILINE)
_BEGUN = re.compile(r"^(tests/\S+?::.+?) $", re.MULTILINE)
_REASON = re.compile(r"^(?:FAILED|ERROR) .+? - (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one guard: ``caught_by`` is the test that failed first, ``why`` its error or what went wrong."""

    guard: Guard
    caught_by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of pytest: the first test that failed (or did not end), and what it said; empty where all passed."""

    failed: str = ""
    reason: str = ""


class Workplace:
    """One copy, for one guard at a time."""

    def __init__(self, root: Path) -> None:
        self._root = root
        copy_project(root)
        # By the sources' hash: two edits within one second would leave bytecode that goes by their times in use.
        compiling = ["-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "ory_auth", "trials"]
        subprocess.run([sys.executable, *compiling], cwd=root, check=True)

    def try_without(self, guard: Guard) -> Finding:
        """Take the guard out, run its tests and then all of them until one fails, and put it back."""
        try:
            code = guard.take_out(self._root)
        except Stale as error:
            return Finding(guard, why=str(error))
        try:
            run = next((run for run in self._runs(guard) if run.failed), Run())
        finally:
            (self._root / "ory_auth" / guard.file).write_text(code)
        if not run.failed:
            return Finding(guard, why="nothing noticed")
        if run.reason.startswith(BROKEN):
            return Finding(guard, why=f"the edit broke the package: {run.reason}")
        if run.failed == NO_TEST:
            return Finding(guard, why=f"the tests do not run: {run.reason}")
        return Finding(guard, run.failed, run.reason)

    def confirmed(self, findings: Sequence[Finding]) -> list[Finding]:
        """The same, but for tests that fail with every guard in its place as well: those have noticed nothing."""
        tests = sorted({finding.caught_by for finding in findings if "::" in finding.caught_by})
        failing = set(_VERDICT.findall(run_pytest(self._root, (*OPTIONS, *tests), LIMIT)[1])) if tests else set()
        return [
            Finding(f.guard, why=f"{f.caught_by} fails with the guard as well") if f.caught_by in failing else f
            for f in findings
        ]

    def _runs(self, guard: Guard) -> Iterator[Run]:
        for arguments in (guard.tests, *WHOLE_SUITE):
            yield self._noticed(guard, arguments)
        if guard.campaign:
            yield self._campaign(guard.campaign)

    def _noticed(self, guard: Guard, arguments: Sequence[str]) -> Run:
        """The first test that fails, and fails again alone: one that does not only fails now and then."""
        unsure: list[str] = []
        while len(unsure) < MANY:
            run = self._pytest(*arguments, *(f"--deselect={test}" for test in unsure))
            if not run.failed or self._again(guard, run).failed:
                return run
            unsure.append(run.failed)
        return Run()

    def _again(self, guard: Guard, run: Run) -> Run:
        return self._campaign(guard.campaign) if run.failed == guard.campaign else self._pytest(run.failed)

    def _campaign(self, name: str) -> Run:
        command = [sys.executable, "-B", "-m", "trials.chaos", "--short", name]
        done = subprocess.run(command, cwd=self._root, capture_output=True, text=True, timeout=LIMIT)
        return Run(name, done.stdout) if done.returncode else Run()

    def _pytest(self, *arguments: str) -> Run:
        status, output = run_pytest(self._root, (*OPTIONS, "-x", *arguments), LIMIT)
        if status is None:
            return Run(_last(_BEGUN, output) or NO_TEST, f"did not end in {LIMIT} seconds")
        if status == 0:
            return Run()
        return Run(_first(_VERDICT, output) or NO_TEST, _first(_REASON, output) or output[-300:])


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""


def _last(pattern: re.Pattern[str], text: str) -> str:
    return next(reversed(pattern.findall(text)), "")


def workplaces(root: Path, number: int) -> Sequence[Workplace]:
    """Copies under ``root``, one for each worker."""
    return [Workplace(root / str(place)) for place in range(number)]
