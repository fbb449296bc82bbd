"""The findings as a page of the docs."""

from __future__ import annotations

from collections.abc import Sequence

from .workplace import Finding

HEAD = """\
# Guards, and what notices when one is missing

Made by `make guards`, which takes each guard out of a copy of the package, one at a time, and runs the tests until one
fails. It is an error when nothing fails, and when a guard is not found in the code any more.

| guard | what holds with it | module | noticed by |
|---|---|---|---|
"""


def page(findings: Sequence[Finding]) -> str:
    """The page in Markdown, in the order of the catalogue."""
    return HEAD + "".join(f"{_row(finding)}\n" for finding in findings)


def _row(finding: Finding) -> str:
    guard, (module, _, test) = finding.guard, finding.caught_by.partition("::")
    by = f"`{test.partition('[')[0]}` in `{module}`" if test else f"the campaign `{module}`"
    return f"| {guard.name} | {guard.holds} | {guard.file.removesuffix('.py')} | {by} |"
