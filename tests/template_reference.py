"""The table of templates in ``docs/reference/templates.md``, made of the comment that each template begins with.

python -m tests.template_reference        writes the tables again
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / "ory_auth" / "templates" / "ory_auth"
PAGE = ROOT / "docs" / "reference" / "templates.md"
COMMENT = re.compile(r"\{% comment %\}(.*?)\{% endcomment %\}", re.DOTALL)
DOCUMENTED = re.compile(r"(?P<about>.+?) Context: (?P<context>.+)")


def write_tables() -> str:
    """The page, with its tables of pages and of parts as they have to be now."""
    text = PAGE.read_text()
    for title, names in (("Pages", list_pages()), ("Parts", list_parts())):
        start = text.index(f"## {title}\n")
        table = text.index("\n| ", start)
        end = text.find("\n\n", table + 1)
        rows = "\n".join(write_row(name) for name in names)
        head = "| template | what it shows, and its context | blocks |\n|---|---|---|"
        text = f"{text[:table]}\n{head}\n{rows}{text[end:] if end > 0 else chr(10)}"
    return text


def list_pages() -> list[str]:
    """Templates that views render, or that these extend."""
    return [name for name in _names() if re.fullmatch(r"[a-z]\w*\.html", name)]


def list_parts() -> list[str]:
    """Templates that others include."""
    return [name for name in _names() if name not in list_pages()]


def write_row(name: str) -> str:
    blocks = ", ".join(f"`{block}`" for block in read_blocks(name))
    return f"| `{name}` | {read_comment(name)} | {blocks} |"


def read_comment(name: str) -> str:
    """What the template says about itself, in one line."""
    found = COMMENT.search((TEMPLATES / name).read_text())
    assert found, f"{name} begins with no comment"
    text = " ".join(found[1].split()).split(" Blocks: ")[0]
    assert DOCUMENTED.fullmatch(text), f"the comment of {name} does not say its context: {text}"
    return re.sub(r"(\{%.*?%\})", r"`\1`", text).replace("|", "\\|").replace("<", "&lt;")


def read_blocks(name: str) -> list[str]:
    return re.findall(r"\{% block (\w+) %\}", (TEMPLATES / name).read_text())


def _names() -> Iterator[str]:
    for path in sorted(TEMPLATES.rglob("*.html")):
        yield str(path.relative_to(TEMPLATES))


if __name__ == "__main__":
    PAGE.write_text(write_tables())
