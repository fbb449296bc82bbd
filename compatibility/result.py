"""The result of one package or server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compatibility.package import OWN, Package, Verdict
from compatibility.servers import Server


@dataclass(frozen=True)
class Result:
    name: str
    note: str
    expected: Verdict
    versions: Mapping[str, str]
    problems: Sequence[str]
    seconds: float

    @classmethod
    def of(
        cls, tried: Package | Server, versions: Mapping[str, str], problems: Sequence[str], seconds: float
    ) -> Result:
        return cls(tried.name, tried.note, tried.verdict, versions, problems, seconds)

    @property
    def is_as_expected(self) -> bool:
        """Nothing is wrong except what the table says."""
        if self.expected is Verdict.FAILS:
            return bool(self.problems) and all(problem.startswith(OWN) for problem in self.problems)
        return not self.problems

    @property
    def verdict(self) -> Verdict:
        if self.is_as_expected:
            return self.expected
        return Verdict.FAILS if self.problems else Verdict.WORKS

    def lines(self) -> list[str]:
        """For the terminal."""
        versions = " ".join(filter(None, self.versions.values()))
        mark = "ok  " if self.is_as_expected else "FAIL"
        first = f"{mark} {self.name:34} {versions:20} {self.verdict} ({self.seconds:.0f} s)"
        if self.is_as_expected:
            return [first]
        if not self.problems:
            return [f"{first}: the catalogue says that it does not"]
        return [first, *(f"       {problem}" for problem in self.problems)]
