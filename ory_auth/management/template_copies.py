"""Copies of this package's templates in a project, and what has changed since they were copied.

Each copy begins with a comment that names the version it is from. Beside the copies, the folder ``.originals`` keeps
the text as it was copied, because the installed package has only the present one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from enum import Enum
from hashlib import sha256
from pathlib import Path

from .. import __version__
from .merge import CONFLICT_MARKER, Merged, merge

PACKAGE = Path(__file__).resolve().parent.parent / "templates" / "ory_auth"
HEADER = re.compile(r"\{# Copied from django-ory (?P<version>\S+), (?P<digest>[0-9a-f]{12})\..*?#\}\n")


class State(Enum):
    """How a template in the project relates to the one in this package. The value is for people."""

    NOT_COPIED = "not copied"
    CURRENT = "up to date"
    CONFLICT = "has conflicts: look for <<<<<<< in it"
    BEHIND = "changed in django-ory since you copied it"
    REMOVED = "no longer used by django-ory"
    OWN = "not copied by this command, so its changes are not known"


def package_templates() -> dict[str, Path]:
    """The templates of this package, by their names below ``ory_auth/``."""
    return {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.html"))}


@dataclass(frozen=True)
class TemplateCopy:
    """One template, and the file in the project that replaces it. ``folder`` is the project's template folder."""

    folder: Path
    name: str

    @property
    def path(self) -> Path:
        return self.folder / "ory_auth" / self.name

    @property
    def originals(self) -> Path:
        """The folder with the texts as they were copied."""
        return self.folder / "ory_auth" / ".originals"

    @property
    def _original_path(self) -> Path:
        return self.originals / self.name

    @property
    def present(self) -> str | None:
        """The template in the installed package, or ``None`` if it has none of this name."""
        path = package_templates().get(self.name)
        return path.read_text(encoding="utf-8") if path else None

    @property
    def own(self) -> str:
        """The project's version, without the comment."""
        return HEADER.sub("", self.path.read_text(encoding="utf-8"), count=1)

    @property
    def original(self) -> str | None:
        """The text as it was copied; ``None`` if it is lost."""
        header = self._header
        if header is None or not self._original_path.exists():
            return None
        text = self._original_path.read_text(encoding="utf-8")
        return text if _digest(text) == header["digest"] else None

    @property
    def copied_version(self) -> str:
        """The version of this package that it was copied from; empty if it was not copied."""
        header = self._header
        return header["version"] if header else ""

    @property
    def _header(self) -> re.Match[str] | None:
        return HEADER.match(self.path.read_text(encoding="utf-8")) if self.path.exists() else None

    @property
    def state(self) -> State:
        header, present = self._header, self.present
        if not self.path.exists():
            return State.NOT_COPIED
        if present is None:
            return State.REMOVED
        if header is None:
            return State.OWN
        if CONFLICT_MARKER in self.own:
            return State.CONFLICT
        return State.CURRENT if header["digest"] == _digest(present) else State.BEHIND

    @property
    def is_changed(self) -> bool:
        """Whether the project's version differs from the text that was copied."""
        header = self._header
        return header is not None and _digest(self.own) != header["digest"]

    def copy(self) -> None:
        """Write the package's template to the project."""
        assert self.present is not None
        self._write(self.present, self.present)

    def upstream_diff(self) -> str:
        """What has changed in this package since the template was copied."""
        now = f"django-ory {__version__}"
        return _diff(self.original or "", self.present or "", f"{self.name}, django-ory {self.copied_version}", now)

    def own_diff(self) -> str:
        """What the project has changed in its copy."""
        old = f"{self.name}, django-ory {self.copied_version}"
        return _diff(self.original or "", self.own, old, str(self.path))

    def update(self) -> Merged:
        """Put the package's changes into the project's version."""
        assert self.original is not None
        assert self.present is not None
        merged = merge(self.original, self.own, self.present)
        self._write(merged.text, self.present)
        return merged

    def _write(self, own: str, original: str) -> None:
        header = f"{{# Copied from django-ory {__version__}, {_digest(original)}. See manage.py ory_templates. #}}\n"
        for path, text in ((self.path, header + own), (self._original_path, original)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def find_copies(folder: Path) -> Iterator[TemplateCopy]:
    """The project's versions of this package's templates, also of those that the package no longer has."""
    root = folder / "ory_auth"
    for path in sorted(root.rglob("*.html")):
        name = path.relative_to(root).as_posix()
        if not name.startswith(".originals/"):
            yield TemplateCopy(folder, name)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]


def _diff(old: str, new: str, old_name: str, new_name: str) -> str:
    lines = unified_diff(old.splitlines(), new.splitlines(), old_name, new_name, lineterm="")
    return "\n".join(lines)
