"""A Sphinx extension: the built site has a Markdown copy of every page, and ``llms.txt``, which lists them.

https://llmstxt.org describes the file. The pages are Markdown already, so a copy is the source of its page, with three
changes: included files and API descriptions are written out, and tables of contents are left out.
"""

from __future__ import annotations

import posixpath
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

BLOCK = re.compile(r"^```\{(toctree|include|eval-rst)\} ?(.*?)\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
DESCRIBED = re.compile(r"^\.\. [\w:]+:: (\S+)\n((?: +.*\n|\n)*)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)]*)?\)")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_config_value("llms_summary", "", "")
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write(app: Sphinx, failure: Exception | None) -> None:
    if failure or app.builder.format != "html":
        return
    out = Path(app.outdir)
    lines = [f"# {app.config.project}", "", f"> {app.config.llms_summary}", "", "## Pages", ""]
    for page in _in_order(app):
        copy = out / f"{page}.md"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(_markdown(app, page))
        link = f"- [{app.env.titles[page].astext()}]({page}.md)"
        lines.append(": ".join(filter(None, [link, _first_sentence(app.env.get_doctree(page))])))
    (out / "llms.txt").write_text("\n".join(lines) + "\n")


def _in_order(app: Sphinx) -> list[str]:
    """All pages, in the order of the table of contents."""
    root = app.config.root_doc
    order = [root]

    def follow(page: str) -> None:
        for child in app.env.toctree_includes.get(page, ()):
            order.append(child)
            follow(child)

    follow(root)
    if missing := app.env.found_docs - set(order):
        raise ExtensionError(f"llms.txt lacks {', '.join(sorted(missing))}: they are in no table of contents")
    return order


def _first_sentence(tree: nodes.document) -> str:
    paragraph = next((node for node in tree.findall(nodes.paragraph) if isinstance(node.parent, nodes.section)), None)
    text = " ".join(paragraph.astext().split()) if paragraph else ""
    return re.split(r"(?<=[.?])\s", text)[0].rstrip(":")


def _markdown(app: Sphinx, page: str) -> str:
    source = Path(app.env.doc2path(page))
    tree = app.env.get_doctree(page)

    def written_out(block: re.Match[str]) -> str:
        kind, target, body = block.groups()
        if kind == "toctree":
            return ""
        if kind == "eval-rst":
            return "\n\n".join(_described(tree, body)) + "\n"
        included = (source.parent / target).read_text()
        if prefix := re.search(r":relative-docs: (\S+)", body):
            included = included.replace(f"]({prefix[1]}", f"]({'../' * page.count('/')}")
        return included

    text = BLOCK.sub(written_out, source.read_text()).strip() + "\n"
    return LINK.sub(lambda link: f"]({_copied(app, page, link[1])}{link[2] or ''})", text)


def _copied(app: Sphinx, page: str, target: str) -> str:
    """A link for the built site. What is neither a page nor an image of the site is copied beside the page."""
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
    if path.endswith(".md"):
        if path.removesuffix(".md") not in app.env.found_docs:
            raise ExtensionError(f"{page}: the link to {target} leads out of the site")
        return target
    copy = Path(app.outdir) / path
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(app.srcdir) / path, copy)
    return target


def _described(tree: nodes.document, directives: str) -> Iterator[str]:
    """The descriptions that autodoc made for these directives."""
    signatures = {name: node for node in tree.findall(addnodes.desc_signature) for name in node["ids"]}
    for directive in DESCRIBED.finditer(directives):
        name, options = directive.groups()
        members = re.search(r":members: (.+)", options)
        inner = [f"{name}.{member.strip()}" for member in members[1].split(",")] if members else []
        for full in [name] if name in signatures else inner:
            yield from _lines(signatures[full].parent)


def _lines(node: Any) -> Iterator[str]:
    """The blocks of a description in Markdown."""
    for child in node.children:
        if isinstance(child, addnodes.desc_signature):
            yield f"### `{' '.join(child.astext().split())}`"
        elif isinstance(child, addnodes.desc | addnodes.desc_content):
            yield from _lines(child)
        elif isinstance(child, nodes.literal_block):
            yield f"```\n{child.astext()}\n```"
        elif isinstance(child, nodes.bullet_list):
            yield "\n".join(f"- {_inline(item)}" for item in child.children)
        elif isinstance(child, nodes.paragraph):
            yield _inline(child)


def _inline(node: Any) -> str:
    if isinstance(node, nodes.literal):
        return f"`{node.astext()}`"
    if isinstance(node, nodes.Text):
        return node.astext().replace("\n", " ")
    return "".join(_inline(child) for child in node.children)
