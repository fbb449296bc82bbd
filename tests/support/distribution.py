"""Checks the sdist and the wheels: ``python -m tests.support.distribution DIST AGAIN``.

DIST holds the sdist and the wheel that was built from it, AGAIN the wheel that was built from the checkout.
"""

from __future__ import annotations

import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
NEEDED = {
    "ory_auth/py.typed",
    "ory_auth/locale/de/LC_MESSAGES/django.mo",
    "ory_auth/migrations/0001_initial.py",
    "ory_auth/static/ory_auth/ory_auth.css",
    "ory_auth/templates/ory_auth/base.html",
}
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def files_in(folder: Path) -> set[str]:
    found = (path.relative_to(ROOT) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.as_posix() for path in found}


def check_wheel(wheel: Path) -> Iterator[str]:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {name for name in names if name.startswith("ory_auth/")}
    yield from (f"{name} is not in the wheel" for name in sorted((NEEDED | files_in(ROOT / "ory_auth")) - package))
    yield from (f"{name} is in the wheel" for name in sorted(package - files_in(ROOT / "ory_auth")))
    yield from (f"{name} is in the wheel" for name in sorted(names - package) if ".dist-info/" not in name)


def check_sdist(sdist: Path) -> Iterator[str]:
    with tarfile.open(sdist) as archive:
        names = {PurePosixPath(*PurePosixPath(name).parts[1:]).as_posix() for name in archive.getnames()}
    wanted = {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        *files_in(ROOT / "ory_auth"),
        *files_in(ROOT / "tests"),
    }
    yield from (f"{name} is not in the sdist" for name in sorted(wanted - names))
    for link in LINK.findall((ROOT / "README.md").read_text()):
        if link not in names:
            yield f"README.md leads to {link}, which is not in the sdist"


def content(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def check_all(dist: Path, again: Path) -> Iterator[str]:
    [wheel], [sdist], [direct] = dist.glob("*.whl"), dist.glob("*.tar.gz"), again.glob("*.whl")
    yield from check_wheel(wheel)
    yield from check_sdist(sdist)
    if content(wheel) != content(direct):
        yield "the wheel from the sdist is not the wheel from the checkout"


if __name__ == "__main__":
    sys.exit("\n".join(check_all(*map(Path, sys.argv[1:]))) or None)
