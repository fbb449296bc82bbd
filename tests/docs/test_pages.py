"""What the tutorial and the how-to guides say is done: files written, commands typed, the browser sent round."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .page import DOCS, Command, Deed, File, NotRun, steps
from .run import run

PAGES = [DOCS / "tutorial.md", *sorted((DOCS / "how-to").glob("*.md"))]
NAMES = [str(page.relative_to(DOCS)) for page in PAGES]
NOT_RUN = [(page, step) for page in PAGES for step in steps(page) if isinstance(step, NotRun)]


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path) -> None:
    found = list(steps(page))
    if not found:
        return
    typed = [step.text.split()[0] for step in found if isinstance(step, Command)]
    scripts = any("runs " in step.text for step in found if isinstance(step, Deed))
    compiles = any("compilemessages" in step.text for step in found if isinstance(step, Command))
    for tool, needed in (("curl", "curl" in typed), ("node", scripts), ("msgfmt", compiles)):
        if needed and shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    run(page, tmp_path)


@pytest.mark.parametrize(("page", "step"), NOT_RUN, ids=[f"{page.stem}-{step.line}" for page, step in NOT_RUN])
def test_a_block_that_is_not_run_says_why(page: Path, step: NotRun) -> None:
    assert len(step.reason) > 10
    pytest.skip(f"docs/{page.relative_to(DOCS)}, line {step.line}: {step.reason}")


def test_the_single_page_app_is_the_one_in_contrib() -> None:
    """It is also run in Chromium (``tests/browser/test_single_page_app.py``)."""
    files = [step for step in steps(DOCS / "how-to" / "single-page-app.md") if isinstance(step, File)]
    shown = {Path(file.path).name: file.text for file in files}
    for path in (DOCS.parent / "contrib" / "spa").iterdir():
        assert shown[path.name] == path.read_text(), path.name
