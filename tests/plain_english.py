"""Find the worst habits of our English: ``python -m tests.plain_english [FILES]``. Without files it reads them all.

It knows only phrases that are wrong in every sentence here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (".github", "benchmarks", "compatibility", "contrib", "demo_project", "docs", "ory_auth", "stress", "tests")
SUFFIXES = {".html", ".md", ".py", ".txt"}
NOT_READ = {"_build", "__pycache__", "contract", "plain_english.py", "requirements.txt", "test_plain_english.py"}

ADVICE = {
    r"\bwhat (else )?there is\b|\bwhat is there\b": "name the things",
    r"\bwhoever\b|\bnobody's\b": 'name them: "the caller", "a visitor", "no user"',
    r"(?<!,\s)\bwhere (nobody|nothing|somebody|there is|there are)\b": 'a condition begins with "if"',
    r"\bmend(s|ed|ing)?\b": 'use "fix"',
    r"\banew\b|\bonce more\b": 'use "again"',
    r"\bof (its|their|his|her) own(?=[.,;:)])": 'put "own" before the noun: "its own cache"',
    r"\bas well(?=[.;)])|, too(?=[.;)])": 'put "also" before the verb',
    r"\bat hand\b|\bin its place\b|\bthat is none\b|\bhas to be there\b": "use plain words",
}
# A phrase may continue on the next line, in a comment too.
PATTERNS = [(re.compile(phrase.replace(" ", r"\s+(?:#:?\s+)?"), re.IGNORECASE), say) for phrase, say in ADVICE.items()]


def problems(path: Path) -> Iterator[str]:
    """``path:line: phrase: advice`` for each phrase in a file."""
    text = path.read_text()
    for pattern, advice in PATTERNS:
        for found in pattern.finditer(text):
            line = text.count("\n", 0, found.start()) + 1
            yield f"{path}:{line}: “{' '.join(found[0].split())}”: {advice}"


def all_files() -> Iterator[Path]:
    yield from sorted(ROOT.glob("*.md"))
    for folder in FOLDERS:
        yield from sorted(path for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES)


def is_read(path: Path) -> bool:
    return path.suffix in SUFFIXES and NOT_READ.isdisjoint(path.parts)


def main(arguments: list[str]) -> int:
    files = [Path(argument) for argument in arguments] or [path.relative_to(ROOT) for path in all_files()]
    found = [problem for path in files if is_read(path) for problem in problems(path)]
    print("\n".join(found), file=sys.stderr)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
