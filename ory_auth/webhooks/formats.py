"""Prints the hooks: as YAML for Kratos, or as a command of Ory's CLI for Ory Network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .configuration import PLACEHOLDER, iterate_lists


def as_yaml(hooks: Mapping[str, Any]) -> str:
    """YAML in which equal lists of a flow are written once, with an anchor."""
    flows = hooks["selfservice"]["flows"]
    lines = ["selfservice:", "  flows:"]
    for flow, parts in flows.items():
        lines += [f"    {flow}:", "      after:", *_indent(_after(flow, parts["after"]), 8)]
    return "\n".join(lines) + "\n"


def _after(flow: str, after: Mapping[str, Any]) -> Iterator[str]:
    anchors: dict[str, str] = {}  # a list as JSON → the name of its anchor
    for name, part in after.items():
        hooks = part if name == "hooks" else part["hooks"]
        if name == "hooks":
            yield "hooks:"
            yield from _indent(_render(hooks), 2)
            continue
        key = json.dumps(hooks)
        if key in anchors:
            yield f"{name}: *{anchors[key]}"
            continue
        anchors[key] = flow if not anchors else f"{flow}_{name}"
        yield f"{name}: &{anchors[key]}"
        yield "  hooks:"
        yield from _indent(_render(hooks), 4)


def _render(value: Any) -> Iterator[str]:
    """The lines of a list or of an object. A scalar is written as JSON, which is also YAML."""
    if isinstance(value, list):
        for item in value:
            lines = list(_render(item))
            yield f"- {lines[0]}"
            yield from _indent(lines[1:], 2)
    elif isinstance(value, Mapping) and value:
        for name, inner in value.items():
            if isinstance(inner, (list, Mapping)) and inner:
                yield f"{_key(name)}:"
                yield from _indent(_render(inner), 2)
            else:
                yield f"{_key(name)}: {json.dumps(inner)}"
    else:
        yield json.dumps(value)


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)


def _indent(lines: Any, width: int) -> Iterator[str]:
    for line in lines:
        yield " " * width + line


def as_cli_command(hooks: Mapping[str, Any], project: str) -> str:
    """A command for a POSIX shell, which fills in the secret from the environment."""
    lines = [f"ory patch identity-config --project {_quote(project)}"]
    for path, listed in iterate_lists(hooks):
        lines.append("  --add " + _quote(f"{path}={json.dumps(listed, separators=(',', ':'))}"))
    return " \\\n".join(lines) + "\n"


def _quote(text: str) -> str:
    """Quoted for the shell; a placeholder stays one that the shell replaces."""
    parts = text.replace("'", "'\"'\"'").split(PLACEHOLDER)
    return f"'\"{PLACEHOLDER}\"'".join(["'" + parts[0], *parts[1:]]) + "'"
