"""Do what a page says, step by step, and compare what comes of it with what the page says."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
import time
from collections import defaultdict
from functools import cache
from pathlib import Path

from pyotp import TOTP

from .page import DOCS, Beginning, Command, Deed, File, Step, Unknown, steps
from .reader import Reader
from .terminal import PORTS, Terminal

SHOP = Path(__file__).with_name("shop")
PREPARING = re.compile(r"cd |django-admin |python manage\.py (startapp|migrate)")
SOON = 10  # seconds in which a server has to say what the page shows


def run(page: Path, directory: Path) -> None:
    """Raises ``AssertionError``, with the page and the line, where something is not as the page says."""
    with Terminal(directory) as terminal:
        follow(page, terminal)


@cache
def _tutorial() -> Path:
    """The project that the tutorial ends with, made once for each process of the tests: files and tables."""
    directory = Path(tempfile.mkdtemp(prefix="django-ory-docs-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    with Terminal(directory, {port: port for port in PORTS}) as terminal:
        follow(DOCS / "tutorial.md", terminal, only_files=True)
        return terminal.here


def follow(page: Path, terminal: Terminal, *, only_files: bool = False) -> None:
    """``only_files``: no server, no browser; the page is also run by itself."""
    phone: list[TOTP] = []
    site, app = terminal.own("localhost:8000"), terminal.own("http://localhost:5173/")
    people: dict[str, Reader] = defaultdict(lambda: Reader(site, phone, app, terminal.here / "spa"))
    for step in steps(page):
        try:
            if not only_files or _prepares(step):
                _do(step, terminal, people)
        except Exception as error:
            raise AssertionError(f"{page.relative_to(DOCS.parent)}, line {step.line}: {error}") from error


def _prepares(step: Step) -> bool:
    return isinstance(step, File) or (isinstance(step, Command) and PREPARING.match(step.text) is not None)


def _do(step: Step, terminal: Terminal, people: dict[str, Reader]) -> None:
    match step:
        case Beginning(project="the tutorial"):
            terminal.copy(_tutorial())
        case Beginning(project="the shop"):
            terminal.copy(SHOP)
        case File():
            terminal.write(step.path, step.text, at_the_end=step.at_the_end)
        case Command():
            shown = terminal.own(step.prints)
            printed = terminal.type(step.text)
            deadline = time.monotonic() + SOON
            while not is_shown(shown, printed) and terminal.is_serving(step.text) and time.monotonic() < deadline:
                time.sleep(0.05)
                printed = terminal.said(step.text)
            assert is_shown(shown, printed), f"$ {step.text}\nprints\n{printed}\nand the page shows\n{shown}"
        case Deed():
            terminal.settle()
            people[step.who].do(terminal.own(step.text))
        case Beginning():
            raise AssertionError(f"there is no project {step.project!r} to begin with")
        case Unknown():
            raise AssertionError(
                f"what is to be done with this block ({step.language or 'no language'})? Name its file in a comment in "
                "its first line, make it a console block, or put <!-- not run: why --> before it. What a reader does "
                "in the browser is <!-- reader: ... -->."
            )


def is_shown(shown: str, printed: str) -> bool:
    """Whether this is what was printed; ``...`` stands for anything, and an empty text matches everything."""
    if not shown.strip():
        return True
    wanted = [re.escape(part) for part in _tidy(shown).split("...")]
    return re.fullmatch(r".*?".join(wanted), _tidy(printed), re.DOTALL) is not None


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
