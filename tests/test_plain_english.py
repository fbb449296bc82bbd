"""The documents, the code and its comments are free of the phrases in ``tests/plain_english.py``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plain_english import all_files, is_read, problems


def test_no_file_has_a_banned_phrase() -> None:
    assert [problem for path in all_files() if is_read(path) for problem in problems(path)] == []


@pytest.mark.parametrize(
    "text",
    [
        "Here is what there\nis.",
        "Whoever asks",
        "Mended",
        "# in a thread of its\n# own.",
        "It does that as well.",
        "Start anew",
    ],
)
def test_a_banned_phrase_is_found(text: str, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(text)
    assert list(problems(path))


@pytest.mark.parametrize(
    "text",
    [
        "its own cache",
        "as well as Ory",
        "We recommend it.",
        "in an event loop, where nothing may block",
        "of its owner",
    ],
)
def test_plain_sentences_pass(text: str, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(text)
    assert list(problems(path)) == []
