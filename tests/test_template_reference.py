"""The reference of the templates is the one that the templates themselves give."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import template_reference
from tests.template_reference import PAGE, TEMPLATES


def test_the_reference_lists_each_template_with_its_context_and_blocks() -> None:
    assert PAGE.read_text() == template_reference.write_tables(), "run: python -m tests.template_reference"


@pytest.mark.parametrize("name", ["flow.html", "flow_gone.html", "no_second_factor.html"])
def test_a_page_of_a_flow_can_be_a_part_of_another_page(name: str) -> None:
    assert (TEMPLATES / name).read_text().startswith('{% extends ory_base|default:"ory_auth/base.html" %}')


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_a_template_has_no_inline_script_or_style(path: Path) -> None:
    text = path.read_text()
    styles = () if path.parent.name == "email" else ("<style", " style=")  # a mail has no stylesheet of its own
    for forbidden in (*styles, " onclick=", " onload=", "javascript:"):
        assert forbidden not in text
    assert text.count("<script") == text.count("<script src=")
