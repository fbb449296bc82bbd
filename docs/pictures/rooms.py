"""Draw the packages of ory_auth and their imports as ``rooms.svg``: ``python docs/pictures/rooms.py``.

An arrow means "imports". Arrows that follow from others are left out: if A imports B and B imports C, A may import C.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from graphlib import TopologicalSorter
from html import escape
from pathlib import Path

import grimp

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent.parent / "ory_auth"
sys.path.insert(0, str(PACKAGE.parent))
TOP, GROUND = "middleware, mixins, …", "conf, events, types, …"
# In this order from left to right.
ABOUT = {
    "checks": "manage.py check",
    "management": "commands",
    "ory_check": "manage.py ory_check",
    "synchronization": "manage.py ory_sync",
    "admin": "Django's admin",
    "testing": "tests of your project",
    "local": "the local Ory",
    TOP: "imported by your project",
    "responses": "guards and refusals",
    "pages": "what browsers see",
    "impersonation": "the site as another user",
    "templatetags": "template tags",
    "gateway": "browsers' calls to Ory",
    "webhooks": "calls by Ory",
    "moving": "moving users to Ory",
    "identities": "identities from Python",
    "request": "one Django request",
    "sessions": "from credential to session",
    "users": "the shadow user",
    "ory": "calls to Ory",
    GROUND: "shared by those above",
    "process": "forks and event loops",
}
WIDTH, HEIGHT, GAP, RISE = 190, 50, 24, 96  # pixels

Graph = dict[str, set[str]]


def imports() -> Graph:
    """Room → the rooms that it imports. The modules at the top are two rooms."""
    modules = grimp.build_graph("ory_auth", cache_dir=None)
    direct = {module: modules.find_modules_directly_imported_by(module) for module in modules.modules}
    ground = _ground(direct)
    graph: Graph = defaultdict(set)
    for module, imported in direct.items():
        room = _room(module, ground)
        if room:
            graph[room] |= {other for name in imported if (other := _room(name, ground)) and other != room}
    return dict(graph)


def _ground(direct: dict[str, set[str]]) -> set[str]:
    """The modules at the top that import nothing but each other and ``process``."""
    ground = {module for module in direct if module.count(".") == 1 and not _is_package(module)}
    while unfit := {module for module in ground if not all(_is_below(name, ground) for name in direct[module])}:
        ground -= unfit
    return ground


def _is_below(module: str, ground: set[str]) -> bool:
    return module in ground or module == "ory_auth" or module.startswith("ory_auth.process")


def _is_package(module: str) -> bool:
    return (PACKAGE / module.split(".")[1]).is_dir()


def _room(module: str, ground: set[str]) -> str:
    if module == "ory_auth" or module.startswith("ory_auth.migrations"):
        return ""
    if module == "ory_auth.pytest_plugin":  # pytest finds it at the top
        return "testing"
    if _is_package(module):
        return module.split(".")[1]
    return GROUND if module in ground else TOP


def reduced(graph: Graph) -> Graph:
    """Without the arrows that follow from others."""
    reached: Graph = {}
    for room in TopologicalSorter(graph).static_order():
        reached[room] = set().union(*({other} | reached[other] for other in graph[room]))
    return {
        room: {other for other in others if not any(other in reached[between] for between in others - {other})}
        for room, others in graph.items()
    }


def floors(graph: Graph) -> list[list[str]]:
    """The rooms from top to bottom: each above those that it imports, and not lower than needed."""
    height: dict[str, int] = {}
    for room in TopologicalSorter(graph).static_order():
        height[room] = max((height[other] + 1 for other in graph[room]), default=0)
    for room in [room for room in graph if not graph[room]]:
        height[room] = min((height[user] for user in graph if room in graph[user]), default=1) - 1
    order = list(ABOUT)
    levels = sorted(set(height.values()), reverse=True)
    return [sorted((room for room in height if height[room] == level), key=order.index) for level in levels]


def svg() -> str:
    graph = imports()
    arrows, levels = reduced(graph), floors(graph)
    width = max(len(level) for level in levels) * (WIDTH + GAP) + GAP
    place = {
        room: (width / 2 + (number - (len(level) - 1) / 2) * (WIDTH + GAP), GAP + depth * RISE)
        for depth, level in enumerate(levels)
        for number, room in enumerate(level)
    }
    lines = [
        f'<path d="M{x:g},{y + HEIGHT:g} C{x:g},{y + HEIGHT + 30:g} {to_x:g},{to_y - 34:g} {to_x:g},{to_y - 4:g}"/>'
        for room, (x, y) in sorted(place.items())
        for to_x, to_y in (place[other] for other in sorted(arrows[room]))
    ]
    boxes = [
        f'<g transform="translate({x - WIDTH / 2:g},{y:g})"><rect width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text x="{WIDTH / 2:g}" y="21" font-weight="600">{escape(room)}</text>'
        f'<text x="{WIDTH / 2:g}" y="39" font-size="12">{escape(ABOUT[room])}</text></g>'
        for room, (x, y) in sorted(place.items())
    ]
    height = GAP * 2 + (len(levels) - 1) * RISE + HEIGHT
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
            f'height="{height:g}" font-family="system-ui, sans-serif" font-size="14" text-anchor="middle">',
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
            'orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#66707a"/></marker></defs>',
            '<rect width="100%" height="100%" rx="8" fill="#fff"/>',
            '<g fill="none" stroke="#66707a" stroke-width="1.4">',
            *(line.replace("/>", ' marker-end="url(#arrow)"/>') for line in lines),
            '</g>\n<g fill="#1d2328">',
            *(box.replace("<rect", '<rect fill="#eef3f3" stroke="#1f5f5b"') for box in boxes),
            "</g>\n</svg>\n",
        ]
    )


if __name__ == "__main__":
    (HERE / "rooms.svg").write_text(svg())
    print("docs/pictures/rooms.svg")
