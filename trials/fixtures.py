"""How long the fixtures ``ory`` and ``ory_login`` take to set up: ``python -m trials.fixtures [TESTS]``."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import pytest

TESTS = 400
CODE = """
import pytest


@pytest.mark.parametrize("number", range({number}))
def test_with(client, ory_login, number):
    ory_login(client, aal="aal2")
    assert client.get("/guarded").status_code == 200


@pytest.mark.parametrize("number", range({number}))
def test_without(client, db, settings, number):
    assert client.get("/silent").status_code == 200
"""


class Stopwatch:
    """Notes how long each test was set up and torn down, in milliseconds."""

    def __init__(self) -> None:
        self.seen: dict[str, list[float]] = {"test_with": [], "test_without": []}
        self._begun = 0.0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            sys.exit(report.longreprtext)
        if report.when == "setup":
            self._begun = report.duration
        elif report.when == "teardown":
            name = report.nodeid.rpartition("::")[2].partition("[")[0]
            self.seen[name].append((self._begun + report.duration) * 1000)


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else TESTS
    stopwatch = Stopwatch()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "test_fixtures.py")
        path.write_text(CODE.format(number=number))
        given = ["-qq", "--no-header", "-p", "ory_auth.pytest_plugin", "-p", "no:cacheprovider"]
        pytest.main([*given, "--ds=tests.project.settings", "--rootdir", directory, str(path)], plugins=[stopwatch])
    print("\nset-up and tear-down of a test, ms")
    for name, times in stopwatch.seen.items():
        first, rest = times[0], sorted(times[1:])
        print(
            f"{name:13} median {statistics.median(rest):6.2f}   99th {rest[int(len(rest) * 0.99)]:6.2f}"
            f"   the first {first:8.1f}   of {len(times)}"
        )


if __name__ == "__main__":
    main()
