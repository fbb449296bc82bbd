"""Draw what a command printed, with its colours, as an SVG of a terminal."""

from __future__ import annotations

import re
from html import escape

COLUMNS = 100
CHARACTER, LINE, MARGIN, TOP = 8.43, 20, 20, 52  # pixels
COLOURS = {"31": "#ff8a80", "32": "#8bd5a0", "33": "#ffd479", "36": "#80cbe8"}
ESCAPE = re.compile(r"\x1b\[([\d;]*)m")


def svg(command: str, output: str) -> str:
    """``output`` may hold ANSI colours. Long lines are wrapped."""
    lines = [f"$ {command}", *(piece for line in output.splitlines() for piece in _wrapped(line))]
    width, height = round(COLUMNS * CHARACTER + 2 * MARGIN), TOP + len(lines) * LINE + MARGIN
    rows = "\n".join(
        f'<text x="{MARGIN}" y="{TOP + number * LINE}" xml:space="preserve">{line}</text>'
        for number, line in enumerate(_coloured(lines))
    )
    dots = "".join(
        f'<circle cx="{MARGIN + 6 + 20 * number}" cy="22" r="6" fill="{colour}"/>'
        for number, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace" font-size="14" '
        f'fill="#e6e6e6">\n<rect width="100%" height="100%" rx="10" fill="#1e2227"/>\n{dots}\n{rows}\n</svg>\n'
    )


def _wrapped(line: str) -> list[str]:
    """The line in pieces of at most ``COLUMNS`` visible characters, with the indent of its last column."""
    visible = ESCAPE.sub("", line)
    if len(visible) <= COLUMNS:
        return [line]
    columns = re.match(r"\S+\s+\S.*?\s{2,}(?:[\d.]+ m?s\s+)?", visible)
    indent = " " * (columns.end() if columns else 2)
    pieces: list[str] = [""]
    for word in re.split(r"(?<=\s)(?=\S)", line):
        if len(ESCAPE.sub("", pieces[-1] + word).rstrip()) > COLUMNS:
            pieces.append(indent)
        pieces[-1] += word
    return [piece.rstrip() for piece in pieces]


def _coloured(lines: list[str]) -> list[str]:
    """Each line as the content of a ``<text>``. A colour lasts until it is changed, also over the end of a line."""
    rows, colour = [], ""
    for line in lines:
        row = ""
        for number, part in enumerate(ESCAPE.split(line)):
            if number % 2:
                colour = next((COLOURS[code] for code in part.split(";") if code in COLOURS), "")
            elif part:
                row += f'<tspan fill="{colour}">{escape(part)}</tspan>' if colour else escape(part)
        rows.append(row)
    return rows
